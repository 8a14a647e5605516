"""Where the cost is: areas by block, bars along the depth, and the table of layers."""

import pandas as pd
import streamlit as st

from ui import cached, controls, export, prose
from ui.controls import Study
from viz.figures import cost, style
from zoo.anatomy import Anatomy


def render(study: Study, anatomy: Anatomy, selected: str) -> None:
    words = prose.words("inspect")
    quantity = controls.segments("Areas by", "area", cost.QUANTITIES)
    st.plotly_chart(
        cached.figure(
            ("treemap", study, quantity),
            lambda: cost.treemap(
                anatomy.tree, study.title, quantity, left_out(anatomy) if quantity == "params" else ""
            ),
        ),
        key="inspect.treemap",
        config=export.picture(f"{study.specimen.variant}-{quantity}"),
        alt=f"{cost.QUANTITIES[quantity]} of {study.title} by block; most in {largest(anatomy, quantity)}",
    )
    st.caption(words["treemap"])
    st.plotly_chart(
        cached.figure(("along depth", study, selected), lambda: cost.along_depth(anatomy.layers, selected)),
        key="inspect.depth",
        config=export.picture(f"{study.specimen.variant}-depth"),
        alt=f"Parameters, MACs, activations and resolution of the layers of {study.title} in "
        "the order of execution; the table of layers holds the same numbers.",
    )
    st.caption(words["depth"])


def left_out(anatomy: Anatomy) -> str:
    """What shares of the parameters are without, in words; "" where all of them run."""
    return "without the auxiliary heads, which do not run" if anatomy.unused else ""


def largest(anatomy: Anatomy, quantity: str) -> str:
    """The three most expensive parts at the top of the tree, in words."""
    parts = sorted(anatomy.tree.children, key=lambda child: -(getattr(child, quantity) or 0))[:3]
    total = max(getattr(anatomy.tree, quantity), 1)
    return ", ".join(f"{part.id} {(getattr(part, quantity) or 0) / total:.0%}" for part in parts)


def table(study: Study, anatomy: Anatomy) -> None:
    """The layers as rows, to sort, to filter by kind and to save; a click on a row selects its layer."""
    words = prose.words("inspect")
    rows = layer_rows(anatomy)
    known = {layer.kind: style.LAYER_WORDS[layer.kind] for layer in anatomy.layers}
    kinds = controls.several("Kinds", "kinds", known, help="None chosen: all.")
    shown = [row for row, layer in zip(rows, anatomy.layers, strict=True) if not kinds or layer.kind in kinds]
    grouped = st.column_config.NumberColumn(format="localized")

    def chosen() -> None:
        picked = st.session_state["inspect.table"]["selection"]["rows"]
        if picked:
            controls.select(str(shown[picked[0]]["Layer"]))

    st.dataframe(
        pd.DataFrame(shown),
        key="inspect.table",
        hide_index=True,
        column_config=dict.fromkeys(cost.QUANTITIES.values(), grouped),
        on_select=chosen,
        selection_mode="single-row",
        height=460,
        alt=f"The layers of {study.title} in the order of execution.",
    )
    left, right = st.columns([3, 1], vertical_alignment="center")
    without = f" The parameters are those {left_out(anatomy)}." if anatomy.unused else ""
    left.caption(words["table"] + without)
    right.download_button(
        "Save as CSV", export.as_csv(rows), f"{study.specimen.variant}.csv", "text/csv", key="inspect.csv",
        icon=":material/download:", on_click="ignore", width="stretch",
    )  # fmt: skip


def layer_rows(anatomy: Anatomy) -> list[dict[str, object]]:
    return [
        {
            "No.": number,
            "Layer": layer.id,
            "Kind": style.LAYER_WORDS[layer.kind],
            "Operation": layer.label,
            "Output": " × ".join(map(str, layer.shape)),
            "Parameters": layer.params,
            "MACs": layer.macs,
            "Activations": layer.activations,
            "Receptive field": str(layer.reach),
        }
        for number, layer in enumerate(anatomy.layers, start=1)
    ]
