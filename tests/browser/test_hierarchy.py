"""The ladder of layers in a real browser: rungs, a tile opened by mouse and keyboard, links, files, phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import driver

SHAPES = "/hierarchy?hierarchy.net=zfnet_classroom,weights:shipped:zfnet_shapes"


def rungs(page: Page) -> None:
    expect(page.locator(".ladder .rung")).to_have_count(5)
    expect(page.locator(".ladder .tile")).to_have_count(30)


@pytest.mark.parametrize("dark", [False, True])
def test_a_tile_by_mouse_and_its_link(visit: driver.Visitor, dark: bool) -> None:
    page = visit(SHAPES, dark=dark)
    rungs(page)
    assert driver.accessibility(page) == []
    tile = page.locator(".rung").nth(2).locator(".tile").nth(1)
    tile.hover()
    expect(page.locator(".rung").nth(2).locator(".box.at")).to_have_count(1)
    name = tile.get_attribute("data-name") or ""
    tile.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("img")).to_have_count(4)
    expect(page).to_have_url(re.compile(r"hierarchy\.tile=stages\.2\.relu"))
    again = visit(page.url.removeprefix(page.url.partition("/hierarchy")[0]))
    expect(again.get_by_role("dialog")).to_contain_text(f"map {name.partition(':')[2]}")
    again.keyboard.press("Escape")
    expect(again).not_to_have_url(re.compile("hierarchy.tile"))


def test_by_keyboard(visit: driver.Visitor) -> None:
    page = visit(SHAPES)
    rungs(page)
    page.locator(".tile").first.focus()
    for key in ("ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator(".rung").nth(1).locator(".tile").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_files(visit: driver.Visitor) -> None:
    page = visit(SHAPES)
    rungs(page)
    for name, start in (
        ("All of it (PNG)", b"\x89PNG"),
        ("One page (PDF)", b"%PDF"),
        ("Numbers (CSV)", b"layer"),
    ):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        assert download.value.path().read_bytes().lstrip(b"\xef\xbb\xbf").startswith(start)


def test_a_phone_has_room_for_it(visit: driver.Visitor) -> None:
    page = visit(SHAPES, size=driver.PHONE)
    rungs(page)
    assert page.get_by_test_id("stMain").evaluate("m => m.scrollWidth <= m.clientWidth")
    assert driver.accessibility(page) == []
