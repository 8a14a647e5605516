"""Runs on disk: a folder each, which keeps all that was shown of a run whatever happens to its process.

    recipe.json  meta.json          written once, before the folder gets its name
    commands.jsonl                  a line for each wish, appended by anyone
    events.jsonl                    a line for each event, appended by the one worker that holds the lock
    snapshots/<epoch>.safetensors   the arrays of an evaluation; written before the line that tells of it
    checkpoints/<name>.safetensors  likewise; "last" is written every few seconds and is where a run resumes
    lock                            who works at the run and how far commands are read, see `State`

A line is written by one `write`; files appear under their names when they are complete. So a reader never
sees half of anything, apart from an unfinished last line, which readers leave out and the next worker cuts.
"""

import json
import math
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from errno import ENOSPC
from pathlib import Path
from typing import Any

import numpy as np

from training.events import Checkpoint, Done, Epoch, Event, Failed, Step, from_dict, to_dict
from training.lock import Lock, held
from training.owners import mark, marked
from training.recipe import LIMITS, Recipe
from zoo import limits, log, weights
from zoo.timing import machine

COMMANDS = ("play", "pause", "stop", "step", "epoch", "rate")
ACTIVE = ("queued", "starting", "running", "paused")
ENDED = ("finished", "stopped", "failed")
POOLS = ".pools"
AGAIN = "again"  # beside a second Started, which tells what the recipe of a run that was taken over says

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # one case, for file systems that have only one
_TAIL = 1 << 16  # bytes that surely hold the last line of a log
_BLOCK = 1024  # bytes of a State on disk
_DAY = 86_400.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Logged:
    """An event and when it happened."""

    event: Event
    t: float  # seconds of training so far, pauses not counted


Log = list[Logged]
Commands = list[dict[str, Any]]
Told = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Meta:
    """What is known of a run beside its recipe."""

    title: str
    created: str  # local time, ISO 8601; by the wall clock, so good for showing only
    order: int  # later runs have higher numbers, whatever the clock does
    machine: str
    parent: str | None = None  # "<id>@<epoch>" of the run it was taken over from
    group: str | None = None  # runs of one race have one
    limit: float | None = None  # seconds of training; None: as long as it takes
    owner: str = ""  # the mark of the browser that began it, see `training.owners`

    def __post_init__(self) -> None:
        words = (self.title, self.created, self.machine, self.parent or "", self.group or "", self.owner)
        if not all(isinstance(word, str) for word in words) or not isinstance(self.order, int):
            raise ValueError("These are no facts of a run.")
        if not isinstance(self.limit, int | float | None):
            raise ValueError("The limit of a run is a number of seconds.")


@dataclass(frozen=True, kw_only=True)
class State:
    """What the holder of a run's lock last said. Without a holder it tells what is still wanted."""

    status: str = "queued"  # "queued", "starting", "running", "paused", "ended"
    pool: str = ""  # who queued it; the run waits as long as this pool lives
    goal: str = "play"  # until when to train: "play" (the end), "step", "epoch", "pause" (not at all)
    read: int = 0  # bytes of commands.jsonl that have been obeyed
    note: str = ""  # why it ended, where the log could not take it
    machine: str = ""  # the name of the one where it was last worked at

    def __post_init__(self) -> None:
        known = self.status in ("ended", *ACTIVE) and self.goal in ("stop", *COMMANDS)
        if not (known and isinstance(self.pool, str) and isinstance(self.note, str)):
            raise ValueError("This is no state of a run.")
        if not isinstance(self.read, int) or self.read < 0:
            raise ValueError("So many bytes cannot be read.")


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A run in a list. Where its folder cannot be read, recipe and meta are None and `why` says so."""

    id: str
    status: str
    why: str  # a sentence where the status is "failed", else empty
    recipe: Recipe | None
    meta: Meta | None


class Runs:
    """The runs in a folder. All methods raise ValueError with a sentence for a run that does not exist.

    Statuses: queued, starting, running, paused, finished, stopped, failed, and interrupted, which a run is
    when the server that worked at it is gone.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = weights.runs_root() if root is None else Path(root)

    def path(self, id: str) -> Path:
        """The folder of a run. No id leads out of the root."""
        folder = self.root / id if isinstance(id, str) and _ID.fullmatch(id) else None
        if folder is None or not os.path.isdir(folder):  # False where it cannot be looked at
            raise ValueError(f"There is no run called {str(id)[:80]!r} on this machine.")
        return folder

    def submit(
        self, recipe: Recipe, *, group: str | None = None, limit: float | None = None, pool: str = "",
        owner: str = "",
    ) -> str:  # fmt: skip
        """Make the folder of a new run, which then waits for a pool to train it; its id.

        `limit`: seconds of training after which it ends; None: those of the server, infinity: none. `owner`:
        the secret of the browser that begins it; empty: it is nobody's.
        """
        if limit is None:
            limit = 60.0 * limits.RUN_MINUTES.value
        until = None if limit == math.inf else limit
        with self._new(recipe, pool=pool, owner=owner, limit=until, group=group) as (id, _):
            return id

    def fork(
        self,
        id: str,
        epoch: int,
        changes: Mapping[str, Any] | None = None,
        *,
        source: "Runs | None" = None,
        pool: str = "",
        owner: str = "",
    ) -> str:
        """A new run that goes on from another's last numbered checkpoint at or before `epoch`; its id.

        All until then is copied. `changes` are fields of the recipe; ValueError for impossible ones. The
        other run is one of `source`, such as the recordings; None: one of these.
        """
        source = source or self
        recipe, meta = replace(source.recipe(id), **changes or {}), source.meta(id)
        found = [int(name) for name in source.checkpoints(id) if name.isdigit() and int(name) <= epoch]
        told = [said for _, said in _told(source.path(id) / "events.jsonl")]
        kept = [
            at for at, each in enumerate(told)
            if each["kind"] == Checkpoint.kind and each["name"].isdigit() and int(each["name"]) in found
        ]  # fmt: skip
        if not kept:
            raise ValueError(f"The run {id} has no checkpoint up to epoch {epoch}: it has just begun.")
        told = told[: kept[-1] + 1]
        start = int(told[-1]["epoch"])
        if start >= recipe.epochs:
            raise ValueError(f"Epoch {start} is the last of this recipe. Give it more than {start} epochs.")
        new_one = self._new(recipe, pool=pool, owner=owner, limit=meta.limit, parent=f"{id}@{start}")
        with new_one as (new, folder):
            lines = [{k: v for k, v in each.items() if k != "command"} for each in told]
            (folder / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
            for kind in ("snapshots", "checkpoints"):
                for file in (source.path(id) / kind).glob("[0-9]*.safetensors"):
                    if int(file.stem) <= start:
                        _link(file, folder / kind / file.name)
            return new

    @contextmanager
    def _new(
        self, recipe: Recipe, *, pool: str, owner: str, limit: float | None,
        parent: str | None = None, group: str | None = None,
    ) -> Iterator[tuple[str, Path]]:  # fmt: skip
        """A folder that gets its name when the block ends well, and vanishes otherwise."""
        most = limits.RUN_EPOCHS.value
        if recipe.epochs > most:
            raise ValueError(f"A run may have {most:,} epochs on this server, not {recipe.epochs:,}.")
        if recipe.workers > (most := limits.WORKERS.value):
            raise ValueError(f"A run may have {most:,} workers on this server, not {recipe.workers:,}.")
        id = "".join(secrets.choice(_LETTERS) for _ in range(10))
        meta = Meta(
            title=recipe.title, created=datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
            order=1 + self._last(),
            machine=machine(), parent=parent, group=group, limit=limit, owner=mark(owner, id),
        )  # fmt: skip
        folder = self.root / f".new-{id}"
        try:
            folder.mkdir(parents=True)
            for kind in ("snapshots", "checkpoints"):
                (folder / kind).mkdir()
            (folder / "recipe.json").write_text(recipe.to_json())
            (folder / "meta.json").write_text(json.dumps(asdict(meta), indent=1))
            for empty in ("commands.jsonl", "events.jsonl"):
                (folder / empty).touch()
            with Lock(folder / "lock") as lock:
                lock.write(_block(State(pool=pool)))
            yield id, folder
            folder.replace(self.root / id)
            # What stands behind "own:" is a reader's word.
            data = recipe.data.partition(":")[0]
            log.event("run submitted", run=id, network=recipe.specimen.variant, data=data)
        except OSError as error:
            raise ValueError(f"The run cannot be stored: {_plain(error)}.") from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _last(self) -> int:
        """The highest order so far."""
        highest = 0
        for name in self._names():
            with suppress(ValueError):
                highest = max(highest, self.meta(name).order)
        return highest

    def recipe(self, id: str) -> Recipe:
        try:
            return Recipe.from_json((self.path(id) / "recipe.json").read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"The recipe of the run {id} cannot be read: {_plain(error)}.") from None

    def meta(self, id: str) -> Meta:
        path = self.path(id) / "meta.json"
        try:
            return Meta(**_parsed(path.read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(f"What is known of the run {id} cannot be read: {_plain(error)}.") from None

    def events(self, id: str, after: int = 0) -> tuple[Log, int]:
        """The events that are complete behind the byte `after`, and the byte behind the last of them."""
        lines, _ = _lines(self.path(id) / "events.jsonl", after)
        found: Log = []
        for line in lines:
            logged = _logged(line)
            if logged is None:
                break
            found.append(logged)
            after += len(line) + 1
        return found, after

    def commands(self, id: str, after: int = 0) -> tuple[Commands, int]:
        """The wishes behind the byte `after`, and the byte behind the last of them; nonsense is left out."""
        lines, end = _lines(self.path(id) / "commands.jsonl", after)
        found: Commands = []
        for line in lines:
            with suppress(ValueError):
                said = _parsed(line)
                if isinstance(said, dict) and said.get("command") in COMMANDS:
                    found.append(said)
        return found, end

    def command(self, id: str, command: str, **more: float) -> None:
        """Ask the worker of a run for something; it reads this between two steps."""
        if command not in COMMANDS:
            raise ValueError(f"A run cannot be asked to {command!r}.")
        line = json.dumps({"command": command} | more) + "\n"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        try:
            file = os.open(self.path(id) / "commands.jsonl", flags, 0o644)
            try:
                os.write(file, line.encode())
            finally:
                os.close(file)
        except OSError as error:
            raise ValueError(f"The run {id} cannot be asked for anything: {_plain(error)}.") from None

    def rate(self, id: str, rate: float) -> None:
        """Ask for another learning rate from the next step on."""
        least, most = LIMITS["rate"]
        if not (math.isfinite(rate) and least <= rate <= most):
            raise ValueError(f"The learning rate must lie between {least:g} and {most:g}, not {rate:g}.")
        self.command(id, "rate", rate=float(rate))

    def snapshot(self, id: str, epoch: int) -> dict[str, np.ndarray[Any, Any]]:
        """The arrays of an epoch's evaluation, by name."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            return load_file(self.path(id) / "snapshots" / f"{epoch:04d}.safetensors")
        except (OSError, SafetensorError):
            raise ValueError(f"There is no snapshot of epoch {epoch} of the run {id}.") from None

    def checkpoints(self, id: str) -> tuple[str, ...]:
        """Names of the checkpoints: epochs of four digits, "best", "last"."""
        return tuple(sorted(file.stem for file in (self.path(id) / "checkpoints").glob("[!.]*.safetensors")))

    def checkpoint(self, id: str, name: str) -> Path:
        """The file of a checkpoint."""
        names = self.checkpoints(id)
        if name not in names:
            raise ValueError(f"The run {id} has no checkpoint {name!r}; it has {', '.join(names) or 'none'}.")
        return self.path(id) / "checkpoints" / f"{name}.safetensors"

    def status(self, id: str) -> str:
        return self._condition(self.path(id))[0]

    def why(self, id: str) -> str:
        """Why a run failed, in a sentence; empty where it has not."""
        return self._condition(self.path(id))[1]

    def state(self, id: str) -> State | None:
        """What the lock says; None where there is none, as in a recording."""
        return _state(self.path(id))

    def _condition(self, folder: Path) -> tuple[str, str]:
        """The status, and a sentence where it is "failed"."""
        try:
            state, taken = _state(folder), held(folder / "lock")
            line = _last_line(folder / "events.jsonl")
        except OSError as error:
            return "failed", f"Its folder cannot be read: {_plain(error)}."
        logged = _logged(line) if line else None
        if line and logged is None:
            return "failed", "Its log is damaged. What stands before the damage can be seen."
        event = logged.event if logged else None
        if isinstance(event, Done) and event.reason in ("finished", "early"):
            return "finished", ""
        if state is not None and state.status != "ended":
            if taken:
                return ("starting" if state.status == "queued" else state.status), ""
            waits = state.status == "paused" or self.lives(state.pool)
            if waits or (state.status == "queued" and not state.pool):
                return state.status, ""
            return "interrupted", ""
        if isinstance(event, Failed):
            return "failed", event.reason
        if isinstance(event, Done):
            return "stopped", ""
        return ("failed", state.note) if state is not None and state.note else ("interrupted", "")

    def lives(self, pool: str) -> bool:
        """Whether the process of a pool is still there."""
        return bool(_ID.fullmatch(pool)) and held(self.root / POOLS / pool)

    def summary(self, id: str) -> Summary:
        """The run for a list. A folder that cannot be read is a failed run, never an exception."""
        folder = self.path(id)
        try:
            recipe, meta = self.recipe(id), self.meta(id)
        except ValueError as error:
            return Summary(id=id, status="failed", why=str(error), recipe=None, meta=None)
        status, why = self._condition(folder)
        return Summary(id=id, status=status, why=why, recipe=recipe, meta=meta)

    @contextmanager
    def locked(self, id: str, patience: float = 1.0) -> Iterator[Lock | None]:
        """The lock of a run, for a block; None where somebody keeps it. ValueError where it cannot be had."""
        try:
            lock = Lock(self.path(id) / "lock")
        except OSError as error:
            raise ValueError(f"The run {id} cannot be changed: {_plain(error)}.") from None
        with lock:
            yield lock if lock.take(patience) else None

    def delete(self, id: str) -> None:
        """Remove a run for good. ValueError while somebody works at it or it waits for its turn."""
        folder, waits = self.path(id), self.status(id) == "queued"
        with self.locked(id) as lock:
            if waits or lock is None:
                raise ValueError(f"The run {id} is under way. Stop it first.")
            gone = self.root / f".gone-{id}"
            try:
                folder.replace(gone)  # at once, so that nobody sees half of it
            except OSError as error:
                raise ValueError(f"The run {id} cannot be deleted: {_plain(error)}.") from None
        shutil.rmtree(gone, ignore_errors=True)

    def owned(self, secret: str) -> tuple[Summary, ...]:
        """The runs of one browser, the newest first."""
        return tuple(run for run in self.list() if run.meta and marked(run.meta.owner, secret, run.id))

    def prune(self) -> None:
        """Remove the oldest runs beyond those kept that nobody works at, and what crashes left half made."""
        idle = [run for run in self.list() if run.status not in ACTIVE and run.meta is not None]
        room = limits.RUNS_GIB.value << 30
        room -= sum(_bytes(self.root / name) for name in {*self._names()} - {run.id for run in idle})
        for place, run in enumerate(idle):
            room -= _bytes(self.root / run.id)
            if place >= limits.RUNS_KEPT.value or room < 0:
                with suppress(ValueError):
                    self.delete(run.id)
        for folder in (*self.root.glob(".new-*"), *self.root.glob(".gone-*")):
            with suppress(OSError):
                if abs(time.time() - folder.stat().st_mtime) > _DAY:
                    shutil.rmtree(folder, ignore_errors=True)

    def size(self) -> int:
        """Bytes that all runs take on the disk."""
        return sum(_bytes(self.root / name) for name in self._names())

    def end(self, id: str, event: Done | Failed) -> bool:
        """Write the last line of a run that nobody works at any more; False where somebody does.

        A run that has ended already stays as it is. Step and epoch of `event` are filled in from the log.
        """
        folder = self.path(id)
        with self.locked(id) as lock:
            if lock is not None and self._condition(folder)[0] not in ENDED:
                conclude(folder, lock, event)
            return lock is not None

    def _names(self) -> tuple[str, ...]:
        """What could be a run."""
        try:
            return tuple(
                each.name for each in self.root.iterdir() if _ID.fullmatch(each.name) and each.is_dir()
            )
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ValueError(f"The folder of the runs cannot be read: {_plain(error)}.") from None

    def list(self) -> tuple[Summary, ...]:
        """All runs, the newest first; those that cannot be read last."""
        found = []
        for name in self._names():
            with suppress(ValueError):  # deleted a moment ago
                found.append(self.summary(name))
        return tuple(sorted(found, key=_rank))


def _rank(run: Summary) -> tuple[bool, int, str]:
    """Its place in the list; two servers may have given one number twice."""
    return (run.meta is None, -run.meta.order if run.meta else 0, run.id)


class Journal:
    """The writing end of a log, for the one who holds the run's lock. Cuts what a crash left unfinished."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.t = 0.0  # seconds of training up to the last event
        self.step = 0  # the last one
        self.epoch = 0  # the last that ended
        self.between = False  # whether that epoch ended with the last step
        self.again = False  # whether a run that was taken over has told what its own recipe says
        self._end = 0  # bytes
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        for line, said in _told(path):
            self._take(said)
            self._end += len(line) + 1
        os.ftruncate(self._file, self._end)

    def told(self) -> Told:
        """All that the log holds, in dictionaries."""
        return [said for _, said in _told(self.path)]

    def append(self, event: Event, t: float, **more: float) -> None:
        """One line, whole or not at all: OSError where the disk has no room for it."""
        said = to_dict(event) | {"t": round(t, 4)} | more
        line = json.dumps(said).encode() + b"\n"
        try:
            if os.write(self._file, line) < len(line):
                raise OSError(ENOSPC, os.strerror(ENOSPC))
        except OSError:
            os.ftruncate(self._file, self._end)
            raise
        self._end += len(line)
        self._take(said)

    def _take(self, said: dict[str, Any]) -> None:
        self.t = float(said["t"])
        self.step = max(self.step, int(said.get("step", 0)))
        self.again = self.again or AGAIN in said
        if said["kind"] == Epoch.kind:
            self.epoch, self.between = int(said["epoch"]), True
        elif said["kind"] == Step.kind:
            self.between = False

    def settle(self) -> None:
        """Wait until the disk has it."""
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def conclude(folder: Path, lock: Lock, event: Done | Failed, journal: Journal | None = None) -> None:
    """Write the last line of a run; where the disk is full, the file of the lock keeps the reason.

    The caller holds the lock. Step and epoch of `event` are those of the log.
    """
    state = _state(folder) or State()
    note = event.reason if isinstance(event, Failed) else ""
    lock.write(_block(replace(state, status="ended", goal="play", note=note)))
    own = journal
    try:
        own = journal or Journal(folder / "events.jsonl")
        if isinstance(event, Done):
            event = replace(event, step=own.step, epoch=own.epoch)
        else:
            event = replace(event, step=own.step)
        own.append(event, own.t)
    except OSError:
        pass  # the note tells it
    finally:
        if own is not None and own is not journal:
            own.close()


def write_state(lock: Lock, state: State) -> None:
    """Tell everybody. The caller holds the lock."""
    lock.write(_block(state))


def _block(state: State) -> bytes:
    """The state as bytes of one length, so that a shorter one covers all of a longer one."""
    text = json.dumps(asdict(replace(state, note=state.note[:300])))
    return text.encode().ljust(_BLOCK - 1) + b"\n"


def _state(folder: Path) -> State | None:
    """What the lock says; OSError where its file cannot be read."""
    for _ in range(3):  # a write may be half done
        try:
            return State(**_parsed((folder / "lock").read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            time.sleep(0.002)
    return State(status="ended")


def _lines(path: Path, after: int) -> tuple[list[bytes], int]:
    """The complete lines behind a byte, without their ends, and the byte behind the last."""
    try:
        with path.open("rb") as file:
            file.seek(after)
            content = file.read()
    except FileNotFoundError:
        return [], after
    except OSError as error:
        raise ValueError(f"The run {path.parent.name} cannot be read: {_plain(error)}.") from None
    whole = content[: content.rfind(b"\n") + 1]
    return whole.split(b"\n")[:-1], after + len(whole)


def _told(path: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The lines of a log and what they say, up to the first that is damaged."""
    for line in _lines(path, 0)[0]:
        if _logged(line) is None:
            return
        yield line, _parsed(line)


def _last_line(path: Path) -> bytes:
    """The last complete line; empty where there is none. OSError where the file cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            for length in (_TAIL, size):
                file.seek(max(0, size - length))
                lines = file.read().split(b"\n")
                if len(lines) > 2 or (lines and length >= size):
                    break
    except FileNotFoundError:
        return b""
    return lines[-2] if len(lines) > 1 else b""


def _logged(line: bytes) -> Logged | None:
    """The event that a line tells; None where it is damaged."""
    try:
        said = _parsed(line)
        return Logged(event=from_dict(said), t=float(said["t"]))
    except (ValueError, TypeError, KeyError):
        return None


def _bytes(folder: Path) -> int:
    """What a folder takes on the disk; of a checkpoint that several runs have, a share."""
    size = 0
    for place, _, names in os.walk(folder):  # unlike `rglob` in folders that go meanwhile, too
        for name in names:
            with suppress(OSError):  # replaced or deleted a moment ago
                found = os.lstat(os.path.join(place, name))
                size += found.st_size // max(1, found.st_nlink)
    return size


def _parsed(text: bytes) -> Any:
    """What JSON says; ValueError where it is none, or nested without end."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("It is nested too deep.") from None


def _link(source: Path, target: Path) -> None:
    """The same content under another name. These files are replaced, never changed, so they can be shared."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _plain(error: Exception) -> str:
    """An error's reason without the folders that it names."""
    return (error.strerror if isinstance(error, OSError) else None) or "it holds something else"
