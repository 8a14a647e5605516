"""What a page shows stands in its address, and nowhere else.

So a link, a reload, the back button and a second window all show the same view. A control shows what the
address says; when a reader turns it, the address is rewritten before the page runs again.
"""

import time
from collections.abc import Container
from typing import TypeVar
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

T = TypeVar("T")

_LONGEST = 2_000  # characters of a parameter that are looked at; what is longer was not written here
_NEVER = object()
_DRAWN = 5.0  # seconds in which a browser draws what it was sent
_LAG = 2.0  # seconds in which a browser hears of an address that was written
_WRITTEN = "address written"  # in the session: page, parameter -> what it was before, what it is now, when

# Parameters by which one page is told by others what to show.
RUN = "train.run"  # a run
RACE = "race.runs"  # the runs of a race's lanes, with BETWEEN between them
RECORDING = "replay.of"  # a recording, or a lane of one
BETWEEN = ";"


def query() -> dict[str, str]:
    """The parameters of the address."""
    _catch_up()
    return {name: value[:_LONGEST] for name, value in st.query_params.to_dict().items()}


def write(**parameters: str | None) -> None:
    """Change parameters of the address, None takes one out: all in one step of the browser's history."""
    now = query()
    changed = {name: value for name, value in (now | parameters).items() if value is not None}
    if changed != now:
        for name, value in parameters.items():
            _remember(name, value)
        st.query_params.from_dict(changed)


def put(key: str, word: str | None) -> None:
    """One parameter into the address, alone: the others belong to their controls.

    None is what a control says that the browser has just built anew: nobody has chosen anything then.
    """
    if word is not None:
        _turn(key, word)


def drop(key: str) -> None:
    """One parameter out of the address, alone."""
    _turn(key, None)


def _turn(key: str, word: str | None) -> None:
    _catch_up()
    _remember(key, word)
    _set(key, word)


def _set(key: str, word: str | None) -> None:
    if word is None:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = word


def _remember(key: str, word: str | None) -> None:
    """A parameter is about to become `word`, or to go."""
    ctx = get_script_run_ctx()
    written = st.session_state.setdefault(_WRITTEN, {})
    place = (ctx and ctx.page_script_hash, key)
    earlier: frozenset[str | None] = written[place][0] if place in written else frozenset()
    before = st.query_params.get(key)
    written[place] = ((earlier | {before}) - {word}, word, time.monotonic())


def _catch_up() -> None:
    """Write again what the browser has not heard of yet.

    With each question it says the address that it has. Where a reader does two things before the answer to
    the first has come, that is the old one, and the second would take back the first. Only the back button
    means an old address.
    """
    ctx = get_script_run_ctx()
    written = st.session_state.get(_WRITTEN)
    if not written or ctx is None:
        return
    now = time.monotonic()
    for (page, key), (earlier, word, when) in list(written.items()):
        shown = st.query_params.get(key)
        if ctx.is_history_navigation or page != ctx.page_script_hash or now - when > _LAG:
            del written[page, key]
        elif shown in earlier:
            _set(key, word)


def place(word: str) -> tuple[int, int] | None:
    """Row and column that a word of an address names, `3,12`; None where it names none."""
    row, _, column = word.partition(",")
    if not all(part.isascii() and part.isdigit() and len(part) < 4 for part in (row, column)):
        return None
    return int(row), int(column)


def turned(key: str, options: Container[T]) -> T | None:
    """What a list says whose options are these; None where it is none of them.

    When the titles of options change, a browser may still send one that was there before, as a string.
    """
    value = st.session_state[key]
    return value if value in options else None


def replace(**parameters: str) -> None:
    """Put these parameters into the address and no others: what belonged to the last view stays behind.

    Streamlit writes the parameters of controls from `ui.bound` itself, and refuses them from others.
    """
    st.session_state.pop(_WRITTEN, None)
    st.query_params.from_dict(parameters)


def address(page: str, **parameters: str) -> str:
    """The address of a view, for links that are not Streamlit's own."""
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"{f'/{base}' if base else ''}/{page}{'?' if parameters else ''}{urlencode(parameters)}"


def shows(key: str, value: object) -> str:
    """The key of a widget, which from now on shows `value`.

    Written only where it differs: a value that is set is sent to the browser, and would take back what a
    quick reader has meanwhile chosen there. And, until it is turned, for a moment after: a browser that has
    not yet drawn the widget when the page runs again would take its first option for what it shows.
    """
    now = time.monotonic()
    if st.session_state.get(key, _NEVER) != value:
        st.session_state[f"{key} set"] = (value, now)
        st.session_state[key] = value
    elif f"{key} set" in st.session_state:
        first, when = st.session_state[f"{key} set"]
        if value == first and now - when < _DRAWN:
            st.session_state[key] = value
        else:  # turned, it has been drawn: turned back, it is as the reader left it
            del st.session_state[f"{key} set"]
    return key
