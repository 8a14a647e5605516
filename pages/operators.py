"""Building blocks: operators stepped with real numbers on a small real picture."""

import streamlit as st

from ui import bound, lesson, operators, prose, shell

shell.guard()

SECTIONS = {"Operators": operators.render}

left, right = st.columns([3, 2], vertical_alignment="bottom")
left.title("Building blocks")
with right:
    section = bound.segments("Section", "operators.section", {word: word for word in SECTIONS})
st.markdown(prose.words("operators")["page"])
SECTIONS[section]()

lesson.ending("operators")
