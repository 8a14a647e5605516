"""Two to four networks side by side: what is the same, what has changed, and what the change costs."""

import streamlit as st

from ui import cached, compare, differences, lesson, prose, shell

shell.guard()

words = prose.words("compare")
st.title("Compare")
st.markdown(words["opening"])

studies = compare.networks()
anatomies = compare.anatomies(studies)
alignment = cached.alignment(tuple((one.specimen, one.size) for one in studies))
compared = differences.Compared(studies, compare.titles(studies), anatomies, alignment)

st.header("The figures")
differences.headline(compared)

st.header("What changed")
st.markdown(words["graphs"] if len(studies) == 2 else words["graphs of several"])
selected = compare.graphs(studies, anatomies, alignment)
if selected:
    differences.selected(compared, *selected)
else:
    st.caption(words["nothing selected"])

st.header("Where each spends")
differences.spending(compared)

st.header("What each sees")
differences.along_depth(compared)

st.header("Measured here")
differences.measured(compared)

st.header("A table for slides")
differences.slides(compared)

lesson.ending("compare")
