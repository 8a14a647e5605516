"""From one unit of a layer back to the pixels that excite it.

Zeiler, Fergus 2013 (arXiv:1311.2901), section 2.1; the rules for rectifiers are those of `viz.hooks`.

A projection is computed from the part of the picture that its unit sees, where the network's structure allows
it (`viz.field`), and nothing behind the layer is computed at all.

N images, C channels, H x W pixels, c maps of h x w units.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from viz import hooks
from viz.field import Box, Field, field
from viz.hooks import Rule

_BATCH = 9  # units at a time: more are no faster on a processor, and need more memory


@dataclass(frozen=True, kw_only=True, eq=False)
class Projection:
    """One unit's activation, sent back to the pixels."""

    image: Tensor  # (C, H, W), raw values around 0
    activation: float
    position: tuple[int, int]  # of the unit in its map: row, column
    box: Box  # the pixels that the unit sees: left, top, right, bottom


@dataclass(frozen=True, kw_only=True)
class _Unit:
    image: int  # number of its image
    channel: int
    position: tuple[int, int]
    crop: Box


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
    if position is None:
        with hooks.rule(rule):  # which may not be defined
            maps = hooks.up_to(model, image.detach(), layer)
        _check(maps.shape, layer, channel)
        y, x = divmod(int(maps[0, channel].argmax()), maps.shape[-1])
        position = (y, x)
    (found,) = project_many(model, image, layer, [channel], [position], rule)
    return found


def project_many(
    model: nn.Module,
    images: Tensor,
    layer: str,
    channels: ArrayLike,
    positions: ArrayLike,
    rule: Rule = "deconvnet",
) -> list[Projection]:
    """What one unit in each of the images (N, C, H, W) answers to: `project`, a few units at a time.

    `channels`: (N,), `positions`: (N, 2), rows and columns. Equal to the projections through whole images,
    to rounding. Raises as `project` does.
    """
    maps, places = np.asarray(channels, int).tolist(), np.asarray(positions, int).reshape(-1, 2).tolist()
    if not len(images) == len(maps) == len(places):
        raise ValueError(
            f"One unit of each image is projected: there are {len(images)} images, {len(maps)} channels and "
            f"{len(places)} positions."
        )
    if not places:
        return []
    fields = field(model, (images.shape[1], images.shape[2], images.shape[3]), layer)
    for channel, (y, x) in zip(maps, places, strict=True):
        _check(fields.shape, layer, channel, (y, x))
    units = [
        _Unit(image=i, channel=channel, position=(y, x), crop=fields.crop(y, x, channel))
        for i, (channel, (y, x)) in enumerate(zip(maps, places, strict=True))
    ]
    units.sort(key=lambda unit: _size(unit.crop))
    found: dict[int, Projection] = {}
    while units:
        batch = [unit for unit in units[:_BATCH] if _size(unit.crop) == _size(units[0].crop)]
        units = units[len(batch) :]
        for unit, projection in zip(
            batch, _sent_back(model, images, layer, batch, fields, rule), strict=True
        ):
            found[unit.image] = projection
    return [found[i] for i in range(len(images))]


def _sent_back(
    model: nn.Module, images: Tensor, layer: str, units: Sequence[_Unit], fields: Field, rule: Rule
) -> list[Projection]:
    """One pass up and one down, for units whose crops are of one size."""
    parts = torch.stack([images[(unit.image, *_inside(unit.crop))] for unit in units])
    pixels = parts.detach().requires_grad_()
    with hooks.rule(rule):
        maps = hooks.up_to(model, pixels, layer)
    own = [
        maps[(i, unit.channel, *fields.within(*unit.position, unit.channel))] for i, unit in enumerate(units)
    ]
    (signals,) = hooks.gradients(torch.stack(own).sum(), [pixels])
    found: list[Projection] = []
    for unit, value, signal in zip(units, own, signals, strict=True):
        activation = float(value.detach())
        whole = signal.new_zeros(images.shape[1:])
        whole[_inside(unit.crop)] = signal * activation
        box = fields.box(*unit.position, unit.channel)
        found.append(Projection(image=whole, activation=activation, position=unit.position, box=box))
    return found


def _inside(box: Box) -> tuple[slice, slice, slice]:
    left, top, right, bottom = box
    return slice(None), slice(top, bottom), slice(left, right)


def _size(box: Box) -> tuple[int, int]:
    left, top, right, bottom = box
    return right - left, bottom - top


def _check(shape: Sequence[int], layer: str, channel: int, position: tuple[int, int] = (0, 0)) -> None:
    """ValueError where there is no such unit."""
    if len(shape) != 4:
        raise ValueError(f"{layer!r} gives {tuple(shape)}, which are no maps (1, c, h, w).")
    _, channels, height, width = shape
    if not 0 <= channel < channels:
        raise ValueError(f"{layer!r} has {channels} maps: there is no map {channel}.")
    y, x = position
    if not (0 <= y < height and 0 <= x < width):
        raise ValueError(f"The map has {height} x {width} units: there is none at {y}, {x}.")
