"""Pictures that are always there: photos that anybody may use, and mosaics of them.

Of a mosaic one knows where each thing lies, so a map of one class can be checked: does it stay in its part?
"""

import hashlib
import io
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

LARGEST = 1024  # pixels of the longer side of a photo: more than any network reads, quick to send
_THUMBNAIL = 112  # pixels, shown at half of it
_FOLDER = Path(__file__).parents[1] / "assets" / "photos"

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels; right and bottom lie outside


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Something in a picture."""

    title: str
    index: int | None  # the class of ImageNet it is nearest to; None: there is none
    box: Box  # in pixels of the image


@dataclass(frozen=True, kw_only=True, eq=False)
class Photo:
    """A picture to look at with a network."""

    token: str  # its name in the address
    title: str
    image: Image.Image  # RGB, upright, at most LARGEST pixels a side
    mask: NDArray[np.bool_] | None = None  # (H, W) of the image: where the object is
    label: str | None = None  # what it shows, where that is known
    ours: bool = False  # the label is what we call it, and not what a data set says
    objects: tuple[Thing, ...] = ()
    digest: str  # differs where any pixel differs


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """A square of a photo."""

    title: str  # of the photo
    image: Image.Image  # RGB
    digest: str  # differs where the file or the square differs


@dataclass(frozen=True, kw_only=True)
class _Sample:
    title: str
    file: str
    label: str  # what it shows; rocket and astronaut are no classes of ImageNet
    index: int | None = None  # the class of ImageNet that is this or comes nearest
    box: Box  # of the thing, drawn by hand


@dataclass(frozen=True)
class _Piece:
    sample: str
    crop: Box  # of the sample
    box: Box  # of the mosaic


_SAMPLES: Mapping[str, _Sample] = MappingProxyType(
    {
        "cat": _Sample(title="Cat", file="cat.jpg", label="tabby", index=281, box=(0, 0, 448, 448)),
        "cup": _Sample(title="Cup", file="cup.jpg", label="espresso", index=967, box=(76, 16, 480, 388)),
        "cameraman": _Sample(
            title="Cameraman", file="cameraman.jpg", label="tripod", index=872, box=(222, 130, 408, 512)
        ),
        "rocket": _Sample(
            title="Rocket", file="rocket.jpg", label="rocket", index=657, box=(306, 122, 342, 412)
        ),
        "astronaut": _Sample(
            title="Astronaut", file="astronaut.jpg", label="astronaut", box=(2, 12, 512, 512)
        ),
    }
)
# Title and file of more pictures for sets: surfaces and small things, which no page shows by themselves.
_GROUNDS: Mapping[str, str] = MappingProxyType(
    {
        "Bricks": "brick.jpg",
        "Grass": "grass.jpg",
        "Gravel": "gravel.jpg",
        "Coins": "coins.jpg",
        "Galaxies": "galaxies.jpg",
        "Retina": "retina.jpg",
        "Tissue": "tissue.jpg",
        "Handwriting": "text.jpg",
    }
)
_MOSAICS: Mapping[str, tuple[str, tuple[_Piece, ...]]] = MappingProxyType(
    {
        "two": (
            "Two things",
            (
                _Piece("cameraman", (190, 0, 446, 512), (0, 0, 256, 512)),
                _Piece("cat", (60, 0, 284, 448), (256, 0, 512, 512)),
            ),
        ),
        "four": (
            "Four things",
            (
                _Piece("cat", (0, 0, 448, 448), (0, 0, 256, 256)),
                _Piece("rocket", (230, 127, 430, 327), (256, 0, 512, 256)),
                _Piece("cup", (100, 0, 500, 400), (0, 256, 256, 512)),
                _Piece("cameraman", (0, 0, 512, 512), (256, 256, 512, 512)),
            ),
        ),
    }
)


def samples() -> Mapping[str, Photo]:
    """All of them by token: the photos, then the mosaics."""
    photos = {token: _photo(token, sample) for token, sample in _SAMPLES.items()}
    mosaics = {token: _mosaic(token, title, parts, photos) for token, (title, parts) in _MOSAICS.items()}
    return MappingProxyType(photos | mosaics)


def parts() -> list[Part]:
    """The photos and _GROUNDS in parts, each a square: the largest in the middle of each, then tiles of it.

    Tiles are half as large and do not overlap, so that no two parts show the same at the same size.
    """
    shown = [(sample.title, sample.file) for sample in _SAMPLES.values()] + list(_GROUNDS.items())
    return [part for title, file in shown for part in _parts(title, file)]


def _parts(title: str, file: str) -> list[Part]:
    content = (_FOLDER / file).read_bytes()
    with Image.open(io.BytesIO(content)) as opened:
        image = opened.convert("RGB")
    width, height = image.size
    side = min(width, height)
    half = side // 2
    left, top = (width - side) // 2, (height - side) // 2
    boxes = [(left, top, left + side, top + side)]
    left, top = width % half // 2, height % half // 2
    boxes += [
        (x, y, x + half, y + half)
        for y in range(top, height - half + 1, half)
        for x in range(left, width - half + 1, half)
    ]
    name = hashlib.sha256(content).hexdigest()
    return [Part(title=title, image=image.crop(box), digest=f"{name} {box}") for box in boxes]


def thumbnail(photo: Photo) -> str:
    """A small square picture as Markdown, with its title for those who cannot see it."""
    content = io.BytesIO()
    ImageOps.fit(photo.image, (_THUMBNAIL, _THUMBNAIL), Image.Resampling.LANCZOS).save(
        content, "WEBP", quality=70
    )
    return f"![{photo.title}](data:image/webp;base64,{b64encode(content.getvalue()).decode()})"


def digest(image: Image.Image) -> str:
    """A name for the pixels of an RGB image."""
    return hashlib.sha256(repr(image.size).encode() + image.tobytes()).hexdigest()[:16]


def _photo(token: str, sample: _Sample) -> Photo:
    with Image.open(_FOLDER / sample.file) as file:
        image = file.convert("RGB")
    thing = Thing(title=sample.title, index=sample.index, box=sample.box)
    return Photo(
        token=token,
        title=sample.title,
        image=image,
        label=sample.label,
        ours=True,
        objects=(thing,),
        digest=digest(image),
    )


def _mosaic(token: str, title: str, parts: tuple[_Piece, ...], photos: Mapping[str, Photo]) -> Photo:
    image = Image.new("RGB", (max(part.box[2] for part in parts), max(part.box[3] for part in parts)))
    for part in parts:
        left, top, right, bottom = part.box
        whole = photos[part.sample].image
        fitted = whole.resize((right - left, bottom - top), Image.Resampling.LANCZOS, box=part.crop)
        image.paste(fitted, (left, top))
    things = tuple(
        Thing(title=_SAMPLES[part.sample].title, index=_SAMPLES[part.sample].index, box=part.box)
        for part in parts
    )
    return Photo(token=token, title=title, image=image, objects=things, digest=digest(image))
