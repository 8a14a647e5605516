"""Whose epochs the page Evolution shows: the run that came for it, or one of the reader's own.

In an address it is one word: `recorded:zfnet`, or the id of a run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from training.recipe import Recipe
from training.runs import Runs
from ui import cached, player, prose, state
from zoo import weights

EVOLUTIONS = Runs(Path(__file__).parents[1] / "assets" / "evolutions")
ANSWERS = "answers.safetensors"  # beside a recorded run: what its maps answer to a set of pictures
FIRST = "recorded:zfnet"
RUN = "evolution.run"  # of the address

_RECORDED = "recorded:"
_GROWING = "epochs as it keeps them"  # not which: a line of a list must not change while one looks at it


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A run and the epochs of it that are kept."""

    token: str
    source: Runs
    id: str
    recipe: Recipe
    title: str
    epochs: tuple[int, ...]
    status: str  # of `training.runs`; "finished" for what was recorded
    why: str  # a sentence, where it failed

    @property
    def grows(self) -> bool:
        """Whether more epochs may come by themselves."""
        return self.status in (*player.ALIVE, "paused")

    def path(self, epoch: int) -> Path:
        """The file of a checkpoint, there or not."""
        return self.source.root / self.id / "checkpoints" / f"{epoch:04d}.safetensors"


def found(token: str) -> Watched:
    """The run that a word names, as it is now. ValueError with a sentence where there is none to watch."""
    recorded = token.startswith(_RECORDED)
    source, id = (EVOLUTIONS, token.removeprefix(_RECORDED)) if recorded else (Runs(), token)
    run = source.summary(id)
    if run.recipe is None or run.meta is None:
        raise ValueError(f"The run {id} cannot be read. {run.why}")
    epochs = tuple(int(name) for name in source.checkpoints(id) if name.isdigit())
    status, why = ("finished", "") if recorded else (run.status, run.why)
    return Watched(
        token=token, source=source, id=id, recipe=run.recipe, title=run.meta.title, epochs=epochs,
        status=status, why=why,
    )  # fmt: skip


def choices() -> Mapping[str, str]:
    """What can be watched: the word of each run, and its title with its epochs."""
    recorded = [found(f"{_RECORDED}{run.id}") for run in EVOLUTIONS.list()]
    own = cached.kept_runs(str(weights.runs_root()))
    listed = {each.token: f"{each.title}, recorded · {_epochs(each.epochs)}" for each in recorded}
    for run in own:
        epochs = [int(moment) for moment in run.moments if moment.isdigit()]
        over = any(not moment.isdigit() for moment in run.moments)
        listed[run.id] = f"{run.title} · your run {run.id} · {_epochs(epochs) if over else _GROWING}"
    return listed


def choose() -> Watched:
    """The run that the address names, with a list to choose another. The page ends here without one."""
    token = state.query().get(RUN) or FIRST
    listed = dict(choices())
    try:
        watched, problem = found(token), ""
    except ValueError as error:
        watched, problem = None, str(error)
    if watched is not None and token not in listed:
        listed = {token: f"{watched.title} · your run {watched.id} · {_GROWING}", **listed}
    drawn = state.shows(f"{RUN}.list", token if token in listed else None)

    def chosen() -> None:
        # A line that the browser still has from before the run had ended chooses nothing.
        if st.session_state[drawn] in listed:
            state.put(RUN, st.session_state[drawn])

    st.selectbox(
        "Run", list(listed), format_func=lambda word: listed.get(word, word), key=drawn, on_change=chosen,
        placeholder="Choose a run", help=prose.words("evolution")["run"],
    )  # fmt: skip
    if watched is None:
        st.error(prose.literal(problem), icon=":material/link_off:")
        st.button("Show the recorded run", key="evolution.back", on_click=state.put, args=(RUN, FIRST))
        st.stop()
    return watched


def _epochs(epochs: Sequence[int]) -> str:
    """Epochs in words; of many, the ends."""
    shown = [*map(str, epochs)]
    if len(shown) > 8:
        shown = [*shown[:4], "…", shown[-1]]
    return f"epochs {', '.join(shown)}".replace("…,", "…").replace(", …", " …")
