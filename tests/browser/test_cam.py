"""Class-activation maps in a real browser: real predictions, picture, class, layer and method by hand."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import driver


def first(page: Page) -> Locator:
    """The large map."""
    return page.locator(".zl-plates img").first


def choose(page: Page, control: str, option: str) -> None:
    """An option of a list, found by typing."""
    box = page.get_by_role("combobox", name=re.compile(control))
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option).first.click()


@pytest.mark.parametrize(
    ("photo", "prediction"),
    [
        ("cat", r"tabby|tiger cat|Egyptian cat"),
        ("cup", "espresso"),
        ("cameraman", "tripod"),
        ("rocket", "missile"),
    ],
)
def test_what_is_in_the_sample_photos(visit: driver.Visitor, photo: str, prediction: str) -> None:
    page = visit(f"/cam?cam.photo={photo}")
    expect(page.locator(".zl-top tbody .name").first).to_have_text(re.compile(f"^({prediction})"))
    expect(first(page)).to_have_attribute("alt", re.compile(f"^Grad-CAM: ({prediction})"))


def test_picture_class_layer_and_other_class(visit: driver.Visitor) -> None:
    page = visit("/cam")
    page.get_by_test_id("stSidebar").get_by_role("img", name="Cup").click()
    expect(first(page)).to_have_attribute("alt", re.compile("^Grad-CAM: espresso"))
    choose(page, "Class to ask about", "consomme")
    expect(first(page)).to_have_attribute("alt", re.compile("^Grad-CAM: consomme"))
    depth = page.get_by_role("group", name=re.compile("^Depth")).locator("input")
    depth.focus()
    depth.press("ArrowLeft")
    frame = page.locator(".zl-plates figure.chosen .title").nth(1)
    expect(frame).to_have_text("stages.6")
    expect(page).to_have_url(re.compile(r"cam\.layer\.efficientnet_lite0=stages\.6"))
    choose(page, "The other class", "cup")
    expect(page.get_by_text("consomme rather than cup")).to_be_visible()
    again = visit(page.url.removeprefix(page.url.partition("/cam")[0]))
    expect(first(again)).to_have_attribute("alt", re.compile("^Grad-CAM: consomme"))
    expect(again.locator(".zl-plates figure.chosen .title").nth(1)).to_have_text("stages.6")


@pytest.mark.parametrize("dark", [False, True])
def test_everybody_can_read_it(visit: driver.Visitor, dark: bool) -> None:
    page = visit("/cam?cam.photo=cup&cam.half=For+and+against", dark=dark)
    expect(page.locator(".zl-scale").first).to_contain_text("for the class")
    assert driver.accessibility(page) == []


def test_a_phone_has_room_for_it(visit: driver.Visitor) -> None:
    page = visit("/cam?cam.look=Contour+and+box", size=driver.PHONE)
    expect(first(page)).to_be_visible()
    assert page.get_by_test_id("stMain").evaluate("m => m.scrollWidth <= m.clientWidth")
    assert driver.accessibility(page) == []


APART = """() => {
  const [table, column, picture] = [".zl-top", "[data-testid=stColumn]:has(.zl-top)", ".zl-plates img"]
    .map(each => document.querySelector(each).getBoundingClientRect());
  return table.right <= column.right + 1 && (table.right < picture.left || table.bottom < picture.top);
}"""


def test_the_class_table_never_lies_over_the_picture(visit: driver.Visitor) -> None:
    page = visit("/cam", size=(1280, 800))
    expect(first(page)).to_be_visible()
    for width, height in ((1280, 800), (1024, 768), (768, 1024)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(APART)
