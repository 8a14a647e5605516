"""The gate that all computing passes: a few at once, in turns among the readers.

Eighty readers at once must not be eighty computations at once: each would take eighty times as long, and need
its memory all that time. So there are as many places as the machine has cores, less one, which is left to
those who only turn pages. Whose last turn is longest ago comes next, and who waits sees how many are before
them. A reader who goes on to something else, or away, leaves the queue.

A place belongs to a thread. Work inside work takes no second one, and long work gives its place to others
whenever it reports, see `Gate.pause`. Who is alone computes with all of torch's threads; the more there are,
the fewer each has.

Nobody may wait for a place with a lock in hand that work with a place could need: it would never come. That
is why `at_once` does not wait below a cache, which keeps a lock for each result, but raises `Full`, and
the outermost `patient` waits, above all of them.
"""

import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from itertools import count
from typing import Any, ParamSpec, TypeVar

import streamlit as st
import torch
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.apart import NICE
from zoo import limits, log

P = ParamSpec("P")
T = TypeVar("T")

_HEAVY = 0.05  # seconds of computing that the log tells of
_PATIENCE = 0.3  # seconds until a reader is told why nothing comes
_STEADY = 1.0  # seconds that a number in the queue stands at least, to be read
_GLANCE = 0.2  # seconds between two looks whether the reader still waits


class Full(Exception):
    """All places are taken, or others wait for them."""


class _Turn:
    """Someone's wish for a place, and then the place."""

    def __init__(self, readers: tuple[str, ...], number: int) -> None:
        self.readers, self.number = readers, number
        self.has_come = threading.Event()


class Gate:
    """Any number of threads may ask at once. `places`: None: as many as the server's owner wants."""

    def __init__(self, places: int | None = None) -> None:
        self.places = places or limits.COMPUTATIONS.value or max(1, limits.cores() - 1)
        self._free = self.places
        self._threads = torch.get_num_threads()
        self._lock = threading.Lock()
        self._queue: list[_Turn] = []
        self._ahead: dict[_Turn, int] = {}  # of each who waits; empty where the queue has changed since
        self._served: dict[str, float] = {}  # when a reader last had a turn
        self._numbers = count()
        self._here = threading.local()

    @property
    def inside(self) -> bool:
        """Whether this thread has a place."""
        return self._turn is not None

    @property
    def waited(self) -> float:
        """Seconds that this thread has waited for its place."""
        return getattr(self._here, "waited", 0.0)

    @property
    def taken(self) -> int:
        """How many places are taken."""
        return self.places - self._free

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._queue)

    @contextmanager
    def place(self, *readers: str, at_once: bool = False) -> Iterator[None]:
        """A place for a block of work, which is for these readers; none named: for whose script this is.

        `at_once`: raises `Full` where it would have to wait.
        """
        if self.inside:
            yield
            return
        asked = time.monotonic()
        turn = self._ask(readers or (reader(),), at_once)
        try:
            self._wait(turn)
            self._here.waited = time.monotonic() - asked
            self._begin(turn)
            yield
        finally:
            self._here.turn = None
            self._leave(turn)

    def pause(self) -> None:
        """Inside a long piece of work, with no lock in hand: let those who wait have their turn first."""
        turn = self._turn
        if turn is not None and self._queue:
            self._leave(turn)
            again = self._ask(turn.readers)
            again.has_come.wait()
            self._begin(again)

    @property
    def _turn(self) -> _Turn | None:
        return getattr(self._here, "turn", None)

    def _begin(self, turn: _Turn) -> None:
        self._here.turn = turn
        _stand_back()
        torch.set_num_threads(max(1, self._threads // (self.places - self._free)))

    def _ask(self, readers: tuple[str, ...], at_once: bool = False) -> _Turn:
        with self._lock:
            if at_once and (self._queue or not self._free):
                raise Full
            turn = _Turn(readers, next(self._numbers))
            self._queue.append(turn)
            self._admit()
            return turn

    def _leave(self, turn: _Turn) -> None:
        """Give the place back, or leave the queue."""
        with self._lock:
            if turn.has_come.is_set():
                self._free += 1
                self._serve(turn)
            else:
                self._queue.remove(turn)
            self._admit()
            if self._free == self.places:
                self._served.clear()

    def _admit(self) -> None:
        while self._free and self._queue:
            turn = min(self._queue, key=self._order)
            self._queue.remove(turn)
            self._free -= 1
            self._serve(turn)
            turn.has_come.set()
        self._ahead.clear()

    def _serve(self, turn: _Turn) -> None:
        self._served |= dict.fromkeys(turn.readers, time.monotonic())

    def _order(self, turn: _Turn) -> tuple[float, int]:
        return min(self._served.get(reader, 0.0) for reader in turn.readers), turn.number

    def _before(self, turn: _Turn) -> int:
        """How many come before it."""
        with self._lock:
            if not self._ahead:
                waiting = sorted(self._queue, key=self._order)
                self._ahead = {each: place for place, each in enumerate(waiting)}
            return self._ahead.get(turn, 0)

    def _wait(self, turn: _Turn) -> None:
        if get_script_run_ctx(suppress_warning=True) is None:  # nobody who could be told
            turn.has_come.wait()
            return
        if turn.has_come.wait(_PATIENCE):
            return
        while not turn.has_come.is_set():
            before, until = self._before(turn), time.monotonic() + _STEADY
            with st.spinner(_line(before)):
                while time.monotonic() < until or self._before(turn) == before:
                    if turn.has_come.wait(_GLANCE):
                        return
                    reader()  # where Streamlit ends a script whose reader has gone on, or away


def _stand_back() -> None:
    """From now on this thread computes while others, which draw pages, need no core.

    Streamlit begins a new thread for every script, so one that has computed does not stay behind.
    """
    if sys.platform == "linux":  # elsewhere a thread has no priority of its own
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def _line(before: int) -> str:
    others = "you are next" if not before else f"{before} before you"
    return f"Waiting for this server: {others}"


_gate = Gate()
_asking = threading.local()


def gate() -> Gate:
    """The one of this server."""
    return _gate


def at_once(function: Callable[P, T]) -> Callable[P, T]:
    """The same function, which raises `Full` where it would have to wait for a place."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        with gate().place(at_once=True):
            began = time.monotonic()
            try:
                return function(*args, **kwargs)
            finally:
                seconds = time.monotonic() - began
                if seconds > _HEAVY:
                    log.event(
                        "work", what=function.__name__, ms=round(1000 * seconds),
                        waited_ms=round(1000 * gate().waited),
                    )  # fmt: skip

    return call


def patient(function: Callable[P, T]) -> Callable[P, T]:
    """The same function, called again with a place where there was none at once for something inside it."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        if getattr(_asking, "already", False):  # who asked first waits, with no lock in hand
            return function(*args, **kwargs)
        _asking.already = True
        try:
            return function(*args, **kwargs)
        except Full:
            with gate().place():
                return function(*args, **kwargs)
        finally:
            _asking.already = False

    return call


def heavy(
    keep: Callable[[Callable[..., Any]], Callable[..., Any]],
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A cache, such as `st.cache_resource(max_entries=8)`, whose results are computed inside the gate."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        return patient(keep(at_once(function)))

    return decorate


def reader() -> str:
    """Who looks: one name for each window. Empty where this is no window's script."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return ""
    name: str = st.session_state.setdefault("background.reader", secrets.token_hex(8))
    return name
