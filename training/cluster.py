"""Training on a Ray cluster: every run has a core of some node, as long as it is worked at.

`training.process` runs there as it does here, and the pool tells it the same words. What a pool and a worker
do not tell each other they read from the run's folder, so the nodes need the same code, pictures and runs
under the same paths as the server. The lock of a run has to hold between machines: over NFS from version 4 on
it does. Where a node dies, NFS lets its locks fall when their lease ends, and the run goes on elsewhere.

Ray is imported only where a cluster is asked for, and the server is a client of it: no fault of the cluster
ends the server.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

from training.process import Process
from zoo import limits, weights

LOST = 256  # instead of an exit code: the node is gone, or the cluster, or the way there

_HERE = "ray://127.0.0.1:10001"
_ROOT = Path(__file__).parents[1]
_LOOK = 2.0  # seconds between two looks at what the cluster has
_AGAIN = 10.0  # seconds until the next try to reach it
_PATIENCE = 1.0  # seconds in which a node ends a process
_log = logging.getLogger(__name__)


class Remote:
    """A process on a node, as `Process` is one here. No method waits for the cluster."""

    def __init__(self, process: Any) -> None:
        self._process = process
        self._ending: Future[tuple[int, str]] = process.ended.remote().future()

    def say(self, word: str) -> None:
        self._tell("say", word)

    def ended(self, patience: float | None = None) -> tuple[int, str] | None:
        """As `Process.ended`; the code is `LOST` where nobody can tell any more."""
        from ray.exceptions import OutOfMemoryError

        if not wait([self._ending], patience).done:
            return None
        try:
            ended = self._ending.result()
        except OutOfMemoryError as error:
            return -signal.SIGKILL, str(error)
        except Exception as error:  # Ray's own, gRPC's, a connection's
            return LOST, str(error)
        self._tell("__ray_terminate__")  # gives the core back
        return ended

    def kill(self) -> None:
        """Let it end at once. Where its node does not answer, or has no core for it yet, Ray forgets it."""
        self._tell("kill")
        late = threading.Timer(_PATIENCE, self._forget)
        late.daemon = True
        late.start()

    def _forget(self) -> None:
        if not self._ending.done():
            with suppress(Exception):  # as in `ended`, where it is seen
                sys.modules["ray"].kill(self._process)

    def _tell(self, method: str, *words: str) -> None:
        with suppress(Exception):  # as in `ended`, where it is seen
            getattr(self._process, method).remote(*words)


class Cluster:
    """The cluster at an address "ray://host:port"; "local" is one that was started on this machine.

    It is looked for until `close`; when it comes back after it was gone, it is used again.
    """

    def __init__(self, address: str) -> None:
        self.address = _HERE if address in ("auto", "local") else address
        self.slots = 0  # runs at once, one a core of a node; 0 as long as the cluster is not reached
        self.trouble = ""  # why it is not, in a sentence
        self._hire: Any = None  # makes a `Process` on some node
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="training.cluster")
        self._thread.start()

    def start(self, command: Sequence[str] = ()) -> Remote:
        """A process on a node; where all cores are taken, by others as well, it begins when one is free."""
        try:
            return Remote(self._hire.remote(command))
        except Exception:
            self._hire, self.slots = None, 0  # the next look begins anew
            raise

    def close(self) -> None:
        """End all that was started."""
        self._closed.set()
        self._thread.join(_PATIENCE)  # it may be waiting for a cluster that does not answer

    def _watch(self) -> None:
        while not self._closed.is_set():
            try:
                if self._hire is None:
                    self._connect()
                import ray

                cores = int(ray.cluster_resources().get("CPU", 0))
                self.slots, self.trouble = min(cores, limits.TRAININGS.value or cores), ""
            except Exception as error:
                if not self.trouble:
                    _log.exception("The cluster cannot be used.")
                self.slots, self.trouble = 0, _sentence(error, self.address)
                self._disconnect()
            self._closed.wait(_AGAIN if self.trouble else _LOOK)
        self._disconnect()

    def _connect(self) -> None:
        if not self.address.startswith("ray://"):
            raise ValueError(f"The cluster's address has to be ray://host:port, not {self.address}.")
        # A lost connection ends what was started over it at once, so that it can begin again elsewhere.
        os.environ["RAY_CLIENT_RECONNECT_GRACE_PERIOD"] = "0"
        import ray

        there = {"PYTHONPATH": str(_ROOT), "ZOOLENS_DATA": str(weights.data_root().resolve())}
        ray.init(
            self.address, log_to_driver=False, logging_level=logging.ERROR, runtime_env={"env_vars": there}
        )
        self._hire = ray.remote(
            num_cpus=1, max_restarts=0, max_concurrency=3, scheduling_strategy="SPREAD",
        )(Process)  # fmt: skip

    def _disconnect(self) -> None:
        self._hire = None
        if "ray" in sys.modules:
            with suppress(Exception):
                sys.modules["ray"].shutdown()


def _sentence(error: Exception, address: str) -> str:
    """Why no run can begin."""
    if isinstance(error, ValueError):
        return str(error)
    if isinstance(error, ImportError):
        return (
            "Ray is not installed on this server. `pip install -r requirements-cluster.txt` brings it; "
            "without ZOOLENS_CLUSTER runs train on this machine."
        )
    return f"The cluster at {address} cannot be reached. Try again when it is back."


def asked_for() -> Cluster | None:
    """The cluster of $ZOOLENS_CLUSTER; None where it is not set: runs train on this machine."""
    address = os.environ.get("ZOOLENS_CLUSTER")
    return Cluster(address) if address else None
