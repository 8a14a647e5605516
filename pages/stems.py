"""First layers: what is wrong with AlexNet's filters, and what ZFNet changed."""

import streamlit as st

from ui import lesson, prose, shell, stems

shell.guard()

st.title("First layers")
st.markdown(prose.words("stems")["lede"])
stems.render()
lesson.ending("stems")
