"""Visits: what the server remembers of a window, from its first page to its end."""

import secrets
import time

from streamlit.runtime.scriptrunner import get_script_run_ctx

from zoo import log

_left: dict[str, float] = {}  # when the window of each of Streamlit's sessions went, unless told already


class Visit:
    """One window. Its number is drawn anew for each, so that lines of the log can be told apart, and says
    nothing of who it is."""

    def __init__(self) -> None:
        context = get_script_run_ctx(suppress_warning=True)
        self.id = secrets.token_hex(3)
        self._session = "" if context is None else context.session_id
        self._begun = time.monotonic()
        log.event("session begin", session=self.id)

    def end(self) -> None:
        now = time.monotonic()
        log.event("session end", session=self.id, seconds=round(now - self._begun))
        _left[self._session] = now


def left(seconds: float) -> list[str]:
    """The sessions whose windows went longer ago than that. Some may have come back. Each is told once."""
    then = time.monotonic() - seconds
    found = [session for session, when in list(_left.items()) if when <= then]
    for session in found:
        del _left[session]
    return found
