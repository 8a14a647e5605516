"""Zoolens: how image-classification networks are built, what they cost and what they see.

Start it with `streamlit run app.py`. The table of pages stands in ui/shell.py.
"""

import streamlit as st

from ui import shell

st.set_page_config(page_icon=shell.ICON, layout="wide")  # first: see shell.ICON
page = shell.navigate()
st.set_page_config(page_title=f"{page.title} – Zoolens")
shell.enter(page)
