"""One's own pictures: a zip or a folder with a folder for each class, checked and then packed.

    <class>/<picture>               one folder for each class, or
    train/<class>/<picture>         the same, with a part kept for testing: test, val or validation
    test/<class>/<picture>

What comes is not trusted. Every name is looked at before a picture is, every picture is decoded before
anything is written, and what is written is one file of pixels: no file of the reader's ever lies in a folder
of ours. Where something is wrong, ValueError says in a sentence what and what to do.
"""

import os
import re
import stat
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from PIL import Image, ImageOps

from training import reading
from training.data import store
from zoo import limits, nearest

MOST_CLASSES = 1_000
LARGEST_FILE = 64 << 20  # bytes
FEWEST = 5  # training pictures of a class
LONGEST_NAME = 60  # characters of a class
TIGHTEST = 200  # how many times smaller a file of a mebibyte or more may have been packed
BROKEN = 0.2  # share of pictures that may be broken
SIDES = (128, 96, 64, 48, 32)  # pixels: pictures are stored as large as they are, up to one of these
_PACKED = 1 << 30  # bytes that all pixels together may take
_SAMPLE = 200  # pictures that are asked for their size
_NAMED = 20  # broken pictures that a report names

_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
_ARCHIVES = {".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst"}
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_LITTER = {"__macosx", "thumbs.db", "desktop.ini"}  # what systems leave behind; dot files as well
_TRAIN, _TEST = {"train", "training"}, {"test", "testing", "val", "valid", "validation"}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_TAKEN = "There are already pictures called {}. Delete them or take another name."
_JOINERS = "\u200c\u200d"  # invisible, but part of words in Persian and of emoji


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of the files."""

    name: str
    classes: tuple[str, ...]
    train: tuple[int, ...]  # pictures of each class
    test: tuple[int, ...]  # likewise; all 0 where nothing is kept for testing
    size: int  # pixels, height and width, as stored
    channels: int
    broken: int  # pictures that could not be read and were left out
    named: tuple[str, ...]  # the first of them, each with the reason
    ignored: int  # files that are no pictures, or lie in no class


@dataclass(frozen=True)
class _File:
    path: PurePosixPath
    size: int  # bytes, as declared
    read: Callable[[], bytes]


@dataclass(frozen=True)
class _Found:
    """The pictures by part and class, before they are looked at."""

    classes: tuple[str, ...]
    parts: dict[str, list[tuple[_File, int]]]  # "train" and "test"
    ignored: int


def add(
    source: Path,
    name: str,
    *,
    root: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    owner: str = "",
) -> Report:
    """Pack the pictures of a zip or a folder as the data set `own:<name>`; tells how many of all are done.

    `owner`: the mark of whose it is, see `training.owners`, kept with it.

    ValueError with a sentence where anything is wrong; then nothing was written.
    """
    path = checked(name, root)
    if path.exists():
        raise ValueError(_TAKEN.format(name))
    most = limits.OWN_SETS_GIB.value
    if sum(store.own(other, root).stat().st_size for other in store.owned(root)) >= most << 30:
        raise ValueError(f"Pictures of readers' own may take {most} GiB here, and do. Delete some first.")
    if source.is_dir():
        return _pack(_sorted(_walked(source)), path, name, progress, owner)
    if not source.exists():
        raise ValueError(f"There is no file or folder {source.name!r}.")
    try:
        with zipfile.ZipFile(source) as archive:
            return _pack(_sorted(_listed(archive)), path, name, progress, owner)
    except zipfile.BadZipFile as error:
        raise ValueError(f"This is no zip file that can be read: {_said(error)}") from None
    except MemoryError:
        raise ValueError("This needs more memory than this machine has free.") from None


def checked(name: str, root: Path | None = None) -> Path:
    """Where pictures of that name lie, or would lie. ValueError with a sentence for what can be no name."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            "A name has 1 to 40 small letters a to z, digits, - and _, and begins with a letter or digit."
        )
    return store.own(name, root)


def delete(name: str, root: Path | None = None) -> None:
    """Take the pictures off this disk, and what was loaded of them. ValueError where there are none."""
    path = checked(name, root)
    if not path.exists():
        raise ValueError(f"There are no pictures called {name!r}. {nearest(name, store.owned(root))}")
    path.unlink()
    store.forget(f"own-{name}", root)


def _said(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text[0].lower() + text[1:200].rstrip(".") + "."


def _shown(text: str) -> str:
    """A name from outside, short and without characters that do something."""
    plain = "".join(c if unicodedata.category(c)[0] != "C" else "?" for c in text)
    return plain if len(plain) <= 80 else f"{plain[:60]}…{plain[-16:]}"


# Looking at names


def _listed(archive: zipfile.ZipFile) -> Iterator[_File]:
    """The files of a zip whose names and sizes are harmless; the first that is not ends it."""
    entries = archive.infolist()
    if len(entries) > limits.OWN_FILES.value:
        raise ValueError(f"It holds {len(entries):,} files, and {limits.OWN_FILES.value:,} is the most.")
    total = sum(entry.file_size for entry in entries)
    if total > limits.OWN_GIB.value << 30:
        raise ValueError(
            f"Unpacked it has {total / 2**30:.1f} GiB, and {limits.OWN_GIB.value} GiB is the most."
        )
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:  # a bomb: the same bytes count for many files
            raise ValueError("Files inside this zip overlap, as they do in zip bombs. Pack it anew.")
        end = entry.header_offset + entry.compress_size
    seen: set[PurePosixPath] = set()
    for entry in entries:
        path = _path(_decoded(entry))
        _check(entry, path)
        if entry.is_dir():
            continue
        if path in seen:
            raise ValueError(f"The file {_shown(str(path))} is in it twice. Which is meant? Pack it anew.")
        seen.add(path)
        yield _File(path, entry.file_size, lambda entry=entry: _unpacked(archive, entry))  # type: ignore[misc]


def _decoded(entry: zipfile.ZipInfo) -> str:
    """The name as it was meant: many programs write UTF-8 without the flag that says so."""
    if entry.flag_bits & 0x800:
        return entry.orig_filename
    try:
        return entry.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.orig_filename


def _path(text: str) -> PurePosixPath:
    """The parts of a name, with slashes of either kind. ValueError for one that leads elsewhere."""
    text = text.replace("\\", "/")
    if text.startswith("/") or re.match(r"[A-Za-z]:", text):
        raise ValueError(
            f"The file {_shown(text)} is a path from the root of a disk. Pack the folder itself anew."
        )
    path = PurePosixPath(text)
    if ".." in path.parts:
        raise ValueError(f"The file {_shown(text)} leads out of the folder. Pack the folder itself anew.")
    if any(unicodedata.category(c) == "Cc" for c in text):
        raise ValueError(f"The name {_shown(text)} holds control characters. Rename it.")
    return path


def _check(entry: zipfile.ZipInfo, path: PurePosixPath) -> None:
    shown = f"The file {_shown(str(path))}"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise ValueError(f"{shown} is a link to another place. Put the file itself there.")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ValueError(f"{shown} is neither a file nor a folder.")
    if entry.flag_bits & 0x1:
        raise ValueError("This zip is locked with a password. Pack it without one.")
    if entry.compress_type not in _METHODS:
        raise ValueError(f"{shown} is packed in a way that cannot be read here. Pack it with deflate.")
    _check_size(shown, entry.file_size)
    if entry.file_size > 1 << 20 and entry.file_size > TIGHTEST * max(entry.compress_size, 1):
        raise ValueError(f"{shown} unpacks to {entry.file_size / 2**20:.0f} MiB of nothing, as zip bombs do.")


def _check_size(shown: str, size: int) -> None:
    if size > LARGEST_FILE:
        raise ValueError(f"{shown} has {size / 2**20:.0f} MiB, and {LARGEST_FILE >> 20} MiB is the most.")


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Never more than what was declared, whatever is packed inside."""
    try:
        with archive.open(entry) as file:
            return file.read(entry.file_size)
    except zipfile.BadZipFile:
        raise OSError("its checksum differs") from None
    except (EOFError, RuntimeError, NotImplementedError, zipfile.zlib.error, ValueError) as error:  # type: ignore[attr-defined]
        raise OSError(_said(error)) from None


def _walked(folder: Path) -> Iterator[_File]:
    """The files of a folder, by name."""
    total = files = 0
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names) + folders:
            inside = Path(place, name)
            if inside.is_symlink():
                shown = f"The file {_shown(str(inside.relative_to(folder)))}"
                raise ValueError(f"{shown} is a link to another place. Put the file itself there.")
        for name in sorted(names):
            file = Path(place, name)
            path = PurePosixPath(file.relative_to(folder).as_posix())
            if not file.is_file():
                raise ValueError(f"The file {_shown(str(path))} is neither a file nor a folder.")
            size = file.stat().st_size
            _check_size(f"The file {_shown(str(path))}", size)
            total, files = total + size, files + 1
            if files > limits.OWN_FILES.value:
                raise ValueError(f"It holds more than {limits.OWN_FILES.value:,} files, which is the most.")
            if total > limits.OWN_GIB.value << 30:
                raise ValueError(f"It has more than {limits.OWN_GIB.value} GiB, which is the most.")
            yield _File(path, size, file.read_bytes)


# Sorting into classes


def _sorted(files: Iterator[_File]) -> _Found:
    """Part and class of every file, by the folders it lies in."""
    kept, ignored = [], 0
    for file in files:
        litter = any(part.startswith(".") or part.casefold() in _LITTER for part in file.path.parts)
        if litter or (file.path.suffix and file.path.suffix.casefold() not in _SUFFIXES | _ARCHIVES):
            ignored += 1
        elif file.path.suffix.casefold() in _ARCHIVES:
            raise ValueError(
                f"The file {_shown(str(file.path))} is an archive inside the archive. Unpack it first."
            )
        else:
            kept.append((file, file.path.parts))
    while kept and len({parts[0] for _, parts in kept}) == 1 and min(len(parts) for _, parts in kept) > 2:
        kept = [(file, parts[1:]) for file, parts in kept]  # a folder around everything
    tops = {parts[0].casefold() for _, parts in kept if len(parts) > 1}
    in_parts = bool(tops & _TRAIN) and tops <= _TRAIN | _TEST
    depth = 2 if in_parts else 1
    placed = [(file, parts) for file, parts in kept if len(parts) > depth]
    ignored += len(kept) - len(placed)
    if len(placed) > limits.OWN_PICTURES.value:
        raise ValueError(f"It holds {len(placed):,} pictures, and {limits.OWN_PICTURES.value:,} is the most.")
    parts: dict[str, list[tuple[_File, str]]] = {"train": [], "test": []}
    for file, where in placed:
        part = "test" if in_parts and where[0].casefold() in _TEST else "train"
        parts[part].append((file, _class(where[depth - 1])))
    classes = _classes(parts)
    at = {name: index for index, name in enumerate(classes)}
    numbered = {part: [(file, at[name]) for file, name in found] for part, found in parts.items()}
    return _Found(classes, numbered, ignored)


def _class(folder: str) -> str:
    """The name of a class from that of its folder."""
    name = unicodedata.normalize("NFC", " ".join(folder.split()))
    if not name:
        raise ValueError("A class has an empty name. Give its folder one.")
    if any(unicodedata.category(c)[0] == "C" and c not in _JOINERS for c in name):
        raise ValueError(f"The class {_shown(name)} has invisible characters in its name. Rename its folder.")
    if len(name) > LONGEST_NAME:
        raise ValueError(
            f"The class {_shown(name)} has a name of {len(name)} characters, and {LONGEST_NAME} is the most."
        )
    return name


def _classes(parts: dict[str, list[tuple[_File, str]]]) -> tuple[str, ...]:
    counts = Counter(name for _, name in parts["train"])
    classes = tuple(sorted(counts, key=lambda name: (name.casefold(), name)))
    by_case: dict[str, str] = {}
    for name in sorted({*classes, *(name for _, name in parts["test"])}):
        other = by_case.setdefault(name.casefold(), name)
        if other != name:
            raise ValueError(f"The classes {_shown(other)} and {_shown(name)} differ only in capitals.")
    if not classes:
        raise ValueError(
            "There are no pictures in folders. Each class needs a folder of its own: cats/1.jpg, dogs/1.jpg."
        )
    if len(classes) == 1:
        raise ValueError(
            f"There is only one class, {_shown(classes[0])}. A network needs at least two to tell apart, "
            "each in a folder of its own."
        )
    if len(classes) > MOST_CLASSES:
        raise ValueError(f"There are {len(classes):,} classes, and {MOST_CLASSES:,} is the most.")
    for _, name in parts["test"]:
        if name not in counts:
            raise ValueError(f"The class {_shown(name)} is in test and not in train.")
    _check_counts(classes, [counts[name] for name in classes])
    return classes


def _check_counts(classes: Sequence[str], counts: Sequence[int]) -> None:
    for name, count in zip(classes, counts, strict=True):
        if count < FEWEST:
            raise ValueError(
                f"The class {_shown(name)} has {count} {'picture' if count == 1 else 'pictures'} "
                f"that can be read, and {FEWEST} is the fewest."
            )


# Looking at pictures


def _pack(
    found: _Found, path: Path, name: str, progress: Callable[[int, int], None] | None, owner: str
) -> Report:
    total = sum(map(len, found.parts.values()))
    side = _side([file for part in found.parts.values() for file, _ in part])
    tensors: dict[str, torch.Tensor] = {}
    broken: list[str] = []
    done, grey = 0, True
    for part, files in found.parts.items():
        pixels = np.empty((len(files), 3, side, side), np.uint8)
        labels: list[int] = []
        for file, label in files:
            try:
                picture = reading.read(_content(file), shorter=2 * SIDES[0]).image
                grey = grey and picture.mode == "L"
                fitted = ImageOps.fit(picture.convert("RGB"), (side, side), Image.Resampling.BICUBIC)
            except ValueError as error:
                broken.append(f"{_shown(str(file.path))}: {error}")
                if len(broken) > BROKEN * total:
                    raise ValueError(
                        f"More than a fifth of the {total:,} pictures cannot be read, among them {broken[0]}."
                    ) from None
            else:
                pixels[len(labels)] = np.asarray(fitted).transpose(2, 0, 1)
                labels.append(label)
            done += 1
            if progress is not None:
                progress(done, total)
        if labels:
            tensors[f"{part}.images"] = torch.from_numpy(pixels[: len(labels)])
            tensors[f"{part}.labels"] = torch.tensor(labels)
    if grey:
        tensors = {key: t[:, :1].clone() if t.ndim == 4 else t for key, t in tensors.items()}
    count = {part: _counts(tensors.get(f"{part}.labels"), len(found.classes)) for part in found.parts}
    _check_counts(found.classes, count["train"])
    report = Report(
        name=name, classes=found.classes, train=count["train"], test=count["test"], size=side,
        channels=1 if grey else 3, broken=len(broken), named=tuple(broken[:_NAMED]), ignored=found.ignored,
    )  # fmt: skip
    try:
        store.write(path, tensors, asdict(report) | {"owner": owner}, over=False)
    except FileExistsError:  # somebody else was faster
        raise ValueError(_TAKEN.format(name)) from None
    except OSError as error:
        raise ValueError(f"The pictures could not be stored: {_said(error)}") from None
    return report


def _counts(labels: torch.Tensor | None, classes: int) -> tuple[int, ...]:
    if labels is None:
        return (0,) * classes
    return tuple(torch.bincount(labels, minlength=classes).tolist())


def _side(files: list[_File]) -> int:
    """The side to store: what the pictures have, up to what all of them together may take."""
    most = next((s for s in SIDES if len(files) * 3 * s * s <= _PACKED), SIDES[-1])
    largest = 8
    for file in files[:: max(1, len(files) // _SAMPLE)]:
        with suppress(ValueError), reading.opened(_content(file)) as picture:
            largest = max(largest, min(picture.size))
    return min(largest, most)


def _content(file: _File) -> bytes:
    """What a file holds. ValueError in the words of `reading.read` where it cannot be had."""
    try:
        return file.read()
    except OSError as error:
        raise ValueError(_said(error).rstrip(".")) from None
