"""How long after a key press on a slider the new picture is there: real Chromium and the real app.

    python -m benchmarks.sliders [address ...]

Each row of TABLE is a slider, by the address of its page and the name it is announced by, and the part of
the page that shows the new picture. The slider is walked from end to end with the arrow keys, as a reader
does who looks at every step: from the key event in the page to the first change of the picture, as a
MutationObserver inside the page sees it; the next key follows when the page stands still. "first" are steps
that this server has not computed yet, "again" the same ones a second time.
"""

import argparse
import statistics
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from benchmarks.browsing import judged, visiting
from tests.browser import driver

BAR = 200  # milliseconds
STEPS = 20


@dataclass(frozen=True)
class Row:
    """A slider and what it moves."""

    address: str
    slider: str  # its accessible name
    picture: str  # CSS selector, inside shadow roots too


DRAWING = ".block-drawing"
CURVES = ".st-key-scaling-figure-main .js-plotly-plot"
STEPPER = ".stepper .panels"
TABLE = (
    Row("/bottleneck", "Channels in", DRAWING),
    Row("/bottleneck", "Kernel", DRAWING),
    Row("/bottleneck", "Bottleneck ratio", DRAWING),
    Row("/bottleneck", "Map size", DRAWING),
    Row("/bottleneck", "Budget, million parameters", ".st-key-bottleneck-depth .js-plotly-plot"),
    Row("/scaling?scaling.law=EfficientNet", "φ", CURVES),
    Row("/scaling?scaling.law=EfficientNet", "α, depth", CURVES),
    Row("/scaling?scaling.law=MobileNet", "α, width", CURVES),
    Row("/scaling?scaling.law=ResNeXt", "C, paths", CURVES),
    Row("/scaling?scaling.law=DenseNet", "k, growth rate", CURVES),
    Row("/scaling?scaling.law=RegNet", "Blocks", CURVES),
    Row("/scaling?scaling.law=ViT and Swin", "Picture, px", CURVES),
    Row("/operators?operators.convolution=Convolution", "Padding", STEPPER),
    Row("/operators?operators.convolution=Depthwise separable convolution", "Output maps, N", STEPPER),
    Row("/operators?operators.kind=Attention&operators.attention=Selective kernel", "Branches, M", STEPPER),
    Row("/operators?operators.section=Activations", "Point x", ".js-plotly-plot"),
)

# The picture may stand inside a shadow root, and may be replaced as a whole: so every root is watched.
WATCH = """selector => {
    window.sliders = { start: null, took: null };
    const inside = node => {
        for (let at = node; at; at = at.parentNode ?? at.host)
            if (at.nodeType === Node.ELEMENT_NODE && at.matches(selector)) return true;
        return false;
    };
    const seen = changes => {
        const { start, took } = window.sliders;
        if (start === null || took !== null) return;
        if (changes.some(change => inside(change.target) || [...change.addedNodes].some(inside)))
            window.sliders.took = performance.now() - start;
    };
    const roots = new WeakSet();
    const watch = root => {
        if (roots.has(root)) return;
        roots.add(root);
        const options = { subtree: true, childList: true, characterData: true, attributes: true };
        new MutationObserver(changes => { seen(changes); find(root); }).observe(root, options);
        find(root);
    };
    const find = root => {
        for (const element of root.querySelectorAll("*")) if (element.shadowRoot) watch(element.shadowRoot);
    };
    watch(document);
    document.addEventListener("keydown", () => {
        window.sliders.start = performance.now();
        window.sliders.took = null;
    }, true);
}"""


def walk(page: Page, row: Row) -> list[float]:
    """Milliseconds of each of STEPS key presses."""
    slider = page.get_by_role("group", name=row.slider, exact=True).locator("input")
    expect(slider).to_have_count(1)
    slider.focus()
    slider.press("Home")
    _rest(page)
    took: list[float] = []
    key = "ArrowRight"
    while len(took) < STEPS:
        at, least, most = (float(slider.get_attribute(name) or "nan") for name in ("value", "min", "max"))
        if at == (most if key == "ArrowRight" else least):
            key = "ArrowLeft" if key == "ArrowRight" else "ArrowRight"
        slider.press(key)
        page.wait_for_function("() => window.sliders.took !== null")
        took.append(page.evaluate("() => window.sliders.took"))
        _rest(page)
    return took


def _rest(page: Page) -> None:
    """Wait until nothing more comes of the last key: it is sent a moment after it was pressed."""
    page.wait_for_timeout(250)
    driver.settled(page)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("addresses", nargs="*", help="only these pages, such as /scaling")
    only = parser.parse_args().addresses
    rows = [row for row in TABLE if not only or row.address.partition("?")[0] in only]
    print(f"{'slider':26} {'page':90} {'first':>8}   medians of {STEPS} steps")
    with visiting() as visit:
        for row in rows:
            page = visit(row.address)
            page.evaluate(WATCH, row.picture)
            first, again = walk(page, row), walk(page, row)
            words = f"{statistics.median(first):5.0f} ms   again {judged(again, BAR)}"
            print(f"{row.slider:26} {row.address:90} {words}", flush=True)
            page.close()


if __name__ == "__main__":
    main()
