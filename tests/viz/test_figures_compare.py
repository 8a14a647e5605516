"""Bars by resolution and courses along the depth: what is drawn where, never pixels."""

import pytest

from viz.figures import compare
from zoo.anatomy import Step


def test_two_networks_mirror_each_other() -> None:
    one = compare.Spending("A", {0: 10, None: 30})
    other = compare.Spending("B", {0: 20, 1: 5})
    figure = compare.bars([one, other], [0, 1, None], "params")
    left, right = figure.data
    assert list(left.y) == ["1/1", "1/2", "head"]
    assert list(left.x) == [-10, 0, -30]
    assert list(right.x) == [20, 5, 0]
    assert list(left.text) == ["10 · 25%", "", "30 · 75%"]
    assert list(figure.layout.xaxis.ticktext) == ["30", "15", "0", "15", "30"]
    assert figure.layout.barmode == "overlay"


def test_more_stand_side_by_side() -> None:
    spent = [compare.Spending(name, {0: 10}) for name in "ABC"]
    figure = compare.bars(spent, [0], "macs")
    assert [bar.x[0] for bar in figure.data] == [10, 10, 10]
    assert figure.layout.barmode == "group"
    assert len({bar.marker.color for bar in figure.data}) == 3
    assert len({bar.marker.pattern.shape for bar in figure.data}) == 3


@pytest.mark.parametrize("share", [False, True])
def test_courses(share: bool) -> None:
    steps = [
        Step(1, "conv1", 16, "local", 3),
        Step(2, "conv2", 8, "local", 7),
        Step(3, "attend", 8, "global", None),
        Step(4, "head", 1, "global", None),
    ]
    figure = compare.courses([compare.Course("A", 32, steps)], share=share)
    field, mark, side = figure.data
    assert list(field.x) == ([0.25, 0.5, 0.75, 1] if share else [1, 2, 3, 4])
    assert list(field.y) == [3, 7, None, None]
    assert (mark.x[0], mark.y[0], mark.marker.symbol) == (field.x[2], 32, "circle")
    assert list(side.y) == [2, 4, 4, None]
    assert list(figure.layout.yaxis2.ticktext) == ["1/1", "1/2", "1/4"]


def test_a_field_by_position_ends_in_an_open_mark() -> None:
    steps = [Step(1, "stem", 8, "local", 4), Step(2, "window", 8, "varies", None)]
    mark = compare.courses([compare.Course("Swin", 32, steps)], share=False).data[1]
    assert (mark.y[0], mark.marker.symbol) == (4, "circle-open")
