"""The process that trains one run: `python -m training.worker`, started by `training.pool`.

It imports what training needs and then waits: on standard input comes, as JSON, which run to work at, alone
or as one of several processes (`training.team`). So a run begins at once when one such process is kept
waiting. Standard input stays open as long as the server lives, and at its end the worker ends too, wherever
it is: what it had not written yet comes again, exactly, when the run resumes.
"""

import json
import os
import platform
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save as pack

from training.data import Pictures
from training.events import Arrays, Changed, Checkpoint, Done, Evaluation, Event, Failed, Step
from training.lock import Lock
from training.loop import Saved, Trainer, split_of
from training.network import channels
from training.recipe import LIMITS, Recipe
from training.runs import AGAIN, Journal, Meta, Runs, State, conclude, write_state
from training.team import Helpers, Leader
from zoo import weights
from zoo.anatomy import dissect
from zoo.memory import needed
from zoo.timing import free, leave_room_for_others, memory_ran_out

ENDED, BUSY = 0, 3  # exit codes: all is told on disk; somebody else works at the run
NICE = 19  # the server comes first

_EVERY = 5.0  # seconds between two saved states,
_SHARE = 0.05  # or so many that saving takes at most this share of the time
_PATIENCE = 60.0  # seconds that a paused run stays in memory
_GLANCE = 0.02  # seconds between two looks at the commands while it is paused
_MEMORY = "This training needs more memory than the machine has free. A smaller batch or network needs less."


class Work:
    """One run, from its last saved state to its end, or to a pause that lasts. The caller holds the lock."""

    def __init__(self, folder: Path, lock: Lock, leave: threading.Event, helpers: Helpers | None) -> None:
        self._folder = folder
        self._helpers = helpers
        self._runs = Runs(folder.parent)
        self._lock = lock
        self._leave = leave
        self._state = self._runs.state(folder.name) or State()
        self._journal = Journal(folder / "events.jsonl")
        self._recipe: Recipe
        self._trainer: Trainer
        self._saved_at = -1  # events in the newest saved state
        self._save_next = time.monotonic() + _EVERY
        self._mark = 0.0  # monotonic time up to which `_t` is counted
        self._t = self._journal.t

    def run(self) -> None:
        """Train until the end, a wish, or a failure; all of it is told on disk."""
        self._tell(status="starting", machine=platform.node()[:64])
        try:
            self._recipe, meta = self._runs.recipe(self._folder.name), self._runs.meta(self._folder.name)
            _demand_memory(self._recipe)
            if meta.parent is not None and not self._journal.again:
                self._journal.append(next(Trainer(self._recipe)), self._t, **{AGAIN: 1})
            self._resume()
            self._go(meta)
        except ValueError as error:
            self._conclude(Failed(step=0, reason=str(error)))
        except OSError as error:
            self._conclude(Failed(step=0, reason=f"The run cannot be stored: {error.strerror or error}. "
                                  "Make room, then let it play again: it goes on where it was."))  # fmt: skip
        except (MemoryError, RuntimeError) as error:
            if not memory_ran_out(error):
                raise
            self._conclude(Failed(step=0, reason=_MEMORY))

    def _go(self, meta: Meta) -> None:
        self._mark = time.monotonic()
        while True:
            self._obey()
            goal = self._state.goal
            if goal == "stop":
                self._save()
                return self._conclude(Done(epoch=0, step=0, reason="stopped"))
            if goal == "pause":
                if not self._rest():
                    return None
                continue
            if self._state.status != "running":
                self._tell(status="running")
            between = goal == "epoch" and self._journal.between
            if between:
                self._save()
            event = next(self._trainer, None)
            if event is None:  # a run that had ended already
                return self._tell(status="ended", goal="play")
            if between and isinstance(event, Step):  # one step too far: it is taken back
                self._tell(goal="pause")
                self._resume()
                continue
            if isinstance(event, Done):
                self._save()
            if isinstance(event, Done | Failed):
                self._tell(status="ended", goal="play")
                return self._log(event)
            self._log(event)
            if goal == "step" and isinstance(event, Step):
                self._tell(goal="pause")
            if meta.limit is not None and self._t > meta.limit:
                self._save()
                return self._conclude(Done(epoch=0, step=0, reason="limit"))
            if time.monotonic() > self._save_next:
                self._save()

    def _obey(self) -> None:
        """Read what readers asked for since the last look."""
        name = self._folder.name
        if (self._folder / "commands.jsonl").stat().st_size <= self._state.read:
            return
        wishes, end = self._runs.commands(name, self._state.read)
        goal = self._state.goal
        for wish in wishes:
            command = wish["command"]
            if command == "rate":
                self._turn(wish.get("rate"), end)
            elif goal != "stop":
                goal = command
        self._tell(goal=goal, read=end)

    def _turn(self, rate: object, end: int) -> None:
        """Change the learning rate. The log says up to where commands were read, so it happens once."""
        least, most = LIMITS["rate"]
        if not isinstance(rate, int | float) or not least <= rate <= most:
            return
        try:
            self._trainer.change_rate(float(rate))
        except ValueError:  # no factor makes another rate of a schedule that stands at 0
            return
        event = next(self._trainer)
        while not isinstance(event, Changed):  # before anything else a run tells that it has started
            self._log(event)
            event = next(self._trainer)
        self._log(event, command=end, asked=float(rate))

    def _rest(self) -> bool:
        """Wait for a wish; False when it is time to go and leave the run as it is."""
        self._save()
        self._tell(status="paused")
        deadline = time.monotonic() + _PATIENCE
        commands = self._folder / "commands.jsonl"
        while commands.stat().st_size <= self._state.read:
            if self._leave.is_set() or time.monotonic() > deadline:
                return False
            time.sleep(_GLANCE)
        self._mark = time.monotonic()
        return True

    def _resume(self) -> None:
        """Go back to the newest saved state, and from there to the event after the last that was told."""
        told = [each for each in self._journal.told() if not _by_hand(each)]
        read = max((int(each.get("command", 0)) for each in told), default=0)
        if read > self._state.read:
            self._tell(read=read)
        self._trainer = Trainer(self._recipe, saved=self._newest(len(told)), helpers=self._helpers)
        while self._trainer.events < len(told):
            expected = told[self._trainer.events]
            if expected["kind"] == Changed.kind:
                self._trainer.change_rate(float(expected["asked"]))
            event = next(self._trainer, None)
            if event is None or event.kind != expected["kind"]:
                raise ValueError("The run cannot go on: its log tells of another training than its recipe.")
        self._saved_at = -1

    def _newest(self, events: int) -> Saved | None:
        """The last state saved that is not ahead of the log; None: from the beginning."""
        names = [name for name in self._runs.checkpoints(self._folder.name) if name != "best"]
        for name in sorted(names, reverse=True):  # "last" comes before the digits then
            with suppress(ValueError):  # a damaged file: there are older ones
                tensors, facts = weights.read(self._folder / "checkpoints" / f"{name}.safetensors")
                if int(facts.get("events", events + 1)) <= events:
                    return Saved(tensors=tensors, facts=facts)
        return None

    def _log(self, event: Event, **more: float) -> None:
        """Write what rides along, then the line that tells of it."""
        if isinstance(event, Evaluation) and event.snapshot is not None:
            _put(self._folder / "snapshots" / f"{event.epoch:04d}.safetensors", event.snapshot)
        if isinstance(event, Checkpoint) and event.state is not None and event.facts is not None:
            weights.save(self._folder / "checkpoints" / f"{event.name}.safetensors", event.state, event.facts)
        now = time.monotonic()
        self._t += now - self._mark
        self._mark = now
        self._journal.append(event, self._t, **more)

    def _save(self) -> None:
        """Write the state after the last event, for the next worker."""
        if self._trainer.events == self._saved_at:
            return
        start = time.monotonic()
        self._journal.settle()  # no state may be ahead of its log
        saved = self._trainer.state()
        weights.save(self._folder / "checkpoints" / "last.safetensors", saved.tensors, saved.facts)
        self._saved_at = self._trainer.events
        end = time.monotonic()
        self._save_next = end + max(_EVERY, (end - start) / _SHARE)

    def _tell(self, **changes: Any) -> None:
        self._state = replace(self._state, **changes)
        write_state(self._lock, self._state)

    def _conclude(self, event: Done | Failed) -> None:
        conclude(self._folder, self._lock, event, self._journal)


def _by_hand(told: dict[str, Any]) -> bool:
    """Whether a line of a log is none that the trainer tells: it ended, or took over, a run that goes on."""
    return told["kind"] == Failed.kind or told.get("reason") in ("stopped", "limit") or AGAIN in told


def _put(path: Path, arrays: Arrays) -> None:
    """Write a snapshot in one go."""
    content = pack({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    beside = path.with_name(f".{path.name}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def work(folder: Path, leave: threading.Event, helpers: Helpers | None = None) -> int:
    """Train the run in a folder; the exit code."""
    with Lock(folder / "lock") as lock:
        if not lock.take():
            return BUSY
        Work(folder, lock, leave, helpers).run()
    return ENDED


def assist(folder: Path, leader: Leader) -> int:
    """Help the process that trains the run in a folder, until it ends; the exit code."""
    Trainer(Runs(folder.parent).recipe(folder.name)).help(leader)
    return ENDED


def _demand_memory(recipe: Recipe) -> None:
    """ValueError with a sentence where the training surely does not fit into the free memory."""
    side, spare = recipe.size, free()
    anatomy = dissect(recipe.specimen.skeleton(input_size=side), (channels(recipe), side, side))
    least = needed(anatomy, recipe.batch, training=True)
    if spare is not None and least > spare:
        raise ValueError(
            f"A step of {recipe.batch} pictures needs {least / 2**30:.1f} GiB of memory, and "
            f"{spare / 2**30:.1f} GiB are free. A smaller batch, network or picture needs less."
        )


def _warm_up() -> None:
    """Train on a few pictures: much of torch loads when it is first used, and the default data are drawn."""
    recipe = Recipe()
    split = split_of(recipe)
    few = [Pictures(images=all.images[:8], labels=all.labels[:8]) for all in (split.train, split.validation)]
    small = replace(split, train=few[0], validation=few[1])
    for _ in Trainer(replace(recipe, epochs=1, batch=8), small):
        pass


def _begin(leave: threading.Event, folder: str, rank: int, size: int, meeting: str, here: bool) -> int:
    """Do what a pool has asked for; see `training.pool.tasks`."""
    if size == 1:
        return work(Path(folder), leave)
    if here:  # then nobody outside this machine shall reach them
        for _, name in socket.if_nameindex():
            if name.startswith("lo"):
                os.environ.setdefault("GLOO_SOCKET_IFNAME", name)
    place = Path(folder, meeting)
    if rank:
        return assist(Path(folder), Leader(place, rank, size))
    try:
        return work(Path(folder), leave, Helpers(place, size))
    finally:
        place.unlink(missing_ok=True)


def _listen(leave: threading.Event) -> None:
    """Wait for a word from the server, and for its end."""
    while sys.stdin.readline():
        leave.set()
    os._exit(ENDED)


def _step_back() -> None:
    """Let the server and its readers go first, in time and, where the system can tell, in memory."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    leave_room_for_others()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then closes standard input
    torch.set_num_threads(1)
    _warm_up()
    asked = sys.stdin.readline()
    if not asked:
        return
    leave = threading.Event()
    threading.Thread(target=_listen, args=(leave,), daemon=True).start()
    _step_back()
    code = _begin(leave, **json.loads(asked))
    sys.stderr.flush()
    os._exit(code)  # a thread still reads


if __name__ == "__main__":
    main()
