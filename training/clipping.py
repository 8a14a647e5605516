"""Limits on gradients and weights: NFNet's adaptive clipping and ZFNet's clip of its first filters."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

_LEAST_NORM = 1e-3  # NFNet, section 4.1: so that weights of zero can grow


def of_each_unit(weight: Tensor) -> Tensor:
    """Norm of what each output unit reads: (cout, ...) -> (cout, 1, ...); of a vector as a whole: ()."""
    if weight.ndim <= 1:
        return torch.linalg.vector_norm(weight)
    return torch.linalg.vector_norm(weight, dim=tuple(range(1, weight.ndim)), keepdim=True)


@torch.no_grad()
def clip_adaptively(parameters: Iterable[nn.Parameter], most: float) -> None:
    """Scale down each unit's gradient that exceeds `most` times the norm of the unit's weights, in place.

    Brock, De, Smith, Simonyan 2021 (arXiv:2102.06171), equation 3.
    """
    for parameter in parameters:
        if parameter.grad is None:
            continue
        limit = most * of_each_unit(parameter).clamp_min(_LEAST_NORM)
        norm = of_each_unit(parameter.grad)
        parameter.grad.mul_(torch.where(norm > limit, limit / norm.clamp_min(1e-6), 1.0))


@torch.no_grad()
def clip_filters(weight: Tensor, most: float) -> None:
    """Scale each filter of (cout, cin, kh, kw) whose root mean square exceeds `most` down to it, in place.

    Zeiler and Fergus 2013 (arXiv:1311.2901), section 3.
    """
    rms = weight.square().mean((1, 2, 3), keepdim=True).sqrt()
    weight.mul_((most / rms.clamp_min(1e-12)).clamp_max(1.0))


def all_but_classifier(network: nn.Module) -> list[nn.Parameter]:
    """What NFNet clips: everything but the last linear layer."""
    linears = [module for module in network.modules() if isinstance(module, nn.Linear)]
    last = {id(parameter) for parameter in linears[-1].parameters()} if linears else set()
    return [parameter for parameter in network.parameters() if id(parameter) not in last]
