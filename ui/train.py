"""The page Train: a recipe to fill in, or the run that the address names."""

from collections.abc import Mapping

import streamlit as st

from training import data
from training.data import store
from training.pool import Pool
from ui import browser, cached, looking, plan, player, prose, recipe_form, recipes, run_view, state, take_away
from ui.plan import Plan


def opened(pool: Pool) -> str | None:
    """The run that the address names; a sentence where there is none of that name."""
    player.said()
    wanted = state.query().get(state.RUN)
    if wanted is None:
        return None
    # Streamlit follows a link from this page to this page without telling the browser's address bar.
    st.query_params[state.RUN] = wanted
    if st.session_state.get("train.shown") not in (None, wanted):
        st.session_state.pop("train.epoch", None)  # where the reader has looked in the last run
    st.session_state["train.shown"] = wanted
    try:
        return pool.runs.path(wanted).name
    except ValueError as error:
        st.error(prose.literal(f"{error} It may have been deleted."), icon=":material/link_off:")
        return None


def prepare(pool: Pool) -> None:
    """Controls for a recipe, what it would do, and Play."""
    planned = plan.plan(recipes.read(state.query()))
    draft = planned.draft
    plan.summary(planned)
    _start(pool, planned)
    controls, view = st.columns([3, 2], gap="large")
    with controls:
        network, pictures = st.columns([8, 4])
        with network:
            recipe_form.network(draft)
        with pictures:
            recipe_form.data(draft, _datasets())
        recipe_form.first(draft)
        recipe_form.groups(draft)
        recipe_form.changes(draft)
    with view:
        plan.curve(planned)
        plan.ways(planned)


def watch(pool: Pool, id: str) -> None:
    """A run: the player, what is seen of it while it goes, and what can be done with it."""
    try:
        recipe, meta, status = pool.runs.recipe(id), pool.runs.meta(id), pool.runs.status(id)
    except ValueError as error:
        st.error(prose.literal(str(error)), icon=":material/error:")
        return
    st.title(prose.literal(meta.title))
    every = player.every(status)

    @looking.again(every)
    def live() -> None:
        try:
            now = pool.runs.status(id)
        except ValueError:  # deleted in another window
            st.rerun()
        player.said()
        log = cached.logs().read(pool.runs, id, at_rest=now not in player.ALIVE)
        player.player(pool, id, now, recipe, log)
        run_view.view(pool.runs, id, page="train")
        if player.every(now) != every:
            st.rerun()

    live()
    take_away.actions(pool, id, status, recipe, meta)


def _start(pool: Pool, planned: Plan) -> None:
    """Play, and what is in its way."""
    # Each start has a number, so that the second of two quick clicks opens the run that the first one began.
    started: dict[int, str] = st.session_state.setdefault("train.started", {})
    number = len(started)

    def start(paused: bool) -> None:
        if number not in started:
            started[number] = pool.submit(planned.recipe, owner=browser.secret())
            if paused:
                pool.step(started[number])
        state.replace(**{state.RUN: started[number]})

    with st.container(horizontal=True, gap="small", key="train.start"):
        st.button(
            "Play", icon=":material/play_arrow:", type="primary", key="train.go", on_click=player.attempt,
            args=(start, False), disabled=not planned.possible, width=200,
        )  # fmt: skip
        st.button(
            "One step", icon=":material/skip_next:", key="train.go one", on_click=player.attempt,
            args=(start, True), disabled=not planned.possible, help="The first batch, then pause.",
        )  # fmt: skip
    plan.obstacles(planned)


def _datasets() -> Mapping[str, str]:
    """The data sets to choose from, with their titles; what has to be fetched says so."""
    return {
        key: each.title if data.ready(key) else f"{each.title} (not here yet)"
        for key, each in data.DATASETS.items()
    } | {data.OWN + name: name for name in store.owned()}
