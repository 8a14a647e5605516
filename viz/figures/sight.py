"""How much of the picture one place sees, over the depth of several networks.

Numbers in, figures out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from viz.figures.style import COLOURS, LINE, MEDIUM, SYMBOLS, framed


@dataclass(frozen=True, kw_only=True)
class Network:
    """Shares of the picture, 0..1, at each step; those not known yet are missing at the end."""

    name: str
    steps: int
    can: Sequence[float]
    does: Sequence[float]


def over_depth(networks: Sequence[Network], here: float) -> go.Figure:
    """Dashed what can be seen, solid what is; `here`, 0..1, is the depth that the reader looks at."""
    figure = go.Figure()
    for at, network in enumerate(networks):
        depths = np.linspace(0, 1, network.steps)
        for words, shares, dash in (("can, dashed", network.can, "dash"), ("does", network.does, "solid")):
            figure.add_scatter(
                x=100 * depths[: len(shares)], y=shares, mode="lines+markers",
                name=f"{network.name}: {words}",
                line={"color": COLOURS[at], "dash": dash, "width": 2.2},
                marker={"color": COLOURS[at], "symbol": SYMBOLS[at], "size": 7},
            )  # fmt: skip
    figure.add_shape(
        type="line",
        x0=100 * here,
        x1=100 * here,
        y0=0,
        y1=1,
        yref="y domain",
        line={"color": LINE, "width": 2},
    )
    figure.update_layout(
        title={"text": "How much of the picture the place sees", "font": {"size": 15}},
        xaxis={"title": "depth, per cent of the steps", "range": [0, 100]},
        yaxis={"title": "share of the picture", "tickformat": ".0%", "range": [0, 1]},
    )
    return framed(figure, MEDIUM, legend=0.3)
