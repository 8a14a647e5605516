"""The sheet of maps in a real browser: pointing, opening, the keyboard, links, phone, dark, taking away."""

import re

from playwright.sync_api import Page, expect

from tests.browser import driver

SHAPES = "/features?features.net=zfnet_classroom,weights:shipped:zfnet_shapes"


def drawn(page: Page, maps: int = 16) -> None:
    expect(page.locator(".sheet .card")).to_have_count(maps)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    driver.settled(page)


def test_a_tile_opens_in_full_and_closes_again(visit: driver.Visitor) -> None:
    page = visit(SHAPES)
    drawn(page)
    card = page.locator(".card[data-name='3']")
    third = card.locator("button[data-tile='3']")
    third.hover()
    expect(card.locator(".note")).to_have_text(re.compile(r"^3: \w+, [\d.]+$"))
    said = card.locator(".note").inner_text()
    expect(card.locator("[data-tile='3'].at")).to_have_count(2)  # in the patches as well
    third.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("img")).to_have_count(6)
    expect(page).to_have_url(re.compile(r"features\.tile=3\.3(&|$)"))
    label, value = said.removeprefix("3: ").rsplit(", ", 1)
    expect(dialog).to_contain_text(f"{label}, activation {value}, number 3 of 9")
    dialog.get_by_role("button", name="Stronger").click()
    expect(dialog).to_contain_text("number 2 of 9")
    expect(page).to_have_url(re.compile(r"features\.tile=3\.2(&|$)"))
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page).not_to_have_url(re.compile(r"features\.tile"))


def test_the_keyboard_goes_from_tile_to_tile(visit: driver.Visitor) -> None:
    page = visit(SHAPES)
    drawn(page)
    page.locator(".card[data-name='0'] button[data-tile='1']").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    focused = page.locator(".card[data-name='1'] button[data-tile='4']")
    expect(focused).to_be_focused()
    expect(page.locator(".card[data-name='1'] .note")).to_have_text(re.compile(r"^4: "))
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("number 4 of 9")


def test_a_link_restores_the_view(visit: driver.Visitor) -> None:
    query = "&features.layer=stages.2.relu&features.map=40&features.tile=41.2"
    page = visit(f"{SHAPES}{query}&features.rule=Guided%20backpropagation")
    expect(page.get_by_role("dialog")).to_contain_text("Map 41 of Layer 3")
    expect(page.get_by_role("dialog")).to_contain_text("Its projection: Guided backpropagation")
    page.keyboard.press("Escape")
    drawn(page)
    expect(page).not_to_have_url(re.compile(r"features\.tile"))
    expect(page.locator(".card.chosen")).to_have_attribute("data-name", "40")
    expect(page.locator(".card").first).to_have_attribute("data-name", "32")
    page.get_by_role("button", name="Next 16").click()
    expect(page.locator(".card").first).to_have_attribute("data-name", "48")
    expect(page).to_have_url(re.compile(r"features\.map=48(&|$)"))


def test_the_sheet_can_be_taken_away(visit: driver.Visitor) -> None:
    page = visit(SHAPES + "&features.layer=stages.0.relu")
    drawn(page)
    starts = {"PNG": b"\x89PNG", "One page (PDF)": b"%PDF", "All maps of the layer (CSV)": b"map,rank,value"}
    for name, start in starts.items():
        with page.expect_download() as waiting:
            page.get_by_role("button", name=name, exact=True).click()
        assert waiting.value.path().read_bytes().startswith(start)


def test_light_and_dark_for_everybody(visit: driver.Visitor) -> None:
    for dark in (False, True):
        page = visit(SHAPES, dark=dark)
        drawn(page)
        assert driver.accessibility(page) == []
        page.locator(".card button[data-tile='1']").first.click()
        expect(page.get_by_role("dialog").get_by_role("img")).to_have_count(6)
        driver.settled(page)
        assert driver.accessibility(page) == []


def test_on_a_phone(visit: driver.Visitor) -> None:
    page = visit(SHAPES, size=driver.PHONE)
    drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= driver.PHONE[0]
    box = page.locator(".card .grid").first.bounding_box()
    assert box
    assert box["width"] > 130
    page.locator(".card button[data-tile='5']").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("img")).to_have_count(6)
    picture = dialog.get_by_role("img").first.bounding_box()
    assert picture
    assert picture["width"] > 240
