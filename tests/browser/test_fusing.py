"""Building blocks as a reader uses the sections of activations and of fusing, in a real browser."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser import driver

FUSING = f"/operators?operators.section={quote('Re-parameterisation')}"
ACTIVATIONS = "/operators?operators.section=Activations"


def cards(page: Page) -> list[str]:
    return page.locator(".kernels section h4").all_inner_texts()


def test_stepping_through_fusing_and_the_link_that_restores_a_step(visit: driver.Visitor) -> None:
    page = visit(FUSING)
    expect(page.locator(".kernels .nothing")).to_have_text("no kernel")
    for _ in range(3):
        page.get_by_role("button", name="Next step").click()
        driver.settled(page)
    expect(page.locator(".kernels section")).to_have_count(4)
    expect(page).to_have_url(re.compile(r"operators\.fuse_step=4"))
    expect(page.get_by_role("button", name="Next step")).to_be_disabled()
    page.get_by_role("radio", name="ACNet").click()
    expect(page.locator(".kernels")).to_contain_text("1 × 3")
    shown, numbers = cards(page), page.locator(".kernels td").all_inner_texts()
    assert len(numbers) == 4 * 9

    again = visit(page.url.removeprefix(page.url.split("/operators")[0]))
    expect(again.locator(".kernels section")).to_have_count(4)
    assert (cards(again), again.locator(".kernels td").all_inner_texts()) == (shown, numbers)
    page.go_back()  # to RepVGG, at the same step
    expect(page.locator(".kernels")).to_contain_text("The map itself")


def test_the_point_moves_the_numbers(visit: driver.Visitor) -> None:
    page = visit(f"{ACTIVATIONS}&operators.act=tanh&operators.act_x=0.0")
    expect(page.locator(".legendtext").first).to_have_text("tanh: f = 0.000, f' = 1.000")
    slider = page.get_by_role("group", name="Point x", exact=True).locator("input")
    slider.focus()
    slider.press("ArrowRight")
    expect(page.locator(".legendtext").first).to_have_text("tanh: f = 0.100, f' = 0.990")
    expect(page).to_have_url(re.compile(r"operators\.act_x=0\.1"))
    link = page.get_by_role("link", name="LeNet", exact=True)
    expect(link).to_have_attribute("href", "/inspect?variant=lenet_classroom")


@pytest.mark.parametrize("path", [FUSING, ACTIVATIONS], ids=["fusing", "activations"])
def test_everybody_can_use_it(visit: driver.Visitor, path: str) -> None:
    page = visit(path, dark=True)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    assert driver.accessibility(page) == []
    phone = visit(path, size=driver.PHONE)
    expect(phone.locator(".js-plotly-plot").first).to_be_visible()
    assert driver.accessibility(phone) == []
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
