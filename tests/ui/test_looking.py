"""How often pages look again: as they wish for a few readers, and all of a class no more often than a few."""

from collections.abc import Callable

import pytest
import streamlit as st

from ui import gate, looking

Part = Callable[[Callable[[], None]], Callable[[], None]]


class Clock:
    """Time and reader, as a test wants them."""

    now, reader = 0.0, ""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("ui.looking.time.monotonic", lambda: clock.now)
    monkeypatch.setattr(gate, "reader", lambda: clock.reader)
    monkeypatch.setattr(looking, "_looked", {})
    return clock


def paces(clock: Clock, readers: int, wish: float) -> list[float]:
    """What each of so many is told, one after the other."""
    told = []
    for number in range(readers):
        clock.reader = f"reader {number}"
        told.append(looking._pace(wish))
    return told


def test_a_few_look_as_often_as_they_wish(clock: Clock) -> None:
    assert paces(clock, 10, 0.4) == [0.4] * 10


def test_a_class_together_asks_no_more_than_so_many_times_a_second(clock: Clock) -> None:
    told = paces(clock, 80, 0.4)
    assert told == sorted(told)
    assert 80 / told[-1] == pytest.approx(1 / looking._LOOK)
    assert paces(clock, 1_000, 0.4)[-1] == looking._LONGEST


def test_who_has_stopped_looking_no_longer_counts(clock: Clock) -> None:
    paces(clock, 80, 0.4)
    clock.now += looking._GONE + 1
    assert paces(clock, 1, 0.4) == [0.4]
    assert list(looking._looked) == ["reader 0"]


@pytest.mark.parametrize(("others", "again"), [(1, False), (79, True)])
def test_a_page_that_stands_takes_up_a_new_pace(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, others: int, again: bool
) -> None:
    """And as soon as the pace is twice another, not at each newcomer."""
    armed: list[float] = []
    parts: list[Callable[[], None]] = []

    def fragment(run_every: float) -> Part:
        armed.append(run_every)
        return kept

    def kept(part: Callable[[], None]) -> Callable[[], None]:
        parts.append(part)
        return part

    reruns: list[str] = []
    monkeypatch.setattr(st, "fragment", fragment)
    monkeypatch.setattr(st, "rerun", lambda: reruns.append("again"))
    drawn: list[str] = []
    looking.again(0.4)(drawn.append)("drawn")
    assert (armed, drawn, reruns) == ([0.4], ["drawn"], [])
    paces(clock, others, 0.4)
    parts[0]()
    assert drawn == ["drawn", "drawn"]
    assert bool(reruns) == again


def test_what_stands_still_is_drawn_with_the_page_alone(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    armed: list[float | None] = []

    def fragment(run_every: float | None) -> Part:
        armed.append(run_every)
        return lambda part: part

    monkeypatch.setattr(st, "fragment", fragment)
    drawn: list[str] = []
    looking.again(None)(drawn.append)("drawn")
    assert (armed, drawn) == ([None], ["drawn"])
    assert not looking._looked
