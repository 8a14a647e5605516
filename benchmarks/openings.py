"""How long until the ready example of a page stands there: real Chromium and the real app.

    python -m benchmarks.openings            # the ZFNet laboratory and Attention
    python -m benchmarks.openings features   # some of them

By the menu of a window that is open: from the click to the first frame with the page's figure; at the first
time the page is new to the server, which has shown others. And in a new window without a cache, where
Streamlit itself has to be loaded: the first row is what that takes for a page with nothing on it.
"""

import argparse
import statistics
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from playwright.sync_api import Page

from benchmarks.browsing import shown, visiting
from tests.browser import driver

BAR = 2.0  # seconds
AGAIN = 3
_NOWHERE = "/nowhere"  # no page is there


class Figure(NamedTuple):
    """What stands on a page when its first figure is drawn."""

    section: str  # of the menus
    title: str
    selector: str
    many: int = 1


LABORATORY, ATTENTION = "ZFNet laboratory", "Attention"
FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "deconvnet": Figure(LABORATORY, "Deconvnet", ".figure-one .cell"),
        "features": Figure(LABORATORY, "Features", ".sheet .card img", 16),
        "hierarchy": Figure(LABORATORY, "Hierarchy", ".ladder .tile", 30),
        "evolution": Figure(LABORATORY, "Evolution", ".film tbody td img", 6),
        "invariance": Figure(LABORATORY, "Invariance", ".zl-plates figure img"),
        "stems": Figure(LABORATORY, "First layers", 'img[alt^="Mean spectrum"]', 2),
        "parts": Figure(LABORATORY, "Parts and ablations", ".part-marks .mark", 15),
        "swin": Figure(ATTENTION, "Shifted windows", ".windows .says"),
        "attention": Figure(ATTENTION, "Attention maps", ".attention .says"),
        "sees": Figure(ATTENTION, "What one place sees", ".one-place .layer", 3),
    }
)


def drawn(window: Page, start: float, selector: str, many: int) -> float:
    """Seconds since `start` when so many of these are to be seen."""
    shown(window.locator(selector).nth(many - 1))
    return time.perf_counter() - start


def by_menu(window: Page, base: str, figure: Figure) -> float:
    window.goto(base + _NOWHERE)
    driver.settled(window)
    window.get_by_test_id("stTopNav").get_by_role("button", name=figure.section, exact=True).click()
    entry = window.get_by_role("menuitem", name=figure.title, exact=True)
    entry.wait_for()
    start = time.perf_counter()
    entry.click()
    took = drawn(window, start, figure.selector, figure.many)
    driver.settled(window)
    return took


def in_a_new_window(visit: driver.Visitor, address: str, selector: str, many: int) -> float:
    window = visit.window()
    start = time.perf_counter()
    window.goto(visit.base + address, wait_until="commit")
    took = drawn(window, start, selector, many)
    driver.settled(window)
    window.context.close()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds until a page shows its ready example.")
    parser.add_argument("pages", nargs="*", help="all of them if none is named")
    asked = parser.parse_args()
    with visiting() as visit:
        visit("/gallery")
        print(f"{'seconds, bar ' + format(BAR, '.0f'):16}{'first':>9}{'again':>9}{'new window':>12}")
        empty = in_a_new_window(visit, _NOWHERE, "[data-testid=stMain] h1", 1)
        print(f"{'an empty page':16}{'':18}{empty:12.2f}")
        window = visit(_NOWHERE)
        for page in asked.pages or FIGURES:
            figure = FIGURES[page]
            first = by_menu(window, visit.base, figure)
            again = statistics.median(by_menu(window, visit.base, figure) for _ in range(AGAIN))
            fresh = in_a_new_window(visit, f"/{page}", figure.selector, figure.many)
            late = "" if first <= BAR else "  over the bar"
            print(f"{page:16}{first:9.2f}{again:9.2f}{fresh:12.2f}{late}", flush=True)


if __name__ == "__main__":
    main()
