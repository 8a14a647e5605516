"""Building blocks: operators with real numbers, activations with their slopes, branches that are fused."""

import streamlit as st

from ui import activations, bound, fusing, lesson, operators, prose, shell

shell.guard()

SECTIONS = {  # what draws each, and where its words stand
    "Operators": (operators.render, "operators"),
    "Activations": (activations.render, "activations"),
    "Re-parameterisation": (fusing.render, "fusing"),
}

left, right = st.columns([3, 2], vertical_alignment="bottom")
left.title("Building blocks")
with right:
    section = bound.segments("Section", "operators.section", {word: word for word in SECTIONS})
render, topic = SECTIONS[section]
st.markdown(prose.words(topic)["page"])
render()

lesson.ending(topic)
