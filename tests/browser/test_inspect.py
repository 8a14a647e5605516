"""Inspect as a reader uses it: in a real browser, with mouse and keyboard, links, and the back button."""

import csv
import re
import xml.etree.ElementTree as ET
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import driver


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def figure(page: Page, label: str) -> Locator:
    """The value of a headline figure."""
    metric = page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))
    return metric.get_by_test_id("stMetricValue")


def node(page: Page, id: str) -> Locator:
    return page.locator(f'.canvas [data-id="{id}"]')


def panel(page: Page, title: str) -> Locator:
    """The heading beside the graph that names what is selected."""
    return page.get_by_role("heading", level=2, name=title)


def slider(page: Page, label: str) -> Locator:
    return page.get_by_role("group", name=label, exact=True).locator("input")


def turn(page: Page, label: str, key: str) -> None:
    """Move a slider with the keyboard."""
    slider(page, label).focus()
    slider(page, label).press(key)


NEAREST = """canvas => {
  const room = canvas.getBoundingClientRect();
  const far = [...canvas.querySelectorAll("[data-id]:not([aria-expanded=true])")].map(element => {
    const box = element.getBoundingClientRect();
    const across = box.x + box.width / 2 - room.x - room.width / 2;
    return Math.hypot(across, box.y + box.height / 2 - room.y - room.height / 2);
  });
  return Math.min(...far);
}"""


def test_opening_levels_leaves_something_to_look_at(visit: driver.Visitor) -> None:
    """The graph of a wide network grows to all sides; a box stays near the middle of what is seen."""
    page = visit("/inspect?variant=nasnet_a_large")
    expect(node(page, "input")).to_be_visible()
    for _ in range(4):
        page.get_by_role("button", name="Open one level more").click()
        page.wait_for_timeout(400)  # the boxes glide to their places
        assert page.locator(".canvas").evaluate(NEAREST) < 180  # pixels


def test_from_the_gallery(visit: driver.Visitor) -> None:
    page = visit("/")
    card = page.locator('a[href*="inspect?variant="]').first
    name = parse_qs(urlsplit(card.get_attribute("href") or "").query)["variant"][0]
    card.click()
    expect(page).to_have_url(re.compile("/inspect"))
    driver.settled(page)
    assert query(page)["variant"] == name
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Inspect "))
    expect(page.locator(".canvas [data-id=input]")).to_be_visible()


def test_open_to_the_last_operation(visit: driver.Visitor) -> None:
    page = visit("/inspect?variant=resnet18")
    expect(node(page, "input")).to_be_visible()
    level = page.get_by_role("button", name="Open one level more")
    for _ in range(6):
        level.click()
    for id in ("stages.3.1.conv2", "stages.3.0.shortcut.conv", "head"):
        expect(node(page, id)).to_have_count(1)


def test_select_by_click(visit: driver.Visitor) -> None:
    page = visit("/inspect")
    node(page, "stem.conv1").click()
    expect(panel(page, "Conv 7×7 /2")).to_be_visible()
    expect(page.get_by_test_id("stMarkdown").get_by_text("= 118,013,952 MACs")).to_be_visible()
    driver.settled(page)
    assert query(page)["layer"] == "stem.conv1"


def test_select_by_keyboard(visit: driver.Visitor) -> None:
    page = visit("/inspect")
    find = page.get_by_role("searchbox", name=re.compile("Find a layer"))
    find.fill("Max pool")
    find.press("Enter")
    find.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(panel(page, "Max pool 3×3 /2")).to_be_visible()
    driver.settled(page)
    assert query(page)["layer"] == "stem.pool"


def test_a_link_shows_the_same_view_in_a_second_window(visit: driver.Visitor) -> None:
    page = visit("/inspect?variant=resnet18")
    turn(page, "Depths 3", "ArrowRight")
    expect(figure(page, "Depth")).to_have_text("20 layers")
    page.get_by_role("radio", name="FLOPs", exact=True).click()
    expect(figure(page, "FLOPs")).to_be_visible()
    node(page, "stem.conv1").click()
    expect(panel(page, "Conv 7×7 /2")).to_be_visible()
    turn(page, "Unit's row", "Home")
    page.get_by_role("tab", name="Code").click()
    expect(page.get_by_text("class BasicBlock")).to_be_visible()
    driver.settled(page)
    assert query(page) == {
        "variant": "resnet18", "knobs": "depths.2:3", "count": "flops", "layer": "stem.conv1", "unit": "0,56",
        "section": "code",
    }  # fmt: skip

    other = visit(page.url.removeprefix(page.evaluate("location.origin")))
    expect(figure(other, "Depth")).to_have_text("20 layers")
    expect(figure(other, "FLOPs")).to_have_text(figure(page, "FLOPs").inner_text())
    expect(panel(other, "Conv 7×7 /2")).to_be_visible()
    expect(slider(other, "Unit's row")).to_have_value("0")
    expect(other.get_by_text("class BasicBlock")).to_be_visible()
    assert query(other) == query(page)


def test_back_and_reload(visit: driver.Visitor) -> None:
    page = visit("/inspect?variant=resnet18")
    turn(page, "Depths 1", "ArrowRight")
    expect(figure(page, "Depth")).to_have_text("20 layers")
    node(page, "head").dispatch_event("click")
    turn(page, "Depths 1", "ArrowRight")
    expect(figure(page, "Depth")).to_have_text("22 layers")
    page.go_back()
    expect(figure(page, "Depth")).to_have_text("20 layers")
    expect(slider(page, "Depths 1")).to_have_attribute("aria-valuetext", "3")
    page.reload()
    expect(figure(page, "Depth")).to_have_text("20 layers")


def test_impatience(visit: driver.Visitor) -> None:
    """Many turns before the first answer: the last one counts, in the figures and in the address."""
    page = visit("/inspect?variant=resnet_classroom")
    for _ in range(6):
        turn(page, "Depths 1", "ArrowRight")
        turn(page, "Depths 2", "ArrowRight")
    expect(figure(page, "Depth")).to_have_text("32 layers")
    driver.settled(page)
    assert query(page)["knobs"] == "depths.0:7,depths.1:7"
    page.get_by_role("button", name="Reset knobs").dblclick()
    expect(figure(page, "Depth")).to_have_text("8 layers")


def test_the_graph_can_be_taken_away(visit: driver.Visitor) -> None:
    page = visit("/inspect")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as SVG").click()
    root = ET.parse(download.value.path()).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "ResNet-50" in "".join(root.itertext())


def test_markup_in_the_address_stays_text(visit: driver.Visitor) -> None:
    page = visit("/inspect?variant=<img src=x onerror=alert(1)>![a](http://example.org/a.png)")
    alert = page.get_by_test_id("stAlert")
    expect(alert).to_contain_text("<img src=x onerror=alert(1)>![a](http://example.org/a.png)")
    expect(alert.locator("img")).to_have_count(0)
    page.get_by_role("button", name="Show ResNet-50").click()
    expect(figure(page, "Depth")).to_have_text("50 layers")


def test_a_row_selects_its_layer_and_the_table_can_be_taken_away(visit: driver.Visitor) -> None:
    page = visit("/inspect?variant=resnet18&section=layers")
    table = page.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    table.click(position={"x": 16, "y": 35 + 35 * 3 + 17})  # the fourth row's box, below the heads
    expect(panel(page, "Max pool 3×3 /2")).to_be_visible()
    driver.settled(page)
    assert query(page)["layer"] == "stem.pool"
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    assert download.value.suggested_filename == "resnet18.csv"
    rows = list(csv.DictReader(download.value.path().read_text(encoding="utf-8").splitlines()))
    assert sum(int(row["MACs"]) for row in rows) == 1_814_073_344
    assert rows[3]["Kind"] == "pooling"


def test_numbers_as_they_are_typed(visit: driver.Visitor) -> None:
    page = visit("/inspect?variant=resnet18&size=64")
    field = page.get_by_role("spinbutton", name="Input, pixels")
    field.fill("")
    field.press("Enter")
    expect(field).to_have_value("224")
    field.fill("999999")
    field.press("Enter")
    expect(page.get_by_test_id("stAlert")).to_contain_text("from 1 to 1024, not '999999'")
    page.get_by_role("button", name="Show ResNet-18").click()
    expect(figure(page, "Parameters")).to_have_text("11.7 M")
    field.fill("33.7")
    field.press("Enter")
    expect(field).to_have_value("33")
    expect(page.get_by_text("for an image of 33 × 33 px")).to_be_visible()


@pytest.mark.parametrize(("width", "beside"), [(1440, True), (1024, False), (390, False)])
def test_details_stand_where_there_is_room(visit: driver.Visitor, width: int, beside: bool) -> None:
    page = visit("/inspect?variant=resnet18&layer=stem.conv1", size=(width, 800))
    expect(panel(page, "Conv 7×7 /2")).to_be_visible()
    graph, details = page.get_by_test_id("stLayoutWrapper").locator(
        '.st-key-inspect-stage > * > [data-testid="stHorizontalBlock"] > [data-testid="stColumn"]'
    ).all()  # fmt: skip
    left, right = graph.bounding_box(), details.bounding_box()
    assert left
    assert right
    assert (right["x"] > left["x"]) is beside
    assert right["width"] >= 330 or right["width"] == left["width"]


@pytest.mark.parametrize(("size", "dark"), driver.LOOKS.values(), ids=driver.LOOKS)
@pytest.mark.parametrize("section", ["cost", "layers", "code", "paper"])
def test_nothing_serious_for_accessibility(
    visit: driver.Visitor, section: str, size: tuple[int, int], dark: bool
) -> None:
    address = f"/inspect?variant=googlenet&layer=stages.3.a.concat&section={section}"
    page = visit(address, dark=dark, size=size)
    expect(panel(page, "Concatenate")).to_be_visible()
    assert driver.accessibility(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
