"""The Gallery in a real browser: points and cards lead to Inspect, and a link brings the same view back."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import driver
from zoo import FAMILIES

WHERE = """
(chart, name) => {
  const traces = chart._fullData, axes = chart._fullLayout, frame = chart.getBoundingClientRect();
  for (const trace of traces) {
    const i = (trace.customdata ?? []).findIndex(([one]) => one === name);
    if (i >= 0) return [
      frame.left + axes.xaxis._offset + axes.xaxis.d2p(trace.x[i]),
      frame.top + axes.yaxis._offset + axes.yaxis.d2p(trace.y[i]),
    ];
  }
}
"""


def point(page: Page, name: str) -> tuple[float, float]:
    """Where on the screen the timeline shows a variant."""
    expect(page.locator(".js-plotly-plot .scatterlayer").first).to_be_visible()
    x, y = page.locator(".js-plotly-plot").first.evaluate(WHERE, name)
    return x, y


def cards(page: Page) -> Locator:
    return page.locator(".zl-card")


def test_hover_tells_and_click_opens(visit: driver.Visitor) -> None:
    page = visit("/")
    page.mouse.move(*point(page, "alexnet_1tower"))
    told = page.locator(".hoverlayer .hovertext")
    expect(told).to_contain_text("parameters")
    expect(told).to_contain_text("Top-1")
    page.mouse.click(*point(page, "alexnet_1tower"))
    expect(page).to_have_url(re.compile(r"/inspect\?variant=alexnet_1tower$"))
    expect(page).to_have_title("Inspect – Zoolens")


def test_whole_card_is_a_link(visit: driver.Visitor) -> None:
    page = visit("/")
    expect(cards(page)).to_have_count(len(FAMILIES))
    picture = page.locator("#card-vgg img")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page).to_have_url(re.compile(r"/inspect\?variant=vgg"))


def test_back_is_one_step_to_what_was_chosen(visit: driver.Visitor) -> None:
    """From a card, and from a point of the timeline."""
    page = visit("/?gallery.kind=plain")
    start = page.url
    page.get_by_role("link", name="VGG", exact=True).click()
    expect(page).to_have_url(re.compile(r"/inspect\?variant=vgg16$"))
    expect(page).to_have_title("Inspect – Zoolens")
    driver.settled(page)
    page.go_back()
    expect(page).to_have_url(start)
    driver.settled(page)
    expect(cards(page)).to_have_count(sum(family.kind == "plain" for family in FAMILIES.values()))
    page.mouse.click(*point(page, "alexnet_1tower"))
    expect(page).to_have_title("Inspect – Zoolens")
    driver.settled(page)
    page.go_back()
    expect(page).to_have_url(start)
    expect(page).to_have_title("Gallery – Zoolens")


@pytest.mark.parametrize("width", [390, 1024, 1200, 1440])
def test_charts_are_not_clipped(visit: driver.Visitor, width: int) -> None:
    page = visit("/?gallery.kind=plain", size=(width, 900))
    plots = page.locator(".js-plotly-plot")
    expect(plots).to_have_count(2)
    expect(plots.last.locator(".bartext").first).to_be_visible()
    outside = """plot => {
        const frame = plot.getBoundingClientRect();
        return [...plot.querySelectorAll('.ytick text, .bartext')].filter(text => {
            const box = text.getBoundingClientRect();
            return box.left < frame.left || box.right > frame.right;
        }).map(text => text.textContent);
    }"""
    assert plots.last.evaluate(outside) == []


def test_buttons_of_the_timeline_stand_clear_of_its_legend(visit: driver.Visitor) -> None:
    page = visit("/?gallery.kind=plain", size=driver.PHONE)
    plot = page.locator(".js-plotly-plot").first
    expect(plot.locator(".legend")).to_be_visible()
    legend, bar = plot.locator(".legend").bounding_box(), plot.locator(".modebar").bounding_box()
    axis = plot.locator(".xtitle").bounding_box()
    assert legend
    assert bar
    assert axis
    assert bar["y"] + bar["height"] < axis["y"] + axis["height"] <= legend["y"]


def test_cards_by_keyboard(visit: driver.Visitor) -> None:
    page = visit("/")
    names = [family.title for family in list(FAMILIES.values())[:3]]
    page.get_by_role("link", name=names[0], exact=True).focus()
    for name in names[1:]:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name=name, exact=True)).to_be_focused()
    frame = page.locator(":focus").evaluate("link => getComputedStyle(link, '::after').outlineWidth")
    assert float(frame.removesuffix("px")) >= 2, "the focus shows"
    page.keyboard.press("Enter")
    expect(page).to_have_title("Inspect – Zoolens")


@pytest.mark.parametrize(
    ("size", "columns"), [(driver.DESKTOP, 4), (driver.PHONE, 1)], ids=["desktop", "phone"]
)
def test_cards_stand_in_rows_of_equal_height(
    visit: driver.Visitor, size: tuple[int, int], columns: int
) -> None:
    page = visit("/", size=size)
    expect(cards(page)).to_have_count(len(FAMILIES))
    boxes = [card.bounding_box() for card in cards(page).all()]
    rows: dict[int, list[int]] = {}
    for box in boxes:
        assert box
        rows.setdefault(round(box["y"]), []).append(round(box["height"]))
    assert max(len(heights) for heights in rows.values()) == columns
    assert all(max(heights) - min(heights) <= 1 for heights in rows.values())


def test_a_link_brings_the_view_back(visit: driver.Visitor) -> None:
    page = visit("/")
    page.get_by_role("button", name="attention", exact=True).click()
    page.get_by_label("Search").fill("windows")
    expect(cards(page)).not_to_have_count(len(FAMILIES))
    expect(page).to_have_url(re.compile("gallery.kind=attention"))
    expect(page).to_have_url(re.compile("gallery.search=windows"))
    again = visit("/?" + page.url.partition("?")[2])
    names = cards(again).get_by_role("link").all_inner_texts()
    assert 0 < len(names) < len(FAMILIES)
    expect(cards(page).get_by_role("link")).to_have_text(names)  # the address may be ahead of the cards


def test_pictures_of_blocks_are_drawn(visit: driver.Visitor) -> None:
    page = visit("/")
    expect(cards(page)).to_have_count(len(FAMILIES))
    broken = "images => images.filter(image => !image.complete || image.naturalWidth === 0).length"
    assert cards(page).locator("img").evaluate_all(broken) == 0


@pytest.mark.parametrize(("size", "dark"), driver.LOOKS.values(), ids=driver.LOOKS)
def test_nothing_serious_for_accessibility(visit: driver.Visitor, size: tuple[int, int], dark: bool) -> None:
    page = visit("/?gallery.kind=plain", size=size, dark=dark)
    expect(page.locator(".js-plotly-plot .scatterlayer").first).to_be_visible()
    assert driver.accessibility(page) == []
