"""BasicBlock beside Bottleneck in figures: cost against channels, and the depth that a budget buys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10
from types import MappingProxyType

import plotly.graph_objects as go

from viz.figures import style

BLOCK_COLOURS: Mapping[str, str] = MappingProxyType({"BasicBlock": "#0072b2", "Bottleneck": "#d55e00"})
_BUDGETS = (10**6, 2 * 10**6, 5 * 10**6, 10**7, 2 * 10**7, 5 * 10**7)
_FEWEST, _MOST = 9e5, 9e7  # parameters at the ends of the axis: the last name needs room
_DEPTHS = (10, 18, 34, 50, 101, 152, 300, 600, 1200)
_PLACES = {"BasicBlock": "bottom right", "Bottleneck": "top left"}  # beside the lines
_SYMBOLS = {"BasicBlock": "square", "Bottleneck": "diamond"}


@dataclass(frozen=True)
class Bought:
    """A network on its way to depth."""

    name: str  # "" for one without
    block: str  # of BLOCK_COLOURS
    params: int
    depth: int
    text: str  # beside the pointer


def against_channels(
    channels: Sequence[int],
    costs: Mapping[str, Sequence[float]],
    *,
    quantity: str,
    now: int,
    crossing: tuple[float, float] | None,
) -> go.Figure:
    """A line for each block over the channels that the bottleneck reads; `now` is what is drawn."""
    figure = go.Figure()
    for block, line in costs.items():
        figure.add_scatter(
            x=channels,
            y=line,
            mode="lines+markers",
            name=block,
            line={"color": BLOCK_COLOURS[block], "width": 3},
            marker={"symbol": _SYMBOLS[block], "size": 10, "line": style.RIM},
            hovertemplate=f"{block}<br>%{{x:,}} channels<br>%{{y:,}} {quantity.lower()}<extra></extra>",
        )
    _mark(figure, now, f"drawn: {now:,}")
    if crossing:
        figure.add_scatter(
            x=[crossing[0]],
            y=[crossing[1]],
            mode="markers+text",
            name="Crossing",
            text=[f"  equal at {crossing[0]:,.0f}"],
            textposition="middle right",
            textfont={"size": 14},
            marker={"symbol": "circle-open", "size": 20, "color": style.LINE, "line": {"width": 3}},
            hoverinfo="skip",
        )
    ticks = {"tickvals": list(channels), "ticktext": [f"{c:,}" for c in channels]}
    figure.update_xaxes(title="Channels that the Bottleneck reads", type="log", zeroline=False, **ticks)
    figure.update_yaxes(title=quantity, type="log", exponentformat="SI", dtick=1, zeroline=False)
    return style.framed(figure, style.TALL, legend=0.2)


def depth_bought(ladders: Mapping[str, Sequence[Bought]], budget: int, known: Sequence[Bought]) -> go.Figure:
    """Depth against parameters: a line for each block, the networks of the paper, and the budget."""
    figure = go.Figure()
    for block, rungs in ladders.items():
        figure.add_scatter(
            x=[rung.params for rung in rungs],
            y=[rung.depth for rung in rungs],
            mode="lines",
            name=f"ResNets of {block}s",
            line={"color": BLOCK_COLOURS[block], "width": 3, "shape": "hv"},
            hovertext=[rung.text for rung in rungs],
            hoverinfo="text",
        )
    for block, symbol in _SYMBOLS.items():
        points = [point for point in known if point.block == block]
        figure.add_scatter(
            x=[point.params for point in points],
            y=[point.depth for point in points],
            mode="markers+text",
            name=f"of the paper, {block}",
            text=[f" {point.name} " for point in points],
            textposition=_PLACES[block],
            textfont={"size": 13},
            marker={"symbol": symbol, "size": 12, "color": BLOCK_COLOURS[block], "line": style.RIM},
            hovertext=[point.text for point in points],
            hoverinfo="text",
        )
    _mark(figure, budget, f"budget: {style.count(budget)}")
    figure.update_xaxes(
        title="Parameters", type="log", zeroline=False, range=[log10(_FEWEST), log10(_MOST)],
        tickvals=_BUDGETS, ticktext=[style.count(n) for n in _BUDGETS],
    )  # fmt: skip
    figure.update_yaxes(
        title="Depth, layers with weights", type="log", zeroline=False, tickvals=_DEPTHS, ticktext=_DEPTHS
    )
    return style.framed(figure, style.TALL, legend=0.2)


def _mark(figure: go.Figure, x: float, words: str) -> None:
    """A dotted line at `x` of a logarithmic axis."""
    figure.add_vline(x=x, line={"color": style.LINE, "dash": "dot"})
    # plotly takes a line's place as it is, but that of its words in powers of ten
    figure.add_annotation(
        x=log10(x), y=1, yref="paper", text=words, showarrow=False, xanchor="right", yanchor="top", xshift=-4,
    )  # fmt: skip
