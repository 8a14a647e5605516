"""Scaling in a real browser: a slider changes the figure and the address, the link shows the same again."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from tests.browser import driver


def metric(page: Page, label: str) -> str:
    found = page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))
    return found.get_by_test_id("stMetricValue").inner_text()


def drawn(page: Page) -> str:
    """The path of the reader's own point in the main figure."""
    return page.locator(".st-key-scaling-figure-main .js-plotly-plot").evaluate(
        "plot => JSON.stringify(plot.data.map(trace => [trace.x, trace.y]))"
    )


def test_a_slider_changes_figure_and_address_and_the_link_restores_both(visit: driver.Visitor) -> None:
    page = visit("/scaling?scaling.law=MobileNet")
    expect(page.locator(".js-plotly-plot")).to_have_count(3)
    before, weights = drawn(page), metric(page, "Parameters")
    slider = page.get_by_role("group", name="α, width", exact=True).locator("input")
    slider.focus()
    slider.press("ArrowRight")
    expect(page.get_by_test_id("stMetricValue").get_by_text("0.562", exact=True)).to_be_visible()
    driver.settled(page)
    assert drawn(page) != before
    assert metric(page, "Parameters") != weights
    assert parse_qs(urlsplit(page.url).query)["scaling.mobilenet.alpha"] == ["0.75"]
    again = visit(page.url[page.url.index("/scaling") :])
    expect(again.get_by_test_id("stMetricValue").get_by_text("0.562", exact=True)).to_be_visible()
    driver.settled(again)
    assert drawn(again) == drawn(page)
    assert metric(again, "Parameters") == metric(page, "Parameters")


def test_it_is_accessible_and_fits_a_phone(visit: driver.Visitor) -> None:
    for dark in (False, True):
        page = visit("/scaling?scaling.law=ResNeXt", dark=dark)
        expect(page.locator(".js-plotly-plot")).to_have_count(3)
        assert driver.accessibility(page) == []
    page = visit("/scaling?scaling.law=MobileNet", size=driver.PHONE)
    expect(page.locator(".js-plotly-plot")).to_have_count(3)
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth - main.clientWidth") <= 0
