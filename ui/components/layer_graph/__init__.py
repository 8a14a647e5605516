"""The layer graph: blocks that open and close in the browser, drawn as SVG by our own Streamlit component.

`model.mjs` is the tree, `layout.mjs` the geometry, `camera.mjs` what of it is in view (all pure, tested
under node), `scene.js` draws, `export.js` saves SVG and PNG, `layer_graph.js` is the view with its events.

What the page wants selected goes to the browser as a second component, `wish.js`. So the first, with the
graph and all its code, is the same to the byte in every run, and Streamlit sends its digest, not 140 KiB.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import streamlit as st

from ui.components import registered

if TYPE_CHECKING:
    from zoo.anatomy import Graph

_HERE = Path(__file__).parent
_component = registered(
    _HERE, "model.mjs", "layout.mjs", "camera.mjs", "scene.js", "export.js", "layer_graph.js"
)
_wish = st.components.v2.component(
    "zoolens_layer_graph_wish", js=(_HERE / "wish.js").read_text(encoding="utf-8")
)


def layer_graph(
    graph: "Graph",
    *,
    key: str,
    selected: str | None,
    on_select: Callable[[], None],
    height: int = 640,
    marks: Mapping[str, str] | None = None,
) -> str | None:
    """Draw `graph`; return the id of the node or group that the reader chose last, None before that.

    `on_select` runs before the page does, when the choice is already in `st.session_state[key]["selected"]`.
    `selected` is the page's own wish: a new value opens the blocks around that layer and moves there; ids
    that the graph does not have are passed over, and a choice made in another graph counts no more. Page and
    reader agree when the page makes the choice its wish. `marks` says of nodes and groups whether they are
    "same", "changed" or "only" here, against another network; the boxes are then coloured by it at first.
    """
    drawn = orjson.dumps(
        {"name": key, "graph": graph, "height": height, "marks": None if marks is None else dict(marks)}
    )  # as bytes, because Streamlit would write anything else twice
    chosen: str | None = _component(key=key, data=drawn, on_selected_change=on_select).selected
    _wish(key=f"{key}.wish", data={"name": key, "rev": graph["rev"], "selected": selected})
    known = any(chosen == item["id"] for item in (*graph["nodes"], *graph["groups"]))
    return chosen if known else None
