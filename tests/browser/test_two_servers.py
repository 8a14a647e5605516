"""Two servers on one folder, as behind a load balancer: each sees, steers and takes over the other's runs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import driver
from tests.browser.test_train import LONG, press, query, says
from tests.waiting import until
from training.events import Done, Step
from training.runs import Runs


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One reader's browser: a cookie holds for all ports of a host, as it does behind one address."""
    made = browser.new_context(viewport={"width": driver.DESKTOP[0], "height": driver.DESKTOP[1]})
    yield made
    made.close()


def opened(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    driver.settled(page)
    return page


@pytest.mark.slow
def test_a_run_is_begun_on_one_and_goes_on_on_the_other(context: BrowserContext, tmp_path: Path) -> None:
    runs = Runs(tmp_path / "runs")
    variables = {
        "ZOOLENS_RUNS": str(runs.root),
        "ZOOLENS_DATA": str(tmp_path / "data"),
        "ZOOLENS_TRAININGS": "1",
    }
    with driver.serving(**variables) as second:
        with driver.serving(**variables) as first:
            here = opened(context, first + LONG)
            press(here, "Play")
            expect(here.get_by_test_id("stProgress")).to_contain_text(
                re.compile(r"Training.*step [1-9]"), timeout=180_000
            )
            id = query(here)["train.run"]

            there = opened(context, f"{second}/train")
            there.get_by_test_id("stMain").get_by_role("link", name="LeNet on shapes").click()
            says(there, r"Training.*step [1-9]")
            press(there, "Pause")
            says(there, "Paused")
            says(here, "Paused")
            made = sum(isinstance(each.event, Step) for each in runs.events(id)[0])
            says(there, rf"Paused.*step {made:,} of")
            press(there, "One step")
            says(there, rf"Paused.*step {made + 1:,} of")
            press(there, "Play")
            says(here, "Training")
            here.close()
            driver.kill(first)
        made = len(runs.events(id)[0])
        until(lambda: len(runs.events(id)[0]) > made and runs.status(id) == "running", 120)
        says(there, "Training")
        press(there, "Stop")
        says(there, "Stopped")
    ends = [each.event for each in runs.events(id)[0] if isinstance(each.event, Done)]
    assert [each.reason for each in ends] == ["stopped"]
    steps = [each.event.step for each in runs.events(id)[0] if isinstance(each.event, Step)]
    assert steps == list(range(1, len(steps) + 1)), "none is lost and none told twice"
