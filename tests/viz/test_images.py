"""Numbers as pixels, against colours worked by hand, torch's interpolation and shapes drawn here."""

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image

from viz import images
from viz.figures import style

GREY = Image.new("RGB", (64, 64), (100, 100, 100))


def rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def luminance(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    channels = pixels / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def test_the_colours_of_the_scale() -> None:
    values = np.array([-2, -1, -0.5, 0, 0.125, 0.5, 1, 2, np.nan])
    said = images.colours(values).tolist()
    assert said[0] == said[1] == rgb("#c4e8ff")
    assert said[2] == rgb(style.LESS)  # against the class, as elsewhere what is less
    assert said[3] == [0, 0, 0]
    assert said[4] == [54, 24, 0]  # half way from black to #6b2f00
    assert said[5] == rgb(style.MORE)
    assert said[6] == said[7] == rgb("#ffee99")
    assert said[8] == rgb(images.UNKNOWN)


@pytest.mark.parametrize("sign", [1, -1])
def test_more_is_always_lighter(sign: int) -> None:
    assert (np.diff(luminance(images.colours(sign * np.linspace(0, 1, 101)))) > 0).all()


def test_warm_and_cool_differ_for_every_colour_vision() -> None:
    """Red against blue, which all three kinds of dichromacy tell apart, keeps its order along the scale."""
    strong = np.linspace(0.3, 1, 50)
    warm, cool = (images.colours(sign * strong).astype(int) for sign in (1, -1))
    assert (warm[:, 0] - warm[:, 2] > 70).all()
    assert (cool[:, 2] - cool[:, 0] > 50).all()


def test_scaled() -> None:
    assert images.scaled(np.array([[1.0, -4.0], [2.0, 0.0]])).tolist() == [[0.25, -1], [0.5, 0]]
    assert images.scaled(np.zeros((2, 2))).tolist() == [[0, 0], [0, 0]]
    known = images.scaled(np.array([np.nan, 2.0]))
    assert np.isnan(known[0])
    assert known[1] == 1


def test_smooth_is_torchs_bilinear() -> None:
    values = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    expected = F.interpolate(torch.from_numpy(values)[None, None], (224, 160), mode="bilinear")[0, 0]
    found = images.enlarged(values, (160, 224), smooth=True)
    torch.testing.assert_close(torch.from_numpy(found.copy()), expected, atol=1e-4, rtol=1e-4)


def test_raw_cells() -> None:
    found = images.enlarged(np.array([[1.0, 2.0]]), (4, 2), smooth=False)
    assert found.tolist() == [[1, 1, 2, 2], [1, 1, 2, 2]]


def test_an_overlay_by_hand() -> None:
    values = np.array([[1.0, 0.0], [-0.5, np.nan]])
    laid = np.asarray(images.overlay(GREY, values, opacity=0.5, smooth=False))
    assert laid.shape == (448, 448, 3)  # 7 times 64
    mixed = [round((100 + part) / 2) for part in rgb("#ffee99")]
    assert np.abs(laid[0, 0].astype(int) - mixed).max() <= 1
    assert laid[0, -1].tolist() == [50, 50, 50]
    assert np.abs(laid[-1, 0].astype(int) - [(100 + part) / 2 for part in rgb(style.LESS)]).max() <= 1
    assert laid[-1, -1].tolist() == [100, 100, 100]  # not known: the photo


@pytest.mark.parametrize(("opacity", "expected"), [(0.0, [100, 100, 100]), (1.0, rgb("#ffee99"))])
def test_the_ends_of_opacity(opacity: float, expected: list[int]) -> None:
    laid = np.asarray(images.overlay(GREY, np.ones((3, 3)), opacity=opacity))
    assert laid[200, 200].tolist() == expected


def test_the_photo_below_is_grey() -> None:
    """Every colour that one sees is the map's."""
    red = Image.new("RGB", (448, 448), (255, 0, 0))
    laid = np.asarray(images.overlay(red, np.zeros((2, 2)), opacity=0.5))
    assert (laid == laid[..., :1]).all()


def test_tiny_pictures_show_their_pixels() -> None:
    tiny = Image.fromarray(np.array([[[255, 0, 0], [0, 0, 255]]] * 2, np.uint8))
    large = np.asarray(images.shown(tiny))
    assert large.shape == (448, 448, 3)
    assert len(np.unique(large.reshape(-1, 3), axis=0)) == 2
    assert images.shown(Image.new("L", (300, 500))).size == (600, 1000)
    assert images.shown(Image.new("L", (500, 600))).size == (500, 600)


def test_segments_join_around_corners_and_no_further() -> None:
    mask = np.array(
        [
            [1, 0, 1, 0, 1],
            [1, 0, 1, 0, 0],
            [1, 1, 1, 0, 1],
            [0, 0, 0, 1, 1],
        ],
        bool,
    )
    parts = images.segments(mask)
    assert parts.tolist() == [[1, 0, 1, 0, 2], [1, 0, 1, 0, 0], [1, 1, 1, 0, 3], [0, 0, 0, 3, 3]]
    assert images.segments(np.zeros((2, 3), bool)).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_segments_of_random_masks_by_flooding() -> None:
    for seed in range(5):
        mask = np.random.default_rng(seed).random((17, 23)) < 0.55
        parts = images.segments(mask)
        assert ((parts > 0) == mask).all()
        flooded = np.zeros(mask.shape, int)
        for start in zip(*np.nonzero(mask), strict=True):
            if flooded[start]:
                continue
            number, waiting = flooded.max() + 1, [start]
            while waiting:
                y, x = waiting.pop()
                if 0 <= y < 17 and 0 <= x < 23 and mask[y, x] and not flooded[y, x]:
                    flooded[y, x] = number
                    waiting += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
        assert (flooded == parts).all()


def test_the_box_is_around_the_largest_part() -> None:
    values = np.zeros((20, 30))
    values[2:4, 2:4] = 1.0  # the strongest, but small
    values[8:15, 10:25] = 0.16  # just above 15 %
    values[16:20, 0:30] = 0.15  # not above
    found = images.located(values)
    assert found is not None
    assert found.box == (10, 8, 25, 15)
    assert found.mask.sum() == 4 + 7 * 15
    assert images.located(-values) is None
    assert images.located(np.zeros((4, 4))) is None


def test_lines_are_where_the_edge_is() -> None:
    values = np.zeros((448, 448))
    values[100:200, 100:300] = 1
    found = images.located(values)
    assert found is not None
    drawn = np.asarray(images.outlined(Image.new("RGB", (448, 448), (0, 90, 0)), found))
    assert drawn[100, 200].tolist() == drawn[150, 299].tolist() == [255, 255, 255]
    assert drawn[150, 200].tolist() == drawn[50, 50].tolist() == [0, 90, 0]
    assert drawn[97, 200].tolist() == [0, 0, 0]


def test_files() -> None:
    pixels = images.colours(np.linspace(-1, 1, 96).reshape(8, 12))
    with Image.open(io.BytesIO(images.png(pixels))) as back:
        assert back.format == "PNG"
        assert (np.asarray(back) == pixels).all()
    with Image.open(io.BytesIO(images.jpeg(Image.fromarray(pixels)))) as back:
        assert back.format == "JPEG"
        assert back.size == (12, 8)


def test_the_legend_has_the_colours_of_the_map() -> None:
    ends = images.gradient(signed=True)
    assert ends.startswith(f"linear-gradient(to right,{images.AGAINST[-1]}")
    assert ends.endswith(f"{images.FOR[-1]})")
    assert images.gradient(signed=False) == f"linear-gradient(to right,{','.join(images.FOR)})"
