"""Memory that the server no longer needs, given back to the system.

The C library, from which torch has its memory, keeps what is freed for the next who asks: in as many heaps as
threads have ever asked at once. When asked, it gives back what is free between pieces that are in use; but
what is free at the end of a heap, up to 64 MiB, only of the first heap. So there is only that one.
"""

import ctypes
import sys

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h


def one_heap() -> None:
    """One heap for all threads that are still to come. glibc's default is eight a core."""
    if (libc := _glibc()) is not None:
        libc.mallopt(_ARENA_MAX, 1)


def trim() -> None:
    """Give what is free back to the system; others go on meanwhile."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """The C library where it is glibc, whose heaps these are."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") else None
