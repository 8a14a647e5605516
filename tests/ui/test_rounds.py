"""Work in rounds: turns, giving up, failing, stopping, and what is kept."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from ui.rounds import Rounds, Task

PATIENCE = 20.0  # seconds that a test waits for what should take none


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


def counting(*numbers: int) -> Callable[[], Iterator[int]]:
    return lambda: iter(numbers)


class Gate:
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


def test_the_last_round_stays() -> None:
    rounds = Rounds[int]()
    task = rounds.look("a", "reader", counting(1, 2, 3))
    until(lambda: task.over)
    assert (task.status, task.latest, task.rounds) == ("done", 3, 3)
    assert rounds.look("a", "another", counting(7)) is task  # it costs nothing again


def test_a_reader_waits_for_the_first_round_and_not_longer() -> None:
    rounds, gate = Rounds[int](), Gate(2)
    task = rounds.look("a", "reader", gate)
    task.wait(0.01)
    before = task.latest
    gate.let()
    task.wait(PATIENCE)
    assert (before, task.latest) == (None, 1)
    assert not task.over
    gate.let()


def test_who_has_had_least_comes_first() -> None:
    rounds, long, order = Rounds[int](), Gate(50), list[str]()

    def noted(name: str) -> Iterator[int]:
        for number in range(3):
            order.append(name)
            yield number

    first = rounds.look("long", "one", long)
    long.let(5)
    until(lambda: first.rounds == 5)
    others = [rounds.look(name, name, partial(noted, name)) for name in ("b", "c")]
    long.let()  # the round that the long one is in
    until(lambda: all(task.over for task in others))
    assert order == ["b", "c"] * 3
    assert first.rounds == 6
    rounds.stop("long")
    long.let()
    until(lambda: long.closed)


def test_other_settings_give_up_the_work_before() -> None:
    rounds, gate = Rounds[int](), Gate(9)
    before = rounds.look("small", "reader", gate)
    gate.let()
    until(lambda: before.rounds == 1)
    after = rounds.look("large", "reader", counting(1))
    gate.let()
    until(lambda: after.over)
    assert (before.status, after.status) == ("stopped", "done")
    assert rounds.get("small") is None
    assert gate.made == 2
    assert gate.closed


def test_two_windows_share_it_and_the_second_keeps_it() -> None:
    rounds, gate = Rounds[int](), Gate(2)
    task = rounds.look("a", "one", gate)
    assert rounds.look("a", "two", gate) is task
    rounds.look("b", "one", counting(1))
    gate.let(2)
    until(lambda: task.over)
    assert (task.status, task.latest) == ("done", 2)


def test_what_nobody_looks_at_is_given_up() -> None:
    rounds, gate = Rounds[int](patience=0.05), Gate(9)
    task = rounds.look("a", "reader", gate)
    gate.let()
    until(lambda: task.rounds == 1)
    time.sleep(0.1)
    gate.let()
    until(lambda: task.over)
    assert task.status == "stopped"
    until(lambda: gate.closed)
    assert rounds.look("a", "reader", counting(5)) is not task


def test_stopped_by_hand() -> None:
    rounds, gate = Rounds[int](), Gate(9)
    task = rounds.look("a", "reader", gate)
    gate.let()
    until(lambda: task.rounds == 1)
    rounds.stop("a")
    assert task.status == "stopped"
    gate.let()
    until(lambda: gate.closed)
    assert rounds.look("a", "reader", gate) is task  # with what it had
    assert task.latest in (1, 2)
    rounds.forget("a")
    again = rounds.look("a", "reader", counting(7))
    until(lambda: again.over)
    assert again.latest == 7


def test_a_sentence_is_kept_and_the_thread_goes_on() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("There are no maps.")

    rounds = Rounds[int]()
    task = rounds.look("a", "one", failing)
    until(lambda: task.over)
    assert (task.status, task.failure, task.latest) == ("failed", "There are no maps.", 1)
    assert _ended(rounds.look("b", "two", counting(1))).status == "done"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_accident_ends_one_work_only() -> None:
    def broken() -> Iterator[int]:
        raise RuntimeError("out of memory")
        yield 1

    rounds = Rounds[int]()
    assert _ended(rounds.look("a", "one", broken)).failure.startswith("The computation broke off.")
    assert _ended(rounds.look("b", "two", counting(1))).status == "done"


def test_a_queue_beyond_those_opened() -> None:
    rounds, gates = Rounds[int](opened=2), [Gate(1) for _ in range(4)]
    for number, gate in enumerate(gates):
        rounds.look(number, f"reader {number}", gate)
    until(lambda: any(task.status == "running" for task in map(rounds.get, range(4)) if task))
    assert rounds.sharing() == 4
    assert rounds.place(3) >= 1
    for gate in gates:
        gate.let()
    until(lambda: rounds.sharing() == 0)
    assert rounds.place(3) == 0


def test_results_are_bounded() -> None:
    rounds = Rounds[int](kept=3)
    for number in range(6):
        _ended(rounds.look(number, "reader", counting(number)))
    rounds.look(5, "reader", counting())
    assert [number for number in range(6) if rounds.get(number)] == [3, 4, 5]


def _ended(task: Task[int]) -> Task[int]:
    until(lambda: task.over)
    return task
