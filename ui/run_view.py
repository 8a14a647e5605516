"""What one sees of a run: live values, curves, and what the network makes of its pictures at every epoch.

Drawn from the log and the snapshots alone, so a run that goes on, one that is over and a recording look the
same. A page draws it inside a fragment that runs again about once a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import streamlit as st

from training.events import Failed
from training.recipe import Recipe
from ui import bound, cached, charts, prose
from ui.live import Log, Numbers, Source
from viz.figures.training import LOOKS, Axis, Curve, Mark, progress, rates, smoothed

NEWEST = "newest"  # the end of the slider that goes along with a run

_AXES = {"steps": "Steps", "epochs": "Epochs", "time": "Time"}
_DRAWN = {
    "steps": Axis(title="Steps of the optimiser", unit="step"),
    "epochs": Axis(title="Epochs", unit="epoch"),
    "time": Axis(title="Seconds of training", unit="second"),
}
_WEIGHTS = {"raw": "validation", "ema": "validation, EMA", "swa": "validation, SWA"}


class Run(Source, Protocol):
    """What a view asks of `training.runs.Runs`."""

    def recipe(self, id: str) -> Recipe: ...


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A run and the epoch that the reader looks at."""

    source: Run
    id: str
    recipe: Recipe
    log: Log
    epoch: int | None  # None before the first evaluation
    newest: bool  # goes along with the run
    page: str  # prefix of the keys


def view(source: Run, id: str, *, page: str, until: float | None = None) -> None:
    """Draw the run. `until`: as it was after so many seconds of training, for a run that is played again."""
    log = cached.logs().read(source, id)
    if until is not None:
        log = log.until(until)
    recipe = source.recipe(id)
    if isinstance(log.end, Failed):
        st.error(prose.literal(log.end.reason), icon=":material/error:")
    if log.started is None:
        if log.end is None:
            st.info("Nothing to see yet: the network is being built.", icon=":material/hourglass_top:")
        return
    values = st.container()
    chosen = _slider(log, page)
    epoch = None if not log.seen else log.seen[-1] if chosen == NEWEST else min(int(chosen), log.seen[-1])
    seen = Seen(source=source, id=id, recipe=recipe, log=log, epoch=epoch, newest=chosen == NEWEST, page=page)
    with values:
        _values(seen)
    _curves(seen)


def _slider(log: Log, page: str) -> str:
    """The epoch to look at: its number, or NEWEST."""
    steps = [*map(str, log.seen), NEWEST]
    if len(steps) < 3:  # nothing to choose from yet
        return NEWEST
    return bound.slider(
        "Epoch to look at", f"{page}.epoch", steps, NEWEST,
        help="Everything below shows the run as it was after this epoch; 0 is before the first step. At the "
        "right end the view goes along with the run.",
    )  # fmt: skip


def _values(seen: Seen) -> None:
    """The numbers at a glance: of now, or of the epoch that is looked at."""
    log, recipe = seen.log, seen.recipe
    at = _row(log, seen.epoch)
    columns = st.columns(5)
    columns[0].metric("Epoch", f"{0 if seen.epoch is None else seen.epoch} of {recipe.epochs}")
    columns[1].metric("Training accuracy", _share(_training(seen)))
    columns[2].metric(
        "Validation accuracy", _share(None if at is None else log.evaluations["raw"].accuracy[at])
    )
    speed, left = log.speed(), log.left(recipe.epochs)
    columns[3].metric("Images a second", "–" if speed is None else f"{speed:,.0f}")
    over = log.end is not None or left is None
    columns[4].metric("Time" if over else "Time left", _duration(log.t if left is None else left))


def _row(log: Log, epoch: int | None) -> int | None:
    """Where in the evaluations of the raw weights an epoch stands."""
    return None if epoch is None else log.seen.index(epoch)


def _training(seen: Seen) -> float | None:
    """Accuracy on the training pictures: over the epoch, or over the last steps while one goes on."""
    if seen.newest and len(seen.log.steps.step):
        return float(np.mean(seen.log.steps.accuracy[-_span(seen.log) :]))
    return next((each.accuracy for each in seen.log.epochs if each.epoch == seen.epoch), None)


def _span(log: Log) -> int:
    """Steps over which a curve is smoothed: half an epoch."""
    return 1 if log.started is None else max(log.started.steps_per_epoch // 2, 1)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _curves(seen: Seen) -> None:
    log, page = seen.log, seen.page
    with st.container(horizontal=True, vertical_alignment="bottom"):
        over = bound.segments("Draw over", f"{page}.over", _AXES)
        log_loss = bound.switch("Logarithmic loss", f"{page}.log")
    axis = _DRAWN[over]
    at = None if seen.epoch is None or seen.newest else _moment(log, seen.epoch, over)
    left, right = st.columns(2, gap="medium")
    with left:
        loss = progress(
            _series(log, "loss", over), title="Loss", axis=axis, y="Cross-entropy, nats",
            logarithmic=log_loss, at=at,
        )  # fmt: skip
        charts.steady(
            loss, f"{page}.loss", name="zoolens-loss", view=f"{seen.id} {over} {log_loss}",
            alt="Loss on training and validation pictures so far",
        )  # fmt: skip
    with right:
        accuracy = progress(
            _series(log, "accuracy", over), title="Accuracy", axis=axis, y="Share that is right", shares=True,
            at=at,
        )  # fmt: skip
        charts.steady(
            accuracy, f"{page}.accuracy", name="zoolens-accuracy", view=f"{seen.id} {over}",
            alt="Accuracy on training and validation pictures so far",
        )  # fmt: skip
    charts.steady(
        rates(*_rates(log, over, seen.recipe.epochs), axis=axis, at=at), f"{page}.rate",
        name="zoolens-learning-rate", view=f"{seen.id} {over}",
        alt="The learning rate as planned and as used so far",
    )  # fmt: skip


def _over(log: Log, over: str, step: Numbers, t: Numbers) -> Numbers:
    """Where on the axis moments stand."""
    if over == "time":
        return t
    per_epoch = 1 if over == "steps" or log.started is None else log.started.steps_per_epoch
    return step / per_epoch


def _moment(log: Log, epoch: int, over: str) -> float:
    row = log.seen.index(epoch)
    raw = log.evaluations["raw"]
    return float(_over(log, over, raw.step, raw.t)[row])


def _series(log: Log, quantity: str, over: str) -> Sequence[Curve]:
    """Loss or accuracy of batches, smoothed, and on the validation pictures with each kind of weights."""
    steps = log.steps
    x, y = _over(log, over, steps.step, steps.t), getattr(steps, quantity)
    curves = [
        Curve(name="one batch", x=x, y=y, look=LOOKS["batch"]),
        Curve(name="training, smoothed", x=x, y=smoothed(y, _span(log)), look=LOOKS["train"]),
    ]
    for weights, name in _WEIGHTS.items():
        if (found := log.evaluations.get(weights)) is not None:
            x = _over(log, over, found.step, found.t)
            curves.append(Curve(name=name, x=x, y=getattr(found, quantity), look=LOOKS[weights]))
    return curves


def _rates(log: Log, over: str, epochs: int) -> tuple[Sequence[Curve], Sequence[Mark]]:
    steps, curves = log.steps, []
    if log.started is not None and over != "time":  # when steps will be made is not known before
        last = log.started.steps_per_epoch * epochs
        planned = np.asarray(log.started.rates)
        step = np.linspace(1, last, len(planned))
        x = _over(log, over, step, step)
        curves.append(Curve(name="as planned", x=x, y=planned, look=LOOKS["planned"]))
    x = _over(log, over, steps.step, steps.t)
    curves.append(Curve(name="as used", x=x, y=steps.rate, look=LOOKS["rate"]))
    marks = []
    for change in log.changes:
        at = min(int(np.searchsorted(steps.step, change.step)), len(steps.step) - 1)
        if at >= 0:
            words = f"turned to {change.rate:.3g} after step {change.step}"
            marks.append(Mark(x=float(x[at]), y=change.rate, words=words))
    return curves, marks
