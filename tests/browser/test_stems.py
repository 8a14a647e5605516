"""First layers in a real browser: a pair, each way to examine it, links, a phone."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import driver

SMALL = "stems.nets=zfnet_classroom,weights:shipped:zfnet_shapes;lenet_classroom,weights:shipped:lenet_shapes"


@pytest.mark.parametrize("dark", [False, True])
def test_it_opens_on_two_first_layers(visit: driver.Visitor, dark: bool) -> None:
    page = visit("/stems", dark=dark)
    expect(page.get_by_role("img", name=re.compile(r"^\d+ filters of"))).to_have_count(2)
    expect(page.get_by_role("img", name=re.compile("^Mean spectrum"))).to_have_count(2)
    assert driver.accessibility(page) == []


def test_aliasing_follows_its_controls_and_the_link_restores_them(visit: driver.Visitor) -> None:
    page = visit(f"/stems?{SMALL}&stems.view=Aliasing")
    page.get_by_role("radio", name="4", exact=True).click()
    expect(page).to_have_url(re.compile("stems.stride=4"))
    expect(page.get_by_role("img", name=re.compile("at every fourth pixel"))).to_have_count(2)
    page.get_by_role("radio", name="Chirp").click()
    expect(page.get_by_role("img", name="The picture: Chirp")).to_be_visible()
    again = visit("/" + page.url.split("/", 3)[3])
    expect(again.get_by_role("img", name="The picture: Chirp")).to_be_visible()
    expect(again.get_by_role("img", name=re.compile("at every fourth pixel"))).to_have_count(2)


def test_layer_2_and_silent_maps_arrive(visit: driver.Visitor) -> None:
    page = visit(f"/stems?{SMALL}&stems.view=Layer+2&stems.set=photos")
    expect(page.get_by_role("img", name=re.compile("^Projections of layer 2 of ZFNet"))).to_be_visible()
    expect(page.get_by_text("Not defined for ScaledTanh")).to_be_visible()
    page.get_by_role("radio", name="Silent maps").click()
    expect(page.get_by_text(re.compile(r"^\d+ of 32$"))).to_be_visible()
    assert driver.accessibility(page) == []


def test_a_phone_shows_all_of_it(visit: driver.Visitor) -> None:
    page = visit(f"/stems?{SMALL}&stems.view=Size+and+clip", size=driver.PHONE)
    expect(page.get_by_role("img", name=re.compile(r"^\d+ filters of"))).to_have_count(2)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("m => m.scrollWidth <= m.clientWidth")
    assert driver.accessibility(page) == []
