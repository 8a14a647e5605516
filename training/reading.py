"""Pictures from outside, from bytes to pixels. They are not trusted.

What kind a file is, its content says and not its name. How large a picture is, its header says before a pixel
is decoded, and a large one is made smaller band by band, so that it needs little more memory than its pixels.
What cannot be read is a ValueError whose words go on a sentence: "it is ...".
"""

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from zoo import limits

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
_STEPS = 600_000_000  # pixels times scans of a JPEG: 12 looks at the largest, and programs write 10
_START_OF_SCAN = b"\xff\xda"  # of a JPEG; inside of pixels FF is always followed by something else
_BAND = 4_000_000  # pixels that are converted at once
_ORIENTATION = 0x0112  # tag of EXIF
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TEXT = 1_000  # bytes in which a text says what it is
_OTHERS = (  # what people take for pictures that can be read, by where its first bytes say so
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftyphei", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIC picture"),
    (4, b"ftyp", "a film"),
    (0, b"%PDF", "a PDF"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (0, b"8BPS", "a Photoshop file"),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """What a file shows."""

    image: Image.Image  # L or RGB, upright
    size: tuple[int, int]  # pixels, width and height, as it was stored, upright
    notes: tuple[str, ...]  # what it was made of and what is left out, each a few words


def read(content: bytes, *, shorter: int | None = None, longer: int | None = None) -> Picture:
    """The first picture of a file, white where it is transparent, eight bits a channel.

    A large one comes at part of its size, its sides no smaller than `shorter` and `longer` pixels. Raises
    ValueError as above where it is no picture, cut short, damaged or too large.
    """
    with opened(content) as picture:
        width, height = picture.size
        sides = ((min(width, height), shorter), (max(width, height), longer))
        factor = max(1, min((side // least for side, least in sides if least), default=1))
        notes = _kinds(picture, content)
        # A TIFF turns itself while it loads; to ask a PNG would load it, and lose its errors.
        said = _orientation(picture) if picture.format == "TIFF" else 1
        try:
            picture.draft("RGB", (width // factor, height // factor))  # a JPEG is decoded at part of its size
            picture.load()  # all of it, so that a file cut short is found out
            decoded = round(max(width, height) / max(picture.size))
            image, clear = _reduced(picture, max(1, factor // decoded))
        except MemoryError:
            raise ValueError("it needs more memory than this machine has free") from None
        except Exception:  # decoders of damaged files raise whatever they run into
            raise ValueError("it is cut short or damaged") from None
        left = _orientation(picture)
    if clear:
        notes.append("white where it is transparent")
    if max(said, left) > 1:
        notes.append("turned as its camera says")
    if left > 1:
        image = image.transpose(_TURNS[left])
    size = (height, width) if left > 4 else (width, height)
    return Picture(image=image, size=size, notes=tuple(notes))


def opened(content: bytes) -> Image.Image:
    """A picture whose pixels are not decoded yet. ValueError as above."""
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError:
        raise ValueError(_too_large()) from None
    except UnidentifiedImageError:
        raise ValueError(_other(content)) from None
    except Exception:  # as in `read`
        raise ValueError("it is cut short or damaged") from None
    pixels = picture.width * picture.height
    scans = content.count(_START_OF_SCAN) if picture.format in ("JPEG", "MPO") else 1
    if pixels > limits.PICTURE_MEGAPIXELS.value * 1_000_000:
        raise ValueError(_too_large())
    if pixels * scans > _STEPS:
        raise ValueError("it is drawn over and over, as no camera does")
    return picture


def _too_large() -> str:
    return f"it has more than {limits.PICTURE_MEGAPIXELS.value} million pixels"


def _other(content: bytes) -> str:
    """What a file is that is no picture, as far as its first bytes say."""
    if not content:
        return "it is empty"
    for at, mark, kind in _OTHERS:
        if content[at:].startswith(mark):
            return f"it is {kind}"
    start = content[:_TEXT].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return "it is an SVG, which has no pixels"
    if start.startswith((b"<!doctype html", b"<html")):
        return "it is a page of the web"
    return "it is no picture of a known format"


def _kinds(picture: Image.Image, content: bytes) -> list[str]:
    """What is unusual about a file, of all that its header says."""
    notes = []
    with suppress(Exception), Image.open(io.BytesIO(content), formats=FORMATS) as again:
        if getattr(again, "is_animated", False):  # it may move to the next, so it asks another object
            notes.append("the first of several pictures")
    if picture.mode in ("CMYK", "LAB", "YCbCr"):
        notes.append(f"converted from {picture.mode}")
    if picture.mode.startswith(("I", "F")):
        notes.append(f"8 bits of {16 if picture.mode.startswith('I;16') else 32}")
    return notes


def _orientation(picture: Image.Image) -> int:
    """What EXIF says of how the camera was held: 1 is upright, 8 the last; also 1 where it says nothing."""
    with suppress(Exception):  # EXIF of any size and content is no reason to refuse pixels
        said = picture.getexif().get(_ORIENTATION)
        return said if said in _TURNS else 1
    return 1


def _reduced(picture: Image.Image, factor: int) -> tuple[Image.Image, bool]:
    """A loaded picture `factor` times smaller, of mode L or RGB; and whether it was transparent anywhere."""
    white = _white(picture)
    size = tuple(-(-side // factor) for side in picture.size)
    parts, clear = [], False
    for band in _bands(picture, factor):
        plain, transparent = _plain(band, white)
        parts.append(plain if factor == 1 else plain.reduce(factor))
        clear = clear or transparent
    if len(parts) == 1:
        return parts[0], clear
    whole, top = Image.new(parts[0].mode, (size[0], size[1])), 0
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height
    return whole, clear


def _bands(picture: Image.Image, factor: int = 1) -> Iterator[Image.Image]:
    """A picture in pieces, each a multiple of `factor` rows high but for the last."""
    rows = max(1, _BAND // picture.width // factor) * factor
    for top in range(0, picture.height, rows):
        yield picture.crop((0, top, picture.width, min(top + rows, picture.height)))


def _white(picture: Image.Image) -> float:
    """The number that is shown as white, of modes whose numbers have more than eight bits."""
    if picture.mode.startswith("I;16"):
        return 65_535
    if picture.mode not in ("I", "F"):
        return 255
    most = max(float(_numbers(band).max()) for band in _bands(picture))
    scales = (1, 255, 65_535) if picture.mode == "F" else (255, 65_535)
    return next((white for white in scales if most <= white), most)


def _numbers(band: Image.Image) -> NDArray[Any]:
    """(H, W) float32 without what is no number."""
    return np.nan_to_num(np.asarray(band, np.float32), posinf=0, neginf=0)


def _plain(band: Image.Image, white: float) -> tuple[Image.Image, bool]:
    """Of mode L or RGB, and whether anything of it was transparent."""
    if band.mode.startswith(("I", "F")):
        return Image.fromarray((_numbers(band).clip(0, white) / white * 255).round().astype(np.uint8)), False
    if band.mode in ("1", "L"):
        return band.convert("L"), False
    if band.has_transparency_data:
        clear = band.convert("RGBA")
        on_white = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
        return on_white.convert("RGB"), clear.getchannel("A").getextrema()[0] != 255
    return band.convert("RGB"), False
