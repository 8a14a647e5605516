"""Compare in a real browser: presets, one selection in all graphs, links, and addresses that are wrong."""

import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.browser import driver


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def node(page: Page, graph: int, id: str) -> Locator:
    return page.locator(".layer-graph").nth(graph).locator(f'.canvas [data-id="{id}"]')


def test_a_choice_in_one_graph_selects_in_the_others(visit: driver.Visitor) -> None:
    page = visit("/compare?nets=resnet50;resnext50_32x4d")
    conv = node(page, 0, "stem.conv1")
    expect(conv).to_have_attribute("aria-label", re.compile("Conv 7×7 /2, convolution.*, same$"))
    conv.dispatch_event("click")
    expect(node(page, 1, "stem.conv1")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("cell", name="stem.conv1")).to_have_count(2)
    driver.settled(page)
    assert query(page)["layer"] == "0:stem.conv1"

    node(page, 1, "head").dispatch_event("click")
    expect(node(page, 0, "head")).to_have_attribute("aria-selected", "true")
    expect(node(page, 0, "stem.conv1")).to_have_attribute("aria-selected", "false")
    driver.settled(page)
    assert query(page)["layer"] == "1:head"
    page.go_back()
    expect(node(page, 1, "stem.conv1")).to_have_attribute("aria-selected", "true")


def test_a_link_opens_the_blocks_around_what_it_selects(visit: driver.Visitor) -> None:
    page = visit("/compare?nets=resnet50;resnext50_32x4d&layer=0:stages.1.0.conv2&count=macs&depth=share")
    for graph in (0, 1):
        found = node(page, graph, "stages.1.0.conv2")
        expect(found).to_have_attribute("aria-selected", "true")
        expect(found).to_have_attribute("aria-label", re.compile("changed"))
        expect(found).to_be_visible()
    expect(page.get_by_text("128×128×3×3")).to_be_visible()
    expect(page.get_by_text("MACs by resolution")).to_be_visible()
    expect(page.get_by_text("Share of the network's depth")).to_be_visible()


def test_presets_places_and_a_second_window(visit: driver.Visitor) -> None:
    page = visit("/compare")
    page.get_by_role("radio", name="ViT-B/16 / Swin-T", exact=True).click()
    expect(page.get_by_role("columnheader", name="Swin-T").first).to_be_visible()
    driver.settled(page)
    assert query(page) == {"nets": "vit_b_16;swin_t"}
    page.get_by_role("button", name="Swap").click()
    expect(page.locator(".layer-graph svg[role=tree]").first).to_have_attribute(
        "aria-label", "Layers of Swin-T"
    )
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".layer-graph")).to_have_count(3)
    page.get_by_role("radio", name="LaTeX").click()
    expect(page.get_by_text("\\begin{tabular}").first).to_be_visible()
    driver.settled(page)
    assert query(page) == {"nets": "swin_t;vit_b_16;resnet50", "format": "latex"}

    other = visit(page.url.removeprefix(page.evaluate("location.origin")))
    expect(other.locator(".layer-graph")).to_have_count(3)
    expect(other.get_by_text("\\begin{tabular}").first).to_be_visible()


def test_turning_a_knob(visit: driver.Visitor) -> None:
    page = visit("/compare?nets=densenet121;resnet50")
    page.get_by_role("button", name="Swap").click()
    expect(page.locator(".layer-graph svg[role=tree]").first).to_have_attribute(
        "aria-label", "Layers of ResNet-50"
    )
    page.get_by_role("button", name="Turn").first.click()
    slider = page.get_by_role("group", name="Depths 3", exact=True).locator("input")
    expect(slider).to_have_attribute("aria-valuetext", "6")
    slider.focus()
    slider.press("ArrowLeft")
    expect(page.get_by_role("columnheader", name="ResNet-50, depths.2 5").first).to_be_visible()
    driver.settled(page)
    assert query(page) == {"nets": "resnet50,depths.2:5;densenet121"}


def test_wrong_addresses(visit: driver.Visitor) -> None:
    page = visit("/compare?nets=vgg166;resnet34")
    expect(page.get_by_text("Did you mean vgg16?")).to_be_visible()
    page.get_by_role("button", name="Show VGG-16 (D) and ResNet-34").click()
    expect(page.locator(".layer-graph")).to_have_count(2)
    page = visit("/compare?nets=vgg16;resnet34&layer=0:stages.77")
    expect(page.get_by_text("has no part called")).to_be_visible()


def test_on_a_phone_and_for_everybody(visit: driver.Visitor) -> None:
    page = visit("/compare?nets=vgg16;resnet34&layer=0:head", size=driver.PHONE)
    expect(page.locator(".layer-graph")).to_have_count(2)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    for dark in (False, True):
        page = visit("/compare?nets=plain34;resnet34&layer=1:stages.1.0", dark=dark)
        expect(node(page, 1, "stages.1.0")).to_have_attribute("aria-selected", "true")
        assert not driver.accessibility(page)
