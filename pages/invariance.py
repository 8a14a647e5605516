"""Figure 5 of Zeiler and Fergus: what a network notices when a picture is moved, enlarged or turned."""

import streamlit as st

from ui import evidence, invariance, lesson, prose, shell

shell.guard()
evidence.style()

st.title("Invariance")
st.markdown(prose.words("invariance")["lede"])
invariance.render()
lesson.ending("invariance")
