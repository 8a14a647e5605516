"""The processes that train: one that dies is one failed run, and nothing else."""

import logging
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.training.mortal import ABORT, COMMAND, EXIT, FILL, HANG, HOARD, KILL, RAISE, recipe
from tests.training.test_worker import same, told, undisturbed
from tests.waiting import until
from training import pool as module
from training.events import Done
from training.lock import Lock, held
from training.pool import Pool
from training.runs import POOLS, Runs, State, write_state
from zoo import limits, log

WORKER = (*COMMAND, "worker")
REASONS = {
    ABORT: r"The process of this run crashed \(SIGABRT\)\.",
    KILL: r"The system ended the process of this run, most likely because memory ran out\.",
    EXIT: r"The training failed: it ended without a word\.",
    RAISE: r"The training failed: KeyError: 'weights'\.",
    HOARD: r"This training needs more memory than the machine has free\..*",
    FILL: r"The run cannot be stored: .*\. Make room, then let it play again: it goes on where it was\.",
}
NOBODY = ("false",)  # a process that ends at once


@pytest.fixture(scope="module", autouse=True)
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOOLENS_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    made = Pool(Runs(tmp_path_factory.mktemp("runs")), slots=1, command=WORKER)
    yield made
    made.close()


@pytest.fixture
def idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """A pool that begins nothing: what it decides can be seen."""
    monkeypatch.setattr(Pool, "_begin", lambda self: None)
    monkeypatch.setattr(Pool, "_keep_warm", lambda self: None)
    made = Pool(Runs(tmp_path), slots=1)
    yield made
    made.close()


def ended(pool: Pool, id: str) -> Callable[[], bool]:
    return lambda: pool.runs.status(id) in ("finished", "stopped", "failed")


@pytest.mark.slow
def test_what_goes_wrong_is_one_failed_run_with_its_reason(pool: Pool) -> None:
    """All that can happen, and a run among them that is none of it. What the disk had no room for goes on."""
    ids = {seed: pool.submit(recipe(seed)) for seed in (*REASONS, 0)}
    for seed, id in ids.items():
        until(ended(pool, id))
        assert pool.runs.status(id) == ("failed" if seed else "finished")
        assert [each for each in told(pool.runs, id) if each["kind"] == "step"], "what it told is still there"
        assert re.fullmatch(REASONS.get(seed, ""), pool.runs.why(id)), pool.runs.why(id)
    other, full = Pool(pool.runs, slots=1, keep_warm=False), ids[FILL]
    other.play(full)  # its workers have all the room they need
    until(lambda: pool.runs.status(full) == "finished")
    other.close()
    assert same(
        [each for each in told(pool.runs, full) if each["kind"] != "failed"], undisturbed(recipe(FILL))
    )


def test_the_log_tells_of_a_run_and_its_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "zoolens")
    pool = Pool(Runs(tmp_path), slots=1, keep_warm=False, command=NOBODY)
    id = pool.submit(recipe(0))
    until(ended(pool, id))
    pool.close()
    begun, end = (each for each in map(log.read, caplog.records) if each.name.startswith("run "))
    assert (begun.name, begun.fields["run"], begun.fields["data"]) == ("run submitted", id, "shapes")
    assert (end.name, end.fields) == ("run ended", {"run": id, "status": "failed"})


@pytest.mark.slow
def test_a_run_stops_wherever_it_is(pool: Pool) -> None:
    """Stuck in a step that does not end; two readers stop it at once, then one once more.

    The half second that it may take is measured by benchmarks/training.py; here others may be at work, too.
    """
    id = pool.submit(recipe(HANG))
    until(lambda: len(pool.runs.events(id)[0]) >= 6)
    time.sleep(0.1)
    second = threading.Thread(target=pool.stop, args=(id,))
    start = time.monotonic()
    second.start()
    pool.stop(id)
    took = time.monotonic() - start
    assert pool.runs.status(id) == "stopped"
    second.join()
    pool.stop(id)
    ends = [each.event for each in pool.runs.events(id)[0] if isinstance(each.event, Done)]
    assert [each.reason for each in ends] == ["stopped"]
    assert took < 5


@pytest.mark.slow
def test_a_killed_server_takes_its_workers_along_and_its_runs_go_on(tmp_path: Path) -> None:
    """Two runs under way and one that waits; then the server is killed, and another one comes."""
    runs, wanted = Runs(tmp_path), [recipe(n, epochs=3, images=160) for n in range(3)]
    ids = [runs.submit(each) for each in wanted]
    environment = os.environ | {"ZOOLENS_RUNS": str(tmp_path)}
    process = subprocess.Popen(
        [*COMMAND, "server"], env=environment, cwd=Path(__file__).parents[2], stdin=subprocess.DEVNULL
    )
    until(lambda: len(runs.events(ids[0])[0]) > 8)
    before = {id: told(runs, id) for id in ids}
    process.kill()
    process.wait()
    until(lambda: not any(held(runs.path(id) / "lock") for id in ids), 10)
    assert runs.status(ids[0]) == "interrupted"
    pool = Pool(runs, slots=2, command=WORKER)
    pool.recover()
    for id, each in zip(ids, wanted, strict=True):
        until(ended(pool, id))
        assert told(runs, id)[: len(before[id])] == before[id]
        assert same(told(runs, id), undisturbed(each))
    pool.close()


@pytest.mark.slow
def test_a_paused_run_makes_room_for_those_who_wait(pool: Pool) -> None:
    first = pool.submit(recipe(epochs=20))
    until(lambda: pool.runs.status(first) == "running")
    pool.pause(first)
    until(lambda: pool.runs.status(first) == "paused")
    second = pool.submit(recipe())
    until(lambda: pool.runs.status(second) == "finished")
    assert pool.runs.status(first) == "paused"
    pool.step(first)
    steps = len([each for each in told(pool.runs, first) if each["kind"] == "step"])
    until(lambda: len([each for each in told(pool.runs, first) if each["kind"] == "step"]) == steps + 1)
    until(lambda: pool.runs.status(first) == "paused")
    pool.stop(first)
    assert pool.runs.status(first) == "stopped"


def test_those_who_wait_have_places(idle: Pool) -> None:
    ids = [idle.submit(recipe()) for _ in range(3)]
    assert [idle.place(id) for id in ids] == [1, 2, 3]
    assert [idle.runs.status(id) for id in ids] == ["queued"] * 3
    idle.pause(ids[1])
    assert [idle.place(id) for id in ids] == [1, None, 2]
    assert idle.runs.status(ids[1]) == "paused"
    idle.stop(ids[0])
    assert [idle.place(id) for id in ids] == [None, None, 1]
    assert idle.runs.events(ids[0])[0][-1].event == Done(epoch=0, step=0, reason="stopped")
    idle.play(ids[1])
    assert idle.runs.status(ids[1]) == "queued"
    assert [idle.place(id) for id in ids] == [None, 2, 1]


def test_the_queue_has_an_end(idle: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.RUNS_WAITING.variable, "2")
    for _ in range(2):
        idle.submit(recipe())
    with pytest.raises(ValueError, match="2 runs are waiting already"):
        idle.submit(recipe())
    assert len(idle.runs.list()) == 2


def test_two_servers_share_a_folder(idle: Pool) -> None:
    """Neither takes the other's runs, and both can stop them."""
    id = idle.submit(recipe())
    other = Pool(Runs(idle.runs.root), slots=1)
    other.recover()
    assert other.place(id) is None
    other.stop(id)
    idle.stop(id)
    ends = [each.event for each in idle.runs.events(id)[0]]
    assert ends == [Done(epoch=0, step=0, reason="stopped")]
    other.close()


def test_what_a_dead_server_left_is_taken_up_in_order(idle: Pool) -> None:
    first, second, third, fourth = (idle.runs.submit(recipe(), pool="dead") for _ in range(4))
    for id, status in ((second, "running"), (third, "paused"), (fourth, "ended")):
        with Lock(idle.runs.path(id) / "lock") as lock:
            write_state(lock, State(status=status, pool="dead"))
    idle.runs.end(fourth, Done(epoch=0, step=0, reason="stopped"))
    idle.recover()
    assert [idle.place(id) for id in (first, second, third, fourth)] == [1, 2, None, None]
    idle.recover()
    assert idle.place(second) == 2


def test_a_pool_cleans_up_after_dead_ones(tmp_path: Path) -> None:
    (tmp_path / POOLS).mkdir()
    (tmp_path / POOLS / "dead").touch()
    pool = Pool(Runs(tmp_path), command=NOBODY)
    pool.recover()
    until(lambda: [each.name for each in (tmp_path / POOLS).glob("[!.]*")] == [pool.id], 20)
    assert pool.runs.lives(pool.id)
    pool.close()
    assert not pool.runs.lives(pool.id)
    assert not list((tmp_path / POOLS).glob("[!.]*"))


def test_where_nothing_can_be_written_nothing_begins(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    pool = Pool(Runs(tmp_path / "file"), command=NOBODY)
    with pytest.raises(ValueError, match="cannot be read"):
        pool.submit(recipe())
    pool.close()


def test_a_run_that_cannot_be_changed_is_a_sentence(idle: Pool) -> None:
    id = idle.runs.submit(recipe())
    lock = idle.runs.path(id) / "lock"
    lock.unlink()
    lock.mkdir()
    with pytest.raises(ValueError, match=rf"^The run {id} cannot be changed: Is a directory\.$"):
        idle.play(id)
    idle.stop(id)
    assert idle.runs.status(id) == "failed"


def test_workers_that_cannot_start_do_not_stop_the_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pool = Pool(Runs(tmp_path), command=NOBODY)
    id = pool.submit(recipe())
    until(ended(pool, id))
    assert pool.runs.why(id) == "The training failed: it ended without a word."
    pool.close()


def test_a_finished_run_does_not_go_on(idle: Pool) -> None:
    id = idle.runs.submit(recipe())
    idle.runs.end(id, Done(epoch=0, step=0, reason="finished"))
    with pytest.raises(ValueError, match="This run is finished"):
        idle.play(id)


def test_a_deleted_run_is_no_longer_waited_for(idle: Pool) -> None:
    id = idle.submit(recipe())
    with pytest.raises(ValueError, match="Stop it first"):
        idle.runs.delete(id)
    idle.stop(id)
    idle.runs.delete(id)
    assert idle.place(id) is None
    for ask in (idle.stop, idle.play, idle.pause, idle.step, idle.epoch):
        with pytest.raises(ValueError, match="There is no run called"):
            ask(id)


def test_a_workers_death_is_named() -> None:
    assert "SIGSEGV" in module._reason(-signal.SIGSEGV, "")
    assert module._reason(1, "Traceback\nOops: no. ") == "The training failed: Oops: no."
