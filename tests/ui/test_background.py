"""Work beside the pages: shared by key, in turns, stopped when nobody waits for it."""

import threading
from collections.abc import Callable

import pytest

from ui.background import Background, Report, told


class Gate:
    """Work that reports, and ends when it is let through."""

    def __init__(self) -> None:
        self.started, self.open, self.runs = threading.Event(), threading.Event(), 0

    def __call__(self, report: Report) -> str:
        self.runs += 1
        self.started.set()
        while not self.open.wait(0.005):
            report(0.5, "half")
        return "whole"


def ready(pool: Background, key: str, reader: str = "ann", state: str = "done") -> None:
    seen = pool.wait(key, reader, 10)
    assert seen is not None
    assert seen.state == state


def test_a_job_is_shared_by_its_key() -> None:
    pool, gate = Background(1), Gate()
    assert pool.look("a", "ann") is None
    pool.submit("a", gate, "ann")
    assert gate.started.wait(10)
    joined = pool.submit("a", gate, "bob")
    assert joined.alive
    gate.open.set()
    ready(pool, "a")
    again = pool.submit("a", gate, "carl")
    assert (again.state, again.share, again.result) == ("done", 1.0, "whole")
    assert gate.runs == 1


def test_parts_are_seen_and_the_last_who_cancels_stops_it() -> None:
    pool, gate = Background(1), Gate()
    pool.submit("a", gate, "ann")
    pool.submit("a", gate, "bob")
    assert gate.started.wait(10)
    while (seen := pool.look("a", "bob")) is not None and seen.result is None:
        pass
    assert seen is not None
    assert (seen.share, seen.result) == (0.5, "half")
    pool.cancel("a", "ann")
    assert pool.wait("a", "bob", 0.05).state == "running"  # type: ignore[union-attr]
    pool.cancel("a", "bob")
    job = pool._jobs["a"]
    with job.change:
        assert job.change.wait_for(lambda: job.state == "cancelled", 10)
    assert pool.look("a", "ann").result == "half"  # type: ignore[union-attr]
    gate.open.set()
    pool.submit("a", gate, "ann")
    ready(pool, "a")
    assert gate.runs == 2


def test_readers_take_turns() -> None:
    pool, gate = Background(1), Gate()
    order: list[str] = []

    def noted(name: str) -> Callable[[Report], None]:
        return lambda report: order.append(name)

    pool.submit("first", gate, "ann")
    assert gate.started.wait(10)
    pool.submit("ann last", noted("ann last"), "ann", last=True)
    for number in range(3):
        pool.submit(f"ann {number}", noted(f"ann {number}"), "ann")
    last = pool.submit("bob", noted("bob"), "bob")
    assert last.place == 0
    assert told(last) == "next"
    assert told(pool.look("ann 1", "ann")) == "waiting, 2 before it"  # type: ignore[arg-type]
    gate.open.set()
    for key in ("ann 0", "ann 1", "ann 2", "ann last"):
        ready(pool, key)
    assert order == ["bob", "ann 0", "ann 1", "ann 2", "ann last"]


def test_who_goes_away_is_not_worked_for() -> None:
    pool, gate = Background(1, patience=0.05), Gate()
    pool.submit("a", gate, "ann")
    job = pool._jobs["a"]
    with job.change:
        assert job.change.wait_for(lambda: job.state == "cancelled", 10)


def test_failures_are_sentences() -> None:
    def wrong(report: Report) -> None:
        raise ValueError("Not for this network.")

    pool = Background(1)
    pool.submit("a", wrong, "ann")
    ready(pool, "a", state="failed")
    assert pool.look("a", "ann").why == "Not for this network."  # type: ignore[union-attr]


def test_the_queue_is_bounded() -> None:
    pool, gate = Background(1), Gate()
    pool.submit("first", gate, "ann")
    assert gate.started.wait(10)
    for number in range(256):
        pool.submit(number, gate, "ann")
    with pytest.raises(ValueError, match="Try again in a minute"):
        pool.submit("more", gate, "ann")
    pool.close()
    ready(pool, 5, state="cancelled")  # type: ignore[arg-type]
    ready(pool, "first", state="cancelled")
