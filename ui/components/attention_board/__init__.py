"""A picture cut into tokens in the browser: choose one, and see at once what it attends to.

`ui.attention` says which weights these are. `rows.mjs` is what can be asked of them (pure, tested under
node), `attention_board.js` the view. Streamlit takes one script, so they are joined; only the last one has a
default export.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_SCRIPTS = ("../cells.mjs", "rows.mjs", "attention_board.js")


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


# Registered once, here: a second registration under the same name would replace this one.
_component = st.components.v2.component(
    "zoolens_attention_board",
    html=_read("attention_board.html"),
    css=_read("attention_board.css"),
    js="\n".join(_read(name) for name in _SCRIPTS),
)


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
