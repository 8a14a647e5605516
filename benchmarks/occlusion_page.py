"""From picking a photo to the first coarse occlusion map: real Chromium, the real app, EfficientNet-Lite0.

    python -m benchmarks.occlusion_page

The page stands open on another photo. The clock starts with the click on a sample's thumbnail, as the page
sees it, and stops with the first frame in which the new photo and its map of probabilities are drawn, with
the places known by then; and again when all places are known. "first" are photos that this server has not
looked at yet, "again" the same ones a second time. The settings are those the page begins with.
"""

import re
import statistics

from benchmarks.browsing import PATIENCE, clock, judged, pick, visiting
from tests.browser import driver

BAR = 1000  # milliseconds
PHOTOS = ("Cup", "Cameraman", "Rocket", "Astronaut", "Cat")
PHOTO = 'inside(".picture .view")?.dataset.photo'
WHOLE = '/ places in /.test(document.querySelector("[data-testid=stMain]").innerText)'


def main() -> None:
    with visiting() as visit:
        page = visit("/occlusion?occlusion.photo=two")
        page.locator(".sliding [data-panel=probability] .map").wait_for(timeout=PATIENCE)
        said = page.get_by_text(re.compile("places (in|would take) "))
        said.wait_for(timeout=PATIENCE)
        driver.settled(page)
        clock(
            page,
            {
                "map": f'inside("[data-panel=probability] .map")?.complete && {PHOTO}',
                "whole": f"{WHOLE} && {PHOTO}",
            },
        )
        for words in ("first", "again"):
            coarse, whole = [], []
            for photo in PHOTOS:
                pick(page, photo, "map")
                said.wait_for(timeout=PATIENCE)
                driver.settled(page)
                took = page.evaluate("() => window.clock.took")
                coarse.append(took["map"])
                whole += [took["whole"]] if "whole" in took else []
            each = ", ".join(f"{ms:.0f}" for ms in coarse)
            print(f"{words}: first map {judged(coarse, BAR)} ({each})")
            if whole:
                print(
                    f"  all places: median {statistics.median(whole):.0f} ms of {len(whole)} photos",
                    flush=True,
                )


if __name__ == "__main__":
    main()
