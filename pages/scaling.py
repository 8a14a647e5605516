"""Scaling: what happens to a network's cost when one number is turned, by formula and by real networks."""

import streamlit as st

from ui import cached, lesson, prose, scaling, shell

shell.guard()

words = prose.words("scaling")
st.title("Scaling")
st.markdown(words["lede"])
law = scaling.law()


@st.fragment
def study() -> None:
    """One law: a slider runs this part alone."""
    scaling.formulas(law)
    live = st.container()
    left, right = st.columns([2, 5], gap="medium")
    with left:
        turned = scaling.sliders(law)
        quantity = scaling.quantity(law)
        scaling.presets(law)
    view, (main, *beside) = cached.scaling(law.key, turned, quantity)
    with live:
        scaling.facts(view)
    with right:
        scaling.main_figure(view, main)
    scaling.ways(view)
    scaling.figures_beside(view, beside)
    st.subheader("Formula and network")
    scaling.checks(law, view)


study()
lesson.ending("scaling")
