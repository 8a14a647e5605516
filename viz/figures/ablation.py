"""Networks without some of their layers: what they get wrong, and which layers hold their parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import plotly.graph_objects as go

from viz.figures.style import LAYER_COLOURS, LINE, count, ink

# Where parameters are: the layers that are taken away have colours of their own.
PLACES: Mapping[str, str] = MappingProxyType(
    {
        "conv1, conv2, conv5": LAYER_COLOURS["conv"],
        "conv3, conv4": LAYER_COLOURS["act"],
        "fc6, fc7": LAYER_COLOURS["linear"],
        "classes": LAYER_COLOURS["dropout"],
    }
)
_ROW = 34  # pixels
_BASE, _CHANGED = "#9aa3ad", "#0072b2"


@dataclass(frozen=True, kw_only=True)
class Errors:
    """A network's error in per cent: the mean, and the least and largest of several trainings."""

    name: str
    mean: float
    least: float
    largest: float
    base: bool  # whether others are compared with it


def errors(rows: Sequence[Errors], *, title: str, axis: str) -> go.Figure:
    """A bar a network, and a whisker over its trainings where there are several; bases are grey."""
    figure = go.Figure(
        go.Bar(
            x=[row.mean for row in rows], y=[row.name for row in rows], orientation="h", width=0.62,
            marker={
                "color": [_BASE if row.base else _CHANGED for row in rows],
                "line": {"color": LINE, "width": 1},
            },
            error_x={
                "type": "data", "symmetric": False, "array": [row.largest - row.mean for row in rows],
                "arrayminus": [row.mean - row.least for row in rows], "color": LINE, "thickness": 2,
                "width": 6, "visible": any(row.largest > row.least for row in rows),
            },
            text=[f"{row.mean:.1f}" for row in rows], textposition="inside", insidetextanchor="start",
            textfont={"color": [ink(_BASE if row.base else _CHANGED) for row in rows]},
            hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
        )
    )  # fmt: skip
    return _laid(figure, title, axis, len(rows))


def parameters(rows: Mapping[str, Mapping[str, int]], *, title: str) -> go.Figure:
    """A bar a network, in the colours of PLACES; `rows`: by network, by place."""
    figure = go.Figure()
    for place, colour in PLACES.items():
        values = [held.get(place, 0) for held in rows.values()]
        figure.add_bar(
            x=values, y=list(rows), orientation="h", width=0.62, name=place,
            marker={"color": colour, "line": {"color": LINE, "width": 1}},
            customdata=[
                [count(value), value / sum(held.values())]
                for value, held in zip(values, rows.values(), strict=True)
            ],
            hovertemplate=f"%{{y}}<br>{place}: %{{customdata[0]}}, %{{customdata[1]:.0%}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(
        barmode="stack",
        legend={"orientation": "h", "y": -0.36, "yanchor": "top", "x": 0, "traceorder": "normal"},
    )
    return _laid(figure, title, "Parameters", len(rows))


def _laid(figure: go.Figure, title: str, axis: str, rows: int) -> go.Figure:
    return figure.update_layout(
        title=title,
        height=150 + _ROW * rows,
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        dragmode=False,
        xaxis={"title": axis, "rangemode": "tozero", "zeroline": False, "fixedrange": True},
        yaxis={"autorange": "reversed", "automargin": True, "fixedrange": True},
    )
