"""What a class activation map is a sum of: one map for each channel.

C channels, h x w positions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from viz.cam import Evidence

_TERMS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "gradcam": lambda a, g: g.mean((1, 2), keepdim=True) * a,
        "hirescam": lambda a, g: g * a,
        "layercam": lambda a, g: g.relu() * a,
    }
)
METHODS = tuple(_TERMS)


@dataclass(frozen=True, kw_only=True, eq=False)
class Summands:
    """The channels of a layer, the one that changes the map most first."""

    channels: tuple[int, ...]  # their numbers
    weights: Tensor  # (C,): the mean of the gradient, alpha of Grad-CAM
    activations: Tensor  # (C,): the mean of the map
    terms: Tensor  # (C, h, w): what each adds to the raw map


def summands(evidence: Evidence, method: str) -> Summands:
    """The channels in the order of how much they add or take away; ValueError for methods that are no sum."""
    if method not in _TERMS:
        raise ValueError(f"{method!r} is not a sum over channels. {', '.join(METHODS)} are.")
    terms = _TERMS[method](evidence.activation, evidence.gradient)
    order = torch.argsort(terms.abs().sum((1, 2)), descending=True, stable=True)
    return Summands(
        channels=tuple(order.tolist()),
        weights=evidence.gradient.mean((1, 2))[order],
        activations=evidence.activation.mean((1, 2))[order],
        terms=terms[order],
    )
