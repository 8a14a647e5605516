"""One picture, many networks, and the other way round, in a real browser: choosing, links, phone and dark."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser import driver

LENET = "lenet_classroom,weights:shipped:lenet_shapes"
RESNET = "resnet_classroom,weights:shipped:resnet_shapes"
TWO = f"/many?many.nets={LENET};{RESNET}&many.photo=shapes:4:2"


def card(page: Page, name: str) -> Locator:
    return page.locator(".zl-many article").filter(has=page.get_by_role("heading", name=name))


def finished(page: Page, count: int) -> None:
    """All networks have answered, and all squares were tried."""
    expect(page.locator(".zl-many article")).to_have_count(count)
    expect(page.locator(".zl-many").get_by_text("Without the square")).to_have_count(count)
    driver.settled(page)


def test_networks_are_chosen_from_the_list_and_stand_in_the_link(visit: driver.Visitor) -> None:
    page = visit(TWO)
    finished(page, 2)
    before = card(page, "ResNet").locator("ol").inner_text()
    chosen = page.get_by_test_id("stMultiSelect")
    chosen.get_by_role("button", name=re.compile("Remove LeNet")).click()
    finished(page, 1)
    expect(page).to_have_url(re.compile(r"many\.nets=resnet_classroom[^;]*(&|$)"))
    chosen.get_by_role("combobox").fill("VGG")
    page.get_by_role("option", name=re.compile("VGG")).first.click()
    page.keyboard.press("Escape")
    finished(page, 2)
    expect(page).to_have_url(re.compile(r"many\.nets=resnet_classroom.*vgg_classroom"))
    again = visit(page.url.removeprefix(page.url.split("/many")[0]))
    finished(again, 2)
    assert card(again, "ResNet").locator("ol").inner_text() == before
    expect(card(again, "VGG")).to_be_visible()


def test_a_card_leads_to_the_maps_of_its_network_on_the_same_picture(visit: driver.Visitor) -> None:
    page = visit(TWO)
    finished(page, 2)
    card(page, "ResNet").get_by_role("link", name="Its maps").click()
    expect(page.get_by_role("heading", name="Class-activation maps")).to_be_visible()
    expect(page).to_have_url(re.compile(r"cam\.net=resnet_classroom.*cam\.photo=shapes"))


def test_answers_and_agreement_to_take_away(visit: driver.Visitor) -> None:
    page = visit(TWO)
    finished(page, 2)
    expect(page.get_by_role("heading", name="Do they look at the same places?")).to_be_visible()
    for name, file in (("Answers as CSV", "zoolens-many-shapes-4-2.csv"), ("Maps as PNG", ".png")):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        assert download.value.suggested_filename.endswith(file)
    assert driver.accessibility(page) == []


def test_a_sheet_of_pictures_fills_and_is_scored_in_the_dark(visit: driver.Visitor) -> None:
    page = visit(
        f"/many?many.view=One+network,+many+pictures&many.net={RESNET}&many.source=Shapes&many.count=8",
        dark=True,
    )
    expect(page.get_by_text(re.compile(r"^\d of 8 right"))).to_be_visible()
    expect(page.locator(".zl-many-sheet img")).to_have_count(8)
    driver.settled(page)
    assert driver.accessibility(page) == []


def test_a_phone(visit: driver.Visitor) -> None:
    page = visit(TWO, size=driver.PHONE)
    finished(page, 2)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("m => m.scrollWidth <= m.clientWidth")
    assert driver.accessibility(page) == []


def test_a_network_that_is_not_there_is_said_and_the_others_answer(visit: driver.Visitor) -> None:
    page = visit(f"/many?many.nets=nothing_net;{LENET}&many.photo=shapes:4:2")
    finished(page, 1)
    expect(page.get_by_role("alert").first).to_contain_text("nothing_net")
