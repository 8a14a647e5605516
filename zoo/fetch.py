"""A file from a server onto this disk: checked, whole or not at all, taken up again where a line was cut."""

import errno
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

Progress = Callable[[int, int, str], None]  # bytes done, bytes in all, what is being done

_SILENCE = 30.0  # seconds after which a server that says nothing is given up
_CHUNK = 1 << 18  # bytes
_TRIES = 5  # connections that may break after they have brought something
_PAUSE = 1.0  # seconds before the next
_SPARE = 64 << 20  # bytes that a download leaves free on the disk
_STALE = 86_400.0  # seconds for which a part waits to be gone on with


class _CutError(Exception):
    """The line broke after it had brought something."""


def fetch(url: str, path: Path, *, size: int, digest: str, progress: Progress) -> None:
    """Put the file at `url` in its place; its SHA-256 has to begin with `digest` (hexadecimal).

    `size` is what it should have, in bytes; a server that sends more than a hundredth more is refused. A line
    that breaks is taken up again, now and at the next call; after every other end nothing is left behind.
    Two at once do not meet: each writes a file of its own. ValueError with the reason where it fails.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    waiting = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        if (free := shutil.disk_usage(path.parent).free) < size + _SPARE:
            raise ValueError(
                f"the disk has {free / 1e6:,.0f} MB to spare, and it needs {(size + _SPARE) / 1e6:,.0f}."
            )
        with suppress(FileNotFoundError):
            os.replace(waiting, part)  # in one moment: nobody else goes on with it
        try:
            _receive(url, part, size, progress)
        except (OSError, HTTPException) as error:
            reason = _reason(error)
            if not _full(error) and part.exists():
                os.replace(part, waiting)
            raise ValueError(reason) from None
        progress(size, size, "checking")
        with part.open("rb") as file:
            if not hashlib.file_digest(file, "sha256").hexdigest().startswith(digest):
                raise ValueError(
                    "what arrived is not what it should be (its checksum differs), so it was thrown away."
                )
        os.replace(part, path)
    except OSError as error:
        raise ValueError(_reason(error)) from None
    finally:
        with suppress(OSError):
            part.unlink()


def _receive(url: str, part: Path, size: int, progress: Progress) -> None:
    """All of it, over as many connections as that takes."""
    for left in reversed(range(_TRIES)):
        try:
            return _connect(url, part, size, progress)
        except _CutError as error:
            if not left:
                raise ConnectionError("cut") from error
            time.sleep(_PAUSE)


def _connect(url: str, part: Path, size: int, progress: Progress) -> None:
    """What one connection brings, behind what is there."""
    start = part.stat().st_size if part.exists() else 0
    most = size + max(size // 100, 4096)
    request = Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        answer = urlopen(request, timeout=_SILENCE)
    except HTTPError as error:
        error.close()
        if error.code == 416:  # what is there is as long as the file, or longer
            part.unlink()
            raise _CutError from error
        raise
    with answer, part.open("ab") as file:
        if start and (
            answer.status != 206 or not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        ):
            file.truncate(0)  # this server begins at the beginning
            start = 0
        told = answer.headers.get("Content-Length", "")
        end = start + int(told) if told.isdigit() else None
        done = start
        while True:
            if max(done, end or 0) > most:
                raise ValueError(f"its server sends more than the {size / 1e6:,.0f} MB that it should have.")
            try:
                chunk = answer.read(_CHUNK)
            except (OSError, HTTPException) as error:
                if done == start:
                    raise
                raise _CutError from error
            if not chunk:
                break
            file.write(chunk)
            done += len(chunk)
            progress(min(done, size), size, "downloading")
        if end is not None and done < end:
            raise _CutError
        file.flush()
        os.fsync(file.fileno())


def _sweep(folder: Path) -> None:
    """Delete parts that nobody has gone on with."""
    for part in folder.glob(".*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > _STALE:
                part.unlink()


def _full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _reason(error: Exception) -> str:
    if _full(error):
        return "the disk is full."
    if isinstance(error, HTTPError):
        return f"its server answers {error.code} {error.reason}."
    if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
        return "its server did not answer in time."
    if isinstance(error, PermissionError | IsADirectoryError | NotADirectoryError | FileExistsError):
        return f"its folder cannot be written: {error.strerror}."
    if isinstance(error, HTTPException):
        return "its server does not speak as servers do."
    return "its server cannot be reached from here, or the line broke."
