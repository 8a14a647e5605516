"""What was computed for readers, shared by all of them, for as long as there is room: counted in bytes."""

import dataclasses
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast
from weakref import WeakValueDictionary

import numpy as np
from PIL import Image
from torch import Tensor

from ui.samples import Photo
from zoo import limits

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_RECORD = 200  # bytes: about what Python itself needs for a value and its name
_NOTHING = object()


class Results:
    """Results by what they depend on, each made once however many ask for it; the least lately used leave.

    Nobody changes them. What fails is not kept.
    """

    def __init__(self, most: int | None = None) -> None:
        """`most`: bytes of all of them, None: as the server's owner wants."""
        self._most = most
        self._changing = threading.Lock()  # held for a moment: who finds a result waits for nobody's work
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._making: WeakValueDictionary[Hashable, threading.Lock] = WeakValueDictionary()
        self.bytes = 0
        self.hits = self.misses = self.evicted = 0
        self.seconds = 0.0  # that making them took

    def get(self, what: Hashable, make: Callable[[], T]) -> T:
        """The result for `what`, made by `make` where there is none."""
        found = self._find(what)
        if found is _NOTHING:
            with self._changing:
                making = self._making.setdefault(what, threading.Lock())
            with making:
                found = self._find(what)  # by another reader in the meantime
                if found is _NOTHING:
                    began = time.monotonic()
                    found = make()
                    self._put(what, found, time.monotonic() - began)
        return cast(T, found)

    def keep(self, function: F) -> F:
        """The same function of positional arguments, whose results are kept; a photo counts by its pixels."""

        @wraps(function)
        def call(*args: Any) -> Any:
            named = (arg.digest if isinstance(arg, Photo) else arg for arg in args)
            return self.get((function.__qualname__, *named), lambda: function(*args))

        return cast(F, call)

    def clear(self) -> None:
        """Forget all of them."""
        with self._changing:
            self._kept.clear()
            self.bytes = 0

    def _find(self, what: Hashable) -> Any:
        with self._changing:
            if what not in self._kept:
                return _NOTHING
            self.hits += 1
            self._kept.move_to_end(what)
            return self._kept[what][0]

    def _put(self, what: Hashable, found: object, seconds: float) -> None:
        most = limits.RESULTS_MIB.value << 20 if self._most is None else self._most
        room = size(found)
        with self._changing:
            self.misses += 1
            self.seconds += seconds
            if room > most:  # it is handed on, and not kept: the others stay
                return
            self._kept[what] = (found, room)
            self.bytes += room
            while self.bytes > most:
                _, (_, left) = self._kept.popitem(last=False)
                self.bytes -= left
                self.evicted += 1


def size(value: object) -> int:
    """Bytes of a result in memory: its pixels, numbers and words. What several tensors share counts once."""
    return _size(value, set())


def _size(value: object, seen: set[int]) -> int:
    if isinstance(value, Tensor):
        held = value.untyped_storage()
        if held.data_ptr() in seen:
            return _RECORD
        seen.add(held.data_ptr())
        return _RECORD + held.nbytes()
    if isinstance(value, np.ndarray):
        return _RECORD + (value.nbytes if value.base is None else _size(value.base, seen))
    if isinstance(value, Image.Image):
        return _RECORD + value.width * value.height * len(value.getbands())
    if isinstance(value, str | bytes):
        return _RECORD + len(value)
    parts: list[object] = []
    if isinstance(value, Mapping):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, tuple | list):
        parts = [*value]
    elif dataclasses.is_dataclass(value):
        parts = [getattr(value, field.name) for field in dataclasses.fields(value)]
    return _RECORD + sum(_size(part, seen) for part in parts)
