"""Networks beside each other: what each spends at which resolution, and how its view grows with depth."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from viz.figures import style
from viz.figures.cost import QUANTITIES, UNITS
from zoo.anatomy import Step, scale_title

# Of each network its colour, dash, marker, and pattern of bars: the first is blue wherever it stands.
LOOKS = (
    ("#0072b2", "solid", "circle", ""),
    ("#e69f00", "dash", "square", "/"),
    ("#009e73", "dot", "diamond", "x"),
    ("#cc79a7", "dashdot", "triangle-up", "."),
)


@dataclass(frozen=True)
class Spending:
    """What a network spends at each scale, as in `zoo.anatomy.stages`."""

    title: str
    by_scale: dict[int | None, int]


@dataclass(frozen=True)
class Course:
    """A network along its depth."""

    title: str
    size: int  # of the image's side, px
    steps: Sequence[Step]


def bars(networks: Sequence[Spending], scales: Sequence[int | None], quantity: str) -> go.Figure:
    """The `quantity` (of QUANTITIES) at each scale: two networks mirrored, more side by side."""
    mirrored = len(networks) == 2
    titles = [scale_title(scale) for scale in scales]
    figure = go.Figure()
    most = max((max(one.by_scale.values(), default=0) for one in networks), default=0) or 1
    for number, (network, (colour, _, _, pattern)) in enumerate(zip(networks, LOOKS, strict=False)):
        values = [network.by_scale.get(scale, 0) for scale in scales]
        total = max(sum(values), 1)
        sign = -1 if mirrored and number == 0 else 1
        figure.add_bar(
            x=[sign * value for value in values],
            y=titles,
            orientation="h",
            name=network.title,
            marker={
                "color": colour,
                "pattern": {
                    "shape": pattern,
                    "size": 7,
                    "solidity": 0.25,
                    "fillmode": "overlay",
                    "fgcolor": "#ffffff",
                },
            },
            text=[f"{style.count(value)} · {value / total:.0%}" if value else "" for value in values],
            textposition="outside",
            cliponaxis=False,
            customdata=[[value, value / total] for value in values],
            hovertemplate="%{y}: %{customdata[0]:,}"
            + UNITS[quantity]
            + "<br>%{customdata[1]:.1%} of the network<extra>"
            + network.title
            + "</extra>",
        )
    reach = 1.45 * most
    ticks = [most * share / 2 for share in ((-2, -1, 0, 1, 2) if mirrored else (0, 1, 2))]
    figure.update_xaxes(
        range=[-reach if mirrored else 0, reach],
        tickvals=ticks,
        ticktext=[style.count(abs(tick)) for tick in ticks],
        title_text=f"{QUANTITIES[quantity]}{' for one image' if quantity != 'params' else ''}",
        zeroline=True,
        zerolinecolor=style.LINE,
    )
    figure.update_yaxes(
        autorange="reversed", title_text="Side of the map against the image's", type="category"
    )
    height = max(style.MEDIUM, 150 + 26 * len(scales) * (1 if mirrored else len(networks)))
    return figure.update_layout(
        title={"text": f"{QUANTITIES[quantity]} by resolution"},
        barmode="overlay" if mirrored else "group",
        height=height,
        margin={"t": 56, "l": 8, "r": 8, "b": 8},
        legend={
            "orientation": "h",
            "y": -60 / (height - 120),
            "yanchor": "top",
            "x": 0,
            "traceorder": "normal",
        },
        bargap=0.25,
        dragmode=False,
    )


def courses(networks: Sequence[Course], *, share: bool) -> go.Figure:
    """Receptive field and resolution after each convolution or linear layer, all networks in one picture.

    With `share` all networks are as wide as each other: depth counts as a share of the network's own.
    """
    figure = make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.12,
        subplot_titles=("Receptive field, px", "Side of the map against the image's"),
    )
    coarsest = 1.0
    for network, (colour, dash, symbol, _) in zip(networks, LOOKS, strict=False):
        deepest = network.steps[-1].depth if share else 1
        x = [step.depth / deepest for step in network.steps]
        line = {"color": colour, "dash": dash, "width": 2.5, "shape": "hv"}
        drawn = {"mode": "lines", "name": network.title, "legendgroup": network.title, "line": line}
        place = "%{customdata}<extra>" + network.title + "</extra>"
        figure.add_scatter(
            x=x,
            y=[step.field if step.reach == "local" else None for step in network.steps],
            customdata=[step.layer for step in network.steps],
            hovertemplate="%{y:,} px<br>" + place,
            row=1,
            col=1,
            **drawn,
        )
        ends = next((i for i, step in enumerate(network.steps) if step.reach != "local"), None)
        if ends is not None:
            step = network.steps[ends]
            field = max((s.field or 0 for s in network.steps[:ends]), default=0)
            whole = step.reach == "global"
            words = "sees the whole image from here on" if whole else "what it sees depends on the position"
            figure.add_scatter(
                x=[x[ends]],
                y=[max(network.size, field) if whole else field],
                mode="markers",
                name=network.title,
                legendgroup=network.title,
                showlegend=False,
                cliponaxis=False,
                marker={"symbol": symbol if whole else f"{symbol}-open", "size": 11, "color": colour,
                        "line": {"width": 2, "color": colour}},
                customdata=[f"{words}<br>{step.layer}"],
                hovertemplate=place,
                row=1,
                col=1,
            )  # fmt: skip
        sides = [step.side if step.side > 1 else None for step in network.steps]
        coarsest = max([coarsest, *(network.size / side for side in sides if side)])
        figure.add_scatter(
            x=x,
            y=[side and network.size / side for side in sides],
            customdata=[f"{step.side:.0f} of {network.size} px<br>{step.layer}" for step in network.steps],
            hovertemplate=place,
            showlegend=False,
            row=2,
            col=1,
            **drawn,
        )
    halvings = [2**k for k in range(12) if 2**k <= 1.5 * coarsest]
    figure.update_yaxes(rangemode="tozero", row=1, col=1)
    figure.update_yaxes(
        type="log",
        autorange="reversed",
        tickvals=halvings,
        ticktext=[f"1/{n}" for n in halvings],
        row=2,
        col=1,
    )
    figure.update_xaxes(
        title_text="Share of the network's depth" if share else "Convolutions and linear layers passed",
        tickformat=".0%" if share else "",
        row=2,
        col=1,
    )
    figure.update_annotations(x=0, xanchor="left", font={"size": 14}, selector=lambda a: a.xref == "paper")
    return figure.update_layout(
        title={"text": "What a unit sees, and how fine the map is", "y": 0.99, "yanchor": "top"},
        height=style.TALL + 80,
        margin={"t": 76, "l": 8, "r": 8, "b": 8},
        legend={"orientation": "h", "y": -0.14, "yanchor": "top", "x": 0},
        dragmode=False,
    )
