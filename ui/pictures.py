"""What the page Data shows of a data set: samples, means, and what augmentations do to a picture."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training import augmentation
from training.data import Pictures, Split, load
from training.recipe import Recipe
from viz import sheets

ROWS = 12  # classes on a sheet
COLUMNS = 12  # pictures of each
EXAMPLES = 8  # of an augmentation
_STUDIED = 2_000  # pictures of which means are taken
_DEVIATION = 2  # times: a deviation is at most half of white
_drawing = threading.Lock()  # torch has one generator for all readers


@dataclass(frozen=True, kw_only=True)
class Kind:
    """An augmentation: the field of the recipe that turns it on, and the values it can have."""

    title: str
    field: str
    strengths: tuple[float, ...] = ()  # none: it is on or off
    default: float = 0
    unit: str = ""  # what the strength is called
    mixes: bool = False  # two pictures


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.field: kind
        for kind in (
            Kind(title="Flip", field="flip"),
            Kind(title="Random crop", field="crop"),
            Kind(
                title="Colour jitter", field="colour", unit="Share",
                strengths=(0.1, 0.2, 0.4, 0.8), default=0.4,
            ),
            Kind(
                title="RandAugment", field="randaugment", unit="Magnitude",
                strengths=(1, 5, 9, 14, 20, 30), default=9,
            ),
            Kind(
                title="MixUp", field="mixup", unit="α", mixes=True,
                strengths=(0.1, 0.2, 0.4, 1.0, 4.0), default=1.0,
            ),
            Kind(
                title="CutMix", field="cutmix", unit="α", mixes=True,
                strengths=(0.2, 0.5, 1.0, 4.0), default=1.0,
            ),
        )
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Look:
    """A data set as one sees it."""

    classes: tuple[str, ...]  # of the rows
    sheet: bytes  # PNG, a row for each class: the mean of its pictures, their deviation, and some of them
    studied: int  # pictures of which means were taken
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Example:
    """A picture as PNG, and what its label has become."""

    picture: bytes
    label: str


def look(data: str, size: int, channels: int, *, sample: int, first: int, masks: bool) -> Look:
    """`first`: the number of the class in the first row. `masks`: show where the objects are, where known."""
    split = _split(data, size, channels, sample)
    train, names = split.train, split.classes[first : first + ROWS]
    rows = []
    for number in range(first, first + len(names)):
        own = (train.labels == number).nonzero().flatten()
        pictures = train.images[own].float() / 255
        moments = torch.stack([pictures.mean(0), _DEVIATION * pictures.std(0, correction=0)])
        chosen = own[:COLUMNS]
        shown = train.images[chosen].numpy()
        if masks and train.masks is not None:
            shown = sheets.set_apart(shown, train.masks[chosen].numpy())
        rows.append(np.concatenate([_bytes(moments).numpy(), shown]))
    return Look(
        classes=names,
        sheet=sheets.sheet(rows),
        studied=len(train.images),
        mean=split.mean,
        deviation=split.deviation,
    )


def augmented(
    data: str, size: int, channels: int, *, kind: str, strength: float, pictures: tuple[tuple[int, int], ...]
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """The pictures as they are, and what an augmentation makes of the first of them, several times.

    `pictures` are class and number of one picture, and of another to mix it with.
    """
    split = _split(data, size, channels, 0)
    own = torch.stack([_one(split.train, *picture) for picture in pictures])
    labels = torch.tensor([number for number, _ in pictures])
    chosen = KINDS[kind]
    turned: dict[str, Any] = {kind: strength if chosen.strengths else True}
    recipe = Recipe(data=data, size=size, **turned)
    names = split.classes
    with _drawing:
        drawn, shares = augmentation.examples(own, labels, len(names), recipe, EXAMPLES, seed=0)
    said = [_mixture(row, labels, names) if chosen.mixes else names[labels[0]] for row in shares]
    before = [(picture, names[label]) for picture, label in zip(own, labels.tolist(), strict=True)]
    return _examples(before), _examples(list(zip(drawn, said, strict=True)))


def _mixture(shares: Tensor, labels: Tensor, names: Sequence[str]) -> str:
    """What a label has become, in words."""
    return " + ".join(f"{shares[label]:.2f} {names[label]}" for label in dict.fromkeys(labels.tolist()))


def _split(data: str, size: int, channels: int, seed: int) -> Split:
    return load(data, images=_STUDIED, validation=1, size=size, channels=channels, seed=seed)


def _one(pictures: Pictures, label: int, number: int) -> Tensor:
    """One of the pictures of a class; numbers beyond the last begin again."""
    own = (pictures.labels == label).nonzero().flatten()
    return pictures.images[own[number % len(own)]]


def _examples(pictures: Sequence[tuple[Tensor, str]]) -> tuple[Example, ...]:
    return tuple(Example(picture=sheets.picture(p.numpy()), label=label) for p, label in pictures)


def _bytes(values: Tensor) -> Tensor:
    """0..1 -> 0..255"""
    return (255 * values).round().clamp(0, 255).to(torch.uint8)
