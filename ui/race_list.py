"""The races on this server, with their states and a way into each."""

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st

from training.presets import PRESETS
from training.runs import Runs, Summary
from ui import cached, player, prose, race, run_list, state

_MOST = 8  # races in the list, the newest


def races(found: Runs) -> None:
    """The newest races of which two lanes or more are still there."""
    groups: dict[str, list[Summary]] = {}
    with suppress(ValueError):
        for run in cached.listed(found):
            if run.meta is not None and run.meta.group and run.recipe is not None:
                groups.setdefault(run.meta.group, []).append(run)
    whole = [runs for runs in groups.values() if len(runs) > 1]
    if not whole:
        return
    st.header("Races on this server")
    for runs in whole[:_MOST]:
        _row(sorted(runs, key=lambda run: run.meta.order if run.meta else 0))


def _row(runs: Sequence[Summary]) -> None:
    """A race in a line: what is furthest from its end, then its name."""
    recipes = [run.recipe for run in runs if run.recipe is not None]
    key = race.preset_of(recipes)
    title = PRESETS[key].title if key else " · ".join(race.names(recipes))
    status = min((run.status for run in runs), key=list(player.WORDS).index)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(player.badge(status), width="content")
        st.page_link(
            "pages/race.py", label=prose.literal(title),
            query_params={state.RACE: state.BETWEEN.join(run.id for run in runs)},
        )  # fmt: skip
        created = runs[0].meta.created if runs[0].meta else ""
        st.caption(f"{len(runs)} lanes, {prose.literal(run_list.when(created))}")
