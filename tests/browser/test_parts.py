"""Parts and ablations in a real browser: marks by pointer and by keyboard, links, files, phone and dark."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser import driver

SMALL = "/parts?parts.net=lenet_classroom,weights:shipped:lenet_shapes"
COMPARED = re.compile(r"(less than|no less than) random ones: ")


def mark(page: Page, name: str, picture: int) -> Locator:
    return page.get_by_role("button", name=re.compile(rf"^{name} on Arrow {picture}: "))


def done(page: Page) -> list[str]:
    expect(page.get_by_text(COMPARED)).to_have_count(2)
    driver.settled(page)
    return page.get_by_text(COMPARED).all_inner_texts()


def test_it_opens_on_a_ready_example(visit: driver.Visitor) -> None:
    page = visit("/parts")
    done(page)
    expect(page.locator(".part-marks .mark")).to_have_count(15)
    expect(page.get_by_role("region", name="Table 3")).to_contain_text("71.3 %")
    assert driver.accessibility(page) == []


def test_marks_move_by_pointer_and_keyboard_and_stand_in_the_link(visit: driver.Visitor) -> None:
    page = visit(SMALL)
    before = done(page)
    tip = mark(page, "tip", 1)
    view = page.locator(".part-marks .view").first.bounding_box()
    box = tip.bounding_box()
    assert view
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(view["x"] + 5, view["y"] + 5, steps=4)
    page.mouse.up()
    expect(tip).to_have_attribute("aria-label", re.compile("10 % across, 10 % down"))  # whole, inside
    expect(page).to_have_url(re.compile(r"parts\.marks=shapes.*100\.100"))
    tip.press("ArrowRight")
    tip.press("Shift+ArrowDown")
    expect(tip).to_have_attribute("aria-label", re.compile("11 % across, 15 % down"))
    expect(page).to_have_url(re.compile(r"parts\.marks=shapes.*110\.150"))
    after = done(page)
    assert after != before
    again = visit(page.url.removeprefix(page.url.split("/parts")[0]))
    assert done(again) == after
    expect(mark(again, "tip", 1)).to_have_attribute("aria-label", re.compile("11 % across, 15 % down"))
    again.get_by_role("button", name="Put them back").click()
    expect(again).not_to_have_url(re.compile(r"parts\.marks"))
    expect(mark(again, "tip", 1)).not_to_have_attribute("aria-label", re.compile("11 % across"))
    assert done(again) == before


def test_files_to_take_away(visit: driver.Visitor) -> None:
    page = visit(SMALL)
    done(page)
    for name, ending in (
        ("Numbers (CSV)", "csv"),
        ("Pictures and numbers (PNG)", "png"),
        ("One page", "pdf"),
    ):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        assert download.value.suggested_filename == f"zoolens-parts-lenet_classroom.{ending}"


def test_a_link_to_the_race(visit: driver.Visitor) -> None:
    page = visit(SMALL)
    page.get_by_role("link", name="Race: ZFNet without some of its layers").click()
    expect(page.get_by_role("heading", name="Race", exact=True)).to_be_visible()
    expect(page.get_by_text("What does it need?")).to_be_visible()


def test_a_phone_in_the_dark(visit: driver.Visitor) -> None:
    page = visit(SMALL, size=driver.PHONE, dark=True)
    done(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("m => m.scrollWidth <= m.clientWidth")
    assert driver.accessibility(page) == []
