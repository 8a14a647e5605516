"""The deconvnet: from one unit back to the pixels, in numbers and in real networks."""

import streamlit as st

from ui import descent, evidence, figure_one, lesson, prose, rules, shell

shell.guard()
evidence.style()

words = prose.words("deconvnet")
st.title("Deconvnet")
st.markdown(words["lede"])
rule = rules.choose("deconvnet.rule", words["rule"])
st.header("In numbers")
figure_one.render(rule)
st.header("In a real network")
descent.render(rule)

lesson.ending("deconvnet")
