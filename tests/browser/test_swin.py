"""Shifted windows in a browser: steps and tokens by mouse and keyboard, links, themes and phone."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import driver


def board(page: Page) -> Locator:
    return page.locator(".windows.player")


def step(page: Page, number: int) -> None:
    expect(board(page).locator(".count")).to_have_text(re.compile(rf"^{number} / "))


def click(page: Page, row: float, column: float, side: int = 8) -> None:
    cells = board(page).locator("canvas.map")
    box = cells.bounding_box()
    assert box is not None
    cells.click(position={"x": (column + 0.5) * box["width"] / side, "y": (row + 0.5) * box["height"] / side})


def test_steps_and_tokens(visit: driver.Visitor) -> None:
    page = visit("/swin")
    step(page, 1)
    says = board(page).locator(".says")
    click(page, 0, 0)
    expect(says).to_have_text("Row 0, column 0: 4 partners, itself included, of 16 in a whole window.")
    expect(page).to_have_url(re.compile(r"swin\.token=0(%2C|,)0\b"))
    expect(board(page).locator(".mask-note")).to_contain_text("75.0 % of the pairs are kept apart")
    expect(board(page).locator(".blocks")).to_contain_text("4 blocks: 64")
    board(page).get_by_role("button", name="3. Regions").click()
    step(page, 4)
    click(page, 0, 0)  # where the roll has brought the token two down and two right
    expect(says).to_contain_text("Row 2, column 2: 16 partners")
    board(page).locator("canvas.map").press("ArrowUp")
    expect(says).to_contain_text("Row 1, column 2: 8 partners")
    step(page, 4)
    board(page).get_by_role("slider", name="Step", exact=True).press("End")
    step(page, 8)
    expect(page).to_have_url(re.compile(r"swin\.step=8\b"))
    again = visit(page.url.removeprefix(page.url.partition("/swin")[0]))
    step(again, 8)
    expect(board(again).locator(".says")).to_contain_text("Row 1, column 2: 8 partners")


def test_without_the_mask_far_edges_meet(visit: driver.Visitor) -> None:
    page = visit("/swin?swin.token=0,0")
    expect(board(page).locator(".says")).to_contain_text("4 partners")
    page.get_by_text("Mask", exact=True).click()
    expect(board(page).locator(".says")).to_contain_text("16 partners")
    expect(board(page).locator(".mask-note")).to_contain_text("0 % of the pairs")


def test_it_plays_to_the_end(visit: driver.Visitor) -> None:
    page = visit("/swin")
    board(page).get_by_label("Speed").select_option("fast")
    board(page).get_by_role("button", name="Play", exact=True).click()
    expect(board(page).locator(".count")).to_have_text("8 / 8")


@pytest.mark.parametrize("dark", [False, True])
def test_themes(visit: driver.Visitor, dark: bool) -> None:
    page = visit("/swin?swin.over=true&swin.map=Swin-T, stage 3: 14 × 14", dark=dark)
    expect(board(page).locator(".all-note")).to_contain_text("4 windows; 43.0 %")
    assert driver.accessibility(page) == []


def test_a_phone_has_room_for_it(visit: driver.Visitor) -> None:
    page = visit("/swin", size=driver.PHONE, dark=True)
    expect(board(page).locator(".says")).to_contain_text("partners")
    assert page.get_by_test_id("stMain").evaluate("m => m.scrollWidth <= m.clientWidth")
    assert driver.accessibility(page) == []
