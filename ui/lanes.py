"""What one sees of a race, live or recorded: curves over each other, the way to a target, a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from training.events import Done
from training.race import cost
from training.recipe import Recipe
from ui import bound, charts, export, prose
from ui.live import Evaluations, Log
from viz.figures.race import GLYPHS, Finish, Track, curves, finish, together
from viz.figures.style import count
from viz.figures.training import AXES, smoothed

_OVER = {"epochs": "Epochs", "steps": "Steps", "time": "Time"}
_QUANTITIES = {"accuracy": "Accuracy", "loss": "Loss"}
_TARGETS = tuple(range(15, 100, 5))  # per cent
_AVERAGES = ("ema", "swa")


@dataclass(frozen=True, kw_only=True, eq=False)
class Entrant:
    """A lane on a page."""

    name: str
    run: str  # id
    recipe: Recipe
    log: Log
    status: str = ""  # in words; empty for a recording


def draw(lanes: Sequence[Entrant], page: str, *, quantity: str, link: Callable[[str], str] | None) -> None:
    """Curves, way to the target and table. `quantity` is what the figures show at first, `link` gives the
    address of a run; None where there is none to open.
    """
    words = prose.words("race")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        first = sorted(_QUANTITIES, key=lambda each: each != quantity)
        shown = bound.segments("Show", f"{page}.show", {each: _QUANTITIES[each] for each in first})
        over = bound.segments("Over", f"{page}.over", _OVER)
        percent = bound.slider(
            "Target: validation accuracy", f"{page}.target", _TARGETS, 70, words=lambda each: f"{each} %",
            help="Who gets there first, and after how long? Drawn as a dashed line.",
        )  # fmt: skip
    _curves(lanes, page, shown, over, percent / 100)
    st.caption(words["curves"])
    _finish(lanes, page, over, percent / 100)
    st.subheader("The results so far" if any(lane.log.end is None for lane in lanes) else "The results")
    rows = [_row(lane, percent / 100) for lane in lanes]
    table(_table(lanes, rows, link), f"{page}.table")
    st.caption(f"{words['link'] if link else ''} {words['table']}".strip())
    st.download_button(
        "Save the table as CSV", lambda: export.as_csv(rows), "zoolens-race.csv", "text/csv",
        key=f"{page}.csv", icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def table(text: str, key: str) -> None:
    """A table in Markdown that scrolls by itself where the page is narrow."""
    st.html("<style>[class*='st-key-wide-'] { overflow-x: auto; }</style>")
    with st.container(key=f"wide.{key}"):
        st.markdown(text)


def _curves(lanes: Sequence[Entrant], page: str, quantity: str, over: str, target: float) -> None:
    shares = quantity == "accuracy"
    training = [_training(lane, quantity, over) for lane in lanes]
    validation = [_validation(lane, quantity, over) for lane in lanes]
    within = together([*training, *validation], shares=shares)
    across = None if over == "time" else max(_planned(lane, over) for lane in lanes)
    y = "Share that is right" if shares else "Cross-entropy, nats"
    for column, tracks, title, place in zip(
        st.columns(2, gap="medium"), (training, validation),
        ("Training pictures", "Validation pictures"), ("train", "validation"), strict=True,
    ):  # fmt: skip
        line = target if shares and place == "validation" else None
        figure = curves(
            tracks, title=f"{_QUANTITIES[quantity]}, {title.lower()}", axis=AXES[over], y=y, shares=shares,
            within=within, across=across, target=line,
        )  # fmt: skip
        names = ", ".join(lane.name for lane in lanes)
        with column:
            charts.steady(
                figure, f"{page}.{place}", name=f"zoolens-race-{place}",
                alt=f"{title} over {over}, one curve each for {names}",
            )  # fmt: skip


def _planned(lane: Entrant, over: str) -> float:
    """Epochs or steps that the recipe asks for, with a margin for the last marker."""
    per_epoch = 1 if over == "epochs" or lane.log.started is None else lane.log.started.steps_per_epoch
    return 1.03 * lane.recipe.epochs * per_epoch


def _training(lane: Entrant, quantity: str, over: str) -> Track:
    """Batches, each point the mean of the half epoch before it."""
    log = lane.log
    x = log.along(over, log.steps.step, log.steps.t)
    y = smoothed(getattr(log.steps, quantity), log.half_epoch)
    return Track(name=lane.name, x=x, y=y, marked=False)


def _validation(lane: Entrant, quantity: str, over: str) -> Track:
    found = evaluations(lane.log)
    if found is None:
        return Track(name=lane.name, x=np.empty(0), y=np.empty(0), marked=True)
    x = lane.log.along(over, found.step, found.t)
    return Track(name=lane.name, x=x, y=getattr(found, quantity), marked=True)


def evaluations(log: Log) -> Evaluations | None:
    """On the validation pictures, with averaged weights from when there are some; None before the first."""
    raw = log.evaluations.get("raw")
    averaged = next((log.evaluations[kind] for kind in _AVERAGES if kind in log.evaluations), None)
    if raw is None or averaged is None:
        return raw
    before = raw.step < averaged.step[0]
    return Evaluations(
        epoch=np.concatenate([raw.epoch[before], averaged.epoch]),
        step=np.concatenate([raw.step[before], averaged.step]),
        loss=np.concatenate([raw.loss[before], averaged.loss]),
        accuracy=np.concatenate([raw.accuracy[before], averaged.accuracy]),
        t=np.concatenate([raw.t[before], averaged.t]),
    )


def reached(log: Log, target: float, over: str) -> float | None:
    """Epochs, steps or seconds until the validation accuracy first was `target`; None if never."""
    found = evaluations(log)
    if found is None or not (there := np.flatnonzero(found.accuracy >= target)).size:
        return None
    return float(log.along(over, found.step, found.t)[there[0]])


def _finish(lanes: Sequence[Entrant], page: str, over: str, target: float) -> None:
    bars = [
        Finish(
            name=lane.name,
            reached=reached(lane.log, target, over),
            so_far=_so_far(lane.log, over),
        )
        for lane in lanes
    ]
    axis = AXES[over]
    title = f"{axis.title} to {target:.0%} on the validation pictures"
    charts.steady(
        finish(bars, title=title, axis=axis), f"{page}.finish", name="zoolens-race-finish",
        alt="How long each lane took to the target; an outline where it is not there yet",
    )  # fmt: skip


def _so_far(log: Log, over: str) -> float:
    return float(log.along(over, np.array([float(log.step)]), np.array([log.t]))[0])


def _row(lane: Entrant, target: float) -> dict[str, object]:
    """What the table says of a lane, numbers in full."""
    log, price, found = lane.log, cost(lane.recipe), evaluations(lane.log)
    seconds = reached(log, target, "time")
    return {
        "lane": lane.name,
        "run": lane.run,
        "state": lane.status or ("finished" if isinstance(log.end, Done) else "under way"),
        "parameters": price.params,
        "MACs": price.macs,
        "epochs": len(log.epochs),
        "training accuracy": log.epochs[-1].accuracy if log.epochs else None,
        "validation accuracy, last": None if found is None else float(found.accuracy[-1]),
        "validation accuracy, best": None if found is None else float(found.accuracy.max()),
        "seconds": log.t,
        f"seconds to {target:.0%}": seconds,
    }


def _table(
    lanes: Sequence[Entrant], rows: Sequence[dict[str, object]], link: Callable[[str], str] | None
) -> str:
    """The same for the eye."""
    head = [name for name in rows[0] if name != "run"]
    lines = [[name[0].upper() + name[1:] for name in head], ["---", "---"] + ["---:"] * (len(head) - 2)]
    for at, (lane, row) in enumerate(zip(lanes, rows, strict=True)):
        cells = [_cell(name, row[name]) for name in head]
        name = prose.literal(lane.name)
        cells[0] = f"{GLYPHS[at]}&nbsp;{f'[{name}]({link(lane.run)})' if link else name}"
        lines.append(cells)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(name: str, value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    assert isinstance(value, int | float)
    if name in ("parameters", "MACs"):
        return count(value)
    if "accuracy" in name:
        return f"{value:.1%}"
    return f"{value:,.0f} s" if name.startswith("seconds") else f"{value}"
