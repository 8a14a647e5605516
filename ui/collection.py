"""A set of pictures as one network sees them.

Of data sets they are pictures that no network of this app was trained on.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from training import data
from ui import samples
from zoo.weights import Preprocess

MOST = 2_000  # pictures of a data set
PHOTOS = "photos"  # the parts of the sample photos
PARTS = "Sample photos, in parts"
_DRAWN = 128  # pixels a side of what is drawn for networks that read more


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureSet:
    """Pictures for one network, each a square as that network sees it. Shared: nobody changes it."""

    token: str
    title: str
    classes: tuple[str, ...]
    digest: str  # differs where any pixel differs that the network sees
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
        found = samples.parts()
        titles = tuple(dict.fromkeys(title for title, _ in found))
        labels = tuple(titles.index(title) for title, _ in found)
        return _made(token, PARTS, titles, preprocess, [p for _, p in found], labels)
    known = data.dataset(token)
    size = preprocess.size
    if size > _DRAWN:
        size = _DRAWN if token == "shapes" else known.size
    held = data.load(token, images=1, validation=MOST, size=size, channels=known.channels, seed=0)
    pixels = held.validation.images.permute(0, 2, 3, 1).squeeze(3).numpy()
    pictures = [Image.fromarray(each) for each in pixels]
    labels = tuple(held.validation.labels.tolist())
    return _made(token, known.title, held.classes, preprocess, pictures, labels)


def _made(
    token: str,
    title: str,
    classes: tuple[str, ...],
    preprocess: Preprocess,
    pictures: list[Image.Image],
    labels: tuple[int, ...],
) -> PictureSet:
    made = hashlib.sha256(repr(preprocess).encode())
    for picture in pictures:
        made.update(repr(picture.size).encode())
        made.update(np.asarray(picture).tobytes())
    return PictureSet(
        token=token, title=title, classes=classes, digest=made.hexdigest()[:32], preprocess=preprocess,
        pictures=tuple(pictures), labels=labels,
    )  # fmt: skip
