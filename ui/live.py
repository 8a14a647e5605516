"""The log of a run as numbers, read as it grows, once for all readers of the server.

A `Log` never changes: its arrays are views of what had been read by then. The buffers behind them only grow
at their end, so neither a copy nor a lock is needed to draw one.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from training.events import Changed, Checkpoint, Done, Epoch, Evaluation, Event, Failed, Started, Step
from training.runs import Runs

Numbers = NDArray[np.float64]

_KEPT = 64  # logs in memory
_TAIL = 96  # bytes before the place read last that must still be there
_WINDOW = 5.0  # seconds of training over which speed is measured
_LONG = 30.0  # and over which the time left is


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """The steps of the optimiser: arrays of one length."""

    step: Numbers
    loss: Numbers
    accuracy: Numbers  # 0..1
    rate: Numbers
    t: Numbers  # seconds of training


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluations:
    """What the validation pictures say of one kind of weights: arrays of one length."""

    epoch: Numbers
    step: Numbers
    loss: Numbers
    accuracy: Numbers  # 0..1
    t: Numbers


@dataclass(frozen=True, kw_only=True, eq=False)
class Log:
    """All that a run has told so far."""

    version: int  # another one whenever something is new
    t: float  # seconds of training at the last event
    started: Started | None
    steps: Steps
    epochs: tuple[Epoch, ...]
    evaluations: Mapping[str, Evaluations]  # by weights: "raw", "ema", "swa"
    dead: tuple[tuple[float, ...], ...]  # of every evaluation of the raw weights
    changes: tuple[Changed, ...]
    checkpoints: tuple[Checkpoint, ...]
    end: Done | Failed | None

    @property
    def step(self) -> int:
        """How many steps have been made."""
        return int(self.steps.step[-1]) if len(self.steps.step) else 0

    @property
    def seen(self) -> tuple[int, ...]:
        """The epochs with an evaluation, hence with a snapshot to look at, in order."""
        raw = self.evaluations.get("raw")
        return () if raw is None else tuple(int(epoch) for epoch in raw.epoch)

    @property
    def half_epoch(self) -> int:
        """Steps over which a curve is smoothed."""
        return 1 if self.started is None else max(self.started.steps_per_epoch // 2, 1)

    def along(self, over: str, step: Numbers, t: Numbers) -> Numbers:
        """Where moments stand on an axis of "steps", "epochs" or "time"."""
        if over == "time":
            return t
        return step / (1 if over == "steps" or self.started is None else self.started.steps_per_epoch)

    def speed(self) -> float | None:
        """Images a second over the last seconds of training; None before there are two steps."""
        if self.started is None or (pace := self._pace(_WINDOW)) is None:
            return None
        return pace * self.started.images / self.started.steps_per_epoch

    def left(self, epochs: int) -> float | None:
        """Seconds to the last of the planned `epochs` at the pace of the last half minute."""
        if self.started is None or self.end is not None or (pace := self._pace(_LONG)) is None:
            return None
        return max(self.started.steps_per_epoch * epochs - self.step, 0) / pace

    def _pace(self, window: float) -> float | None:
        """Steps a second."""
        t = self.steps.t
        if len(t) < 2:
            return None
        first = min(int(np.searchsorted(t, t[-1] - window)), len(t) - 2)
        return float((len(t) - 1 - first) / max(t[-1] - t[first], 1e-6))

    def until(self, t: float) -> "Log":
        """The log as it was after `t` seconds of training: for playing a run that is over."""
        if t >= self.t:
            return self
        steps = int(np.searchsorted(self.steps.t, t, side="right"))
        evaluations = {
            weights: _cut(each, int(np.searchsorted(each.t, t, side="right")))
            for weights, each in self.evaluations.items()
        }
        made = int(self.steps.step[steps - 1]) if steps else 0
        seen = len(evaluations["raw"].epoch) if "raw" in evaluations else 0
        return replace(
            self,
            version=-steps - 1 - seen,
            t=t,
            steps=_cut(self.steps, steps),
            epochs=tuple(each for each in self.epochs if each.step <= made),
            evaluations=MappingProxyType({key: each for key, each in evaluations.items() if len(each.t)}),
            dead=self.dead[:seen],
            changes=tuple(each for each in self.changes if each.step <= made),
            checkpoints=tuple(each for each in self.checkpoints if each.step <= made),
            end=None,
        )


_T = TypeVar("_T", Steps, Evaluations)


def _cut(table: _T, length: int) -> _T:
    return type(table)(**{each.name: getattr(table, each.name)[:length] for each in fields(table)})


class Logs:
    """The logs of all runs that somebody looks at. Any number of threads may ask at once.

    `rest`: seconds for which a log that was read is new enough.
    """

    def __init__(self, kept: int = _KEPT, rest: float = 0.0) -> None:
        self._kept = kept
        self._rest = rest
        self._lock = threading.Lock()
        self._readers: OrderedDict[tuple[Path, str], _Reader] = OrderedDict()

    def read(self, source: Runs, id: str, *, at_rest: bool = False) -> Log:
        """The log of the run `id` as it is now; an empty one where there is no such run.

        `at_rest`: the run is known to tell no more, so what is shown beside that must be all it has told.
        """
        with self._lock:
            reader = self._readers.setdefault((source.root, id), _Reader())
            self._readers.move_to_end((source.root, id))
            while len(self._readers) > self._kept:
                self._readers.popitem(last=False)
        return reader.read(source, id, 0.0 if at_rest else self._rest)


class _Table:
    """Rows of numbers that grow. What was handed out stays as it was."""

    def __init__(self, columns: int) -> None:
        self._rows = np.empty((256, columns))
        self.length = 0

    def append(self, *row: float) -> None:
        if self.length == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self.length] = row
        self.length += 1

    def columns(self) -> tuple[Numbers, ...]:
        return tuple(self._rows[: self.length].T)


class _Reader:
    """One run's log: what has been read, and the place to go on from."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version = 0  # goes on over a new start
        self._when = -math.inf  # by the monotonic clock, when it was last read
        self._restart()

    def _restart(self) -> None:
        self._place = 0
        self._tail = b""  # the bytes before that place
        self._started: Started | None = None
        self._steps = _Table(5)
        self._epochs: list[Epoch] = []
        self._evaluations: dict[str, _Table] = {}
        self._dead: list[tuple[float, ...]] = []
        self._changes: list[Changed] = []
        self._checkpoints: list[Checkpoint] = []
        self._end: Done | Failed | None = None
        self._t = 0.0
        self._log = self._seen()

    def read(self, source: Runs, id: str, rest: float) -> Log:
        path = source.root / id / "events.jsonl"
        with self._lock:  # of several readers at once one reads, and the others find it done
            now = time.monotonic()
            if now - self._when < rest:
                return self._log
            self._when = now
            if self._place and _bytes(path, self._place) != self._tail:  # another log in its place, or none
                self._restart()
                self._version += 1
                self._log = self._seen()
            try:
                entries, self._place = source.events(id, self._place)
            except ValueError:  # there is no such run, or not any more
                return self._log
            if entries:
                self._tail = _bytes(path, self._place) or b""
                for entry in entries:
                    self._take(entry.event, entry.t)
                self._version += 1
                self._log = self._seen()
            return self._log

    def _take(self, event: Event, t: float) -> None:
        self._t = t
        match event:
            case Started():
                self._started = event
            case Step():
                self._end = None  # a run that was stopped goes on
                self._steps.append(event.step, event.loss, event.accuracy, event.rate, t)
            case Epoch():
                self._epochs.append(event)
            case Evaluation():
                table = self._evaluations.setdefault(event.weights, _Table(5))
                table.append(event.epoch, event.step, event.loss, event.accuracy, t)
                if event.weights == "raw":
                    self._dead.append(event.dead)
            case Changed():
                self._changes.append(event)
            case Checkpoint():
                self._checkpoints.append(event)
            case Done() | Failed():
                self._end = event

    def _seen(self) -> Log:
        """What there is now, as a record of its own."""
        step, loss, accuracy, rate, t = self._steps.columns()
        evaluations = {}
        for weights, table in self._evaluations.items():
            of, at, lost, right, when = table.columns()
            evaluations[weights] = Evaluations(epoch=of, step=at, loss=lost, accuracy=right, t=when)
        return Log(
            version=self._version,
            t=self._t,
            started=self._started,
            steps=Steps(step=step, loss=loss, accuracy=accuracy, rate=rate, t=t),
            epochs=tuple(self._epochs),
            evaluations=MappingProxyType(evaluations),
            dead=tuple(self._dead),
            changes=tuple(self._changes),
            checkpoints=tuple(self._checkpoints),
            end=self._end,
        )


def _bytes(path: Path, place: int) -> bytes | None:
    """The last bytes of a file before a place in it; None where there is no such file or place."""
    try:
        with path.open("rb") as file:
            start = max(place - _TAIL, 0)
            file.seek(start)
            found = file.read(place - start)
    except OSError:
        return None
    return found if len(found) == place - start else None
