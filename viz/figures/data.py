"""How many pictures a data set has of each class."""

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from viz.figures.style import framed

_LONGEST = 18  # characters of a name beside a bar
_MOST = 24  # names that fit above each other
_PARTS = (("to train", "#0072b2", ""), ("to test", "#e69f00", "/"))


def balance(classes: Sequence[str], train: Sequence[int], test: Sequence[int]) -> go.Figure:
    """Bars of how many pictures each class has, to train and, where there are some, to test."""
    figure = go.Figure()
    whole, short = [escape(name) for name in classes], [escape(_short(name)) for name in classes]
    at = list(range(len(classes)))
    for (title, colour, shape), counts in zip(_PARTS, (train, test), strict=True):
        if any(counts):
            pattern = {"shape": shape, "bgcolor": colour, "fgcolor": "#4a3000"}
            figure.add_bar(
                y=at, x=np.array(counts), orientation="h", name=title, customdata=whole,
                marker={"color": colour, "pattern": pattern},
                hovertemplate=f"%{{customdata}}: %{{x:,}} {title}<extra></extra>",
            )  # fmt: skip
    named = at[:: -(-len(at) // _MOST)]
    figure.update_xaxes(title="Pictures", rangemode="tozero", fixedrange=True)
    figure.update_yaxes(
        tickvals=named, ticktext=[short[i] for i in named], autorange="reversed", fixedrange=True,
        showgrid=False,
    )  # fmt: skip
    return framed(figure, min(460, max(200, 100 + 26 * len(at))), 0.3).update_layout(bargap=0.25)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
