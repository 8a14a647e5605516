"""Hierarchy: one picture through all depths of a network, from edges to whole things."""

import streamlit as st

from ui import evidence, hierarchy, lesson, prose, shell

shell.guard()
evidence.style()

st.title("Hierarchy")
st.markdown(prose.words("hierarchy")["lede"])
hierarchy.render()

lesson.ending("hierarchy")
