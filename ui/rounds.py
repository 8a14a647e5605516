"""Work that comes round by round, coarse first, for all readers of this server.

A round is a part of a second. Those who wait take turns, who has had least comes first: so everybody has a
first result soon, however long another's work is. It is done by threads of the server, because the networks
are here already, and torch lets others run while it computes. What nobody looks at any more is given up.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Status = Literal["waiting", "running", "done", "stopped", "failed"]


class Task(Generic[T]):
    """One piece of work. What it says may be a moment old; only `Rounds` changes it."""

    def __init__(self, make: Callable[[], Iterator[T]]) -> None:
        self.status: Status = "waiting"
        self.latest: T | None = None  # the result of the last round
        self.rounds = 0
        self.seconds = 0.0  # spent on it
        self.failure = ""  # a sentence
        self._make = make
        self._work: Iterator[T] | None = None
        self._busy = False  # a thread is at it
        self._seen: dict[str, float] = {}  # reader -> when, by the monotonic clock
        self._answered = threading.Event()

    @property
    def over(self) -> bool:
        return self.status in ("done", "stopped", "failed")

    def wait(self, seconds: float) -> None:
        """Until there is something to show, but no longer."""
        self._answered.wait(seconds)

    def _end(self, status: Status) -> None:
        self.status = status
        self._answered.set()
        if not self._busy:
            self._close()

    def _close(self) -> None:
        """Free what the work holds."""
        self._work = None
        self._make = _nothing

    def _advance(self) -> None:
        """One round. By one thread at a time."""
        start = time.monotonic()
        try:
            if self._work is None:
                self._work = self._make()
            latest = next(self._work, None)
        except ValueError as error:
            self.failure = str(error)
            latest = None
        except Exception as error:  # the reader gets a sentence, the log of the server the traceback
            self.failure = "The computation broke off. The log of the server says more."
            latest = None
            threading.excepthook(
                threading.ExceptHookArgs(
                    (type(error), error, error.__traceback__, threading.current_thread())
                )
            )
        finally:
            self.seconds += time.monotonic() - start
        if latest is not None:
            self.latest = latest
            self.rounds += 1


def _nothing() -> Iterator[T]:
    return iter(())


class Rounds(Generic[T]):
    """The work of all readers.

    `workers`: rounds at once. `opened`: works under way at once, each of which holds memory; the others wait.
    `kept`: results to show again. `patience`: seconds after which work that nobody looked at is given up.
    """

    def __init__(self, *, workers: int = 1, opened: int = 4, kept: int = 16, patience: float = 20.0) -> None:
        self._workers, self._opened, self._kept, self._patience = workers, opened, kept, patience
        self._lock = threading.Lock()
        self._tasks: OrderedDict[Hashable, Task[T]] = OrderedDict()  # the one looked at last at the end
        self._threads = 0

    def look(self, what: Hashable, reader: str, make: Callable[[], Iterator[T]]) -> Task[T]:
        """The work called `what`, begun if need be. What this reader alone looked at before is given up.

        `make` begins it; each of its results takes the place of the one before. What it raises ends the
        work: of a ValueError the sentence is kept.
        """
        with self._lock:
            now = time.monotonic()
            self._leave(reader, but=what)
            task = self._tasks.get(what)
            if task is None:
                task = self._tasks[what] = Task(make)
            self._tasks.move_to_end(what)
            task._seen[reader] = now
            self._forget(now)
            self._staff()
            return task

    def get(self, what: Hashable) -> Task[T] | None:
        return self._tasks.get(what)

    def stop(self, what: Hashable) -> None:
        """End it with what it has by now."""
        with self._lock:
            task = self._tasks.get(what)
            if task is not None and not task.over:
                task._end("stopped")

    def forget(self, what: Hashable) -> None:
        """So that the next look begins anew."""
        with self._lock:
            task = self._tasks.pop(what, None)
            if task is not None and not task.over:
                task._end("stopped")

    def leave(self, reader: str) -> None:
        """This reader looks at nothing here any more."""
        with self._lock:
            self._leave(reader, but=None)

    def place(self, what: Hashable) -> int:
        """How many are to be opened before it; 0 where it is under way or over."""
        with self._lock:
            task = self._tasks.get(what)
            waiting = [each for each in self._tasks.values() if each.status == "waiting"]
            return waiting.index(task) if task in waiting else 0

    def sharing(self) -> int:
        """How many are under way or wait."""
        with self._lock:
            return sum(not task.over for task in self._tasks.values())

    def _leave(self, reader: str, but: Hashable) -> None:
        for what, task in list(self._tasks.items()):
            if what != but and task._seen.pop(reader, None) is not None and not task._seen and not task.over:
                task._end("stopped")
                del self._tasks[what]

    def _forget(self, now: float) -> None:
        """Give up what nobody has looked at for long, and results beyond those kept."""
        for what, task in list(self._tasks.items()):
            last = max(task._seen.values(), default=0.0)
            if not task.over and now - last > self._patience:
                task._end("stopped")
                del self._tasks[what]
        for what in [what for what, task in self._tasks.items() if task.over][: -self._kept]:
            del self._tasks[what]

    def _staff(self) -> None:
        if self._threads < self._workers and any(not task.over for task in self._tasks.values()):
            self._threads += 1
            threading.Thread(target=self._work, name="rounds", daemon=True).start()

    def _work(self) -> None:
        """What a thread does: a round of whoever has had least, until there is nothing to do."""
        while (task := self._next()) is not None:
            before = task.rounds
            try:
                task._advance()
            finally:
                with self._lock:
                    task._busy = False
                    if task.over:  # stopped meanwhile
                        task._close()
                    elif task.failure:
                        task._end("failed")
                    elif task.rounds == before:
                        task._end("done")
                    else:
                        task._answered.set()

    def _next(self) -> Task[T] | None:
        with self._lock:
            self._forget(time.monotonic())
            under_way = [task for task in self._tasks.values() if task.status == "running"]
            waiting = [task for task in self._tasks.values() if task.status == "waiting"]
            ready = [task for task in under_way if not task._busy] + waiting[: self._opened - len(under_way)]
            task = min(ready, key=lambda task: task.rounds, default=None)
            if task is None:
                self._threads -= 1
            else:
                task.status = "running"
                task._busy = True
            return task
