"""The layer graph: blocks that open and close in the browser, drawn as SVG by our own Streamlit component.

`model.mjs` is the tree, `layout.mjs` the geometry, `camera.mjs` what of it is in view (all pure, tested
under node), `scene.js` draws, `export.js` saves SVG and PNG, `layer_graph.js` is the view with its events.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ui.components import registered

if TYPE_CHECKING:
    from zoo.anatomy import Graph

_component = registered(
    Path(__file__).parent, "model.mjs", "layout.mjs", "camera.mjs", "scene.js", "export.js", "layer_graph.js"
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
    data = {
        "graph": graph, "rev": graph["rev"], "selected": selected, "height": height,
        "marks": dict(marks) if marks is not None else None,
    }  # fmt: skip
    chosen: str | None = _component(key=key, data=data, on_selected_change=on_select).selected
    known = any(chosen == item["id"] for item in (*graph["nodes"], *graph["groups"]))
    return chosen if known else None
