"""The page Recordings: runs that come with the app, played again as if they were live, and taken over."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from training.pool import Pool
from training.presets import PRESETS
from training.replay import RECORDINGS, Clock
from ui import bound, browser, cached, lanes, player, prose, race, run_view, state
from ui import take_over as fields
from ui.live import Log
from viz.figures.race import GLYPHS

_SPEEDS: Mapping[str, float] = {"1": 1.0, "5": 5.0, "20": 20.0}
_TICK = 0.5  # seconds


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A run, or the lanes of a race."""

    key: str
    title: str
    runs: tuple[str, ...]  # ids


def recordings() -> Mapping[str, Recording]:
    """All that come with the app, in their order: a race is one."""
    found: dict[str, Recording] = {}
    for run in sorted(RECORDINGS.list(), key=lambda run: run.meta.order if run.meta else 0):
        if run.meta is None:
            continue
        key = run.meta.group or run.id
        title = PRESETS[key].title if key in PRESETS else run.meta.title
        known = found.get(key)
        found[key] = Recording(key=key, title=title, runs=(*(known.runs if known else ()), run.id))
    return found


def choose() -> Recording | None:
    """The recording that the address names; a sentence where there are none."""
    found = recordings()
    if not found:
        st.info("There are no recordings in this copy of the app.", icon=":material/inventory_2:")
        return None
    lane = state.query().get(state.RECORDING, "")
    names = {
        key: f"{each.title}{f' ({len(each.runs)} lanes)' if each.runs[1:] else ''}"
        for key, each in found.items()
    }
    if lane:
        key = next((key for key, each in found.items() if lane in (key, *each.runs)), None)
        if key is None:
            st.warning(prose.literal(f"There is no recording called {lane!r}."), icon=":material/link_off:")
        elif "replay.which" not in st.session_state:
            st.session_state["replay.which"] = key
        del st.query_params[state.RECORDING]
    return found[bound.picker("Recording", "replay.which", names)]


def watch(recording: Recording) -> None:
    """The player, and what had been seen of the run or race at its moment."""
    if recording.key in PRESETS:
        st.markdown(f"**{prose.words('presets')[f'{recording.key} question']}**")
    logs = [cached.logs().read(RECORDINGS, id) for id in recording.runs]
    end = max(log.t for log in logs)
    clock = _clock(recording.key, end)
    plays = clock.speed > 0 and not clock.over(time.monotonic())

    @st.fragment(run_every=_TICK if plays else None)
    def live() -> None:
        clock, now = _clock(recording.key, end), time.monotonic()
        _player(recording.key, clock, now)
        seen = clock.at(now)
        if len(recording.runs) == 1:
            run_view.view(RECORDINGS, recording.runs[0], page="replay", until=seen)
        else:
            _race(recording, [log.until(seen) for log in logs])
        if (clock.speed > 0 and not clock.over(now)) != plays:
            st.rerun()

    live()
    if recording.key in PRESETS:
        race.words(recording.key)


def _race(recording: Recording, logs: Sequence[Log]) -> None:
    entered = [RECORDINGS.recipe(id) for id in recording.runs]
    lanes.draw(
        [
            lanes.Entrant(name=name, run=id, recipe=recipe, log=log)
            for name, id, recipe, log in zip(race.names(entered), recording.runs, entered, logs, strict=True)
        ],
        "replay",
        quantity=PRESETS[recording.key].quantity if recording.key in PRESETS else "accuracy",
        link=None,
    )


def _clock(key: str, end: float) -> Clock:
    """Where this reader stands in the recording; at first, before its beginning, and still."""
    clocks: dict[str, Clock] = st.session_state.setdefault("replay.clocks", {})
    return clocks.setdefault(key, Clock(end=end))


def _player(key: str, clock: Clock, now: float) -> None:
    """Play or pause, how fast, and where."""
    clocks: dict[str, Clock] = st.session_state["replay.clocks"]
    speed = _SPEEDS[st.session_state.get("replay.speed", "5")]
    plays = clock.speed > 0 and not clock.over(now)

    def turn() -> None:
        moment = time.monotonic()
        clocks[key] = clocks[key].turned(moment, 0.0 if plays else speed)

    def faster() -> None:
        if clocks[key].speed:
            clocks[key] = clocks[key].turned(time.monotonic(), _SPEEDS[st.session_state["replay.speed"]])

    def move() -> None:
        clocks[key] = clocks[key].moved(time.monotonic(), float(st.session_state["replay.at"]))

    def finish() -> None:
        clocks[key] = clocks[key].moved(time.monotonic(), clocks[key].end)

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="replay.player"):
        st.button(
            "Pause" if plays else "Play", icon=f":material/{'pause' if plays else 'play_arrow'}:",
            type="primary", key="replay.play", on_click=turn, width=120,
        )  # fmt: skip
        st.segmented_control(
            "Speed", list(_SPEEDS), format_func=lambda each: f"{each}×", default="5", required=True,
            key="replay.speed", on_change=faster,
        )  # fmt: skip
        st.button("All at once", icon=":material/skip_next:", key="replay.end", on_click=finish)
        st.slider(
            "Seconds of training", 0.0, float(clock.end), step=0.5, format="%.0f s",
            key=state.shows("replay.at", round(2 * clock.at(now)) / 2 if not clock.over(now) else clock.end),
            on_change=move, help="Move it to see the run as it was then.",
        )  # fmt: skip


def take_over(pool: Pool, recording: Recording) -> None:
    """From a checkpoint of a recording into a run of one's own."""
    st.header("Take over")
    st.markdown(prose.words("replay")["take over"])
    player.said()
    entered = {id: RECORDINGS.recipe(id) for id in recording.runs}
    called = dict(zip(entered, race.names(list(entered.values())), strict=True))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        id = recording.runs[0]
        if recording.runs[1:]:
            id = st.selectbox(
                "Lane", recording.runs, key=f"replay.lane.{recording.key}",
                format_func=lambda id: f"{GLYPHS[recording.runs.index(id)]} {called[id]}",
            )  # fmt: skip
        kept = [int(name) for name in RECORDINGS.checkpoints(id) if name.isdigit()]
        recipe = entered[id]
        epoch = st.selectbox("From epoch", kept, len(kept) // 2, key=f"replay.from.{id}")
        keys = {"epochs": f"replay.to.{id}", "rate": f"replay.rate.{id}"}
        fields.fields(recipe, recipe.epochs + (fields.MORE if epoch == recipe.epochs else 0), keys)

        def begin() -> None:
            st.session_state["replay.begun"] = pool.fork(
                id, epoch, fields.changes(recipe, keys), source=RECORDINGS, owner=browser.secret()
            )

        st.button(
            "Take over", type="primary", icon=":material/call_split:", key="replay.go",
            on_click=player.attempt, args=(begin,),
        )  # fmt: skip
    if begun := st.session_state.pop("replay.begun", None):
        st.switch_page("pages/train.py", query_params={state.RUN: begun})
