"""Controls whose value stands in the address under their own key: `bottleneck.channels=256`.

Streamlit writes and reads the address itself and takes out of it what a control cannot show. Before it does,
the reader of such a link is told.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

import streamlit as st

from ui import prose
from zoo import nearest

T = TypeVar("T", int, float, str)


def slider(
    label: str,
    key: str,
    steps: Sequence[T],
    default: T,
    *,
    words: Callable[[T], str] = str,
    help: str | None = None,
    disabled: bool = False,
) -> T:
    """One of the `steps`, in their order."""
    _warn(key, [words(step) for step in steps])
    chosen: T = st.select_slider(
        label, steps, default, format_func=words, key=key, bind="query-params", help=help, disabled=disabled
    )
    return chosen


def segments(label: str, key: str, choices: Mapping[str, str], *, help: str | None = None) -> str:
    """One of a few values (value -> words), side by side; the first is the default."""
    _warn(key, choices.values())
    first = next(iter(choices))
    chosen: str | None = st.segmented_control(
        label, list(choices), format_func=choices.__getitem__, default=first, required=True,
        key=key, bind="query-params", help=help, wrap=True,
    )  # fmt: skip
    return chosen or first  # none is chosen where the address names the control and says nothing


def picker(label: str, key: str, choices: Mapping[str, str], *, help: str | None = None) -> str:
    """One of many values (value -> words) in a list to search; the first is the default."""
    _warn(key, choices.values())
    chosen: str = st.selectbox(
        label, list(choices), format_func=choices.__getitem__, key=key, bind="query-params", help=help
    )
    return chosen


def several(label: str, key: str, choices: Mapping[str, str], default: Sequence[str]) -> list[str]:
    """Any number of values (value -> words), in the order of `choices`."""
    _warn(key, choices.values())
    chosen = st.pills(
        label, list(choices), format_func=choices.__getitem__, selection_mode="multi", default=default,
        key=key, bind="query-params", wrap=True,
    )  # fmt: skip
    return [value for value in choices if value in chosen]


def switch(label: str, key: str, *, default: bool = False, help: str | None = None) -> bool:
    _warn(key, ["true", "false"])
    return st.toggle(label, default, key=key, bind="query-params", help=help)


def _warn(key: str, known: Collection[str]) -> None:
    for value in st.query_params.get_all(key):
        if value and value not in known:
            sentence = f"The address asks for {key}={value[:40]}, which there is not. {nearest(value, known)}"
            st.warning(prose.literal(sentence), icon=":material/link_off:")
