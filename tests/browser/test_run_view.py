"""A run in a real browser: the slider goes through its epochs, and what grows stays in its place."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import synthetic
from tests.browser import driver

LOSS = ".st-key-train-loss [data-testid=stEChartsChart]"
PANELS = ("Predictions", "Confusion", "First filters", "Activation maps", "Layers × epochs", "Most wrong")
PICTURE = "chart => chart.querySelector('canvas').toDataURL()"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    synthetic.write(root, "over", synthetic.events(epochs=6, steps=20, ema=True), epochs=6)
    return root


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[str]:
    with driver.serving("tests/browser/one_run.py", ZOOLENS_RUNS=str(root)) as base:
        yield base


def scrub(page: Page, key: str, epoch: str) -> None:
    slider = page.get_by_role("group", name="Epoch to look at").locator("input")
    slider.focus()
    slider.press(key)
    expect(page.get_by_test_id("stMetric").first).to_contain_text(f"{epoch} of 6")
    driver.settled(page)


def look_at(page: Page, panel: str) -> str:
    """What is drawn in a panel."""
    page.get_by_role("radio", name=panel, exact=True).click()
    if panel in ("Confusion", "Layers × epochs"):
        chart = page.locator(
            f".st-key-train-{'confusion' if panel == 'Confusion' else 'layers'} .js-plotly-plot"
        )
        expect(chart.locator(".heatmaplayer")).to_be_visible()
        drawn: str = chart.evaluate("plot => JSON.stringify([plot._fullData[0].z, plot.layout.shapes])")
        return drawn
    panels = {"Predictions": ".zl-cards", "Most wrong": ".zl-cards.small"}
    found = page.locator(panels.get(panel, ".zl-sheets"))
    expect(found).to_contain_text({"First filters": "Before", "Activation maps": "stem"}.get(panel, ""))
    return found.inner_html()


def test_the_slider_goes_through_the_epochs(visit: driver.Visitor) -> None:
    page = visit("/?id=over")
    curves = page.locator(LOSS)
    expect(curves.locator("canvas")).to_be_visible()
    newest = [look_at(page, panel) for panel in PANELS]
    without_a_line = curves.evaluate(PICTURE)
    scrub(page, "Home", "0")
    scrub(page, "ArrowRight", "1")
    assert "train.epoch=1" in page.url
    assert curves.evaluate(PICTURE) != without_a_line
    first = [look_at(page, panel) for panel in PANELS]
    assert [a == b for a, b in zip(newest, first, strict=True)] == [False] * len(PANELS)
    again = visit(page.url[page.url.index("/?") :])
    expect(again.get_by_test_id("stMetric").first).to_contain_text("1 of 6")
    scrub(page, "End", "6")
    assert look_at(page, PANELS[1]) == newest[1]


def test_a_chart_that_grows_stays_in_its_place(visit: driver.Visitor, root: Path) -> None:
    told = synthetic.events(epochs=6, steps=20)
    synthetic.write(root, "going-on", islice(told, 13), epochs=6)
    page = visit("/?id=going-on")
    curves = page.locator(LOSS)
    expect(curves.locator("canvas")).to_be_visible()
    before = curves.evaluate(PICTURE)
    curves.evaluate("chart => { chart.querySelector('canvas').mark = 'here' }")
    synthetic.append(root / "going-on", told)
    expect(page.get_by_test_id("stMetric").first).to_contain_text("6 of 6")
    driver.settled(page)
    assert curves.evaluate("chart => chart.querySelector('canvas').mark") == "here"
    assert curves.evaluate(PICTURE) != before


@pytest.mark.parametrize("dark", [False, True])
def test_every_panel_is_accessible_and_fits_a_phone(visit: driver.Visitor, dark: bool) -> None:
    page = visit("/?id=over&train.epoch=2", dark=dark, size=driver.PHONE)
    for panel in PANELS:
        look_at(page, panel)
        driver.settled(page)
        assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth - main.clientWidth") <= 0
        assert driver.accessibility(page) == []
