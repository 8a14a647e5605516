"""Projections as pictures."""

import torch
from PIL import Image

from viz import images, tiles


def test_zero_is_grey_and_the_largest_is_white_or_black() -> None:
    projection = torch.zeros(3, 10, 10)
    projection[:, :5] = 2.0
    projection[:, 5] = -2.0
    pixels = tiles.picture(projection)
    assert pixels.shape == (10, 10, 3)
    assert (pixels[0] == 255).all()
    assert (pixels[5] == 0).all()
    assert (pixels[9] == 128).all()


def test_without_a_stretch_pictures_can_be_compared() -> None:
    projection = torch.full((1, 4, 4), 0.5)
    assert (tiles.picture(projection) == 255).all()
    assert (tiles.picture(projection, stretch=False, most=2.0) == 159).all()


def test_nothing_is_grey() -> None:
    assert (tiles.picture(torch.zeros(3, 4, 4)) == 128).all()


def test_a_grid_has_rows_of_three() -> None:
    made = tiles.grid([Image.new("RGB", (5, 5), "red")] * 7, 20)
    assert made.size == (64, 64)
    assert made.getpixel((0, 0)) == (255, 0, 0, 255)
    assert made.getpixel((20, 0)) == made.getpixel((40, 60)) == (0, 0, 0, 0)


def test_a_tile_keeps_its_shape() -> None:
    made = tiles.fitted(Image.new("RGB", (10, 5), "red"), 40)
    assert made.size == (40, 40)
    assert made.getpixel((20, 20)) == (255, 0, 0)
    assert made.getpixel((20, 2)) == (128, 128, 128)


def test_a_sheet_is_one_page_of_pdf() -> None:
    page = images.pdf(Image.new("RGB", (100, 50), "white"), "Layer 1")
    assert page.startswith(b"%PDF")
    assert page.count(b"/Type /Page\n") == 1
