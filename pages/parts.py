"""Parts and ablations: what a network makes of a part that is hidden, and of layers that are taken away."""

import streamlit as st

from ui import ablation, lesson, parts, prose, shell

shell.guard()

words = prose.words("parts")
st.title("Parts and ablations")
st.markdown(words["lede"])

st.header("Hide the same part of several pictures")
st.markdown(words["parts"])
parts.render()

st.header("Take layers away and train again")
st.markdown(words["ablation"])
ablation.render()

lesson.ending("parts")
