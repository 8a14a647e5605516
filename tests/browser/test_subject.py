"""Choosing a network in a real browser: a search, a download without and with a network, a wrong link."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import driver
from tests.played import NAME, played
from tests.serving import Site


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, str]]:
    """The server that weights come from, and the app that asks it."""
    folder: Path = tmp_path_factory.mktemp("site")
    with played(folder) as (site, variables), driver.serving(**variables) as base:
        yield site, base


@pytest.fixture
def visit(browser: Browser, place: tuple[Site, str]) -> Iterator[driver.Visitor]:
    visitor = driver.Visitor(browser, place[1])
    yield visitor
    visitor.close()


def test_a_search_finds_what_is_ready_first_and_the_link_restores_it(visit: driver.Visitor) -> None:
    """By keyboard alone, as one types: what is shown is replaced."""
    page = visit("/cam")
    box = page.get_by_role("combobox", name="Network")
    expect(box).to_have_value("EfficientNet-Lite0 · ImageNet")
    box.focus()
    page.keyboard.type("vgg")
    options = page.get_by_role("option")
    expect(options.first).to_have_text("VGG, classroom · CIFAR-10")
    found = options.all_inner_texts()
    kinds = ["↓" in words or 2 * ("untrained" in words) for words in found]
    assert kinds == sorted(kinds)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"cam\.net=vgg_classroom"))
    expect(box).to_have_value("VGG, classroom · CIFAR-10")
    driver.settled(page)
    again = visit(page.url.removeprefix(page.url.partition("/cam")[0]))
    expect(again.get_by_role("combobox", name="Network")).to_have_value("VGG, classroom · CIFAR-10")
    page.go_back()
    expect(box).to_have_value("EfficientNet-Lite0 · ImageNet")


def test_a_download_fails_is_tried_again_and_goes_on_by_itself(
    visit: driver.Visitor, place: tuple[Site, str]
) -> None:
    site, _ = place
    site.code = 503
    page = visit(f"/cam?cam.net={NAME},weights:imagenet", size=driver.PHONE)
    button = page.get_by_role("button", name="Download (5 MB)")
    button.click()
    expect(page.get_by_text("its server answers 503")).to_be_visible()
    expect(page.get_by_role("button", name="Show EfficientNet-Lite0", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert driver.accessibility(page) == []
    site.code = 0
    button.click()
    expect(page.get_by_text("not on this disk yet")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    driver.settled(page)


def test_a_wrong_link_shows_a_way_on(visit: driver.Visitor) -> None:
    page = visit("/cam?cam.net=resnet5O,weights:imagenet")
    expect(page.get_by_text("Did you mean resnet50?")).to_be_visible()
    page.get_by_role("button", name="Show EfficientNet-Lite0").click()
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    expect(page).to_have_url(re.compile("cam.net=efficientnet_lite0"))
