"""Activation functions: values, slopes, and what a chain of them leaves of a gradient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import plotly.graph_objects as go

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
    """Values above, solid; slopes below, dashed; a line and a marker for each function at x = `here`.

    Made of plain records in one step: a slider redraws it, and plotly checks each later change anew.
    """
    traces: list[dict[str, object]] = []
    for curve in drawn:
        colour, symbol = LOOKS[curve.key]
        said = f"{curve.name}: f = {curve.value_here:.3f}, f' = {curve.slope_here:.3f}"
        for axis, letter, dash, y, y_here in (
            ("", "f", "solid", curve.value, curve.value_here),
            ("2", "f'", "dash", curve.slope, curve.slope_here),
        ):
            shared = {"type": "scatter", "yaxis": f"y{axis}", "legendgroup": curve.key, "name": said}
            traces += [
                shared | {
                    "x": np.asarray(curve.x), "y": np.asarray(y), "mode": "lines", "showlegend": not axis,
                    "line": {"color": colour, "width": 2.5, "dash": dash},
                    "hovertemplate": f"{curve.name}: {letter}(%{{x:.2f}}) = %{{y:.4f}}<extra></extra>",
                },
                shared | {
                    "x": [here], "y": [y_here], "mode": "markers", "showlegend": False, "hoverinfo": "skip",
                    "marker": {"color": colour, "symbol": symbol, "size": 12, "line": RIM},
                },
            ]  # fmt: skip
    zero = {"zeroline": True, "zerolinecolor": LINE}
    title = {"x": 0, "xref": "paper", "xanchor": "left", "yref": "paper", "yanchor": "bottom",
             "showarrow": False, "font": {"size": 14}}  # fmt: skip
    return go.Figure(
        traces,
        {
            "title": f"Values and slopes, numbers at x = {here:.1f}",
            "height": TALL + 110,
            "margin": {"t": 72, "l": 8, "r": 8, "b": 8},
            "legend": {"orientation": "h", "y": -0.16, "yanchor": "top", "x": 0},
            "dragmode": False,
            "xaxis": {"title": "x, the input", "anchor": "y2", **zero},
            "yaxis": {"domain": [0.545, 1], "anchor": "x", **zero},
            "yaxis2": {"domain": [0, 0.455], "anchor": "x", **zero},
            "annotations": [
                {"text": "Value f(x)", "y": 1, **title}, {"text": "Slope f'(x)", "y": 0.455, **title}
            ],
            "shapes": [
                {"type": "line", "x0": here, "x1": here, "yref": f"{axis} domain", "y0": 0, "y1": 1,
                 "line": {"color": LINE, "dash": "dot", "width": 1.5}}
                for axis in ("y", "y2")
            ],
        },
    )  # fmt: skip


def vanishing(chains: Sequence[Chain]) -> go.Figure:
    """The gradient behind each layer of a chain on a logarithmic axis, and the most it could be, dotted.

    A gradient of exactly 0 has no place on such an axis; the legend says it in words.
    """
    traces: list[dict[str, object]] = []
    for chain in chains:
        colour, symbol = LOOKS[chain.key]
        depth = [*range(1, len(chain.slopes) + 1)]
        gone = next((number for number, slope in zip(depth, chain.slopes, strict=True) if slope == 0), None)
        shared = {"type": "scatter", "x": depth, "legendgroup": chain.key}
        traces += [
            shared | {
                "y": [abs(slope) or None for slope in chain.slopes], "mode": "lines+markers",
                "name": chain.name + (f" (exactly 0 from layer {gone} on)" if gone else ""),
                "line": {"color": colour, "width": 2.5},
                "marker": {"symbol": symbol, "size": 8 if len(depth) <= 25 else 5},
                "hovertemplate": f"{chain.name}, %{{x}} layers: %{{y:.3g}}<extra></extra>",
            },
            shared | {
                "y": [chain.steepest**number for number in depth], "mode": "lines", "showlegend": False,
                "name": f"{chain.name}: {chain.steepest:.3g} for each layer",
                "line": {"color": colour, "width": 1.5, "dash": "dot"},
                "hovertemplate": f"{chain.name}, at most {chain.steepest:.3g}^%{{x}} = %{{y:.3g}}"
                "<extra></extra>",
            },
        ]  # fmt: skip
    return go.Figure(
        traces,
        {
            "title": "What n layers let through of a gradient of 1",
            "height": MEDIUM + 60,
            "margin": {"t": 44, "l": 8, "r": 8, "b": 8},
            "legend": {"orientation": "h", "y": -0.24, "yanchor": "top", "x": 0},
            "showlegend": True,
            "dragmode": False,
            "xaxis": {"title": "Layers n", "rangemode": "tozero", "zeroline": False},
            "yaxis": {"title": "Gradient, size", "type": "log", "exponentformat": "power", "nticks": 8,
                      "zeroline": False},
        },
    )  # fmt: skip
