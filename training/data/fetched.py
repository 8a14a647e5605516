"""Data sets that others made, read by torchvision's classes and packed as the rest of the app reads them."""

import tempfile
from pathlib import Path

import torch
from torch import Tensor
from torchvision.datasets import MNIST, FashionMNIST
from torchvision.datasets.utils import extract_archive


def from_debian(folder: Path) -> dict[str, Tensor]:
    """Fashion-MNIST as Debian's package has it: the same four files as Zalando's, packed with gzip."""
    with tempfile.TemporaryDirectory() as place:
        raw = Path(place, "FashionMNIST", "raw")
        raw.mkdir(parents=True)
        for name, _ in FashionMNIST.resources:
            extract_archive(str(folder / name), str(raw))
        return _digits(FashionMNIST, place)


def _digits(kind: type[MNIST], place: str) -> dict[str, Tensor]:
    found = {}
    for part, train in (("train", True), ("test", False)):
        pictures = kind(place, train=train)
        found[f"{part}.images"] = pictures.data[:, None]
        found[f"{part}.labels"] = pictures.targets.to(torch.int64)
    return found
