"""From one unit of a layer back to the pixels that excite it.

Zeiler, Fergus 2013 (arXiv:1311.2901), section 2.1; the rules for rectifiers are those of `viz.hooks`.

There are two ways down. `project` takes a gradient under the rule: it works in all networks that have
rectifiers, on the part of the picture that the unit sees where the network's structure allows it
(`viz.field`), and nothing behind the layer is computed at all. `descend` is the paper's own machine, each of
its steps an operation one can look at, for networks that are chains of layers. Both give the same picture.

N images, C channels, H x W pixels, c maps of h x w units.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor, nn

from viz import hooks
from viz.field import Box, Field, field
from viz.hooks import Call, Rule, UndefinedRuleError
from viz.narrowing import Narrowing
from zoo.layers import SamePad

Kind = Literal["unit", "rectify", "filter", "scale", "unpool", "pass"]

# Units at a time: nine, and more of those that see little. More are no faster on a processor.
_BATCH, _PIXELS = 9, 2**17


@dataclass(frozen=True, kw_only=True, eq=False)
class Projection:
    """One unit's activation, sent back to the pixels."""

    patch: Tensor  # (C, bottom - top, right - left), raw values around 0; all other pixels get nothing
    activation: float
    position: tuple[int, int]  # of the unit in its map: row, column
    box: Box  # the pixels that the unit sees: left, top, right, bottom
    size: tuple[int, int]  # (H, W)

    @property
    def image(self) -> Tensor:
        """The patch in its place, (C, H, W)."""
        whole = self.patch.new_zeros(len(self.patch), *self.size)
        whole[_inside(self.box)] = self.patch
        return whole


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
        position = _strongest(maps, channel)
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
        width, height = _size(units[0].crop)
        most = max(_BATCH, _PIXELS // (width * height))
        batch = [unit for unit in units[:most] if _size(unit.crop) == (width, height)]
        units = units[len(batch) :]
        for unit, projection in zip(
            batch, _sent_back(model, images, layer, batch, fields, rule), strict=True
        ):
            found[unit.image] = projection
    return [found[i] for i in range(len(images))]


def project_strongest(
    model: nn.Module,
    images: Sequence[Tensor],
    layer: str,
    channel: int,
    most: int,
    rule: Rule = "deconvnet",
) -> list[tuple[int, Projection]]:
    """In which of the images (1, C, H, W), all of one size, a map answers most, and to what.

    At most `most`, the strongest first, by the number of the image; one unit of each image, and none that is
    silent. Raises as `project` does.
    """
    units: list[tuple[float, int, tuple[int, int]]] = []
    for at, image in enumerate(images):
        with hooks.rule(rule):
            maps = hooks.up_to(model, image.detach(), layer)
        _check(maps.shape, layer, channel)
        y, x = _strongest(maps, channel)
        if (value := float(maps[0, channel, y, x])) > 0:
            units.append((-value, at, (y, x)))
    chosen = sorted(units)[:most]
    if not chosen:
        return []
    numbers, positions = [at for _, at, _ in chosen], [position for *_, position in chosen]
    stacked = torch.cat([images[at] for at in numbers])
    found = project_many(model, stacked, layer, [channel] * len(chosen), positions, rule)
    return list(zip(numbers, found, strict=True))


def _sent_back(
    model: nn.Module, images: Tensor, layer: str, units: Sequence[_Unit], fields: Field, rule: Rule
) -> list[Projection]:
    """One pass up and one down, for units whose crops are of one size."""
    parts = torch.stack([images[(unit.image, *_inside(unit.crop))] for unit in units])
    pixels = parts.detach().requires_grad_()
    narrowing = Narrowing(fields, [(*unit.position, unit.channel) for unit in units])
    with hooks.rule(rule):
        maps = hooks.up_to(model, pixels, layer, narrowing.changed)
    rows, columns = zip(*narrowing.places, strict=True)
    own = maps[range(len(units)), [unit.channel for unit in units], rows, columns]
    activations = own.detach()
    (signals,) = hooks.gradients(own @ activations, [pixels])
    found: list[Projection] = []
    for unit, activation, signal in zip(units, activations.tolist(), signals, strict=True):
        box = fields.box(*unit.position, unit.channel)
        patch = signal[_inside(box, unit.crop)].clone()
        found.append(
            Projection(patch=patch, activation=activation, position=unit.position, box=box, size=fields.size)
        )
    return found


def _inside(box: Box, crop: Box = (0, 0, 0, 0)) -> tuple[slice, slice, slice]:
    """Where the box lies in a picture (C, H, W), or in a crop of it."""
    (left, top, right, bottom), (x, y, _, _) = box, crop
    return slice(None), slice(top - y, bottom - y), slice(left - x, right - x)


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


def _strongest(maps: Tensor, channel: int) -> tuple[int, int]:
    """Row and column of the largest unit of a map in (1, c, h, w)."""
    y, x = divmod(int(maps[0, channel].argmax()), maps.shape[-1])
    return y, x


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """A layer gone through backwards: the signal that comes to it from above, and what it sends on down."""

    path: str  # of the layer
    kind: Kind
    title: str  # what happens, in words
    before: Tensor  # (c, h, w) the signal that comes; of the first step, the layer's maps
    after: Tensor  # (c, h, w) the signal that goes on
    up: Tensor  # (c, h, w) of `after`: what the layer read on the way up; of the first step, the layer's maps
    switches: Tensor | None = (
        None  # (c, h, w) of `before`: which number, y * W + x of `after`, was the maximum
    )
    weight: Tensor | None = None  # the filters (cout, cin, kh, kw) as on the way up


def descend(
    model: nn.Module,
    image: Tensor,
    layer: str,
    channel: int,
    position: tuple[int, int] | None = None,
    rule: Rule = "deconvnet",
) -> tuple[Step, ...]:
    """The way from a unit to the pixels of an image (1, C, H, W), the unit itself first.

    What the last step sends on is the projection. Arguments and errors are those of `project`; ValueError,
    with a sentence, too where the network is no chain of layers up to this one.
    """
    if rule != "gradient" and (reason := hooks.undefined(model)):
        raise UndefinedRuleError(reason)
    image = image.detach()
    calls, maps = hooks.calls_up_to(model, image, layer)
    _check(maps.shape, layer, channel, position or (0, 0))
    y, x = position or _strongest(maps, channel)
    signal = torch.zeros_like(maps[0])
    signal[channel, y, x] = maps[0, channel, y, x]
    title = f"Map {channel}, row {y}, column {x}: this unit sends its activation, all others are zero."
    steps = [Step(path=layer, kind="unit", title=title, before=maps[0], after=signal, up=maps[0])]
    wanted = maps
    for call in reversed(calls):
        if call.after is wanted:
            steps.append(_step(call, steps[-1].after, rule))
            wanted = call.before
    if wanted is not image:
        raise ValueError(
            f"Step by step there is a way down from {layer!r} only to {steps[-1].path!r}: what this reads "
            "is put together from several layers. The projection as a whole is defined all the same."
        )
    return tuple(steps)


def unpool(signal: Tensor, switches: Tensor, size: tuple[int, int]) -> Tensor:
    """Puts each number of (c, h, w) where its maximum was in maps (c, H, W) of `size`, and zeros elsewhere.

    `switches`: (c, h, w), y * W + x of the maximum in its map. What several windows send to a place adds up.
    """
    height, width = size
    maps = signal.new_zeros(len(signal), height * width)
    return maps.scatter_add_(1, switches.flatten(1), signal.flatten(1)).reshape(-1, height, width)


_RECTIFIED: Mapping[Rule, str] = MappingProxyType(
    {
        "deconvnet": "What is negative in the signal is set to zero.",
        "guided": "What is negative in the signal is set to zero, and so is it where the rectifier was shut.",
        "gradient": "The signal is set to zero where the rectifier was shut on the way up.",
    }
)


def _step(call: Call, signal: Tensor, rule: Rule) -> Step:
    """A layer gone through backwards with a signal (c, h, w)."""
    up = call.before[0]
    kind: Kind
    switches: Tensor | None = None
    weight: Tensor | None = None
    match call.module:
        case nn.ReLU() | nn.ReLU6() as rectifier:
            kind, title = "rectify", _RECTIFIED[rule]
            after = signal if rule == "gradient" else signal.clamp(min=0)
            if rule != "deconvnet":
                after = after * ((up > 0) & (up < getattr(rectifier, "max_val", torch.inf)))
        case nn.Conv2d(padding=tuple(), padding_mode="zeros") as conv:
            kind, after, weight = "filter", _painted(conv, signal, up), conv.weight
            side = " × ".join(map(str, conv.kernel_size))
            title = (
                f"Each unit of {len(signal)} maps paints its filter of {side}, as strongly as its signal "
                f"says; in {len(up)} maps it all adds up. The bias is left out."
            )
        case nn.MaxPool2d() as pool:
            _, found = F.max_pool2d(
                call.before, pool.kernel_size, pool.stride, pool.padding, pool.dilation,
                ceil_mode=pool.ceil_mode, return_indices=True,
            )  # fmt: skip
            kind, switches = "unpool", found[0]
            after = unpool(signal, found[0], (up.shape[1], up.shape[2]))
            title = "Each number goes back to where the maximum of its window was; what meets there adds up."
        case nn.AvgPool2d() | nn.AdaptiveAvgPool2d():
            kind, after = "unpool", _linear(call, signal)
            title = "Each number is spread evenly over the window that was averaged."
        case nn.BatchNorm2d(running_var=Tensor() as variance) as norm:
            scale = (variance + norm.eps).rsqrt()
            scale = scale if norm.weight is None else scale * norm.weight
            kind, after = "scale", signal * scale[:, None, None]
            title = "Each map is multiplied by the scale of its batch norm, γ/σ. The shift is left out."
        case nn.LocalResponseNorm() if rule != "deconvnet":
            kind, after = "scale", _linear(call, signal)
            title = "The signal goes through the derivative of the normalisation across maps."
        case nn.LocalResponseNorm():
            kind, after = "pass", signal
            title = "The normalisation across maps is stepped over."
        case SamePad():
            kind, after = "pass", _linear(call, signal)
            title = "What would lie in the padding around the maps is cut off."
        case _ if call.after is call.before:
            kind, after = "pass", signal
            title = "Nothing happens: this layer works only in training."
        case other:
            raise ValueError(
                f"There is no way back through {call.path!r} step by step: the deconvnet says nothing about "
                f"{type(other).__name__}."
            )
    return Step(
        path=call.path,
        kind=kind,
        title=title,
        before=signal,
        after=after,
        up=up,
        switches=switches,
        weight=weight,
    )


def _painted(conv: nn.Conv2d, signal: Tensor, up: Tensor) -> Tensor:
    """The transposed convolution of a signal, in the shape of what the convolution read."""
    padding = [int(p) for p in conv.padding]
    # Rows and columns at the far border that no filter reached
    left = [
        size + 2 * p - d * (k - 1) - 1 - s * (n - 1)
        for size, n, k, s, p, d in zip(
            up.shape[1:], signal.shape[1:], conv.kernel_size, conv.stride, padding, conv.dilation, strict=True
        )
    ]
    return F.conv_transpose2d(
        signal[None], conv.weight, None, conv.stride, padding, left, conv.groups, conv.dilation
    )[0]


def _linear(call: Call, signal: Tensor) -> Tensor:
    """A signal through the derivative of a layer, where this is not worth writing out."""
    up = call.before.detach().requires_grad_()
    with torch.enable_grad():
        (after,) = torch.autograd.grad(call.module.forward(up), up, signal[None])
    return after[0]
