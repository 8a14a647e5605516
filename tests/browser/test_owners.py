"""Whose run it is, in real browsers: one begins it, another watches, the presenter may do all."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser import driver
from tests.browser.test_train import LONG, press, query, says
from training.runs import Runs
from ui.browser import COOKIE

KEY = "chalk and blackboard"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("owners") / "runs")


@pytest.fixture(scope="module")
def server(runs: Runs) -> Iterator[str]:
    with driver.serving(ZOOLENS_RUNS=str(runs.root), ZOOLENS_PRESENTER_KEY=KEY) as base:
        yield base


def locked(page: Page) -> None:
    for name in ("Pause", "One step", "One epoch", "Stop"):
        expect(page.get_by_test_id("stMain").get_by_role("button", name=name, exact=True)).to_be_disabled()
    expect(page.get_by_text("This run was begun elsewhere")).to_be_visible()


def give(page: Page, key: str) -> None:
    field = page.locator("input[type=password]")
    if not field.is_visible():
        press(page, "Presenter")
    field.fill(key)
    page.get_by_role("button", name="Give the key").click()


def test_the_browser_that_began_a_run_steers_it(visit: driver.Visitor, runs: Runs) -> None:
    mine = visit(LONG)
    press(mine, "Play")
    expect(mine.get_by_test_id("stProgress")).to_contain_text(
        re.compile(r"Training.*step [1-9]"), timeout=180_000
    )
    id = query(mine)["train.run"]

    other = visit(f"/train?train.run={id}")
    says(other, r"Training.*step [1-9]")
    locked(other)

    mine.reload()
    says(mine, "Training")
    press(mine, "Pause")
    says(mine, "Paused")
    says(other, "Paused")
    tab = mine.context.new_page()
    tab.goto(mine.url)
    says(tab, "Paused")
    press(tab, "Play")
    says(tab, "Training")

    press(other, "Take over")
    other.get_by_test_id("stPopoverBody").get_by_role("button", name="Take over").click()
    expect(other).not_to_have_url(re.compile(id))
    says(other, "Training|Queued|Starting")
    press(other, "Stop")
    says(other, "Stopped")

    third = visit(f"/train?train.run={id}")
    locked(third)
    give(third, "blackboard and chalk")
    expect(third.get_by_text("That is not the key.")).to_be_visible()
    locked(third)
    give(third, KEY)
    press(third, "Stop")
    says(third, "Stopped")
    says(mine, "Stopped")
    assert runs.status(id) == "stopped"


def test_the_secret_stays_in_its_cookie(visit: driver.Visitor, runs: Runs) -> None:
    page, other = visit(LONG), visit("/train")
    secrets = [_secret(each) for each in (page, other)]
    assert secrets[0] != secrets[1]
    press(page, "Play")
    says(page, "Training|Queued|Starting")
    page.reload()
    driver.settled(page)
    assert _secret(page) == secrets[0]
    seen = [page.url, page.content(), page.evaluate("document.cookie"), page.evaluate(_STORED)]
    seen += [file.read_text(errors="replace") for file in Path(runs.root).rglob("*") if file.is_file()]
    assert not any(secrets[0] in text for text in seen)
    press(page, "Stop")
    says(page, "Stopped")


_STORED = "JSON.stringify([localStorage, sessionStorage])"


def _secret(page: Page) -> str:
    """What its cookie holds, which only the browser itself can tell."""
    (cookie,) = (each for each in page.context.cookies() if each.get("name") == COOKIE)
    assert cookie.get("httpOnly")
    assert cookie.get("sameSite") == "Lax"
    assert cookie.get("domain") == urlsplit(page.url).hostname
    return cookie.get("value", "")
