"""The runs on this server, with their states and a way into each."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import streamlit as st

from training.recipe import Recipe
from training.runs import Runs, Summary
from ui import cached, looking, player, prose, recipe_form, recipes, state

_FIRST = 6  # runs in sight; the rest behind a button
_EVERY = 5.0  # seconds
_UNDER_WAY = (*player.ALIVE, "paused", "interrupted")


def runs(found: Runs, open: str | None) -> None:
    """Those under way first, then the newest; `open` is the one on the page."""
    st.header("Runs on this server")
    if open is not None:
        st.button(
            "New run", icon=":material/add:", key="train.new", on_click=recipe_form.show, args=(Recipe(),)
        )
    going = False
    with suppress(ValueError):  # said where the list would stand
        going = _going(cached.listed(found))

    @looking.again(_EVERY if going else None)
    def rows() -> None:
        try:
            listed = sorted(cached.listed(found), key=lambda run: run.status not in _UNDER_WAY)
        except ValueError as error:
            st.error(prose.literal(str(error)), icon=":material/error:")
            return
        if not listed:
            st.caption(prose.words("train")["empty"])
        for run in listed[:_FIRST]:
            _row(run, open)
        if rest := listed[_FIRST:]:
            more = st.expander(f"{len(rest)} more", key="train.more", on_change="rerun")
            if more.open:  # or each look at a closed one would cost as much as at all runs of a class
                with more:
                    for run in rest:
                        _row(run, open)
        if _going(listed) != going:
            st.rerun()

    rows()


def _going(listed: Sequence[Summary]) -> bool:
    """Whether the list changes by itself."""
    return any(player.alive(run.status) for run in listed)


def _row(run: Summary, open: str | None) -> None:
    """A run in a line; where its folder cannot be read, why."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(player.badge(run.status), width="content")
        if run.recipe is None or run.meta is None:
            st.markdown(prose.literal(f"{run.id}: {run.why}"))
            return
        st.page_link(
            "pages/train.py", label=prose.literal(run.meta.title), query_params={state.RUN: run.id},
            disabled=run.id == open,
        )  # fmt: skip
        listed = recipes.differences(run.recipe)
        about = [when(run.meta.created), *(f"{name} {value}" for name, value in listed.items())]
        st.caption(prose.literal(", ".join(about)))


def when(created: str) -> str:
    """Day and time of the clock; what is no time stays as it is."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{moment.day} {moment:%b, %H:%M}"
