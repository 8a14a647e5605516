"""The learning rate as it is planned, before the first step."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from viz.figures.style import LAYER_COLOURS

HEIGHT = 230  # px
_MOST = 600  # points that are sent to the browser


def planned(rates: Sequence[float], epochs: int) -> go.Figure:
    """`rates` evenly over all steps of `epochs` epochs, as a line."""
    at = np.linspace(0, epochs, len(rates), endpoint=False)
    shown = np.unique(np.linspace(0, len(rates) - 1, min(_MOST, len(rates))).astype(int))
    line = go.Scatter(
        x=at[shown],
        y=np.asarray(rates)[shown],
        mode="lines",
        line={"color": LAYER_COLOURS["conv"], "width": 2},
        hovertemplate="epoch %{x:.2f}<br>learning rate %{y:.3g}<extra></extra>",
    )
    figure = go.Figure(line)
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 36, "b": 8},
        title={"text": "Learning rate, as planned", "font": {"size": 14}},
        dragmode=False,
    )
    figure.update_xaxes(title="Epoch", range=[0, epochs])
    figure.update_yaxes(title="Rate", rangemode="tozero", nticks=5)
    return figure
