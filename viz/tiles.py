"""Projections as pictures: single ones, grids of them, sheets.

C channels, H x W pixels.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

Pixels = NDArray[np.uint8]

_ORDINARY = 0.99  # of a projection's magnitudes; the rest lies so far above that all else would be grey
_GAP = 2  # pixels between the tiles of a grid


def strength(projection: Tensor) -> float:
    """The magnitude that counts as a projection's largest: a few stray pixels aside; 0 where it is nothing.

    What is zero does not count, so that a part of a projection is as strong as the whole.
    """
    magnitudes = projection.abs().numpy()
    some = magnitudes[magnitudes > 0]
    return float(np.quantile(some, _ORDINARY)) if some.size else 0.0


def picture(projection: Tensor, stretch: bool = True, most: float = 1.0) -> Pixels:
    """A projection (C, H, W) as (H, W, 3): zero is grey, black and white are the largest magnitudes.

    `stretch`: they are the projection's own; otherwise `most`, so that projections can be compared.
    """
    full = strength(projection) if stretch else most
    scaled = 127.5 + 127.5 * np.clip(projection.numpy() / max(full, 1e-12), -1, 1)
    pixels = scaled.round().astype(np.uint8).transpose(1, 2, 0)
    return pixels if pixels.shape[2] == 3 else np.repeat(pixels[:, :, :1], 3, axis=2)


def grid(tiles: Sequence[Image.Image | Pixels], side: int, across: int = 3) -> Image.Image:
    """Tiles in rows of `across`, each fitted into a square of `side` pixels and clear between them."""
    rows = -(-len(tiles) // across)
    step = side + _GAP
    made = Image.new("RGBA", (across * step - _GAP, rows * step - _GAP))
    for at, tile in enumerate(tiles):
        made.paste(fitted(tile, side), (at % across * step, at // across * step))
    return made


def fitted(tile: Image.Image | Pixels, side: int) -> Image.Image:
    """A tile in a square of `side` pixels: enlarged in squares, made smaller smoothly; grey beside it."""
    image = (tile if isinstance(tile, Image.Image) else Image.fromarray(tile)).convert("RGB")
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    how = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    made = Image.new("RGB", (side, side), (128, 128, 128))
    made.paste(image.resize(size, how), ((side - size[0]) // 2, (side - size[1]) // 2))
    return made


def titled(shown: Sequence[tuple[str, Image.Image]], across: int, side: int = 320) -> Image.Image:
    """Pictures on white below their titles, `across` in a row, each in a square of `side` pixels."""
    gap, room = side // 16, side // 9
    rows = -(-len(shown) // across)
    made = Image.new("RGB", (across * (side + gap) + gap, rows * (side + room + gap)), "white")
    draw, font = ImageDraw.Draw(made), ImageFont.load_default(room // 2)
    for at, (title, image) in enumerate(shown):
        left, top = gap + at % across * (side + gap), at // across * (side + room + gap)
        draw.text((left, top + room // 3), title, fill="#1a1a1a", font=font)
        made.paste(fitted(image, side), (left, top + room))
    return made
