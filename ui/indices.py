"""Where the indices of strongest activations lie: with the app, on this disk, or nowhere yet.

An index is known by a digest of the network's weights, of the pictures and of the layers: a checkpoint that
has changed finds no index, and one is made anew.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from torch import nn

from ui.background import Report
from ui.collection import PictureSet
from viz import strongest
from viz.strongest import Strongest
from zoo import Specimen, limits
from zoo.weights import data_root

SHIPPED = Path(__file__).parents[1] / "assets" / "indices"
_KEPT_FILES = 48
_PIXELS, _BATCH = 1 << 20, 64  # of a batch, at most: what a pass keeps in memory


def digest(model: nn.Module, pictures: PictureSet, paths: Sequence[str]) -> str:
    """What an index is of."""
    parts = [strongest.digest(model), pictures.digest, *paths]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def shipped(specimen: Specimen, token: str) -> Path:
    """Where the index of a shipped checkpoint over a set lies, if there is one."""
    return SHIPPED / f"{specimen.weights.removeprefix('shipped:')}.{token}.safetensors"


def find(
    specimen: Specimen, model: nn.Module, pictures: PictureSet, paths: Sequence[str]
) -> Strongest | None:
    """The index where one is at hand."""
    wanted = digest(model, pictures, paths)
    if specimen.weights.startswith("shipped:"):
        found = strongest.read(shipped(specimen, pictures.token), wanted)
        if found is not None:
            return found
    path = _folder() / f"{wanted}.safetensors"
    found = strongest.read(path, wanted)
    if found is not None:
        with suppress(OSError):
            path.touch()  # used lately
    return found


def build(model: nn.Module, pictures: PictureSet, paths: Sequence[str], report: Report) -> Strongest:
    """The index, from one pass over the pictures. `report` hears the share that is done."""
    found: Strongest | None = None
    size = max(1, min(_BATCH, _PIXELS // pictures.preprocess.size**2))
    for found in strongest.scan(model, pictures.batches(size), paths):
        report(found.count / pictures.count, None)
    if found is None:
        raise ValueError("There are no pictures in this set.")
    return found


def keep(model: nn.Module, pictures: PictureSet, found: Strongest) -> None:
    """Write an index for the next reader, and drop those that nobody has used for longest.

    Where the disk takes nothing, nothing is kept: the next reader waits as well.
    """
    name = digest(model, pictures, list(found.layers))
    with suppress(OSError):
        strongest.save(_folder() / f"{name}.safetensors", found, name)
    used, size = [], 0
    for path in _folder().glob("*.safetensors"):
        with suppress(FileNotFoundError):  # another process has just dropped it
            used.append((path.stat().st_mtime, path.stat().st_size, path))
    for count, (_, own, path) in enumerate(sorted(used, reverse=True), 1):
        size += own
        if count > _KEPT_FILES or size > limits.INDICES_MIB.value << 20:
            with suppress(OSError):
                path.unlink()


def _folder() -> Path:
    return data_root() / "indices"
