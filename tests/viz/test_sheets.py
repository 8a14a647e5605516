"""Sheets of pictures: where each lies, what is clear between them, and objects set apart."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from viz import sheets


def decoded(png: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture)


def test_a_sheet_holds_every_picture_at_its_place() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (5, 3, 10, 10), np.uint8)
    grey = colours[3:, :1]
    canvas = decoded(sheets.sheet([colours[:3], grey]))
    assert canvas.shape == (22, 33, 4)
    np.testing.assert_array_equal(canvas[:10, 11:21, :3], colours[1].transpose(1, 2, 0))
    np.testing.assert_array_equal(canvas[11:21, :10, 2], grey[0, 0])
    assert not canvas[10].any()  # clear between them
    assert not canvas[11:, 22:].any()  # and where a row is shorter


def test_a_picture_keeps_its_pixels() -> None:
    colour = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)
    np.testing.assert_array_equal(decoded(sheets.picture(colour)), colour.transpose(1, 2, 0))
    np.testing.assert_array_equal(decoded(sheets.picture(colour[:1])), colour[0])


def test_the_ground_fades_away_from_the_object() -> None:
    pictures = np.full((2, 3, 4, 4), 100, np.uint8)
    masks = np.zeros((2, 4, 4), np.bool_)
    masks[:, 1:3, 1:3] = True
    pictures[0, :, 1:3, 1:3], pictures[1, :, 1:3, 1:3] = 150, 50
    shown = sheets.set_apart(pictures, masks)
    assert shown[:, :, 1:3, 1:3].mean((1, 2, 3)).tolist() == [150, 50]
    assert shown[:, 0, 0, 0].tolist() == [25, 216]  # darker below a light object, lighter below a dark one
