"""Items of data sets as photos, taken from the part that no network of this app was trained on.

In an address an item is one word: `shapes:3:5`, the fifth picture of the third class of shapes.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from training import data
from training.data import DATASETS, OWN, Pictures, store
from ui.samples import Photo, digest

EACH = 24  # pictures of a class, where there are so many
_MOST = 1_000  # pictures of a data set
_DRAWN = 128  # pixels of what can be drawn at any size


@dataclass(frozen=True, kw_only=True, eq=False)
class Items:
    """What can be chosen of a data set."""

    data: str
    title: str
    classes: tuple[str, ...]
    pictures: Pictures

    def count(self, label: int) -> int:
        """How many there are of a class."""
        return int((self.pictures.labels == label).sum())

    def photo(self, label: int, number: int) -> Photo:
        """One of a class, both counted from 0."""
        at = int((self.pictures.labels == label).nonzero()[number])
        image = Image.fromarray(self.pictures.images[at].permute(1, 2, 0).numpy())
        name, masks = self.classes[label], self.pictures.masks
        return Photo(
            token=token(self.data, label, number),
            title=f"{self.title}, {name}, {number + 1}",
            image=image,
            mask=None if masks is None else masks[at].numpy().astype(np.bool_),
            label=name,
            digest=digest(image),
        )


def ready() -> dict[str, str]:
    """The data sets on this disk: key and title."""
    known = {key: each.title for key, each in DATASETS.items() if data.ready(key)}
    return known | {OWN + name: OWN + name for name in store.owned()}


def items(name: str) -> Items:
    """What one can choose of it. ValueError with a sentence where it is unknown or not on this disk."""
    known = data.dataset(name)
    size = _DRAWN if name == "shapes" else known.size
    count = min(EACH * len(known.classes), _MOST)
    split = data.load(name, images=1, validation=count, size=size, channels=3, seed=0)
    return Items(data=name, title=known.title, classes=split.classes, pictures=split.validation)


def token(name: str, label: int, number: int) -> str:
    """The word of an address for an item, whose class and number are counted from 0."""
    return f"{name}:{label + 1}:{number + 1}"


def parse(word: str) -> tuple[str, int, int]:
    """Data set, class and number of such a word. ValueError with a sentence where it is none."""
    name, *numbers = word.rsplit(":", 2)
    if len(numbers) != 2 or not all(n.isascii() and n.isdigit() and 0 < len(n) < 6 for n in numbers):
        raise ValueError(f"The address names no picture: {word[:40]!r}.")
    return name, int(numbers[0]) - 1, int(numbers[1]) - 1
