"""The two blocks as a reader turns them: drawing, address, reload, the switch, presets, keys, the file."""

import re
import xml.etree.ElementTree as ET
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import driver


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def side(page: Page, title: str) -> Locator:
    return page.locator(".side").filter(has=page.get_by_role("heading", name=title))


def total(page: Page, title: str) -> Locator:
    return side(page, title).locator(".total")


def turn(page: Page, label: str, key: str) -> None:
    slider = page.get_by_role("group", name=label, exact=True).locator("input")
    slider.focus()
    slider.press(key)


def test_a_slider_turns_drawing_and_address_and_a_reload_keeps_both(visit: driver.Visitor) -> None:
    page = visit("/bottleneck")
    expect(total(page, "BasicBlock")).to_have_text("1,179,648 weights in its convolutions")
    expect(total(page, "Bottleneck")).to_have_text("69,632 weights in its convolutions")
    shape = side(page, "Bottleneck").locator('[data-id="branch.conv2"] .shape')
    before = shape.get_attribute("d")
    turn(page, "Kernel", "ArrowRight")
    expect(total(page, "Bottleneck")).to_have_text("135,168 weights in its convolutions")
    turn(page, "Bottleneck ratio", "ArrowLeft")
    expect(side(page, "Bottleneck").locator('[data-id="branch.conv2"]')).to_contain_text("128 × 128 × 5 × 5")
    assert shape.get_attribute("d") != before
    page.get_by_test_id("stMain").get_by_role("radio", name="Memory").click()
    expect(total(page, "BasicBlock")).to_contain_text("kept for the backward pass")
    driver.settled(page)
    address = page.url
    assert query(page) == {
        "bottleneck.kernel": "5", "bottleneck.ratio": "2", "bottleneck.show": "Memory",
    }  # fmt: skip
    shown = page.locator(".side").all_inner_texts()
    page.reload()
    driver.settled(page)
    expect(total(page, "BasicBlock")).to_contain_text("kept for the backward pass")
    assert page.url == address
    assert page.locator(".side").all_inner_texts() == shown


def test_a_preset_turns_the_dials_and_the_way_back(visit: driver.Visitor) -> None:
    page = visit("/bottleneck")
    page.get_by_role("radio", name="ResNeXt").click()
    expect(side(page, "Bottleneck")).to_contain_text("128 × 4 × 3 × 3 = 4,608")
    driver.settled(page)
    assert query(page) == {
        "bottleneck.ratio": "2", "bottleneck.expansion": "2", "bottleneck.groups": "32",
    }  # fmt: skip
    other = visit(page.url.removeprefix(page.evaluate("location.origin")))
    expect(side(other, "Bottleneck")).to_contain_text("128 × 4 × 3 × 3 = 4,608")
    assert other.locator(".side").all_inner_texts() == page.locator(".side").all_inner_texts()
    page.get_by_role("radio", name="256 channels").click()
    expect(total(page, "Bottleneck")).to_contain_text("69,632")
    driver.settled(page)
    assert query(page) == {}


def test_nothing_impossible_can_be_reached(visit: driver.Visitor) -> None:
    """To the ends of all sliders at once, and to values that are not there."""
    page = visit("/bottleneck")
    for key in ("End", "Home"):
        for label in ("Channels in", "Bottleneck ratio", "Stride", "Groups", "Expansion", "Map size"):
            turn(page, label, key)
            driver.settled(page)
            expect(page.get_by_test_id("stException")).to_have_count(0)
            expect(page.locator(".side")).to_have_count(2)
    odd = visit("/bottleneck?bottleneck.groups=3&bottleneck.channels=abc")
    expect(odd.get_by_test_id("stAlert")).to_have_count(2)
    expect(total(odd, "Bottleneck")).to_contain_text("69,632")


def test_the_keyboard_walks_through_a_block(visit: driver.Visitor) -> None:
    page = visit("/bottleneck")
    rows = side(page, "Bottleneck").get_by_role("option")
    rows.first.focus()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    expect(page.locator(".details")).to_contain_text("64 × 256 × 1 × 1 = 16,384 parameters")
    expect(page.locator(".details")).to_contain_text("= 51,380,224 MACs")
    page.keyboard.press("End")
    expect(page.locator(".details")).to_contain_text("Bottleneck, Output")


def test_the_drawing_as_a_file(visit: driver.Visitor) -> None:
    page = visit("/bottleneck", dark=True)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as SVG").click()
    text = download.value.path().read_text(encoding="utf-8")
    words = "".join(ET.fromstring(text).itertext())
    for word in ("BasicBlock", "Bottleneck", "1,179,648", "256 × 64 × 1 × 1 = 16,384"):
        assert word in words
    assert not re.search(r"var\(|light-dark|color-mix|oklch|color\(", text)


@pytest.mark.parametrize(("size", "dark"), driver.LOOKS.values(), ids=driver.LOOKS)
def test_nothing_serious_for_accessibility(visit: driver.Visitor, size: tuple[int, int], dark: bool) -> None:
    page = visit("/bottleneck?bottleneck.show=MACs&bottleneck.excite=true", dark=dark, size=size)
    expect(total(page, "Bottleneck")).to_contain_text("MACs")
    assert driver.accessibility(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
