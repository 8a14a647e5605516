"""Building blocks in Chromium: is a turned control answered with a new picture within 200 ms?

    python -m benchmarks.operators

For some operators a control is turned to and fro. The time is the browser's own: from the key to the frame
after the stepper was drawn anew. The first turn to a value computes the walk, later ones find it cached;
the medians of both are printed, and of each operator the size of what is sent.
"""

import json
import statistics

from playwright.sync_api import Page, sync_playwright

from tests.browser import driver
from viz.operators import OPERATORS

# Group, its key in the address, operator, title and the label of the control that is turned.
TURNED = (
    ("Convolution", "convolution", "conv", "Padding"),
    ("Convolution", "convolution", "separable", "Output maps, N"),
    ("Pooling and normalisation", "pooling", "pool", "Window"),
    ("Shortcuts and channels", "shortcuts", "dense", "Layers"),
    ("Attention", "attention", "sk", "Branches, M"),
    ("Attention", "attention", "attention", "Heads, h"),
)
ROUNDS = 6

# Resolves with the milliseconds from the next key to the frame that shows another walk.
ANSWER = """() => {
  window.answered = new Promise(resolve => {
    addEventListener("keydown", event => {
      const start = event.timeStamp;
      const panels = [...document.querySelectorAll("*")].map(e => e.shadowRoot?.querySelector(".panels") ??
        (e.matches?.(".panels") ? e : null)).find(Boolean);
      new MutationObserver((_, observer) => {
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
      }).observe(panels, { childList: true });
    }, { once: true, capture: true });
  });
}"""


def turn(page: Page, label: str, key: str) -> float:
    """Milliseconds from the key to the new picture."""
    control = page.get_by_role("group", name=label, exact=True).locator("input")
    control.focus()
    page.evaluate(ANSWER)
    control.press(key)
    took: float = page.evaluate("window.answered")
    driver.settled(page)
    page.wait_for_timeout(200)
    return took


def main() -> None:
    every: list[float] = []
    with sync_playwright() as playwright, driver.serving() as base:
        path = driver.chromium(playwright)
        if path is None:
            raise SystemExit(driver.NO_CHROMIUM)
        browser = driver.launch(playwright, path)
        print(f"{'operator':<12} {'first, ms':>10} {'later, ms':>10} {'sent, kB':>9}")
        for group, key, name, label in TURNED:
            operator = OPERATORS[name]
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"{base}/operators?operators.kind={group}&operators.{key}={operator.title}")
            page.locator(".stepper .panel").first.wait_for(timeout=120_000)
            driver.settled(page)
            took = [turn(page, label, "End"), turn(page, label, "Home")]
            first, later = took[0], [turn(page, label, k) for _ in range(ROUNDS) for k in ("End", "Home")]
            every += [first, *later]
            walk = operator.walk({t.name: t.default for t in operator.turns})
            sent = len(json.dumps(walk.data)) / 1000
            print(f"{name:<12} {first:>10.0f} {statistics.median(later):>10.0f} {sent:>9.0f}")
            page.close()
        browser.close()
    print(f"median of all {len(every)} turns: {statistics.median(every):.0f} ms")


if __name__ == "__main__":
    main()
