"""Maps and pictures as pixels: the only place where numbers become colours.

One meaning of colour on all pages: warm speaks for the class, cool against it, and the lighter, the more.
Nothing is black in both scales, so that the evidence glows on the photo; the photo below it is grey, so that
every colour one sees is the map's. Both scales run through Okabe and Ito's colours and get lighter all the
way, which every kind of colour vision sees, and which a grey print keeps.

H x W pixels of a picture, h x w cells of a map.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Pixels = NDArray[np.uint8]  # (H, W, 3)
Values = NDArray[np.floating]

FOR = ("#000000", "#6b2f00", "#d55e00", "#e69f00", "#ffee99")  # from nothing to the most, evenly spaced
AGAINST = ("#000000", "#003a5c", "#0072b2", "#56b4e9", "#c4e8ff")
UNKNOWN = "#7d8894"  # no value yet
SHOWN = 448  # pixels: the least that a side of a picture has on a screen, so that lines on it are sharp
THRESHOLD = 0.15  # of the maximum: Selvaraju et al. 2017 (arXiv:1610.02391), section 4.1
_FEW = 64  # pixels a side: what is smaller shows its pixels as squares
_SHADES = 4096  # from 0 to either end of the scale: no more than one step of a colour apart
_DASH = 12  # pixels
_CLOSE = 6  # pixels between thin lines, below which they would cover the picture


def scaled(values: Values) -> Values:
    """A map divided by its largest magnitude: from -1 to 1, or from 0 to 1 where nothing is negative.

    A map of zeros stays one; NaN, which is what is not known yet, stays NaN.
    """
    largest = np.nanmax(np.abs(values), initial=0)
    return values / largest if largest > 0 else values.copy()


def colours(values: Values) -> Pixels:
    """Values from -1 to 1, of any shape, in colours (..., 3); beyond the ends as the ends, NaN in grey."""
    shades = np.rint(np.clip(values, -1, 1) * _SHADES)
    at = np.where(np.isnan(shades), 2 * _SHADES + 1, shades + _SHADES).astype(np.intp)
    found: Pixels = _palette()[at]
    return found


@cache
def _palette() -> Pixels:
    """All shades of the scale from -1 to 1, and behind them that of what is not known."""
    steps = np.linspace(-1, 1, len(FOR) + len(AGAINST) - 1)
    anchors = np.array([_rgb(each) for each in (*AGAINST[:0:-1], *FOR)])
    shades = np.linspace(-1, 1, 2 * _SHADES + 1)
    mixed = np.stack([np.interp(shades, steps, channel) for channel in anchors.T], axis=-1)
    return np.concatenate([mixed, [_rgb(UNKNOWN)]]).round().astype(np.uint8)


def enlarged(values: Values, size: tuple[int, int], *, smooth: bool) -> NDArray[np.float32]:
    """A map (h, w) in `size` (W, H), as PIL counts: bilinear, or its cells as they are.

    Bilinear means: cells have their value in their middle, and beyond the outermost middles nothing changes
    (torch's interpolate with align_corners=False). Where NaN is, bilinear spreads it.
    """
    how = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize(size, how))


def heat(values: Values, size: tuple[int, int] = (SHOWN, SHOWN), *, smooth: bool = False) -> Image.Image:
    """A map of values from -1 to 1 by itself, in `size` (W, H)."""
    return Image.fromarray(colours(enlarged(values, size, smooth=smooth)))


def overlay(photo: Image.Image, values: Values, *, opacity: float = 0.6, smooth: bool = True) -> Image.Image:
    """A map of values from -1 to 1 on what the network saw (`Preprocess.crop`), at the size of `shown`.

    `opacity` is the share of the map's colour; where the map is NaN, the photo stays as it is.
    """
    return laid(grey(photo), values, opacity=opacity, smooth=smooth)


def grey(photo: Image.Image, side: int | None = None) -> Image.Image:
    """What lies below a map: the photo without its colours, as large as `shown`, or a square of `side`."""
    ground = _large(photo.convert("L"))
    return ground.resize((side, side), Image.Resampling.BILINEAR) if side else ground


def laid(ground: Image.Image, values: Values, *, opacity: float = 0.6, smooth: bool = True) -> Image.Image:
    """A map on what `grey` made, see `overlay`."""
    ground = ground.convert("RGB")
    # Where nothing is smooth, cells are coloured before they are enlarged: there are fewer of them.
    cells = enlarged(values, ground.size, smooth=True) if smooth else values
    tint, known = (
        Image.fromarray(each).resize(ground.size, Image.Resampling.NEAREST)
        for each in (colours(cells), ~np.isnan(cells))
    )
    return Image.composite(Image.blend(ground, tint, opacity), ground, known)


def shown(photo: Image.Image) -> Image.Image:
    """A picture in RGB and large enough to be looked at, by a whole number of times; tiny ones in squares."""
    return _large(photo.convert("RGB"))


def _large(photo: Image.Image) -> Image.Image:
    times = max(1, -(-SHOWN // min(photo.size)))
    how = Image.Resampling.NEAREST if min(photo.size) <= _FEW else Image.Resampling.BICUBIC
    return photo.resize((times * photo.width, times * photo.height), how)


def cut(photo: Image.Image, side: int, every: int = 0) -> Image.Image:
    """A square picture with lines between its side x side patches, thick ones between windows of `every`."""
    drawn = photo.copy()
    pen = ImageDraw.Draw(drawn)
    length = photo.width
    for at in range(1, side):
        thick = every and at % every == 0
        place = round(at * length / side)
        if not thick and length / side < _CLOSE:
            continue
        for ends in ((place, 0, place, length), (0, place, length, place)):
            pen.line(ends, "#ffffff", 4 if thick else 1)
            if thick:
                pen.line(ends, "#000000", 2)
    return drawn


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """Where a map is above the threshold, (H, W), and the box of the largest part of that."""

    mask: NDArray[np.bool_]
    box: tuple[int, int, int, int]  # left, top, right, bottom


def located(values: Values) -> Found | None:
    """What a map (H, W) points out: all above THRESHOLD of its maximum; None where nothing is positive."""
    largest = np.nanmax(values, initial=0)
    if largest <= 0:
        return None
    mask = np.nan_to_num(values, nan=0.0) > THRESHOLD * largest
    parts = segments(mask)
    biggest = np.argmax(np.bincount(parts[mask])[1:]) + 1
    ys, xs = np.nonzero(parts == biggest)
    box = (int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
    return Found(mask=mask, box=box)


def segments(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The connected parts of (H, W), numbered from 1 from the top; 0 is outside. Corners do not connect."""
    root = [0]  # of each run of pixels in a row, the number of the run that stands for its part

    def find(run: int) -> int:
        while root[run] != run:
            run = root[run]
        return run

    runs = np.zeros(mask.shape, np.int64)
    for y, row in enumerate(mask):
        ends = np.flatnonzero(np.diff(np.concatenate(([False], row, [False])).astype(np.int8)))
        for start, end in zip(ends[::2], ends[1::2], strict=True):
            root.append(len(root))
            runs[y, start:end] = len(root) - 1
            for above in np.unique(runs[y - 1, start:end]) if y else ():
                if above:
                    low, high = sorted((find(int(above)), find(len(root) - 1)))
                    root[high] = low
    numbers = np.array([find(run) for run in range(len(root))])
    return np.unique(numbers, return_inverse=True)[1][runs]


def outlined(picture: Image.Image, found: Found) -> Image.Image:
    """A picture with what was located: a line around it, and dashes around the box of its largest part.

    The mask is enlarged where the picture is larger.
    """
    edge = _edge(picture, found.mask, closed=False)
    return _lined(picture, edge | _frame(picture.size, _grown(found.box, found.mask, picture)))


def edged(picture: Image.Image, mask: NDArray[np.bool_]) -> Image.Image:
    """A picture with a line around a mask, also where it ends with the picture."""
    return _lined(picture, _edge(picture, mask, closed=True))


def _edge(picture: Image.Image, mask: NDArray[np.bool_], *, closed: bool) -> NDArray[np.bool_]:
    """The outermost pixels of a mask, enlarged where the picture is larger; `closed`: at the border too."""
    large = np.asarray(Image.fromarray(mask).resize(picture.size, Image.Resampling.NEAREST))
    inside = np.pad(large, 1) if closed else np.pad(large, 1, mode="edge")
    inner: NDArray[np.bool_] = inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    return large & ~inner


def framed(picture: Image.Image, box: tuple[float, float, float, float]) -> Image.Image:
    """A picture with dashes around a box (left, top, right, bottom) in its pixels."""
    left, top, right, bottom = (round(edge) for edge in box)
    return _lined(picture, _frame(picture.size, (left, top, right, bottom)))


def png(picture: Image.Image | Pixels) -> bytes:
    """Without loss, to be taken away."""
    file = io.BytesIO()
    _image(picture).save(file, "PNG", compress_level=3)
    return file.getvalue()


def jpeg(picture: Image.Image | Pixels) -> bytes:
    """No visible loss, a sixth of the size of a PNG and a tenth of the time: to be shown."""
    file = io.BytesIO()
    _image(picture).convert("RGB").save(file, "JPEG", quality=90, subsampling=0)
    return file.getvalue()


def uri(coded: bytes) -> str:
    """The address of a picture that `png` or `jpeg` made, to be put into a page: it holds all of it."""
    kind = "png" if coded.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(coded).decode()}"


def pdf(page: Image.Image, title: str, *, dots: int = 150) -> bytes:
    """The same as one page of paper, so many pixels an inch."""
    file = io.BytesIO()
    page.convert("RGB").save(file, "PDF", resolution=dots, title=title, producer="Zoolens")
    return file.getvalue()


def opened(coded: bytes) -> Image.Image:
    """The picture that `png` or `jpeg` made."""
    return Image.open(io.BytesIO(coded))


def gradient(*, signed: bool) -> str:
    """The scale as a CSS background, from left to right."""
    return f"linear-gradient(to right,{','.join((*AGAINST[:0:-1], *FOR) if signed else FOR)})"


def _image(picture: Image.Image | Pixels) -> Image.Image:
    return picture if isinstance(picture, Image.Image) else Image.fromarray(picture)


def _grown(
    box: tuple[int, int, int, int], mask: NDArray[np.bool_], picture: Image.Image
) -> tuple[int, int, int, int]:
    """A box of the mask in pixels of the picture."""
    wide, high = picture.width / mask.shape[1], picture.height / mask.shape[0]
    left, top, right, bottom = box
    return round(left * wide), round(top * high), round(right * wide), round(bottom * high)


def _frame(size: tuple[int, int], box: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """A dashed rectangle along the inside of a box: (H, W)."""
    left, top, right, bottom = box
    lines = np.zeros((size[1], size[0]), np.bool_)
    inner = lines.copy()
    lines[top:bottom, left:right] = True
    inner[top + 1 : bottom - 1, left + 1 : right - 1] = True
    y, x = np.indices(lines.shape)
    return lines & ~inner & ((x + y) // _DASH % 2 == 0)


def _lined(picture: Image.Image, lines: NDArray[np.bool_]) -> Image.Image:
    """White lines with a black rim, which one sees on everything."""
    pixels = np.array(picture.convert("RGB"))
    pixels[_wider(lines, 3)] = 0
    pixels[_wider(lines, 1)] = 255
    return Image.fromarray(pixels)


def _wider(lines: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """What lies at most so many pixels from a mask, in rows and in columns."""
    height, width = lines.shape
    around = np.pad(lines, by)
    across = np.logical_or.reduce([around[:, shift : shift + width] for shift in range(2 * by + 1)])
    wider: NDArray[np.bool_] = np.logical_or.reduce(
        [across[shift : shift + height] for shift in range(2 * by + 1)]
    )
    return wider


def _rgb(colour: str) -> Sequence[int]:
    """#rrggbb as three numbers."""
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
