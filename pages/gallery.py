"""The front page: the architectures and their history at a glance."""

import streamlit as st

from ui import shell

shell.guard()

st.title("Gallery")
st.markdown("Three decades of networks that name what is in a picture.")
