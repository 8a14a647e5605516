"""From picking a photo to Grad-CAM on screen: real Chromium, the real app, EfficientNet-Lite0 on the CPU.

    python -m benchmarks.cam_page

The page stands open on another photo. The clock starts with the click on a sample's thumbnail, as the page
sees it, and stops with the first frame in which the large map of the new photo is drawn. "first" are photos
that this server has not looked at yet, "again" the same ones a second time.
"""

import os

from benchmarks.browsing import clock, judged, pick, visiting

BAR = 1000  # milliseconds
PHOTOS = ("Cup", "Cameraman", "Rocket", "Astronaut", "Cat")
LARGE = 'document.querySelector(".zl-plates img")'


def main() -> None:
    with visiting() as visit:
        page = visit("/cam?cam.photo=two")
        clock(page, {"map": f"{LARGE}?.complete && {LARGE}.src"})
        for words in ("first", "again"):
            took = {photo: pick(page, photo, "map")["map"] for photo in PHOTOS}
            each = ", ".join(f"{photo} {ms:.0f}" for photo, ms in took.items())
            print(f"{words}: {judged([*took.values()], BAR)} ({each})", flush=True)
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
