"""Long computations in a process of their own: `python -m ui.apart`.

A thread that computes for seconds asks for Python's lock at each of its thousands of operations, and every
page that is drawn meanwhile waits for it as often. Another process takes only what the pages leave over.

The process is begun ahead of its first work, as it takes seconds to import what that needs. It ends with the
server: when its standard input does. Both ends are this project's own code, so what they tell each other is
pickled.
"""

import os
import pickle
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, ParamSpec, TypeVar

import torch

from ui import memory
from zoo.timing import leave_room_for_others, memory_ran_out

P = ParamSpec("P")
T = TypeVar("T")

NICE = 10  # of what computes for readers; those that train have 19

_ROOT = Path(__file__).parents[1]
_PARTING = 2.0  # seconds that the process has to end by itself
_LOST = "The process that computed this has ended, most likely because memory ran out. Try it again."
_MEMORY = "This needs more memory than the machine has free. A smaller network needs less."

_Word = Literal["part", "over", "refused", "failed"]


class Apart:
    """One such process. Any thread may ask at once; it computes for one after the other.

    `ready`: modules that it imports before it is asked for anything.
    """

    def __init__(self, *ready: str) -> None:
        self._ready = ready
        self._starting = threading.Lock()
        self._process: _Process | None = None

    def start(self) -> None:
        """Begin it, where it does not run already."""
        with self._starting:
            self._started()

    def rounds(self, work: Callable[P, Iterator[T]], *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        """What `work(...)` yields, computed there, each when it is asked for.

        `work` is a generator function of a module. Its ValueError is raised here; RuntimeError for any other
        exception, with its traceback. ValueError, too, where the process has ended.
        """
        with self._starting:
            process = self._started()
            number = process.begin(work, args, kwargs)
        try:
            while True:
                word, told = process.next(number)
                if word == "over":
                    return
                if word == "refused":
                    raise ValueError(told)
                if word == "failed":
                    raise RuntimeError(f"in the process that computes apart:\n{told}")
                yield told
        finally:
            process.end(number)

    def free(self) -> None:
        """Let it forget all it keeps, by beginning another; where work is under way, nothing happens."""
        with self._starting:
            if self._process is not None and not self._process.under_way:
                self._process.close()
                self._started()

    def close(self) -> None:
        """End it, whatever it does."""
        with self._starting:
            if self._process is not None:
                self._process.close()

    def _started(self) -> "_Process":
        if self._process is not None and not self._process.lives:
            self._process.close()
            self._process = None
        self._process = self._process or _Process(*self._ready)
        return self._process


class _Process:
    """This side of the process."""

    def __init__(self, *ready: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ui.apart", *ready],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT,
            process_group=0,  # a terminal's Ctrl-C is for the server, as in training.process
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._numbers = count()
        self._asking = threading.Lock()
        self._writing = threading.Lock()
        self._ended: deque[int] = deque()
        self.under_way: set[int] = set()

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def begin(self, *work: Any) -> int:
        number = next(self._numbers)
        self.under_way.add(number)
        self._say(("begin", number, *work))
        return number

    def next(self, number: int) -> tuple[_Word, Any]:
        with self._asking:
            self._say(("next", number, torch.get_num_threads()))  # as many as the gate gives this thread
            try:
                word, told = pickle.load(self._stdout)  # from our own process, by a pipe that nobody else has
            except Exception:  # it ended, perhaps within a word; or the next to read would read its rest
                self._process.kill()
                self._process.wait()
                raise ValueError(_LOST) from None
        return word, told

    def end(self, number: int) -> None:
        """Let it forget a piece of work. Takes no lock: Python may call this wherever it finds garbage."""
        self.under_way.discard(number)
        self._ended.append(number)
        self._tell_ended()

    def close(self) -> None:
        with suppress(OSError):  # it has ended, and did not read all
            self._stdin.close()
        try:
            self._process.wait(_PARTING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdout.close()

    def _say(self, words: tuple[Any, ...]) -> None:
        said = pickle.dumps(words)
        with self._writing:
            self._write(said)
        self._tell_ended()

    def _tell_ended(self) -> None:
        """Whoever has the lock does this when it has said its own."""
        while self._ended and self._writing.acquire(blocking=False):
            try:
                if self._ended:
                    self._write(pickle.dumps(("end", self._ended.popleft())))
            finally:
                self._writing.release()

    def _write(self, said: bytes) -> None:
        with suppress(OSError, ValueError):  # it has ended, which who waits for an answer finds out
            self._stdin.write(said)
            self._stdin.flush()


def _listen(asked: "SimpleQueue[Any]") -> None:
    """Read what the server says, and end with it, or where it says what nobody understands."""
    try:
        while True:
            asked.put(pickle.load(sys.stdin.buffer))  # from the server, by a pipe that nobody else has
    except EOFError:
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _answer(work: Iterator[Any]) -> bytes:
    """The next result of work, as the server reads it."""
    word: _Word
    try:
        try:
            word, told = "part", next(work)
        except StopIteration:
            word, told = "over", None
        return pickle.dumps((word, told))
    except ValueError as error:
        word, told = "refused", str(error)
    except Exception as error:
        if memory_ran_out(error):
            word, told = "refused", _MEMORY
        else:
            word, told = "failed", traceback.format_exc()
    return pickle.dumps((word, told))


def main() -> None:
    """The other side."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    memory.one_heap()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints
    asked: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(asked,), daemon=True).start()
    for name in sys.argv[1:]:
        import_module(name)
    under_way: dict[int, Iterator[Any]] = {}
    while True:
        word, number, *more = asked.get()
        if word == "begin":
            leave_room_for_others()  # of what is free now
            under_way[number] = more[0](*more[1], **more[2])
        elif word == "next":
            torch.set_num_threads(*more)
            answers.write(_answer(under_way[number]))
            answers.flush()
        else:
            del under_way[number]
        del more  # or the last picture would stay
        if not under_way:
            memory.trim()


if __name__ == "__main__":
    main()
