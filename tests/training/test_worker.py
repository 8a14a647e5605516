"""The process that trains: whatever ends it, what was told stays, and the whole is told in the end."""

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.training.mortal import COMMAND, recipe
from tests.waiting import until
from training import worker
from training.events import Changed, Done, Failed, Started, Step, to_dict
from training.lock import Lock, held
from training.loop import Trainer
from training.recipe import Recipe
from training.runs import Runs, State, write_state
from training.worker import work
from zoo import weights

Told = list[dict[str, Any]]


def told(runs: Runs, id: str) -> Told:
    return [to_dict(each.event) for each in runs.events(id)[0]]


def undisturbed(recipe: Recipe) -> Told:
    """As JSON holds it."""
    return [json.loads(json.dumps(to_dict(event))) for event in Trainer(recipe)]


def same(first: Told, second: Told) -> bool:
    return json.dumps(first) == json.dumps(second)


@pytest.fixture(scope="module", autouse=True)
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOOLENS_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "runs")


@pytest.fixture
def in_background(runs: Runs) -> Iterator[Callable[[str], threading.Event]]:
    """Works at a run in a thread; what it gives back makes a paused run leave."""
    threads: list[threading.Thread] = []
    leaves: list[threading.Event] = []

    def start(id: str) -> threading.Event:
        leaves.append(threading.Event())
        threads.append(threading.Thread(target=work, args=(runs.path(id), leaves[-1])))
        threads[-1].start()
        return leaves[-1]

    yield start
    for leave in leaves:
        leave.set()
    for run in runs.list():
        runs.command(run.id, "stop")
    for thread in threads:
        thread.join()


def test_a_run_tells_what_the_trainer_tells(runs: Runs) -> None:
    wanted = recipe()
    id = runs.submit(wanted)
    assert work(runs.path(id), threading.Event()) == worker.ENDED
    assert runs.status(id) == "finished"
    assert same(told(runs, id), undisturbed(wanted))
    times = [each.t for each in runs.events(id)[0]]
    assert times == sorted(times)
    assert runs.checkpoints(id) == ("0000", "0001", "0002", "best", "last")
    assert set(runs.snapshot(id, 2)) >= {"confusion", "probabilities", "filters"}
    tensors, facts = weights.read(runs.checkpoint(id, "0002"))
    assert facts["epoch"] == 2
    assert any(name.startswith("model.") for name in tensors)
    log = runs.events(id)
    assert work(runs.path(id), threading.Event()) == worker.ENDED, "nothing is left to do"
    assert runs.events(id) == log


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in forks")
def test_killed_at_any_moment_a_run_keeps_what_it_told_and_ends_as_if_undisturbed(
    runs: Runs,
) -> None:
    """Real processes, SIGKILL at random moments; meanwhile the wall clock goes back."""
    wanted, moments = recipe(epochs=3), random.Random(0)
    id = runs.submit(wanted)
    process = subprocess.Popen(
        [*COMMAND, "forks"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2], env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    kills, before = 0, runs.events(id)[0]
    with process:
        while runs.status(id) != "finished":
            print(runs.path(id), file=process.stdin, flush=True)
            child = int(process.stdout.readline())
            if kills < 20:
                time.sleep(moments.uniform(0.0, 0.3))
                os.kill(child, signal.SIGKILL)  # not waited for yet, so the number is still its own
            code = int(process.stdout.readline())
            kills += code == -signal.SIGKILL
            now = runs.events(id)[0]
            assert now[: len(before)] == before, "something that was told has changed"
            before = now
        process.stdin.close()
    assert kills >= 5
    assert same(told(runs, id), undisturbed(wanted))
    times = [each.t for each in before]
    assert times == sorted(times)


def test_one_step_one_epoch_and_on(runs: Runs, in_background: Callable[[str], threading.Event]) -> None:
    wanted = recipe()  # six steps an epoch
    id = runs.submit(wanted)
    runs.command(id, "pause")
    in_background(id)

    def steps() -> list[int]:
        until(lambda: runs.status(id) == "paused" and runs.state(id).read == _size(runs, id))  # type: ignore[union-attr]
        return [each["step"] for each in told(runs, id) if each["kind"] == "step"]

    assert steps() == []
    for made in (1, 2):
        runs.command(id, "step")
        assert steps() == list(range(1, made + 1))
    runs.command(id, "epoch")
    assert steps() == list(range(1, 7))
    evaluations = [each["weights"] for each in told(runs, id) if each["kind"] == "evaluation"]
    assert evaluations == ["raw", "raw", "ema"], "all that belongs to the epoch's end"
    runs.command(id, "play")
    until(lambda: runs.status(id) == "finished")
    assert same(told(runs, id), undisturbed(wanted))


def _size(runs: Runs, id: str) -> int:
    return (runs.path(id) / "commands.jsonl").stat().st_size


def test_a_paused_run_leaves_and_comes_back(
    runs: Runs, in_background: Callable[[str], threading.Event]
) -> None:
    wanted = recipe()
    id = runs.submit(wanted)
    runs.command(id, "step")
    leave = in_background(id)
    until(lambda: runs.status(id) == "paused")
    leave.set()
    until(lambda: is_free(runs, id))
    assert runs.status(id) == "paused"
    assert told(runs, id)[-1]["kind"] == "step"
    runs.command(id, "play")
    work(runs.path(id), threading.Event())
    assert same(told(runs, id), undisturbed(wanted))


def is_free(runs: Runs, id: str) -> bool:
    return not held(runs.path(id) / "lock")


def test_the_rate_is_changed_once_and_kept(
    runs: Runs, in_background: Callable[[str], threading.Event]
) -> None:
    """Also where the process dies between telling of it and remembering that it was read."""
    wanted = recipe()
    id = runs.submit(wanted)
    runs.command(id, "step")
    leave = in_background(id)
    until(lambda: runs.status(id) == "paused")
    read = runs.state(id).read  # type: ignore[union-attr]
    runs.rate(id, 0.003)
    until(lambda: told(runs, id)[-1]["kind"] == "changed")
    runs.command(id, "step")
    until(lambda: told(runs, id)[-1]["kind"] == "step")
    leave.set()
    until(lambda: is_free(runs, id))
    with Lock(runs.path(id) / "lock") as lock:
        write_state(lock, State(status="running", read=read))  # nothing behind this was remembered
    runs.checkpoint(id, "last").unlink()
    runs.command(id, "play")
    work(runs.path(id), threading.Event())
    events = [each.event for each in runs.events(id)[0]]
    assert [each.rate for each in events if isinstance(each, Changed)] == [pytest.approx(0.003)]
    rates = [each.rate for each in events if isinstance(each, Step)]
    assert rates == [0.01] + [pytest.approx(0.003)] * 11
    twin = Trainer(wanted)
    again = []
    for event in twin:
        again.append(event)
        if isinstance(event, Step) and event.step == 1:
            twin.change_rate(0.003)
    assert same(told(runs, id), [json.loads(json.dumps(to_dict(event))) for event in again])


def test_a_stopped_run_can_go_on(runs: Runs) -> None:
    wanted = recipe()
    id = runs.submit(wanted)
    runs.command(id, "stop")
    work(runs.path(id), threading.Event())
    assert runs.status(id) == "stopped"
    runs.command(id, "play")
    work(runs.path(id), threading.Event())
    assert runs.status(id) == "finished"
    assert same([each for each in told(runs, id) if each.get("reason") != "stopped"], undisturbed(wanted))


def test_a_run_ends_at_its_limit(runs: Runs) -> None:
    id = runs.submit(recipe(), limit=0.0)
    work(runs.path(id), threading.Event())
    assert runs.status(id) == "stopped"
    assert runs.events(id)[0][-1].event == Done(epoch=0, step=0, reason="limit")


def test_a_run_that_is_taken_over_tells_of_its_own_recipe(runs: Runs) -> None:
    id = runs.submit(recipe())
    work(runs.path(id), threading.Event())
    new = runs.fork(id, 1, {"epochs": 3, "rate": 0.005})
    assert work(runs.path(new), threading.Event()) == worker.ENDED
    assert runs.status(new) == "finished"
    events = [each.event for each in runs.events(new)[0]]
    copied = len(runs.events(runs.fork(id, 1))[0])
    assert events[:copied] == [each.event for each in runs.events(id)[0]][:copied]
    second = events[copied]
    assert isinstance(second, Started)
    assert second.peak == 0.005
    assert [each.rate for each in events if isinstance(each, Step)] == [0.01] * 6 + [0.005] * 12
    steps = [each.step for each in events if isinstance(each, Step)]
    assert steps == list(range(1, 19))


def test_damaged_saved_states_are_passed_over(runs: Runs) -> None:
    wanted = recipe()
    id = runs.submit(wanted)
    runs.command(id, "step")
    leave = threading.Event()
    leave.set()
    work(runs.path(id), leave)
    assert runs.status(id) == "paused"
    runs.checkpoint(id, "last").write_bytes(b"nothing")
    runs.checkpoint(id, "0000").write_bytes(b"")
    runs.command(id, "play")
    work(runs.path(id), threading.Event())
    assert same(told(runs, id), undisturbed(wanted))


def test_two_do_not_work_at_one_run(runs: Runs, in_background: Callable[[str], threading.Event]) -> None:
    id = runs.submit(recipe())
    runs.command(id, "pause")
    in_background(id)
    until(lambda: runs.status(id) == "paused")
    assert work(runs.path(id), threading.Event()) == worker.BUSY


def test_what_needs_too_much_memory_is_not_begun(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "free", lambda: 10_000)
    id = runs.submit(recipe())
    work(runs.path(id), threading.Event())
    assert runs.status(id) == "failed"
    assert "GiB of memory" in runs.why(id)


def test_a_recipe_that_cannot_be_is_a_sentence(runs: Runs) -> None:
    id = runs.submit(recipe(images=1))
    (runs.path(id) / "recipe.json").write_text('{"epochs": 0}')
    work(runs.path(id), threading.Event())
    assert isinstance(runs.events(id)[0][-1].event, Failed)
    assert runs.why(id).startswith("epochs must be")
