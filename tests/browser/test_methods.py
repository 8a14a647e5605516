"""Methods side by side in a real browser: cards fill, twins, badges, a slow map with its end, and a phone."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser import driver

SMALL = "methods.net=resnet_classroom,weights:shipped:resnet_shapes"  # 64 pixels: maps in no time


def card(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-methods-card-{key}")


def test_a_cats_maps_appear_beside_their_twins(visit: driver.Visitor) -> None:
    page = visit("/methods?methods.show=Gradient&methods.show=Guided+backpropagation&methods.show=Grad-CAM")
    for key in ("gradient", "guided", "gradcam"):
        expect(card(page, key).get_by_role("img")).to_have_count(2)
        expect(card(page, key)).to_contain_text("ρ with its twin")
    expect(page.get_by_text("Whose map does not change with the weights?")).to_be_visible()
    expect(page.get_by_test_id("stMain")).to_contain_text(
        re.compile(r"hardly change:.*Guided backpropagation")
    )
    assert driver.accessibility(page) == []


def test_the_twin_slider_changes_the_twin(visit: driver.Visitor) -> None:
    page = visit(f"/methods?{SMALL}&methods.show=Gradient")
    twin = card(page, "gradient").get_by_role("img").nth(1)
    before = twin.get_attribute("src")
    slider = page.get_by_role("group", name="Twin: layers drawn anew").locator("input")
    slider.focus()
    slider.press("End")
    expect(page).to_have_url(re.compile("methods.twin=all"))
    expect(twin).not_to_have_attribute("src", before or "")
    slider.press("Home")
    expect(card(page, "gradient").get_by_role("img")).to_have_count(1)


def test_a_transformer_has_badges(visit: driver.Visitor) -> None:
    page = visit("/methods?methods.net=vit_classroom&methods.twin=no+twin")
    for key in ("deconvnet", "guided", "guided_gradcam"):
        expect(card(page, key)).to_contain_text("Not defined for this network")
        expect(card(page, key)).to_contain_text("GELU")
        expect(card(page, key).get_by_role("img")).to_have_count(0)
    expect(card(page, "gradient").get_by_role("img")).to_have_count(1)


def test_a_slow_map_shows_how_far_it_is_and_can_be_cancelled(visit: driver.Visitor) -> None:
    page = visit("/methods?methods.show=RISE&methods.twin=no+twin")
    slow = card(page, "rise")
    slow.get_by_role("button", name="Compute").click()
    expect(slow.get_by_role("progressbar")).to_be_visible()
    expect(slow).to_contain_text(re.compile(r"Map: \d+%"))
    slow.get_by_role("button", name="Cancel").click()
    expect(slow.get_by_role("button", name="Compute")).to_be_visible()
    expect(slow.get_by_role("progressbar")).to_have_count(0)


def test_scores_come_one_by_one_on_a_phone(visit: driver.Visitor) -> None:
    page = visit(f"/methods?{SMALL}&methods.show=Grad-CAM&methods.scores=true", size=driver.PHONE, dark=True)
    expect(card(page, "gradcam")).to_contain_text(re.compile(r"insertion 0\.\d\d − deletion 0\.\d\d"))
    expect(card(page, "random")).to_contain_text("insertion")
    expect(card(page, "gradcam")).to_contain_text("ρ with occlusion")
    main = page.get_by_test_id("stMain")
    assert main.evaluate("m => m.scrollWidth <= m.clientWidth")
    assert driver.accessibility(page) == []


def test_a_link_restores_the_view(visit: driver.Visitor) -> None:
    page = visit(
        f"/methods?{SMALL}&methods.show=Gradient&methods.show=Grad-CAM&methods.twin=all&methods.photo=cup"
    )
    expect(card(page, "gradcam").get_by_role("img")).to_have_count(2)
    maps = card(page, "gradcam").get_by_role("img")
    before = [maps.nth(at).get_attribute("src") for at in range(2)]
    page.reload()
    expect(card(page, "gradcam").get_by_role("img")).to_have_count(2)
    assert [maps.nth(at).get_attribute("src") for at in range(2)] == before
    expect(card(page, "guided")).to_have_count(0)
    slider = page.get_by_role("group", name="Twin: layers drawn anew")
    expect(slider).to_contain_text("all")
