"""The processes that train: as many at once as the machine has cores, the others wait for their turn."""

import json
import logging
import secrets
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from training import data
from training.cluster import LOST, Cluster, Remote
from training.events import Done, Failed
from training.lock import Lock, held
from training.process import Process
from training.recipe import Recipe
from training.runs import ACTIVE, ENDED, POOLS, Runs, State, write_state
from zoo import limits, log

_TICK = 0.05  # seconds between two looks at the processes
_AGAIN = 10.0  # seconds until the next try where a process ends before it has begun
_LATER = 3.0  # seconds after the start of a run at which the next process begins to import
_ROUND = 3.0  # seconds between two looks at other servers
_PATIENCE = 0.15  # seconds that a run gets to stop by itself
_LATE = 2.0  # seconds for a process that is killed to be gone; one on a node may take longer
_LOSSES = 5  # nodes that a run may lose
_GOING = ("queued", "starting", "running", "interrupted")  # states of runs that shall not be left alone
_ENDED, _BUSY = 0, 3  # exit codes of training.worker, which only a process that trains imports
_log = logging.getLogger(__name__)


def shared(runs: Runs) -> bool:
    """Whether other servers train the runs of this folder, or have left some that shall go on."""
    return any((runs.root / POOLS).glob("[!.]*"))


@dataclass
class Pool:
    """Trains the runs of a folder in processes of their own, here or on a cluster; they end with this one.

    One process is kept warm, so that a run begins at once. All methods can be called from any thread. Where
    several pools share a folder, or a run is trained in a terminal, no run is worked at twice.
    """

    runs: Runs
    slots: int = 0  # runs at once; 0: as many as the server's owner wants
    keep_warm: bool = True  # have a process waiting for the next run
    command: tuple[str, ...] = ()  # what such a process runs, if not `training.worker`
    cluster: Cluster | None = None  # where they run; None: on this machine
    _queue: list[str] = field(default_factory=list, init=False)
    _working: dict[str, Process | Remote] = field(default_factory=dict, init=False)
    _stopping: set[str] = field(default_factory=set, init=False)  # of them, those that a reader wants to end
    _helping: list[tuple[str, Process | Remote]] = field(default_factory=list, init=False)  # `training.team`
    _losses: Counter[str] = field(default_factory=Counter, init=False)  # of nodes, of each run
    _spare: Process | Remote | None = field(default=None, init=False)
    _again: float = field(default=0.0, init=False)  # when to start the next spare, after one that failed
    _inherits: bool = field(default=False, init=False)  # takes over from other pools
    _round: float = field(default=0.0, init=False)  # when to look what other servers have done
    _deaf: set[str] = field(default_factory=set, init=False)  # who had not heard that it shall stop by then
    _closed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.slots = self.slots or limits.TRAININGS.value or limits.cores()
        self.keep_warm = self.keep_warm and self.cluster is None  # a core kept is one that others lack
        self.id = secrets.token_hex(8)
        self._changed = threading.Condition(threading.RLock())
        self._alive = self._sign_on()
        self._thread = threading.Thread(target=self._tend, daemon=True, name="training.pool")
        self._thread.start()

    def submit(
        self, recipe: Recipe, *, group: str | None = None, limit: float | None = None, owner: str = ""
    ) -> str:
        """Begin a run, or queue it; its id. ValueError where data, queue or disk do not allow it.

        `limit`: as in `Runs.submit`. `owner`: the secret of the browser that asks; its oldest runs that have
        ended may go to make room.
        """
        data.dataset(recipe.data)  # an unknown name is refused before anything is stored
        with self._room(owner):
            id = self.runs.submit(recipe, group=group, limit=limit, pool=self.id, owner=owner)
            self._enqueue(id)
        return id

    def fork(
        self, id: str, epoch: int, changes: Mapping[str, Any] | None = None, *, source: Runs | None = None,
        owner: str = "",
    ) -> str:  # fmt: skip
        """Begin a run that takes over another from a checkpoint, see `Runs.fork`; its id."""
        with self._room(owner):
            new = self.runs.fork(id, epoch, changes, source=source, pool=self.id, owner=owner)
            self._enqueue(new)
        return new

    def recover(self) -> None:
        """Queue what was under way when a server ended, in the order in which it was submitted.

        From now on this pool also takes over from every other one that shares the folder and dies.
        """
        self._inherits = True
        for run in reversed(self.runs.list()):
            if run.status not in ("queued", "interrupted"):
                continue
            try:
                state = self.runs.state(run.id)
                if state is not None and not (state.pool and self.runs.lives(state.pool)):
                    self._go_on(run.id)
            except (OSError, ValueError) as error:  # deleted, or its disk does not take it: the others go on
                _log.error("The run %s cannot go on: %s", run.id, error)

    def play(self, id: str) -> None:
        """Let a run go on, also one that was stopped or failed. ValueError for one that is finished."""
        self._ask(id, "play")

    def step(self, id: str) -> None:
        """Let a run go on for one step."""
        self._ask(id, "step")

    def epoch(self, id: str) -> None:
        """Let a run go on to the end of the epoch."""
        self._ask(id, "epoch")

    def pause(self, id: str) -> None:
        """Let a run rest after the step under way."""
        with self._changed:
            if id in self._queue and self._rewrite(id, status="paused"):
                self._queue.remove(id)
                return
        self.runs.command(id, "pause")

    def rate(self, id: str, rate: float) -> None:
        """Change the learning rate from the next step on."""
        self.runs.rate(id, rate)

    def stop(self, id: str) -> None:
        """End a run, within half a second. What it has told stays; a run that has ended stays as it is."""
        with self._changed:
            if id in self._queue:
                self._queue.remove(id)
            worker = self._working.get(id)
            if worker:
                self._stopping.add(id)
        if self.runs.status(id) in ENDED:
            return
        self.runs.command(id, "stop")
        if worker:
            if worker.ended(_PATIENCE) is None:
                worker.kill()
                worker.ended(_LATE)
            with self._changed:
                self._reap()
        else:
            self.runs.end(id, Done(epoch=0, step=0, reason="stopped"))

    def place(self, id: str) -> int | None:
        """Which in the queue the run is, from 1; None where it does not wait."""
        with self._changed:
            return self._queue.index(id) + 1 if id in self._queue else None

    def close(self) -> None:
        """End all processes. What was under way resumes where it was, when a pool recovers it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        all = (*self._working.values(), *(each for _, each in self._helping), self._spare)
        workers = [each for each in all if each is not None]
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.ended(_LATE)
        if self.cluster:
            self.cluster.close()
        if self._alive:
            self._alive.close()
            if not (self._queue or self._working):  # nothing for others to take over
                (self.runs.root / POOLS / self.id).unlink(missing_ok=True)

    def _sign_on(self) -> Lock | None:
        """Tell other processes that this pool lives; None where nothing can be written, and no run begins."""
        try:
            (self.runs.root / POOLS).mkdir(parents=True, exist_ok=True)
            with self._register():
                lock = Lock(self.runs.root / POOLS / self.id)
                lock.take()
        except OSError as error:
            _log.error("Nothing can be trained: %s", error)
            return None
        return lock

    @contextmanager
    def _register(self) -> Iterator[None]:
        """Have the folder of the pools alone: nobody takes for dead who is just signing on."""
        with Lock(self.runs.root / POOLS / ".lock") as lock:
            lock.take(_ROUND)  # who holds it for longer is stuck
            yield

    def _look_around(self) -> None:
        """See to what happens on other servers, now and then."""
        if self._alive is None or time.monotonic() < self._round:
            return
        self._round = time.monotonic() + _ROUND
        if self._inherits:
            self._inherit()
        deaf = {id for id in self._working if id not in self._stopping and self._unheard(id)}
        for id in deaf & self._deaf:
            self._stopping.add(id)
            self._working[id].kill()
        self._deaf = deaf

    def _inherit(self) -> None:
        """Queue what pools have left that are gone, and strike those off of which nothing is left."""
        with self._register():
            gone = [each for each in (self.runs.root / POOLS).glob("[!.]*") if not held(each)]
        if not gone:
            return
        self.recover()
        left = {self._pool_of(run.id) for run in self.runs.list() if run.status in _GOING}
        for each in gone:
            if each.name not in left:  # else a process of theirs is about to end
                each.unlink(missing_ok=True)

    def _pool_of(self, id: str) -> str:
        with suppress(OSError, ValueError):
            state = self.runs.state(id)
            return state.pool if state is not None else ""
        return ""

    def _unheard(self, id: str) -> bool:
        """Whether a run was asked to stop, perhaps by another server, and has not read that yet."""
        with suppress(ValueError):  # deleted
            state = self.runs.state(id)
            wishes = self.runs.commands(id, state.read)[0] if state is not None else []
            return any(wish["command"] == "stop" for wish in wishes)
        return False

    def _demand_room(self) -> None:
        if self.cluster and self.cluster.trouble:
            raise ValueError(self.cluster.trouble)
        most = limits.RUNS_WAITING.value
        if len(self._queue) >= most:
            raise ValueError(f"{most} runs are waiting already. Try again when some of them have ended.")

    @contextmanager
    def _room(self, owner: str) -> Iterator[None]:
        """Hold the pool while a run is added for a browser; then its oldest beyond the limit go."""
        most = limits.RUNS_PER_BROWSER.value
        with self._changed:
            self._demand_room()
            own = self.runs.owned(owner) if owner else ()
            if sum(run.status in ACTIVE for run in own) >= most:
                raise ValueError(
                    f"{most} runs from this browser wait, train or rest already. Stop one of them first."
                )
            yield
            idle = [run.id for run in reversed(own) if run.status not in ACTIVE]
            for old in idle[: max(len(own) + 1 - most, 0)]:
                with suppress(ValueError):  # it goes on, in another window
                    self.runs.delete(old)

    def _ask(self, id: str, command: str) -> None:
        """Append a wish, and queue the run where nobody works at it."""
        with self._changed:
            status = self.runs.status(id)
            if status == "finished":
                raise ValueError("This run is finished. Take it over with more epochs to train it further.")
            self._losses.pop(id, None)
            if status in ENDED:  # what was asked before it ended is no longer wanted
                self._rewrite(id, read=self.runs.commands(id)[1])
            self.runs.command(id, command)
            if id not in self._queue and id not in self._working:
                self._demand_room()
                self._go_on(id)

    def _go_on(self, id: str) -> None:
        """Queue a run that exists, unless somebody works at it."""
        with self._changed:
            if id not in self._queue and self._rewrite(id, status="queued", pool=self.id, note=""):
                self._enqueue(id)

    def _enqueue(self, id: str) -> None:
        self._queue.append(id)
        self._changed.notify_all()

    def _rewrite(self, id: str, **changes: Any) -> bool:
        """Change the state of a run; False where somebody works at it."""
        with self.runs.locked(id, 0.1) as lock:
            if lock is not None:
                write_state(lock, replace(self.runs.state(id) or State(), **changes))
            return lock is not None

    def _tend(self) -> None:
        with self._changed:
            while not self._closed:
                try:
                    if self.cluster:
                        self.slots = self.cluster.slots
                    self._reap()
                    self._begin()
                    self._keep_warm()
                    self._look_around()
                except Exception:  # a disk or a process table that is full: the next look may find room
                    _log.exception("Tending the training processes failed.")
                self._changed.wait(_TICK)

    def _begin(self) -> None:
        """Give runs to processes, as long as there is room; those who rest make room for those who wait."""
        while self._queue and (free := self.slots - len(self._working) - len(self._helping)) > 0:
            id, state, wanted = self._queue[0], None, 1
            with suppress(OSError, ValueError):  # deleted
                folder, state = self.runs.path(id).resolve(), self.runs.state(id)
                wanted = self.runs.recipe(id).workers
            if state is None or (state.status, state.pool) != ("queued", self.id):
                del self._queue[0]  # another server has stopped it, let it rest, or queued it anew
                continue
            worker, self._spare = self._spare or self._start(), None
            helpers = [self._start() for _ in range(min(wanted, free) - 1)]
            del self._queue[0]
            said = tasks(folder, 1 + len(helpers), here=self.cluster is None)
            for each, task in zip((worker, *helpers), said, strict=True):
                each.say(task)
            self._helping += [(id, each) for each in helpers]
            self._working[id] = worker
            self._again = time.monotonic() + _LATER
        for id, worker in self._working.items() if self._queue else ():
            if self.runs.status(id) == "paused":
                worker.say("leave")
        if self._queue and self._helping:  # a run whose helpers go is slower, and nothing else
            self._dismiss(self._helping[-1][0])

    def _dismiss(self, id: str) -> None:
        """Let the processes go that help with a run."""
        for helped, helper in self._helping:
            if helped == id:
                helper.kill()

    def _keep_warm(self) -> None:
        """Have one process waiting; it starts when the last run is well under way, not to hold it up."""
        ended = self._spare.ended(0) if self._spare is not None else None
        if ended is not None:
            _log.error("A training process ended before it began.\n%s", ended[1])
            self._spare, self._again = None, time.monotonic() + _AGAIN
        if not self.keep_warm or self._spare is not None or time.monotonic() < self._again:
            return
        self._spare = self._start()

    def _start(self) -> Process | Remote:
        return self.cluster.start(self.command) if self.cluster else Process(self.command)

    def _reap(self) -> None:
        """Write down what became of processes that have ended."""
        for id, worker in list(self._working.items()):
            ended = worker.ended(0)
            if ended is None or (ended[0] == LOST and held(self.runs.root / id / "lock")):
                continue  # a node that cannot be reached may still work at it
            del self._working[id]
            self._dismiss(id)
            with suppress(ValueError):  # deleted meanwhile
                self._settle(id, *ended)
                if (status := self.runs.status(id)) in ENDED:
                    log.event("run ended", run=id, status=status)
                self.runs.prune()
            self._stopping.discard(id)
        for id, helper in list(self._helping):
            if (ended := helper.ended(0)) is not None:
                self._helping.remove((id, helper))
                if id in self._working:
                    _log.warning("A process that helped with the run %s has ended.\n%s", id, ended[1])

    def _settle(self, id: str, code: int, complaint: str) -> None:
        if code == _BUSY:
            return
        if id in self._stopping:
            self.runs.end(id, Done(epoch=0, step=0, reason="stopped"))
        elif code == _ENDED:
            state = self.runs.state(id)
            if state is not None and state.status == "paused":
                wishes, _ = self.runs.commands(id, state.read)
                if any(wish["command"] in ("play", "step", "epoch") for wish in wishes):
                    self._go_on(id)  # asked for while it was leaving
        elif code == LOST and self._losses[id] < _LOSSES:
            _log.warning("The node of the run %s is lost.\n%s", id, complaint)
            self._losses[id] += 1
            if self._rewrite(id, status="queued", pool=self.id):
                self._queue.insert(0, id)
        else:
            _log.error("The process of the run %s ended with %s.\n%s", id, code, complaint)
            self.runs.end(id, Failed(step=0, reason=_reason(code, complaint)))


def tasks(folder: Path, size: int, *, here: bool = True) -> list[str]:
    """What to say to the `size` processes that begin with a run, the one that leads first.

    `here`: whether all are on this machine.
    """
    for old in folder.glob(".meeting-*"):
        old.unlink(missing_ok=True)
    meeting = f".meeting-{secrets.token_hex(8)}"  # one that came late to the last one finds nobody here
    together = {"folder": str(folder), "meeting": meeting, "size": size, "here": here}
    return [json.dumps(together | {"rank": rank}) for rank in range(size)]


def _reason(code: int, complaint: str) -> str:
    """Why a process ended, in a sentence."""
    if code == LOST:
        return f"The machine of this run was lost {_LOSSES + 1} times. Play goes on where it was."
    if code < 0 and code != -signal.SIGKILL:
        with suppress(ValueError):
            return f"The process of this run crashed ({signal.Signals(-code).name})."
    if code < 0:
        return "The system ended the process of this run, most likely because memory ran out."
    said = (complaint.strip().splitlines() or ["it ended without a word"])[-1]
    return f"The training failed: {said[:300].rstrip('.')}."
