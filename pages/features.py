"""Features: the nine strongest activations of each map of a layer, projected back to the pixels."""

import streamlit as st

from ui import features, lesson, prose, shell

shell.guard()

st.title("Features")
st.markdown(prose.words("features")["lede"])
features.render()
lesson.ending("features")
