"""Live training: a recipe, Play, and a network that learns while one watches."""

import streamlit as st

from ui import cached, lesson, presenter, prose, run_list, shell, train

shell.guard()

pool = cached.pool()
run = train.opened(pool)
if run is None:
    st.title("Train")
    st.markdown(prose.words("train")["lede"])
    train.prepare(pool)
else:
    train.watch(pool, run)
run_list.runs(pool.runs, run)
presenter.door()
lesson.ending("train")
