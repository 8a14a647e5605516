"""Occlusion: a square slides over a picture, and the network answers again at each place."""

import streamlit as st

from ui import lesson, occlusion, prose, shell

shell.guard()

st.title("Occlusion")
st.markdown(prose.words("occlusion")["lede"])
occlusion.render()
lesson.ending("occlusion")
