"""ZFNet's figure 1 in the browser: maps of numbers, up the network above and down the deconvnet below.

`viz.figure_one.Walk.data` says what each step reads and writes; what plays steps is `ui.components.player`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from ui.components.player import registered

_component = registered(Path(__file__).parent, "figure_one.js")


def figure_one(
    walk: Mapping[str, object], *, key: str, rev: str, step: int, on_step: Callable[[], None]
) -> None:
    """Draw a walk (`viz.figure_one.Walk.data`), at `step`, counted from 0.

    The reader's place is kept in the browser while `rev` changes. When the reader has come to rest, `on_step`
    runs before the page does; the number of the step is then in `st.session_state[key]["step"]`.
    """
    _component(
        key=key,
        data={"walk": walk, "subject": "figure 1", "rev": rev, "step": step},
        on_step_change=on_step,
    )
