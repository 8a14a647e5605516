"""The network of a recipe, ready to learn, and what there is in it to watch."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import isqrt
from types import MappingProxyType

import torch
from torch import Tensor, nn

import zoo
from training.chance import drawn_from
from training.recipe import Recipe
from zoo.anatomy import dissect
from zoo.surgery import operate

_INITIALISERS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "he": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
        "xavier": nn.init.xavier_normal_,
        "normal": lambda weight: nn.init.normal_(weight, std=0.01),
        "zero": nn.init.zeros_,
    }
)
_CAN_DIE = (nn.ReLU, nn.ReLU6, nn.GELU, nn.SiLU, nn.Hardswish)  # whose output can be zero for good
_CHANNELS_LAST = (nn.Linear, nn.LayerNorm)
_MOST_STAGES = 8


@dataclass(frozen=True, kw_only=True)
class Outline:
    """What of a network is watched, by module path, in forward order."""

    macs: int  # of one image
    layers: tuple[str, ...]  # modules with a weight of two dimensions or more, auxiliary heads' included
    activations: Mapping[str, int]  # those in which a unit can be dead, with the axis of their units
    stages: tuple[str, ...]  # modules that hand on maps or tokens
    convolution: str | None  # the first one


def channels(recipe: Recipe) -> int:
    """Colour planes of the pictures that the recipe's network reads."""
    return zoo.variant(recipe.specimen.variant).channels


def build(recipe: Recipe, classes: int) -> nn.Module:
    """The network with fresh weights, changed as the recipe says, in evaluation mode."""
    specimen = recipe.specimen
    network = replace(specimen, num_classes=classes).build(input_size=recipe.size, seed=recipe.seed)
    operate(
        network,
        activation=recipe.activation,
        norm=recipe.norm,
        dropout=recipe.dropout,
        stochastic_depth=recipe.stochastic_depth,
    )
    if recipe.initialisation != "own":
        with drawn_from(torch.device("cpu"), recipe.seed, "initialisation"):
            _initialise(network, _INITIALISERS[recipe.initialisation])
    if is_quicker_channels_last(network):
        network.to(memory_format=torch.channels_last)
    return network


def is_quicker_channels_last(network: nn.Module) -> bool:
    """Whether to keep a pixel's channels beside each other in memory: the same arithmetic, sooner.

    On a CPU it makes networks of convolutions quicker, by up to three quarters; those with layer norms gain
    little or nothing: benchmarks/layouts.py.
    """
    kinds = {type(module) for module in network.modules()}
    return nn.Conv2d in kinds and nn.LayerNorm not in kinds


def _initialise(network: nn.Module, fill: Callable[[Tensor], Tensor]) -> None:
    """Draw the weights of convolutions and linear layers anew; their biases become zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            fill(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def outputs(network: nn.Module, images: Tensor) -> list[Tensor]:
    """Logits (B, K) of the classifier, then of the auxiliary heads where there are any."""
    return network.forward_aux(images) if isinstance(network, zoo.HasAuxiliaryHeads) else [network(images)]


def outline(network: nn.Module, stages: Sequence[str], size: int, planes: int) -> Outline:
    """Look at one forward pass in evaluation mode; `stages` are the family's.

    Raises ValueError with a sentence where the network cannot read square pictures of this size.
    """
    macs = dissect(network, (planes, size, size)).macs
    ran: list[str] = []
    shapes: dict[str, tuple[int, ...]] = {}

    def note(path: str, output: object) -> None:
        if isinstance(output, Tensor):
            shapes[path] = tuple(output.shape)

    with ExitStack() as hooks:
        for path, module in network.named_modules():
            before = module.register_forward_pre_hook(lambda *_, path=path: ran.append(path))
            after = module.register_forward_hook(lambda _m, _i, output, path=path: note(path, output))
            hooks.callback(before.remove)
            hooks.callback(after.remove)
        with torch.no_grad():
            network(images := torch.zeros(1, planes, size, size))
            in_use = list(ran)
            ran.clear()
            outputs(network, images)
    modules = dict(network.named_modules())
    weighted = [path for path in ran if getattr(modules[path], "weight", None) is not None]
    layers = [path for path in weighted if modules[path].weight.ndim >= 2]
    return Outline(
        macs=macs,
        layers=tuple(dict.fromkeys(layers)),
        activations={
            path: _axis(in_use[:at], modules, shapes[path])
            for at, path in enumerate(in_use)
            if isinstance(modules[path], _CAN_DIE)
        },
        stages=_stages(stages, modules, shapes),
        convolution=next((path for path in ran if isinstance(modules[path], nn.Conv2d)), None),
    )


def _axis(before: Sequence[str], modules: Mapping[str, nn.Module], shape: tuple[int, ...]) -> int:
    """The axis of an activation's units: the last one behind a linear layer, else that of the channels."""
    weighted = (modules[path] for path in reversed(before) if list(modules[path].parameters(recurse=False)))
    return len(shape) - 1 if isinstance(next(weighted, None), _CHANNELS_LAST) else min(1, len(shape) - 1)


def _stages(
    stages: Sequence[str], modules: Mapping[str, nn.Module], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[str, ...]:
    """The family's stages, a whole body by its parts, as far as they hand on maps; at most eight, evenly."""
    parts: list[str] = []
    for path in stages:
        inside = [f"{path}.{name}" for name, _ in modules[path].named_children()]
        whole = path != "stages" or not all(part in shapes for part in inside)
        parts += [path] if whole else inside
    maps = [path for path in parts if (shape := shapes.get(path)) and layout(shape)]
    if len(maps) <= _MOST_STAGES:
        return tuple(maps)
    return tuple(maps[round(i * (len(maps) - 1) / (_MOST_STAGES - 1))] for i in range(_MOST_STAGES))


def layout(shape: Sequence[int]) -> str:
    """How an output (1, ...) holds a map: "CHW", "HWC", "NC", "1NC" (a token before the map's), or ""."""
    if len(shape) == 4:
        _, one, two, three = shape
        if one == two != three and two > 1:
            return "HWC"
        return "CHW" if two * three > 1 else ""
    if len(shape) == 3:
        for tokens, name in ((shape[1], "NC"), (shape[1] - 1, "1NC")):
            if tokens > 1 and isqrt(tokens) ** 2 == tokens:
                return name
    return ""


def as_maps(output: Tensor) -> Tensor:
    """An output (1, ...) that has a layout as maps (C, h, w)."""
    name, inner = layout(output.shape), output[0]
    if name == "HWC":
        return inner.permute(2, 0, 1)
    if name == "CHW":
        return inner
    tokens = inner[1:] if name == "1NC" else inner  # (h*w, C)
    side = isqrt(len(tokens))
    return tokens.T.reshape(-1, side, side)
