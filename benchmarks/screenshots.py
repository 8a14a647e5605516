"""Take the README's pictures: `python -m benchmarks.screenshots`.

Starts the app, opens every page below at two sizes in both themes, those of the laboratory once, and writes
assets/screenshots/. Nothing is written where a page shows an error or asks another host for anything.
"""

import io
import sys
from itertools import product

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from tests.browser import driver

FOLDER = driver.ROOT / "assets" / "screenshots"
PAGES = {
    "gallery": "/",
    "inspect": "/inspect?variant=resnet50",
    "bottleneck": "/bottleneck",
    "compare": "/compare?nets=plain34;resnet34&layer=1:stages.1.0",
    "swin": "/swin?swin.step=6&swin.token=1,4",
}
LABORATORY = {  # page -> the heading at the top of its picture; "": the page's own
    "deconvnet": "In numbers",
    "features": "",
    "hierarchy": "",
    "evolution": "",
    "invariance": "",
    "stems": "The filters",
    "parts": "",
}
SIZES = {"desktop": driver.DESKTOP, "phone": driver.PHONE}
THEMES = ("light", "dark")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright, driver.serving() as base:
        path = driver.chromium(playwright)
        if path is None:
            sys.exit(driver.NO_CHROMIUM)
        visitor = driver.Visitor(driver.launch(playwright, path), base)
        pictures = {}
        for (topic, address), (size_name, size), theme in product(PAGES.items(), SIZES.items(), THEMES):
            page = visitor(address, dark=theme == "dark", size=size)
            page.wait_for_timeout(3000)  # charts fade in, pictures are computed
            pictures[f"{topic}-{size_name}-{theme}.png"] = Image.open(io.BytesIO(page.screenshot()))
        for topic, heading in LABORATORY.items():
            page = visitor(f"/{topic}")
            expect(page.get_by_test_id("stProgress")).to_have_count(0, timeout=600_000)
            if heading:
                title = page.get_by_role("heading", name=heading, exact=True)
                title.evaluate("title => title.scrollIntoView()")
            page.wait_for_timeout(3000)
            pictures[f"{topic}.webp"] = Image.open(io.BytesIO(page.screenshot()))
        visitor.close()
    for name, picture in pictures.items():
        picture.convert("RGB").save(FOLDER / name, optimize=True, quality=80)
        print(f"{name}: {(FOLDER / name).stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main()
