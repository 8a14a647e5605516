"""Stepping through operators in a real browser: window and sum, play, keyboard, clicks and links."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import driver

ATTENTION = "/operators?operators.kind=Attention&operators.attention=Squeeze+and+excitation"


def numbers(page: Page, panel: str) -> Locator:
    """The numbers of a panel that can be read by now."""
    titled = page.locator(".panel").filter(has=page.locator("figcaption", has_text=panel))
    return titled.locator(".cell:not(.blank)")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_a_step_moves_the_window_and_the_sum(visit: driver.Visitor) -> None:
    page = visit("/operators")
    window = page.locator(".panel.input .window")
    expect(page.locator(".count")).to_have_text("1 / 36")
    expect(numbers(page, "Output")).to_have_count(1)
    words = page.locator(".words").inner_text()
    before = window.bounding_box()
    button(page, "Step forward").dblclick()
    expect(page.locator(".count")).to_have_text("3 / 36")
    page.wait_for_timeout(300)  # the window glides
    after = window.bounding_box()
    assert before
    assert after
    cell = page.locator(".panel.input .cell").first.bounding_box()
    assert cell
    assert after["x"] - before["x"] == pytest.approx(2 * (cell["width"] + 1), abs=1)
    assert after["y"] == before["y"]
    assert page.locator(".words").inner_text() != words
    shown = [
        float(text.replace("−", "-")) for text in page.locator(".term:not(.outcome) .cell").all_inner_texts()
    ]
    result = page.locator(".outcome strong").inner_text().replace("−", "-")
    assert sum(a * b for a, b in zip(shown[:9], shown[9:18], strict=True)) == pytest.approx(float(result))
    expect(numbers(page, "Output").nth(2)).to_have_text(result.replace("-", "−"))
    expect(page).to_have_url(re.compile(r"step=conv\.3\b"))  # once the reader has come to rest
    assert driver.accessibility(page) == []


def test_play_stops_at_the_end_and_begins_anew(visit: driver.Visitor) -> None:
    page = visit("/operators?operators.kind=Shortcuts+and+channels&operators.shortcuts=Channel+shuffle")
    page.get_by_label("Speed").select_option("fast")
    button(page, "Play").click()
    expect(button(page, "Pause")).to_be_visible()
    expect(page.locator(".count")).to_have_text("8 / 8")
    expect(button(page, "Play")).to_be_visible()
    expect(numbers(page, "After")).to_have_count(72)
    button(page, "Play").click()
    expect(page.locator(".count")).not_to_have_text("8 / 8")


def test_keyboard_and_clicks(visit: driver.Visitor) -> None:
    page = visit(f"{ATTENTION}&step=se.5")
    expect(page.locator(".count")).to_have_text("5 / 78")
    place = page.get_by_role("slider", name="Step", exact=True)
    place.focus()
    for key, count in (("ArrowRight", 6), ("ArrowLeft", 5), ("End", 78), ("Home", 1)):
        place.press(key)
        expect(page.locator(".count")).to_have_text(f"{count} / 78")
    assert "Step 1 of 78: the 16 numbers sum up to" in (place.get_attribute("aria-valuetext") or "")
    place.press(" ")
    expect(button(page, "Pause")).to_be_visible()
    place.press(" ")
    expect(button(page, "Play")).to_be_visible()
    page.get_by_role("button", name="Scale each map by its factor").click()
    expect(page.locator(".count")).to_have_text("15 / 78")
    numbers_of_output = page.locator(".panel.add .cell")
    numbers_of_output.nth(20).click()
    expect(page.locator(".count")).to_have_text("35 / 78")
    expect(numbers(page, "Output maps")).to_have_count(21)


def test_a_link_restores_operator_controls_and_step(visit: driver.Visitor) -> None:
    page = visit("/operators?operators.conv.stride=2&operators.conv.padding=1&step=conv.7")
    expect(page.locator(".count")).to_have_text("7 / 16")
    stride = page.get_by_role("group", name="Stride", exact=True).locator("input")
    stride.focus()
    stride.press("ArrowLeft")
    expect(page.locator(".count")).to_have_text("7 / 64")  # another walk, the same place
    page.get_by_test_id("stMain").get_by_text("Attention", exact=True).click()
    expect(page.locator(".count")).to_have_text("1 / 78")
    button(page, "Last step").click()
    expect(page).to_have_url(re.compile(r"step=se\.78\b"))
    again = visit(f"/operators?{urlsplit(page.url).query}")
    expect(again.locator(".count")).to_have_text("78 / 78")


def test_a_phone_has_room_for_it(visit: driver.Visitor) -> None:
    page = visit(
        "/operators?operators.conv.padding=2&operators.conv.channels=colours", size=driver.PHONE, dark=True
    )
    expect(page.locator(".count")).to_have_text("1 / 64")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    main = page.get_by_test_id("stMain")
    assert main.evaluate("m => m.scrollWidth <= m.clientWidth")
    assert driver.accessibility(page) == []
