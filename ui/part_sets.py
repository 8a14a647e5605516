"""A few pictures of like things with the same parts marked on each: drawn here, or chosen and marked by hand.

A part's place in a picture is a pair of shares, across and down, of the largest square in its middle.
N pictures, P parts.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from training import shapes
from training.data import version
from ui import bound, cached, items, prose, uploads
from ui.samples import Photo, digest, samples
from zoo import limits
from zoo.weights import Preprocess

PAGE = "parts"
KINDS: Mapping[str, str] = MappingProxyType(
    {"shapes": "Drawn shapes", "faces": "Two faces", "data": "A data set", "own": "My own"}
)
COUNTS = (2, 3, 4, 5, 6, 8, 10, 12)
MOST = COUNTS[-1]  # pictures
LOOSE: Mapping[str, float] = MappingProxyType({"alike": 0.08, "less alike": 0.3, "as they come": 1.0})
_NAMELESS = ("first part", "second part", "third part")
_SIDE = 128  # pixels of what is drawn
_FIRST = 5  # pictures: as many as the paper has
_UNMARKED = ((0.35, 0.4), (0.65, 0.4), (0.5, 0.65))  # where marks are before a reader moves them

# The middles of parts on the two photos that show a face from the front, found by eye.
_FACES: Mapping[str, tuple[tuple[int, int, int, int], Mapping[str, tuple[int, int]]]] = MappingProxyType(
    {
        "cat": ((0, 0, 448, 448), {"left eye": (150, 172), "right eye": (370, 206), "nose": (285, 362)}),
        "astronaut": (
            (176, 66, 274, 164),
            {"left eye": (204, 101), "right eye": (246, 103), "nose": (224, 126)},
        ),
    }
)

Places = NDArray[np.float64]  # (P, N, 2)


@dataclass(frozen=True, kw_only=True, eq=False)
class PartSet:
    """Pictures, and where their parts are as far as that is known."""

    token: str  # says all that it depends on
    title: str
    photos: tuple[Photo, ...]
    parts: tuple[str, ...]
    places: Places
    rooms: tuple[tuple[float, float, float, float], ...]  # the box of each object, as shares
    marked: bool  # whether the places are those of real parts
    shape: str = ""  # which of training.shapes is drawn


def choose() -> PartSet | None:
    """What the reader has chosen; None, after a word about it, where there are no pictures yet."""
    kind = bound.segments("Pictures", f"{PAGE}.from", KINDS, help=prose.words(PAGE)["from"])
    ways: Mapping[str, Callable[[], PartSet | None]] = {
        "shapes": _shapes, "faces": faces, "data": _items, "own": _own,
    }  # fmt: skip
    return ways[kind]()


def seen(places: Places, preprocess: Preprocess) -> Places:
    """The same places as shares of what a network sees, which may be less than the square."""
    share = 1.0 if preprocess.shorter is None else preprocess.size / preprocess.shorter
    inside: Places = 0.5 + (places - 0.5) / share
    return inside


def _shapes() -> PartSet:
    left, middle, right = st.columns([3, 2, 2], gap="medium")
    with left:
        titles = {name: name.capitalize() for name in ("arrow", *(n for n in shapes.PARTS if n != "arrow"))}
        name = bound.segments("Shape", f"{PAGE}.shape", titles, help=prose.words(PAGE)["shape"])
    with middle:
        count = bound.slider("How many", f"{PAGE}.count", COUNTS, _FIRST)
    with right:
        loose = bound.slider(
            "Place, size and turn", f"{PAGE}.pose", list(LOOSE), "alike", help=prose.words(PAGE)["pose"]
        )
    return drawn(name, count, loose)


@cache
def drawn(name: str, count: int, loose: str) -> PartSet:
    """Shapes whose parts the generator knows."""
    posed = shapes.posed(name, count, _SIDE, seed=0, loose=LOOSE[loose])
    photos = []
    for at, pixels in enumerate(posed.images):
        image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
        token = f"{name}-{at + 1}"
        photos.append(
            Photo(token=token, title=f"{name.capitalize()} {at + 1}", image=image, digest=digest(image))
        )
    return PartSet(
        token=f"shapes:{name}:{count}:{loose}",
        title=f"{count} drawn pictures of one shape: {name}",
        photos=tuple(photos),
        parts=tuple(posed.parts),
        places=np.stack(list(posed.parts.values())),
        rooms=tuple(_extent(mask) for mask in posed.masks),
        marked=True,
        shape=name,
    )


@cache
def faces() -> PartSet:
    """The cat's and the astronaut's."""
    photos, places = [], []
    for token, (crop, parts) in _FACES.items():
        image = samples()[token].image.crop(crop)
        photos.append(
            Photo(token=f"face-{token}", title=f"Face of the {token}", image=image, digest=digest(image))
        )
        left, top, right, bottom = crop
        places.append([((x - left) / (right - left), (y - top) / (bottom - top)) for x, y in parts.values()])
    names = tuple(next(iter(_FACES.values()))[1])
    return PartSet(
        token="faces", title="A cat's and an astronaut's face", photos=tuple(photos), parts=names,
        places=np.array(places).transpose(1, 0, 2), rooms=_everywhere(len(photos)), marked=True,
    )  # fmt: skip


def _items() -> PartSet:
    """The first few of a class of a data set."""
    ready = items.ready()
    left, middle, right = st.columns([2, 2, 2], gap="medium")
    with left:
        name = bound.picker("Data set", f"{PAGE}.data", ready)
    known = cached.items(name, version(name))
    with middle:
        classes = {str(at): title for at, title in enumerate(known.classes)}
        label = int(bound.picker("Class", f"{PAGE}.class.{name}", classes))
    with right:
        count = bound.slider("How many", f"{PAGE}.items", COUNTS, _FIRST)
    photos = tuple(known.photo(label, at) for at in range(min(count, known.count(label))))
    rooms = [_everywhere(1)[0] if photo.mask is None else _extent(photo.mask) for photo in photos]
    return _unmarked(f"{name}:{label}:{len(photos)}", f"{known.title}, {known.classes[label]}", photos, rooms)


def _own() -> PartSet | None:
    """Files of the reader's, which stay in the memory of this visit."""
    words = prose.words(PAGE)
    files = st.file_uploader(
        "Pictures of like things", key=f"{PAGE}.files", accept_multiple_files=True, help=words["own"],
        max_upload_size=limits.UPLOAD_MIB.value,
    )  # fmt: skip
    photos: list[Photo] = []
    for file in files[:MOST]:
        try:
            photo, _ = uploads.photo(file.getvalue(), f"own-{len(photos)}", file.name)
        except ValueError as error:
            st.warning(prose.literal(f"{file.name}: {error}"), icon=":material/image_not_supported:")
        else:
            photos.append(photo)
    if len(files) > MOST:
        st.caption(f"The first {MOST} of {len(files)} are shown.")
    if len(photos) < 2:
        st.info(words["too few"], icon=":material/add_photo_alternate:")
        return None
    rest = hashlib.sha256("".join(photo.digest for photo in photos).encode()).hexdigest()[:8]
    return _unmarked(f"own:{rest}", f"{len(photos)} pictures of your own", photos, _everywhere(len(photos)))


def _unmarked(
    token: str, title: str, photos: Sequence[Photo], rooms: Sequence[tuple[float, float, float, float]]
) -> PartSet:
    places = np.repeat(np.array(_UNMARKED)[:, None], len(photos), axis=1)
    return PartSet(
        token=token, title=title, photos=tuple(photos), parts=_NAMELESS, places=places, rooms=tuple(rooms),
        marked=False,
    )  # fmt: skip


def _everywhere(count: int) -> tuple[tuple[float, float, float, float], ...]:
    return ((0.0, 0.0, 1.0, 1.0),) * count


def _extent(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """The box around what is marked, as shares."""
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    return (
        float(columns.min() / width), float(rows.min() / height),
        float((columns.max() + 1) / width), float((rows.max() + 1) / height),
    )  # fmt: skip
