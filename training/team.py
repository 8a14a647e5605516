"""Data parallel training: the processes that share the work of every step of one run.

The workers of a recipe are shares of a batch; the processes are as many as there is room for, and process r
of p works for the workers r, r + p, r + 2p, ... The first one leads. At each step it sends its weights to the
others, adds the gradients that come back to its own, worker by worker, and goes one step along their mean.
These are the two halves of what an all-reduce does (DistributedDataParallel, Li et al. 2020,
arXiv:2006.15704). Kept apart, they leave everything else - optimiser, averages, checkpoints, events - to one
process, and a run tells the same to the last bit with any number of processes: one that is lost is missed in
time only, because the leader then works for all.

Processes meet by a file in a folder that all of them see and talk through gloo, on one machine or on several.
"""

import logging
import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

_PATIENCE = timedelta(minutes=2)  # of the leader: until all have come, and until an answer
_FAITH = timedelta(days=7)  # of those who help, while it pauses or judges; they notice at once when it ends
_AT = 1  # tag of what says where the run stands; weights and gradients have none

_log = logging.getLogger(__name__)

Place = tuple[int, int, int]  # epochs ended, steps made in this one, steps made


class Helpers:
    """The other processes, for the one that leads. They may come late, and go."""

    def __init__(self, meeting: Path, size: int) -> None:
        self._size = size
        self._here = False  # whether they have come
        self._asked = False  # whether they work at the step under way
        threading.Thread(target=self._meet, args=(meeting,), daemon=True).start()

    def _meet(self, meeting: Path) -> None:
        try:
            _join(meeting, 0, self._size, _PATIENCE)
        except Exception as error:  # of the store, of gloo, of the network
            _log.warning("Nobody comes to help: %s", error)
            return
        self._here = True

    def tell(self, at: Place, network: nn.Module) -> None:
        """Let them begin with the next step, if they are here."""
        self._asked = self._here
        if not self._asked:
            return
        weights = _flat(network.parameters())
        try:
            requests = [
                dist.isend(tensor, other, tag=tag)
                for other in range(1, self._size)
                for tensor, tag in ((torch.tensor(at), _AT), (weights, 0))
            ]
            for request in requests:
                if request is not None:
                    request.wait()
        except RuntimeError as error:
            self._go_on_alone(error)

    def got(self, worker: int, network: nn.Module) -> tuple[float, float] | None:
        """Add to the gradients what was done for a worker; its loss and share right.

        None where nobody else works for it. The gradient of the first worker has to be there.
        """
        helper = worker % self._size
        if not self._asked or helper == 0:
            return None
        gradients = _gradients(network)
        sizes = [gradient.numel() for gradient in gradients]
        answer = torch.empty(sum(sizes) + 2)
        try:
            dist.recv(answer, helper)
        except RuntimeError as error:
            self._go_on_alone(error)
            return None
        *parts, numbers = torch.split(answer, [*sizes, 2])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.add_(part.view_as(gradient))
        loss, right = numbers.tolist()
        return loss, right

    def _go_on_alone(self, error: RuntimeError) -> None:
        _log.warning("A process that helped is lost; this one goes on without: %s", error)
        self._here = self._asked = False
        with suppress(Exception):  # some of it is broken already
            dist.destroy_process_group()


class Leader:
    """The process that leads, for one of those that help it."""

    def __init__(self, meeting: Path, rank: int, size: int) -> None:
        self._rank, self._size = rank, size
        _join(meeting, rank, size, _FAITH)

    def mine(self, workers: int) -> range:
        """For which of the workers this process works."""
        return range(self._rank, workers, self._size)

    def asks(self, network: nn.Module) -> Place | None:
        """Wait for the next step, and take over the weights; None when the leader is gone."""
        at = torch.empty(3, dtype=torch.int64)
        parameters = list(network.parameters())
        sizes = [parameter.numel() for parameter in parameters]
        weights = torch.empty(sum(sizes))
        try:
            dist.recv(at, 0, tag=_AT)
            dist.recv(weights, 0)
        except RuntimeError:
            return None
        with torch.no_grad():  # into what is there: it keeps its layout
            for parameter, part in zip(parameters, torch.split(weights, sizes), strict=True):
                parameter.copy_(part.view_as(parameter))
        epoch, within, step = at.tolist()
        return epoch, within, step

    def tell(self, network: nn.Module, loss: float, right: float) -> None:
        """Send the gradients, and what came out for the pictures."""
        answer = torch.cat([_flat(_gradients(network)), torch.tensor([loss, right])])
        with suppress(RuntimeError):  # the leader is gone: `asks` tells
            dist.send(answer, 0)


def _join(meeting: Path, rank: int, size: int, patience: timedelta) -> None:
    store = dist.FileStore(str(meeting), size)  # type: ignore[attr-defined]
    dist.init_process_group("gloo", store=store, rank=rank, world_size=size, timeout=patience)


def _flat(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def _gradients(network: nn.Module) -> list[Tensor]:
    return [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
