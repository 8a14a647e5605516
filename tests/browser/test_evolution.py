"""Maps over epochs in a real browser: scrubbing, playing, links, a run that goes on, phone and dark."""

import os
import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser import driver
from tests.waiting import until
from training.runs import Runs

NOW = ".film .now"


def shown(page: Page) -> None:
    expect(page.locator(".film tbody tr")).to_have_count(6)
    expect(page.locator(".film tbody td img").first).to_be_visible()
    driver.settled(page)


def test_scrub_click_and_link(visit: driver.Visitor) -> None:
    page = visit("/evolution")
    shown(page)
    expect(page.locator(NOW)).to_contain_text("epoch 50 · 99% right")
    expect(page.locator(".film thead button")).to_have_text(["0", "1", "2", "5", "10", "20", "50"])
    scrub = page.locator(".film input[type=range]")
    card = page.locator(".film .card").first
    before = card.locator("img").first.get_attribute("src")
    scrub.focus()
    scrub.press("ArrowLeft")
    expect(page.locator(NOW)).to_contain_text("epoch 20 ")
    assert card.locator("img").first.get_attribute("src") != before
    expect(page).to_have_url(re.compile(r"evolution\.epoch=20(&|$)"))
    page.get_by_role("button", name=re.compile("^Epoch 2,")).click()
    expect(page.locator(NOW)).to_contain_text("epoch 2 ")
    expect(page).to_have_url(re.compile(r"evolution\.epoch=2(&|$)"))
    value = card.locator(".value").inner_text()
    again = visit(page.url.removeprefix(page.url.split("/evolution")[0]))
    shown(again)
    expect(again.locator(NOW)).to_contain_text("epoch 2 ")
    expect(again.locator(".film .card .value").first).to_have_text(value)
    rows = again.locator(".film tbody tr")
    for at in range(rows.count()):
        counted = rows.nth(at).locator("td.jumped").count()
        expect(rows.nth(at).locator(".name span")).to_have_text(
            f"{counted} jump{'' if counted == 1 else 's'}"
        )
    assert driver.accessibility(again) == []


def test_play_begins_again_and_ends_at_the_newest(visit: driver.Visitor) -> None:
    page = visit("/evolution")
    shown(page)
    play = page.locator(".film .play")
    play.click()
    expect(play).to_have_text("❚❚ Pause")
    for epoch in (0, 1, 2, 5, 10, 20, 50):
        expect(page.locator(NOW)).to_contain_text(f"epoch {epoch} ")
    expect(play).to_have_text("▶ Play")
    play.click()
    expect(page.locator(NOW)).to_contain_text("epoch 1 ")
    play.click()
    expect(play).to_have_text("▶ Play")
    expect(page).to_have_url(re.compile(r"evolution\.epoch=\d+"))


def test_another_layer_and_the_picture_to_take_away(visit: driver.Visitor) -> None:
    page = visit("/evolution?evolution.layer.zfnet_classroom=Layer+1")
    shown(page)
    with page.expect_download() as waited:
        page.get_by_role("button", name="PDF, one page").click()
    assert waited.value.suggested_filename == "zoolens-evolution-layer-1.pdf"
    assert Path(waited.value.path()).read_bytes().startswith(b"%PDF")


def test_a_phone_in_the_dark(visit: driver.Visitor) -> None:
    page = visit("/evolution", size=driver.PHONE, dark=True)
    shown(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("m => m.scrollWidth <= m.clientWidth")
    reel = page.locator(".film .reel")
    assert reel.evaluate("r => r.scrollWidth > r.clientWidth"), "the table scrolls by itself"
    reel.scroll_into_view_if_needed()
    reel.evaluate("r => r.scrollTo(9999, 0)")
    expect(page.locator(".film tbody .name").first).to_be_in_viewport()
    assert driver.accessibility(page) == []


def test_a_run_that_goes_on_grows(browser: Browser, tmp_path: Path) -> None:
    """Epochs that a real run keeps while the page is open join by themselves."""
    root = tmp_path / "runs"
    command = [sys.executable, "-m", "training", "run", "--variant", "zfnet_classroom", "--epochs", "5"]
    command += ["--images", "600", "--validation", "50", "--knob", "widths.0=16", "--knob", "widths.1=16"]
    with driver.serving(ZOOLENS_RUNS=str(root)) as base:
        visitor = driver.Visitor(browser, base)
        visitor("/gallery")  # what the first visit imports is in memory before the run begins
        run = subprocess.Popen(
            command, cwd=driver.ROOT, stdout=subprocess.DEVNULL,
            env=os.environ | {"ZOOLENS_RUNS": str(root), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        try:
            until(lambda: root.is_dir() and bool(Runs(root).list()), 60)
            (summary,) = Runs(root).list()
            page = visitor(f"/evolution?evolution.run={summary.id}")
            buttons = page.locator(".film thead button:enabled")
            expect(buttons.first).to_be_visible()
            expect(buttons).to_have_text(["0", "1", "2", "5"])
            expect(page.locator(NOW)).to_contain_text("epoch 5")
            expect(page.get_by_text("The run goes on")).to_have_count(0)
            assert run.wait(60) == 0
            visitor.close()
        finally:
            run.kill()
            run.wait()
