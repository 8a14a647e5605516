"""Attention over the depth of a network: how far heads look, and what would be answered after each block.

Numbers in, figures out.
"""

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from viz.figures.style import COLOURS, MEDIUM, RIM, SYMBOLS, framed

_SPREAD = 0.3  # of a step between blocks, over which its heads stand side by side


def distances(blocks: Sequence[str], far: Sequence[NDArray[np.floating]], side: int) -> go.Figure:
    """Mean attention distance of every head over the blocks, in pixels; `side` is that of the picture."""
    figure = go.Figure()
    x, y, texts = [], [], []
    for at, heads in enumerate(far):
        shifts = np.linspace(-_SPREAD, _SPREAD, len(heads)) if len(heads) > 1 else np.zeros(1)
        x += (at + 1 + shifts).tolist()
        y += heads.tolist()
        texts += [f"{blocks[at]}, head {n + 1}: {value:.1f} px" for n, value in enumerate(heads)]
    figure.add_scatter(
        x=x, y=y, mode="markers", name="a head", hovertext=texts, hoverinfo="text",
        marker={"color": COLOURS[0], "size": 9, "line": RIM},
    )  # fmt: skip
    figure.add_scatter(
        x=list(range(1, len(far) + 1)), y=[float(np.mean(heads)) for heads in far], mode="lines",
        name="mean of the block", line={"color": COLOURS[4], "width": 2.5}, hoverinfo="skip",
    )  # fmt: skip
    figure.update_layout(
        title={"text": "How far each head looks", "font": {"size": 15}},
        xaxis={"title": "block", "range": [0, len(far) + 1]},
        yaxis={"title": f"mean distance, pixels of {side}", "rangemode": "tozero"},
    )
    return framed(figure, MEDIUM, legend=0.25)


def lens(told: NDArray[np.floating], names: Sequence[str]) -> go.Figure:
    """The probability of some classes after each block, (blocks + 1, classes); 0 is before the first."""
    figure = go.Figure()
    for at, name in enumerate(map(escape, names)):
        figure.add_scatter(
            x=list(range(len(told))), y=told[:, at], mode="lines+markers", name=name,
            line={"color": COLOURS[at], "width": 2.5}, marker={"symbol": SYMBOLS[at], "size": 8},
            hovertemplate=f"after block %{{x}}: %{{y:.1%}}<extra>{name}</extra>",
        )  # fmt: skip
    figure.update_layout(
        title={"text": "What it would answer after each block", "font": {"size": 15}},
        xaxis={"title": "blocks that the class token has passed", "range": [0, len(told) - 1]},
        yaxis={"title": "probability", "tickformat": ".0%", "range": [0, 1]},
    )
    return framed(figure, MEDIUM, legend=0.25)
