"""Widgets that show what the address says: sent again while a browser may still be drawing them."""

import pytest
import streamlit as st

from ui import state

TURNED = "from the browser"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The values that are sent to the browser, in their order; TURNED comes from there."""
    sent: list[object] = []

    class Session(dict[str, object]):
        def __setitem__(self, key: str, value: object) -> None:
            super().__setitem__(key, value)
            if key == "page.list" and value != TURNED:
                sent.append(value)

    monkeypatch.setattr(st, "session_state", Session())
    return sent


def test_sent_again_for_a_moment(clock: list[float], written: list[object]) -> None:
    for _ in range(2):
        assert state.shows("page.list", "b") == "page.list"
    assert written == ["b", "b"]
    clock[0] += 60
    state.shows("page.list", "b")
    assert written == ["b", "b"]
    state.shows("page.list", "c")
    assert written == ["b", "b", "c"]


def test_what_a_quick_reader_has_chosen_is_not_sent_back(clock: list[float], written: list[object]) -> None:
    state.shows("page.list", "b")
    st.session_state["page.list"] = TURNED
    state.shows("page.list", TURNED)
    assert written == ["b"]


def test_what_was_turned_and_turned_back_is_not_sent_again(clock: list[float], written: list[object]) -> None:
    """A reader who switches quickly has meanwhile chosen something else, which would be taken back."""
    state.shows("page.list", "b")
    st.session_state["page.list"] = TURNED
    state.shows("page.list", TURNED)
    st.session_state["page.list"] = "b"  # from the browser, too
    del written[:]
    state.shows("page.list", "b")
    assert written == []
