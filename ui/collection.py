"""A set of pictures as one network sees them.

Of data sets they are pictures that no network of this app was trained on.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from training import data, shapes
from ui import samples
from zoo import limits
from zoo.weights import Preprocess

PHOTOS = "photos"  # the parts of the sample photos
PARTS = "Sample photos, in parts"
_DRAWN = 128  # pixels a side of what is drawn for networks that read more


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureSet:
    """Pictures for one network, each a square as that network sees it. Shared: nobody changes it."""

    token: str
    title: str
    classes: tuple[str, ...]
    digest: str  # differs where the network sees other pictures
    preprocess: Preprocess
    pictures: tuple[Image.Image, ...]  # as stored
    labels: tuple[int, ...]

    @property
    def count(self) -> int:
        return len(self.pictures)

    def image(self, i: int) -> Image.Image:
        """Picture number i, from 0, as the network sees it: RGB, `preprocess.size` pixels a side."""
        return self.preprocess.crop(self.pictures[i]).convert("RGB")

    def label(self, i: int) -> str:
        """What is on it."""
        return self.classes[self.labels[i]]

    def tensor(self, i: int) -> Tensor:
        """The same for the network: (1, C, size, size)."""
        return self.preprocess(self.pictures[i])

    def batches(self, size: int) -> Iterator[Tensor]:
        """All pictures in their order, `size` at a time: (B, C, size, size)."""
        for start in range(0, self.count, size):
            yield torch.cat([self.tensor(i) for i in range(start, min(start + size, self.count))])


def collect(token: str, preprocess: Preprocess) -> PictureSet:
    """A set for networks that read pictures so. ValueError with a sentence where it is not on this disk."""
    if token == PHOTOS:
        return _photos(preprocess)
    known = data.dataset(token)
    size = preprocess.size
    if size > _DRAWN:
        size = _DRAWN if token == "shapes" else known.size
    most = limits.COLLECTION.value
    held = data.load(token, images=1, validation=most, size=size, channels=known.channels, seed=0)
    pixels = held.validation.images.permute(0, 2, 3, 1).squeeze(3).numpy()
    return PictureSet(
        token=token,
        title=known.title,
        classes=held.classes,
        digest=_digest(preprocess, _origin(token, size, len(pixels)) or pixels.tobytes()),
        preprocess=preprocess,
        pictures=tuple(Image.fromarray(each) for each in pixels),
        labels=tuple(held.validation.labels.tolist()),
    )


def _origin(token: str, size: int, count: int) -> bytes:
    """What the pictures of a known data set follow from; nothing for a reader's own.

    Not their pixels: whether the last bit of a drawn or a resized one is the same depends on the processor,
    and no index is wrong for that.
    """
    if token not in data.DATASETS:
        return b""
    drawn = Path(shapes.__file__).read_bytes() if token == "shapes" else b""
    return f"{token} {size} {count} {data.counts(token)}".encode() + drawn


def _photos(preprocess: Preprocess) -> PictureSet:
    parts = samples.parts()
    titles = tuple(dict.fromkeys(part.title for part in parts))
    return PictureSet(
        token=PHOTOS,
        title=PARTS,
        classes=titles,
        digest=_digest(preprocess, *(part.digest.encode() for part in parts)),
        preprocess=preprocess,
        pictures=tuple(part.image for part in parts),
        labels=tuple(titles.index(part.title) for part in parts),
    )


def _digest(preprocess: Preprocess, *of: bytes) -> str:
    made = hashlib.sha256(repr(preprocess).encode())
    for each in of:
        made.update(each)
    return made.hexdigest()[:32]
