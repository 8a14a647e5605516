"""How long after a click the pages of attention show the new picture: real Chromium and the real app.

    python -m benchmarks.attention_page

From the click to the first frame with another answer. A head is computed by the server, once a picture and
network; a token is answered in the browser, from weights that it already has.
"""

from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from benchmarks.browsing import PATIENCE, clock, judged, visiting
from tests.browser import driver

ROUNDS = 8
_ANSWER = "inside('.attention')?.dataset.drawn + inside('.attention .asks')?.textContent"
_SEEN = "inside('.one-place .layer')?.textContent + inside('.one-place .view img')?.src"
_SAYS = "inside('.windows .says')?.textContent"


@dataclass(frozen=True)
class Row:
    """A page and what a click there may take."""

    title: str
    address: str
    bar: float  # milliseconds


TABLE = (
    Row("ViT, classroom", "/attention", 300),
    Row("Swin, classroom", "/attention?attention.net=swin_classroom,weights:shipped:swin_cifar10", 300),
    Row("Swin-T, random weights", "/attention?attention.net=swin_t", 1000),
)


def took(page: Page, click: Locator, place: tuple[float, float] | None = None) -> float:
    """Milliseconds from a click to another answer."""
    click.click(position=None if place is None else {"x": place[0], "y": place[1]})
    page.wait_for_function("() => 'answer' in window.clock.took", timeout=PATIENCE)
    milliseconds: float = page.evaluate("() => window.clock.took.answer")
    driver.settled(page)
    return milliseconds


def tokens(page: Page, board: Locator) -> list[float]:
    """A token after the other, along a diagonal of a board."""
    box = board.bounding_box()
    assert box is not None
    steps = [(at + 0.5) / ROUNDS for at in range(ROUNDS)]  # no token twice: boards have that many or more
    return [took(page, board, (step * box["width"], step * box["height"])) for step in steps]


def main() -> None:
    with visiting() as visit:
        for row in TABLE:
            page = visit(row.address)
            expect(page.locator(".attention .says")).to_contain_text("To row")
            clock(page, {"answer": _ANSWER})
            heads = page.get_by_role("radiogroup", name="Head", exact=True).get_by_role("radio")
            times = [took(page, heads.nth(at % heads.count())) for at in range(1, ROUNDS + 1)]
            print(f"{row.title}, another head: {judged(times, row.bar)}", flush=True)
            times = tokens(page, page.locator(".attention canvas.query"))
            print(f"{row.title}, another token: {judged(times, row.bar)}", flush=True)
            page.close()
        page = visit("/sees")
        expect(page.locator(".one-place .layer")).to_have_count(3)
        clock(page, {"answer": _SEEN})
        times = tokens(page, page.locator(".one-place .view").first)
        print(f"What one place sees, another place: {judged(times, 300)}", flush=True)
        page.close()
        page = visit("/swin")
        expect(page.locator(".windows .says")).to_contain_text("partners")
        clock(page, {"answer": _SAYS})
        times = tokens(page, page.locator(".windows canvas.map"))
        print(f"Shifted windows, another token: {judged(times, 300)}")


if __name__ == "__main__":
    main()
