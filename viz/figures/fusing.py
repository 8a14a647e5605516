"""Kernels that are fused, as small tables of coloured numbers, and what they make of a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from viz.figures.style import TALL, ink

# From negative to positive through white: Okabe and Ito's vermilion and blue.
_NEGATIVE, _POSITIVE = (213, 94, 0), (0, 114, 178)
_SCALE = [[0, "#d55e00"], [0.5, "#ffffff"], [1, "#0072b2"]]


@dataclass(frozen=True, kw_only=True)
class Card:
    """A kernel, or None where there is only the map itself, under its name, and lines about norm and bias."""

    title: str
    kernel: NDArray[np.float32] | None  # (height, width)
    lines: Sequence[str]
    sign: str = ""  # before the card: "+", "="


@dataclass(frozen=True, kw_only=True)
class Output:
    title: str
    values: NDArray[np.float32]  # (H, W)


def kernels(cards: Sequence[Card], largest: float) -> str:
    """HTML of the cards in a row that breaks where the page is narrow. Full colour means ±`largest`.

    A zero that only fills up is drawn without colour.
    """
    return f'<div class="kernels">{"".join(_card(card, largest) for card in cards)}</div>'


def _card(card: Card, largest: float) -> str:
    sign = f'<span class="sign" aria-hidden="true">{card.sign}</span>' if card.sign else ""
    lines = "".join(f"<p>{escape(line)}</p>" for line in card.lines)
    if card.kernel is None:
        body = '<p class="nothing">no kernel</p>'
    else:
        rows = "".join(
            f"<tr>{''.join(_cell(float(value), largest) for value in row)}</tr>" for row in card.kernel
        )
        body = f"<table><caption>{escape(card.title)}</caption><tbody>{rows}</tbody></table>"
    return f'{sign}<section><h4>{escape(card.title)}</h4><div class="kernel">{body}</div>{lines}</section>'


def _cell(value: float, largest: float) -> str:
    if value == 0:
        return '<td class="zero">0</td>'
    colour = shade(value / largest)
    return f'<td style="background:{colour};color:{ink(colour)}">{signed(value)}</td>'


def shade(share: float) -> str:
    """The colour of a number from −1 to 1."""
    end, weight = (_POSITIVE if share > 0 else _NEGATIVE), min(abs(share), 1.0)
    return "#" + "".join(f"{round(255 + (channel - 255) * weight):02x}" for channel in end)


def signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")  # no negative zeros


def outputs(branches: Sequence[Output], total: Output, expected: Output) -> go.Figure:
    """The maps of up to three branches; below, what the step makes in all, the block as trained, and between
    these two the difference, which alone has a scale of its own.
    """
    maps = [*branches, total, expected]
    largest = max(float(np.abs(one.values).max()) for one in maps)
    off = total.values - expected.values
    difference = Output(title="Difference" if off.any() else "Difference: none", values=off)
    placed = [*enumerate(branches), *enumerate((total, expected, difference), start=3)]
    traces = [
        _heat(one, largest, place, scale=place == 3) if one is not difference
        else _heat(one, float(np.abs(off).max()) or largest, place)
        for place, one in placed
    ]  # fmt: skip
    layout: dict[str, object] = {
        "height": TALL + 40, "margin": {"t": 32, "l": 4, "r": 4, "b": 4}, "dragmode": False,
        "annotations": [
            {"text": one.title, "x": (place % 3 + 0.5) / 3, "y": 1 if place < 3 else 0.45, "showarrow": False,
             "xref": "paper", "yref": "paper", "xanchor": "center", "yanchor": "bottom", "font": {"size": 13}}
            for place, one in placed
        ],
    }  # fmt: skip
    for place, _ in placed:
        left, bottom, number = place % 3 / 3, 0.55 if place < 3 else 0, place + 1
        shared = {"visible": False, "constrain": "domain"}
        layout[f"xaxis{number}"] = {"domain": [left + 0.013, left + 0.32], "anchor": f"y{number}", **shared}
        layout[f"yaxis{number}"] = {
            "domain": [bottom, bottom + 0.45], "anchor": f"x{number}", "autorange": "reversed",
            "scaleanchor": f"x{number}", **shared,
        }  # fmt: skip
    return go.Figure(traces, layout)


def _heat(one: Output, largest: float, place: int, *, scale: bool = False) -> dict[str, object]:
    """The trace in one of six places, row by row."""
    return {
        "type": "heatmap", "z": one.values, "zmin": -largest, "zmax": largest, "colorscale": _SCALE,
        "showscale": scale, "name": one.title, "xaxis": f"x{place + 1}", "yaxis": f"y{place + 1}",
        "hovertemplate": "row %{y}, column %{x}: %{z:.3g}<extra>" + one.title + "</extra>",
        "colorbar": {
            "orientation": "h", "thickness": 10, "len": 0.66, "x": 0.33, "y": -0.02, "yanchor": "top",
            "title": {"text": "value of the output", "side": "bottom"},
        },
    }  # fmt: skip
