"""Activation functions and their slopes, by torch's own functions and its autograd; which networks use them.

Everything said about a function is measured on a fine grid in float64, nothing is derived by hand.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo import FAMILIES, skeleton
from zoo.families.lenet import ScaledTanh
from zoo.families.mobilenet_v3 import HardSwish

FLAT = 0.01  # a slope below this is called saturated
EDGE, _STEPS = 12, 1000  # the grid: from -12 to 12, and its points per unit
_FAR = 1e4  # where a function that still grows is called unbounded


@dataclass(frozen=True)
class Activation:
    name: str
    formula: str
    function: Callable[[Tensor], Tensor]
    modules: tuple[type[nn.Module], ...]  # that compute it, torch's first


ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {
        "sigmoid": Activation("sigmoid", "1 / (1 + exp(−x))", torch.sigmoid, (nn.Sigmoid,)),
        "tanh": Activation(
            "tanh", "(exp(x) − exp(−x)) / (exp(x) + exp(−x))", torch.tanh, (nn.Tanh, ScaledTanh)
        ),
        "relu": Activation("ReLU", "max(0, x)", F.relu, (nn.ReLU,)),
        "relu6": Activation("ReLU6", "min(max(0, x), 6)", F.relu6, (nn.ReLU6,)),
        "swish": Activation("swish (SiLU)", "x · sigmoid(x)", F.silu, (nn.SiLU,)),
        "h_swish": Activation(
            "h-swish", "x · min(max(0, x + 3), 6) / 6", F.hardswish, (nn.Hardswish, HardSwish)
        ),
        "gelu": Activation("GELU", "x · (1 + erf(x / √2)) / 2", F.gelu, (nn.GELU,)),
        "h_sigmoid": Activation("h-sigmoid", "min(max(0, x + 3), 6) / 6", F.hardsigmoid, (nn.Hardsigmoid,)),
    }
)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the grid shows of a function; the bounds of its tails are where they begin, None: no such tail."""

    lowest: float | None  # of its values, None: no bound
    highest: float | None
    steepest: float  # the largest slope in size
    steepest_from: float  # where the slope is that large: a point, or from here
    steepest_to: float  # to here, in x
    flat_below: float | None  # left of this every slope is smaller than FLAT
    flat_above: float | None
    dead_below: float | None  # left of this every slope is exactly 0


def evaluate(name: str, points: Sequence[float]) -> tuple[list[float], list[float]]:
    """Values and slopes of one of ACTIVATIONS, in float64."""
    value, slope = _with_slope(ACTIVATIONS[name].function, torch.tensor(points, dtype=torch.float64))
    return value.tolist(), slope.tolist()


def facts(name: str) -> Facts:
    function = ACTIVATIONS[name].function
    reach = EDGE * _STEPS
    x = torch.arange(-reach, reach + 1, dtype=torch.float64) / _STEPS
    value, slope = _with_slope(function, x)
    far = function(torch.tensor([-_FAR, _FAR], dtype=torch.float64))
    lowest, highest = min(float(value.min()), float(far.min())), max(float(value.max()), float(far.max()))
    size = slope.abs()
    steepest = float(size.max())
    at = x[size == steepest]
    return Facts(
        lowest=None if lowest < -_FAR / 2 else lowest,
        highest=None if highest > _FAR / 2 else highest,
        steepest=steepest,
        steepest_from=float(at.min()),
        steepest_to=float(at.max()),
        flat_below=_tail(x, size < FLAT),
        flat_above=None if (mirrored := _tail(-x.flip(0), (size < FLAT).flip(0))) is None else -mirrored,
        dead_below=_tail(x, size == 0),
    )


def chain(name: str, start: float, layers: int) -> list[float]:
    """The slope of the last output of a chain f(f(... f(x))) for 1, 2, ... `layers` layers, by autograd.

    Every weight is 1 and every bias 0, so that nothing but the activation acts.
    """
    x = torch.full((layers,), start, dtype=torch.float64, requires_grad=True)
    y, ends = x, []
    for depth in range(layers):  # copy n of the signal is read behind layer n: one pass back for all
        y = ACTIVATIONS[name].function(y)
        ends.append(y[depth])
    (slopes,) = torch.autograd.grad(torch.stack(ends).sum(), x)
    return slopes.tolist()


def users() -> dict[str, tuple[tuple[str, str], ...]]:
    """For each of ACTIVATIONS the families that use it: the key, and the variant in which it was found.

    That is the classroom's: it keeps the family's idea, and takes a few milliseconds to make.
    """
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in ACTIVATIONS}
    for key, family in FAMILIES.items():
        classroom = next(row for row in family.variants if not row.published)
        for name in _used(skeleton(classroom.name)):
            found[name].append((key, classroom.name))
    return {name: tuple(families) for name, families in found.items()}


def _used(module: nn.Module) -> set[str]:
    """What a module computes, or else what its parts do: h-swish is not also the h-sigmoid inside it."""
    for name, activation in ACTIVATIONS.items():
        if isinstance(module, activation.modules):
            return {name}
    return {name for part in module.children() for name in _used(part)}


def _with_slope(function: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    x = x.clone().requires_grad_()
    y = function(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    return y.detach(), slope


def _tail(x: Tensor, holds: Tensor) -> float | None:
    """The point up to which `holds` holds from the left end on; None where it does not even there."""
    kept = int((~holds).to(torch.uint8).argmax())
    return float(x[kept - 1]) if kept else None
