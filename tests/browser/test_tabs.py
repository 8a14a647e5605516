"""Two tabs of one browser: each keeps its own picture, settings and work, whatever is done in the other."""

import re

from playwright.sync_api import Page, expect

from tests.browser import driver

NET = "resnet_classroom,weights:shipped:resnet_shapes"
# Thousands of places, EfficientNet-Lite0. The picture is no other test's: readers share what was begun.
LONG = "/occlusion?occlusion.photo=astronaut&occlusion.size=1/10&occlusion.stride=1/8"


def beside(page: Page, path: str) -> Page:
    """A second tab of the same browser: cookies and storage are shared."""
    tab = page.context.new_page()
    tab.goto(re.sub(r"(?<=\d)/.*", "", page.url) + path)
    driver.settled(tab)
    return tab


def checked(page: Page, photo: str) -> None:
    expect(page.get_by_role("radio", name=photo, exact=True)).to_be_checked()


def finished(page: Page) -> None:
    expect(page.get_by_text(re.compile(r"\d+ places in "))).to_be_visible()
    driver.settled(page)


def test_occlusion(visit: driver.Visitor) -> None:
    one = visit(f"/occlusion?occlusion.net={NET}&occlusion.fill=Black&occlusion.stride=1")
    two = beside(one, f"/occlusion?occlusion.net={NET}&occlusion.photo=rocket")
    finished(one)
    across = one.get_by_role("slider", name="Across", exact=True)
    across.press("Home")
    expect(one).to_have_url(re.compile(r"occlusion\.square=\d+\.0(&|$)"))
    finished(two)
    two.get_by_role("radio", name="Cup", exact=True).click()
    two.get_by_role("radio", name="Noise", exact=True).click()
    expect(two).to_have_url(re.compile(r"occlusion\.fill=Noise"))
    finished(two)
    for _ in range(2):
        finished(one)
        checked(one, "Cat")
        checked(one, "Black")
        expect(across).to_have_value("0")
        one.reload()
    checked(two, "Cup")
    checked(two, "Noise")
    expect(two.get_by_role("slider", name="Across", exact=True)).not_to_have_value("0")
    assert "square" not in two.url


def test_work_in_one_tab_goes_on_while_the_other_is_used(visit: driver.Visitor) -> None:
    one = visit(LONG)
    one.get_by_role("button", name="Start", exact=True).click()
    cancel = one.get_by_role("button", name="Cancel", exact=True)
    expect(cancel).to_be_visible()
    two = beside(one, f"/occlusion?occlusion.net={NET}&occlusion.photo=cup")
    finished(two)
    two.get_by_role("radio", name="Cat", exact=True).click()
    finished(two)
    two.close()
    expect(one.get_by_text(re.compile(r"of \d+ places, about .* left"))).to_be_visible()
    cancel.click()
    expect(one.get_by_text(re.compile(r"Stopped at [1-9]\d*% of \d+ places"))).to_be_visible()


def test_cam(visit: driver.Visitor) -> None:
    one = visit(f"/cam?cam.net={NET}&cam.photo=cup&cam.method=HiResCAM")
    two = beside(one, f"/cam?cam.net={NET}&cam.photo=rocket&cam.look=Raw+cells")
    maps = [page.locator(".zl-plates img").first for page in (one, two)]
    expect(maps[0]).to_have_attribute("alt", re.compile("^HiResCAM"))
    expect(maps[1]).to_have_attribute("alt", re.compile("^Grad-CAM"))
    before = maps[0].get_attribute("src")
    two.get_by_role("radio", name="Astronaut", exact=True).click()
    one.get_by_role("radio", name="For and against", exact=True).click()
    two.get_by_role("radio", name="Contour and box", exact=True).click()
    expect(two).to_have_url(re.compile(r"cam\.photo=astronaut"))
    expect(one).to_have_url(re.compile(r"cam\.half="))
    for page in (one, two):
        driver.settled(page)
        page.reload()
        driver.settled(page)
    checked(one, "Cup")
    checked(one, "Overlay")
    checked(one, "For and against")
    checked(two, "Astronaut")
    checked(two, "Contour and box")
    checked(two, "For the class")
    expect(maps[0]).to_have_attribute("alt", re.compile("^HiResCAM"))
    expect(maps[1]).to_have_attribute("alt", re.compile("^Grad-CAM"))
    assert maps[0].get_attribute("src") != before
