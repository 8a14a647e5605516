"""The stepper: panels of numbers, and the steps of an operator over them, played in the browser.

It knows nothing of operators: `viz.operators.Walk.data` says which cells a step reads, what it makes of them
and which cells it writes. `walk.mjs` is what can be asked of a walk (pure, tested under node), `stepper.js`
the view; what plays steps is `ui.components.player`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from ui.components.player import registered

_component = registered(Path(__file__).parent, "walk.mjs", "stepper.js")


def stepper(
    walk: Mapping[str, object],
    *,
    key: str,
    subject: str,
    rev: str,
    step: int,
    on_step: Callable[[], None],
) -> None:
    """Draw a walk (`viz.operators.Walk.data`).

    The reader's place is kept in the browser while the walk's `rev` changes, and begins anew, at `step`, with
    another `subject`. When the reader has come to rest, `on_step` runs before the page does; the number of
    the step, from 0, is then in `st.session_state[key]["step"]`.
    """
    data = {"walk": walk, "subject": subject, "rev": rev, "step": step}
    _component(key=key, data=data, on_step_change=on_step)
