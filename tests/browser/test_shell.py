"""The shell in a real browser: addresses, first visits, themes, contrast."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import driver
from zoo import FAMILIES

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
        expect(page.get_by_test_id("stNavSectionHeader")).to_have_count(3)
        expect(page.get_by_test_id("stSidebarNav").get_by_role("link", name="Gallery")).to_be_visible()
        expect(page).to_have_url(f"{base}/inspect?variant=resnet50")
        visitor.close()


def test_the_front_page_is_the_gallery(visit: driver.Visitor) -> None:
    page = visit("/")
    expect(page).to_have_title("Gallery – Zoolens")
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Inspect").click()
    expect(page).to_have_title("Inspect – Zoolens")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Inspect")


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


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("path", ADDRESSES)
def test_nothing_serious_for_accessibility(visit: driver.Visitor, path: str, dark: bool) -> None:
    assert driver.accessibility(visit(path, dark=dark)) == []


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_phone_does_not_scroll_sideways(visit: driver.Visitor, path: str) -> None:
    page = visit(path, size=driver.PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= driver.PHONE[0]


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
