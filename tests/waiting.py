"""Waiting for what another thread or process does."""

import os
import time
from collections.abc import Callable


def until(holds: Callable[[], bool], seconds: float = 180) -> None:
    """Come back as soon as it holds; fails where it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} seconds"
        time.sleep(0.005)


def alive(process: int) -> bool:
    """Whether there is such a process, or what is left of one that nobody has waited for."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
