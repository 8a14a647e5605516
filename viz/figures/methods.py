"""Scores of maps: the curves of insertion and deletion, small and large, and what was measured over many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from viz.figures.style import LINE, MEDIUM, framed

INSERTION, DELETION = "#009e73", "#d55e00"
_DASHES = ("dash", "dot")  # of the baselines, in their order

_WIDTH, _HEIGHT = 300, 84  # px of the small curves
_RIM = 3.0

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """The two curves of one map: the probability of the class over the share of pixels changed."""

    shares: Numbers  # 0..1
    insertion: Numbers  # 0..1
    deletion: Numbers  # 0..1


def small(pair: Pair, baselines: Sequence[Pair]) -> str:
    """Both curves as an SVG without words: insertion solid, deletion dashed, baselines thin and grey.

    The left edge is no pixel, the right edge all; the ground line is probability 0, the upper line 1.
    """
    lines = [
        f'<path d="M{_RIM} {_y(level)}H{_WIDTH - _RIM}" stroke="{LINE}" stroke-opacity=".35"/>'
        for level in (0, 1)
    ]
    for other in baselines:
        lines += [_path(other.shares, other.insertion, LINE, 1), _path(other.shares, other.deletion, LINE, 1)]
    lines.append(_path(pair.shares, pair.insertion, INSERTION, 2.4))
    lines.append(_path(pair.shares, pair.deletion, DELETION, 2.4, dashed=True))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" fill="none">{"".join(lines)}</svg>'
    )


def _path(x: Numbers, y: Numbers, colour: str, width: float, *, dashed: bool = False) -> str:
    points = " ".join(
        f"{_RIM + share * (_WIDTH - 2 * _RIM):.1f},{_y(value)}" for share, value in zip(x, y, strict=True)
    )
    dashes = ' stroke-dasharray="7 4"' if dashed else ""
    return f'<polyline points="{points}" stroke="{colour}" stroke-width="{width}"{dashes}/>'


def _y(value: float) -> str:
    return f"{_HEIGHT - _RIM - float(value) * (_HEIGHT - 2 * _RIM):.1f}"


def curves(title: str, pair: Pair, baselines: Mapping[str, Pair]) -> go.Figure:
    """Both curves of a map, with those of the baselines by name."""
    figure = go.Figure()
    for name, values, colour, dash in (
        ("insertion", pair.insertion, INSERTION, "solid"), ("deletion", pair.deletion, DELETION, "solid"),
    ):  # fmt: skip
        figure.add_scatter(
            x=pair.shares, y=values, name=name, mode="lines+markers",
            line={"color": colour, "width": 2.6, "dash": dash},
            marker={"symbol": "circle" if name == "insertion" else "diamond", "size": 7},
            hovertemplate="%{x:.0%} of the pixels: %{y:.1%}",
        )  # fmt: skip
    for (name, other), dash in zip(baselines.items(), _DASHES, strict=False):
        for kind, values, colour in (
            ("insertion", other.insertion, INSERTION), ("deletion", other.deletion, DELETION),
        ):  # fmt: skip
            figure.add_scatter(
                x=other.shares, y=values, name=f"{kind}, {name}", mode="lines",
                line={"color": colour, "width": 1.3, "dash": dash},
                hovertemplate="%{x:.0%} of the pixels: %{y:.1%}",
            )  # fmt: skip
    figure.update_layout(title={"text": title, "x": 0, "font": {"size": 15}}, hovermode="x unified")
    figure.update_xaxes(
        title="pixels put in, or taken out, in the order of the map", tickformat=".0%", range=(0, 1)
    )
    figure.update_yaxes(title="probability of the class", tickformat=".0%", range=(0, 1.02))
    return framed(figure, MEDIUM + 60, 0.25)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one method came to over many pictures: the mean and its standard error."""

    name: str
    value: float
    error: float
    baseline: bool = False


def measured(
    rows: Sequence[Measured], *, title: str, axis: str, chance: float | None = None, ascending: bool = True
) -> go.Figure:
    """A point with its standard error for each method, the best on top; baselines as lines through all.

    `chance`: what a guess comes to, a line as well. `ascending`: whether more is better.
    """
    methods = sorted(
        (row for row in rows if not row.baseline), key=lambda row: row.value, reverse=not ascending
    )
    figure = go.Figure(
        go.Scatter(
            x=[row.value for row in methods], y=[row.name for row in methods], mode="markers",
            error_x={"type": "data", "array": [row.error for row in methods], "thickness": 1.6, "width": 5},
            marker={"size": 11, "color": "#0072b2"}, line={"color": "#0072b2"}, showlegend=False,
            hovertemplate="%{y}: %{x:.3f} ± %{error_x.array:.3f}<extra></extra>",
        )
    )  # fmt: skip
    lines = [(row.name, row.value, dash) for row, dash in zip(
        [row for row in rows if row.baseline], ("dash", "dot"), strict=False,
    )]  # fmt: skip
    if chance is not None:
        lines.append(("chance", chance, "dashdot"))
    ends = [methods[0].name, methods[-1].name] if methods else []
    for name, value, dash in lines:
        figure.add_scatter(
            x=[value] * len(ends), y=ends, mode="lines", name=f"{name} ({value:.2f})",
            line={"color": LINE, "width": 2, "dash": dash}, hoverinfo="skip",
        )  # fmt: skip
    figure.update_layout(title={"text": title, "x": 0, "font": {"size": 15}})
    figure.update_xaxes(title=axis, zeroline=False)
    figure.update_yaxes(automargin=True)
    return framed(figure, 120 + 26 * len(methods), 0.16)
