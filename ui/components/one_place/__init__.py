"""The same picture in several panels, and one place in all of them that a reader moves.

It knows nothing of networks: `ui.sight` draws the panels. `place.mjs` is where a place lies (pure, tested
under node), `one_place.js` the view.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ui.components import registered

_component = registered(Path(__file__).parent, "place.mjs", "one_place.js")


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture, and what it says."""

    title: str
    picture: str  # its address, or "" where there is none
    layer: str
    can: str  # the share that can be seen
    does: str  # the share that is seen,
    by: str  # and what that is a share of: "gradient"
    note: str


def one_place(
    panels: Sequence[Panel], *, side: int, at: tuple[int, int], key: str, on_move: Callable[[], None]
) -> None:
    """Draw panels, all of which are cut into side x side places; `at` is row and column of the one shown.

    When the reader has come to rest, `on_move` runs before the page does, and row and column of the place are
    in `st.session_state[key]["at"]`.
    """
    data = {"panels": [vars(panel) for panel in panels], "side": side, "at": at}
    _component(key=key, data=data, on_at_change=on_move)
