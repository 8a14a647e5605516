"""The pictures that networks learn from: data sets by name, and one's own.

`shapes` is drawn when it is asked for. The others are packed once into a file of pictures of one size; a
split of any of them is a choice of pictures, brought to the size and the channels that a network reads.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from training import shapes
from training.data import store
from training.data.errand import Errand
from zoo import nearest

OWN = "own:"  # what the names of readers' own data sets begin with
LARGEST = 2 << 30  # bytes of a split
_LUMA = torch.tensor([0.299, 0.587, 0.114])  # ITU-R BT.601, as everywhere where colour becomes grey
_AT_ONCE = 1024  # pictures that are converted together
_ASIDE = 0.2  # largest share kept aside where a data set has no test part
_SHAPES = 20_000  # of the endless many, those that stand for all
_DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # where Debian's package dataset-fashion-mnist puts it


@dataclass(frozen=True, kw_only=True, eq=False)
class Pictures:
    """Pictures of one size, in memory."""

    images: Tensor  # uint8 (N, C, H, W)
    labels: Tensor  # int64 (N,)
    masks: Tensor | None = None  # bool (N, H, W): where the object is, for `shapes`


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """A data set as a run uses it."""

    train: Pictures
    validation: Pictures
    classes: tuple[str, ...]
    mean: tuple[float, ...]  # of each channel of the training pictures, pixels from 0 to 1
    deviation: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What is known of a data set before it is loaded."""

    key: str
    title: str
    classes: tuple[str, ...]
    channels: int
    source: str  # who made it
    licence: str
    size: int  # pixels, height and width, as stored
    note: str  # what it is good for
    images: int  # training pictures
    test: int  # pictures of its own test part; 0: validation pictures are kept aside
    download: int = 0  # bytes to fetch; 0: nothing


DATASETS: Mapping[str, Dataset] = MappingProxyType(
    {
        each.key: each
        for each in (
            Dataset(
                key="shapes",
                title="Shapes",
                classes=shapes.CLASSES,
                channels=3,
                source="drawn by this app",
                licence="none needed",
                size=32,
                note="Eight shapes of equal area on textured grounds. Only the outline tells the class, and "
                "where each object lies is known, so that a heat map can be scored.",
                images=_SHAPES,
                test=5_000,
            ),
            Dataset(
                key="fashion-mnist",
                title="Fashion-MNIST",
                classes=(
                    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
                ),
                channels=1,
                source="Xiao, Rasul and Vollgraf, Zalando Research, 2017, arXiv:1708.07747",
                licence="MIT",
                size=28,
                note="Photos of clothes in grey, made to replace MNIST, which had become too easy.",
                images=60_000,
                test=10_000,
                download=30_878_645,
            ),
            Dataset(
                key="mnist",
                title="MNIST",
                classes=tuple("0123456789"),
                channels=1,
                source="LeCun, Cortes and Burges, 1998",
                licence="CC BY-SA 3.0",
                size=28,
                note="Handwritten digits. Almost every network gets 99 % of them right.",
                images=60_000,
                test=10_000,
                download=11_594_722,
            ),
            Dataset(
                key="cifar10",
                title="CIFAR-10",
                classes=(
                    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
                ),
                channels=3,
                source="Krizhevsky, Nair and Hinton, University of Toronto, 2009",
                licence="none stated; free for research",
                size=32,
                note="Small photos of things and animals: the yardstick of most papers on small networks.",
                images=50_000,
                test=10_000,
                download=170_498_071,
            ),
            Dataset(
                key="imagenette",
                title="Imagenette",
                classes=(
                    "tench", "English springer", "cassette player", "chain saw", "church",
                    "French horn", "garbage truck", "gas pump", "golf ball", "parachute",
                ),
                channels=3,
                source="Jeremy Howard, fast.ai, 2019: ten classes of ImageNet that are easy to tell apart",
                licence="that of ImageNet: research and teaching, not commerce",
                size=128,
                note="Real photos, large enough for networks that need more than 32 pixels.",
                images=9_469,
                test=3_925,
                download=99_003_388,
            ),
        )
    }
)  # fmt: skip


def dataset(data: str, root: Path | None = None) -> Dataset:
    """The record of a data set, one's own included. ValueError with the nearest match for an unknown name."""
    if data in DATASETS:
        return DATASETS[data]
    owned = [OWN + name for name in store.owned(root)]
    if data not in owned:
        raise ValueError(f"There is no data set called {data!r}. {nearest(data, (*DATASETS, *owned))}")
    name = data.removeprefix(OWN)
    facts = store.facts(store.own(name, root))
    return Dataset(
        key=data,
        title=name,
        classes=tuple(facts["classes"]),
        channels=facts["channels"],
        source="your own pictures",
        licence="yours",
        size=facts["size"],
        note="Packed on this machine.",
        images=sum(facts["train"]),
        test=sum(facts["test"]),
    )


def ready(data: str, root: Path | None = None) -> bool:
    """Whether it can be loaded without a network. ValueError for an unknown name."""
    key = dataset(data, root).key
    return key == "shapes" or _packed(key, root).exists() or (key == "fashion-mnist" and _DEBIAN.is_dir())


def download(data: str, progress: Callable[[int, int, str], None], root: Path | None = None) -> None:
    """Fetch a data set; tells bytes done, bytes in all and what is being done.

    It happens in a process of its own, which is stopped where `progress` raises. ValueError with a sentence
    where there is nothing to fetch or it cannot be had.
    """
    known = dataset(data, root)
    if not known.download:
        raise ValueError(f"{known.title} needs no download.")
    Errand("download", data, root=root).wait(progress)


def counts(data: str, root: Path | None = None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """How many pictures there are of each class, to train and in the test part. It has to be `ready`."""
    known = dataset(data, root)
    if known.key == "shapes":
        labels = [torch.arange(count) % len(known.classes) for count in (known.images, known.test)]
    else:
        tensors = _tensors(known, root)
        none = torch.empty(0, dtype=torch.int64)
        labels = [tensors.get(f"{part}.labels", none) for part in ("train", "test")]
    train, test = (tuple(torch.bincount(some, minlength=len(known.classes)).tolist()) for some in labels)
    return train, test


def version(data: str, root: Path | None = None) -> str:
    """What changes when the pictures behind a name do: for caches."""
    path = _packed(data, root)
    if not path.exists():
        return ""
    stat = path.stat()
    return f"{stat.st_size} {stat.st_mtime_ns}"


def load(
    data: str,
    *,
    images: int | None,
    validation: int,
    size: int,
    channels: int,
    seed: int,
    root: Path | None = None,
) -> Split:
    """A split of `data`: pictures of `size` pixels with 1 or 3 channels, the same for the same arguments.

    Training pictures are drawn by `seed`, equal shares of every class as far as there are so many, and fewer
    are among those of more. Validation pictures come from the data set's own test part; where it has none,
    at most a fifth of all is kept aside. They do not depend on the seed, so that runs can be compared.

    ValueError with a sentence where the data are unknown, not on this disk or too large for memory.
    """
    known = dataset(data, root)
    if channels not in (1, 3):
        raise ValueError(f"Pictures have 1 channel or 3, not {channels}.")
    whole = known.images if images is None else min(images, known.images)
    needed = (whole + validation) * channels * size * size
    if needed > LARGEST:
        raise ValueError(
            f"{whole + validation:,} pictures of {size} pixels need {needed / 2**30:.1f} GiB of memory, "
            f"and {LARGEST >> 30} GiB is the most. Take fewer or smaller ones."
        )
    if not ready(data, root):
        raise ValueError(_missing(known))
    wanted: list[object] = [data, images, validation, size, channels, seed]
    name = f"{known.key.replace(':', '-')}.{_digest(known, wanted, root)}.safetensors"
    path = store.splits(root) / name
    found = store.kept(path)
    if found is not None:
        return _unpacked(*found)
    if known.key == "shapes":
        split = _drawn(known, images, validation, size, channels, seed)
    else:
        split = _chosen(known, _tensors(known, root), images, validation, size, channels, seed)
    store.keep(path, *_packable(split))
    return split


def _missing(known: Dataset) -> str:
    return (
        f"{known.title} is not on this disk. Download it on the page Data or with "
        f"`python -m training.data download {known.key}`, or take shapes, which needs no network."
    )


def _drawn(known: Dataset, images: int | None, validation: int, size: int, channels: int, seed: int) -> Split:
    """Of the endless many shapes: training pictures of one seed, validation pictures of none."""
    train = _shapes(min(images or known.images, known.images), size, channels, seed, stream=0)
    held = _shapes(min(validation, known.test), size, channels, 0, stream=1)
    return _split(train, held, known.classes)


def _shapes(count: int, size: int, channels: int, seed: int, stream: int) -> Pictures:
    pixels, labels, masks = shapes.draw(count, size, seed=seed, stream=stream)
    images = _converted(torch.from_numpy(pixels), size, channels)
    return Pictures(images=images, labels=torch.from_numpy(labels), masks=torch.from_numpy(masks))


def _chosen(
    known: Dataset,
    tensors: Mapping[str, Tensor],
    images: int | None,
    validation: int,
    size: int,
    channels: int,
    seed: int,
) -> Split:
    labels = tensors["train.labels"].numpy()
    everything = np.arange(len(labels))
    if "test.labels" in tensors:
        test = tensors["test.labels"].numpy()
        aside = _shares(test, np.arange(len(test)), validation, seed=0)
        held = _taken(tensors, "test", aside, size, channels)
    else:
        aside = _shares(labels, everything, min(validation, int(_ASIDE * len(labels))), seed=0)
        held = _taken(tensors, "train", aside, size, channels)
        everything = np.setdiff1d(everything, aside)
    chosen = _shares(labels, everything, images, seed=seed)
    return _split(_taken(tensors, "train", chosen, size, channels), held, known.classes)


def _shares(
    labels: NDArray[np.int64], among: NDArray[np.int64], count: int | None, *, seed: int
) -> NDArray[np.int64]:
    """Indices of `count` pictures, the classes taking turns for as long as each has some; None: of all."""
    shuffled = np.random.default_rng(seed).permutation(among)
    order = np.argsort(labels[shuffled], kind="stable")
    by_class = labels[shuffled][order]
    starts = np.searchsorted(by_class, by_class)  # where the class of each begins
    rank = np.arange(len(by_class)) - starts
    turns = np.lexsort((by_class, rank))
    found = shuffled[order][turns]
    if count is None:
        return found
    share = -(-count // len(np.unique(by_class)))
    return found[rank[turns] < share][:count]


def _taken(
    tensors: Mapping[str, Tensor], part: str, chosen: NDArray[np.int64], size: int, channels: int
) -> Pictures:
    index = torch.from_numpy(chosen)
    pixels = tensors[f"{part}.images"]
    images = [_converted(pixels[some], size, channels) for some in torch.split(index, _AT_ONCE)]
    return Pictures(images=torch.cat(images), labels=tensors[f"{part}.labels"][index])


def _converted(pixels: Tensor, size: int, channels: int) -> Tensor:
    """uint8 (n, c, h, w) -> (n, channels, size, size). Grey is the luma of a colour."""
    if pixels.shape[-1] != size:
        pixels = F.interpolate(pixels, (size, size), mode="bilinear", antialias=True)
    if pixels.shape[1] == channels:
        return pixels
    if channels == 3:
        return pixels.expand(-1, 3, -1, -1).contiguous()
    grey = torch.einsum("nchw,c->nhw", pixels.float(), _LUMA)
    return grey.round().to(torch.uint8)[:, None]


def _split(train: Pictures, held: Pictures, classes: tuple[str, ...]) -> Split:
    mean, deviation = _moments(train.images)
    return Split(train=train, validation=held, classes=classes, mean=mean, deviation=deviation)


def _moments(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Of each channel, exact: counted by the value of the pixel."""
    values = torch.arange(256, dtype=torch.float64) / 255
    means, deviations = [], []
    for channel in range(images.shape[1]):
        count = torch.bincount(images[:, channel].flatten(), minlength=256).double()
        mean = (count @ values / count.sum()).item()
        variance = (count @ (values - mean).square() / count.sum()).item()
        means.append(mean)
        deviations.append(max(variance**0.5, 1 / 255))  # a data set of one flat colour is no reason to fail
    return tuple(means), tuple(deviations)


def _digest(known: Dataset, wanted: list[object], root: Path | None) -> str:
    """A name for what `load` gives: it changes with the arguments, the data and the code that makes them."""
    text = json.dumps(wanted).encode() + Path(__file__).read_bytes() + Path(shapes.__file__).read_bytes()
    text += version(known.key, root).encode()
    return hashlib.sha256(text).hexdigest()[:32]


def _packable(split: Split) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors: dict[str, Tensor] = {}
    for name, part in (("train", split.train), ("validation", split.validation)):
        tensors |= {f"{name}.images": part.images, f"{name}.labels": part.labels}
        if part.masks is not None:
            tensors[f"{name}.masks"] = part.masks
    return tensors, {"classes": split.classes, "mean": split.mean, "deviation": split.deviation}


def _unpacked(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Split:
    train, held = (
        Pictures(
            images=tensors[f"{part}.images"],
            labels=tensors[f"{part}.labels"],
            masks=tensors.get(f"{part}.masks"),
        )
        for part in ("train", "validation")
    )
    return Split(
        train=train,
        validation=held,
        classes=tuple(facts["classes"]),
        mean=tuple(facts["mean"]),
        deviation=tuple(facts["deviation"]),
    )


def _packed(data: str, root: Path | None) -> Path:
    if data.startswith(OWN):
        return store.own(data.removeprefix(OWN), root)
    return store.packed(data, root)


def _tensors(known: Dataset, root: Path | None) -> Mapping[str, Tensor]:
    """All pictures of a data set: train.images (N, C, S, S), train.labels (N,), and test.* or not."""
    path = _packed(known.key, root)
    if not path.exists():
        from training.data import fetched  # brings torchvision's data sets, which nobody else needs

        tensors = fetched.from_debian(_DEBIAN)
        try:
            store.write(path, tensors, {})
        except OSError:
            return tensors  # this disk keeps nothing; what was read is here all the same
    return store.read(path)[0]
