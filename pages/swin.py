"""Shifted windows: how Swin lets its windows talk to each other without paying for more of them."""

import streamlit as st

from ui import evidence, lesson, prose, shell, swin

shell.guard()
evidence.style()

st.title("Shifted windows")
st.markdown(prose.words("swin")["lede"])
swin.render()
swin.scales()

lesson.ending("swin")
