"""Compare."""

import streamlit as st

from ui import shell

shell.guard()

st.title("Compare")
