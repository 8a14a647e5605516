"""Figure 1 and a real descent in a browser: steps by mouse and keyboard, play, links, themes and phone."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import driver

SHAPES = "deconvnet.net=zfnet_classroom,weights:shipped:zfnet_shapes"


def part(page: Page, name: str) -> Locator:
    return page.locator(f".{name}.player")


def step(figure: Locator, number: int) -> None:
    expect(figure.locator(".count")).to_have_text(re.compile(rf"^{number} / "))


def cell(figure: Locator, panel: str, number: int) -> Locator:
    titled = figure.locator(".panel").filter(has=figure.page.locator(f"figcaption:text-is('{panel}')"))
    return titled.locator(".cell").nth(number)


def test_figure_1_by_mouse_and_keyboard(visit: driver.Visitor) -> None:
    page = visit(f"/deconvnet?{SHAPES}&deconvnet.step=10")
    figure = part(page, "figure-one")
    step(figure, 10)
    place = figure.get_by_role("slider", name="Step", exact=True)
    place.focus()
    place.press("ArrowRight")
    step(figure, 11)
    expect(cell(figure, "Unpooled signal", 18)).to_have_text("117")  # 39 and 78 meet there
    expect(figure.locator(".links line")).to_have_count(1)
    expect(figure.locator(".words")).to_contain_text("on top of the 39 there: 117")
    expect(page).to_have_url(re.compile(r"deconvnet\.step=11\b"))
    figure.get_by_role("button", name="4. Pool").click()
    figure.get_by_role("button", name="Step forward").click()
    expect(figure.locator(".links line")).to_have_count(16)
    place.focus()
    place.press("End")
    expect(cell(figure, "Back in pixels", 18)).to_have_text("234")
    cell(figure, "Signal behind its ReLU", 0).click()  # a map leads to the step that fills it
    expect(figure.locator(".cell.dropped")).to_have_count(1)
    page.get_by_text("Guided backpropagation", exact=True).first.click()
    expect(figure.locator(".cell.dropped")).to_have_count(2)


def test_it_plays_to_the_end(visit: driver.Visitor) -> None:
    page = visit(f"/deconvnet?{SHAPES}")
    figure = part(page, "figure-one")
    figure.get_by_label("Speed").select_option("fast")
    figure.get_by_role("button", name="Play", exact=True).click()
    expect(figure.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    expect(figure.locator(".count")).to_have_text("21 / 21")
    expect(figure.get_by_role("button", name="Play", exact=True)).to_be_visible()


@pytest.mark.parametrize("dark", [False, True])
def test_a_real_descent_and_its_link(visit: driver.Visitor, dark: bool) -> None:
    page = visit(f"/deconvnet?{SHAPES}&deconvnet.layer=stages.2.relu", dark=dark)
    descent = part(page, "descent")
    frames = descent.locator(".film button")
    expect(frames).to_have_count(9)
    frames.nth(3).click()
    step(descent, 4)
    expect(descent.locator(".op")).to_contain_text("unpool")
    expect(descent.locator(".links path").first).to_be_attached()
    expect(page).to_have_url(re.compile(r"deconvnet\.down=4\b"))
    assert driver.accessibility(page) == []
    again = visit(page.url.removeprefix(page.url.partition("/deconvnet")[0]), dark=dark)
    step(part(again, "descent"), 4)
    place = part(again, "descent").get_by_role("slider", name="Step", exact=True)
    place.focus()
    place.press("End")
    expect(part(again, "descent").get_by_text("as a picture, contrast stretched")).to_be_visible()


def test_a_phone_has_room_for_it(visit: driver.Visitor) -> None:
    page = visit(f"/deconvnet?{SHAPES}", size=driver.PHONE, dark=True)
    expect(part(page, "descent")).to_be_visible()
    assert page.get_by_test_id("stMain").evaluate("m => m.scrollWidth <= m.clientWidth")
    drawing = part(page, "figure-one").locator(".drawing")
    assert drawing.evaluate("d => d.scrollWidth <= d.clientWidth")
    assert driver.accessibility(page) == []
