"""Downloads and imports under way, for all readers of this server."""

import threading
import time
from collections.abc import Sequence
from functools import partial

from training.data.errand import Errand
from zoo import log

_MOST = 2  # at once: they share the machine with the readers and the runs


class Errands:
    """At most one errand of a name, which stays here until somebody has read how it ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, Errand] = {}

    def start(self, name: str, *arguments: str) -> None:
        """ValueError with a sentence where too many are under way. One that is under way goes on."""
        with self._lock:
            errand = self._found.get(name)
            if errand is not None and not errand.over:
                return
            if sum(not other.over for other in self._found.values()) >= _MOST:
                raise ValueError("Two downloads or imports are under way already. Try again in a minute.")
            self._found[name] = Errand(*arguments, ended=partial(_told, arguments, time.monotonic()))

    def get(self, name: str) -> Errand | None:
        return self._found.get(name)

    def forget(self, name: str) -> None:
        """Stop it, if it is still under way."""
        with self._lock:
            errand = self._found.pop(name, None)
        if errand is not None:
            errand.stop()


def _told(arguments: Sequence[str], began: float, errand: Errand) -> None:
    """Tell the log how an errand has ended."""
    what, of = arguments[:2]
    own = what == "import"  # where names and sentences are the reader's
    log.event(
        "import" if own else "download", of=None if own else of, done=errand.refused is None,
        why=None if own else errand.refused, ms=round(1000 * (time.monotonic() - began)),
    )  # fmt: skip
