"""The clock of a recording."""

import pytest

from training.replay import Clock


def test_it_stands_until_it_is_played() -> None:
    assert Clock(end=60).at(1000.0) == 0


@pytest.mark.parametrize(("speed", "seen"), [(1, 4), (5, 20), (20, 60)])
def test_it_goes_as_fast_as_it_is_told_and_no_further_than_the_end(speed: float, seen: float) -> None:
    clock = Clock(end=60).turned(100.0, speed)
    assert clock.at(104.0) == seen
    assert clock.over(104.0) == (seen == 60)


def test_a_pause_keeps_the_moment_and_another_speed_goes_on_from_it() -> None:
    paused = Clock(end=60).turned(100.0, 5).turned(102.0, 0)
    assert paused.at(500.0) == 10
    assert paused.turned(500.0, 1).at(503.0) == 13


def test_it_can_be_moved_while_it_plays() -> None:
    clock = Clock(end=60).turned(100.0, 5).moved(101.0, 30)
    assert clock.at(102.0) == 35
    assert clock.moved(102.0, -5).at(102.0) == 0
    assert clock.moved(102.0, 99).at(102.0) == 60


def test_from_the_end_it_begins_again() -> None:
    clock = Clock(end=60).turned(0.0, 20)
    assert clock.over(10.0)
    assert clock.turned(10.0, 1).at(11.0) == 1


def test_a_clock_of_the_machine_that_goes_back_takes_nothing_away() -> None:
    assert Clock(end=60).moved(100.0, 30).turned(100.0, 1).at(50.0) == 30
