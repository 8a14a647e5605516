"""The player of a run: its state in words, how far it is, and the buttons that drive it.

A button is drawn from what was true a moment ago, and others drive the same run: every command is harmless
where it comes too late, and the words below say what came of it.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import streamlit as st

from training.events import Done, Failed
from training.pool import Pool
from training.recipe import Recipe
from training.runs import ENDED
from ui import prose, recipe_form, recipes, rights
from ui.live import Log

ALIVE = ("queued", "starting", "running")
_WAITING = ("paused", "interrupted")  # until somebody, perhaps in another window, lets it go on
_SOON, _LATER = 1.0, 3.0  # seconds
_ANSWER = 3.0  # seconds in which a run answers a command
WORDS: Mapping[str, tuple[str, str, str]] = MappingProxyType(  # status -> words, icon, colour
    {
        "queued": ("Queued", "hourglass_top", "orange"),
        "starting": ("Starting", "hourglass_top", "blue"),
        "running": ("Training", "play_arrow", "blue"),
        "paused": ("Paused", "pause", "orange"),
        "finished": ("Finished", "check", "green"),
        "stopped": ("Stopped", "stop", "gray"),
        "failed": ("Failed", "error", "red"),
        "interrupted": ("Interrupted", "power_off", "orange"),
    }
)
_PLAY: Mapping[str, str] = MappingProxyType(  # status -> what going on is called
    {"paused": "Play", "interrupted": "Resume", "stopped": "Resume", "failed": "Try again"}
)
_ENDS: Mapping[str, str] = MappingProxyType(
    {
        "finished": "All epochs are done.",
        "early": "Ended early: the validation loss had not been lower for as long as the recipe allows.",
        "stopped": "Stopped by a reader. Everything up to here is kept.",
        "limit": "Ended at the limit of time for one run. Everything up to here is kept.",
    }
)


def alive(status: str) -> bool:
    """Whether a page has to look again by itself: a run under way, or one that was just given a command."""
    pressed: float = st.session_state.get("train.pressed", -_ANSWER)
    return status in ALIVE or time.monotonic() - pressed < _ANSWER


def every(*statuses: str) -> float | None:
    """Seconds until a page looks again by itself at runs in these states; None: it need not."""
    if any(map(alive, statuses)):
        return _SOON
    return _LATER if any(status in _WAITING for status in statuses) else None


def badge(status: str) -> str:
    """The status for Markdown."""
    words, icon, colour = WORDS[status]
    return f":{colour}-badge[:material/{icon}: {words}]"


def attempt(press: Callable[..., object], *args: object) -> None:
    """Do what a button asks for; where that cannot be, the page says why."""
    st.session_state["train.pressed"] = time.monotonic()
    try:
        press(*args)
    except ValueError as error:
        st.session_state["train.said"] = str(error)


def said() -> None:
    """What the last press came to, if it came to nothing."""
    if sentence := st.session_state.pop("train.said", ""):
        st.error(prose.literal(sentence), icon=":material/error:")


def player(pool: Pool, id: str, status: str, recipe: Recipe, log: Log) -> None:
    """Buttons, progress and words."""
    locked = not rights.may(pool.runs, id)

    def press(command: Callable[..., object], *more: object) -> None:
        attempt(rights.steer, pool.runs, id, command, *more)

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="train.player"):
        if status in ALIVE:
            st.button(
                "Pause", icon=":material/pause:", type="primary", key="train.pause", on_click=press,
                args=(pool.pause,), disabled=locked or status == "queued",
            )  # fmt: skip
        elif status in _PLAY:
            st.button(
                _PLAY[status], icon=":material/play_arrow:", type="primary",
                key="train.play", on_click=press, args=(pool.play,), disabled=locked,
            )  # fmt: skip
        if status not in ENDED:
            st.button(
                "One step", icon=":material/skip_next:", key="train.one step", on_click=press,
                args=(pool.step,), disabled=locked, help="One batch, then pause.",
            )  # fmt: skip
            st.button(
                "One epoch", icon=":material/fast_forward:", key="train.one epoch", on_click=press,
                args=(pool.epoch,), disabled=locked, help="To the end of this epoch, then pause.",
            )  # fmt: skip
            st.button(
                "Stop", icon=":material/stop:", key="train.stop", on_click=press, args=(pool.stop,),
                disabled=locked, help="Ends the run. Its curves and weights are kept.",
            )  # fmt: skip
            _rate(pool, log, press, locked)
    if locked and status != "finished":
        st.caption(rights.why())
    _progress(pool, id, status, recipe, log)


def _rate(pool: Pool, log: Log, press: Callable[..., None], locked: bool) -> None:
    """Fields that turn the learning rate while the run goes."""
    now = float(log.steps.rate[-1]) if len(log.steps.rate) else None

    def chosen() -> None:
        text = st.session_state["train.turned"]
        st.session_state["train.turned"] = None
        if text is not None:
            press(partial(_turn, pool), text)

    def times(factor: float) -> None:
        if now is not None:
            press(pool.rate, now * factor)

    st.selectbox(
        "New learning rate", [recipes.text(rate) for rate in recipe_form.FIRST["rate"].offered], None,
        key="train.turned", on_change=chosen, accept_new_options=True, placeholder="choose or type",
        width=170, disabled=locked,
        help="Holds from the next step on. The schedule goes on from there, multiplied.",
    )  # fmt: skip
    for words, factor in (("÷ 10", 0.1), ("× 10", 10.0)):
        st.button(
            words, key=f"train.times {factor:g}", on_click=times, args=(factor,),
            disabled=locked or not now, help="The learning rate, from the next step on.",
        )  # fmt: skip


def _turn(pool: Pool, id: str, text: str) -> None:
    try:
        rate = float(text)
    except ValueError:
        raise ValueError(f"A learning rate is a number, not {text[:40]!r}.") from None
    pool.rate(id, rate)


def _progress(pool: Pool, id: str, status: str, recipe: Recipe, log: Log) -> None:
    if log.started is None:
        st.progress(0.0, f"{badge(status)} {_waiting(pool, id, status)}")
        return
    total = log.started.steps_per_epoch * recipe.epochs
    parts = [f"epoch **{log.step / log.started.steps_per_epoch:.1f}** of {recipe.epochs}"]
    parts.append(f"step {log.step:,} of {total:,}")
    if len(log.steps.rate) and status not in ENDED:
        parts.append(f"learning rate {recipes.text(float(f'{log.steps.rate[-1]:.3g}'))}")
    left = log.left(recipe.epochs)
    if left is not None and status == "running":
        parts.append(f"{_time(left)} left")
    else:
        parts.append(f"{_time(log.t)} of training")
    if pool.cluster and status in ("running", "paused") and (state := pool.runs.state(id)):
        parts.append(f"on {prose.literal(state.machine)}")
    st.progress(min(1.0, log.step / total), f"{badge(status)} {' · '.join(parts)}")
    if status == "queued":
        st.caption(_waiting(pool, id, status))
    elif status == "interrupted":
        st.caption("The process that trained is gone, perhaps with the server. Resume goes on where it was.")
    elif status == "failed":
        if not isinstance(log.end, Failed):  # the log could not take the reason
            st.error(prose.literal(pool.runs.why(id)), icon=":material/error:")
        st.caption("All up to here is kept. Try again, or change the recipe: “Use this recipe”.")
    elif isinstance(log.end, Done) and status in ("finished", "stopped"):
        st.caption(_ENDS[log.end.reason])


def _waiting(pool: Pool, id: str, status: str) -> str:
    """What a run without a first step waits for."""
    if status == "queued":
        if pool.cluster and pool.cluster.trouble:
            return pool.cluster.trouble
        place = pool.place(id)
        return (
            f"place {place} in the queue: others are training on {where(pool)}."
            if place
            else "next in the queue."
        )
    if status == "starting":
        return "reading the pictures, building the network …"
    return "before the first step."


def where(pool: Pool) -> str:
    """Where it trains its runs, in words."""
    return "the cluster" if pool.cluster else "this machine"


def _time(seconds: float) -> str:
    """A length of time in two digits or so."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
