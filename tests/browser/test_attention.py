"""Attention maps in a browser: places by mouse and keyboard, pairs, links, themes and phone."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import driver

SWIN = "attention.net=swin_classroom,weights:shipped:swin_cifar10"


def board(page: Page) -> Locator:
    return page.locator(".attention")


def click(page: Page, which: str, row: int, column: int, side: int = 8) -> None:
    cells = board(page).locator(f"canvas.{which}")
    box = cells.bounding_box()
    assert box is not None
    place = {"x": (column + 0.5) * box["width"] / side, "y": (row + 0.5) * box["height"] / side}
    cells.click(position=place)  # type: ignore[arg-type]


def test_who_asks_and_who_is_asked(visit: driver.Visitor) -> None:
    page = visit("/attention")
    asks, says = board(page).locator(".asks"), board(page).locator(".says")
    expect(asks).to_have_text(re.compile(r"attends to all 64 patches, and by 15\.\d % to itself"))
    expect(board(page).locator(".most")).to_contain_text("its largest weight for a patch")
    click(page, "query", 2, 3)
    expect(asks).to_have_text("The token at row 2, column 3 attends to 64 of 64 tokens.")
    expect(page).to_have_url(re.compile(r"attention\.query=2(%2C|,)3\b"))
    click(page, "other", 7, 0)
    expect(says).to_contain_text("To row 7, column 0:")
    board(page).locator("canvas.other").press("ArrowRight")
    expect(says).to_contain_text("To row 7, column 1:")
    expect(page).to_have_url(re.compile(r"attention\.other=7(%2C|,)1\b"))
    page.get_by_text("2", exact=True).first.click()
    expect(page.get_by_text("the one divided by the other")).to_be_visible()
    again = visit(page.url.removeprefix(page.url.partition("/attention")[0]))
    expect(board(again).locator(".asks")).to_contain_text("row 2, column 3")
    board(again).get_by_role("button", name="The class token asks").click()
    expect(board(again).locator(".asks")).to_contain_text("all 64 patches")


def test_windows_bound_what_can_be_asked(visit: driver.Visitor) -> None:
    page = visit(f"/attention?{SWIN}&attention.query=0,0&attention.other=0,1")
    expect(board(page).locator(".asks")).to_contain_text("attends to 16 of 256 tokens")
    click(page, "other", 15, 15, 16)
    expect(board(page).locator(".says")).to_contain_text("the two do not meet")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("net", ["", SWIN], ids=["vit", "swin"])
def test_themes(visit: driver.Visitor, net: str, dark: bool) -> None:
    page = visit(f"/attention?{net}", dark=dark)
    expect(board(page).locator(".says")).to_contain_text("To row")
    expect(page.get_by_text("A question")).to_be_visible()
    assert driver.accessibility(page) == []


def test_a_phone_has_room_for_it(visit: driver.Visitor) -> None:
    page = visit("/attention", size=driver.PHONE, dark=True)
    expect(board(page).locator(".says")).to_contain_text("To row")
    assert page.get_by_test_id("stMain").evaluate("m => m.scrollWidth <= m.clientWidth")
