"""Widgets that show what the address says: sent again while a browser may still be drawing them."""

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import ScriptRunContext
from streamlit.testing.v1 import AppTest

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


def page_of_two() -> None:
    """Two buttons, each of which writes a parameter of its own."""
    import streamlit as st

    from ui import state

    st.button("Token", key="token", on_click=state.put, args=("page.token", "1,2"))
    st.button("Step", key="step", on_click=lambda: state.write(**{"page.step": "8"}))
    st.button("Whole", key="whole", on_click=state.drop, args=("page.token",))
    st.text(str(state.query()))


def test_the_second_of_two_quick_clicks_does_not_take_back_the_first() -> None:
    page = AppTest.from_function(page_of_two).run()
    page.query_params["page.token"] = "0,0"
    page.button("token").click().run()
    page.query_params["page.token"] = "0,0"  # the browser has not heard of the first yet
    page.button("step").click().run()
    assert page.text[0].value == str({"page.token": "1,2", "page.step": "8"})
    page.query_params = {"page.token": "0,0"}  # nor of the second
    page.run()
    assert page.text[0].value == str({"page.token": "1,2", "page.step": "8"})
    page.button("whole").click().run()
    page.query_params = {"page.token": "1,2", "page.step": "8"}
    page.run()
    assert page.text[0].value == str({"page.step": "8"})


def test_an_old_address_is_meant_later() -> None:
    """For instance by a link on the page."""
    page = AppTest.from_function(page_of_two).run()
    page.button("token").click().run()
    page.query_params.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "_LAG", -1.0)
        page.run()
    assert page.text[0].value == "{}"
    page.query_params.clear()
    page.run()
    assert page.text[0].value == "{}"


def test_the_back_button_means_an_old_address(monkeypatch: pytest.MonkeyPatch) -> None:
    page = AppTest.from_function(page_of_two).run()
    page.button("token").click().run()
    page.query_params.clear()
    reset = ScriptRunContext.reset
    monkeypatch.setattr(
        ScriptRunContext,
        "reset",
        lambda self, **rest: reset(self, **(rest | {"is_history_navigation": True})),
    )
    page.run()
    assert page.text[0].value == "{}"
