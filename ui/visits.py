"""Visits: what the server remembers of a window, from its first page to its end."""

import secrets
import time

from zoo import log


class Visit:
    """One window. Its number is drawn anew for each, so that lines of the log can be told apart, and says
    nothing of who it is."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(3)
        self._begun = time.monotonic()
        log.event("session begin", session=self.id)

    def end(self) -> None:
        log.event("session end", session=self.id, seconds=round(time.monotonic() - self._begun))
