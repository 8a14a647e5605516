"""Runs on disk: what was told stays, whatever happens to the folder and to those who write in it."""

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from training import Recipe
from training.events import Checkpoint, Done, Epoch, Event, Failed, Started, Step
from training.lock import Lock, held
from training.runs import POOLS, Journal, Logged, Runs, State, conclude, write_state
from zoo import limits

RECIPE = Recipe(epochs=3)
STARTED = Started(
    params=1, macs=1, images=8, validation=4, steps_per_epoch=2, peak=0.1, classes=("a", "b"), layers=("x",),
    activations=(), stages=(), handful=(0,), rates=(0.1,),
)  # fmt: skip


def steps(*numbers: int) -> list[Event]:
    return [Step(step=n, loss=1 / n, accuracy=0.5, rate=0.1) for n in numbers]


def tell(runs: Runs, id: str, *events: Event) -> None:
    """What a worker would have written."""
    journal = Journal(runs.path(id) / "events.jsonl")
    for event in events:
        journal.append(event, journal.t + 0.5)
    journal.close()


def say(runs: Runs, id: str, status: str, pool: str = "") -> None:
    with Lock(runs.path(id) / "lock") as lock:
        write_state(lock, State(status=status, pool=pool))


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "runs")


def test_a_run_begins_as_a_complete_folder(runs: Runs) -> None:
    id = runs.submit(RECIPE, group="race")
    assert runs.recipe(id) == RECIPE
    assert (runs.meta(id).title, runs.meta(id).group, runs.meta(id).parent) == (RECIPE.title, "race", None)
    assert runs.status(id) == "queued"
    assert runs.events(id) == ([], 0)
    assert [run.id for run in runs.list()] == [id]
    assert [each.name for each in runs.root.iterdir()] == [id]


@pytest.mark.parametrize(
    "id", ["", ".", "..", "../x", "a/b", "/etc", ".pools", "A" * 3, "a\0", "a\n", "-x", "é", "a" * 65, None]
)
def test_no_id_leads_out_of_the_folder(runs: Runs, id: str) -> None:
    runs.submit(RECIPE)
    (runs.root.parent / "x").mkdir()
    (runs.root / POOLS).mkdir()
    for method in (runs.path, runs.recipe, runs.events, runs.status, runs.delete, runs.checkpoints):
        with pytest.raises(ValueError, match="There is no run called"):
            method(id)


def test_events_are_read_piece_by_piece(runs: Runs) -> None:
    id = runs.submit(RECIPE)
    tell(runs, id, STARTED, *steps(1, 2))
    first, offset = runs.events(id)
    assert first == [
        Logged(event=e, t=t) for e, t in zip([STARTED, *steps(1, 2)], (0.5, 1, 1.5), strict=True)
    ]
    assert runs.events(id, offset) == ([], offset)
    tell(runs, id, *steps(3))
    second, end = runs.events(id, offset)
    assert [each.event for each in second] == steps(3)
    assert end == (runs.path(id) / "events.jsonl").stat().st_size


@pytest.mark.parametrize("length", range(1, 80, 7))
def test_an_unfinished_line_is_left_out_and_then_cut(runs: Runs, length: int) -> None:
    id = runs.submit(RECIPE)
    tell(runs, id, *steps(1, 2))
    log = runs.path(id) / "events.jsonl"
    before = runs.events(id)
    with log.open("ab") as file:
        file.write(log.read_bytes().splitlines()[0][:length])
    assert runs.events(id) == before
    tell(runs, id, *steps(3))
    assert [each.event for each in runs.events(id)[0]] == steps(1, 2, 3)


def test_a_damaged_log_shows_what_stands_before(runs: Runs) -> None:
    id = runs.submit(RECIPE)
    tell(runs, id, *steps(1, 2))
    with (runs.path(id) / "events.jsonl").open("ab") as file:
        file.write(b"\0\0\0\n")
    assert [each.event for each in runs.events(id)[0]] == steps(1, 2)
    assert runs.status(id) == "failed"
    assert "damaged" in runs.why(id)


def test_status_follows_lock_and_log(runs: Runs) -> None:
    id = runs.submit(RECIPE)
    path = runs.path(id) / "lock"
    with Lock(path) as lock:
        assert lock.take()
        assert runs.status(id) == "starting"
        for status in ("starting", "running", "paused"):
            write_state(lock, State(status=status))
            assert runs.status(id) == status
        write_state(lock, State(status="running"))
        with Lock(path) as other:
            assert not other.take(0.01)
    assert runs.status(id) == "interrupted", "nobody works at it, and nobody said why"
    say(runs, id, "paused")
    assert runs.status(id) == "paused"
    say(runs, id, "ended")
    tell(runs, id, *steps(1), Failed(step=1, reason="It burnt."))
    assert (runs.status(id), runs.why(id)) == ("failed", "It burnt.")
    tell(runs, id, *steps(2), Done(epoch=0, step=2, reason="stopped"))
    assert runs.status(id) == "stopped"
    tell(runs, id, *steps(3), Done(epoch=3, step=3, reason="finished"))
    assert runs.status(id) == "finished"


def test_a_run_waits_as_long_as_its_pool_lives(runs: Runs) -> None:
    id = runs.submit(RECIPE, pool="abc")
    (runs.root / POOLS).mkdir()
    with Lock(runs.root / POOLS / "abc") as alive:
        assert alive.take()
        assert runs.status(id) == "queued"
        say(runs, id, "running", "abc")
        assert runs.status(id) == "running", "its process has just ended, and the pool will say how"
    assert runs.status(id) == "interrupted"


def test_many_may_glance_at_a_lock_at_once(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not held(path)
    with Lock(path) as lock:
        assert not held(path)
        assert lock.take()
        assert held(path)
        assert held(path)
    assert not held(path)


def test_the_last_line_is_written_once(runs: Runs) -> None:
    id = runs.submit(RECIPE)
    tell(runs, id, STARTED, *steps(1, 2))
    for _ in range(2):
        assert runs.end(id, Done(epoch=0, step=0, reason="stopped"))
    events = [each.event for each in runs.events(id)[0]]
    assert events == [STARTED, *steps(1, 2), Done(epoch=0, step=2, reason="stopped")]
    assert runs.events(id)[0][-1].t == runs.events(id)[0][-2].t


def test_nobody_ends_a_run_that_somebody_works_at(runs: Runs) -> None:
    id = runs.submit(RECIPE)
    with Lock(runs.path(id) / "lock") as lock:
        lock.take()
        assert not runs.end(id, Done(epoch=0, step=0, reason="stopped"))
        with pytest.raises(ValueError, match="Stop it first"):
            runs.delete(id)
    assert runs.events(id) == ([], 0)


def test_a_full_disk_leaves_no_half_line_and_the_reason_is_kept(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = runs.submit(RECIPE)
    tell(runs, id, *steps(1))
    write = os.write

    def cramped(file: int, content: bytes) -> int:
        return write(file, content[:7]) if content.startswith(b'{"kind"') else write(file, content)

    journal = Journal(runs.path(id) / "events.jsonl")
    with Lock(runs.path(id) / "lock") as lock:
        lock.take()
        monkeypatch.setattr(os, "write", cramped)
        with pytest.raises(OSError, match="No space left"):
            journal.append(steps(2)[0], 1.0)
        conclude(runs.path(id), lock, Failed(step=0, reason="The disk is full."), journal)
    monkeypatch.undo()
    assert [each.event for each in runs.events(id)[0]] == steps(1)
    assert (runs.status(id), runs.why(id)) == ("failed", "The disk is full.")
    journal.append(steps(2)[0], 1.0)
    assert [each.event for each in runs.events(id)[0]] == steps(1, 2)
    journal.close()


@pytest.mark.parametrize("file", ["recipe.json", "meta.json"])
@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"epochs": "many"}', b"\xff"])
def test_a_folder_that_cannot_be_read_is_a_failed_run(runs: Runs, file: str, content: bytes | None) -> None:
    good, bad = runs.submit(RECIPE), runs.submit(RECIPE)
    path = runs.path(bad) / file
    path.unlink() if content is None else path.write_bytes(content)
    found = {run.id: run for run in runs.list()}
    assert found[good].status == "queued"
    assert found[bad].status == "failed"
    assert found[bad].why.endswith(".")
    assert str(runs.root) not in found[bad].why


def test_a_folder_in_place_of_a_file_is_a_failed_run(runs: Runs) -> None:
    id = runs.submit(RECIPE)
    for name in ("events.jsonl", "lock"):
        (runs.path(id) / name).unlink()
        (runs.path(id) / name).mkdir()
        assert runs.list()[0].status == "failed"


def test_a_root_that_is_no_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="cannot be read"):
        Runs(tmp_path / "file").list()
    assert Runs(tmp_path / "nothing").list() == ()
    with pytest.raises(ValueError, match="cannot be read"):
        Runs(tmp_path / "file").submit(RECIPE)


def test_the_newest_is_first_whatever_the_clock_says(runs: Runs) -> None:
    first = runs.submit(RECIPE)
    meta = json.loads((runs.path(first) / "meta.json").read_text())
    late = meta | {"created": "2999-01-01T00:00:00+00:00"}  # the clock was set back since
    (runs.path(first) / "meta.json").write_text(json.dumps(late))
    second = runs.submit(RECIPE)
    assert [run.id for run in runs.list()] == [second, first]


def test_the_oldest_go_but_none_that_is_under_way(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.RUNS_KEPT.variable, "3")
    waiting = runs.submit(RECIPE)
    idle = [runs.submit(RECIPE) for _ in range(5)]
    for id in idle:
        runs.end(id, Done(epoch=0, step=0, reason="stopped"))
    runs.prune()
    assert {run.id for run in runs.list()} == {waiting, *idle[2:]}


def test_the_oldest_go_where_the_disk_is_full_of_runs(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.RUNS_GIB.variable, "1")
    ids = [runs.submit(RECIPE) for _ in range(4)]
    for id in ids:  # holes: they take nothing of this disk
        with (runs.path(id) / "checkpoints" / "last.safetensors").open("wb") as file:
            file.truncate(400 << 20)
    for id in ids[:3]:
        runs.end(id, Done(epoch=0, step=0, reason="stopped"))
    runs.prune()
    assert {run.id for run in runs.list()} == {ids[3], ids[2]}


def test_a_server_allows_so_many_epochs_and_minutes(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.RUN_EPOCHS.variable, str(RECIPE.epochs))
    monkeypatch.setenv(limits.RUN_MINUTES.variable, "2")
    assert runs.meta(runs.submit(RECIPE)).limit == 120
    assert runs.meta(runs.submit(RECIPE, limit=math.inf)).limit is None
    with pytest.raises(ValueError, match=f"A run may have {RECIPE.epochs:,} epochs on this server"):
        runs.submit(replace(RECIPE, epochs=RECIPE.epochs + 1))
    monkeypatch.setenv(limits.WORKERS.variable, "2")
    with pytest.raises(ValueError, match="A run may have 2 workers on this server, not 3"):
        runs.submit(replace(RECIPE, workers=3))
    assert len(runs.list()) == 2


def test_commands_are_lines_and_nonsense_is_left_out(runs: Runs) -> None:
    id = runs.submit(RECIPE)
    runs.command(id, "pause")
    _, offset = runs.commands(id)
    with (runs.path(id) / "commands.jsonl").open("a") as file:
        file.write('{"command": "dance"}\n[]\nnothing\n')
    runs.rate(id, 0.01)
    assert runs.commands(id, offset)[0] == [{"command": "rate", "rate": 0.01}]
    with pytest.raises(ValueError, match="cannot be asked to 'dance'"):
        runs.command(id, "dance")
    for rate in (-1, 1e9, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="learning rate"):
            runs.rate(id, rate)


def test_snapshots_and_checkpoints(runs: Runs) -> None:
    id = runs.submit(RECIPE)
    save_file({"confusion": np.eye(2, dtype=np.int32)}, runs.path(id) / "snapshots" / "0001.safetensors")
    assert (runs.snapshot(id, 1)["confusion"] == np.eye(2)).all()
    with pytest.raises(ValueError, match="no snapshot of epoch 2"):
        runs.snapshot(id, 2)
    for name in ("0001", "best", ".0002"):
        (runs.path(id) / "checkpoints" / f"{name}.safetensors").touch()
    assert runs.checkpoints(id) == ("0001", "best")
    assert runs.checkpoint(id, "best").exists()
    with pytest.raises(ValueError, match="it has 0001, best"):
        runs.checkpoint(id, "../recipe")


def test_a_run_is_taken_over_from_its_last_checkpoint_before(runs: Runs) -> None:
    id = runs.submit(RECIPE)
    ends = [Epoch(epoch=n, step=n, loss=1, accuracy=0, size=32, gradient=(), change=()) for n in (1, 2)]
    kept = [Checkpoint(epoch=n, step=n, name=f"{n:04d}") for n in (0, 1, 2)]
    tell(runs, id, STARTED, kept[0], *steps(1), ends[0], kept[1], *steps(2), ends[1], kept[2], *steps(3))
    for name in ("0000", "0001", "0002", "best", "last"):
        (runs.path(id) / "checkpoints" / f"{name}.safetensors").write_text(name)
    new = runs.fork(id, 1, {"rate": 0.5})
    assert [each.event for each in runs.events(new)[0]] == [STARTED, kept[0], *steps(1), ends[0], kept[1]]
    assert runs.checkpoints(new) == ("0000", "0001")
    assert runs.recipe(new) == replace(RECIPE, rate=0.5)
    assert (runs.meta(new).parent, runs.status(new)) == (f"{id}@1", "queued")
    assert runs.meta(runs.fork(id, 99)).parent == f"{id}@2"
    with pytest.raises(ValueError, match="more than 2 epochs"):
        runs.fork(id, 2, {"epochs": 2})
    elsewhere = Runs(runs.root.parent / "elsewhere")
    copy = elsewhere.fork(id, 1, source=runs)
    assert elsewhere.events(copy) == runs.events(new)
    before = len(runs.list())
    with pytest.raises(ValueError, match="rate"):
        runs.fork(id, 1, {"rate": -1})
    assert len(runs.list()) == before
