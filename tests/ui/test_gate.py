"""The gate: how many compute at once, who comes next, who joins, and that nobody waits for ever."""

import ast
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

from tests.waiting import until
from ui import gate as module
from ui.background import Background, Report
from ui.gate import Full, Gate, heavy, patient
from ui.results import Results

PATIENCE = 20.0  # seconds that a test waits for what should take none
Keep = Callable[[], Callable[[Callable[..., Any]], Callable[..., Any]]]
KEEPS = pytest.mark.parametrize(
    "keep",
    [lambda: st.cache_resource(show_spinner=False), lambda: Results(1 << 20).keep],
    ids=["by number", "by bytes"],
)


def begun(work: Callable[[], object]) -> Future[object]:
    """Work in a thread of its own."""
    answer: Future[object] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return answer


class Held:
    """A place that is kept until it is let go."""

    def __init__(self, gate: Gate, reader: str = "holder") -> None:
        self._let_go, self._has = threading.Event(), threading.Event()
        self._answer = begun(lambda: self._keep(gate, reader))
        assert self._has.wait(PATIENCE)

    def _keep(self, gate: Gate, reader: str) -> None:
        with gate.place(reader):
            self._has.set()
            assert self._let_go.wait(PATIENCE)

    def let_go(self) -> None:
        self._let_go.set()
        self._answer.result(PATIENCE)


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A server with one place."""
    gate = Gate(1)
    monkeypatch.setattr(module, "gate", lambda: gate)
    yield gate
    assert gate.waiting == 0
    with gate.place("somebody", at_once=True):  # every place was given back
        pass


def test_eighty_threads_and_two_places() -> None:
    gate, lock, now, most = Gate(2), threading.Lock(), 0, 0

    def work() -> None:
        nonlocal now, most
        with gate.place(threading.current_thread().name):
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.002)
            with lock:
                now -= 1

    for answer in [begun(work) for _ in range(80)]:
        answer.result(PATIENCE)
    assert most == 2
    assert (gate.waiting, now) == (0, 0)


def test_whose_last_turn_is_longest_ago_comes_next(one: Gate) -> None:
    order: list[str] = []

    def work(reader: str) -> None:
        with one.place(reader):
            order.append(reader)

    def waits(many: int) -> bool:
        return one.waiting == many

    held, answers = Held(one), []
    for reader in ("ann", "ann", "ann", "bob", "bob", "carl"):
        waiting = one.waiting
        answers.append(begun(partial(work, reader)))
        until(partial(waits, waiting + 1), PATIENCE)
    held.let_go()
    for answer in answers:
        answer.result(PATIENCE)
    assert order == ["ann", "bob", "carl", "ann", "bob", "ann"]


def test_work_inside_work_takes_no_second_place(one: Gate) -> None:
    with one.place("ann"):
        assert one.inside
        with one.place("ann"), one.place("bob", at_once=True):
            assert begun(lambda: one.inside).result(PATIENCE) is False, "a place belongs to a thread"
        assert one.inside
    assert not one.inside


def test_a_place_is_given_back_whatever_happens(one: Gate) -> None:
    with pytest.raises(ZeroDivisionError), one.place("ann"):
        _ = 1 / 0


def test_long_work_lets_others_in_when_it_pauses(one: Gate) -> None:
    order: list[str] = []

    def short() -> None:
        with one.place("bob"):
            order.append("bob")

    with one.place("ann"):
        one.pause()
        order.append("ann")
        answer = begun(short)
        until(lambda: one.waiting == 1, PATIENCE)
        one.pause()
        order.append("ann again")
        assert one.inside
    answer.result(PATIENCE)
    assert order == ["ann", "bob", "ann again"]


def test_who_is_alone_has_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    monkeypatch.setattr("torch.get_num_threads", lambda: 8)
    monkeypatch.setattr("torch.set_num_threads", given.append)
    gate = Gate(16)
    held = [Held(gate) for _ in range(10)]
    assert given == [8, 4, 2, 2, 1, 1, 1, 1, 1, 1]
    for each in held:
        each.let_go()


def test_what_is_light_needs_no_place(one: Gate) -> None:
    @patient
    @st.cache_resource(show_spinner=False)
    def light(number: int) -> bool:
        return one.inside

    held = Held(one)
    assert light(1) is False
    held.let_go()


def test_no_place_at_once(one: Gate) -> None:
    held = Held(one)
    with pytest.raises(Full), one.place("ann", at_once=True):
        pass
    held.let_go()


@KEEPS
def test_the_same_work_is_done_once(one: Gate, keep: Keep) -> None:
    computed: list[int] = []

    @heavy(keep())
    def square(number: int) -> int:
        computed.append(number)
        return number * number

    held = Held(one)
    answers = [begun(lambda: square(7)) for _ in range(20)]
    until(lambda: one.waiting == 20, PATIENCE)
    assert computed == [], "nobody computes without a place"
    held.let_go()
    assert [answer.result(PATIENCE) for answer in answers] == [49] * 20
    assert computed == [7]
    held = Held(one)
    assert square(7) == 49, "what is there already needs no place"
    held.let_go()


@KEEPS
def test_who_has_a_place_may_want_what_another_waits_to_compute(one: Gate, keep: Keep) -> None:
    """The wait stands above the lock that the cache keeps for each result, or this would never end."""

    @heavy(keep())
    def double(number: int) -> int:
        return 2 * number

    @heavy(keep())
    def outer(number: int) -> int:
        return 1 + double(number)

    @patient
    @keep()
    def light(number: int) -> int:
        return 2 + double(number)

    asked, go = threading.Event(), threading.Event()

    def work(_: Report) -> int:
        asked.set()
        assert go.wait(PATIENCE)
        return double(3) + outer(4) + light(5)

    pool = Background(1)
    pool.submit("job", work, "ann")
    assert asked.wait(PATIENCE)
    wanted = (partial(double, 3), partial(outer, 4), partial(double, 4), partial(light, 5))
    scripts = [begun(each) for each in wanted]
    until(lambda: one.waiting == 4, PATIENCE)
    go.set()
    assert [answer.result(PATIENCE) for answer in scripts] == [6, 9, 8, 12]
    seen = pool.wait("job", "ann", PATIENCE)
    assert seen is not None
    assert seen.result == 6 + 9 + 12


def test_long_work_beside_the_pages_holds_nobody_up(one: Gate) -> None:
    """It is the only one, has the only place, and goes on for as long as the others have not been served."""
    served = threading.Event()

    def long(report: Report) -> str:
        while not served.is_set():
            report(0.5, None)
            time.sleep(0.001)
        return "whole"

    @heavy(st.cache_resource(show_spinner=False))
    def half(number: int) -> int:
        return number // 2

    pool = Background(1)
    pool.submit("long", long, "ann")
    until(lambda: not one._free, PATIENCE)
    assert [begun(partial(half, at)).result(PATIENCE) for at in (10, 20)] == [5, 10]
    served.set()
    seen = pool.wait("long", "ann", PATIENCE)
    assert seen is not None
    assert seen.result == "whole"


def test_what_nobody_wants_any_more_is_not_begun(one: Gate) -> None:
    ran: list[str] = []
    held, pool = Held(one), Background(1)
    pool.submit("job", lambda _: ran.append("job"), "ann")
    until(lambda: one.waiting == 1, PATIENCE)
    pool.cancel("job", "ann")
    held.let_go()
    until(lambda: not pool._threads, PATIENCE)
    assert ran == []


def test_who_asks_for_heavy_work_is_patient() -> None:
    """A cache that knows nothing of the gate would wait with its own lock in hand."""
    tree = ast.parse((Path(__file__).parents[2] / "ui" / "cached.py").read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    gated = {
        node.name for node in functions for each in node.decorator_list
        if ast.unparse(each).partition("(")[0] in ("heavy", "patient")
    }  # fmt: skip
    assert "loaded" in gated
    for node in functions:
        kept = any(ast.unparse(each).startswith("st.cache_") for each in node.decorator_list)
        if kept and node.name not in gated:
            called = {
                each.func.id
                for each in ast.walk(node)
                if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
            }
            assert not called & gated, f"{node.name} needs @patient"
