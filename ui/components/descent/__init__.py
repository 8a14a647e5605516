"""The way down from a unit to the pixels in pictures: all steps as a film, and one of them large.

It knows nothing of networks: the page says what the pictures show. What plays steps is
`ui.components.player`.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ui.components.player import registered

_component = registered(Path(__file__).parent, "descent.js")


def descent(
    steps: Sequence[Mapping[str, object]],
    *,
    key: str,
    subject: str,
    rev: str,
    step: int,
    on_step: Callable[[], None],
) -> None:
    """Draw steps, as `ui.descent_sheet.drawn` makes them, at `step`, counted from 0.

    The reader's place is kept in the browser while `rev` changes, and begins anew with another `subject`.
    When the reader has come to rest, `on_step` runs before the page does; the number of the step is then in
    `st.session_state[key]["step"]`.
    """
    data = {"steps": steps, "subject": subject, "rev": rev, "step": step}
    _component(key=key, data=data, on_step_change=on_step)
