"""Pictures side by side in one PNG, so that a sheet of a hundred is one thing to send and to draw.

N pictures, C channels (1 or 3), S pixels a side.
"""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]

GAP = 0.09  # of a picture's side, after each picture
_FADED = 0.25  # what is left of the ground around an object


def sheet(rows: Sequence[Pixels]) -> bytes:
    """Rows of pictures (n, C, S, S) as a PNG that is clear between them; a row may have fewer than others.

    A gap follows every picture, to its right and below, so that all cells of the sheet are of one size.
    """
    across, side = max(len(row) for row in rows), rows[0].shape[-1]
    step = side + max(1, round(GAP * side))
    canvas = np.zeros((len(rows) * step, across * step, 4), np.uint8)
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            place = canvas[y * step : y * step + side, x * step : x * step + side]
            place[..., :3] = picture.transpose(1, 2, 0)
            place[..., 3] = 255
    return _png(canvas)


def picture(pixels: Pixels) -> bytes:
    """One picture (C, S, S) as a PNG."""
    return _png(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def titled(cells: Sequence[tuple[str, Sequence[Image.Image]]], across: int) -> bytes:
    """Pictures of one size below their titles as a PNG on white, `across` cells a row.

    A cell holds a few pictures side by side; all cells are as wide as the one with most.
    """
    width, height = cells[0][1][0].size
    most = max(len(pictures) for _, pictures in cells)
    gap = round(GAP * width)
    text = max(12, width // 16)
    step_x, step_y = most * width + 2 * gap, height + 2 * text + gap
    rows = -(-len(cells) // across)
    canvas = Image.new("RGB", (min(across, len(cells)) * step_x, rows * step_y + gap), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(text)
    for at, (title, pictures) in enumerate(cells):
        left, top = at % across * step_x + gap, at // across * step_y + gap
        draw.text((left, top), title, fill="black", font=font)
        for number, picture in enumerate(pictures):
            canvas.paste(picture, (left + number * width, top + 2 * text - gap // 2))
    return _png(np.asarray(canvas))


def set_apart(pictures: Pixels, masks: NDArray[np.bool_]) -> Pixels:
    """(N, C, S, S) with the ground faded, away from the lightness of the object; masks (N, S, S)."""
    light = pictures.mean(1)
    inside = (light * masks).sum((1, 2)) / masks.sum((1, 2)).clip(1)
    outside = (light * ~masks).sum((1, 2)) / (~masks).sum((1, 2)).clip(1)
    ground = np.where((inside > outside)[:, None, None, None], 0, 255)
    faded = ground + (pictures - ground) * _FADED
    return np.where(masks[:, None], pictures, faded).astype(np.uint8)


def _png(canvas: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(canvas).save(file, "PNG", compress_level=3)
    return file.getvalue()
