"""Data sets in the terminal: `python -m training.data list`, `download KEY`, `import FILE --name NAME`.

And the weights of networks: `weights VARIANT`.
"""

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from training.data import DATASETS, OWN, Dataset, dataset, ready, store
from zoo import imagenet, timing

Progress = Callable[[int, int, str], None]
_GRACE = 3.0  # seconds to clear away what is half done
_SHARE = 0.5  # of the free memory: an import may not take more


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.data", description=__doc__)
    parser.add_argument("--lines", action="store_true", help=argparse.SUPPRESS)  # for training.data.errand
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what there is, and what is on this disk")
    fetch = commands.add_parser("download", help="fetch a data set")
    fetch.add_argument("key", choices=[key for key, known in DATASETS.items() if known.download])
    add = commands.add_parser("import", help="pack your own pictures: a zip or a folder of class folders")
    add.add_argument("source", type=Path)
    add.add_argument("--name", required=True)
    add.add_argument("--consume", action="store_true", help=argparse.SUPPRESS)  # delete the file afterwards
    add.add_argument("--owner", default="", help=argparse.SUPPRESS)  # the mark of whose they are
    delete = commands.add_parser("delete", help="take your own pictures off this disk")
    delete.add_argument("name")
    weights = commands.add_parser("weights", help="fetch what a network learnt from ImageNet")
    weights.add_argument("variant", metavar="VARIANT", choices=imagenet.offered())
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what is half done is cleared away
    store.sweep()
    if asked.lines:
        return _for_a_program(asked)
    try:
        print(_words(_run(asked, _Bar())))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(asked: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    if asked.command == "list":
        names = [*DATASETS, *(OWN + name for name in store.owned())]
        return {"listed": [(asdict(dataset(name)), ready(name)) for name in names]}
    if asked.command == "download":
        from training.data import fetched

        fetched.fetch(asked.key, store.folder(), progress)
        return {"downloaded": asked.key}
    if asked.command == "weights":
        imagenet.download(asked.variant, progress)
        return {"downloaded": asked.variant}
    from training import own

    if asked.command == "delete":
        own.delete(asked.name)
        return {"deleted": asked.name}
    try:
        report = own.add(asked.source, asked.name, progress=partial(_read, progress), owner=asked.owner)
    finally:
        if asked.consume:
            asked.source.unlink(missing_ok=True)
    return {"report": asdict(report)}


def _read(progress: Progress, done: int, total: int) -> None:
    progress(done, total, "reading")


def _words(answer: dict[str, Any]) -> str:
    if "listed" in answer:
        rows = [(Dataset(**values), there) for values, there in answer["listed"]]
        return "\n".join(
            f"{known.key:24} {known.images:>7,} + {known.test:>6,} of {known.size} px, "
            f"{len(known.classes)} classes, {'on this disk' if there else 'to download'}"
            for known, there in rows
        )
    if "report" in answer:
        report = answer["report"]
        lines = [
            f"{OWN}{report['name']}: {sum(report['train']):,} pictures to train, "
            f"{sum(report['test']):,} to test, {len(report['classes'])} classes, {report['size']} pixels, "
            f"{report['broken']:,} could not be read, {report['ignored']:,} files were ignored",
            *report["named"],
        ]
        return "\n".join(lines)
    return " ".join(f"{done} {what}" for done, what in answer.items())


class _Bar:
    """Tells of the progress in one line, at most once a percent."""

    def __init__(self) -> None:
        self._last = -1

    def __call__(self, done: int, total: int, doing: str) -> None:
        percent = 100 * done // total if total else 0
        if percent != self._last and sys.stderr.isatty():
            print(f"\r{doing} {percent} %", end="" if percent < 100 else "\n", file=sys.stderr, flush=True)
        self._last = percent


def _for_a_program(asked: argparse.Namespace) -> int:
    """The same as lines of JSON, with no more memory than can be spared, and only while the asker lives."""
    lines = os.fdopen(os.dup(1), "w", buffering=1)  # its own: what libraries print goes elsewhere
    os.dup2(2, 1)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    _leave_room()
    last = [-1]

    def progress(done: int, total: int, doing: str) -> None:
        if done * 200 // max(total, 1) != last[0]:
            last[0] = done * 200 // max(total, 1)
            lines.write(json.dumps({"progress": (done, total, doing)}) + "\n")

    try:
        lines.write(json.dumps({"answer": _run(asked, progress)}) + "\n")
    except ValueError as error:
        lines.write(json.dumps({"refused": str(error)}) + "\n")
    except MemoryError:
        lines.write(json.dumps({"refused": "This needs more memory than this machine has free."}) + "\n")
    lines.flush()
    os._exit(0)  # the watcher of standard input would not let go


def _end_with_the_server() -> None:
    os.read(0, 1)  # returns when the asker's end of the pipe is closed
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os._exit(1)


def _leave_room() -> None:
    """On Linux: memory beyond a share of what is free is refused. Elsewhere nothing is limited."""
    spare = timing.free()
    if spare is None or sys.platform == "win32":
        return
    import resource

    with suppress(OSError, ValueError):
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        limit = used + int(_SHARE * spare)
        resource.setrlimit(resource.RLIMIT_AS, (limit if most < 0 else min(limit, most), most))


if __name__ == "__main__":
    sys.exit(main())
