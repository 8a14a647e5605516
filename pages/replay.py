"""Recordings: runs and races that come with the app, without waiting, network or worker."""

import streamlit as st

from ui import cached, lesson, prose, replay, shell

shell.guard()

st.title("Recordings")
st.markdown(prose.words("replay")["lede"])
recording = replay.choose()
if recording:
    replay.watch(recording)
    replay.take_over(cached.pool(), recording)
lesson.ending("replay")
