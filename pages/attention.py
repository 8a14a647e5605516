"""Attention maps: what the tokens of a ViT or a Swin really attend to in a picture."""

import streamlit as st

from ui import attention, evidence, lesson, prose, shell

shell.guard()
evidence.style()

st.title("Attention maps")
st.markdown(prose.words("attention")["lede"])
seen = attention.study()
block, query = attention.board(seen)
attention.whole(seen, block, query)

lesson.ending("attention")
