"""The page Invariance in a real browser: the slider, a link, several networks, saving, phone and keyboard."""

import csv
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser import driver

SMALL = "/invariance?invariance.net=lenet_classroom,weights:shipped:lenet_shapes"
FIRST_NOTE = ".zl-plates figure:first-child .note"


def finished(page: Page) -> None:
    expect(page.get_by_text("What the paper saw, and what is measured here")).to_be_visible()
    expect(page.get_by_text("Measured here: most stable")).to_be_visible()
    expect(page.get_by_role("button", name="Networks as CSV")).to_be_visible()
    driver.settled(page)


def test_the_slider_by_keyboard_and_the_link(visit: driver.Visitor) -> None:
    page = visit(SMALL)
    finished(page)
    thumb = page.get_by_role("slider", name=re.compile("Vertical shift"))
    before = page.locator(FIRST_NOTE).inner_text()
    picture = page.locator(".zl-plates figure:first-child img")
    source = picture.get_attribute("src")
    thumb.focus()
    for _ in range(4):
        thumb.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"invariance\.at\.vertical=8(&|$)"))
    expect(page.locator(FIRST_NOTE)).not_to_have_text(before)
    expect(picture).not_to_have_attribute("src", source or "")
    expect(page.get_by_text("8 px", exact=True).first).to_be_visible()
    here = page.locator(FIRST_NOTE).inner_text()
    driver.settled(page)
    again = visit(page.url.removeprefix(page.url.split("/invariance")[0]))
    expect(again.locator(FIRST_NOTE)).to_have_text(here)
    assert driver.accessibility(page) == []


def test_a_turned_picture_and_the_numbers_to_take_away(visit: driver.Visitor, tmp_path: Path) -> None:
    query = "&invariance.change=Rotation&invariance.at.rotation=90&invariance.fill=Edge"
    page = visit(SMALL + query)
    finished(page)
    expect(page.get_by_role("slider", name=re.compile("Rotation"))).to_be_visible()
    expect(page.get_by_text("90°", exact=True).first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Numbers as CSV").click()
    download.value.save_as(tmp_path / "numbers.csv")
    rows = list(csv.DictReader((tmp_path / "numbers.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["change"] for row in rows} == {"vertical", "horizontal", "scale", "rotation"}
    assert {row["fill"] for row in rows} == {"edge"}
    assert len(rows) == 5 * (17 + 17 + 17 + 36)
    turned = next(row for row in rows if (row["change"], row["amount"]) == ("rotation", "90.0"))
    expect(page.locator(FIRST_NOTE)).to_contain_text(turned["says"])
    for name, begins in (("Figure as PNG", b"\x89PNG"), ("As PDF", b"%PDF")):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        assert Path(download.value.path()).read_bytes().startswith(begins)


def test_a_phone_in_the_dark(visit: driver.Visitor) -> None:
    page = visit(SMALL, size=driver.PHONE, dark=True)
    finished(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("m => m.scrollWidth <= m.clientWidth")
    assert driver.accessibility(page) == []
