"""Data: the pictures that networks learn from, and what they become on the way to the network."""

import streamlit as st

from ui import data, lesson, prose, shell

shell.guard()

st.title("Data")
st.markdown(prose.words("data")["lede"])
known = data.choose()
there = data.passport(known)
data.upload()
if there:
    data.samples(known)
    data.augmentation(known)
lesson.ending("data")
