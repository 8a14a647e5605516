"""The presenter: whoever gives the key of the server may do what the rest of a class may not.

The key is a variable of the environment. Where it is not set, nobody is the presenter. Who has given it is
remembered by the visit alone: nothing is kept in the browser, in an address or in a log.
"""

import hmac
import os
import threading
import time

import streamlit as st

from ui import prose

VARIABLE = "ZOOLENS_PRESENTER_KEY"
_FEWEST = 8  # characters of a key
_LONGEST = 200  # characters that may be typed
_PAUSE = 1.0  # seconds that a wrong key takes, so that nobody tries a list of them
_trying = threading.Lock()
_GIVEN, _TYPED, _WRONG = "presenter.given", "presenter.typed", "presenter.wrong"


def allowed() -> bool:
    """Whether this visit has given the key of this server."""
    return bool(_key()) and bool(st.session_state.get(_GIVEN))


def expected() -> bool:
    """Whether this server has a key, so that somebody may be its presenter."""
    return bool(_key())


def ask() -> None:
    """A field for the key; where the server has none, how to give it one."""
    words = prose.words("presenter")
    if not _key():
        st.info(words["short" if os.environ.get(VARIABLE) else "off"], icon=":material/key_off:")
        return
    with st.form("presenter", clear_on_submit=True, border=False):
        st.text_input(
            "Presenter's key", type="password", key=_TYPED, max_chars=_LONGEST, help=words["key"],
            autocomplete="current-password",
        )  # fmt: skip
        st.form_submit_button("Give the key", key="presenter.give", icon=":material/key:", on_click=_give)
    if st.session_state.pop(_WRONG, False):
        st.error(words["wrong"], icon=":material/key_off:")


def door() -> None:
    """A small button behind which the key can be given; nothing where the server has none."""
    if not expected():
        return
    with st.popover("Presenter", icon=":material/key:", type="tertiary", key="presenter.door"):
        if allowed():
            st.markdown(prose.words("presenter")["inside"])
            st.button("Leave", icon=":material/logout:", key="presenter.leave", on_click=leave)
        else:
            ask()


def leave() -> None:
    """This visit is the presenter's no longer."""
    st.session_state.pop(_GIVEN, None)


def _key() -> str:
    """The key of this server; empty where it has none that is safe."""
    key = os.environ.get(VARIABLE, "")
    return key if len(key) >= _FEWEST else ""


def _give() -> None:
    key, typed = _key(), st.session_state[_TYPED]
    with _trying:  # or many windows would try many keys at once
        if key and hmac.compare_digest(typed.encode(), key.encode()):
            st.session_state[_GIVEN] = True
        else:
            time.sleep(_PAUSE)
            st.session_state[_WRONG] = True
