"""What small networks learn in a short time: accuracy against size."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go

from viz.figures.style import KIND_COLOURS, KIND_SYMBOLS, RIM, TALL, count, framed


@dataclass(frozen=True, kw_only=True)
class Learned:
    """A network after its training."""

    name: str
    family: str  # as shown
    kind: str
    params: int
    macs: int  # for one image
    accuracy: float  # percent of the test images
    images: int  # that it saw in training, repetitions included


SIZES = {"macs": "MACs for one image", "params": "Parameters"}


def learned(rows: Sequence[Learned], size: str = "macs") -> go.Figure:
    """A point for each network, accuracy against one of SIZES, a trace for each kind of family."""
    figure = go.Figure()
    for kind, colour in KIND_COLOURS.items():
        points = [row for row in rows if row.kind == kind]
        if points:
            figure.add_scatter(
                x=[getattr(row, size) for row in points],
                y=[row.accuracy for row in points],
                mode="markers",
                name=kind.capitalize(),
                marker={
                    "color": colour,
                    "symbol": KIND_SYMBOLS[kind],
                    "size": 12,
                    "opacity": 0.85,
                    "line": RIM,
                },
                customdata=[[row.name] for row in points],
                hovertext=[_card(row) for row in points],
                hoverinfo="text",
            )
    figure.update_xaxes(title=SIZES[size], type="log", exponentformat="SI", dtick="D2", zeroline=False)
    figure.update_yaxes(title="Accuracy on Fashion-MNIST, %", zeroline=False)
    return framed(figure, TALL, legend=0.2)


def _card(row: Learned) -> str:
    """What stands beside the pointer."""
    return (
        f"<b>{escape(row.family)}</b><br>{row.accuracy:.1f} %<br>"
        f"{count(row.params)} parameters, {count(row.macs)} MACs<br>{row.images:,} pictures seen"
    )
