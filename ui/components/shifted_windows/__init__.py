"""Swin's shifted windows in the browser: a map that is cut, rolled, masked and rolled back, with one token.

`ui.swin` says how the map is cut and who attends to whom, by the network's own functions. `groups.mjs` is
what can be asked of that (pure, tested under node), `shifted_windows.js` the view; what plays steps is
`ui.components.player`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from ui.components.player import registered

_component = registered(Path(__file__).parent, "../cells.mjs", "groups.mjs", "shifted_windows.js")


def shifted_windows(
    layout: Mapping[str, object],
    *,
    key: str,
    rev: str,
    step: int,
    token: tuple[int, int],
    on_step: Callable[[], None],
    on_token: Callable[[], None],
) -> None:
    """Draw a layout (`ui.swin.drawn`), at `step`, counted from 0, with the token at row and column `token`.

    The reader's place is kept in the browser while `rev` changes. When the reader has come to rest, `on_step`
    or `on_token` runs before the page does; `st.session_state[key]` then holds "step" or "token".
    """
    _component(
        key=key,
        data={"layout": layout, "token": token, "subject": "windows", "rev": rev, "step": step},
        on_step_change=on_step,
        on_token_change=on_token,
    )
