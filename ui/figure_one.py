"""The part of the page Deconvnet in which one steps through figure 1 in numbers."""

import streamlit as st

from ui import bound, cached, prose, state
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
        walk.data, key=_KEY, rev=f"{unit} {pool} {rule}", step=_step(len(walk.steps)), on_step=_stepped
    )
    st.caption(words["figure"])


def _step(steps: int) -> int:
    """The step, from 0, that the address names; at first the last, where all can be seen."""
    asked = state.query().get(_STEP, str(steps))
    if not (asked.isascii() and asked.isdigit() and len(asked) < 4):
        sentence = f"There is no step {asked[:40]!r}. Here they go from 1 to {steps}."
        st.warning(prose.literal(sentence), icon=":material/link_off:")
        return steps - 1
    return min(max(int(asked) - 1, 0), steps - 1)


def _stepped() -> None:
    state.put(_STEP, str(int(st.session_state[_KEY]["step"]) + 1))
