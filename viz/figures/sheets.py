"""Pictures on sheets: many small ones as one PNG, each pixel large enough to be seen, nothing between them.

Between pictures a sheet is transparent, so that it lies on any ground.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]  # (n, h, w, 3) in colour or (n, h, w) in grey

_GAP = 3  # px


def sheet(pictures: Pixels, *, columns: int, side: int) -> bytes:
    """A PNG of `columns` pictures a row, each enlarged by a whole number to about `side` px."""
    count, height, width = pictures.shape[:3]
    zoom = max(1, round(side / max(height, width)))
    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    channels = 4 if pictures.ndim == 4 else 2  # with alpha
    tall, wide = height * zoom + _GAP, width * zoom + _GAP
    board = np.zeros((rows * tall - _GAP, columns * wide - _GAP, channels), dtype=np.uint8)
    for at, picture in enumerate(pictures):
        top, left = at // columns * tall, at % columns * wide
        large = picture.repeat(zoom, axis=0).repeat(zoom, axis=1)
        cell = board[top : top + height * zoom, left : left + width * zoom]
        cell[..., :-1] = large if pictures.ndim == 4 else large[..., None]
        cell[..., -1] = 255
    file = io.BytesIO()
    Image.fromarray(board).save(file, "PNG")
    return file.getvalue()


def filters(weights: NDArray[np.floating]) -> tuple[Pixels, float, str]:
    """Filters (n, C, h, w) as pictures, the weight that is drawn brightest, and how they are drawn, in words.

    One scale for all of them, symmetric about 0, which is mid-grey: so a filter that has learned nothing
    looks flat beside one that has.
    """
    drawn = np.nan_to_num(np.asarray(weights, dtype=np.float32))
    words = "the three planes as red, green and blue"
    if drawn.shape[1] != 3:
        words = "one plane" if drawn.shape[1] == 1 else f"mean of {drawn.shape[1]} planes"
        drawn = drawn.mean(axis=1, keepdims=True)
    largest = float(np.abs(drawn).max(initial=0.0))
    scaled = np.round(127.5 + 127.5 * drawn / (largest or 1.0)).astype(np.uint8)
    pictures = scaled.transpose(0, 2, 3, 1) if drawn.shape[1] == 3 else scaled[:, 0]
    return pictures, largest, words


def photos(images: NDArray[np.uint8]) -> Pixels:
    """Pictures of a data set (n, C, h, w) with 1 or 3 channels as a sheet takes them."""
    return images.transpose(0, 2, 3, 1) if images.shape[1] == 3 else images[:, 0]
