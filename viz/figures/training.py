"""A training as it goes: curves of loss, accuracy and learning rate, and what happens in every layer.

Numbers in, figures out. A curve never has more than POINTS points, and thinning keeps every extreme of its
neighbourhood, so that a spike of one step among thousands stays on screen.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from viz.figures.style import FAINT, LINE, MEDIUM

Numbers = NDArray[np.floating]

POINTS = 500  # of a curve, at most
ROW = 17  # px: height of a layer in a heat strip
_LONGEST = 34  # characters of a layer's name beside a strip


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a kind of curve is drawn."""

    colour: str
    dash: str = "solid"
    width: float = 2.2
    symbol: str | None = None  # plotly's name of the marker at every point


LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "batch": Look(colour="rgba(86, 160, 211, 0.55)", width=1.0),
        "train": Look(colour="#0072b2"),
        "raw": Look(colour="#e69f00", symbol="circle"),
        "ema": Look(colour="#009e73", dash="dash", symbol="diamond"),
        "swa": Look(colour="#cc79a7", dash="dash", symbol="square"),
        "planned": Look(colour=LINE, dash="dash", width=1.6),
        "rate": Look(colour="#d55e00"),
    }
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """Numbers over numbers, in the order of x; NaN is a gap."""

    name: str
    x: Numbers
    y: Numbers
    look: Look
    stepped: bool = False  # y holds until the next x


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What the curves are drawn over."""

    title: str
    unit: str  # behind a number: "step"


AXES: Mapping[str, Axis] = MappingProxyType(
    {
        "steps": Axis(title="Steps of the optimiser", unit="step"),
        "epochs": Axis(title="Epochs", unit="epoch"),
        "time": Axis(title="Seconds of training", unit="second"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A moment to point at, and what happened."""

    x: float
    y: float
    words: str


def thinned(y: Numbers, points: int = POINTS) -> NDArray[np.intp]:
    """Which of the points of a curve to draw: at most `points`, the least and largest of every stretch.

    The first and the last are among them. NaN is never an extreme.
    """
    if len(y) <= points:
        return np.arange(len(y))
    stretches = points // 2 - 1
    length = -(-len(y) // stretches)
    padded = np.full(stretches * length, np.nan)
    padded[: len(y)] = y
    rows = padded.reshape(stretches, length)
    empty = np.isnan(rows)
    starts = np.arange(stretches) * length
    least = starts + np.where(empty, np.inf, rows).argmin(axis=1)
    largest = starts + np.where(empty, -np.inf, rows).argmax(axis=1)
    kept = np.concatenate([[0], least, largest, [len(y) - 1]])
    return np.unique(kept[kept < len(y)])


def smoothed(y: Numbers, span: int) -> Numbers:
    """The mean of each value and the `span` - 1 before it, without those that are not finite."""
    finite = np.isfinite(y)
    total, number = (np.concatenate([[0.0], np.cumsum(each)]) for each in (np.where(finite, y, 0.0), finite))
    end = np.arange(1, len(y) + 1)
    start = np.maximum(end - span, 0)
    with np.errstate(invalid="ignore"):
        mean: Numbers = (total[end] - total[start]) / (number[end] - number[start])
    return mean


def progress(
    curves: Sequence[Curve],
    *,
    title: str,
    axis: Axis,
    y: str,
    shares: bool = False,
    logarithmic: bool = False,
    at: float | None = None,
) -> go.Figure:
    """Curves over one axis, and a dotted line at the moment `at` that the reader looks at.

    `shares`: the values lie from 0 to 1 and are written in per cent.
    """
    number = "%{y:.1%}" if shares else "%{y:.4g}"
    traces = [_line(curve, f"{number}<br>{axis.unit} %{{x:.6~g}}") for curve in curves]
    vertical: dict[str, object] = {"title": y, "zeroline": False, "automargin": True}
    if shares:
        vertical |= {"tickformat": ".0%", "rangemode": "nonnegative"}
    elif logarithmic:
        vertical |= {"type": "log", "exponentformat": "power", "nticks": 6}
    else:
        vertical |= {"rangemode": "tozero"}
    return go.Figure(traces, _layout(title, axis, vertical, at))


def rates(
    curves: Sequence[Curve],
    marks: Sequence[Mark],
    *,
    axis: Axis,
    at: float | None = None,
) -> go.Figure:
    """The learning rate as planned and as used, with a triangle wherever a reader turned it."""
    traces = [_line(curve, f"%{{y:.3g}}<br>{axis.unit} %{{x:.6~g}}") for curve in curves]
    if marks:
        traces.append(
            {
                "type": "scatter", "mode": "markers", "name": "changed by hand",
                "x": [mark.x for mark in marks], "y": [mark.y for mark in marks],
                "text": [mark.words for mark in marks],
                "marker": {"symbol": "triangle-down", "size": 12, "color": LOOKS["rate"].colour,
                           "line": {"width": 1.5, "color": LINE}},
                "hovertemplate": "%{text}<extra></extra>",
            }
        )  # fmt: skip
    vertical = {
        "title": "Learning rate", "rangemode": "tozero", "zeroline": False, "automargin": True,
        "tickformat": ".2~g",
    }  # fmt: skip
    return go.Figure(traces, _layout("Learning rate", axis, vertical, at))


def _line(curve: Curve, said: str) -> dict[str, object]:
    kept = thinned(curve.y)
    look = curve.look
    # A marker alone is what there is to see of a curve with one point.
    points = look.symbol is not None or len(kept) == 1
    return {
        "type": "scatter", "name": curve.name,
        "mode": "lines+markers" if points and len(kept) <= 60 else "lines",
        "x": curve.x[kept].astype(np.float32), "y": curve.y[kept].astype(np.float32),
        "line": {"color": look.colour, "width": look.width, "dash": look.dash,
                 "shape": "hv" if curve.stepped else "linear"},
        "marker": {"symbol": look.symbol or "circle", "size": 7},
        "hovertemplate": f"{curve.name}: {said}<extra></extra>",
    }  # fmt: skip


def _layout(title: str, axis: Axis, vertical: Mapping[str, object], at: float | None) -> dict[str, object]:
    return {
        "title": title,
        "height": MEDIUM,
        "margin": {"l": 8, "r": 8, "t": 44, "b": 8},
        "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        "showlegend": True,
        "dragmode": False,
        "hoverlabel": {"align": "left"},
        "xaxis": {"title": axis.title, "zeroline": False, "rangemode": "tozero", "nticks": 8},
        "yaxis": dict(vertical),
        "shapes": [] if at is None else [_moment(at)],
    }


def _moment(at: float) -> dict[str, object]:
    line = {"color": LINE, "dash": "dot", "width": 2}
    return {"type": "line", "x0": at, "x1": at, "yref": "y domain", "y0": 0, "y1": 1, "line": line}


@dataclass(frozen=True, kw_only=True, eq=False)
class Strip:
    """A number for every layer and every epoch."""

    title: str
    unit: str  # of the colours, in words
    layers: tuple[str, ...]  # in forward order, from the top
    epochs: tuple[int, ...]
    values: Numbers  # (layers, epochs)
    shares: bool = False  # values from 0 to 1, in per cent; otherwise the colours are logarithmic


def heat(strip: Strip, at: int | None = None) -> go.Figure:
    """Layers by epochs as colours, the first layer at the top, with a frame around epoch `at`.

    What is exactly 0, or no number, has no place on a logarithmic scale and stays empty; hovering says it.
    """
    values = np.asarray(strip.values, dtype=np.float64)
    shown = values if strip.shares else _powers(values)
    finite = shown[np.isfinite(shown)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    bar: dict[str, object] = {
        "title": {"text": strip.unit, "side": "right"},
        "thickness": 14,
        "outlinewidth": 0,
    }
    if strip.shares:
        low, high = 0.0, 1.0
        bar |= {"tickformat": ".0%"}
    else:
        low, high = (low, high) if high - low > 0.5 else (low - 0.35, high + 0.35)
        ticks = _ticks(low, high)
        bar |= {"tickvals": np.log10(ticks), "ticktext": [f"{tick:g}" for tick in ticks]}
    said = "%{customdata:.1%}" if strip.shares else "%{customdata:.3g}"
    heatmap = {
        "type": "heatmap", "x": list(strip.epochs), "y": [*range(len(strip.layers))],
        "z": np.where(np.isfinite(shown), shown, np.nan).astype(np.float32), "zmin": low, "zmax": high,
        "customdata": values.astype(np.float32),
        "text": [[name] * len(strip.epochs) for name in strip.layers],
        "colorscale": "Cividis", "colorbar": bar, "xgap": 1, "ygap": 1, "hoverongaps": True,
        "hovertemplate": f"%{{text}}<br>epoch %{{x}}: {said} {strip.unit}<extra></extra>",
    }  # fmt: skip
    frame = []
    if at is not None and at in strip.epochs:
        frame = [
            {
                "type": "rect", "x0": at - 0.5, "x1": at + 0.5, "yref": "paper", "y0": 0, "y1": 1,
                "line": {"color": "#d55e00", "width": 2.5},
            }
        ]  # fmt: skip
    return go.Figure(
        [heatmap],
        {
            "title": strip.title,
            "height": 120 + ROW * max(len(strip.layers), 8),
            "margin": {"l": 8, "r": 8, "t": 44, "b": 8},
            "dragmode": False,
            "plot_bgcolor": FAINT,
            "xaxis": {"title": "Epoch", "zeroline": False, "showgrid": False, "nticks": 12, "tickformat": "d",
                      "range": (strip.epochs[0] - 0.5, strip.epochs[-1] + 0.5)},
            "yaxis": {
                "range": (len(strip.layers) - 0.5, -0.5), "automargin": True, "showgrid": False,
                "zeroline": False,
                "tickvals": [*range(len(strip.layers))], "ticktext": [_short(name) for name in strip.layers],
                "tickfont": {"size": 11},
            },
            "shapes": frame,
        },
    )  # fmt: skip


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers whose logarithms lie between two: 1, 2 and 5 times powers of ten, or powers alone."""
    digits = (1, 2, 5) if high - low < 2.5 else (1,)
    powers = range(math.floor(low), math.ceil(high) + 1, max(1, round((high - low) / 6)))
    ticks = [digit * 10.0**power for power in powers for digit in digits]
    return [tick for tick in ticks if low <= math.log10(tick) <= high + 1e-9]


def _powers(values: Numbers) -> Numbers:
    """The decimal logarithm; NaN for what has none."""
    positive = np.where(values > 0, values, np.nan)
    powers: Numbers = np.log10(positive)
    return powers


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"…{name[1 - _LONGEST :]}"
