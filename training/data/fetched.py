"""Data sets that others made, fetched and read by torchvision's classes, packed as the rest of the app reads.

Only a process of its own imports this (see training.data.errand): torchvision tells of its progress by a bar
on the terminal, which is exchanged here, and CIFAR-10 comes as pickles. torchvision opens those once their
checksums are right; nothing here opens a pickle otherwise, and what is packed holds none.
"""

import contextlib
import gzip
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest import mock

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.datasets import CIFAR10, MNIST, FashionMNIST, Imagenette

from training.data import DATASETS, store

_SILENCE = 30.0  # seconds after which a server that says nothing is given up

Progress = Callable[[int, int, str], None]


def fetch(key: str, root: Path, progress: Progress) -> None:
    """Download, check, read and pack a data set; tells bytes done, bytes in all and what it is doing.

    The archives are deleted when they have been packed, and when anything goes wrong. ValueError with a
    sentence where there is no network, no disk or what arrives is not what it should be.
    """
    known = DATASETS[key]
    try:
        root.mkdir(parents=True, exist_ok=True)
        place = tempfile.mkdtemp(prefix=f".{key}-", suffix=".partial", dir=root)
        try:
            with _told(known.download, progress):
                _KINDS[key](place, True)
            progress(known.download, known.download, "packing")
            store.write(store.packed(key, root), _KINDS[key](place, False), {})
        finally:
            shutil.rmtree(place, ignore_errors=True)
    except (OSError, RuntimeError) as error:  # torchvision's own errors are RuntimeErrors
        raise ValueError(
            f"{known.title} could not be downloaded: {_reason(error)} "
            "Shapes need no network, and neither do your own pictures."
        ) from None


def from_debian(folder: Path) -> dict[str, Tensor]:
    """Fashion-MNIST as Debian's package has it: the same four files as Zalando's, packed with gzip."""
    with tempfile.TemporaryDirectory() as place:
        raw = Path(place, "FashionMNIST", "raw")
        raw.mkdir(parents=True)
        for name, _ in FashionMNIST.resources:
            with gzip.open(folder / name) as packed, (raw / name.removesuffix(".gz")).open("wb") as file:
                shutil.copyfileobj(packed, file)
        return _digits(FashionMNIST, place, False)


def _digits(kind: type[MNIST], place: str, download: bool) -> dict[str, Tensor]:
    found = {}
    for part, train in (("train", True), ("test", False)):
        pictures = kind(place, train=train, download=download)
        found[f"{part}.images"] = pictures.data[:, None]
        found[f"{part}.labels"] = pictures.targets.to(torch.int64)
    return found


def _cifar(place: str, download: bool) -> dict[str, Tensor]:
    found = {}
    for part, train in (("train", True), ("test", False)):
        pictures = CIFAR10(place, train=train, download=download)
        found[f"{part}.images"] = torch.from_numpy(pictures.data).permute(0, 3, 1, 2)
        found[f"{part}.labels"] = torch.tensor(pictures.targets)
    return found


def _imagenette(place: str, download: bool) -> dict[str, Tensor]:
    if download:
        Imagenette(place, "train", "160px", download=True)
        return {}
    found: dict[str, Tensor] = {}
    side = DATASETS["imagenette"].size
    for part, split in (("train", "train"), ("test", "val")):
        pictures = Imagenette(place, split, "160px", loader=lambda path: _fitted(path, side))
        images = np.empty((len(pictures), 3, side, side), np.uint8)
        labels = np.empty(len(pictures), np.int64)
        for at in range(len(pictures)):
            images[at], labels[at] = pictures[at]
        found |= {f"{part}.images": torch.from_numpy(images), f"{part}.labels": torch.from_numpy(labels)}
    return found


def _fitted(path: str, side: int) -> Any:
    """The middle of a picture (3, side, side)."""
    with Image.open(path) as picture:
        square = ImageOps.fit(picture.convert("RGB"), (side, side), Image.Resampling.BICUBIC)
    return np.asarray(square).transpose(2, 0, 1)


_KINDS: Mapping[str, Callable[[str, bool], dict[str, Tensor]]] = MappingProxyType(
    {
        "fashion-mnist": lambda place, download: _digits(FashionMNIST, place, download),
        "mnist": lambda place, download: _digits(MNIST, place, download),
        "cifar10": _cifar,
        "imagenette": _imagenette,
    }
)


@contextlib.contextmanager
def _told(total: int, progress: Progress) -> Iterator[None]:
    """Exchange the bar that torchvision would draw on the terminal, and wait for no server forever."""
    done = 0

    class Bar(contextlib.nullcontext["Bar"]):
        def __init__(self, **_: Any) -> None:
            super().__init__(self)

        def update(self, count: int) -> None:
            nonlocal done
            done += count
            progress(done, total, "downloading")

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SILENCE)
    try:
        with mock.patch("torchvision.datasets.utils.tqdm", Bar):
            yield
    finally:
        socket.setdefaulttimeout(before)


def _reason(error: Exception) -> str:
    text = str(error)
    if "No space left" in text:
        return "the disk is full."
    if "corrupted" in text:
        return "what arrived is not what it should be (its checksum differs), so it was thrown away."
    if "timed out" in text:
        return "the server did not answer in time."
    if "urlopen error" in text or "HTTP Error" in text or "Connection" in text:
        return "its server cannot be reached from here."
    return f"{(text.splitlines() or [type(error).__name__])[-1][:200].rstrip('.')}."
