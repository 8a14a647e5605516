"""Every method that draws a map of the evidence, on one picture, scored beside maps that know nothing."""

import streamlit as st

from ui import lesson, methods, prose, shell

shell.guard()

st.title("Methods side by side")
st.markdown(prose.words("methods")["page"])
methods.render()
st.header("What to believe")
st.markdown(prose.words("methods")["believe"])
lesson.ending("methods")
