"""The recordings that come with the app: whole, unchanged, readable, and good to go on from."""

import hashlib
import json
from itertools import islice
from pathlib import Path

import pytest

from training.events import Done, Started, Step
from training.loop import Saved, Trainer
from training.presets import PRESETS
from training.recipe import Recipe
from training.replay import RECORDINGS
from training.runs import Runs
from zoo import weights

ROOT = RECORDINGS.root
IDS = sorted(folder.name for folder in ROOT.iterdir() if folder.is_dir())
LARGEST = 12_000_000  # bytes of all


def test_they_are_small_enough_to_come_along() -> None:
    assert sum(file.stat().st_size for file in ROOT.rglob("*") if file.is_file()) < LARGEST


def test_every_file_is_the_one_that_was_made() -> None:
    lines = (ROOT / "SHA256SUMS").read_text().splitlines()
    stated = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    files = [file for folder in IDS for file in (ROOT / folder).rglob("*") if file.is_file()]
    found = {
        file.relative_to(ROOT).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files
    }
    assert found == stated


def test_each_has_its_command() -> None:
    sources = (ROOT / "SOURCES.md").read_text()
    assert all(f"| {id} | `python -m training run" in sources for id in IDS)


@pytest.mark.parametrize("id", IDS)
def test_it_reads_to_its_end(id: str) -> None:
    logged, _ = RECORDINGS.events(id)
    assert RECORDINGS.status(id) == "finished"
    assert isinstance(logged[0].event, Started)
    assert isinstance(logged[-1].event, Done)
    steps = [each.event.step for each in logged if isinstance(each.event, Step)]
    assert steps == list(range(1, len(steps) + 1)), "no step is left out"
    assert [each.t for each in logged] == sorted(each.t for each in logged)


@pytest.mark.parametrize("id", IDS)
def test_it_is_of_the_recipe_that_the_app_offers(id: str) -> None:
    group, recipe = RECORDINGS.meta(id).group, RECORDINGS.recipe(id)
    offered = [Recipe()] if group is None else [lane.recipe for lane in PRESETS[group].race.lanes]
    assert recipe in offered


def test_a_race_has_all_its_lanes_in_order() -> None:
    metas = sorted((RECORDINGS.meta(id).order, id) for id in IDS)
    for group in {RECORDINGS.meta(id).group for id in IDS} - {None}:
        lanes = [RECORDINGS.recipe(id) for _, id in metas if RECORDINGS.meta(id).group == group]
        assert group is not None
        assert lanes == [lane.recipe for lane in PRESETS[group].race.lanes]


@pytest.mark.parametrize("id", IDS)
def test_a_run_takes_over_where_it_stood(id: str, tmp_path: Path) -> None:
    """The next steps are those that were recorded, but for the last digits of another processor."""
    runs = Runs(tmp_path)
    kept = [int(name) for name in RECORDINGS.checkpoints(id) if name.isdigit()]
    epoch = max(each for each in kept if each < RECORDINGS.recipe(id).epochs)
    own = runs.fork(id, epoch, source=RECORDINGS)
    assert runs.meta(own).parent == f"{id}@{epoch}"
    told = runs.events(own)[0]
    tensors, facts = weights.read(runs.checkpoint(own, f"{epoch:04d}"))
    trainer = Trainer(runs.recipe(own), saved=Saved(tensors=tensors, facts=facts))
    assert trainer.events == len(told)
    after = [each.event for each in RECORDINGS.events(id)[0][len(told) :]]
    recorded = [event for event in after if isinstance(event, Step)]
    now = [event for event in islice(trainer, 4) if isinstance(event, Step)]
    assert now
    for step, before in zip(now, recorded, strict=False):
        assert step.step == before.step
        assert step.loss == pytest.approx(before.loss, rel=0.05, abs=0.02)
        assert step.rate == pytest.approx(before.rate)


def test_changes_hold_from_there_on(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    own = runs.fork(IDS[0], 5, {"rate": 0.01}, source=RECORDINGS)
    assert runs.recipe(own).rate == 0.01
    assert RECORDINGS.recipe(IDS[0]).rate != 0.01, "the recording stays as it is"
    assert json.loads((ROOT / IDS[0] / "recipe.json").read_text())["rate"] != 0.01
