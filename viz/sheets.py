"""Pictures side by side in one PNG, so that a sheet of a hundred is one thing to send and to draw.

N pictures, C channels (1 or 3), S pixels a side.
"""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

GAP = 0.09  # of a picture's side, after each picture
_EDGE = (255, 176, 0)  # around objects


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


def outlined(pictures: Pixels, masks: NDArray[np.bool_]) -> Pixels:
    """(N, C, S, S) -> (N, 3, S, S), dimmed but for each object, which gets an edge; masks (N, S, S)."""
    colour = np.broadcast_to(pictures, (len(pictures), 3, *pictures.shape[2:]))
    inner = masks.copy()
    for axis in (1, 2):
        for shift in (1, -1):
            inner &= np.roll(masks, shift, axis)
    shown = np.where(masks[:, None], colour, colour // 3)
    edge = np.array(_EDGE, np.uint8)[:, None, None]
    return np.where((masks & ~inner)[:, None], edge, shown).astype(np.uint8)


def _png(canvas: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(canvas).save(file, "PNG", compress_level=3)
    return file.getvalue()
