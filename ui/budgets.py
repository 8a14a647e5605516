"""Whole ResNets of either block: which depth a budget of parameters buys, and what the paper built."""

from functools import lru_cache

import pandas as pd
import streamlit as st
from plotly.graph_objects import Figure

from ui import bound, cached, export, prose, state
from viz.figures import blocks as figures
from viz.figures import style
from viz.figures.blocks import Bought
from zoo import Published, Variant, variant
from zoo.blocks import KINDS
from zoo.budget import Net, layers

_NETWORKS = tuple(f"resnet{depth}" for depth in (18, 34, 50, 101, 152))
_MILLIONS = (1, 2, 5, 10, 15, 20, 30, 40, 60)
_PUBLISHED = 64  # channels of the paper's first stage


@st.fragment
def bought() -> None:
    """Which depth a number of parameters buys with each block, at the same channels or at the paper's."""
    words = prose.words("bottleneck")
    left, right = st.columns([1, 2], gap="large")
    with left:
        handed = {"same": "as many", "paper": "four times as many"}
        chosen = bound.segments(
            "Channels of bottleneck stages", "bottleneck.handed", handed, help=words["dial handed"]
        )
        same = chosen == "same"
        millions = bound.slider(
            "Budget, million parameters", "bottleneck.budget", _MILLIONS, 10, help=words["dial budget"]
        )
        st.markdown(words["budget same" if same else "budget paper"])
        for kind, nets in _ladders(same).items():
            found = [net for net in nets if net.params <= millions * 10**6]
            with st.container(border=True, gap="xsmall"):
                if found:
                    _net(found[-1], _widths(same)[kind])
                else:
                    st.metric(f"{KINDS[kind]}s", "too little")
                    least = style.count(nets[0].params)
                    st.caption(f"The shallowest, with one block in each stage, has {least} parameters.")
    with right:
        st.plotly_chart(
            _figure(same, millions),
            key="bottleneck.depth",
            config=export.picture("zoolens-depth-bought"),
            alt="Depth against parameters for ResNets of either block, and the networks of the paper",
        )
        st.caption(words["depth bought"])


@lru_cache(maxsize=32)
def _figure(same: bool, millions: int) -> Figure:
    """Nobody changes it."""
    ladders = {KINDS[kind]: [_point(net) for net in nets] for kind, nets in _ladders(same).items()}
    return figures.depth_bought(ladders, millions * 10**6, [_known(name) for name in _NETWORKS])


def _widths(same: bool) -> dict[str, int]:
    """Channels inside the blocks of the first stage."""
    return {"basic": _PUBLISHED, "bottleneck": _PUBLISHED // 4 if same else _PUBLISHED}


def _ladders(same: bool) -> dict[str, tuple[Net, ...]]:
    most = 10**6 * _MILLIONS[-1]
    return {kind: cached.affordable(kind, width, most) for kind, width in _widths(same).items()}


def _net(net: Net, width: int) -> None:
    st.metric(f"{KINDS[net.kind]}s", f"{net.depth} layers")
    stages = ", ".join(map(str, net.depths))
    st.caption(
        f"{stages} blocks; {width} channels inside the first; {style.count(net.params)} parameters, "
        f"{style.count(net.macs)} MACs at 224 × 224 px."
    )


def _point(net: Net) -> Bought:
    stages = ", ".join(map(str, net.depths))
    text = (
        f"{net.depth} layers ({stages} blocks)<br>{net.params:,} parameters<br>{style.count(net.macs)} MACs"
    )
    return Bought("", KINDS[net.kind], net.params, net.depth, text)


def _published(name: str) -> tuple[Variant, Published, str]:
    """A network of the registry, its figures, and the kind of its blocks."""
    row = variant(name)
    if row.published is None:
        raise ValueError(f"{row.title} is not published.")
    return row, row.published, next(kind for kind in KINDS if KINDS[kind] == row.config["block"].__name__)


def _known(name: str) -> Bought:
    row, known, kind = _published(name)
    text = f"{row.title}<br>{known.params:,} parameters"
    return Bought(row.title, KINDS[kind], known.params, layers(kind, row.config["depths"]), text)


def _resnet(name: str) -> dict[str, object]:
    """A row of the table."""
    row, known, kind = _published(name)
    depths: tuple[int, ...] = row.config["depths"]
    return {
        "Open": state.address("inspect", variant=name),
        "Network": row.title,
        "Block": KINDS[kind],
        "Blocks per stage": ", ".join(map(str, depths)),
        "Depth": layers(kind, depths),
        "Parameters": known.params,
        "MACs": known.macs,
        "Top-1, %": known.top1,
        "Source of the accuracy": known.accuracy_source,
    }


def table() -> None:
    """The paper's networks by the block they use."""
    rows = [_resnet(name) for name in _NETWORKS]
    grouped = st.column_config.NumberColumn(format="localized")
    st.dataframe(
        pd.DataFrame(rows),
        key="bottleneck.table",
        hide_index=True,
        column_config={
            "Parameters": grouped,
            "MACs": grouped,
            "Top-1, %": st.column_config.NumberColumn(format="%.2f"),
            "Open": st.column_config.LinkColumn(display_text="Inspect"),
        },
        alt="ResNet-18, -34, -50, -101 and -152: block, blocks per stage, depth, parameters, MACs, accuracy.",
    )
    st.download_button(
        "Save as CSV", export.as_csv(rows), "resnets.csv", "text/csv", key="bottleneck.csv",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
