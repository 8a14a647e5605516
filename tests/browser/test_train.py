"""Train in a real browser: play, pause, step, leave and come back, two windows, reload, save; links."""

import csv
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect
from safetensors import safe_open

from tests.browser import driver
from tests.waiting import until
from training.events import Changed
from training.recipe import Recipe
from training.runs import Runs

# Small enough to train beside a browser, and longer than any of these tests.
LONG = "/train?train.variant=lenet_classroom&train.images=500&train.validation=200&train.epochs=1000"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("train") / "runs")


@pytest.fixture(scope="module")
def server(runs: Runs) -> Iterator[str]:
    with driver.serving(ZOOLENS_RUNS=str(runs.root)) as base:
        yield base


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def says(page: Page, words: str) -> None:
    """Wait until the player says it."""
    expect(page.get_by_test_id("stProgress")).to_contain_text(re.compile(words))


def step(page: Page) -> int:
    text = page.get_by_test_id("stProgress").inner_text()
    found = re.search(r"step ([\d,]+) of", text)
    assert found, text
    return int(found[1].replace(",", ""))


def press(page: Page, name: str) -> None:
    page.get_by_test_id("stMain").get_by_role("button", name=name, exact=True).click()


def test_play_pause_step_leave_and_come_back(visit: driver.Visitor, runs: Runs) -> None:
    page = visit(LONG)
    before = len(runs.list())
    page.get_by_role("button", name="Play").dblclick()
    says(page, r"Training.*step [1-9]")
    assert len(runs.list()) == before + 1  # the second click of the two began nothing
    assert set(query(page)) == {"train.run"}
    id = query(page)["train.run"]

    press(page, "Pause")
    says(page, "Paused")
    at = step(page)
    press(page, "One step")
    says(page, rf"Paused.*step {at + 1:,} of")
    press(page, "One epoch")
    says(page, rf"Paused.*epoch {at // 8 + 1}\.0 of")  # 500 pictures are 8 batches

    box = page.get_by_role("combobox", name="New learning rate")
    box.fill("0.0123")
    box.press("Enter")
    press(page, "One step")
    says(page, r"learning rate 0\.0123")
    changed = {each.event.rate for each in runs.events(id)[0] if isinstance(each.event, Changed)}
    assert list(changed) == [pytest.approx(0.0123)]  # a field that is left may send once more what it holds

    press(page, "Play")
    says(page, "Training")
    driver.follow(page, "Architectures", "Proof")
    expect(page).to_have_title("Proof – Zoolens")
    length = len(runs.events(id)[0])
    until(lambda: len(runs.events(id)[0]) > length)  # it goes on meanwhile
    driver.follow(page, "Training", "Train")
    row = page.get_by_test_id("stMain").get_by_role("link", name="LeNet on shapes").first
    row.click()
    says(page, "Training.*step [1-9]")
    assert query(page)["train.run"] == id

    page.reload()
    says(page, "Training.*step [1-9]")
    other = page.context.new_page()  # another window of the same browser, which may stop what it has begun
    other.goto(f"{visit.base}/train?train.run={id}")
    says(other, "Training.*step [1-9]")
    press(other, "Stop")
    says(other, "Stopped")
    says(page, "Stopped")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    assert runs.status(id) == "stopped"

    frames: list[object] = []
    page.on("websocket", lambda socket: socket.on("framereceived", frames.append))
    page.reload()
    says(page, "Stopped")
    page.wait_for_timeout(3_000)
    frames.clear()
    page.wait_for_timeout(2_500)
    assert not frames  # nothing is asked any more


def test_controls_links_and_what_cannot_be(visit: driver.Visitor) -> None:
    page = visit("/train")
    rate = page.get_by_role("combobox", name="Learning rate")
    rate.fill("0.037")
    rate.press("Enter")
    expect(page.get_by_text("SGD with Nesterov momentum at 0.037")).to_be_visible()
    press(page, "Schedule")
    warm_up = page.get_by_role("combobox", name="Warm-up, epochs")
    warm_up.fill("20")
    warm_up.press("Enter")
    sentence = page.get_by_text("A warm-up of 20 epochs leaves nothing of 15.")
    expect(sentence.first).to_be_visible()
    page.keyboard.press("Escape")
    play = page.get_by_role("button", name="Play")
    expect(play).to_be_disabled()
    driver.settled(page)
    assert query(page) == {"train.rate": "0.037", "train.warm_up": "20"}
    page.get_by_role("button", name="Leave out what cannot be").click()
    expect(play).to_be_enabled()
    driver.settled(page)
    assert query(page) == {"train.rate": "0.037"}

    other = visit("/train?train.rate=0.037&train.batch=256&train.linear_scaling=on&train.flip=on")
    expect(other.get_by_text("0.037 × 256 / 64 = 0.148").first).to_be_visible()
    expect(other.get_by_role("button", name="Augmentation · 1")).to_be_visible()


def test_a_run_is_played_with_the_keyboard_and_saved(visit: driver.Visitor, runs: Runs) -> None:
    page = visit(LONG.replace("1000", "1"))
    play = page.get_by_role("button", name="Play")
    play.focus()
    play.press("Enter")
    says(page, "Finished")
    id = query(page)["train.run"]
    expect(page.get_by_text("All epochs are done.")).to_be_visible()

    press(page, "Save")
    saved: dict[str, Path] = {}
    for name in ("Curves (CSV)", "Recipe (JSON)", "Script (PyTorch)", "Weights (safetensors)"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        saved[name] = Path(download.value.path())
    rows = list(csv.DictReader(saved["Curves (CSV)"].read_text().splitlines()))
    steps = [row["step"] for row in rows if row["kind"] == "step"]
    assert steps == [str(step) for step in range(1, 9)]
    recipe = Recipe.from_json(saved["Recipe (JSON)"].read_text())
    assert recipe == runs.recipe(id)
    compile(saved["Script (PyTorch)"].read_text(), "script", "exec")
    with safe_open(saved["Weights (safetensors)"], "numpy") as weights:
        facts = json.loads(weights.metadata()["zoolens"])
        assert facts["variant"] == "lenet_classroom"
        assert any(name.startswith("model.") for name in weights.keys())  # noqa: SIM118

    page.keyboard.press("Escape")
    press(page, "Use this recipe")
    expect(page.get_by_role("heading", level=1)).to_have_text("Train")
    driver.settled(page)
    assert query(page)["train.variant"] == "lenet_classroom"

    page.goto(f"{page.url.partition('?')[0]}?train.run={id}")
    says(page, "Finished")
    press(page, "Delete")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Train")
    gone = visit(f"/train?train.run={id}")
    expect(gone.get_by_text(f"There is no run called '{id}'")).to_be_visible()
    expect(gone.get_by_role("button", name="Play")).to_be_enabled()


def test_a_run_for_everybody(visit: driver.Visitor, runs: Runs) -> None:
    page = visit(LONG.replace("1000", "2"), size=driver.PHONE)
    page.get_by_role("button", name="Play").click()
    says(page, "Finished")
    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    for dark in (False, True):
        assert not driver.accessibility(visit(f"/train?{urlsplit(page.url).query}", dark=dark))


def test_the_first_loss_comes_soon(visit: driver.Visitor, runs: Runs) -> None:
    """From the click to the first step on screen. Generous: others use this machine."""
    page = visit(LONG)
    page.wait_for_timeout(3_000)  # a reader looks at the page before pressing Play
    started = time.monotonic()
    page.get_by_role("button", name="Play").click()
    says(page, "Training.*step [1-9]")
    assert time.monotonic() - started < 20
    press(page, "Stop")
    says(page, "Stopped")
