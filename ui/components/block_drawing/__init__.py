"""Two residual blocks side by side, whose operations glide to their new widths: our own Streamlit component.

`geometry.mjs` says where everything stands (pure, tested under node), `block_drawing.js` draws it as SVG,
tells what an operation does and saves the picture. Streamlit takes one script, so they are joined.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from ui.components import registered


class Row(TypedDict):
    """An operation as it is drawn."""

    id: str
    lane: str  # "branch" or "shortcut"
    kind: str  # of the drawing's colours
    label: str
    product: str  # its weights written out; "" for a thin row
    cin: int
    cout: int
    size: int  # side of the map that it makes
    value: str  # what it costs
    share: str  # of the whole block; left out where there is no room
    bar: float  # the same from 0 to 1, where 1 is the dearest operation of both blocks
    explain: str


class Side(TypedDict):
    """A block as it is drawn."""

    title: str
    shapes: str
    amount: str
    unit: str
    parts: str
    fork: str  # the row behind which the shortcut leaves; "" without one
    rows: list[Row]


_component = registered(Path(__file__).parent, "geometry.mjs", "block_drawing.js")


def block_drawing(sides: tuple[Side, Side], colours: Mapping[str, str], *, rev: str, key: str) -> None:
    """Draw the two; `rev` names the picture and stands on the element once it is drawn."""
    _component(key=key, data={"sides": list(sides), "colours": dict(colours), "rev": rev})
