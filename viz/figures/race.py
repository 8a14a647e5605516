"""A race: the curves of its lanes over each other, and how far each had to go to a target.

A lane has one colour and one marker, in every figure and in the words around them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import plotly.graph_objects as go

from viz.figures import style
from viz.figures.style import LINE
from viz.figures.training import Axis, Curve, Look, Numbers, progress

# Okabe and Ito's, and markers of their own for those who do not see them.
COLOURS, SYMBOLS, GLYPHS = (each[:4] for each in (style.COLOURS, style.SYMBOLS, style.GLYPHS))


@dataclass(frozen=True, kw_only=True, eq=False)
class Track:
    """One curve of a lane."""

    name: str
    x: Numbers
    y: Numbers
    marked: bool  # whether each point is a moment of its own, such as an epoch


def curves(
    tracks: Sequence[Track],
    *,
    title: str,
    axis: Axis,
    y: str,
    shares: bool,
    within: tuple[float, float] | None,
    across: float | None = None,
    target: float | None = None,
) -> go.Figure:
    """One curve a lane, in the order of the lanes, between the ends `within` of the vertical axis.

    `across` is the end of the horizontal axis where it is known beforehand, `target` where a dashed line
    lies.
    """
    drawn = [
        Curve(
            name=f"{GLYPHS[at]} {track.name}", x=track.x, y=track.y,
            look=Look(colour=COLOURS[at], symbol=SYMBOLS[at] if track.marked else None),
        )
        for at, track in enumerate(tracks)
    ]  # fmt: skip
    figure = progress(drawn, title=title, axis=axis, y=y, shares=shares)
    if within is not None:
        figure.update_yaxes(range=within)
    if across is not None:
        figure.update_xaxes(range=(0, across))
    if target is not None:
        figure.add_shape(
            type="line", xref="x domain", x0=0, x1=1, y0=target, y1=target,
            line={"color": LINE, "dash": "dash", "width": 1.6},
        )  # fmt: skip
    return figure


@dataclass(frozen=True, kw_only=True)
class Finish:
    """What a lane needed to reach the target: epochs, steps or seconds; None while it has not."""

    name: str
    reached: float | None
    so_far: float  # how far it has come, on the same axis


def finish(lanes: Sequence[Finish], *, title: str, axis: Axis) -> go.Figure:
    """A bar a lane, as long as its way to the target; the outline of a bar for one that is not there yet."""
    traces = []
    for at, lane in enumerate(lanes):
        there = lane.reached is not None
        length = lane.so_far if lane.reached is None else lane.reached
        said = f"{length:.3g}" if there else f"not in {length:.3g}"
        traces.append(
            go.Bar(
                x=[length], y=[f"{GLYPHS[at]} {lane.name}"], orientation="h", width=0.62, text=[said],
                textposition="auto", insidetextanchor="end", cliponaxis=False, showlegend=False,
                marker={
                    "color": COLOURS[at] if there else "rgba(125, 136, 148, 0.12)",
                    "line": {"color": COLOURS[at], "width": 2},
                },
                hovertemplate=f"{lane.name}: {said} {axis.unit}s<extra></extra>",
            )
        )  # fmt: skip
    figure = go.Figure(traces)
    return figure.update_layout(
        title=title,
        height=110 + 38 * len(lanes),
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        dragmode=False,
        xaxis={"title": axis.title, "rangemode": "tozero", "zeroline": False},
        yaxis={"autorange": "reversed", "automargin": True},
    )


def together(tracks: Sequence[Track], *, shares: bool) -> tuple[float, float] | None:
    """The ends of one vertical axis for all of these; None where there is nothing to draw."""
    values = np.concatenate([track.y[np.isfinite(track.y)] for track in tracks]) if tracks else np.empty(0)
    if not values.size:
        return None
    top = float(values.max())
    step = 20 if shares else 5  # a part of 1: ends are round numbers
    end = ceil(round(top * step, 6)) / step
    return (0.0, min(1.0, end) if shares else end)
