"""EMA and SWA against their definitions."""

import torch
from torch import Tensor

from tests.training.test_loop import RESNET, SPLIT, recipe
from training.events import Evaluation, Step
from training.loop import Trainer

NAME = "stages.0.0.conv1.weight"


def weights(trainer: Trainer, kind: str = "model.") -> Tensor:
    return trainer.state().tensors[kind + NAME].double()


def test_ema_is_the_moving_average_of_the_weights_after_each_step() -> None:
    trainer, expected = Trainer(recipe(specimen=RESNET, ema=0.8), SPLIT), None
    for event in trainer:
        if isinstance(event, Step):
            now = weights(trainer)
            expected = now if expected is None else 0.8 * expected + 0.2 * now
    assert expected is not None
    torch.testing.assert_close(weights(trainer, "average.module."), expected, rtol=1e-5, atol=1e-7)
    assert not torch.equal(weights(trainer), weights(trainer, "average.module."))


def test_swa_is_the_mean_of_the_weights_after_the_last_epochs() -> None:
    """From half of six epochs on: the mean of those after the fourth, the fifth and the sixth."""
    trainer, points, told = Trainer(recipe(specimen=RESNET, swa=0.5, epochs=6), SPLIT), [], []
    for event in trainer:
        if isinstance(event, Step) and event.step % 4 == 0 and event.step > 12:
            points.append(weights(trainer))
        if isinstance(event, Evaluation) and event.weights == "swa":
            told.append(event.epoch)
    assert told == [4, 5, 6]
    expected = torch.stack(points).mean(0)
    torch.testing.assert_close(weights(trainer, "average.module."), expected, rtol=1e-5, atol=1e-7)


def test_the_norms_of_an_swa_network_belong_to_its_weights() -> None:
    """Its running means are those of the training pictures, seen in full by the averaged weights."""
    trainer = Trainer(recipe(specimen=RESNET, swa=0.5, epochs=3, batch=16), SPLIT)
    for _ in trainer:
        pass
    assert trainer._average is not None
    network = trainer._average.model.module
    images = trainer._normalised(SPLIT.train.images)
    with torch.no_grad():
        means = network.get_submodule("stem.conv1")(images).mean((0, 2, 3))
    running = network.get_buffer("stem.norm1.running_mean")
    torch.testing.assert_close(running, means, rtol=1e-4, atol=1e-5)
