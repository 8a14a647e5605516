"""A ladder of networks: what each edit adds or takes away, and the published accuracy along it.

One row for each rung, the foot of the ladder at the top; the figures of one ladder have the same rows.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import plotly.graph_objects as go

from viz.figures import style
from zoo.ladders import Accuracy, Step

QUANTITIES = {"params": "Parameters", "macs": "Multiply-accumulates (MACs)"}
_ROW, _ABOVE, _BELOW = 34, 48, 112  # heights of a rung, of the title, of axis and legend, px
_OTHERS = 0.5  # opacity of what is not chosen
_FAR = 2.0  # a first rung this many times above all others would leave them no room: it goes off the scale


def waterfall(steps: Sequence[Step], quantity: str, chosen: int) -> go.Figure:
    """The `quantity` (of QUANTITIES) from rung to rung: bars span from the total before to the total after.

    The axis need not start at zero, because the bars show differences; totals stand at the right edge.
    """
    totals = [getattr(step, quantity) for step in steps]
    left, right, far = _scale(totals)
    edge = right + 0.45 * (right - left)
    rows = [*range(1, len(steps))]
    moves = [after - before for before, after in pairwise(totals)]
    starts, ends = ([min(total, right) for total in some] for some in (totals[:-1], totals[1:]))
    links = go.Scatter(  # from bar to bar
        x=[x for start in starts for x in (start, start, None)],
        y=[y for row in rows for y in (row - 1, row, None)],
        mode="lines",
        line={"color": style.LINE, "width": 1, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )
    bars = [
        go.Bar(
            orientation="h",
            y=rows,
            x=[end - start if sign * (end - start) > 0 else None
               for start, end in zip(starts, ends, strict=True)],
            base=starts,
            marker={
                "color": colour,
                "opacity": [1 if row == chosen else _OTHERS for row in rows],
                "line": {"width": 0},
            },
            name=f"{name} than the rung before",
            customdata=[_card(step, quantity) for step in steps[1:]],
            hovertemplate="%{customdata}<extra></extra>",
        )
        for name, colour, sign in (("more", style.MORE, 1), ("less", style.LESS, -1))
    ]  # fmt: skip
    foot = go.Scatter(
        x=[right if far else totals[0]],
        y=[0],
        mode="markers+text",
        marker={"symbol": "triangle-right" if far else "diamond", "size": 12, "color": style.LINE},
        text=["off the scale  " if far else ""],
        textposition="middle left",
        name="where the ladder starts",
        hovertext=[_card(steps[0], quantity)],
        hoverinfo="text",
    )
    changes = [
        (max(start, end), f" {signed(move)}", "middle right")
        for start, end, move in zip(starts, ends, moves, strict=True)
    ]
    sums = [(edge, f"{style.count(total)} ", "middle left") for total in totals]
    words = [*zip(rows, changes, strict=True), *enumerate(sums)]
    texts = go.Scatter(
        x=[x for _, (x, _, _) in words],
        y=[row for row, _ in words],
        mode="text",
        text=[_bold(text, row == chosen) for row, (_, text, _) in words],
        textposition=[side for _, (_, _, side) in words],
        hoverinfo="skip",
        showlegend=False,
    )
    note = "" if left == 0 else f", from {style.count(left)} on"
    axis = {"title": {"text": f"{QUANTITIES[quantity]}{note}"}, "range": [left, edge]}
    return _figure([links, *bars, foot, texts], steps, chosen, f"{QUANTITIES[quantity]}, edit by edit", axis)


def accuracies(steps: Sequence[Step], chosen: int) -> go.Figure:
    """The published top-1 of each rung, a dash where there is none; lines join those of the same recipe."""
    found = [step.accuracy for step in steps]
    joined = [
        ((before.top1, row), (after.top1, row + 1), (None, None))
        for row, (before, after) in enumerate(pairwise(found))
        if before and after and before.recipe == after.recipe
    ]
    lines = go.Scatter(
        x=[x for line in joined for x, _ in line],
        y=[y for line in joined for _, y in line],
        mode="lines",
        line={"color": style.LINE, "width": 2},
        name="the same recipe",
        hoverinfo="skip",
        showlegend=bool(joined),
    )
    rows = [(row, known) for row, known in enumerate(found) if known]
    points = go.Scatter(
        x=[known.top1 for _, known in rows],
        y=[row for row, _ in rows],
        mode="markers+text",
        marker={
            "size": 11,
            "color": style.FRONT,
            "opacity": [1 if row == chosen else _OTHERS for row, _ in rows],
            "line": {"width": 1, "color": style.LINE},
        },
        text=[_bold(f" {known.top1:.1f} % ", row == chosen) for row, known in rows],
        textposition=[f"middle {_free_side(found, row)}" for row, _ in rows],
        cliponaxis=False,
        hovertext=[
            f"<b>{steps[row].rung.name}</b><br>{known.top1:.1f} % top-1<br>{known.source}"
            for row, known in rows
        ],
        hoverinfo="text",
        name="published top-1",
    )
    best = [known.top1 for _, known in rows] or [0.0, 100.0]
    low, spread = min(best), max(max(best) - min(best), 1.0)
    left, edge = low - 0.1 * spread, low + 1.4 * spread
    unknown = [row for row, known in enumerate(found) if not known]
    dashes = go.Scatter(
        x=[left] * len(unknown),
        y=unknown,
        mode="text",
        text=[_bold(" – not published", row == chosen) for row in unknown],
        textposition="middle right",
        hoverinfo="skip",
        showlegend=False,
    )
    axis = {"title": {"text": "ImageNet top-1, %"}, "range": [left, edge]}
    return _figure([lines, points, dashes], steps, chosen, "Published accuracy", axis)


def signed(change: int) -> str:
    """A change of a count: +2.53 M, −727 k, ±0."""
    return f"{'+' if change > 0 else '−'}{style.count(abs(change))}" if change else "±0"


def _free_side(found: Sequence[Accuracy | None], row: int) -> str:
    """Where no line is in the way of the words at a point: left where its neighbours are both right."""
    here = found[row]
    beside = [found[i] for i in (row - 1, row + 1) if 0 <= i < len(found)]
    higher = [known for known in beside if here and known and known.top1 > here.top1]
    return "left" if len(higher) == 2 else "right"


def _scale(totals: Sequence[int]) -> tuple[float, float, bool]:
    """Where the axis starts and the bars end, and whether the first rung lies beyond."""
    far = len(totals) > 2 and totals[0] > _FAR * max(totals[1:])
    shown = totals[1:] if far else totals
    spread = max(max(shown) - min(shown), 0.02 * max(shown))
    left = min(shown) - 0.25 * spread
    if far:
        return max(left, 0.0), max(shown) + 0.35 * spread, far
    return (left if left > 0.25 * max(shown) else 0.0), float(max(shown)), far


def _figure(
    traces: Sequence[go.Scatter | go.Bar],
    steps: Sequence[Step],
    chosen: int,
    title: str,
    axis: Mapping[str, object],
) -> go.Figure:
    """Traces on a row for each rung, named; the chosen one on a band. `axis` is what is known of the x axis.

    All in one go: a figure that is changed afterwards takes plotly three times as long.
    """
    rows = _ROW * len(steps)
    band = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": chosen - 0.5, "y1": chosen + 0.5}
    return go.Figure(
        traces,
        {
            "title": {"text": title},
            "barmode": "overlay",
            "bargap": 0.35,
            "shapes": [
                band | {"fillcolor": style.FAINT, "opacity": 0.35, "line": {"width": 0}, "layer": "below"}
            ],
            "xaxis": {"zeroline": False, "exponentformat": "SI", "nticks": 5, **axis},
            "yaxis": {
                "tickvals": [*range(len(steps))],
                "ticktext": [_bold(step.rung.name, row == chosen) for row, step in enumerate(steps)],
                "range": [len(steps) - 0.5, -0.5],
                "showgrid": False,
                "zeroline": False,
                "automargin": True,
            },
            "height": rows + _ABOVE + _BELOW,
            "margin": {"l": 8, "r": 8, "t": _ABOVE, "b": _BELOW},
            "legend": {"orientation": "h", "y": -55 / rows, "yanchor": "top", "x": 0, "itemclick": False},
            "hoverlabel": {"align": "left"},
            "dragmode": False,
        },
    )


def _card(step: Step, quantity: str) -> str:
    """What stands beside the pointer."""
    change = getattr(step, f"more_{quantity}")
    more = "" if change is None else f"<br>{change:+,} against the rung before".replace("-", "−")
    return f"<b>{step.rung.name}</b><br>{getattr(step, quantity):,} {QUANTITIES[quantity]}{more}"


def _bold(text: str, wanted: bool) -> str:
    return f"<b>{text}</b>" if wanted else text
