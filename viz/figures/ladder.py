"""A ladder of networks: what each edit adds or takes away, and the published accuracy along it.

One row for each rung, the foot of the ladder at the top; the figures of one ladder have the same rows.
"""

from collections.abc import Sequence
from itertools import pairwise

import plotly.graph_objects as go

from viz.figures import style
from zoo.ladders import Step

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
    figure = _rows(steps, chosen)
    rows = range(1, len(steps))
    moves = [after - before for before, after in pairwise(totals)]
    for before, row in zip(totals, rows, strict=False):  # from bar to bar
        at = min(before, right)
        figure.add_scatter(
            x=[at, at], y=[row - 1, row], mode="lines", line={"color": style.LINE, "width": 1, "dash": "dot"},
            hoverinfo="skip", showlegend=False,
        )  # fmt: skip
    for name, colour, sign in (("more", style.MORE, 1), ("less", style.LESS, -1)):
        figure.add_bar(
            orientation="h",
            y=list(rows),
            x=[min(after, right) - min(after - move, right) if move * sign > 0 else None
               for move, after in zip(moves, totals[1:], strict=True)],
            base=[min(before, right) for before in totals[:-1]],
            marker={
                "color": colour,
                "opacity": [1 if row == chosen else _OTHERS for row in rows],
                "line": {"width": 0},
            },
            name=f"{name} than the rung before",
            customdata=[_card(step, quantity) for step in steps[1:]],
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=[right if far else totals[0]],
        y=[0],
        mode="markers",
        marker={"symbol": "triangle-right" if far else "diamond", "size": 12, "color": style.LINE},
        name="where the ladder starts",
        hovertext=[_card(steps[0], quantity)],
        hoverinfo="text",
    )
    figure.add_scatter(  # the changes in words, right of each bar
        x=[min(max(pair), right) for pair in pairwise(totals)],
        y=list(rows),
        mode="text",
        text=[_bold(f" {signed(move)}", row == chosen) for row, move in zip(rows, moves, strict=True)],
        textposition=["middle right"] * len(moves),
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
    )
    if far:
        figure.add_annotation(
            x=right, y=0, text=f"{style.count(totals[0])}, off the scale", xanchor="right", showarrow=False,
            xshift=-10,
        )  # fmt: skip
    for row, total in enumerate(totals):
        text = _bold(style.count(total), row == chosen)
        figure.add_annotation(x=1, xref="paper", y=row, text=text, xanchor="right", showarrow=False)
    note = "" if left == 0 else f", from {style.count(left)} on"
    figure.update_xaxes(title=f"{QUANTITIES[quantity]}{note}", range=[left, right + 0.45 * (right - left)])
    return figure.update_layout(title={"text": f"{QUANTITIES[quantity]}, edit by edit"}, barmode="overlay")


def accuracies(steps: Sequence[Step], chosen: int) -> go.Figure:
    """The published top-1 of each rung, a dash where there is none; lines join those of the same recipe."""
    found = [step.accuracy for step in steps]
    figure = _rows(steps, chosen)
    joined = False
    for row, (before, after) in enumerate(pairwise(found)):
        if before and after and before.recipe == after.recipe:
            figure.add_scatter(
                x=[before.top1, after.top1], y=[row, row + 1], mode="lines", name="the same recipe",
                line={"color": style.LINE, "width": 2}, hoverinfo="skip", showlegend=not joined,
            )  # fmt: skip
            joined = True
    for row, known in enumerate(found):
        if not known:
            figure.add_annotation(
                x=0, xref="paper", y=row, text="– not published", xanchor="left", showarrow=False
            )
    rows = [(row, known) for row, known in enumerate(found) if known]
    figure.add_scatter(
        x=[known.top1 for _, known in rows],
        y=[row for row, _ in rows],
        mode="markers+text",
        marker={
            "size": 11,
            "color": style.FRONT,
            "opacity": [1 if row == chosen else _OTHERS for row, _ in rows],
            "line": {"width": 1, "color": style.LINE},
        },
        text=[_bold(f" {known.top1:.1f} %", row == chosen) for row, known in rows],
        textposition="middle right",
        cliponaxis=False,
        hovertext=[
            f"<b>{steps[row].rung.name}</b><br>{known.top1:.1f} % top-1<br>{known.source}"
            for row, known in rows
        ],
        hoverinfo="text",
        name="published top-1",
    )
    best = [known.top1 for _, known in rows] or [0.0, 100.0]
    spread = max(max(best) - min(best), 1.0)
    figure.update_xaxes(title="ImageNet top-1, %", range=[min(best) - 0.1 * spread, max(best) + 0.4 * spread])
    return figure.update_layout(title={"text": "Published accuracy"})


def signed(change: int) -> str:
    """A change of a count: +2.53 M, −727 k, ±0."""
    return f"{'+' if change > 0 else '−'}{style.count(abs(change))}" if change else "±0"


def _scale(totals: Sequence[int]) -> tuple[float, float, bool]:
    """Where the axis starts and the bars end, and whether the first rung lies beyond."""
    far = len(totals) > 2 and totals[0] > _FAR * max(totals[1:])
    shown = totals[1:] if far else totals
    spread = max(max(shown) - min(shown), 0.02 * max(shown))
    left = min(shown) - 0.25 * spread
    if far:
        return max(left, 0.0), max(shown) + 0.35 * spread, far
    return (left if left > 0.25 * max(shown) else 0.0), float(max(shown)), far


def _rows(steps: Sequence[Step], chosen: int) -> go.Figure:
    """An empty figure with a row for each rung, named; the chosen one on a band."""
    figure = go.Figure()
    figure.add_hrect(
        y0=chosen - 0.5, y1=chosen + 0.5, fillcolor=style.FAINT, opacity=0.35, line_width=0, layer="below"
    )
    figure.update_yaxes(
        tickvals=[*range(len(steps))],
        ticktext=[_bold(step.rung.name, row == chosen) for row, step in enumerate(steps)],
        range=[len(steps) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
        automargin=True,
    )
    figure.update_xaxes(zeroline=False, exponentformat="SI", nticks=5)
    rows = _ROW * len(steps)
    return figure.update_layout(
        height=rows + _ABOVE + _BELOW,
        bargap=0.35,
        margin={"l": 8, "r": 8, "t": _ABOVE, "b": _BELOW},
        legend={"orientation": "h", "y": -55 / rows, "yanchor": "top", "x": 0, "itemclick": False},
        hoverlabel={"align": "left"},
        dragmode=False,
    )


def _card(step: Step, quantity: str) -> str:
    """What stands beside the pointer."""
    change = getattr(step, f"more_{quantity}")
    more = "" if change is None else f"<br>{change:+,} against the rung before".replace("-", "−")
    return f"<b>{step.rung.name}</b><br>{getattr(step, quantity):,} {QUANTITIES[quantity]}{more}"


def _bold(text: str, wanted: bool) -> str:
    return f"<b>{text}</b>" if wanted else text
