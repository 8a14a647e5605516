"""One picture through many networks, or many pictures through one."""

import streamlit as st

from ui import bound, lesson, many, many_pictures, prose, shell

shell.guard()

words = prose.words("many")
st.title("One picture, many networks")
view = bound.segments(
    "View", "many.view",
    {"networks": "One picture, many networks", "pictures": "One network, many pictures"},
)  # fmt: skip
st.markdown(words[view])
(many if view == "networks" else many_pictures).render()

lesson.ending("many")
