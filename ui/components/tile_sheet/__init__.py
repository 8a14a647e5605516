"""Maps of a layer, each as two grids of tiles side by side, whose tiles can be pointed at and opened.

It knows nothing of networks: the page says what the tiles show and what to say of them.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ui.components import registered

_component = registered(Path(__file__).parent, "tile_sheet.js")


def tile_sheet(
    cards: Sequence[Mapping[str, object]], *, label: str, key: str, on_open: Callable[[], None]
) -> None:
    """Draw cards, one of each map.

    A card has `name`, `title`, `note`, `chosen`, `grids` (each `uri`, or None and a sentence `why`; and
    `title`), and `tiles`: what to say of each, in rows of three. When a reader opens a tile, `on_open` runs
    before the page does, and `st.session_state[key]["opened"]` is the card's name and the tile's number,
    from 1: "17.3".
    """
    _component(key=key, data={"label": label, "cards": cards}, on_opened_change=on_open)
