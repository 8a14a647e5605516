"""What a network says of its pictures: the matrix, and sheets of filters, maps and photos, pixel by pixel."""

import io

import numpy as np
from PIL import Image

from viz.figures import sheets
from viz.figures.snapshot import MOST, confusion


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def test_the_matrix_is_coloured_by_share_and_numbered_by_count() -> None:
    figure = confusion(np.array([[3, 1], [0, 0]], dtype=np.int32), ("cat", "<a href=x>dog"))
    (map,) = figure.data
    np.testing.assert_array_equal(map.z, [[0.75, 0.25], [0, 0]])  # a class without pictures has no shares
    np.testing.assert_array_equal(map.text, [["3", "1"], ["0", "0"]])
    assert (map.zmin, map.zmax, map.texttemplate) == (0, 1, "%{text}")
    assert figure.layout.yaxis.autorange == "reversed"  # the first class on top
    assert figure.layout.xaxis.title.text == "The network says"
    assert map.x == ("cat", "&lt;a href=x&gt;dog")


def test_many_classes_are_not_numbered() -> None:
    names = tuple(str(n) for n in range(MOST + 1))
    (map,) = confusion(np.eye(MOST + 1, dtype=np.int32), names).data
    assert map.texttemplate is None


def test_filters_are_drawn_around_mid_grey() -> None:
    weights = np.zeros((2, 3, 1, 1), dtype=np.float16)
    weights[0, :, 0, 0] = [0.5, -0.5, 0]
    shown, largest, words = sheets.filters(weights)
    assert shown.tolist() == [[[[255, 0, 128]]], [[[128, 128, 128]]]]
    assert (largest, words) == (0.5, "the three planes as red, green and blue")
    grey, largest, words = sheets.filters(np.array([[[[-2.0, 1.0]]]]))
    assert (grey.tolist(), largest, words) == ([[[0, 191]]], 2.0, "one plane")
    mean, _, words = sheets.filters(np.array([[[[1.0]], [[0.0]]]]))
    assert (mean.shape, words) == ((1, 1, 1), "mean of 2 planes")


def test_filters_that_are_nothing_or_no_numbers() -> None:
    for value in (0.0, np.nan):
        shown, largest, _ = sheets.filters(np.full((1, 1, 2, 2), value))
        assert (shown.tolist(), largest) == ([[[128, 128], [128, 128]]], 0.0)


def test_a_sheet_enlarges_by_whole_numbers_and_leaves_gaps_open() -> None:
    grey = np.arange(3, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), dtype=np.uint8) * 100
    board = pixels(sheets.sheet(grey, columns=2, side=5))  # 2 pixels, twice as large, in two rows
    assert board.shape == (2 * 4 + 3, 2 * 4 + 3, 2)
    assert board[:4, :4, 0].tolist() == [[0] * 4] * 4
    assert board[:4, 7:, 0].tolist() == [[100] * 4] * 4
    assert board[7:, :4, 0].tolist() == [[200] * 4] * 4
    opaque = board[..., 1] == 255
    assert opaque.sum() == 3 * 16
    assert not board[~opaque].any()


def test_a_sheet_in_colour() -> None:
    images = np.zeros((1, 3, 2, 2), dtype=np.uint8)
    images[0, 2, 0, 1] = 77
    board = pixels(sheets.sheet(sheets.photos(images), columns=8, side=1))
    assert board.shape == (2, 2, 4)
    assert board[0, 1].tolist() == [0, 0, 77, 255]
    assert sheets.photos(np.zeros((5, 1, 4, 6), dtype=np.uint8)).shape == (5, 4, 6)
