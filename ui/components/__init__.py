"""Streamlit components of our own: a folder each, with plain HTML, CSS and JavaScript and no bundler."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import streamlit as st


def registered(
    folder: Path,
    *scripts: str,
    styles: Sequence[str] = (),
    parts: Mapping[str, str] = MappingProxyType({}),
) -> Callable[..., Any]:
    """The component of a folder: <folder>.html, <folder>.css behind other `styles`, and its scripts.

    Call it once, when the module is imported: a second registration of the same name would replace the first.
    Streamlit takes one script, so they are joined; only the last has a default export. `parts` are put into
    the HTML in the places that name them. What it returns draws the component, with `key`, `data` and an
    `on_<name>_change` for each thing that it tells.
    """

    def joined(names: Sequence[str]) -> str:
        return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)

    html = joined([f"{folder.name}.html"])
    for place, part in parts.items():
        html = html.replace(place, part)
    made: Callable[..., Any] = st.components.v2.component(
        f"zoolens_{folder.name}",
        html=html,
        css=joined(["../theme.css", *styles, f"{folder.name}.css"]),
        js=joined(scripts),
    )
    return made
