"""How alike maps are, each with each."""

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

_SCALE = ((0.0, "#0072b2"), (0.5, "#f3f5f7"), (1.0, "#d55e00"))  # -1: the opposite, 0: nothing, 1: the same
_CELL = 46  # pixels


def agreement(names: Sequence[str], values: NDArray[np.float64]) -> go.Figure:
    """Rank correlations (n, n) as a table of colours, with the numbers in it; NaN stays empty."""
    names = [escape(name) for name in names]
    numbered = [f"{number}. {name}" for number, name in enumerate(names, 1)]
    text = [["" if np.isnan(value) else f"{value:.2f}".replace("-", "−") for value in row] for row in values]
    at = [str(number) for number in range(1, len(names) + 1)]
    figure = go.Figure(
        go.Heatmap(
            z=values.round(3),
            x=at, y=numbered, zmin=-1, zmax=1, colorscale=_SCALE, xgap=2, ygap=2,
            text=text, texttemplate="%{text}",
            customdata=[[f"{one}<br>{other}" for other in names] for one in names],
            hovertemplate="%{customdata}<br>%{text}<extra></extra>",
            colorbar={"title": {"text": "Rank correlation", "side": "right"}, "thickness": 12, "len": 1},
        )
    )  # fmt: skip
    figure.update_xaxes(side="top", fixedrange=True, showgrid=False, type="category")
    figure.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False)
    return figure.update_layout(
        height=90 + _CELL * len(names), margin={"l": 8, "r": 8, "t": 36, "b": 8}, dragmode=False,
    )  # fmt: skip
