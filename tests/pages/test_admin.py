"""The presenter's page: closed without the key, and what it tells with it."""

import logging
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from training.recipe import Recipe
from training.runs import Runs
from ui import cached, presenter
from zoo import Specimen, log

KEY = "chalk and blackboard"


@pytest.fixture
def page(app: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AppTest:
    """The page of a server with a key, with two runs that wait and an error of late."""
    monkeypatch.setenv(presenter.VARIABLE, KEY)
    monkeypatch.setenv("ZOOLENS_RUNS", str(tmp_path))
    monkeypatch.setattr(presenter, "_PAUSE", 0.0)
    monkeypatch.setattr(log, "lately", log.Lately())
    record = logging.LogRecord(
        "library", logging.ERROR, "", 1, "the disk of [some](evil) host is full", (), None
    )
    log.lately.handle(record)
    for _ in range(2):
        Runs().submit(Recipe())
    app.run()
    return app.switch_page("pages/admin.py").run()


def give(page: AppTest, key: str) -> None:
    page.text_input(key="presenter.typed").set_value(key)
    page.button(key="presenter.give").click().run()
    assert not page.exception


def everything(page: AppTest) -> str:
    shown = [*page.markdown, *page.caption, *page.metric, *page.header, *page.error, *page.info]
    return " ".join(str(each.value) for each in shown) + " ".join(each.label for each in page.button)


def told(page: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in page.metric}


def test_nothing_without_the_key(page: AppTest) -> None:
    for key in (None, "a wrong one"):
        if key:
            give(page, key)
        assert not page.metric
        assert not page.table
        assert "evil" not in everything(page)
        assert "Free" not in everything(page)
    assert [each.value for each in page.error] == ["That is not the key."]


def test_off_without_a_key(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(presenter.VARIABLE, raising=False)
    app.run()
    page = app.switch_page("pages/admin.py").run()
    assert not page.text_input
    assert not page.metric
    assert presenter.VARIABLE in page.info[0].value


def test_what_it_tells(page: AppTest) -> None:
    give(page, KEY)
    shown = told(page)
    assert shown["Training"] == "0"
    assert shown["Problems"] == "1"
    assert shown["Memory"].endswith("iB")
    assert "2 in all" in everything(page)
    runs = next(each.value for each in page.table if "runs" in each.value)
    assert runs["runs"].to_dict() == {"queued": 2}
    assert r"of \[some\]\(evil\) host is full" in everything(page)  # as text, not as a link


def test_a_folder_that_cannot_be_read(page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("ZOOLENS_RUNS", str(file))
    give(page, KEY)
    assert "cannot be read" in page.error[0].value


def test_caches_are_freed(page: AppTest) -> None:
    give(page, KEY)
    first = cached.loaded(Specimen("resnet_classroom"))
    assert cached.loaded(Specimen("resnet_classroom")) is first
    work = cached.background()
    page.button(key="admin.free now").click().run()
    assert not page.exception
    del first
    assert cached.background() is work  # what is under way goes on


def test_leaving_closes_it(page: AppTest) -> None:
    give(page, KEY)
    page.button(key="admin.leave").click().run()
    assert not page.metric
    assert page.text_input
