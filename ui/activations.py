"""Activation functions with their slopes: curves, facts, what a chain of them lets through, who uses them."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from ui import bound, cached, export, prose, state
from viz.activations import ACTIVATIONS, EDGE, FLAT, Facts, chain, evaluate
from viz.figures.activations import Chain, Curve, curves, vanishing
from zoo import FAMILIES

_NAMES = {name: activation.name for name, activation in ACTIVATIONS.items()}
_FIRST = ("sigmoid", "relu", "gelu")  # shown where the address names none
_POINTS = [n / 10 for n in range(-80, 81)]
_DEEPEST = 50  # layers
_GRID = [n / 20 for n in range(-160, 161)]  # x of the curves


@st.fragment
def render() -> None:
    chosen = bound.several("Functions", "operators.act", _NAMES, _FIRST)
    left, right = st.columns(2, gap="medium")
    with left:
        here = bound.slider(
            "Point x", "operators.act_x", _POINTS, 1.0, words=lambda x: f"{x:.1f}",
            help="The input of the functions at which values and slopes are read off.",
        )  # fmt: skip
    with right:
        layers = bound.slider(
            "Layers n", "operators.act_layers", range(1, _DEEPEST + 1), 20,
            help="How often the function is applied to its own output, from the point x on.",
        )  # fmt: skip
    if chosen:
        _drawn(chosen, here, layers)
        _users(chosen)
    else:
        st.info("Choose at least one function above.", icon=":material/touch_app:")


def _drawn(chosen: Sequence[str], here: float, layers: int) -> None:
    """Curves and chains beside each other, and the table below."""
    words = prose.words("activations")
    chains = {name: chain(name, here, layers) for name in chosen}
    rows = [_row(name, here, slopes) for name, slopes in chains.items()]
    left, right = st.columns(2, gap="large")
    with left:
        st.plotly_chart(
            curves([_curve(name, here) for name in chosen], here),
            key="operators.act_curves",
            config=export.picture("zoolens-activations"),
            alt=f"Values and slopes of {', '.join(ACTIVATIONS[name].name for name in chosen)} from −8 to 8; "
            f"the table holds both at x = {here:.1f}",
        )
        st.caption(words["curves"])
    with right:
        st.plotly_chart(
            vanishing([_chain(name, slopes) for name, slopes in chains.items()]),
            key="operators.act_chain",
            config=export.picture("zoolens-vanishing-gradient"),
            alt=f"The gradient behind 1 to {layers} layers of each function, from x = {here:.1f} on; the "
            "table holds the last value",
        )
        st.caption(words["chain"])
    st.dataframe(
        pd.DataFrame(rows), key="operators.act_table", hide_index=True,
        alt="The chosen functions: formula, value and slope at the point, and what is said of them.",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(words["table"].format(flat=FLAT), width="stretch")
        st.download_button(
            "Save as CSV", export.as_csv(rows), "activations.csv", "text/csv",
            key="operators.act_csv", icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def _users(chosen: Sequence[str]) -> None:
    st.subheader("Who uses them")
    st.caption(prose.words("activations")["users"])
    users = cached.activation_users()
    for name in chosen:
        links = ", ".join(
            f"[{FAMILIES[key].title}]({state.address('inspect', variant=network)})"
            for key, network in users[name]
        )
        st.markdown(f"**{_NAMES[name]}**, {len(users[name])} of {len(FAMILIES)} families: {links}.")


def _curve(name: str, here: float) -> Curve:
    value, slope = evaluate(name, _GRID)
    (value_here,), (slope_here,) = evaluate(name, [here])
    return Curve(
        key=name, name=_NAMES[name], x=_GRID, value=value, slope=slope, value_here=value_here,
        slope_here=slope_here,
    )  # fmt: skip


def _chain(name: str, slopes: Sequence[float]) -> Chain:
    steepest = cached.activation_facts(name).steepest
    return Chain(key=name, name=_NAMES[name], slopes=slopes, steepest=steepest)


def _row(name: str, here: float, slopes: Sequence[float]) -> dict[str, object]:
    found = cached.activation_facts(name)
    (value,), (slope,) = evaluate(name, [here])
    return {
        "Function": _NAMES[name],
        "f(x)": ACTIVATIONS[name].formula,
        f"f({here:.1f})": round(value, 4),
        f"f'({here:.1f})": round(slope, 4),
        f"Gradient, {len(slopes)} layers": f"{slopes[-1]:.3g}",
        "Values": _range(found),
        "Largest slope": _steepest(found),
        "Saturated": _tails(found.flat_below, found.flat_above),
        "Slope exactly 0": _tails(found.dead_below, None),
    }


def _range(found: Facts) -> str:
    low = "no lower bound" if found.lowest is None else f"{found.lowest:.3g}"
    high = "no upper bound" if found.highest is None else f"{found.highest:.3g}"
    return f"{low} to {high}".replace("-", "−").replace(" to no", ", no")


def _steepest(found: Facts) -> str:
    start, end = _number(found.steepest_from), _number(found.steepest_to)
    place = f"at x = {start}" if start == end else f"for x from {start} to {end}"
    if found.steepest_to >= EDGE:
        place = f"for every x above {start}"
    return f"{found.steepest:.3g} {place}"


def _tails(below: float | None, above: float | None) -> str:
    ends = {"below": below, "above": above}
    parts = [f"{word} {_number(end)}" for word, end in ends.items() if end is not None]
    return " and ".join(parts) or "nowhere"


def _number(x: float) -> str:
    return f"{round(x, 1) + 0.0:g}".replace("-", "−")
