"""One picture through all depths of a network: its strongest maps in each part, and what each answers to.

After figure 2 of Zeiler, Fergus 2013 (arXiv:1311.2901), for a single picture: edges and colours first, then
textures and parts, then whole things.

C channels, H x W pixels, h x w units.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from viz import deconvnet, hooks
from viz.deconvnet import Projection
from viz.hooks import Rule
from viz.layers import Layer

RUNGS = 6  # parts of a network at most


@dataclass(frozen=True, kw_only=True, eq=False)
class Unit:
    """The strongest unit of a map, sent back to the pixels."""

    channel: int
    projection: Projection


@dataclass(frozen=True, kw_only=True, eq=False)
class Rung:
    """A layer's strongest maps for a picture, the strongest first."""

    path: str
    units: tuple[Unit, ...]


def ends(model: nn.Module, layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The last layer of maps of each part of a network, by depth; RUNGS at most, evenly.

    A part is a child of `stages`, or of the network. Pools and response normalisations only hand on what the
    layer before them has found. Raises ValueError, with a sentence, where the network has no maps.
    """
    last: dict[str, Layer] = {}
    for layer in layers:
        whole = isinstance(model.get_submodule(layer.path), nn.LocalResponseNorm)
        if layer.kind == "maps" and not layer.pools and not whole and min(layer.shape[1:]) > 1:
            last[_part(layer.path)] = layer
    if not last:
        raise ValueError(
            "This network has no maps behind which the picture lies: its layers keep tokens, which a "
            "projection from a map does not know."
        )
    found = list(last.values())
    count = min(RUNGS, len(found))
    return tuple(found[round(i * (len(found) - 1) / max(1, count - 1))] for i in range(count))


def rung(model: nn.Module, image: Tensor, layer: str, count: int, rule: Rule) -> Rung:
    """The `count` maps of a layer whose strongest unit for an image (1, C, H, W) is largest.

    Maps that do not answer at all are left out. Raises as `viz.deconvnet.project` does.
    """
    maps = hooks.up_to(model, image, layer)[0]
    values, places = maps.flatten(1).max(1)
    strongest = torch.topk(values, min(count, len(values))).indices
    channels = [int(channel) for channel in strongest if values[channel] > 0]
    positions = [divmod(int(places[channel]), maps.shape[2]) for channel in channels]
    images = image.expand(len(channels), -1, -1, -1)
    found = deconvnet.project_many(model, images, layer, channels, positions, rule)
    units = (
        Unit(channel=channel, projection=projection)
        for channel, projection in zip(channels, found, strict=True)
    )
    return Rung(path=layer, units=tuple(units))


def _part(path: str) -> str:
    """`stages.2` of `stages.2.1.relu2`, `stem` of `stem.act`."""
    names = path.split(".")
    return ".".join(names[:2]) if names[0] == "stages" else names[0]
