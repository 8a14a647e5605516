"""Who works at a run, known to every process of the machine: a lock on a file, which ends with its holder."""

import os
import sys
import time
from pathlib import Path
from types import TracebackType

_PAUSE = 0.005  # seconds between two tries

if sys.platform == "win32":
    import msvcrt

    _BEYOND = 1 << 30  # bytes: what is locked lies behind all content, which stays readable so

    def _try(file: int, alone: bool) -> bool:
        os.lseek(file, _BEYOND, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try(file: int, alone: bool) -> bool:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class Lock:
    """A file that one holder at a time may write. The lock falls when the holder closes it, or dies."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)

    def take(self, patience: float = 1.0) -> bool:
        """Whether the lock is ours, after at most `patience` seconds: `held` takes it for a moment, too."""
        deadline = time.monotonic() + patience
        while not _try(self._file, alone=True):
            if time.monotonic() > deadline:
                return False
            time.sleep(_PAUSE)
        return True

    def write(self, content: bytes) -> None:
        """Put this over the beginning of the file. In place, so that a full disk cannot refuse it."""
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, content)

    def close(self) -> None:
        if sys.platform == "win32":
            os.lseek(self._file, _BEYOND, os.SEEK_SET)
        os.close(self._file)

    def __enter__(self) -> "Lock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def held(path: Path) -> bool:
    """Whether somebody, in this process or another, has taken the lock. False where there is no such file."""
    try:
        file = os.open(path, os.O_RDONLY if sys.platform != "win32" else os.O_RDWR)
    except OSError:
        return False
    try:
        return not _try(file, alone=False)
    finally:
        os.close(file)
