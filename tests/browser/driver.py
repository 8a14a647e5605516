"""Zoolens in a real browser: start the app, find Chromium, open a page and know when it stands still.

The browser tests use this, and so do the benchmarks that measure drawing and the script that takes the
README's pictures.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Route, expect

ROOT = Path(__file__).parents[2]
DESKTOP = (1440, 900)
PHONE = (390, 844)
LOOKS = {"desktop-light": (DESKTOP, False), "phone-dark": (PHONE, True)}  # each size and each theme, once
NO_CHROMIUM = (
    "no Chromium found: `apt-get install chromium` or `playwright install chromium`, "
    "or set ZOOLENS_CHROMIUM to the path of one"
)

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = [
    "--no-sandbox",  # which root and many containers cannot have; nothing but the app is opened
    "--disable-gpu",
    "--disable-background-networking",  # the rest: no calls home while the tests watch the network
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]
_processes: dict[str, subprocess.Popen[bytes]] = {}  # of the servers, by their addresses
_IN_NAVIGATION = "s => document.querySelector(s).closest('[data-testid=stSidebarNav]') !== null"


def chromium(playwright: Playwright) -> Path | None:
    """The browser to use: ZOOLENS_CHROMIUM, else one on the PATH, else Playwright's own, else None."""
    named = os.environ.get("ZOOLENS_CHROMIUM")
    if named:
        return Path(named)
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    path = Path(found or playwright.chromium.executable_path)
    return path if path.exists() else None


def launch(playwright: Playwright, path: Path) -> Browser:
    return playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)


@contextmanager
def serving(script: str = "app.py", written: Path | None = None, /, **variables: str) -> Iterator[str]:
    """The app in a process of its own, on a free port; gives its address. Fresh: no page was visited yet.

    Runs and data sets go to a folder that lasts as long, unless `variables` of the environment say otherwise.
    `written`: a file for what the server writes.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.headless=true"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1"]
    with (
        written.open("w+b") if written else tempfile.TemporaryFile() as log,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,  # a run may still be writing
    ):
        own = {"OMP_NUM_THREADS": "1", "ZOOLENS_RUNS": f"{folder}/runs", "ZOOLENS_DATA": f"{folder}/data"}
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | own | variables,
        )
        base = f"http://127.0.0.1:{port}"
        _processes[base] = process
        try:
            if not _answers(process, base):
                log.seek(0)
                raise RuntimeError(f"the app did not start:\n{log.read().decode(errors='replace')}")
            yield base
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def kill(base: str) -> None:
    """End a server of `serving` as a crash does."""
    _processes[base].kill()
    _processes[base].wait()


def _answers(process: subprocess.Popen[bytes], base: str) -> bool:
    deadline = time.monotonic() + 180  # it imports torch first, beside whatever else the machine is doing
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"{base}/_stcore/health", timeout=5):
            return True
        time.sleep(0.1)
    return False


def settled(page: Page) -> None:
    """Wait until the script has run, everything it sent is drawn, and nothing waits for the server."""
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-connection-state", "CONNECTED")
    expect(app).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def follow(page: Page, section: str, title: str) -> None:
    """Go to another page by the menu of its section."""
    menus = page.get_by_test_id("stTopNav")
    menus.get_by_role("button", name=section, exact=True).click()
    page.get_by_role("menuitem", name=title, exact=True).click()


class Visitor:
    """Opens pages of one app and remembers what went wrong in any of them."""

    def __init__(self, browser: Browser, base: str) -> None:
        self.complaints: list[str] = []
        self.base = base
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    def __call__(self, path: str = "/", *, dark: bool = False, size: tuple[int, int] = DESKTOP) -> Page:
        """A settled page in a window that shares nothing with any other."""
        page = self.window(dark=dark, size=size)
        page.goto(self.base + path)
        settled(page)
        return page

    def window(self, *, dark: bool = False, size: tuple[int, int] = DESKTOP) -> Page:
        """Such a window with nothing in it yet."""
        context = self._browser.new_context(
            color_scheme="dark" if dark else "light",
            viewport={"width": size[0], "height": size[1]},
        )
        self._contexts.append(context)
        context.route(lambda url: not url.startswith((self.base, "data:", "blob:")), self._refuse)
        context.on("console", self._listen)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"error in the page: {error}"))
        return page

    def close(self) -> None:
        """Close all windows; AssertionError if anything went wrong in one of them."""
        for context in self._contexts:
            for page in context.pages:
                shown = page.get_by_test_id("stException").all_inner_texts()
                self.complaints += [f"exception on {page.url}: {text}" for text in shown]
            context.close()
        assert not self.complaints, "\n".join(self.complaints)

    def _refuse(self, route: Route) -> None:
        self.complaints.append(f"request to another host: {route.request.url}")
        route.abort()

    def _listen(self, message: ConsoleMessage) -> None:
        # Opened at /inspect, Streamlit first asks /inspect/_stcore/... whether the app is served from there.
        probe = "/_stcore/" in message.location["url"] and "404" in message.text
        if message.type == "error" and not probe:
            self.complaints.append(f"error on the console: {message.text} ({message.location['url']})")


def accessibility(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page, an entry for each element."""
    found = []
    for violation in Axe().run(page).response["violations"]:
        if violation["impact"] not in ("serious", "critical"):
            continue
        for node in violation["nodes"]:
            # Streamlit puts a section's title between <ul> and its <li>, which no app can change.
            if violation["id"] in ("list", "listitem") and page.evaluate(_IN_NAVIGATION, node["target"][0]):
                continue
            found.append(f"{violation['id']}: {node['failureSummary']} {node['html'][:200]}")
    return found
