"""Work beside the pages: shared by key, in turns, stopped when nobody waits for it."""

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from functools import partial

import pytest

from tests.waiting import until
from ui.background import Background, Load, Report, Seen, told

PATIENCE = 20.0  # seconds that a test waits for what should take none


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


def counting(*numbers: int) -> Callable[[], Iterator[int]]:
    return lambda: iter(numbers)


class Rounds:
    """Work whose every round waits to be let through."""

    def __init__(self, rounds: int) -> None:
        self.rounds, self.made, self.closed = rounds, 0, False
        self._open = threading.Semaphore(0)

    def __call__(self) -> Iterator[int]:
        try:
            for number in range(1, self.rounds + 1):
                assert self._open.acquire(timeout=PATIENCE)
                self.made = number
                yield number
        finally:
            self.closed = True

    def let(self, rounds: int = 1) -> None:
        self._open.release(rounds)


def found(pool: Background, key: Hashable, reader: str = "reader") -> object:
    """The latest result, looked at."""
    seen = pool.look(key, reader)
    return None if seen is None else seen.result


def over(pool: Background, key: Hashable, state: str = "done") -> Seen:
    seen = pool.wait(key, "reader", PATIENCE)
    assert seen is not None
    assert seen.state == state
    return seen


def test_the_last_round_stays() -> None:
    pool = Background(1)
    pool.rounds("a", counting(1, 2, 3), "reader")
    assert over(pool, "a").result == 3
    assert pool.rounds("a", counting(7), "another").result == 3  # it costs nothing again


def test_a_reader_waits_for_the_first_round_and_not_longer() -> None:
    pool, work = Background(1), Rounds(2)
    pool.rounds("a", work, "reader")
    before = pool.wait("a", "reader", 0.01, first=True)
    work.let()
    after = pool.wait("a", "reader", PATIENCE, first=True)
    assert before is not None
    assert after is not None
    assert (before.result, after.result, after.alive) == (None, 1, True)
    work.let()


def test_what_had_least_comes_first() -> None:
    pool, long, order = Background(1), Rounds(50), list[str]()

    def noted(name: str) -> Iterator[int]:
        for number in range(3):
            order.append(name)
            yield number

    pool.rounds("long", long, "one")
    long.let(5)
    until(lambda: found(pool, "long", "one") == 5, PATIENCE)
    for name in ("b", "c"):
        pool.rounds(name, partial(noted, name), name)
    long.let()  # the round that the long one is in
    for name in ("b", "c"):
        over(pool, name)
    assert order == ["b", "c"] * 3
    assert found(pool, "long", "one") == 6
    pool.stop("long")
    long.let()
    until(lambda: long.closed, PATIENCE)


def test_work_in_one_piece_has_its_turn_between_two_rounds() -> None:
    pool, long = Background(1), Rounds(50)
    pool.rounds("long", long, "one")
    long.let()
    until(lambda: found(pool, "long", "one") == 1, PATIENCE)
    pool.submit("short", lambda report: "here", "two")
    long.let()
    assert over(pool, "short").result == "here"
    assert long.made == 2
    pool.stop("long")
    long.let()


def test_who_leaves_gives_up_the_work_before() -> None:
    pool, work = Background(1), Rounds(9)
    pool.rounds("small", work, "reader")
    work.let()
    until(lambda: found(pool, "small") == 1, PATIENCE)
    pool.rounds("large", counting(1), "reader")
    pool.leave("reader", but="large")
    work.let()
    over(pool, "large")
    assert "small" not in pool
    assert work.made == 2
    assert work.closed


def test_two_windows_share_it_and_the_second_keeps_it() -> None:
    pool, work = Background(1), Rounds(2)
    pool.rounds("a", work, "one")
    pool.rounds("a", work, "reader")
    pool.leave("one")
    work.let(2)
    assert over(pool, "a").result == 2


def test_rounds_that_nobody_looks_at_are_given_up() -> None:
    pool, work = Background(1, patience=0.05), Rounds(9)
    pool.rounds("a", work, "reader")
    work.let()
    until(lambda: work.made == 1, PATIENCE)
    time.sleep(0.1)
    work.let()
    until(lambda: work.closed, PATIENCE)
    assert "a" not in pool
    pool.rounds("a", counting(5), "reader")
    assert over(pool, "a").result == 5


def test_stopped_for_all_with_what_it_had() -> None:
    pool, work = Background(1), Rounds(9)
    pool.rounds("a", work, "reader")
    work.let()
    until(lambda: found(pool, "a") == 1, PATIENCE)
    pool.stop("a")
    assert over(pool, "a", "cancelled").result == 1
    work.let()
    until(lambda: work.closed, PATIENCE)
    assert over(pool, "a", "cancelled").result == 1
    pool.forget("a")
    pool.rounds("a", counting(7), "reader")
    assert over(pool, "a").result == 7


def test_rounds_that_fail_keep_what_they_had() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("There are no maps.")

    pool = Background(1)
    pool.rounds("a", failing, "reader")
    seen = over(pool, "a", "failed")
    assert (seen.why, seen.result) == ("There are no maps.", 1)
    pool.rounds("b", counting(1), "reader")
    over(pool, "b")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_accident_ends_one_job_only() -> None:
    def broken() -> Iterator[int]:
        raise RuntimeError("out of memory")
        yield 1

    pool = Background(1)
    pool.rounds("a", broken, "reader")
    assert over(pool, "a", "failed").why.startswith("This could not be computed.")
    pool.rounds("b", counting(1), "reader")
    over(pool, "b")


def test_a_queue_beyond_those_opened() -> None:
    pool, works = Background(2, opened=2), [Rounds(2) for _ in range(4)]
    for number, work in enumerate(works):
        pool.rounds(number, work, f"reader {number}")
    until(lambda: pool.look(1, "reader 1").state == "running", PATIENCE)  # type: ignore[union-attr]
    for work in works:
        work.let()
    until(lambda: [found(pool, number) for number in range(4)] == [1, 1, None, None], PATIENCE)
    assert pool.sharing() == 4
    assert pool.look(3, "reader").place == 1  # type: ignore[union-attr]
    for work in works:
        work.let()
    for number in range(4):
        over(pool, number)
    assert pool.sharing() == 0


def test_results_are_bounded() -> None:
    pool = Background(1, kept=4_000)
    for number in range(6):
        pool.submit(number, lambda report: bytes(1_000), "reader")
        over(pool, number)
    assert [number for number in range(6) if number in pool] == [3, 4, 5]


def test_a_result_larger_than_the_room_is_there_until_the_next() -> None:
    pool = Background(1, kept=1_000)
    for number in range(2):
        pool.submit(number, lambda report: bytes(5_000), "reader")
        over(pool, number)
    assert [number for number in range(2) if number in pool] == [1]


def test_what_has_just_ended_is_kept_before_what_was_looked_at_meanwhile() -> None:
    pool, gate = Background(1, kept=1), Gate()
    pool.submit("old", lambda report: bytes(1_000), "reader")
    over(pool, "old")
    pool.submit("new", gate, "reader")
    assert gate.started.wait(PATIENCE)
    assert pool.result("old") is not None
    gate.open.set()
    until(lambda: "old" not in pool, PATIENCE)
    assert found(pool, "new") == "whole"


def test_rounds_end_with_the_server() -> None:
    pool, work = Background(1), Rounds(9)
    pool.rounds("a", work, "reader")
    work.let()
    until(lambda: found(pool, "a") == 1, PATIENCE)
    work.let()
    pool.close()
    assert work.closed
    over(pool, "a", "cancelled")


def test_results_are_freed_and_work_goes_on() -> None:
    pool, gate = Background(1), Gate()
    pool.submit("a", lambda report: "done", "ann")
    ready(pool, "a")
    pool.submit("b", gate, "ann")
    assert gate.started.wait(PATIENCE)
    pool.submit("c", gate, "bob")
    assert pool.load() == Load(running=1, waiting=1, kept=1)
    pool.free()
    assert pool.load() == Load(running=1, waiting=1, kept=0)
    gate.open.set()
    ready(pool, "b")
