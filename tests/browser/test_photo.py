"""Choosing a picture in a real browser: samples, files, broken ones, the camera, data sets; by keyboard."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser import driver

NET = "cam.net=lenet_classroom,weights:shipped:lenet_shapes"  # which answers at once


def named(page: Page, words: str) -> Locator:
    """A picture of the sidebar."""
    return page.get_by_test_id("stSidebar").get_by_role("img", name=words, exact=True)


def drawing(name: str) -> FilePayload:
    content = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(content, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": content.getvalue()}


def test_a_sample_by_keyboard_and_back_again(visit: driver.Visitor) -> None:
    page = visit(f"/cam?{NET}")
    cat, cup = (page.get_by_role("radio", name=name, exact=True) for name in ("Cat", "Cup"))
    expect(cat).to_be_checked()
    for _ in range(12):
        page.keyboard.press("Tab")
        if cat.evaluate("button => button === document.activeElement"):
            break
    expect(cat).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(cup).to_be_focused()
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile(r"cam\.photo=cup"))
    expect(cup).to_be_checked()
    driver.settled(page)
    page.go_back()
    expect(cat).to_be_checked()


def test_a_file_of_ones_own_and_one_that_is_broken(visit: driver.Visitor) -> None:
    page = visit(f"/cam?{NET}")
    page.get_by_role("radio", name="Mine").click()
    expect(page).to_have_url(re.compile(r"cam\.photo=upload"))
    chooser = page.get_by_test_id("stFileUploaderDropzoneInput")
    chooser.set_input_files(drawing("holiday.png"))
    expect(named(page, "holiday.png")).to_be_visible()
    chooser.set_input_files({"name": "cat.jpg", "mimeType": "image/jpeg", "buffer": b"no picture at all"})
    warning = page.get_by_test_id("stSidebar").get_by_test_id("stAlert")
    expect(warning).to_contain_text("For now the page shows the cat.")
    page.get_by_role("radio", name="Samples").click()
    expect(page.get_by_role("radio", name="Cat", exact=True)).to_be_checked()
    expect(warning).to_have_count(0)


def test_the_camera_waits_until_it_is_asked_for(visit: driver.Visitor) -> None:
    page = visit(f"/cam?{NET}&cam.photo=upload")
    expect(page.get_by_test_id("stCameraInput")).to_have_count(0)
    page.get_by_role("radio", name="Camera").click()
    expect(page).to_have_url(re.compile(r"cam\.photo=camera"))
    expect(page.get_by_test_id("stCameraInput")).to_be_visible()


def test_an_item_of_a_data_set_and_its_link(visit: driver.Visitor) -> None:
    page = visit(f"/cam?{NET}")
    page.get_by_role("radio", name="Data set").click()
    box = page.get_by_role("combobox", name="Class", exact=True)
    box.click()
    page.get_by_role("option", name="ring", exact=True).click()
    expect(named(page, "Shapes, ring, 1")).to_be_visible()
    number = page.get_by_role("spinbutton", name="Number")
    number.fill("7")
    number.press("Enter")
    expect(named(page, "Shapes, ring, 7")).to_be_visible()
    driver.settled(page)
    again = visit(page.url.removeprefix(page.url.partition("/cam")[0]))
    expect(named(again, "Shapes, ring, 7")).to_be_visible()
    expect(again.get_by_role("spinbutton", name="Number")).to_have_value("7")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("photo", ["upload", "camera", "shapes:3:5"])
def test_everybody_can_use_it_on_a_phone(visit: driver.Visitor, photo: str, dark: bool) -> None:
    page = visit(f"/cam?{NET}&cam.photo={photo}", dark=dark, size=driver.PHONE)
    page.get_by_test_id("stExpandSidebarButton").click()
    expect(page.get_by_role("radio", name="Samples")).to_be_visible()
    assert driver.accessibility(page) == []
    sidebar = page.get_by_test_id("stSidebarContent")
    assert sidebar.evaluate("bar => bar.scrollWidth <= bar.clientWidth")


@pytest.mark.parametrize("path", ["/cam", "/occlusion"])
def test_nobody_is_too_quick_for_it(visit: driver.Visitor, path: str) -> None:
    """Samples switched faster than the page can follow: the last one is shown, and everything is there."""
    page = visit(f"{path}?{NET.replace('cam.', path[1:] + '.')}")
    order = ["Cup", "Rocket", "Cat", "Cameraman", "Astronaut", "Cup", "Cat", "Rocket", "Cup", "Cameraman"]
    for name in [*order, *order, "Cup"]:
        page.get_by_role("radio", name=name, exact=True).click()
        page.wait_for_timeout(60)
    expect(page).to_have_url(re.compile(rf"{path[1:]}\.photo=cup"))
    driver.settled(page)
    expect(page.get_by_role("radio", name="Cup", exact=True)).to_be_checked()
    for name in order:
        expect(page.get_by_role("radio", name=name, exact=True)).to_be_visible()
