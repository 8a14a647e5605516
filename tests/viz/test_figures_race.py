"""The figures of a race: a lane looks the same everywhere, and a lane that has not arrived says so."""

import numpy as np
import pytest

from viz.figures.race import COLOURS, GLYPHS, SYMBOLS, Finish, Track, curves, finish, together
from viz.figures.training import Axis

EPOCHS = Axis(title="Epochs", unit="epoch")


def track(name: str, *y: float, marked: bool = True) -> Track:
    return Track(name=name, x=np.arange(len(y), dtype=float), y=np.array(y), marked=marked)


def test_a_lane_has_one_colour_and_one_marker_in_every_figure() -> None:
    tracks = [track(name, 0.1, 0.5) for name in "abcd"]
    drawn = curves(tracks, title="t", axis=EPOCHS, y="y", shares=True, within=(0, 1))
    bars = finish([Finish(name=name, reached=3, so_far=5) for name in "abcd"], title="t", axis=EPOCHS)
    for at in range(4):
        assert drawn.data[at].line.color == bars.data[at].marker.color == COLOURS[at]
        assert drawn.data[at].marker.symbol == SYMBOLS[at]
        assert drawn.data[at].name == f"{GLYPHS[at]} {'abcd'[at]}"
        assert bars.data[at].y[0] == drawn.data[at].name


def test_the_colours_differ_as_much_as_the_markers() -> None:
    assert len(set(COLOURS)) == len(set(SYMBOLS)) == len(set(GLYPHS)) == 4


def test_a_target_lies_across_and_the_axes_are_as_told() -> None:
    figure = curves(
        [track("a", 0.1, 0.5)],
        title="t",
        axis=EPOCHS,
        y="y",
        shares=True,
        within=(0, 0.6),
        across=12,
        target=0.4,
    )
    (line,) = figure.layout.shapes
    assert (line.y0, line.y1, line.x0, line.x1) == (0.4, 0.4, 0, 1)
    assert tuple(figure.layout.yaxis.range) == (0, 0.6)
    assert tuple(figure.layout.xaxis.range) == (0, 12)


def test_a_lane_that_has_not_arrived_is_an_outline() -> None:
    figure = finish(
        [Finish(name="a", reached=3, so_far=12), Finish(name="b", reached=None, so_far=12)],
        title="t",
        axis=EPOCHS,
    )
    there, on_its_way = figure.data
    assert (there.x[0], there.text[0]) == (3, "3")
    assert (on_its_way.x[0], on_its_way.text[0]) == (12, "not in 12")
    assert on_its_way.marker.color != on_its_way.marker.line.color == COLOURS[1]


@pytest.mark.parametrize(
    ("values", "shares", "within"),
    [
        ([(0.1, 0.5), (0.8,)], True, (0, 0.8)),
        ([(0.1, 1.0)], True, (0, 1.0)),
        ([(0.1, 0.14)], True, (0, 0.15)),
        ([(2.0, np.nan)], False, (0, 2.0)),
        ([(), ()], False, None),
        ([], True, None),
    ],
)
def test_one_axis_for_all(
    values: list[tuple[float, ...]], shares: bool, within: tuple[float, float] | None
) -> None:
    found = together([track("a", *each) for each in values], shares=shares)
    assert found == (within if within is None else pytest.approx(within))
