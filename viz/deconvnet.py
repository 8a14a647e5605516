"""From one unit of a layer back to the pixels that excite it.

Zeiler, Fergus 2013 (arXiv:1311.2901), section 2.1; the rules for rectifiers are those of `viz.hooks`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from viz import hooks
from viz.hooks import Rule


@dataclass(frozen=True, kw_only=True, eq=False)
class Projection:
    """One unit's activation, sent back to the pixels."""

    image: Tensor  # (C, H, W), raw values around 0
    activation: float
    position: tuple[int, int]  # of the unit in its map: row, column


def project(
    model: nn.Module,
    image: Tensor,
    layer: str,
    channel: int,
    position: tuple[int, int] | None = None,
    rule: Rule = "deconvnet",
) -> Projection:
    """What a unit of a layer answers to in an image (1, C, H, W).

    All other units of the layer are zero; the unit sends back its activation. `layer` is the path of a module
    that puts out maps (1, c, h, w); without a position it is the channel's strongest unit. Raises ValueError
    for a layer, channel or position that there is not, and UndefinedRuleError, with a sentence, where the
    rule is not defined for the network.
    """
    pixels = image.detach().clone().requires_grad_()
    with hooks.rule(rule):
        maps = hooks.differentiable(model, pixels, [layer]).outputs[layer]
        if maps.ndim != 4:
            raise ValueError(f"{layer!r} gives {tuple(maps.shape)}, which are no maps (1, c, h, w).")
        _, channels, height, width = maps.shape
        if not 0 <= channel < channels:
            raise ValueError(f"{layer!r} has {channels} maps: there is no map {channel}.")
        own = maps[0, channel]
        y, x = divmod(int(own.argmax()), width) if position is None else position
        if not (0 <= y < height and 0 <= x < width):
            raise ValueError(f"The map has {height} x {width} units: there is none at {y}, {x}.")
        (signal,) = hooks.gradients(own[y, x], [pixels])
    activation = float(own[y, x].detach())
    return Projection(image=torch.mul(signal[0], activation), activation=activation, position=(y, x))
