"""Cutting maps on the way up to a layer down to what one of its units needs of them.

A crop of the picture holds all that a unit sees (`viz.field`). The higher the layer, the less of its maps
lies around the unit; before each module that the crop passes, its input can therefore be cut again. The zeros
around what is kept lie outside all that the unit needs, as they do around the crop.

B crops, each with a unit of its own. Units of a map are counted in the map of the whole crop.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from viz.field import Field
from zoo.anatomy import Field as Sight
from zoo.anatomy import Link, Span

Places = NDArray[np.int64]  # (B,) rows or columns

_WORTH_IT = 0.9  # of a map: where more of it is needed, it stays as it is


@dataclass(frozen=True, kw_only=True, eq=False)
class _Side:
    """What is needed of a map along one axis."""

    starts: Places
    size: int
    whole: int  # units of the map of the whole crop
    shrinks: int  # how many times fewer units there are behind the module
    step: int  # sizes differ from the whole by multiples of it


class Narrowing:
    """`changed` is for one pass of `hooks.up_to`; afterwards the units stand at `places`."""

    def __init__(self, field: Field, units: Sequence[tuple[int, int, int]]) -> None:
        """`units`: row, column and channel in the layer, one for each crop; the crops have one size."""
        within = np.array([field.within(*unit) for unit in units])
        left, top, right, bottom = field.crop(*units[0])
        way = [link for link in field.ways.get((bottom - top, right - left), ()) if link.reach.largest]
        sights = [sight for *_, channel in units if (sight := field.sight(channel))]
        rows, columns = (
            _needed(
                within[:, axis],
                [_along(sight, axis) for sight in sights],
                [_read(link, axis) for link in way],
                field.uneven,
            )
            for axis in (0, 1)
        )
        self._sides = {link.path: sides for link, *sides in zip(way, rows, columns, strict=True)}
        self._within = within
        self._origin = np.zeros_like(within)  # of the maps as they are, in those of the whole crop

    @property
    def changed(self) -> Mapping[str, Callable[[Tensor], Tensor]]:
        """What is made of the input (B, c, h, w) of modules, by path."""
        return {path: partial(self._cut, sides) for path, sides in self._sides.items()}

    @property
    def places(self) -> list[tuple[int, int]]:
        """Row and column of each unit in the maps as they have become."""
        return [(y, x) for y, x in (self._within - self._origin).tolist()]

    def _cut(self, sides: Sequence[_Side], maps: Tensor) -> Tensor:
        size = tuple(side.size for side in sides)
        starts = np.stack([side.starts for side in sides], axis=1)
        if not self._stays(sides, maps.shape[2:]):
            maps = _Windows.apply(maps, (starts - self._origin).tolist(), size)
            self._origin = starts
        self._origin = self._origin // [side.shrinks for side in sides]
        return maps

    def _stays(self, sides: Sequence[_Side], there: Sequence[int]) -> bool:
        """Whether the module can have the maps as they are, and little would be saved otherwise."""
        if sides[0].size * sides[1].size < _WORTH_IT * there[0] * there[1]:
            return False
        return all(
            not (self._origin[:, axis] % side.shrinks).any() and (side.whole - there[axis]) % side.step == 0
            for axis, side in enumerate(sides)
        )


def _along(sight: Sight, axis: int) -> Span:
    return sight.x if axis else sight.y


def _read(link: Link, axis: int) -> tuple[Sequence[Span], int]:
    """How the channels of what a module reads see along an axis, and how many units it has there."""
    return [_along(sight, axis) for *_, sight in link.reach.by_channel if sight], link.shape[2 + axis]


def _needed(
    units: Places, own: Sequence[Span], way: Sequence[tuple[Sequence[Span], int]], uneven: bool
) -> list[_Side]:
    """What the units need along an axis of the input of each module of the way.

    `own`: what each of them sees. A unit of a map is needed where it might see part of that and nothing else.
    `uneven`: sizes stay such that paddings which depend on them stay what they were.
    """
    found: list[_Side] = []
    low = high = units
    first, last = (np.array([getattr(span, end) for span in own]) for end in ("first", "last"))
    stride = own[0].stride if own else 1
    for spans, whole in reversed(way):
        here = spans[0].stride
        shrinks = stride // here
        step = own[0].stride // here if uneven else shrinks
        low = (stride * low + first - max(span.first for span in spans)) // here
        high = -((min(span.last for span in spans) - stride * high - last) // here)
        starts = low.clip(0, whole - 1) // shrinks * shrinks
        size = int((high.clip(0, whole - 1) - starts).max()) + 1
        size += (whole - size) % step
        starts = np.minimum(starts, whole - size)
        found.append(_Side(starts=starts, size=size, whole=whole, shrinks=shrinks, step=step))
        low, high, stride = starts, starts + size - 1, here
        first, last = (np.array(pick) for pick in _widest(spans))
    return found[::-1]


def _widest(spans: Sequence[Span]) -> tuple[int, int]:
    return min(span.first for span in spans), max(span.last for span in spans)


class _Windows(torch.autograd.Function):
    """A window of the maps (B, c, h, w) of each crop. One pass back, where slices would take B."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, corners: Sequence[tuple[int, int]], size: tuple[int, int]) -> Tensor:
        ctx.shape, ctx.windows = (
            maps.shape,
            [
                (i, slice(None), slice(y, y + size[0]), slice(x, x + size[1]))
                for i, (y, x) in enumerate(corners)
            ],
        )
        return torch.stack([maps[window] for window in ctx.windows])

    @staticmethod
    def backward(ctx: Any, signal: Tensor) -> tuple[Tensor, None, None]:
        whole = signal.new_zeros(ctx.shape)
        for window, part in zip(ctx.windows, signal, strict=True):
            whole[window] = part
        return whole, None, None
