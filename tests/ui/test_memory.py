"""What glibc has freed and keeps, by its own account."""

import subprocess
import sys

import pytest
import torch

from ui import memory
from zoo import timing

pytestmark = pytest.mark.skipif(memory._glibc() is None, reason="glibc's heaps")

_PIECES, _PIECE = 2_000, 1 << 16  # of bytes, small enough to lie in a heap

# Eight threads ask at once; malloc_stats names every heap.
_THREADS = """
import ctypes, threading
from ui import memory

memory.one_heap()
libc, together = ctypes.CDLL(None), threading.Barrier(8)

def ask():
    together.wait()
    libc.malloc(1_000)
    together.wait()

threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.malloc_stats()
"""


def test_holes_between_what_is_in_use_are_given_back() -> None:
    pieces = [torch.ones(_PIECE // 4) for _ in range(_PIECES)]
    full = timing.resident() or 0
    del pieces[:-1]
    memory.trim()
    assert full - (timing.resident() or 0) > 0.8 * _PIECES * _PIECE


def test_threads_share_a_heap() -> None:
    done = subprocess.run([sys.executable, "-c", _THREADS], capture_output=True, text=True, check=True)
    assert done.stderr.count("Arena ") == 1
