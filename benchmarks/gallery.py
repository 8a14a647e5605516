"""The Gallery in Chromium: does it open as fast with all families as with the first fourteen?

    python -m benchmarks.gallery

The same app is served twice, once with a zoo of fourteen families only. "first" is the very first visit to a
fresh server, which imports torch for it; "later" is the median of visits by a browser that has the app's
scripts in its cache, the two servers taking turns. Both count from the request to the moment when every card
and every point of the timeline is in the page. "search" is from a letter typed
into the search to the cards that it leaves. "received" is what the server sends for one visit, scripts aside.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, expect, sync_playwright

import zoo
from tests.browser import driver

FIRST = (
    "lenet", "alexnet", "zfnet", "nin", "vgg", "googlenet", "resnet",
    "resnext", "densenet", "mobilenet_v2", "vit", "swin", "swin_v2", "convnext",
)  # fmt: skip
VISITS = 5

# How many points there are once every card is in the page, which is looked for before each frame.
DRAWN = """cards => {
    const points = document.querySelectorAll(".js-plotly-plot .scatterlayer .point").length;
    return document.querySelectorAll(".zl-card").length === cards && points > cards ? points : 0;
}"""


@dataclass
class Peer:
    """One of the two apps."""

    address: str
    families: int
    browser: Browser
    first: float = 0.0
    later: list[float] = field(default_factory=list)
    search: list[float] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    points: int = 0
    context: BrowserContext = field(init=False)

    def __post_init__(self) -> None:
        self.context = self.browser.new_context(viewport={"width": 1440, "height": 900})

    def visit(self) -> float:
        """Seconds until the Gallery is drawn, and then until a search is."""
        page, frames = self.context.new_page(), [0]
        page.on("websocket", lambda socket: _weigh(socket, frames))
        start = time.perf_counter()
        page.goto(self.address)
        self.points = page.wait_for_function(DRAWN, arg=self.families, timeout=120_000).json_value()
        took = time.perf_counter() - start
        driver.settled(page)
        self.received.append(frames[0])
        self.search.append(_search(page))
        page.close()
        return took


def _weigh(socket: WebSocket, frames: list[int]) -> None:
    def add(payload: str | bytes) -> None:
        frames[0] += len(payload)

    socket.on("framereceived", add)


def _search(page: Page) -> float:
    start = time.perf_counter()
    page.get_by_label("Search").press_sequentially("vgg")
    expect(page.locator(".zl-card").first).to_contain_text("VGG")
    return time.perf_counter() - start


@contextmanager
def with_first_families() -> Iterator[Path]:
    """A folder with the app as it stands, and of the families only the first fourteen."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in driver.ROOT.iterdir():
            if path.name != "zoo" and path.suffix not in (".git", ".lock"):
                (folder / path.name).symlink_to(path)
        for path in (driver.ROOT / "zoo").rglob("*"):
            copy = folder / path.relative_to(driver.ROOT)
            kept = path.parent.name != "families" or path.stem in (*FIRST, "__init__")
            if path.suffix == ".py" and kept:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.symlink_to(path)
        yield folder


def main() -> None:
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright, with_first_families() as few:
        path = driver.chromium(playwright)
        if path is None:
            sys.exit(driver.NO_CHROMIUM)
        browser = driver.launch(playwright, path)
        with driver.serving(str(few / "app.py")) as one, driver.serving() as other:
            peers = [Peer(one, len(FIRST), browser), Peer(other, len(zoo.FAMILIES), browser)]
            for peer in peers:
                peer.first = peer.visit()
            for _ in range(VISITS):
                for peer in peers:
                    peer.later.append(peer.visit())
        browser.close()
    print(f"{'families':>8} {'points':>7} {'first':>9} {'later':>9} {'search':>9} {'received':>11}")
    for peer in peers:
        print(
            f"{peer.families:8} {peer.points:7} {peer.first:7.2f} s {statistics.median(peer.later):7.2f} s"
            f" {statistics.median(peer.search):7.2f} s {statistics.median(peer.received) / 1024:7.0f} KiB"
        )
    few_times, all_times = (statistics.median(peer.later) for peer in peers)
    print(f"with all families a later visit takes {all_times / few_times:.2f} times as long")


if __name__ == "__main__":
    main()
