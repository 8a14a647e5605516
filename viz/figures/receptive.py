"""What one unit of a layer sees, drawn on a picture."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from viz.figures import style
from zoo.anatomy import Field

# From the smallest field to the largest; told apart by their dashes too.
_LINES = (("#d55e00", "solid"), ("#0072b2", "dash"), ("#cc79a7", "dot"), ("#009e73", "dashdot"))
_BEYOND = 0.6  # of the picture's side: how far outside the picture a field is still drawn
_APART = 0.05  # and how far apart several fields are there


@dataclass(frozen=True)
class Seen:
    """A field with the channels it belongs to."""

    channels: str
    field: Field


def receptive(photo: bytes, size: int, unit: tuple[int, int], seen: Sequence[Seen]) -> go.Figure:
    """The fields of the unit in row and column `unit` on a JPEG shown as an image of `size` × `size` pixels.

    A field may reach over the border, where the network sees padding; what lies far outside is cut off.
    """
    source = f"data:image/jpeg;base64,{base64.b64encode(photo).decode()}"
    figure = go.Figure()
    figure.add_layout_image(
        source=source, xref="x", yref="y", x=0, y=0, sizex=size, sizey=size, sizing="stretch", layer="below"
    )
    reached = 0.0
    fields = _some(sorted(seen, key=lambda one: one.field.y.size * one.field.x.size))
    for number, (one, (colour, dash)) in enumerate(zip(fields, _LINES, strict=False)):
        top, bottom = _edges(one.field.y.stride, one.field.y.first, one.field.y.last, unit[0])
        left, right = _edges(one.field.x.stride, one.field.x.first, one.field.x.last, unit[1])
        reached = max(reached, -top, -left, bottom - size, right - size)
        limit = (_BEYOND - _APART * (len(fields) - 1 - number)) * size
        x0, x1 = max(left, -limit), min(right, size + limit)
        y0, y1 = max(top, -limit), min(bottom, size + limit)
        figure.add_scatter(
            x=[x0, x1, x1, x0, x0],
            y=[y0, y0, y1, y1, y0],
            mode="lines",
            name=f"{one.channels}: {one.field}",
            line={"color": colour, "width": 2.5, "dash": dash},
            fill="toself",
            fillcolor="rgba(255, 255, 255, 0.18)" if number == 0 else "rgba(0, 0, 0, 0)",
            hoverinfo="name",
        )
    field = fields[-1].field
    centre = [
        span.stride * u + (span.first + span.last + 1) / 2
        for span, u in zip((field.y, field.x), unit, strict=True)
    ]
    figure.add_scatter(
        x=[centre[1]],
        y=[centre[0]],
        mode="markers",
        name=f"centre of unit ({unit[0]}, {unit[1]})",
        marker={
            "symbol": "cross-thin",
            "size": 11,
            "line": {"width": 2.5, "color": "#ffffff"},
            "color": "#ffffff",
        },
        hoverinfo="name",
        showlegend=False,
    )
    margin = (min(reached / size, _BEYOND) + 0.03) * size
    around = {"range": [-margin, size + margin], "constrain": "domain", "zeroline": False, "showgrid": False}
    figure.update_xaxes(**around, nticks=6)
    figure.update_yaxes(**(around | {"range": [size + margin, -margin]}), scaleanchor="x", nticks=6)
    figure.add_shape(
        type="rect", x0=0, y0=0, x1=size, y1=size, line={"color": style.LINE, "width": 1}, layer="between"
    )
    figure.update_layout(
        title="Receptive field, px",
        height=style.MEDIUM + 60,
        margin={"t": 44, "l": 8, "r": 8, "b": 8},
        legend={"orientation": "h", "y": -0.1, "yanchor": "top", "x": 0},
        showlegend=True,
    )
    return figure


def _some(fields: Sequence[Seen]) -> Sequence[Seen]:
    """As many as there are lines to tell them apart: the ends and what lies evenly between."""
    if len(fields) <= len(_LINES):
        return fields
    return [fields[i * (len(fields) - 1) // (len(_LINES) - 1)] for i in range(len(_LINES))]


def _edges(stride: int, first: int, last: int, unit: int) -> tuple[int, int]:
    """Where the field of a unit begins and ends, as coordinates between pixels."""
    return stride * unit + first, stride * unit + last + 1
