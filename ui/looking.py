"""How often pages look again at work that is under way.

A look costs the server a hundredth of a second or two. Of one reader that is nothing; eighty who look twice a
second would leave no time for anybody's clicks. So the more of them look, the longer each waits.
"""

import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from ui import gate

P = ParamSpec("P")

_LOOK = 0.03  # seconds between two looks, of whichever readers
_LONGEST = 10.0  # seconds between two of one reader
_GONE = 2 * _LONGEST  # seconds after which a reader has stopped looking

_lock = threading.Lock()
_looked: dict[str, float] = {}  # when each reader last did


def again(seconds: float | None) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """A part of a page that is drawn again by itself after so many seconds, or more where many look.

    None: only with the page.
    """

    def decorate(draw: Callable[P, None]) -> Callable[P, None]:
        @wraps(draw)
        def part(*args: P.args, **kwargs: P.kwargs) -> None:
            every = None if seconds is None else _pace(seconds)

            @st.fragment(run_every=every)
            @wraps(draw)
            def look() -> None:
                draw(*args, **kwargs)
                if seconds and every and not every / 2 <= _pace(seconds) <= 2 * every:
                    st.rerun()  # a part keeps its pace for as long as the page stands

            look()

        return part

    return decorate


def _pace(seconds: float) -> float:
    """Seconds until this reader, who looks now, should look again."""
    now = time.monotonic()
    with _lock:
        _looked[gate.reader()] = now
        for reader in [reader for reader, last in _looked.items() if now - last > _GONE]:
            del _looked[reader]
        shared = min(_LONGEST, _LOOK * len(_looked))
    return max(seconds, shared)
