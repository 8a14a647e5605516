"""What readers see of the gate while others compute: their place, which counts down, and their result."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.driver import ROOT, Visitor, serving
from tests.waiting import until


@pytest.fixture(scope="module")
def crowded() -> Iterator[str]:
    """The address of a server that computes one thing at a time."""
    script = str(ROOT / "tests" / "browser" / "waiting.py")
    with serving(script, ZOOLENS_COMPUTATIONS="1", PYTHONPATH=str(ROOT)) as base:
        yield base


def test_who_waits_sees_their_place_and_who_leaves_frees_it(
    browser: Browser, crowded: str, tmp_path: Path
) -> None:
    visit = Visitor(browser, crowded)

    def ask(name: str) -> Page:
        page = visit.window()
        page.goto(f"{crowded}/?file={tmp_path / name}")
        return page

    def reads(page: Page, words: str) -> None:
        expect(page.get_by_text(words, exact=True)).to_be_visible()

    def begins(name: str) -> None:
        until(lambda: (tmp_path / name).exists(), 60)

    ann = ask("ann")
    begins("ann")
    bob = ask("bob")
    reads(bob, "Waiting for this server: you are next")
    carl = ask("carl")
    reads(carl, "Waiting for this server: 1 before you")
    dora = ask("dora")
    reads(dora, "Waiting for this server: 2 before you")
    carl.close()
    reads(dora, "Waiting for this server: 1 before you")
    bob.goto(f"{crowded}/?file={tmp_path / 'dora'}")  # goes on, to the same as another
    reads(dora, "Waiting for this server: you are next")
    (tmp_path / "ann").write_text("end")
    reads(ann, "ann is done")
    begins("dora")
    (tmp_path / "dora").write_text("end")
    reads(dora, "dora is done")
    reads(bob, "dora is done")
    expect(bob.get_by_text("Waiting for this server")).to_have_count(0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ann", "dora"], (
        "who left was not computed for"
    )
    visit.close()
