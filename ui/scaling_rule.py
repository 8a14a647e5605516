"""The linear scaling rule, said for the workers of a recipe."""

import streamlit as st

from training.recipe import Recipe, by_the_rule
from ui import prose, recipes, state

_ADAPTIVE = ("adam", "adamw", "rmsprop")


def rule(recipe: Recipe) -> None:
    """What the rule makes of the batch, the rate and the start, and a button that does it."""
    try:
        wanted = by_the_rule(recipe)
    except ValueError:  # no rate of a recipe is that high
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="train.rule"):
        st.markdown(
            f"**{recipe.workers} workers**: {said(wanted)} (Goyal et al. 2017).",
            width="content",
        )
        if wanted == recipe:
            st.markdown(":green[:material/check: So it is set.]", width="content")
        else:
            st.button(
                "Scale the rate", icon=":material/speed:", key="train.rule.follow", on_click=_follow,
                args=(wanted,),
                help=f"As the linear scaling rule says. Now the rate goes up to {_number(recipe.peak)}.",
            )  # fmt: skip
    if recipe.optimiser in _ADAPTIVE:
        st.caption(prose.words("train")["rule adaptive"])


def said(recipe: Recipe) -> str:
    """Batch, rate and warm-up of a recipe that follows the rule: k times those of one worker."""
    k = recipe.workers
    unit = "epoch" if recipe.warm_up == 1 else "epochs"
    start = f"warm-up of {_number(recipe.warm_up)} {unit}" if recipe.warm_up else "warm-up by the schedule"
    return (
        f"batch {k} × {recipe.batch} = {recipe.global_batch:,}, "
        f"rate {k} × {_number(recipe.peak / k)} = **{_number(recipe.peak)}**, {start}"
    )


def _number(value: float) -> str:
    return recipes.text(round(value, 6))


def _follow(wanted: Recipe) -> None:
    said = recipes.to_query(wanted)
    state.write(**{each: said.get(each) for each in ("train.rate", "train.linear_scaling", "train.warm_up")})
