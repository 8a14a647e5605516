"""How alike a layer changes without a part, and what networks without some of their layers come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import plotly.graph_objects as go

from viz.figures.style import LINE

COLOURS = ("#e69f00", "#56b4e9", "#009e73")  # of the parts, on pictures and in charts
LETTERS = ("A", "B", "C")


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What one part, or random ones, came to in one layer."""

    name: str
    delta: float
    error: float  # NaN: none
    chance: float
    changed: float  # share of units
    colour: str


def consistency(bars: Sequence[Bar], *, title: str, most: float) -> go.Figure:
    """A bar a part with its standard error, and a mark where chance would be; axis from 0 to `most`."""
    names = [bar.name for bar in bars]
    figure = go.Figure(
        go.Bar(
            x=[bar.delta for bar in bars], y=names, orientation="h", width=0.6, showlegend=False,
            marker={"color": [bar.colour for bar in bars], "line": {"color": LINE, "width": 1}},
            error_x={"array": [bar.error for bar in bars], "color": LINE, "thickness": 2, "width": 7},
            customdata=[[bar.error, bar.changed, bar.chance] for bar in bars],
            hovertemplate="%{y}: %{x:.3f} ± %{customdata[0]:.3f}<br>%{customdata[1]:.0%} of the units change"
            "<br>as many, but others in each picture: %{customdata[2]:.3f}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_scatter(
        x=[bar.chance for bar in bars], y=names, mode="markers", name="by chance",
        marker={"symbol": "line-ns", "size": 26, "line": {"width": 3, "color": "#d55e00"}},
        hovertemplate="by chance: %{x:.3f}<extra></extra>",
    )  # fmt: skip
    return figure.update_layout(
        title=title,
        height=120 + 44 * len(bars),
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        dragmode=False,
        legend={"orientation": "h", "y": -0.34, "yanchor": "top", "x": 0},
        xaxis={
            "title": "Δ, share of units whose signs differ", "range": (0, most), "zeroline": False,
            "fixedrange": True,
        },
        yaxis={"autorange": "reversed", "automargin": True, "fixedrange": True},
    )  # fmt: skip


def ceiling(groups: Sequence[Sequence[Bar]]) -> float:
    """The end of one axis for several figures."""
    ends = [end for bars in groups for bar in bars for end in (bar.chance, bar.delta, bar.delta + bar.error)]
    return 1.08 * max(end for end in (*ends, 1e-3) if not isnan(end))
