"""A ladder of pictures: on each rung a picture with boxes, and tiles that belong to the boxes.

It knows nothing of networks: the page says what the tiles show and what to say of them.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


# Registered once, here: a second registration under the same name would replace this one.
_component = st.components.v2.component(
    "zoolens_tile_ladder",
    html=_read("tile_ladder.html"),
    css=_read("tile_ladder.css"),
    js=_read("tile_ladder.js"),
)


def tile_ladder(rungs: Sequence[Mapping[str, object]], *, key: str, on_open: Callable[[], None]) -> None:
    """Draw rungs.

    A rung has `title`, `note`, `photo` (its address as an image), `alt`, and `tiles`: each `name`, `says`,
    `caption`, `box` (left, top, width, height, shares of the photo), and two images, `above` and `below`.
    When a reader opens a tile, `on_open` runs before the page does, and its name is
    `st.session_state[key]["opened"]`.
    """
    _component(key=key, data={"rungs": rungs}, on_opened_change=on_open)
