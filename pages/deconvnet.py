"""The deconvnet: from one unit back to the pixels, in numbers and in real networks."""

import streamlit as st

from ui import descent, evidence, figure_one, lesson, prose, shell

shell.guard()
evidence.style()

st.title("Deconvnet")
st.markdown(prose.words("deconvnet")["lede"])
rule = figure_one.choose_rule()
st.header("In numbers")
figure_one.render(rule)
st.header("In a real network")
descent.render(rule)

lesson.ending("deconvnet")
