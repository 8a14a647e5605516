"""How a run goes on from another's checkpoint: the two fields of its recipe that a reader then turns."""

from collections.abc import Mapping

import streamlit as st

from training.recipe import LIMITS, Recipe

MORE = 5  # epochs that a run taken over gets at least


def fields(recipe: Recipe, last: int, keys: Mapping[str, str]) -> None:
    """To which epoch, at first `last`, and at which rate; `keys` are those of "epochs" and "rate"."""
    st.number_input(
        "To epoch", min_value=1, max_value=int(LIMITS["epochs"][1]), value=last, key=keys["epochs"]
    )
    st.number_input(
        "Learning rate at its peak", min_value=LIMITS["rate"][0] * 1.0, max_value=LIMITS["rate"][1] * 1.0,
        value=float(recipe.rate), format="%.6g", key=keys["rate"],
    )  # fmt: skip


def changes(recipe: Recipe, keys: Mapping[str, str]) -> dict[str, float]:
    """What those fields say now, where it is not what the recipe says."""
    wanted = {name: st.session_state[keys[name]] for name in ("epochs", "rate")}
    return {name: value for name, value in wanted.items() if value != getattr(recipe, name)}
