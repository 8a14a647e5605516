"""Zoolens: how image-classification networks are built, what they cost and what they see.

Start it with `streamlit run app.py`. The pages stand in ui/shell.py.
"""

import streamlit as st

from ui import shell

st.set_page_config(page_title="Zoolens", page_icon=":material/center_focus_strong:", layout="wide")
shell.enter(st.navigation(shell.pages()))
