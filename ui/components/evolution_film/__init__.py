"""Maps over epochs: a table of projections to scrub through or to play, with the jumps of their winners.

It knows nothing of networks or runs: `ui.evolution_film` says what stands in each cell. `frames.mjs` is what
can be asked of the epochs (pure, tested under node), `evolution_film.js` the view.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from ui.components import registered

_component = registered(Path(__file__).parent, "frames.mjs", "evolution_film.js")


def evolution_film(
    film: Mapping[str, object], *, key: str, at: int | None, on_move: Callable[[], None]
) -> None:
    """Draw a film (`ui.evolution_film.film`).

    `at`: the epoch to look at; None goes along with the newest. When the reader has come to rest at another,
    `on_move` runs before the page does, and the epoch is in `st.session_state[key]["at"]`, None for the
    newest.
    """
    _component(key=key, data={"film": film, "at": at}, on_at_change=on_move)
