"""Averages of the weights beside the weights themselves: EMA over steps, SWA over the last epochs."""

from collections.abc import Callable, Iterable
from math import floor

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from training.recipe import Recipe


class Average:
    """The running average that a recipe asks for; `name` is "ema" or "swa"."""

    def __init__(self, recipe: Recipe, network: nn.Module) -> None:
        self.name = "ema" if recipe.ema else "swa"
        self._first = floor(recipe.swa * recipe.epochs)  # epochs before the first point
        if recipe.ema:
            # the running statistics of batch norms are averaged like the weights
            rule = get_ema_multi_avg_fn(recipe.ema)  # type: ignore[no-untyped-call]
            self.model = AveragedModel(network, multi_avg_fn=rule, use_buffers=True)
        else:
            self.model = AveragedModel(network)
        self.model.train()

    @property
    def begun(self) -> bool:
        """Whether anything has been averaged yet."""
        return int(self.model.n_averaged) > 0

    def take_in(self, network: nn.Module, ended: int | None) -> None:
        """Call it after every step; `ended` is the number of the epoch that ended with it, if one did."""
        if self.name == "ema" or (ended is not None and ended > self._first):
            self.model.update_parameters(network)

    def settle(self, batches: Callable[[], Iterable[Tensor]]) -> nn.Module:
        """The averaged network. SWA's batch norms have seen no picture yet: they see these first."""
        if self.name == "swa":
            with torch.no_grad():
                update_bn(batches(), self.model)
        network: nn.Module = self.model.module
        return network


def average_of(recipe: Recipe, network: nn.Module) -> Average | None:
    """The average that the recipe asks for, if any."""
    return Average(recipe, network) if recipe.ema or recipe.swa else None
