"""The charts of the page Invariance: what is not known yet is left out, bands, the mark, round axes."""

import numpy as np
import pytest

from viz.figures.invariance import Line, bars, curves
from viz.figures.style import COLOURS


def test_what_is_not_known_yet_is_left_out() -> None:
    line = Line(name="cat", x=[-1, 0, 1], y=np.array([np.nan, 0.0, 0.7]))
    figure = curves([line], title="Top", axis="down", y="distance", here=1)
    (trace,) = figure.data
    assert list(trace.x) == [0, 1]
    assert figure.layout.xaxis.range == (-1, 1)
    assert figure.layout.yaxis.range == (0, 0.8)
    (mark,) = figure.layout.shapes
    assert (mark.x0, mark.x1) == (1, 1)
    assert trace.line.color == COLOURS[0]


@pytest.mark.parametrize(("top", "end"), [(0.0, 1), (0.31, 0.4), (1.0, 1), (2.3, 2.5), (41, 50), (9.9, 10)])
def test_axes_end_at_round_numbers(top: float, end: float) -> None:
    figure = curves([Line(name="a", x=[0, 1], y=np.array([0, top]))], title="", axis="", y="")
    assert figure.layout.yaxis.range[1] == pytest.approx(end)


def test_a_band_lies_below_its_line_and_has_no_entry_of_its_own() -> None:
    y = np.array([0.2, 0.4])
    line = Line(name="a", x=[0, 1], y=y, low=y - 0.1, high=y + 0.1)
    band, mean = curves([line], title="", axis="", y="", shares=True).data
    assert list(band.y) == pytest.approx([0.3, 0.5, 0.3, 0.1])
    assert not band.showlegend
    assert mean.name == "a"


def test_bars_have_the_largest_on_top() -> None:
    (bar,) = bars(["arrow", "ring"], [0.4, 0.9], title="", axis="").data
    assert list(bar.y) == ["arrow", "ring"]  # plotly draws from below
    (bar,) = bars(["ring", "arrow"], [0.9, 0.4], title="", axis="").data
    assert list(bar.y) == ["arrow", "ring"]
