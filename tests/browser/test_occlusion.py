"""The square in a real browser: maps as they come, moving it, cancelling, reloading, phone and keyboard."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser import driver
from training.shapes import CLASSES

SMALL = "/occlusion?occlusion.net=resnet_classroom,weights:shipped:resnet_shapes"
LONG = "/occlusion?occlusion.size=1/10&occlusion.stride=1/8"  # thousands of places, EfficientNet-Lite0
WORDS = ".sliding .words"


def map_of(page: Page, key: str) -> Locator:
    return page.locator(f".sliding [data-panel={key}] .map")


def finished(page: Page) -> None:
    expect(page.get_by_text(re.compile(r"\d+ places in "))).to_be_visible()
    driver.settled(page)


def test_the_maps_of_a_photo(visit: driver.Visitor) -> None:
    page = visit("/occlusion")
    expect(map_of(page, "probability")).to_be_visible()
    finished(page)
    expect(page.locator(".sliding .panel")).to_have_count(6)
    expect(page.locator(WORDS)).to_contain_text("Egyptian cat")
    expect(page.locator(".sliding .answer .name")).to_have_count(5)
    expect(page.get_by_text("not known yet")).to_have_count(0)
    assert driver.accessibility(page) == []


def test_drag_keyboard_and_link(visit: driver.Visitor) -> None:
    page = visit(SMALL)
    finished(page)
    across, down = (page.get_by_role("slider", name=name, exact=True) for name in ("Across", "Down"))
    view = page.locator(".sliding .picture .view")
    view.scroll_into_view_if_needed()
    box = view.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 3, box["y"] + box["height"] - 3, steps=4)
    page.mouse.up()
    expect(across).to_have_value("0")
    expect(down).to_have_value(across.get_attribute("max") or "")
    expect(page).to_have_url(re.compile(r"occlusion\.square=\d+\.0(&|$)"))
    square = page.locator(".sliding .picture .square").bounding_box()
    assert square
    assert square["x"] == pytest.approx(box["x"], abs=1)
    values = page.locator("[data-panel=score] .value")
    before = values.inner_text()
    across.focus()
    across.press("ArrowRight")
    expect(across).to_have_value("1")
    expect(values).not_to_have_text(before)
    step = int(re.findall(r"\d+", across.get_attribute("aria-valuetext") or "")[0])
    expect(page).to_have_url(re.compile(rf"occlusion\.square=\d+\.{step}(&|$)"))
    expect(page.locator(".sliding .answer:not(.late)")).to_be_visible()
    here = values.inner_text()
    again = visit(page.url.removeprefix(page.url.split("/occlusion")[0]))
    finished(again)
    expect(again.locator("[data-panel=score] .value")).to_have_text(here)
    map_of(again, "score").click(position={"x": 5, "y": 5}, force=True)  # every map moves the square
    expect(again.get_by_role("slider", name="Down", exact=True)).to_have_value("0")


def test_long_work_waits_goes_on_after_a_reload_and_is_cancelled(visit: driver.Visitor) -> None:
    page = visit(LONG)
    expect(page.get_by_text(re.compile(r"places would take about"))).to_be_visible()
    expect(map_of(page, "probability")).to_be_visible()  # a first coarse look
    page.get_by_role("button", name="Start", exact=True).click()
    cancel = page.get_by_role("button", name="Cancel", exact=True)
    expect(cancel).to_be_visible()
    expect(page.get_by_text(re.compile(r"of \d+ places, about .* left"))).to_be_visible()
    page.reload()
    expect(cancel).to_be_visible()
    cancel.click()
    expect(page.get_by_text(re.compile(r"Stopped at \d+% of \d+ places"))).to_be_visible()
    expect(map_of(page, "probability")).to_be_visible()  # what is known stays
    expect(page.get_by_role("button", name="Start again", exact=True)).to_be_visible()


def test_a_phone_in_the_dark(visit: driver.Visitor) -> None:
    page = visit(SMALL, size=driver.PHONE, dark=True)
    finished(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("m => m.scrollWidth <= m.clientWidth")
    expect(page.locator(".sliding .picture .view")).to_be_visible()
    assert driver.accessibility(page) == []


def test_the_map_on_other_pictures(visit: driver.Visitor) -> None:
    """The row belongs to the picture and the map above it, names what it shows, and can be taken away."""
    page = visit(f"{SMALL}&occlusion.photo=cup")
    finished(page)
    row = page.get_by_role("img", name=re.compile(r"^What map \d+ sees in other pictures"))
    expect(row).to_be_visible()
    alt = row.get_attribute("alt") or ""
    (number,) = re.findall(r"^What map (\d+)", alt)
    expect(page.get_by_text(f"(c) Map {number} on other pictures")).to_be_visible()
    named = re.findall(r"(\w+) \(([\d.e+]+)\)", alt)
    assert 0 < len(named) <= 6
    assert "Cup" not in dict(named)
    strengths = [float(strength) for _, strength in named]
    assert strengths == sorted(strengths, reverse=True)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Map on other pictures (PNG)").click()
    made = Image.open(io.BytesIO(waiting.value.path().read_bytes()))
    assert waiting.value.suggested_filename == f"zoolens-map-{number}.png"
    assert made.width > 100 * len(named)

    page.get_by_role("radio", name="Data set").click()  # then the others are of the same data set
    shown = rf"there: ((, )?({'|'.join(CLASSES)}) \([\d.e+]+\))+$"
    expect(row).to_have_attribute("alt", re.compile(shown))
