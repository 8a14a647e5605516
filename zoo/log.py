"""What happens in this process, one line an event: `event("page", page="cam", ms=120)`.

Standard logging underneath. Once `start` was called, lines go to standard error, as the variable ZOOLENS_LOG
of the environment says:

    text    for a person at home, who is shown warnings and errors only; the default
    json    for a server: an object a line with `time`, `level`, `event` and the event's own fields

Fields are numbers and words that the program itself has chosen. No part of a picture, no key, no address of a
reader and no text that somebody typed belongs in them.
"""

import json
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from traceback import format_exception

VARIABLE = "ZOOLENS_LOG"
LEVELS = {"json": logging.INFO, "text": logging.WARNING}  # what each kind shows from

Field = str | int | float | bool | None

_KEPT = 50  # warnings and errors in memory
_LONGEST = 500  # characters of a message
_FIELDS = "fields"  # of a record of `logging`: those of an event
_log = logging.getLogger("zoolens")


@dataclass(frozen=True, kw_only=True)
class Event:
    """A line of the log."""

    time: str  # ISO 8601, UTC, to the millisecond
    level: str  # "info", "warning", "error"
    name: str  # "log" for what a library said
    fields: Mapping[str, Field]
    traceback: str = ""


def event(
    name: str, /, *, level: int = logging.INFO, error: BaseException | None = None, **fields: Field
) -> None:
    """Tell of an event; `error` adds its kind, message and traceback. Fields that are None are left out."""
    _log.log(level, name, extra={_FIELDS: fields}, exc_info=error)


class Lately(logging.Handler):
    """The warnings and errors of late, kept in memory, the newest last."""

    def __init__(self, kept: int = _KEPT) -> None:
        super().__init__(logging.WARNING)
        self.total = 0  # since the start
        self._kept: deque[Event] = deque(maxlen=kept)

    def emit(self, record: logging.LogRecord) -> None:
        self.total += 1
        self._kept.append(read(record))

    def events(self) -> Sequence[Event]:
        return tuple(self._kept)


lately = Lately()


def start() -> None:
    """Begin to write lines, of this program's events and of what its libraries log.

    Called again, it finds the libraries that came meanwhile. ValueError where the variable names no kind.
    """
    kind = os.environ.get(VARIABLE) or "text"
    if kind not in LEVELS:
        raise ValueError(f"{VARIABLE} must be {' or '.join(LEVELS)}, not {kind[:40]!r}.")
    written = logging.StreamHandler(sys.stderr)
    written.setFormatter(Lines() if kind == "json" else Text())
    written.setLevel(LEVELS[kind])
    _log.setLevel(logging.INFO)
    logging.root.handlers[:] = [written, lately]
    for other in list(logging.root.manager.loggerDict.values()):
        if isinstance(other, logging.Logger) and not other.propagate:  # it writes by itself
            if lately not in other.handlers:
                other.addHandler(lately)
            if kind == "json":
                for handler in other.handlers:
                    handler.setFormatter(written.formatter)
    threading.excepthook = _thread_ended


def read(record: logging.LogRecord) -> Event:
    """The event that a record of `logging` tells, whoever has logged it."""
    fields: dict[str, Field] = getattr(record, _FIELDS, {})
    name = record.getMessage() if record.name == _log.name else "log"
    if name == "log":
        fields = {"logger": record.name, "message": " ".join(record.getMessage().split())[:_LONGEST]}
    traceback = ""
    if record.exc_info and (error := record.exc_info[1]) is not None:
        fields = fields | {"error": type(error).__name__, "message": " ".join(str(error).split())[:_LONGEST]}
        traceback = "".join(format_exception(error))
    return Event(
        time=datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        level=record.levelname.lower(),
        name=name,
        fields={key: value for key, value in fields.items() if value is not None},
        traceback=traceback,
    )


class Lines(logging.Formatter):
    """An object of JSON a line."""

    def format(self, record: logging.LogRecord) -> str:
        told = read(record)
        line = {"time": told.time, "level": told.level, "event": told.name} | dict(told.fields)
        return json.dumps(line | ({"traceback": told.traceback} if told.traceback else {}), default=str)


class Text(logging.Formatter):
    """Words for a person; a traceback takes lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        told = read(record)
        fields = " ".join(f"{key}={value}" for key, value in told.fields.items())
        line = f"{told.time[:19].replace('T', ' ')} {told.level} {told.name}: {fields}"
        return f"{line}\n{told.traceback}".rstrip()


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    """A thread has died of an error that nobody caught."""
    if ended.exc_type is not SystemExit:
        event("thread", level=logging.ERROR, error=ended.exc_value)
