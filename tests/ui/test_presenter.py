"""The presenter's key: what it opens, and that nothing else does."""

import pytest
from streamlit.testing.v1 import AppTest

from ui import presenter

KEY = "chalk and blackboard"


def script() -> None:
    import streamlit as st

    from ui import presenter

    if presenter.allowed():
        st.markdown("inside")
        st.button("Leave", on_click=presenter.leave)
    else:
        presenter.ask()


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A visit to a server with a key, where a wrong one costs no time."""
    monkeypatch.setenv(presenter.VARIABLE, KEY)
    monkeypatch.setattr(presenter, "_PAUSE", 0.0)
    return AppTest.from_function(script).run()


def give(visit: AppTest, key: str) -> None:
    visit.text_input[0].set_value(key)
    visit.button(key="presenter.give").click().run()
    assert not visit.exception


def inside(visit: AppTest) -> bool:
    return "inside" in [each.value for each in visit.markdown]


def test_the_key_opens_until_it_is_given_back(visit: AppTest) -> None:
    assert not inside(visit)
    give(visit, KEY)
    assert inside(visit)
    assert inside(visit.run())
    visit.button[0].click().run()
    assert not inside(visit)


@pytest.mark.parametrize("typed", ["", KEY[:-1], KEY + " ", KEY.upper(), "ключ", "\u0000", "x" * 10_000])
def test_any_other_does_not(visit: AppTest, typed: str) -> None:
    give(visit, typed)
    assert not inside(visit)
    assert [each.value for each in visit.error] == ["That is not the key."]
    assert not visit.run().error


def test_one_visit_says_nothing_of_another(visit: AppTest) -> None:
    give(visit, KEY)
    assert not inside(AppTest.from_function(script).run())


@pytest.mark.parametrize("key", ["", "short", None])
def test_a_server_without_a_safe_key_has_no_presenter(
    monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    if key is None:
        monkeypatch.delenv(presenter.VARIABLE, raising=False)
    else:
        monkeypatch.setenv(presenter.VARIABLE, key)
    visit = AppTest.from_function(script)
    visit.session_state["presenter.given"] = True
    visit.run()
    assert not inside(visit)
    assert not visit.text_input
    assert presenter.VARIABLE in visit.info[0].value


def test_a_key_that_is_taken_back_closes(visit: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    give(visit, KEY)
    monkeypatch.delenv(presenter.VARIABLE)
    assert not inside(visit.run())


def test_a_wrong_key_takes_a_moment(visit: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr(presenter, "_PAUSE", 1.5)
    give(visit, "wrong")
    give(visit, KEY)
    assert slept.count(1.5) == 1
