"""One architecture: its layers, and what each of them costs."""

import streamlit as st

from ui import shell

shell.guard()

st.title("Inspect")
st.markdown("How is this network built, and what does it cost?")
