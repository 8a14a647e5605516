"""Pictures on disk: safetensors, written whole or not at all, read without a copy.

Below the folder for data lie one file for each data set that was packed, one for each of the readers' own,
and a bounded number of splits that were loaded lately.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from zoo import limits
from zoo.weights import data_root

_FACTS = "zoolens"  # key of the file's metadata under which our facts stand, as JSON
_KEPT_FILES = 32  # splits
_STALE = 600.0  # seconds without a change after which nobody writes any more
_LARGEST = 512 << 20  # bytes of a split that is worth keeping


def folder(root: Path | None = None) -> Path:
    """Where data lie: `root`, else ZOOLENS_DATA, else the project's data/. It need not be there yet."""
    return root or data_root()


def packed(key: str, root: Path | None = None) -> Path:
    """Where a data set lies that was fetched."""
    return folder(root) / f"{key}.safetensors"


def own(name: str, root: Path | None = None) -> Path:
    """Where the pictures lie that a reader called `name`."""
    return folder(root) / "own" / f"{name}.safetensors"


def owned(root: Path | None = None) -> list[str]:
    """The names of readers' own data sets on this disk."""
    return sorted(path.stem for path in own("*", root).parent.glob("[!.]*.safetensors"))


def splits(root: Path | None = None) -> Path:
    """The folder of the splits that were loaded lately."""
    return folder(root) / "splits"


def forget(data: str, root: Path | None = None) -> None:
    """Drop the splits whose names begin with that of their data set."""
    for path in splits(root).glob(f"{data}.*.safetensors"):
        with suppress(FileNotFoundError):
            path.unlink()


def sweep(root: Path | None = None) -> None:
    """Delete what was left half written by processes that ended before they could."""
    for place in (folder(root), own("*", root).parent, splits(root)):
        for left in (*place.glob(".*.writing"), *place.glob(".*.partial")):
            with suppress(OSError):  # another process has just ended it
                newest = max((each.stat().st_mtime for each in (left, *left.rglob("*"))), default=0.0)
                if time.time() - newest > _STALE:
                    shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def write(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], *, over: bool = True) -> None:
    """Put a file in place in one moment; OSError where the disk does not take it.

    `over`: in place of what may be there, which otherwise stays: FileExistsError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".writing")
    os.close(handle)
    try:
        save_file({k: v.contiguous() for k, v in tensors.items()}, name, {_FACTS: json.dumps(dict(facts))})
        if over or not _linked(name, path):
            os.replace(name, path)
    except SafetensorError as error:  # how the library reports a full disk
        raise OSError(str(error)) from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def _linked(name: str, path: Path) -> bool:
    """Give a file its second name, where nothing has that; False on a disk that knows no links."""
    try:
        os.link(name, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise FileExistsError(path) from None
        return False
    return True


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `write` wrote: tensors, which stay on disk until they are touched, and facts.

    FileNotFoundError where there is none, ValueError with a sentence where it cannot be read.
    """
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, _facts(file)  # noqa: SIM118
    except SafetensorError:
        raise ValueError(f"{path.name} is damaged. Delete it and load the data set again.") from None


def facts(path: Path) -> dict[str, Any]:
    """The facts alone, which is fast for a file of any size. Errors as for `read`."""
    try:
        with safe_open(path, "pt") as file:
            return _facts(file)
    except SafetensorError:
        raise ValueError(f"{path.name} is damaged. Delete it and load the data set again.") from None


def _facts(file: Any) -> dict[str, Any]:
    return json.loads((file.metadata() or {}).get(_FACTS, "{}"))


def keep(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write a split that will be wanted again, and drop those that were not used for longest.

    Where the disk is full or may not be written, nothing is kept: the next reader waits a little longer.
    """
    if sum(tensor.nbytes for tensor in tensors.values()) > _LARGEST:
        return
    with suppress(OSError):
        write(path, tensors, facts)
    used, size = [], 0
    for other in path.parent.glob("*.safetensors"):
        with suppress(FileNotFoundError):  # another process has just dropped it
            used.append((other.stat().st_mtime, other))
    for count, (_, other) in enumerate(sorted(used, reverse=True), 1):
        with suppress(OSError):
            size += other.stat().st_size
            if count > _KEPT_FILES or size > limits.SPLITS_GIB.value << 30:
                other.unlink()


def kept(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """A split that `keep` kept; it counts as used now. None where there is none that can be read."""
    try:
        found = read(path)
    except (OSError, ValueError):
        return None
    with suppress(OSError):
        os.utime(path)
    return found
