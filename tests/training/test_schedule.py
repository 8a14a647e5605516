"""The rates that are drawn before the start are those that the optimiser uses."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch.optim import SGD, lr_scheduler

from tests.training.test_loop import SPLIT, recipe
from training.events import Evaluation, Started, Step
from training.loop import Trainer
from training.recipe import Recipe
from training.schedule import Schedule, planned, steps_in_epoch

CASES: list[dict[str, Any]] = [
    {"schedule": "constant"},
    {"schedule": "constant", "warm_up": 1},
    {"schedule": "step", "step_every": 1, "step_factor": 0.5},
    {"schedule": "step", "step_every": 1, "warm_up": 0.6},
    {"schedule": "cosine"},
    {"schedule": "cosine", "warm_up": 1.5},
    {"schedule": "one-cycle"},
    {"schedule": "cosine", "linear_scaling": True},
]


def words(changes: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in changes.items())


@pytest.mark.parametrize("changes", CASES, ids=words)
def test_what_is_drawn_is_what_is_used(changes: dict[str, Any]) -> None:
    wanted = recipe(epochs=3, **changes)
    events = list(Trainer(wanted, SPLIT))
    used = [event.rate for event in events if isinstance(event, Step)]
    (started,) = (event for event in events if isinstance(event, Started))
    assert used == list(planned(wanted, started.steps_per_epoch))
    assert used == list(started.rates)  # of so few steps all are told
    assert max(used) <= started.peak


def test_the_optimiser_is_set_to_the_rate_that_is_told() -> None:
    """Plain SGD without decay moves each weight by the rate times its gradient."""
    trainer = Trainer(recipe(optimiser="sgd", weight_decay=0, warm_up=1), SPLIT)
    before = None
    for event in trainer:
        after = trainer.state().tensors["model.head.bias"]
        if isinstance(event, Step) and before is not None:
            gradient = trainer._network.get_parameter("head.bias").grad
            assert gradient is not None
            torch.testing.assert_close(before - after, event.rate * gradient)
        before = after


def test_cosine_is_the_cosine() -> None:
    rates = torch.tensor(planned(Recipe(epochs=5, rate=0.2), 10), dtype=torch.float64)
    expected = 0.1 * (1 + torch.cos(torch.pi * torch.arange(50, dtype=torch.float64) / 50))
    torch.testing.assert_close(rates, expected)


def test_a_warm_up_rises_in_a_line_and_hands_over() -> None:
    rates = planned(Recipe(schedule="step", step_every=2, warm_up=1, rate=0.1, epochs=4), 10)
    rises = [b - a for a, b in pairwise(rates[:11])]
    assert rates[0] == pytest.approx(0.001)
    assert rises == pytest.approx([0.0099] * 10)
    assert rates[10:30] == pytest.approx((0.1,) * 20)
    assert rates[30:] == pytest.approx((0.01,) * 10)


def test_linear_scaling_scales_the_peak() -> None:
    """Goyal et al.: the batch four times as large, the rate as well."""
    assert Recipe(batch=256, rate=0.05, linear_scaling=True).peak == pytest.approx(0.2)
    assert max(planned(Recipe(batch=256, rate=0.05, linear_scaling=True), 4)) == pytest.approx(0.2)


def test_a_plateau_is_drawn_flat_and_acts_on_the_validation_loss() -> None:
    wanted = recipe(schedule="plateau", step_every=1, epochs=8, rate=0.3)
    assert len(set(planned(wanted, 4))) == 1
    events = list(Trainer(wanted, SPLIT))
    used = [event.rate for event in events if isinstance(event, Step)]
    shadow = SGD([torch.zeros(1)], lr=0.3)
    plateau = lr_scheduler.ReduceLROnPlateau(shadow, factor=0.1, patience=1)
    expected = []
    for evaluation in (event for event in events if isinstance(event, Evaluation)):
        if evaluation.epoch:
            plateau.step(evaluation.loss)
        expected += [shadow.param_groups[0]["lr"]] * 4
    assert used == expected[: len(used)]
    assert len(set(used)) > 1, "nothing was reduced: the case tests nothing"


def test_after_the_last_step_the_rate_stays() -> None:
    schedule = Schedule(Recipe(schedule="one-cycle", epochs=1), 3)
    for _ in range(9):
        schedule.advance()
    assert schedule.rate == planned(Recipe(schedule="one-cycle", epochs=1), 3)[-1]


@pytest.mark.parametrize(
    ("images", "batch", "steps"),
    [(64, 64, 1), (65, 64, 1), (66, 64, 2), (1, 64, 1), (3, 1, 3), (4_000, 64, 63), (10, 64, 1)],
)
def test_steps_in_an_epoch(images: int, batch: int, steps: int) -> None:
    assert steps_in_epoch(images, batch) == steps
