"""A process of `training.worker` on this machine: what a pool tells it, and what becomes of it."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_COMMAND = (sys.executable, "-m", "training.worker")


class Process:
    """It waits for a run, then works at it, and ends when this process does. Any thread may ask it."""

    def __init__(self, command: Sequence[str] = ()) -> None:
        self._complaint = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed when it has been read
        self._process = subprocess.Popen(
            command or _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._complaint,
            text=True, cwd=_ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"},
            # A terminal's Ctrl-C is for the server, which ends its workers. A session of their own would keep
            # it away as well, but Linux shares the processor between sessions whatever their priorities are.
            process_group=0,
        )  # fmt: skip
        self._said: str | None = None
        self._reading = threading.Lock()

    def say(self, word: str) -> None:
        """Which run to work at, as JSON; later, that it is to leave the run if that rests."""
        with suppress(OSError, ValueError):  # it has ended
            print(word, file=self._process.stdin, flush=True)

    def ended(self, patience: float | None = None) -> tuple[int, str] | None:
        """How it ended, an exit code or minus a signal, and what it complained of.

        None where it still lives after `patience` seconds; without a number this waits for its end.
        """
        try:
            code = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            return None
        with self._reading:
            if self._said is None:
                self._complaint.seek(0)
                self._said = self._complaint.read()
                self._complaint.close()
                with suppress(OSError):
                    if self._process.stdin:
                        self._process.stdin.close()
        return code, self._said

    def kill(self) -> None:
        """Let it end at once, whatever it does. Does not wait for that."""
        self._process.kill()
