"""The ImageNet challenge (ILSVRC), year by year."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from viz.figures.style import MEDIUM

_BAR = "#0072b2"
_PERSON = "#e69f00"


@dataclass(frozen=True, kw_only=True)
class Winner:
    """The best entry of a year: its top-5 test error in percent, trained on the challenge's own images."""

    year: int
    team: str
    network: str  # by which it is known
    error: float
    source: str


def challenge(winners: Sequence[Winner], human: float) -> go.Figure:
    """A bar for each year, the earliest on top, and last what one person achieved who had practised."""
    errors = [*(w.error for w in winners), human]
    cards = [f"<b>{w.team}</b>, {w.year}<br>{w.error} % top-5 error<br>{w.source}" for w in winners]
    figure = go.Figure(
        go.Bar(
            x=errors,
            y=[*(f"{w.network}  {w.year}" for w in winners), "one person  2014"],
            orientation="h",
            marker={"color": [*[_BAR] * len(winners), _PERSON], "cornerradius": 3},
            text=[f"{error:.1f}" if error >= 10 else f"{error:.3g}" for error in errors],
            textposition="outside",
            cliponaxis=False,
            hovertext=[
                *cards,
                f"<b>One trained person</b><br>{human} % on 1,500 images<br>arXiv:1409.0575, 6.4",
            ],
            hoverinfo="text",
        )
    )
    figure.update_xaxes(
        title="Top-5 error, %", range=[0, 1.15 * max(errors)], showgrid=False, showticklabels=False
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="")
    return figure.update_layout(
        height=MEDIUM, margin={"l": 8, "r": 8, "t": 8, "b": 8}, bargap=0.35, showlegend=False, dragmode=False
    )
