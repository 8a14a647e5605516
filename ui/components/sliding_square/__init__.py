"""A square on a picture that a reader moves, and maps that say what each place of it does.

It knows nothing of networks: `viz.figures.occlusion` says what the maps show and which value belongs to
which place. `places.mjs` is what can be asked of the places (pure, tested under node), `sliding_square.js`
the view.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from ui.components import registered

_component = registered(Path(__file__).parent, "places.mjs", "sliding_square.js")


def sliding_square(
    sheet: Mapping[str, object],
    *,
    key: str,
    at: tuple[int, int] | None,
    answer: Mapping[str, object] | None,
    on_move: Callable[[], None],
) -> None:
    """Draw a sheet (`viz.figures.occlusion.Sheet.data`).

    `at`: row and column of the square's upper left pixel; None leaves the middle. When the reader has come to
    rest, `on_move` runs before the page does, and the place is in `st.session_state[key]["at"]`. `answer`:
    what the network says of the place that it names.
    """
    data = {"sheet": sheet, "at": at, "answer": answer}
    _component(key=key, data=data, on_at_change=on_move)
