"""A download or an import as a process of its own, watched from outside.

Decoders meet files from anywhere, and a large import fills memory: a process of its own can be limited, can
fail and can be stopped without harm to the server. It ends when the server does.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_PROJECT = Path(__file__).parents[2]
_GRACE = 3.0  # seconds in which a process that was stopped clears away what is half done
Progress = Callable[[int, int, str], None]


class Errand:
    """`python -m training.data ...` under way. All fields may be read at any time from any thread."""

    def __init__(
        self, *arguments: str, root: Path | None = None, ended: "Callable[[Errand], None] | None" = None
    ) -> None:
        """Start it; `ended` is called from another thread when it is over."""
        self._ended = ended
        self.progress: tuple[int, int, str] = (0, 0, "starting")  # done, in all, doing what
        self.answer: Mapping[str, Any] | None = None  # where it came to an end
        self.refused: str | None = None  # where it did not, a sentence
        self._moved = threading.Condition()
        self._stopped = False
        self._complaint = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed when the process has ended)
        data = {"ZOOLENS_DATA": str(root)} if root else {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "training.data", "--lines", *arguments], cwd=_PROJECT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaint, text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"} | data,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def over(self) -> bool:
        return self.answer is not None or self.refused is not None

    def stop(self) -> None:
        """End it now; what it had half done is deleted."""
        self._stopped = True
        self._process.terminate()
        self._reader.join(_GRACE)
        self._process.kill()
        self._reader.join()

    def wait(self, progress: Progress | None = None) -> Mapping[str, Any]:
        """What it answers; ValueError with its sentence where it refuses. Stopped where `progress` raises."""
        try:
            told = None
            while not self.over:
                with self._moved:
                    self._moved.wait(1.0)
                if progress is not None and self.progress != told:
                    told = self.progress
                    progress(*told)
        except BaseException:
            self.stop()
            raise
        self._reader.join()
        if self.answer is None:
            raise ValueError(self.refused)
        return self.answer

    def _read(self) -> None:
        answer: Mapping[str, Any] | None = None
        refused = None
        with self._process as process, self._complaint as complaint:
            for line in process.stdout or ():
                said = json.loads(line)
                answer, refused = said.get("answer", answer), said.get("refused", refused)
                if "progress" in said:
                    self.progress = tuple(said["progress"])
                    with self._moved:
                        self._moved.notify_all()
            code = process.wait()
            complaint.seek(0)
            words = complaint.read().strip().splitlines()
        if answer is None and refused is None:
            if self._stopped:
                refused = "It was stopped."
            elif code < 0:
                refused = "The system ended it, most likely because memory ran out."
            else:
                refused = f"It failed: {words[-1][:200] if words else 'it ended without a word'}"
        self.answer, self.refused = answer, refused
        with self._moved:
            self._moved.notify_all()
        if self._ended:
            self._ended(self)
