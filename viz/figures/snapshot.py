"""What a network says about the validation pictures at one moment."""

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

MOST = 12  # classes up to which every cell is written
_CELL = 40  # px


def confusion(counts: NDArray[np.integer], classes: Sequence[str]) -> go.Figure:
    """Truth by prediction: the colour is the share of the truth's pictures, the number says how many."""
    total = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(total, 1)
    count = len(classes)
    names = [escape(name) for name in classes]  # plotly reads markup
    heatmap = {
        "type": "heatmap", "x": names, "y": names, "z": shares.astype(np.float32), "zmin": 0, "zmax": 1,
        "text": counts.astype(str), "colorscale": "Cividis", "xgap": 1, "ygap": 1,
        "colorbar": {"title": {"text": "share of the true class", "side": "right"}, "tickformat": ".0%",
                     "thickness": 14},
        "hovertemplate": "is %{y}, taken for %{x}<br>%{text} pictures, %{z:.1%} of its class"
        "<extra></extra>",
    }  # fmt: skip
    if count <= MOST:
        heatmap |= {"texttemplate": "%{text}", "textfont": {"size": 13}}
    return go.Figure(
        [heatmap],
        {
            "title": "Confusion matrix",
            "height": 150 + _CELL * max(6, min(count, MOST)),
            "margin": {"l": 8, "r": 8, "t": 44, "b": 8},
            "dragmode": False,
            "xaxis": {"title": "The network says", "automargin": True, "showgrid": False, "tickangle": -40},
            "yaxis": {"title": "The picture shows", "autorange": "reversed", "automargin": True,
                      "showgrid": False},
        },
    )  # fmt: skip
