"""Maps over the epochs of a run: how strongly each answers, and how soon the layers settle."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from viz.figures.style import LINE, MEDIUM, framed

# Okabe and Ito's, from the first layer to the last, with a marker and a dash of their own.
_COLOURS = ("#56b4e9", "#0072b2", "#009e73", "#e69f00", "#d55e00", "#cc79a7")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "star", "x")
_DASHES = ("solid", "dash", "dot", "dashdot")


def curves(
    epochs: Sequence[int],
    lines: Mapping[str, Sequence[float]],
    *,
    title: str,
    y: str,
    shares: bool = False,
    at: int | None = None,
) -> go.Figure:
    """A curve each over the epochs, which stand at even distances as in the film; NaN is a gap.

    `shares`: the axis goes from 0 to 1. `at`: the position of the epoch that is looked at.
    """
    names = [f"{epoch}" for epoch in epochs]
    figure = go.Figure(
        [
            go.Scatter(
                x=names,
                y=[None if np.isnan(value) else value for value in values],
                name=name,
                mode="lines+markers",
                line={"color": _COLOURS[number % 6], "width": 2.2, "dash": _DASHES[number // 6 % 4]},
                marker={"symbol": _SYMBOLS[number % 6], "size": 9},
                hovertemplate=f"{name}, epoch %{{x}}: %{{y:.3g}}<extra></extra>",
            )
            for number, (name, values) in enumerate(lines.items())
        ]
    )  # fmt: skip
    framed(figure, MEDIUM, 0.24)
    figure.update_layout(title=title, showlegend=True)
    figure.update_xaxes(
        title="Epoch (as kept, not to scale)", type="category", categoryorder="array", categoryarray=names
    )
    figure.update_yaxes(title=y, range=(min(0, _least(lines)) - 0.02, 1.04) if shares else None)
    if not shares:
        figure.update_yaxes(rangemode="tozero")
    if at is not None:
        figure.add_vline(x=at, line={"color": LINE, "dash": "dash", "width": 1.6})
    return figure


def _least(lines: Mapping[str, Sequence[float]]) -> float:
    return min((value for values in lines.values() for value in values if not np.isnan(value)), default=0.0)
