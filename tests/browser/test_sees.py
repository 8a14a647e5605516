"""What one place sees in a browser: the place by mouse and keyboard, the depth, links, themes and phone."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import driver


def view(page: Page, number: int = 0) -> Locator:
    return page.locator(".one-place .view").nth(number)


def layer(page: Page, number: int) -> Locator:
    return page.locator(".one-place .layer").nth(number)


def click(page: Page, row: int, column: int, number: int = 0) -> None:
    box = view(page, number).bounding_box()
    assert box is not None
    view(page, number).click(
        position={"x": (column + 0.5) * box["width"] / 32, "y": (row + 0.5) * box["height"] / 32}
    )


def test_a_click_moves_the_place_in_all_networks(visit: driver.Visitor) -> None:
    page = visit("/sees")
    expect(layer(page, 1)).to_contain_text("row 4, column 4 of 8 × 8")
    click(page, 20, 9, number=2)
    expect(page.locator(".one-place .where")).to_have_text("Row 21, column 10 of 32 × 32 places.")
    expect(layer(page, 0)).to_contain_text("row 11, column")
    expect(layer(page, 1)).to_contain_text("row 6, column 3 of 8 × 8")
    expect(page).to_have_url(re.compile(r"sees\.place=20(%2C|,)9\b"))
    expect(page.locator(".one-place.waiting")).to_have_count(0)
    view(page, 1).press("Shift+ArrowDown")
    expect(page.locator(".one-place .where")).to_contain_text("Row 25, column 10")
    expect(layer(page, 1)).to_contain_text("row 7, column 3")
    again = visit(page.url.removeprefix(page.url.partition("/sees")[0]))
    expect(layer(again, 1)).to_contain_text("row 7, column 3")


def test_one_depth_for_all(visit: driver.Visitor) -> None:
    page = visit("/sees")
    seen = page.locator(".one-place .can dd")
    expect(seen).to_have_text(["28.2%", "100.0%", "56.2%"])
    page.get_by_role("slider", name="Depth").press("Home")
    expect(seen).to_have_text(["0.9%", "1.6%", "0.4%"])
    expect(layer(page, 2)).to_contain_text("Stem (0 of 8)")
    page.get_by_role("slider", name="Depth").press("End")
    expect(seen).to_have_text(["100.0%"] * 3)


def test_all_depths_are_measured_unasked_where_that_is_quick(visit: driver.Visitor) -> None:
    page = visit("/sees")
    expect(page.get_by_role("button", name="Numbers (CSV)")).to_be_visible()
    expect(page.get_by_text("All depths:")).to_have_count(0)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Numbers (CSV)").click()
    rows = saved.value.path().read_text().splitlines()
    assert len(rows) == 1 + 7 + 4 + 9
    assert rows[1].startswith('"ResNet') or rows[1].startswith("ResNet")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Swin (PNG)").click()
    assert saved.value.path().read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("dark", [False, True])
def test_themes(visit: driver.Visitor, dark: bool) -> None:
    page = visit("/sees", dark=dark)
    expect(layer(page, 2)).to_contain_text("Stage 2")
    assert driver.accessibility(page) == []


def test_a_phone_has_room_for_it(visit: driver.Visitor) -> None:
    page = visit("/sees", size=driver.PHONE, dark=True)
    expect(layer(page, 2)).to_contain_text("Stage 2")
    assert page.get_by_test_id("stMain").evaluate("m => m.scrollWidth <= m.clientWidth")
    assert driver.accessibility(page) == []
