"""The presenter's page in a real browser: by keyboard, and moving by itself."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import driver

KEY = "chalk and blackboard"


def give(page: Page, key: str) -> None:
    field = page.get_by_role("textbox", name="Presenter's key")
    field.fill(key)
    field.press("Enter")


def windows(page: Page) -> str:
    return (
        page.get_by_test_id("stMetric")
        .filter(has_text="Windows")
        .get_by_test_id("stMetricValue")
        .inner_text()
    )


@pytest.mark.slow
def test_the_presenter_sees_what_comes_and_frees_the_caches(browser: Browser) -> None:
    with driver.serving(ZOOLENS_PRESENTER_KEY=KEY) as base:
        visitor = driver.Visitor(browser, base)
        page = visitor("/admin", dark=True, size=driver.PHONE)
        give(page, "a wrong key")
        expect(page.get_by_test_id("stAlert")).to_contain_text("That is not the key.")
        expect(page.get_by_test_id("stMetric")).to_have_count(0)
        assert "key" not in page.url.partition("?")[2]
        give(page, KEY)
        expect(page.get_by_role("heading", name="Runs")).to_be_visible()
        assert driver.accessibility(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= driver.PHONE[0]
        assert windows(page) == "1"

        visitor("/proof")  # another reader
        while windows(page) != "2":  # at the latest when the page looks again
            page.wait_for_timeout(100)
        page.get_by_role("button", name="Free caches").press("Enter")
        page.get_by_role("button", name="Free them now").press("Enter")
        driver.settled(page)

        page.get_by_role("button", name="Leave").press("Enter")
        expect(page.get_by_role("textbox", name="Presenter's key")).to_be_visible()
        expect(page.get_by_test_id("stMetric")).to_have_count(0)
        visitor.close()
