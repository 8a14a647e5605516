"""Tables of a few rows that can be reached by keyboard where a narrow screen makes them scroll."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import streamlit as st

_STYLE = Path(__file__).with_suffix(".css")


def table(rows: Sequence[Mapping[str, str]], title: str) -> None:
    """Rows of the same columns; `title` is for those who cannot see it."""
    st.html(_STYLE)
    st.html(markup(rows, title))


def markup(rows: Sequence[Mapping[str, str]], title: str) -> str:
    """The same as HTML."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row.values()) + "</tr>" for row in rows
    )
    return (
        f'<div class="zl-rows" tabindex="0" role="region" aria-label="{escape(title)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
