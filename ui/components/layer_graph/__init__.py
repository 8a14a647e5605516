"""The layer graph: blocks that open and close in the browser, drawn as SVG by a Streamlit component of our own.

`model.mjs` is the tree, `layout.mjs` the geometry (both pure, tested under node), `scene.js` draws, `export.js` saves
SVG and PNG, `layer_graph.js` is the view with its events. Streamlit takes one script, so they are joined in this order;
only the last one has a default export.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import streamlit as st

Heat = Literal["params", "macs", "activations"]

_HERE = Path(__file__).parent
_SCRIPTS = ("model.mjs", "layout.mjs", "scene.js", "export.js", "layer_graph.js")

_HTML = """
<div class="layer-graph">
  <div class="toolbar">
    <div class="find">
      <input type="search" placeholder="Find a layer" aria-label="Find a layer by name, label or kind; Enter goes to the next">
      <span class="hits"></span>
    </div>
    <div class="tools">
      <button type="button" data-do="expand" aria-label="Open one level more">Open level</button>
      <button type="button" data-do="collapse" aria-label="Close all blocks">Close all</button>
      <button type="button" data-do="fit" aria-label="Fit the whole graph">Fit</button>
      <button type="button" class="icon" data-do="out" aria-label="Zoom out">−</button>
      <button type="button" class="icon" data-do="in" aria-label="Zoom in">+</button>
      <button type="button" class="icon" data-do="full" aria-label="Full screen">⛶</button>
    </div>
    <fieldset class="colours">
      <legend>Colour by</legend>
      <label><input type="radio" name="colour" value="kind" checked>Kind</label>
      <label><input type="radio" name="colour" value="params">Parameters</label>
      <label><input type="radio" name="colour" value="macs">MACs</label>
      <label><input type="radio" name="colour" value="activations">Activations</label>
    </fieldset>
    <div class="tools">
      <button type="button" data-do="svg" aria-label="Save as SVG">SVG</button>
      <button type="button" data-do="png" aria-label="Save as PNG">PNG</button>
    </div>
  </div>
  <div class="canvas">
    <svg role="tree" aria-label="Layers"><g class="scene" role="presentation"></g></svg>
    <div class="minimap" aria-hidden="true" hidden></div>
    <div class="details" role="tooltip" hidden></div>
  </div>
  <div class="legend"></div>
  <p class="hint">Click or tap to select, + to open a block. Drag to move, Ctrl + wheel or pinch to zoom; after a click
  the wheel scrolls the graph. Keys: arrows, Enter selects, Space opens and closes, f fits, / searches, Esc leaves.</p>
  <div class="spoken" aria-live="polite"></div>
</div>
"""

# Registered once, here: a second registration under the same name would replace this one.
_component = st.components.v2.component(
    "zoolens_layer_graph",
    html=_HTML,
    css=(_HERE / "layer_graph.css").read_text(encoding="utf-8"),
    js="\n".join((_HERE / name).read_text(encoding="utf-8") for name in _SCRIPTS),
)


def layer_graph(
    graph: Mapping[str, object],
    *,
    key: str,
    selected: str | None,
    heat: Heat | None,
    on_select: Callable[[], None],
    height: int = 640,
) -> str | None:
    """Draw `graph` (as zoo.anatomy.graph makes it) and return the id of the node or group the reader chose last.

    `on_select` runs before the page does, when the choice is already in `st.session_state[key]["selected"]`.
    `selected` is the page's own wish: a new value opens the blocks around that layer and moves there; ids that the
    graph does not have are passed over. The choice and the wish meet when the page writes the one into the other.
    `heat` is the colouring at first sight (None: by kind); from then on the reader's switch decides.
    """
    data = {"graph": graph, "rev": graph["rev"], "selected": selected, "heat": heat, "height": height}
    chosen: str | None = _component(key=key, data=data, on_selected_change=on_select).selected
    return chosen
