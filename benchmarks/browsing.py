"""What the benchmarks of pages share: the app in a real Chromium, and a clock inside the page.

The clock starts when the mouse is pressed in the page, so nothing of what happens before it counts, and stops
with the first frame in which something else is drawn than before.
"""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from playwright.sync_api import Locator, Page, TimeoutError, expect, sync_playwright

from tests.browser import driver

PATIENCE = 120_000  # milliseconds, on a busy machine
_GLANCE = 15  # milliseconds between two looks
_LOST = 20_000  # milliseconds after which a click that did nothing is made again

# `inside` finds an element in shadow roots too. `drawn`: by name, what tells what is drawn of it now.
_CLOCK = """() => {
    const inside = selector => {
        for (const host of document.querySelectorAll("*"))
            if (host.shadowRoot) {
                const found = host.shadowRoot.querySelector(selector);
                if (found) return found;
            }
        return document.querySelector(selector);
    };
    const drawn = { %s };
    window.clock = { start: null, took: {} };
    let before = {};
    document.addEventListener("pointerdown", () => {
        for (const name in drawn) before[name] = drawn[name]();
        window.clock = { start: performance.now(), took: {} };
    }, true);
    const look = () => {
        for (const name in drawn) {
            if (window.clock.start === null || name in window.clock.took) continue;
            const now = drawn[name]();
            if (now && now !== before[name]) window.clock.took[name] = performance.now() - window.clock.start;
        }
        requestAnimationFrame(look);
    };
    look();
}"""


@contextmanager
def visiting() -> Iterator[driver.Visitor]:
    """Opens pages of an app of its own."""
    expect.set_options(timeout=PATIENCE)  # the first visit imports torch
    with sync_playwright() as playwright, driver.serving() as base:
        path = driver.chromium(playwright)
        if path is None:
            raise SystemExit(driver.NO_CHROMIUM)
        browser = driver.launch(playwright, path)
        visit = driver.Visitor(browser, base)
        yield visit
        visit.close()
        browser.close()


def shown(what: Locator) -> None:
    """Wait until it is to be seen, looking often: `expect` soon looks only once a second."""
    deadline = time.monotonic() + PATIENCE / 1000
    while not what.is_visible():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing like {what} is to be seen")
        what.page.wait_for_timeout(_GLANCE)


def clock(page: Page, drawn: Mapping[str, str]) -> None:
    """Watch things from now on: by name, JavaScript whose value tells what is drawn of it."""
    page.evaluate(_CLOCK % ", ".join(f"{name}: () => ({tells})" for name, tells in drawn.items()))


def pick(page: Page, photo: str, awaited: str) -> dict[str, float]:
    """Milliseconds from the click on a sample to each thing that `clock` watches, `awaited` at least.

    A click that falls between two drawings of the thumbnails may be lost; then it is made again, and counts
    from there.
    """
    thumbnail = page.get_by_test_id("stSidebar").get_by_role("img", name=photo, exact=True)
    for patience in (_LOST, _LOST, PATIENCE):
        thumbnail.click()
        try:
            page.wait_for_function("name => name in window.clock.took", arg=awaited, timeout=patience)
            break
        except TimeoutError:
            print(f"the click on {photo} was lost", flush=True)
    page.wait_for_timeout(300)
    driver.settled(page)
    took: dict[str, float] = page.evaluate("() => window.clock.took")
    return took


def judged(took: Sequence[float], bar: float) -> str:
    """The median, the bar and, where it is over it, a word."""
    median = statistics.median(took)
    return f"median {median:.0f} ms, bar {bar:.0f} ms{'' if median <= bar else '  over the bar'}"
