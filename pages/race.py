"""Two to four runs from one seed and one order of pictures, side by side."""

import streamlit as st

from ui import cached, lesson, presenter, prose, race, race_list, shell

shell.guard()

pool = cached.pool()
runs = race.opened(pool)
if runs:
    race.watch(pool, runs)
else:
    st.title("Race")
    st.markdown(prose.words("race")["lede"])
    race.prepare(pool)
    race_list.races(pool.runs)
presenter.door()
lesson.ending("race")
