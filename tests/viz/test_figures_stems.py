"""Figures of first layers: sheets of filters, spectra as pictures, and charts that need no colour."""

import numpy as np
import pytest

from viz.figures import stems as figures
from viz.figures.stems import Profile

ONE, TWO = figures.looks(["one", "two"])


def test_a_sheet_keeps_the_order_and_the_common_contrast() -> None:
    weight = np.zeros((3, 3, 2, 2))
    weight[0, :, 0, 0], weight[1, :, 0, 0] = 1.0, -0.5
    sheet, across = figures.filters(weight, common=True)
    own, _ = figures.filters(weight, common=False)
    assert across == 2
    corner = np.argwhere(sheet[..., 3] > 0)[0]
    step = np.argwhere(sheet[corner[0], :, 3] > 0).ravel()
    second = step[np.argmax(np.diff(step) > 1) + 1]  # where the second filter begins
    assert sheet[corner[0], corner[1], 0] == 255
    assert sheet[corner[0], second, 0] == pytest.approx(64, abs=1)
    assert own[corner[0], second, 0] == 0
    assert sheet[corner[0], :, 3].min() == 0  # clear between filters


def test_one_channel_is_grey_and_zeros_are_no_error() -> None:
    sheet, _ = figures.filters(np.zeros((6, 1, 5, 5)), common=False)
    shown = sheet[sheet[..., 3] > 0]
    assert set(np.unique(shown[:, :3])) == {128}


def test_pictures_are_enlarged_in_squares() -> None:
    plane = figures.spectrum(np.array([[0.0, 1.0], [4.0, 0.0]]), size=8)
    assert plane.shape == (8, 8, 3)
    assert plane[0, 0].tolist() == [0, 0, 0]
    assert plane[7, 0].sum() > plane[0, 7].sum() > 0
    grey = figures.answer(np.array([[1.0, -1.0], [0.0, 0.5]]), size=4)
    assert [int(grey[y, x, 0]) for y, x in ((0, 0), (0, 3), (3, 0), (3, 3))] == [255, 0, 128, 191]


def test_networks_differ_in_dash_and_marker() -> None:
    x, y = np.array([0.1, 0.4]), np.array([2.0, 0.5])
    figure = figures.radial([Profile(look=ONE, x=x, y=y, mark=0.125), Profile(look=TWO, x=x, y=y, mark=0.5)])
    drawn = [trace for trace in figure.data if trace.name in ("one", "two")]
    assert drawn[0].line.dash != drawn[1].line.dash
    assert drawn[0].marker.symbol != drawn[1].marker.symbol
    assert [shape.x0 for shape in figure.layout.shapes] == [0.125]  # Nyquist's own edge needs no line
    assert figure.layout.yaxis.type == "log"


def test_directions_close_after_half_a_turn() -> None:
    figure = figures.oriented([Profile(look=ONE, x=np.array([0.0, 90.0]), y=np.array([1.0, 2.0]))])
    assert list(figure.data[0].x) == [0, 90, 180]
    assert list(figure.data[0].y) == [1, 2, 1]


def test_bars_of_size_are_sorted_and_have_the_line() -> None:
    figure = figures.sizes(ONE, np.array([0.05, 0.3, 0.1]), 0.1, 0.4)
    assert list(figure.data[0].y) == [0.3, 0.1, 0.05]
    assert list(figure.data[0].customdata) == [1, 2, 0]
    assert figure.layout.shapes[0].y0 == 0.1
    assert figure.layout.yaxis.range[1] > 0.4  # to one scale with the others


def test_shares_and_levels() -> None:
    bars = figures.silent([(ONE, ["a", "b"], [0.5, 0.0]), (TWO, ["c"], [0.1])])
    assert list(bars.data[0].y) == [0.5, 0.0]
    assert bars.data[0].marker.pattern.shape != bars.data[1].marker.pattern.shape
    curves = figures.levels([(ONE, np.array([1.0, 4.0])), (TWO, np.zeros(2))], 0.01)
    assert list(curves.data[0].y) == [1.0, 0.25]
    assert list(curves.data[1].y) == [0, 0]
    lines = figures.lost([(ONE, [1, 2, 4], [0.0, 0.1, 0.4], 4)])
    assert list(lines.data[0].marker.size) == [8, 8, 17]
    points = figures.preferred([(ONE, np.array([0.1, np.nan]))])
    assert points.data[0].text == ("filter 0", "filter 1")


def test_pictures_beside_each_other_to_take_away() -> None:
    sheet = figures.beside([np.zeros((10, 20, 3), np.uint8), np.zeros((5, 5, 4), np.uint8)], height=40)
    assert sheet.size == (80 + 40 + 3 * 16, 40 + 2 * 16)
    assert sheet.getpixel((16 + 80 + 16 + 5, 20)) == (255, 255, 255)  # clear is white


def test_long_names_are_broken() -> None:
    assert figures.wrapped("EfficientNet-Lite0, 3×3 / 2") == "EfficientNet-Lite0,<br>3×3 / 2"
