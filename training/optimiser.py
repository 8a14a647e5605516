"""torch's optimisers as a recipe names them, and their memory as tensors with names."""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from training.recipe import Recipe


def optimiser(recipe: Recipe, network: nn.Module) -> Optimizer:
    """torch's own settings, but for what the recipe says: weight decay acts on every weight.

    Raises ValueError where Nesterov's momentum has no momentum.
    """
    weights, rate, decay = network.parameters(), recipe.peak, recipe.weight_decay
    match recipe.optimiser:
        case "sgd":
            return SGD(weights, lr=rate, weight_decay=decay)
        case "momentum":
            return SGD(weights, lr=rate, momentum=recipe.momentum, weight_decay=decay)
        case "nesterov":
            if recipe.momentum == 0:
                raise ValueError(
                    "Nesterov looks ahead along a momentum above 0. Without one, take plain SGD."
                )
            return SGD(weights, lr=rate, momentum=recipe.momentum, weight_decay=decay, nesterov=True)
        case "adam":
            return Adam(weights, lr=rate, weight_decay=decay)
        case "adamw":
            return AdamW(weights, lr=rate, weight_decay=decay)
        case _:
            return RMSprop(weights, lr=rate, momentum=recipe.momentum, weight_decay=decay)


def memory(optimiser: Optimizer, network: nn.Module) -> dict[str, Tensor]:
    """What the optimiser remembers of each weight: "<name of the weight>.<name of the value>"."""
    return {
        f"{name}.{key}": value
        for name, parameter in network.named_parameters()
        for key, value in optimiser.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def remember(optimiser: Optimizer, network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give back what `memory` told."""
    places = {name: at for at, (name, _) in enumerate(network.named_parameters())}
    values = optimiser.state_dict()
    for full, tensor in tensors.items():
        name, _, key = full.rpartition(".")
        values["state"].setdefault(places[name], {})[key] = tensor.clone()
    optimiser.load_state_dict(values)
