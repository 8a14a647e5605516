"""Which pixels of a picture a unit sees, and the smallest part of the picture that computes it exactly.

The fields are those of `zoo.anatomy`. A part of the picture that starts at a multiple of the layer's stride
and holds the unit's whole field gives the unit the value it has in the whole picture: the zeros around the
part lie outside all that the unit sees. A part whose size differs from the picture's by a multiple of the
stride pads and rounds as the picture does. Whether the network's structure allows it is not guessed: the
fields in a picture as small as the part have to be the same ones.

C channels, H x W pixels, h x w units.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import nn

from zoo.anatomy import Field as Sight
from zoo.anatomy import Link, MapVanishedError, Reach, Span, way_to
from zoo.layers import SamePad

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels; right and bottom are outside


@dataclass(frozen=True, kw_only=True)
class Field:
    """What the units of one layer see."""

    size: tuple[int, int]  # (H, W) of the picture
    shape: tuple[int, ...]  # of the layer's output for one picture: (1, c, h, w)
    reach: Reach
    local: bool  # whether a part of the picture computes a unit as the whole does
    ways: Mapping[tuple[int, int], tuple[Link, ...]]  # of crops, by their (H, W); none where not local
    uneven: bool  # whether there are paddings that depend on the size of what is padded

    def box(self, y: int, x: int, channel: int | None = None) -> Box:
        """The pixels that the unit at row `y` and column `x` sees, clipped to the picture.

        Maps of one layer may see differently far (concatenated branches): without `channel` it is what any of
        them sees. The whole picture where what a unit sees has no fixed extent, as behind a global pool.
        """
        sight = self.sight(channel)
        if sight is None:
            return self._whole
        (top, bottom), (left, right) = sight.y.at(y), sight.x.at(x)
        return left, top, max(left, right + 1), max(top, bottom + 1)

    def crop(self, y: int, x: int, channel: int | None = None) -> Box:
        """The part of the picture to compute this unit from: stride-aligned, of one size for all units."""
        if not self.local:
            return self._whole
        return self._crop(y, x, channel)

    def within(self, y: int, x: int, channel: int | None = None) -> tuple[int, int]:
        """Row and column of the unit in the map of its `crop`."""
        left, top, _, _ = self.crop(y, x, channel)
        sight = self.sight(channel)
        return (y - top // sight.y.stride, x - left // sight.x.stride) if sight else (y, x)

    def _crop(self, y: int, x: int, channel: int | None) -> Box:
        sight = self.sight(channel)
        if sight is None:
            return self._whole
        height, width = self.size
        top, bottom = _aligned(sight.y, y, height)
        left, right = _aligned(sight.x, x, width)
        return left, top, right, bottom

    @property
    def _whole(self) -> Box:
        height, width = self.size
        return 0, 0, width, height

    def sight(self, channel: int | None) -> Sight | None:
        """The field of a map, or of all maps together; None for the whole picture."""
        if self.reach.kind != "local" or self.reach.axes != "bcyx":
            return None
        together: Sight | None = None
        for first, last, sight in self.reach.by_channel:
            if sight and (channel is None or first <= channel <= last):
                together = together.union(sight) if together else sight
                if together is None:
                    return None
        return together


def field(model: nn.Module, size: tuple[int, int, int], layer: str) -> Field:
    """What the units of the layer at the path `layer` see of a picture of `size`, (C, H, W).

    A few milliseconds: nothing is computed, and nothing behind the layer is looked at. ValueError where there
    is no such layer; MapVanishedError, a ValueError, where the picture is too small for it.
    """
    channels, height, width = size
    reach, shape, _ = way_to(model, size, layer)
    uneven = any(isinstance(module, SamePad) for module in model.modules())
    found = Field(size=(height, width), shape=shape, reach=reach, local=False, ways={}, uneven=uneven)
    crops = {found._crop(0, 0, last) for _, last, _ in reach.by_channel}
    ways = {
        (bottom - top, right - left): _way(model, (channels, bottom - top, right - left), layer, reach)
        for left, top, right, bottom in crops
    }
    local = {part: way for part, way in ways.items() if way is not None}
    return replace(found, local=True, ways=local) if len(local) == len(ways) else found


def _way(model: nn.Module, part: tuple[int, int, int], layer: str, reach: Reach) -> tuple[Link, ...] | None:
    """What a part of the picture passes; None where the units see something else in it. Adaptive pools do."""
    try:
        found, _, way = way_to(model, part, layer)
    except MapVanishedError:
        return None
    return way if found == reach else None


def _aligned(span: Span, unit: int, length: int) -> tuple[int, int]:
    """Start and end of the part, along an axis of so many pixels, that computes the unit."""
    stride = span.stride
    least = span.size + stride - 1  # as the field may start anywhere between two multiples of the stride
    size = min(least + (length - least) % stride, length)
    start = (stride * unit + span.first) // stride * stride
    start = min(max(start, 0), length - size)
    return start, start + size
