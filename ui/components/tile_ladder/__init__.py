"""A ladder of pictures: on each rung a picture with boxes, and tiles that belong to the boxes.

It knows nothing of networks: the page says what the tiles show and what to say of them.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ui.components import registered

_component = registered(Path(__file__).parent, "tile_ladder.js")


def tile_ladder(rungs: Sequence[Mapping[str, object]], *, key: str, on_open: Callable[[], None]) -> None:
    """Draw rungs.

    A rung has `title`, `note`, `photo` (its address as an image), `alt`, and `tiles`: each `name`, `says`,
    `caption`, `box` (left, top, width, height, shares of the photo), and two images, `above` and `below`.
    When a reader opens a tile, `on_open` runs before the page does, and its name is
    `st.session_state[key]["opened"]`.
    """
    _component(key=key, data={"rungs": rungs}, on_opened_change=on_open)
