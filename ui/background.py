"""Work that takes more than a moment, done beside the pages, once for all readers who ask for the same.

A few threads take turns with what readers asked for. Work is known by a key that says all that its result
depends on, so that thirty readers of one picture wait for one computation. It goes on as long as one of them
looks: when the last has cancelled or gone away, it is stopped at its next report.

Long work may come in rounds, coarse first, each a part of a second. Then others have their turns between
them, and who has had least comes first: so everybody has a first result soon, however long another's work is.

Threads, because the networks are here already, and torch lets others run while it computes.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, Literal

import streamlit as st

from ui import gate, prose
from ui.results import size
from zoo import limits, log

State = Literal["waiting", "running", "done", "failed", "cancelled"]
Report = Callable[[float, Any], None]  # the share that is done, 0..1, and what there is of the result so far

reader = gate.reader

_PARTING = 5.0  # seconds that the end of the server waits for a job


class Stopped(Exception):
    """Raised by a report inside work that is to end."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """A job as it stood when a reader looked."""

    state: State
    share: float  # 0..1
    result: Any  # the whole of it when done, before that the latest part or None
    place: int  # jobs before it in the queue while it is waiting
    seconds: float  # that were spent on it
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


@dataclass(frozen=True, kw_only=True)
class Load:
    """What there is to do: jobs that are under way, jobs that wait for a first turn, and results kept."""

    running: int
    waiting: int
    kept: int


# A turn of work: what there is of the result, or None, and whether that is all.
_Turn = Callable[[Report], tuple[Any, bool]]


class _Job:
    def __init__(self, key: Hashable, number: int, turn: _Turn, last: bool, what: str) -> None:
        self.key, self.number, self.turn, self.last, self.what = key, number, turn, last, what
        self.state: State = "waiting"
        self.busy = False  # a thread is at it; work in rounds is running between them, too
        self.turns = 0  # that it has had
        self.share, self.result, self.why = 0.0, None, ""
        self.bytes = 0  # of the result, once it is over
        self.seconds = 0.0  # spent in those turns
        self.turned = 0.0  # when the last turn began
        self.asked, self.begun = time.monotonic(), 0.0  # 0: not yet
        self.readers: dict[str, float] = {}  # when each last looked
        self.change = threading.Condition()

    @property
    def alive(self) -> bool:
        return self.state in ("waiting", "running")


class Background:
    """Any number of threads may ask at once.

    `workers`: how many jobs are begun beside each other, which take turns at the gate. `opened`: how many
    in rounds are under way at once, each of which holds memory; the others wait. `kept`: bytes of results in
    memory, of those looked at last, and the last in any case. `patience`: seconds after which a reader who
    has not looked is taken to be gone. What is not said is as the server's owner wants it.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        opened: int | None = None,
        kept: int | None = None,
        patience: float | None = None,
    ) -> None:
        self._free = workers or gate.gate().places
        self._opened = opened or limits.WORK_WAITING.value
        self._kept = kept or limits.WORK_MIB.value << 20
        self._patience = patience or float(limits.PATIENCE_SECONDS.value)
        self._jobs: OrderedDict[Hashable, _Job] = OrderedDict()  # the one looked at last at the end
        self._served: dict[str, float] = {}  # when a job of a reader last had its turn
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
        return self._ask(key, lambda report: (work(report), True), reader, last, _source(work))

    def rounds(self, key: Hashable, begin: Callable[[], Iterator[Any]], reader: str) -> Seen:
        """The same for work in rounds, begun by `begin`: each result takes the place of the one before."""
        work: list[Iterator[Any]] = []

        def turn(_: Report) -> tuple[Any, bool]:
            if not work:
                work.append(begin())
            result = next(work[0], None)
            return result, result is None

        return self._ask(key, turn, reader, False, _source(begin))

    def __contains__(self, key: Hashable) -> bool:
        """Whether there is such a job, in whatever state."""
        return key in self._jobs

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

    def wait(self, key: Hashable, reader: str, seconds: float, *, first: bool = False) -> Seen | None:
        """`look` after waiting for the end a little: what is quick is shown at once, without a flicker.

        `first`: waiting for the first result of work in rounds.
        """
        job = self._jobs.get(key)
        if job is not None:
            with job.change:
                job.change.wait_for(lambda: not job.alive or (first and job.turns > 0), seconds)
        return self.look(key, reader)

    def sharing(self) -> int:
        """How many jobs are under way or wait."""
        with self._lock:
            return sum(job.alive for job in self._jobs.values())

    def load(self) -> Load:
        """How much there is to do, and how much is kept."""
        with self._lock:
            states = [job.state for job in self._jobs.values()]
        running, waiting = states.count("running"), states.count("waiting")
        return Load(running=running, waiting=waiting, kept=len(states) - running - waiting)

    def free(self) -> None:
        """Forget all results. Who still looks at one has it computed anew."""
        with self._lock:
            for key in [key for key, job in self._jobs.items() if not job.alive]:
                del self._jobs[key]

    def cancel(self, key: Hashable, reader: str) -> None:
        """A reader no longer waits. The job ends unless others do; what there is of it stays."""
        with self._lock:
            job = self._jobs.get(key)
            if job is not None and job.alive:
                job.readers.pop(reader, None)
                if not job.readers:
                    self._end(job, "cancelled")

    def stop(self, key: Hashable) -> None:
        """End a job for all who wait for it; what there is of it stays."""
        with self._lock:
            job = self._jobs.get(key)
            if job is not None and job.alive:
                self._end(job, "cancelled")

    def forget(self, key: Hashable) -> None:
        """End a job, and keep nothing of it."""
        with self._lock:
            job = self._jobs.get(key)
            if job is not None:
                self._forget(job)

    def leave(self, reader: str, but: Hashable = None) -> None:
        """This reader waits for one job at most. What nobody else waits for is forgotten."""
        with self._lock:
            for job in list(self._jobs.values()):
                if job.key != but and job.alive and job.readers.pop(reader, 0.0) and not job.readers:
                    self._forget(job)

    def close(self) -> None:
        """Stop everything, and wait until it has stopped: torch must not compute while the process ends."""
        with self._lock:
            self._closed = True
            for job in self._jobs.values():
                if job.alive:
                    self._end(job, "cancelled")
            under_way = list(self._threads)
        for thread in under_way:
            thread.join(_PARTING)

    def _ask(self, key: Hashable, turn: _Turn, reader: str, last: bool, what: str) -> Seen:
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.state in ("failed", "cancelled"):
                if sum(each.state == "waiting" for each in self._jobs.values()) >= limits.WORK_WAITING.value:
                    raise ValueError("This machine has more to do than it can. Try again in a minute.")
                job = self._jobs[key] = _Job(key, next(self._numbers), turn, last, what)
            self._trim()
            return self._look(job, reader)

    def _look(self, job: _Job, reader: str) -> Seen:
        now = time.monotonic()
        if job.alive:
            job.readers[reader] = now
            self._staff()
        self._jobs.move_to_end(job.key)
        return Seen(
            state=job.state, share=job.share, result=job.result, why=job.why,
            place=self._queue().index(job) if job.state == "waiting" else 0,
            seconds=job.seconds + (now - job.turned if job.busy else 0.0),
        )  # fmt: skip

    def _staff(self) -> None:
        """Another thread, where there is something for it to do."""
        if self._free and not self._closed and self._ready():
            self._free -= 1
            thread = threading.Thread(target=self._go, name="background", daemon=True)
            self._threads.add(thread)
            thread.start()

    def _queue(self) -> list[_Job]:
        """Who waits for a first turn, in the order of them."""
        return sorted((job for job in self._jobs.values() if job.state == "waiting"), key=self._turn)

    def _ready(self) -> list[_Job]:
        """Who may have the next turn."""
        opened = [job for job in self._jobs.values() if job.state == "running"]
        return [job for job in opened if not job.busy] + self._queue()[: max(0, self._opened - len(opened))]

    def _turn(self, job: _Job) -> tuple[int, float, bool, int]:
        """What had least comes first, then readers who were served longest ago."""
        served = min((self._served.get(reader, 0.0) for reader in job.readers), default=0.0)
        return job.turns, served, job.last, job.number

    def _go(self) -> None:
        while (job := self._next()) is not None:
            part: Any = None
            state: State = "running"
            why = ""
            try:
                with gate.gate().place(*tuple(job.readers)):
                    if not job.alive:  # nobody wants it any more
                        raise Stopped
                    job.begun = job.begun or time.monotonic()
                    part, over = job.turn(partial(self._report, job))
                if over:
                    state = "done"
            except Stopped:
                state = "cancelled"
            except ValueError as error:
                state, why = "failed", str(error)
            except Exception as error:  # the reader gets a sentence, the log of the server the traceback
                state, why = "failed", "This could not be computed. The log of the server says more."
                threading.excepthook(
                    threading.ExceptHookArgs((type(error), error, error.__traceback__, None))
                )
            with self._lock:
                self._turned(job, part, state, why)
            del job, part  # or the thread would hold what it no longer works on

    def _next(self) -> _Job | None:
        """The job whose turn it is; None, and the thread ends, where there is none."""
        with self._lock:
            now = time.monotonic()
            for job in list(self._jobs.values()):
                if job.alive and not job.busy and not self._wanted(job, now):
                    self._forget(job)
            ready = self._ready()
            if not ready:
                self._served.clear()
                self._free += 1
                self._threads.discard(threading.current_thread())
                return None
            job = min(ready, key=self._turn)
            for reader in job.readers:
                self._served[reader] = now
            job.state, job.busy, job.turned = "running", True, now
            return job

    def _turned(self, job: _Job, part: Any, state: State, why: str) -> None:
        """After a turn."""
        job.busy = False
        job.seconds += time.monotonic() - job.turned
        if not job.alive:  # it was ended meanwhile
            job.turn = _nothing
            return
        job.why = why
        if part is not None:
            job.result = part
        if state == "done":
            job.share = 1.0
        if state == "running":
            with job.change:
                job.turns += 1
                job.change.notify_all()
        else:
            self._end(job, state)
            self._jobs.move_to_end(job.key)  # its readers have yet to look at it
            self._trim()

    def _report(self, job: _Job, share: float, part: Any) -> None:
        gate.gate().pause()
        with self._lock:
            if job.alive and not self._wanted(job, time.monotonic()):
                self._forget(job)
            if not job.alive:
                raise Stopped
            job.share = share
            if part is not None:
                job.result = part

    def _wanted(self, job: _Job, now: float) -> bool:
        return not self._closed and any(now - last < self._patience for last in job.readers.values())

    def _forget(self, job: _Job) -> None:
        if job.alive:
            self._end(job, "cancelled")
        if self._jobs.get(job.key) is job:
            del self._jobs[job.key]

    def _end(self, job: _Job, state: State) -> None:
        with job.change:
            job.state, job.bytes = state, size(job.result)
            job.change.notify_all()
        now = time.monotonic()
        begun = job.begun or now
        log.event(
            "work", what=job.what, ended=state, ms=round(1000 * (now - begun)),
            waited_ms=round(1000 * (begun - job.asked)),
        )  # fmt: skip
        if not job.busy:
            job.turn = _nothing  # free what the work holds

    def _trim(self) -> None:
        """Forget the results that nobody has looked at for longest."""
        over = [job for job in self._jobs.values() if not job.alive]
        held = sum(job.bytes for job in over)
        for job in over[:-1]:
            if held > self._kept:
                held -= job.bytes
                del self._jobs[job.key]


def _source(work: Callable[..., Any]) -> str:
    """The file that work comes from, as a word for the log."""
    return str(getattr(work, "func", work).__module__).rpartition(".")[2]


def _nothing(_: Report) -> tuple[None, bool]:
    return None, True


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
