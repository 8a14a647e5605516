"""One browser and one running app for all tests of a process, and a window of its own for every visit."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import driver

expect.set_options(timeout=60_000)  # a first visit imports torch, beside whatever else the machine is doing


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = driver.chromium(playwright)
        if path is None:
            pytest.skip(driver.NO_CHROMIUM)
        browser = driver.launch(playwright, path)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of the app that all tests share. A first visit needs its own: `driver.serving`."""
    with driver.serving() as base:
        yield base


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[driver.Visitor]:
    """Opens pages of the app: `visit("/inspect?variant=resnet50")`.

    Afterwards the test fails if a page asked another host for anything, wrote an error on the console or
    showed an exception.
    """
    visitor = driver.Visitor(browser, server)
    yield visitor
    visitor.close()
