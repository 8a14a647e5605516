"""The shell in a real browser: addresses, first visits, themes, contrast."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser import driver
from zoo import FAMILIES

PAGES = sorted(path.stem for path in (driver.ROOT / "pages").glob("*.py") if path.stem != "admin")
ADDRESSES = [
    "/", "/inspect", "/proof", "/bottleneck", "/compare", "/ladders", "/scaling", "/operators",
    "/train", "/data", "/race", "/replay",
]  # fmt: skip


def test_link_to_a_page_on_a_fresh_server(browser: Browser) -> None:
    """The very first request names a page: it finds app.py's settings and sections, and keeps its query."""
    with driver.serving() as base:
        visitor = driver.Visitor(browser, base)
        page = visitor("/inspect?variant=resnet50")
        expect(page).to_have_title("Inspect – Zoolens")
        sections = page.get_by_test_id("stTopNav").get_by_role("button")
        expect(sections.filter(has_text="Architectures")).to_have_css("font-weight", "600")
        expect(sections.filter(has_text="Training")).to_have_css("font-weight", "400")
        expect(page).to_have_url(f"{base}/inspect?variant=resnet50")
        visitor.close()


def test_the_front_page_is_the_gallery(visit: driver.Visitor) -> None:
    page = visit("/")
    expect(page).to_have_title("Gallery – Zoolens")
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()  # there is nothing in it
    driver.follow(page, "Architectures", "Inspect")
    expect(page).to_have_title("Inspect – Zoolens")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Inspect")
    expect(page.get_by_test_id("stSidebar")).to_be_visible()


def topics(links: Locator) -> list[str]:
    """Where links to pages lead, in alphabetical order."""
    found = links.evaluate_all("links => links.map(link => new URL(link.href).pathname.slice(1))")
    return sorted(topic or "gallery" for topic in found)


def test_the_menus_hold_every_page(visit: driver.Visitor) -> None:
    page = visit("/scaling", size=(1024, 768))
    found = []
    for menu in page.get_by_test_id("stTopNavSection").all():
        menu.click()
        expect(page.get_by_role("menu")).to_be_visible()
        found += topics(page.get_by_role("menuitem"))
        page.keyboard.press("Escape")
        expect(page.get_by_role("menu")).to_have_count(0)
    assert sorted(found) == PAGES


def test_the_menus_by_keyboard(visit: driver.Visitor) -> None:
    page = visit("/proof")
    menu = page.get_by_role("button", name="Side by side")
    for _ in range(12):
        page.keyboard.press("Tab")
        if menu.evaluate("menu => menu === document.activeElement"):
            break
    expect(menu).to_be_focused()
    expect(menu).to_have_css("outline-style", "solid")
    expect(menu).to_have_css("outline-width", "3px")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Compare")).to_have_css("outline-width", "3px")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Compare – Zoolens")


def test_a_phone_lists_every_page_beside_the_pickers(visit: driver.Visitor) -> None:
    page = visit("/cam", size=driver.PHONE)
    page.get_by_test_id("stExpandSidebarButton").click()
    links = page.get_by_test_id("stSidebarNav").get_by_role("link")
    expect(links.filter(has_text="Gallery")).to_be_visible()
    assert topics(links) == PAGES
    expect(page.get_by_test_id("stSidebar").get_by_role("combobox", name="Network")).to_be_in_viewport()
    links.filter(has_text="Compare").click()
    expect(page).to_have_title("Compare – Zoolens")


def test_the_front_page_by_its_name(visit: driver.Visitor) -> None:
    visit("/")
    page = visit("/gallery?gallery.kind=mobile")
    expect(page).to_have_title("Gallery – Zoolens")
    mobile = [family for family in FAMILIES.values() if family.kind == "mobile"]
    expect(page.locator(".zl-card")).to_have_count(len(mobile))
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_address_without_a_page(visit: driver.Visitor) -> None:
    visit("/")
    page = visit("/inspekt")
    expect(page.get_by_test_id("stAlert")).to_contain_text("Did you mean inspect?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_test_id("stMain").get_by_role("link", name="Inspect").click()
    expect(page).to_have_url(re.compile(r"/inspect$"))
    expect(page).to_have_title("Inspect – Zoolens")


@pytest.fixture(scope="module")
def palette() -> Iterator[str]:
    with driver.serving("tests/browser/palette.py") as base:
        yield base


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_kind_of_text_can_be_read(browser: Browser, palette: str, dark: bool) -> None:
    """A contrast of at least 4.5:1 wherever Streamlit or the theme chooses the colours."""
    visitor = driver.Visitor(browser, palette)
    assert driver.accessibility(visitor("/", dark=dark, size=(1440, 2400))) == []
    visitor.close()


@pytest.mark.parametrize(("size", "dark"), driver.LOOKS.values(), ids=driver.LOOKS)
@pytest.mark.parametrize("path", ADDRESSES)
def test_nothing_serious_for_accessibility_and_nothing_scrolls_sideways(
    visit: driver.Visitor, path: str, size: tuple[int, int], dark: bool
) -> None:
    page = visit(path, size=size, dark=dark)
    assert driver.accessibility(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_a_request_to_another_host_is_noticed(browser: Browser, server: str) -> None:
    visitor = driver.Visitor(browser, server)
    visitor("/").evaluate("fetch('https://example.org/font.woff2').catch(() => null)")
    with pytest.raises(AssertionError, match=r"another host: https://example\.org"):
        visitor.close()


def test_an_error_on_the_console_is_noticed(browser: Browser, server: str) -> None:
    visitor = driver.Visitor(browser, server)
    visitor("/").evaluate("console.error('lost')")
    with pytest.raises(AssertionError, match="lost"):
        visitor.close()
