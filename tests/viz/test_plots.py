"""Charts on paper: where the curves lie, and that a legend has room."""

import numpy as np
import pytest

from viz import plots
from viz.figures import invariance as figures
from viz.figures.invariance import Line
from viz.figures.style import COLOURS


def colour(word: str) -> tuple[int, ...]:
    return tuple(int(word[i : i + 2], 16) for i in (1, 3, 5))


def test_a_curve_lies_where_its_numbers_are() -> None:
    line = Line(name="flat", x=[0, 10], y=np.array([0.5, 0.5]))
    chart = figures.curves([line], title="One", axis="amount", y="share", shares=True)
    picture = plots.page([[chart, chart], [chart, chart]], "A page")
    assert picture.width == 4 * plots.WIDTH
    pixels = np.asarray(picture).astype(int)
    close = (abs(pixels - colour(COLOURS[0])).sum(-1) < 40).nonzero()
    rows, count = np.unique(close[0] // 2, return_counts=True)
    middles = [row for row, many in zip(rows, count, strict=True) if many > plots.WIDTH]
    # The middle between the top and the bottom of each row of charts, and nowhere else.
    expected = [44 + at * plots.HEIGHT + (30 + plots.HEIGHT - 40) / 2 for at in (0, 1)]
    assert min(middles) == pytest.approx(expected[0], abs=2)
    assert max(middles) == pytest.approx(expected[1], abs=2)


def test_long_legends_break() -> None:
    lines = [Line(name=f"a network with a long name, {at}", x=[0, 1], y=np.array([0, at])) for at in range(6)]
    chart = figures.curves(lines, title="One", axis="amount", y="")
    few = figures.curves(lines[:1], title="One", axis="amount", y="")
    assert plots.page([[chart]], "A").height > plots.page([[few]], "A").height
