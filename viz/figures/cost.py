"""Where a network spends: parameters, multiply-accumulates and memory, by block and along the depth."""

from collections.abc import Iterator, Sequence
from math import prod

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from viz.figures import style
from zoo.anatomy import Block, Layer

QUANTITIES = {"params": "Parameters", "macs": "MACs", "activations": "Activations"}
UNITS = {"params": "", "macs": " MACs", "activations": " numbers"}
_GROUND = "#b4bdc7"  # of blocks: black text can be read on it, whatever the page's ground


def treemap(tree: Block, title: str, quantity: str, base: str = "") -> go.Figure:
    """An area for each layer in proportion to its `quantity` (of QUANTITIES), inside its block's.

    `base` says in words what the total is without, where it is not that of the whole network.
    """
    rows = list(_areas(tree, "", title, quantity))
    total = rows[0][3]
    colours = [style.LAYER_COLOURS.get(kind, _GROUND) for *_, kind in rows]
    figure = go.Figure(
        go.Treemap(
            ids=[id for id, *_ in rows],
            parents=[parent for _, parent, *_ in rows],
            labels=[label for _, _, label, *_ in rows],
            values=[value for _, _, _, value, _ in rows],
            branchvalues="total",
            marker={
                "colors": colours,
                "line": {"width": 1, "color": style.LINE},
                "pad": {"t": 22, "l": 3, "r": 3, "b": 3},
            },
            textfont={"color": [style.ink(colour) for colour in colours]},
            text=[f"{style.count(value)} · {value / max(total, 1):.1%}" for _, _, _, value, _ in rows],
            textinfo="label+text",
            hovertext=[
                f"<b>{id}</b><br>{value:,}{UNITS[quantity]}<br>{value / max(total, 1):.2%} of the network"
                + (f"<br>{base}" if base else "")
                for id, _, _, value, _ in rows
            ],
            hoverinfo="text",
            pathbar={"visible": True, "thickness": 24},
            tiling={"packing": "squarify", "pad": 2},
            root={"color": _GROUND},
        )
    )
    figure.update_layout(
        title={
            "text": f"{QUANTITIES[quantity]} by block, {style.count(total)} in all",
            "subtitle": {"text": base.capitalize()},
        },
        height=style.TALL,
        margin={"t": 64 if base else 48, "l": 0, "r": 0, "b": 0},
        uniformtext={"minsize": 11, "mode": "hide"},
    )
    return figure


def _areas(block: Block, parent: str, label: str, quantity: str) -> Iterator[tuple[str, str, str, int, str]]:
    """Id, id of the parent, label, value and kind ("" for a block) of everything that has a share.

    A block around a single part that has a share is drawn as that part: a frame less to look through.
    """
    id = block.id or "all"
    label += f" ×{block.repeat}" if block.repeat > 1 else ""
    shares = [(child, getattr(child, quantity) or 0) for child in block.children]
    shares = [(child, value) for child, value in shares if value]
    if len(shares) == 1 and parent and isinstance(only := shares[0][0], Block):
        yield from _areas(only, parent, f"{label}.{only.label}", quantity)
        return
    yield id, parent, label, getattr(block, quantity), ""
    for child, value in shares:
        if isinstance(child, Block):
            yield from _areas(child, id, child.label, quantity)
        else:
            yield child.id, id, f"{child.id.rpartition('.')[2]}: {child.label}", value, child.kind


def along_depth(layers: Sequence[Layer], selected: str = "") -> go.Figure:
    """Parameters, MACs, activations and resolution of every layer that computes, in order of execution."""
    shown = [layer for layer in layers if layer.kind not in ("reshape", "dropout")]
    position = [*range(1, len(shown) + 1)]
    names = [f"{layer.id}<br>{layer.label}" for layer in shown]
    colours = [style.LAYER_COLOURS[layer.kind] for layer in shown]
    figure = make_subplots(
        rows=4,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.05,
        subplot_titles=(
            "Parameters",
            "Multiply-accumulates (MACs)",
            "Activations, numbers made for one image",
            "Resolution, side of the map in pixels or tokens",
        ),
    )
    for row, (quantity, title) in enumerate(QUANTITIES.items(), start=1):
        figure.add_bar(
            x=position,
            y=[getattr(layer, quantity) or 0 for layer in shown],
            name=title,
            marker={"color": colours, "line": {"width": 0}},
            customdata=names,
            hovertemplate="%{customdata}<br>%{y:,}" + UNITS[quantity] + "<extra></extra>",
            row=row,
            col=1,
        )
    figure.add_scatter(
        x=position,
        y=_resolutions(shown),
        mode="lines",
        name="Resolution",
        line={"shape": "hv", "color": style.LINE, "width": 2},
        customdata=[" × ".join(map(str, layer.shape)) for layer in shown],
        hovertemplate="%{customdata}<extra></extra>",
        row=4,
        col=1,
    )
    for kind in dict.fromkeys(layer.kind for layer in shown):  # the legend: an empty mark for each kind
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=style.LAYER_WORDS[kind],
            showlegend=True,
            marker={"symbol": "square", "size": 11, "color": style.LAYER_COLOURS[kind]},
        )
    for number, layer in zip(position, shown, strict=True):
        if layer.id == selected:
            side = "left" if number > len(shown) / 2 else "right"
            named = {"annotation_text": layer.id, "annotation_position": f"top {side}"}
            for row in (1, 2, 3, 4):
                line = {"color": style.LINE, "dash": "dot"}
                figure.add_vline(x=number, line=line, row=row, col=1, **(named if row == 1 else {}))
    figure.update_traces(selector={"type": "bar"}, showlegend=False)
    figure.update_traces(selector={"name": "Resolution"}, showlegend=False)
    figure.update_annotations(x=0, xanchor="left", font={"size": 14}, selector=lambda a: a.xref == "paper")
    figure.update_xaxes(title_text="Layer, in the order of execution", row=4, col=1)
    figure.update_yaxes(rangemode="tozero", tickformat="~s")
    figure.update_layout(
        title={"text": "Cost along the depth", "y": 0.99, "yanchor": "top"},
        height=2 * style.MEDIUM + 80,
        bargap=0 if len(shown) > 150 else 0.1,
        margin={"t": 72, "l": 8, "r": 8, "b": 48},
        # Below, where a narrow page can break it into many lines.
        legend={"orientation": "h", "y": -0.12, "yanchor": "top", "x": 0, "itemclick": False},
    )
    return figure


def _resolutions(layers: Sequence[Layer]) -> list[float]:
    """The side of the map after every layer: of maps their rows, of tokens the root of their number.

    Convolutions, pools and linear layers say it, as they alone change it or know where the channels are; the
    others keep it.
    """
    sides: list[float] = []
    for layer in layers:
        side = sides[-1] if sides else 1.0
        if layer.kind in ("conv", "pool") and len(layer.shape) == 3:
            side = layer.shape[1]
        elif layer.kind == "linear" and not layer.reach.sees_nothing:
            side = prod(layer.shape[:-1]) ** 0.5
        sides.append(side)
    return sides
