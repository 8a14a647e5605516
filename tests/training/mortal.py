"""Processes for the tests: workers that come to grief, servers that are killed.

`python -m tests.training.mortal worker`   as `training.worker`, but the recipe's seed says what goes wrong
`python -m tests.training.mortal forks`    works at a run in a fork of itself, for each folder it is told
`python -m tests.training.mortal server`   a pool that recovers the runs of $ZOOLENS_RUNS, until it is killed
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

import torch

from training import worker
from training.cluster import asked_for
from training.events import Event
from training.loop import Trainer
from training.pool import Pool
from training.recipe import Recipe
from training.runs import Runs
from zoo import Specimen

ABORT, KILL, RAISE, HANG, HOARD, FILL, EXIT = range(101, 108)  # seeds
AT = 6  # the event at which it happens
COMMAND = (sys.executable, "-m", "tests.training.mortal")


def recipe(seed: int = 0, *, epochs: int = 2, images: int = 48) -> Recipe:
    """A training of few and short steps."""
    return Recipe(
        specimen=Specimen("nin_classroom"), images=images, validation=16, batch=8, epochs=epochs, seed=seed,
        schedule="constant", rate=0.01, ema=0.5, size=32,
    )  # fmt: skip


class Mortal(Trainer):
    """A trainer to which something happens."""

    cramped: ClassVar[bool] = False

    def __next__(self) -> Event:
        if self.events == AT:
            self._suffer(self.recipe.seed)
        return super().__next__()

    def _suffer(self, seed: int) -> None:
        if seed == ABORT:
            os.abort()
        elif seed == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        elif seed == EXIT:
            os._exit(7)
        elif seed == RAISE:
            raise KeyError("weights")
        elif seed == HANG:
            time.sleep(600)
        elif seed == HOARD:
            torch.zeros(1 << 45)
        elif seed == FILL:
            import resource  # no file may grow beyond what the log has now

            resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))


def forks() -> None:
    """One import of torch for many deaths. Answers each folder with the number of the process."""
    torch.set_num_threads(1)
    worker._EVERY = 0.02  # so that a death often falls into the saving
    worker._SHARE = 0.5
    past = iter(range(10**9, 0, -3600))
    time.time = lambda: float(next(past))  # an hour back at every look
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os._exit(worker.work(Path(line.strip()), threading.Event()))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def server() -> None:
    Pool(Runs(), slots=2, command=(*COMMAND, "worker"), cluster=asked_for()).recover()
    time.sleep(600)


def quick() -> None:
    worker._warm_up = lambda: None
    vars(worker)["Trainer"] = Mortal
    worker.main()


if __name__ == "__main__":
    {"worker": quick, "forks": forks, "server": server}[sys.argv[1]]()
