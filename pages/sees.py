"""What one place sees: the same place of a picture in a CNN, a ViT and a Swin, at the same depth."""

import streamlit as st

from ui import evidence, lesson, prose, shell, sight

shell.guard()
evidence.style()

st.title("What one place sees")
st.markdown(prose.words("sees")["lede"])
sight.render()

lesson.ending("sees")
