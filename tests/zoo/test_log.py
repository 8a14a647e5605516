"""The log: a line an event, whatever happens, and nothing but what was told."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from zoo import log

ROOT = Path(__file__).parents[2]


HAPPENING = (
    "log.event('page', page='cam', ms=12, error=None)",
    "logging.getLogger('training.pool').warning('no room:\\n%s', 'disk')",
    "log.event('work', level=logging.ERROR, error=ValueError('two\\nlines'))",
    "thread = threading.Thread(target=lambda: 1 / 0)",
    "thread.start()",
    "thread.join()",
)


@pytest.mark.slow
def test_a_line_of_json_an_event() -> None:
    """On standard error of a process of its own, whoever tells of it."""
    script = ";".join(("import logging, threading", "from zoo import log", "log.start()", *HAPPENING))
    variables = os.environ | {log.VARIABLE: "json", "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=variables, capture_output=True, text=True
    )
    assert ended.stdout == ""
    page, pool, told, died = map(json.loads, ended.stderr.splitlines())
    assert page.pop("time").endswith("+00:00")
    assert page == {"level": "info", "event": "page", "page": "cam", "ms": 12}
    assert (pool["event"], pool["logger"]) == ("log", "training.pool")
    assert pool["message"] == "no room: disk"
    assert (told["event"], told["error"], told["message"]) == ("work", "ValueError", "two lines")
    assert (died["level"], died["event"], died["error"]) == ("error", "thread", "ZeroDivisionError")
    assert died["traceback"].endswith("ZeroDivisionError: division by zero\n")


def test_words_for_a_person() -> None:
    assert (
        log.Text()
        .format(record("library", "no\nroom"))
        .endswith(" error log: logger=library message=no room")
    )
    try:
        raise ValueError("two\nlines")
    except ValueError:
        caught = record("library", "it failed", exc_info=sys.exc_info())
    first, *rest = log.Text().format(caught).splitlines()
    assert first.endswith("message=two lines error=ValueError")
    assert rest[-2:] == ["ValueError: two", "lines"]


def test_an_unknown_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(log.VARIABLE, "xml")
    with pytest.raises(ValueError, match="ZOOLENS_LOG must be json or text, not 'xml'"):
        log.start()


def record(name: str, message: object, exc_info: Any = None) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "file.py", 1, message, (), exc_info)


@pytest.mark.parametrize("message", ["a" * 10_000, "\x00\x1b[31m", "\ud800", "{%s}", "line\u2028line\nline"])
def test_one_line_whatever_a_library_says(message: str) -> None:
    line = log.Lines().format(record("library", message))
    assert len(line.splitlines()) == 1
    assert len(line) < 4_000
    assert json.loads(line)["logger"] == "library"


def test_late_errors_are_bounded_and_counted() -> None:
    lately = log.Lately(kept=3)
    for number in range(10):
        lately.handle(record("library", f"number {number}"))
    assert lately.total == 10
    assert [event.fields["message"] for event in lately.events()] == ["number 7", "number 8", "number 9"]


def test_what_is_no_warning_is_not_kept() -> None:
    lately = log.Lately()
    logger = logging.Logger("alone")
    logger.addHandler(lately)
    logger.info("nothing")
    logger.warning("something")
    assert lately.total == 1
