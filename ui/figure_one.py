"""The part of the page Deconvnet in which one steps through figure 1 in numbers."""

import streamlit as st

from ui import bound, cached, prose, state
from ui.components import player
from ui.components.figure_one import figure_one
from viz.hooks import Rule

_KEY = "deconvnet.figure"
_STEP = "deconvnet.step"  # of the address, from 1
_UNITS = {"0.0": "upper left", "0.1": "upper right", "1.0": "lower left", "1.1": "lower right"}
_POOLS = {"3": "3 × 3, overlapping", "2": "2 × 2"}


@st.fragment
def render(rule: Rule) -> None:
    words = prose.words("deconvnet")
    st.markdown(words["numbers"])
    pools, units = st.columns([2, 3], gap="medium")
    with pools:
        pool = bound.segments("Max pool, two apart", "deconvnet.pool", _POOLS, help=words["pool"])
    with units:
        unit = bound.segments("Unit of layer 2", "deconvnet.cell", _UNITS)
    walk = cached.figure_one(unit, pool, rule)
    figure_one(
        walk.data,
        key=_KEY,
        rev=f"{unit} {pool} {rule}",
        step=player.asked(_STEP, len(walk.steps)),
        on_step=_stepped,
    )
    st.caption(words["figure"])


def _stepped() -> None:
    state.put(_STEP, str(int(st.session_state[_KEY]["step"]) + 1))
