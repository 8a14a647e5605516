"""BasicBlock and Bottleneck."""

import streamlit as st

from ui import shell

shell.guard()

st.title("BasicBlock and Bottleneck")
