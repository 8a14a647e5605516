"""Figure 5 of Zeiler and Fergus: what a change of the picture does, a curve for each picture or each network.

Numbers in, figures out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from viz.figures.style import COLOURS, LINE, MEDIUM, SYMBOLS

Numbers = NDArray[np.floating]

DASHES = ("solid", "solid", "solid", "solid", "solid", "dash", "dash")  # where markers come again
MOST = len(COLOURS)


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """One curve; NaN is not known yet."""

    name: str
    x: Sequence[float] | Numbers  # amounts of a change
    y: Numbers
    low: Numbers | None = None  # with `high`: how far the pictures behind a mean spread
    high: Numbers | None = None


def curves(
    lines: Sequence[Line],
    *,
    title: str,
    axis: str,
    y: str,
    shares: bool = False,
    here: float | None = None,
) -> go.Figure:
    """Lines over the amounts of a change, in the order of COLOURS; `here` is where the reader stands.

    `shares`: the vertical axis is in per cent, from 0 to 100.
    """
    figure = go.Figure()
    for at, line in enumerate(lines):
        places, known = np.asarray(line.x), np.isfinite(line.y)
        if line.low is not None and line.high is not None:
            figure.add_scatter(
                x=[*places[known], *places[known][::-1]], y=[*line.high[known], *line.low[known][::-1]],
                mode="lines", fill="toself", fillcolor=_faint(COLOURS[at]), line={"width": 0},
                hoverinfo="skip", showlegend=False,
            )  # fmt: skip
    for at, line in enumerate(lines):
        places, known = np.asarray(line.x), np.isfinite(line.y)
        figure.add_scatter(
            x=places[known], y=line.y[known], mode="lines+markers", name=escape(line.name),
            line={"color": COLOURS[at], "dash": DASHES[at], "width": 2.2},
            marker={"color": COLOURS[at], "symbol": SYMBOLS[at], "size": 6},
        )  # fmt: skip
    if here is not None:
        figure.add_shape(
            type="line", x0=here, x1=here, y0=0, y1=1, yref="y domain", line={"color": LINE, "width": 2}
        )
    ends = [end for line in lines for end in (min(line.x), max(line.x))]
    top = max((float(np.nanmax(_top(line), initial=0)) for line in lines), default=0)
    return figure.update_layout(
        title=title,
        height=MEDIUM,
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        legend={"orientation": "h", "y": -0.3, "yanchor": "top", "x": 0},
        dragmode=False,
        xaxis={"title": axis, "range": (min(ends, default=0), max(ends, default=1)), "zeroline": False},
        yaxis={
            "title": y, "range": (0, 1.0 if shares else _round(top)), "zeroline": False,
            "tickformat": ".0%" if shares else None,
        },
    )  # fmt: skip


def bars(names: Sequence[str], values: Sequence[float], *, title: str, axis: str) -> go.Figure:
    """A share of 1 for each name, the largest on top."""
    order, shown = np.argsort(values), [escape(name) for name in names]
    figure = go.Figure(
        go.Bar(
            x=[values[at] for at in order], y=[shown[at] for at in order], orientation="h", width=0.62,
            marker={"color": COLOURS[0]}, text=[f"{values[at]:.0%}" for at in order], textposition="auto",
            textfont={"size": 13}, constraintext="none", cliponaxis=False,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )  # fmt: skip
    return figure.update_layout(
        title=title,
        height=90 + 30 * len(names),
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        dragmode=False,
        xaxis={"title": axis, "range": (0, 1), "tickformat": ".0%", "zeroline": False},
        yaxis={"automargin": True},
    )


def _round(top: float) -> float:
    """The next round number: the end of an axis."""
    if top <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(top))
    return next(each * power for each in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if each * power >= top)


def _top(line: Line) -> Numbers:
    return line.y if line.high is None else line.high


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.18)"
