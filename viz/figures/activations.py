"""Activation functions: values, slopes, and what a chain of them leaves of a gradient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from viz.figures.style import LINE, MEDIUM, RIM, TALL

# A colour and a marker for each function, so that colour is never alone. Okabe and Ito's, and two greys.
LOOKS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "sigmoid": ("#0072b2", "circle"),
        "tanh": ("#e69f00", "square"),
        "relu": ("#d55e00", "diamond"),
        "relu6": ("#cc79a7", "triangle-up"),
        "swish": ("#009e73", "star"),
        "h_swish": ("#8c8c8c", "cross"),
        "gelu": ("#56b4e9", "hexagon"),
        "h_sigmoid": ("#9a8c3c", "x"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A function of LOOKS drawn over `x`, and its value and slope at the chosen point."""

    key: str
    name: str
    x: Sequence[float]
    value: Sequence[float]
    slope: Sequence[float]
    value_here: float
    slope_here: float


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The gradient that 1, 2, ... layers of a function of LOOKS let through."""

    key: str
    name: str
    slopes: Sequence[float]
    steepest: float  # the largest slope of the function


def curves(drawn: Sequence[Curve], here: float) -> go.Figure:
    """Values above, solid; slopes below, dashed; a line and a marker for each function at x = `here`."""
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.09, subplot_titles=("Value f(x)", "Slope f'(x)")
    )
    for curve in drawn:
        colour, symbol = LOOKS[curve.key]
        for row, (y, dash, letter) in enumerate(
            ((curve.value, "solid", "f"), (curve.slope, "dash", "f'")), start=1
        ):
            figure.add_scatter(
                x=curve.x, y=y, mode="lines", legendgroup=curve.key, showlegend=row == 1,
                name=f"{curve.name}: f = {curve.value_here:.3f}, f' = {curve.slope_here:.3f}",
                line={"color": colour, "width": 2.5, "dash": dash},
                hovertemplate=f"{curve.name}: {letter}(%{{x:.2f}}) = %{{y:.4f}}<extra></extra>",
                row=row, col=1,
            )  # fmt: skip
        for row, y_here in ((1, curve.value_here), (2, curve.slope_here)):
            figure.add_scatter(
                x=[here], y=[y_here], mode="markers", name=curve.name, legendgroup=curve.key,
                showlegend=False, hoverinfo="skip",
                marker={"color": colour, "symbol": symbol, "size": 12, "line": RIM}, row=row, col=1,
            )  # fmt: skip
    figure.add_vline(x=here, line={"color": LINE, "dash": "dot", "width": 1.5}, row="all", col=1)
    figure.update_xaxes(title_text="x, the input", row=2, col=1)
    figure.update_xaxes(zeroline=True, zerolinecolor=LINE)
    figure.update_yaxes(zeroline=True, zerolinecolor=LINE)
    figure.update_annotations(x=0, xanchor="left", font={"size": 14}, selector=lambda a: a.xref == "paper")
    return figure.update_layout(
        title=f"Values and slopes, numbers at x = {here:.1f}",
        height=TALL + 110,
        margin={"t": 72, "l": 8, "r": 8, "b": 8},
        legend={"orientation": "h", "y": -0.16, "yanchor": "top", "x": 0},
        dragmode=False,
    )


def vanishing(chains: Sequence[Chain]) -> go.Figure:
    """The gradient behind each layer of a chain on a logarithmic axis, and the most it could be, dotted.

    A gradient of exactly 0 has no place on such an axis; the legend says it in words.
    """
    figure = go.Figure()
    for chain in chains:
        colour, symbol = LOOKS[chain.key]
        depth = [*range(1, len(chain.slopes) + 1)]
        gone = next((number for number, slope in zip(depth, chain.slopes, strict=True) if slope == 0), None)
        figure.add_scatter(
            x=depth, y=[abs(slope) or None for slope in chain.slopes], mode="lines+markers",
            name=chain.name + (f" (exactly 0 from layer {gone} on)" if gone else ""), legendgroup=chain.key,
            line={"color": colour, "width": 2.5},
            marker={"symbol": symbol, "size": 8 if len(depth) <= 25 else 5},
            hovertemplate=f"{chain.name}, %{{x}} layers: %{{y:.3g}}<extra></extra>",
        )  # fmt: skip
        figure.add_scatter(
            x=depth, y=[chain.steepest**number for number in depth], mode="lines", legendgroup=chain.key,
            name=f"{chain.name}: {chain.steepest:.3g} for each layer", showlegend=False,
            line={"color": colour, "width": 1.5, "dash": "dot"},
            hovertemplate=f"{chain.name}, at most {chain.steepest:.3g}^%{{x}} = %{{y:.3g}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title="Layers n", rangemode="tozero", zeroline=False)
    figure.update_yaxes(
        title="Gradient, size", type="log", exponentformat="power", nticks=8, zeroline=False
    )
    return figure.update_layout(
        title="What n layers let through of a gradient of 1",
        height=MEDIUM + 60,
        margin={"t": 44, "l": 8, "r": 8, "b": 8},
        legend={"orientation": "h", "y": -0.24, "yanchor": "top", "x": 0},
        showlegend=True,
        dragmode=False,
    )
