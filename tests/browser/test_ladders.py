"""Ladders in a real browser: climbed with mouse and keys, left by links, restored by the back button."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import driver


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def rung(page: Page, title: str) -> Locator:
    return page.get_by_role("heading", level=2, name=title)


def block(page: Page, which: str) -> Locator:
    """The graph of the block before or after."""
    return page.locator(f".st-key-ladders-{which} .canvas")


@pytest.mark.slow
def test_climbing_and_the_way_back(visit: driver.Visitor) -> None:
    page = visit("/ladders?rung=resnet-34")
    expect(rung(page, "3 of 9: ResNet-34")).to_be_visible()
    expect(block(page, "before").locator('[data-id="stages.1.0.shortcut.conv"]')).to_have_count(0)
    expect(block(page, "after").locator('[data-id="stages.1.0.shortcut.conv"]')).to_be_visible()
    page.get_by_role("button", name="Next: ResNet-50").click()
    expect(rung(page, "4 of 9: ResNet-50")).to_be_visible()
    expect(block(page, "after").locator('[data-id="stages.1.1.conv3"]')).to_be_visible()
    page.keyboard.press("Shift+ArrowRight")
    expect(rung(page, "5 of 9: Pre-activation")).to_be_visible()
    page.keyboard.press("Shift+ArrowLeft")
    expect(rung(page, "4 of 9: ResNet-50")).to_be_visible()
    page.get_by_role("button", name="Next: Pre-activation").click()
    page.get_by_role("button", name="Next: ResNeXt").click()
    expect(rung(page, "6 of 9: ResNeXt")).to_be_visible()
    assert query(page) == {"rung": "resnext"}
    page.get_by_role("radio", name="ResNeSt", exact=True).click()
    expect(rung(page, "9 of 9: ResNeSt")).to_be_visible()
    expect(page.locator(".st-key-ladders-next button")).to_be_disabled()
    page.go_back()
    expect(rung(page, "6 of 9: ResNeXt")).to_be_visible()
    page.reload()
    expect(rung(page, "6 of 9: ResNeXt")).to_be_visible()


@pytest.mark.slow
def test_links_into_compare_and_inspect(visit: driver.Visitor) -> None:
    page = visit("/ladders?ladder=mobile&rung=mobilenet-v3")
    page.get_by_role("link", name="Compare MobileNet V2 and MobileNet V3").click()
    expect(page.get_by_role("heading", level=1, name="Compare")).to_be_visible()
    assert query(page)["nets"] == "mobilenet_v2;mobilenet_v3_large"
    page.go_back()
    expect(rung(page, "3 of 3: MobileNet V3")).to_be_visible()
    page.get_by_role("link", name="Inspect MobileNetV2").click()
    expect(page.get_by_role("heading", level=1, name="Inspect MobileNetV2 1.0")).to_be_visible()
    page.go_back()
    expect(rung(page, "3 of 3: MobileNet V3")).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize(("dark", "size"), [(False, driver.PHONE), (True, driver.DESKTOP)])
def test_on_a_phone_and_in_the_dark(visit: driver.Visitor, dark: bool, size: tuple[int, int]) -> None:
    page = visit("/ladders?ladder=inception&rung=inception-v2", dark=dark, size=size)
    expect(rung(page, "3 of 6: Inception-v2")).to_be_visible()
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert driver.accessibility(page) == []
    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
