"""Evolution: what the maps of a network answer to at every kept epoch of a run (ZFNet's figure 4)."""

import streamlit as st

from ui import evolution, lesson, prose, shell

shell.guard()

st.title("Evolution")
st.markdown(prose.words("evolution")["lede"])
evolution.render()
lesson.ending("evolution")
