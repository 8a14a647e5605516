"""Work that takes more than a moment, done beside the pages, once for all readers who ask for the same.

A few threads take turns with what readers asked for. Work is known by a key that says all that its result
depends on, so that thirty readers of one picture wait for one computation. It goes on as long as one of them
looks: when the last has cancelled or gone away, it is stopped at its next report.
"""

import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, Literal

import streamlit as st

from ui import prose

State = Literal["waiting", "running", "done", "failed", "cancelled"]
Report = Callable[[float, Any], None]  # the share that is done, 0..1, and what there is of the result so far

_WAITING = 256  # jobs in the queue
_KEPT = 512  # results in memory
_PARTING = 5.0  # seconds that the end of the server waits for a job
_PATIENCE = 60.0  # seconds after which a reader who has not looked is taken to be gone


class Stopped(Exception):
    """Raised by a report inside work that is to end."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """A job as it stood when a reader looked."""

    state: State
    share: float  # 0..1
    result: Any  # the whole of it when done, before that the latest part or None
    place: int  # jobs before it in the queue while it is waiting
    seconds: float  # that it has run
    why: str  # a sentence, where it failed

    @property
    def alive(self) -> bool:
        """Whether looking again later is of use."""
        return self.state in ("waiting", "running")

    @property
    def left(self) -> float | None:
        """Seconds to its end at the pace so far; None before that can be told."""
        if self.state != "running" or self.share < 0.02 or self.seconds < 0.5:
            return None
        return self.seconds * (1 - self.share) / self.share


class _Job:
    def __init__(self, key: Hashable, number: int, work: Callable[[Report], Any], last: bool) -> None:
        self.key, self.number, self.work, self.last = key, number, work, last
        self.state: State = "waiting"
        self.share, self.result, self.why = 0.0, None, ""
        self.began = self.ended = 0.0
        self.readers: dict[str, float] = {}  # when each last looked
        self.change = threading.Condition()


class Background:
    """Any number of threads may ask at once. `workers`: how many jobs run beside each other."""

    def __init__(self, workers: int | None = None, *, patience: float = _PATIENCE) -> None:
        self._free = workers or max(1, min(4, (os.cpu_count() or 2) // 2))
        self._patience = patience
        self._jobs: OrderedDict[Hashable, _Job] = OrderedDict()
        self._served: dict[str, float] = {}  # when a job of a reader last began
        self._numbers = count()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._closed = False

    def submit(
        self, key: Hashable, work: Callable[[Report], Any], reader: str, *, last: bool = False
    ) -> Seen:
        """Begin work, or join those who wait for it; what is done already is there at once.

        `work` gets a function to report by, and returns the result; a ValueError's sentence is shown.
        `last`: a reader's other work comes first, even where it is asked for later. What failed or was
        cancelled begins anew. Raises ValueError with a sentence where the queue is full.
        """
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.state in ("failed", "cancelled"):
                if sum(each.state == "waiting" for each in self._jobs.values()) >= _WAITING:
                    raise ValueError("This machine has more to do than it can. Try again in a minute.")
                job = self._jobs[key] = _Job(key, next(self._numbers), work, last)
                if self._free and not self._closed:
                    self._free -= 1
                    thread = threading.Thread(target=self._go, name="background", daemon=True)
                    self._threads.add(thread)
                    thread.start()
            self._trim()
            return self._look(job, reader)

    def look(self, key: Hashable, reader: str) -> Seen | None:
        """How far a job is; None where there is none. Who looks is waiting for it."""
        with self._lock:
            job = self._jobs.get(key)
            return None if job is None else self._look(job, reader)

    def result(self, key: Hashable) -> Seen | None:
        """A job that is done already, without waiting for one that is not."""
        with self._lock:
            job = self._jobs.get(key)
            return self._look(job, "") if job is not None and job.state == "done" else None

    def wait(self, key: Hashable, reader: str, seconds: float) -> Seen | None:
        """The same, after waiting for its end a little: what is quick is shown at once, without a flicker."""
        job = self._jobs.get(key)
        if job is not None:
            with job.change:
                job.change.wait_for(lambda: job.state not in ("waiting", "running"), seconds)
        return self.look(key, reader)

    def cancel(self, key: Hashable, reader: str) -> None:
        """A reader no longer waits. The job ends unless others do; what there is of it stays."""
        with self._lock:
            job = self._jobs.get(key)
            if job is None:
                return
            job.readers.pop(reader, None)
            if job.state == "waiting" and not job.readers:
                self._end(job, "cancelled")

    def close(self) -> None:
        """Stop everything, and wait until it has stopped: torch must not compute while the process ends."""
        with self._lock:
            self._closed = True
            for job in self._jobs.values():
                if job.state == "waiting":
                    self._end(job, "cancelled")
            under_way = list(self._threads)
        for thread in under_way:
            thread.join(_PARTING)

    def _look(self, job: _Job, reader: str) -> Seen:
        now = time.monotonic()
        if job.state in ("waiting", "running"):
            job.readers[reader] = now
        self._jobs.move_to_end(job.key)
        place = self._queue().index(job) if job.state == "waiting" else 0
        return Seen(
            state=job.state, share=job.share, result=job.result, place=place, why=job.why,
            seconds=(job.ended or now) - job.began if job.began else 0.0,
        )  # fmt: skip

    def _queue(self) -> list[_Job]:
        """Who waits, in the order of their turns: readers who were served longest ago come first."""
        waiting = [job for job in self._jobs.values() if job.state == "waiting"]
        return sorted(waiting, key=self._turn)

    def _turn(self, job: _Job) -> tuple[float, bool, int]:
        served = min((self._served.get(reader, 0.0) for reader in job.readers), default=0.0)
        return served, job.last, job.number

    def _go(self) -> None:
        while (job := self._next()) is not None:
            try:
                result = job.work(partial(self._report, job))
            except Stopped:
                with self._lock:
                    self._end(job, "cancelled")
            except ValueError as error:
                with self._lock:
                    job.why = str(error)
                    self._end(job, "failed")
            except Exception as error:  # the reader gets a sentence, the log of the server the traceback
                with self._lock:
                    job.why = "This could not be computed. The log of the server says more."
                    self._end(job, "failed")
                threading.excepthook(
                    threading.ExceptHookArgs((type(error), error, error.__traceback__, None))
                )
            else:
                with self._lock:
                    job.share, job.result = 1.0, result
                    self._end(job, "done")

    def _next(self) -> _Job | None:
        """The job whose turn it is, begun; None, and the thread ends, where there is none."""
        with self._lock:
            now = time.monotonic()
            for job in self._queue():
                if not self._wanted(job, now):
                    self._end(job, "cancelled")
                    continue
                for reader in job.readers:
                    self._served[reader] = now
                job.state, job.began = "running", now
                return job
            self._served.clear()
            self._free += 1
            self._threads.discard(threading.current_thread())
            return None

    def _report(self, job: _Job, share: float, part: Any) -> None:
        with self._lock:
            job.share = share
            if part is not None:
                job.result = part
            if not self._wanted(job, time.monotonic()):
                raise Stopped

    def _wanted(self, job: _Job, now: float) -> bool:
        return not self._closed and any(now - last < self._patience for last in job.readers.values())

    def _end(self, job: _Job, state: State) -> None:
        job.ended = time.monotonic()
        with job.change:
            job.state = state
            job.change.notify_all()

    def _trim(self) -> None:
        """Forget the results that nobody has looked at for longest."""
        over = [key for key, job in self._jobs.items() if job.state not in ("waiting", "running")]
        for key in over[: max(0, len(self._jobs) - _KEPT)]:
            del self._jobs[key]


def reader() -> str:
    """Who looks: one name for each window."""
    name: str = st.session_state.setdefault("background.reader", secrets.token_hex(8))
    return name


def bar(seen: Seen, what: str, key: str, cancel: Callable[[], None]) -> None:
    """How far a job is, its place in the queue, and a button that cancels it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.progress(seen.share, f"{prose.literal(what)}: {told(seen)}")
        st.button("Cancel", key=key, icon=":material/close:", on_click=cancel)


def told(seen: Seen) -> str:
    """A job's state in words: `waiting, 2 before it`, `40 %, about 12 s left`."""
    if seen.state == "waiting":
        return f"waiting, {seen.place} before it" if seen.place else "next"
    if seen.state != "running":
        return seen.state
    left = seen.left
    return f"{seen.share:.0%}" + (f", about {max(1, round(left))} s left" if left is not None else "")
