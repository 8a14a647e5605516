"""What one sees of a run: live values, curves, and what the network makes of its pictures at every epoch.

Drawn from the log and the snapshots alone, so a run that goes on, one that is over and a recording look the
same. A page draws it inside a fragment that runs again about once a second.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from plotly.graph_objects import Figure

from training.events import Arrays, Failed, Started
from training.recipe import Recipe
from training.runs import Runs
from ui import bound, cached, charts, prose, run_panels
from ui.live import Log
from viz.figures.style import MEDIUM
from viz.figures.training import AXES, LOOKS, Curve, Mark, progress, rates, smoothed
from zoo import variant

NEWEST = "newest"  # the end of the slider that goes along with a run

_AXES = {"steps": "Steps", "epochs": "Epochs", "time": "Time"}
_ALTS = {
    "loss": "Loss on training and validation pictures so far",
    "accuracy": "Accuracy on training and validation pictures so far",
    "rate": "The learning rate as planned and as used so far",
}
_WEIGHTS = {"raw": "validation", "ema": "validation, EMA", "swa": "validation, SWA"}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A run and the epoch that the reader looks at."""

    source: Runs
    id: str
    recipe: Recipe
    log: Log
    epoch: int | None  # None before the first evaluation
    newest: bool  # goes along with the run
    page: str  # prefix of the keys


def view(source: Runs, id: str, *, page: str, until: float | None = None) -> None:
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
    values, slider = st.container(), st.container()  # at their places, whatever is drawn in them
    with slider:
        chosen = _slider(log, page)
    epoch = None if not log.seen else log.seen[-1] if chosen == NEWEST else min(int(chosen), log.seen[-1])
    seen = Seen(source=source, id=id, recipe=recipe, log=log, epoch=epoch, newest=chosen == NEWEST, page=page)
    with values:
        _values(seen)
    _curves(seen)
    if epoch is None:
        here = "under way" if until is None else "still to come at this moment"
        st.info(f"The first look at the validation pictures is {here}.", icon=":material/hourglass_top:")
        return
    _panels(seen, log.started, epoch)


def _panels(seen: Seen, started: Started, epoch: int) -> None:
    log = seen.log
    try:
        arrays, first = (_snapshot(seen, each) for each in (epoch, log.seen[0]))
    except ValueError as error:
        st.warning(prose.literal(str(error)), icon=":material/hide_image:")
        return
    images, labels, why = run_panels.pictures(seen.recipe, variant(seen.recipe.specimen.variant).channels)
    run_panels.panels(
        run_panels.Moment(
            run=(str(seen.source.root), seen.id), log=log, classes=started.classes,
            handful=started.handful, stages=started.stages, epoch=epoch, arrays=arrays, first=first,
            images=images, labels=labels, why=why, page=seen.page,
        )
    )  # fmt: skip


def _snapshot(seen: Seen, epoch: int) -> Arrays:
    what = ("snapshot", str(seen.source.root), seen.id, epoch)
    return cached.once(what, partial(seen.source.snapshot, seen.id, epoch))


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
    row = None if seen.epoch is None else log.seen.index(seen.epoch)
    said = {
        "Epoch": f"{seen.epoch or 0} of {recipe.epochs}",
        "Training accuracy": _share(_training(seen)),
        "Validation accuracy": _share(None if row is None else log.evaluations["raw"].accuracy[row]),
    }
    for weights, words in (("ema", "With EMA"), ("swa", "With SWA")):
        if (found := log.evaluations.get(weights)) is not None:
            there = found.accuracy[found.epoch == seen.epoch]
            said[words] = _share(there[0] if len(there) else None)
    speed, left = log.speed(), log.left(recipe.epochs)
    said["Images a second"] = "–" if speed is None else f"{speed:,.0f}"
    if left is not None:
        said["Time left"] = _duration(left)
    with st.container(horizontal=True, gap="small"):
        for label, value in said.items():
            st.metric(label, value, width=140)


def _training(seen: Seen) -> float | None:
    """Accuracy on the training pictures: over the epoch, or over the last steps while one goes on."""
    if seen.newest and len(seen.log.steps.step):
        return float(np.mean(seen.log.steps.accuracy[-seen.log.half_epoch :]))
    return next((each.accuracy for each in seen.log.epochs if each.epoch == seen.epoch), None)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} min" if minutes else f"{rest} s"


def _curves(seen: Seen) -> None:
    log, page = seen.log, seen.page
    with st.container(horizontal=True, vertical_alignment="bottom"):
        over = bound.segments("Draw over", f"{page}.over", _AXES)
        log_loss = bound.switch("Logarithmic loss", f"{page}.log")
    at = None if seen.epoch is None or seen.newest else _moment(log, seen.epoch, over)
    drawn = {
        "loss": partial(_loss, log, over, log_loss, at),
        "accuracy": partial(_accuracy, log, over, at),
        "rate": partial(_rate, log, over, seen.recipe.epochs, at),
    }
    ink = charts.ink()
    for column, (name, draw) in zip(st.columns(3, gap="small"), drawn.items(), strict=True):
        what = (name, str(seen.source.root), seen.id, over, log_loss, log.version, at, ink)
        with column:
            option = cached.once(what, partial(_option, draw, ink))
            charts.lines(option, f"{page}.{name}", alt=_ALTS[name], height=MEDIUM)
    st.caption(prose.words("run")["curves"])


def _option(draw: Callable[[], Figure], ink: str) -> Mapping[str, Any]:
    return charts.option(draw(), ink)


def _loss(log: Log, over: str, logarithmic: bool, at: float | None) -> Figure:
    return progress(
        _series(log, "loss", over), title="Loss", axis=AXES[over], y="Cross-entropy, nats",
        logarithmic=logarithmic, at=at,
    )  # fmt: skip


def _accuracy(log: Log, over: str, at: float | None) -> Figure:
    return progress(
        _series(log, "accuracy", over), title="Accuracy", axis=AXES[over], y="Share that is right",
        shares=True, at=at,
    )  # fmt: skip


def _rate(log: Log, over: str, epochs: int, at: float | None) -> Figure:
    return rates(*_rates(log, over, epochs), axis=AXES[over], at=at)


def _moment(log: Log, epoch: int, over: str) -> float:
    row = log.seen.index(epoch)
    raw = log.evaluations["raw"]
    return float(log.along(over, raw.step, raw.t)[row])


def _series(log: Log, quantity: str, over: str) -> Sequence[Curve]:
    """Loss or accuracy of batches, smoothed, and on the validation pictures with each kind of weights."""
    steps = log.steps
    x, y = log.along(over, steps.step, steps.t), getattr(steps, quantity)
    curves = [
        Curve(name="one batch", x=x, y=y, look=LOOKS["batch"]),
        Curve(name="training, smoothed", x=x, y=smoothed(y, log.half_epoch), look=LOOKS["train"]),
    ]
    for weights, name in _WEIGHTS.items():
        if (found := log.evaluations.get(weights)) is not None:
            x = log.along(over, found.step, found.t)
            curves.append(Curve(name=name, x=x, y=getattr(found, quantity), look=LOOKS[weights]))
    return curves


def _rates(log: Log, over: str, epochs: int) -> tuple[Sequence[Curve], Sequence[Mark]]:
    steps, curves = log.steps, []
    if log.started is not None and over != "time":  # when steps will be made is not known before
        last = log.started.steps_per_epoch * epochs
        planned = np.asarray(log.started.rates)
        step = np.linspace(1, last, len(planned))
        x = log.along(over, step, step)
        curves.append(Curve(name="as planned", x=x, y=planned, look=LOOKS["planned"]))
    x = log.along(over, steps.step, steps.t)
    curves.append(Curve(name="as used", x=x, y=steps.rate, look=LOOKS["rate"]))
    marks = []
    for change in log.changes:
        at = min(int(np.searchsorted(steps.step, change.step)), len(steps.step) - 1)
        if at >= 0:
            words = f"turned to {change.rate:.3g} after step {change.step}"
            marks.append(Mark(x=float(x[at]), y=change.rate, words=words))
    return curves, marks
