"""Several workers for one run: they learn what one with the whole batch learns, whoever does the work."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F

from tests.training.mortal import COMMAND
from tests.training.mortal import recipe as short
from tests.training.test_loop import DEVIATION, MEAN, RESNET, recipe, split
from tests.training.test_worker import same, told, undisturbed
from tests.waiting import until
from training.chance import order
from training.events import Step, to_dict
from training.loop import Trainer
from training.network import build
from training.pool import Pool, tasks
from training.process import Process
from training.runs import Runs
from training.team import Helpers


def ended(pool: Pool, id: str) -> bool:
    return pool.runs.status(id) == "finished"


WORKER = (*COMMAND, "worker")


@pytest.fixture(scope="module", autouse=True)
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOOLENS_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_without_batch_norm_are_one_with_the_whole_batch(workers: int) -> None:
    """In float64, over two epochs of a batch of 16 and one of 15, which no number of workers divides."""
    torch.set_default_dtype(torch.float64)
    try:
        one, many = (
            Trainer(recipe(batch=16 // n, workers=n, optimiser="adamw", clip=0.5), split(images=31))
            for n in (1, workers)
        )
        for trainer in (one, many):
            trainer._network.double()
        kinds = [[event.kind for event in trainer] for trainer in (one, many)]
    finally:
        torch.set_default_dtype(torch.float32)
    assert kinds[0] == kinds[1]
    first, second = one.state().tensors, many.state().tensors
    for name in first:
        torch.testing.assert_close(second[name], first[name], atol=1e-9, rtol=1e-9)


def test_the_gradient_is_the_mean_over_all_pictures_and_batch_norms_are_each_workers_own() -> None:
    """Five pictures for two workers: three fifths of the one's gradient and two fifths of the other's.

    What the batch norms remember is what the first worker saw.
    """
    wanted, some = recipe(specimen=RESNET, batch=4, workers=2, epochs=1, optimiser="sgd"), split(images=5)
    trainer = Trainer(wanted, some)
    event = next(event for event in trainer if isinstance(event, Step))
    mean, deviation = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(DEVIATION).view(3, 1, 1)
    chosen = order(5, wanted.seed, "epoch", 0)
    gradients, losses, buffers = [], [], []
    for share in (chosen[:3], chosen[3:]):
        network = build(wanted, 4).train()
        images = (some.train.images[share].float() / 255 - mean) / deviation
        loss = F.cross_entropy(network(images), some.train.labels[share])
        gradients.append(torch.autograd.grad(loss, list(network.parameters())))
        losses.append(loss.item())
        buffers.append(dict(network.named_buffers()))
    for mine, first, second in zip(trainer._network.parameters(), *gradients, strict=True):
        assert mine.grad is not None
        torch.testing.assert_close(mine.grad, (3 * first + 2 * second) / 5)
    assert event.loss == pytest.approx((3 * losses[0] + 2 * losses[1]) / 5)
    for name, buffer in trainer._network.named_buffers():
        assert torch.equal(buffer, buffers[0][name]), name


class Counting(Helpers):
    """Notes for each worker of each step whether another process worked for it."""

    def __init__(self, meeting: Path, size: int) -> None:
        super().__init__(meeting, size)
        self.answers: list[bool] = []

    def got(self, worker: int, network: nn.Module) -> tuple[float, float] | None:
        answer = super().got(worker, network)
        self.answers.append(answer is not None)
        return answer


@pytest.mark.slow
def test_a_helper_changes_nothing_and_may_die(tmp_path: Path) -> None:
    """A process works for one of three workers, with mixed pictures and dropout, until it is killed."""
    wanted = replace(short(epochs=3), workers=3, mixup=0.4, flip=True, images=96)
    runs = Runs(tmp_path)
    folder = runs.path(runs.submit(wanted))
    helper = Process(WORKER)
    own, task = map(json.loads, tasks(folder, 2))
    helper.say(json.dumps(task))
    helpers = Counting(folder / own["meeting"], 2)
    alone, trainer = Trainer(wanted), Trainer(wanted, helpers=helpers)
    until(lambda: helpers._here)
    events = [*islice(trainer, 6)]
    assert helpers.answers == [False, True, False] * 3
    helper.kill()
    assert helper.ended() is not None
    events += trainer
    assert helpers.answers[-3:] == [False] * 3
    assert [to_dict(event) for event in events] == [to_dict(event) for event in alone]
    for name, tensor in alone.state().tensors.items():
        assert torch.equal(trainer.state().tensors[name], tensor), name
    assert not dist.is_initialized()


@pytest.mark.slow
def test_helpers_make_room_for_those_who_wait(tmp_path: Path) -> None:
    """Two cores: both for one run until there is another one, and either tells what it tells alone."""
    pool = Pool(Runs(tmp_path), slots=2, keep_warm=False, command=WORKER)
    wanted = [replace(short(seed, epochs=3, images=160), workers=2) for seed in range(2)]
    first = pool.submit(wanted[0])
    until(lambda: len(pool._helping) == 1)
    until(lambda: len(told(pool.runs, first)) > 4)
    second = pool.submit(wanted[1])
    for id, each in zip((first, second), wanted, strict=True):
        until(partial(ended, pool, id))
        assert same(told(pool.runs, id), undisturbed(each))
    until(lambda: not pool._helping)
    pool.close()
