"""The learning rate of every step: torch's schedulers, stepped on an optimiser that optimises nothing.

What a page draws before the start and what the run uses come from the same class.
"""

import torch
from torch.optim import SGD, lr_scheduler

from training.recipe import Recipe

WARM_UP_FROM = 0.01  # of the peak


def steps_in_epoch(images: int, batch: int, workers: int = 1) -> int:
    """Steps in which `images` pictures are seen once, the last of them with what is left.

    What would leave a worker with less than two pictures is left out: a batch norm has nothing to compare a
    single one with.
    """
    whole = batch * workers
    return max(1, images // whole + (images % whole >= 2 * workers))


class Schedule:
    """The rate of the next step. `advance` after every step, `judge` after every epoch."""

    def __init__(self, recipe: Recipe, steps_per_epoch: int) -> None:
        total = recipe.epochs * steps_per_epoch
        self._left = total - 1  # steps after the next one
        warm = round(recipe.warm_up * steps_per_epoch)
        self._shadow = SGD([torch.zeros(1)], lr=recipe.peak)
        self._plateau: lr_scheduler.ReduceLROnPlateau | None = None
        self._each_step: lr_scheduler.LRScheduler | None = None
        if recipe.schedule == "plateau":
            self._plateau = lr_scheduler.ReduceLROnPlateau(
                self._shadow, factor=recipe.step_factor, patience=recipe.step_every
            )
            self._each_step = self._rise(warm) if warm else None  # leaves the rate alone once it has risen
            return
        if warm == 0:
            self._each_step = self._main(recipe, total, steps_per_epoch)
            return
        parts = [self._rise(warm), self._main(recipe, total - warm, steps_per_epoch)]
        self._each_step = lr_scheduler.SequentialLR(self._shadow, parts, milestones=[warm])

    def _rise(self, steps: int) -> lr_scheduler.LRScheduler:
        return lr_scheduler.LinearLR(self._shadow, start_factor=WARM_UP_FROM, total_iters=steps)

    def _main(self, recipe: Recipe, steps: int, steps_per_epoch: int) -> lr_scheduler.LRScheduler:
        match recipe.schedule:
            case "step":
                every = recipe.step_every * steps_per_epoch
                return lr_scheduler.StepLR(self._shadow, every, gamma=recipe.step_factor)
            case "cosine":
                return lr_scheduler.CosineAnnealingLR(self._shadow, T_max=max(1, steps))
            case "one-cycle":
                return lr_scheduler.OneCycleLR(
                    self._shadow, max_lr=recipe.peak, total_steps=steps, cycle_momentum=False
                )
            case _:
                return lr_scheduler.ConstantLR(self._shadow, factor=1.0, total_iters=0)

    @property
    def rate(self) -> float:
        """What the next step uses."""
        rate: float = self._shadow.param_groups[0]["lr"]
        return rate

    def advance(self) -> None:
        """A step has been made. After the last one the rate stays as it is."""
        if self._left == 0:
            return
        self._left -= 1
        self._shadow.step()  # which is nothing, but torch warns where it is left out
        if self._each_step:
            self._each_step.step()

    def judge(self, loss: float) -> None:
        """An epoch has ended with this validation loss: a plateau acts on it."""
        if self._plateau:
            self._plateau.step(loss)


def planned(recipe: Recipe, steps_per_epoch: int) -> tuple[float, ...]:
    """The rate of each step, as far as it is known before the start: a plateau acts on what it will see."""
    schedule = Schedule(recipe, steps_per_epoch)
    rates = []
    for _ in range(recipe.epochs * steps_per_epoch):
        rates.append(schedule.rate)
        schedule.advance()
    return tuple(rates)
