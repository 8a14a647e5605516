"""A picture cut into tokens in the browser: choose one, and see at once what it attends to.

`ui.attention` says which weights these are. `rows.mjs` is what can be asked of them (pure, tested under
node), `attention_board.js` the view.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from ui.components import registered

_component = registered(Path(__file__).parent, "../cells.mjs", "rows.mjs", "attention_board.js")


def attention_board(
    sheet: Mapping[str, object],
    *,
    key: str,
    query: str,
    other: str,
    on_query: Callable[[], None],
    on_other: Callable[[], None],
) -> None:
    """Draw a sheet (`ui.attention.drawn`).

    `query`, `other`: the token that asks and the one that is asked, "row,column"; a query may be "class".
    When the reader has come to rest, `on_query` or `on_other` runs before the page does, and
    `st.session_state[key]` holds "query" or "other".
    """
    data = {"sheet": sheet, "query": query, "other": other}
    _component(key=key, data=data, on_query_change=on_query, on_other_change=on_other)
