"""Waiting for what another thread or process does."""

import os
import time
from collections.abc import Callable
from pathlib import Path


def until(holds: Callable[[], bool], seconds: float = 180, *, every: float = 0.005) -> None:
    """Come back as soon as it holds; fails where it does not within `seconds`. It looks `every` so many."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} seconds"
        time.sleep(every)


def alive(process: int) -> bool:
    """Whether there is such a process. One that has ended and that nobody has waited for is none."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")  # of Linux
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
