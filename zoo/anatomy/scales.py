"""The resolution at which every layer works, found from the sizes of the maps and not from names.

A layer stands at a scale: how often its map has been halved since the image. So a network for 299 pixels
meets one for 224 where both work on an eighth of the image, whatever their stages are called.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2, prod

from zoo.anatomy.records import WEIGHTED, Anatomy, Block, Layer


@dataclass(frozen=True, slots=True)
class Stage:
    """What works at one scale: a side of 1 / 2**scale of the image's, or what comes after the maps."""

    scale: int | None  # None: the head, where there are no positions any more
    layers: tuple[int, ...]  # positions in the anatomy, in the order of execution


@dataclass(frozen=True, slots=True)
class Map:
    """What a layer's output is spread over."""

    positions: int  # pixels of the map, or tokens
    scale: int


@dataclass(frozen=True, slots=True)
class Step:
    """Where a network stands after `depth` convolutions and linear layers on the longest way."""

    depth: int
    layer: str  # id of the last layer there
    side: float  # of the map, in pixels or tokens; of tokens the root of their number
    reach: str  # "local", "global" or "varies", as in Reach
    field: int | None  # side in pixels of the largest local field


def scale_title(scale: int | None) -> str:
    """'1/8', the side of the map against the image's; 'head' where there is no map."""
    if scale is None:
        return "head"
    return f"1/{2**scale}" if scale >= 0 else f"{2**-scale}/1"


def stages(anatomy: Anatomy) -> tuple[Stage, ...]:
    """The layers of a network by the scale at which they work, each in exactly one stage; the head last."""
    scales = _scales(anatomy)
    order: list[int | None] = [*sorted({scale for scale in scales if scale is not None}), None]
    members = {scale: tuple(i for i, mine in enumerate(scales) if mine == scale) for scale in order}
    return tuple(Stage(scale, layers) for scale, layers in members.items() if layers)


def maps(anatomy: Anatomy) -> list[Map]:
    """Positions and scale after every layer.

    Convolutions, pools and linear layers say how many positions there are, as they alone change it or know
    where the channels are; the others keep the most that they read. Steps count to the nearest halving, so
    that a convolution without padding, which loses a border, changes nothing.
    """
    image = Map(prod(anatomy.input_size[1:]), 0)
    found: list[Map] = []
    for layer in anatomy.layers:
        reads = [found[i] if i >= 0 else image for i in layer.inputs] or [image]
        read = max(reads, key=lambda one: one.positions)
        positions = read.positions
        if layer.kind in ("conv", "pool") and len(layer.shape) == 3:
            positions = prod(layer.shape[1:])
        elif layer.kind == "linear" and not layer.reach.sees_nothing:
            positions = prod(layer.shape[:-1])
        shrinks = positions > 1 or read.positions <= 4  # a single unit is a smaller map only after 2 × 2
        step = round(log2(read.positions / max(positions, 1)) / 2) if shrinks else 0
        found.append(Map(positions, read.scale + step))
    return found


def profile(anatomy: Anatomy) -> tuple[Step, ...]:
    """Resolution and receptive field along the depth, a step for each convolution or linear layer.

    Where branches of one depth see differently, the step has what the furthest seeing one sees. Gates that
    weigh a map by a look at all of it (squeeze and excitation) are left out; what they weigh is not.
    """
    depths: list[int] = []
    steps: dict[int, Step] = {}
    all_maps = maps(anatomy)
    wide = max((i for i, one in enumerate(all_maps) if one.positions > 1), default=-1)
    for i, (layer, spread) in enumerate(zip(anatomy.layers, all_maps, strict=True)):
        before = max((depths[i] for i in layer.inputs if i >= 0), default=0)
        depths.append(before + (layer.kind in WEIGHTED))
        gate = spread.positions == 1 and i < wide
        if layer.kind not in (*WEIGHTED, "pool") or layer.reach.sees_nothing or gate:
            continue
        largest = layer.reach.largest
        field = max(largest.y.size, largest.x.size) if largest else None
        now = Step(depths[-1], layer.id, spread.positions**0.5, layer.reach.kind, field)
        last = steps.get(now.depth)
        steps[now.depth] = now if last is None or (last.field or 0) <= (field or 0) or field is None else last
    return tuple(steps[depth] for depth in sorted(steps))


def _scales(anatomy: Anatomy) -> list[int | None]:
    """The scale at which every layer works; None in the head, after the last layer with several positions.

    A block that halves its map on its way counts as a whole to the scale that it hands on: the first 1×1 of
    a bottleneck, or the branches of a reduction, belong to what they prepare. Gates that look at the whole
    map (squeeze and excitation) belong to the map that they weigh.
    """
    spread = maps(anatomy)
    place = {layer.id: i for i, layer in enumerate(anatomy.layers)}
    wide = [i for i, one in enumerate(spread) if one.positions > 1]
    pooled = [
        i for i, layer in enumerate(anatomy.layers) if layer.kind == "pool" and spread[i].positions == 1
    ]
    end = max(wide[-1] + 1 if wide else 0, pooled[-1] if pooled else 0)
    own = [  # None: a gate, or in the head
        one.scale if i < end and (one.positions > 1 or i > wide[-1]) else None for i, one in enumerate(spread)
    ]
    found: list[int | None] = [None] * len(spread)

    def settle(part: Block | Layer, before: int) -> int:
        """Give every layer in `part` its scale; return the one that `part` hands on."""
        if isinstance(part, Layer):
            i = place[part.id]
            if i >= end:
                return before
            scale = own[i]
            found[i] = before if scale is None else scale
            return before if scale is None else scale
        inside = [place[layer.id] for layer in part.layers()]
        if (
            inside[-1] < end
            and (scale := _of_all(anatomy, [(i, own[i]) for i in inside], before)) is not None
        ):
            for i in inside:
                found[i] = scale
            return scale
        for child in part.children:
            before = settle(child, before)
        return before

    before = 0
    for child in anatomy.tree.children:
        before = settle(child, before)
    return found


def _of_all(anatomy: Anatomy, inside: Sequence[tuple[int, int | None]], before: int) -> int | None:
    """The scale of a whole block, of whose layers `inside` tells place and scale; None: each has its own.

    A block is one thing if its layers agree; if it ends as large as it began, whatever happens between; and
    if it shrinks once with its branches meeting again, or with no more than one layer of weights before. Else
    it is a container of steps: a stage of VGG with the pool that follows.
    """
    seen = [scale for _, scale in inside if scale is not None]
    if not seen:
        return before
    last = seen[-1]
    if len(set(seen)) == 1 or last == before:
        return last
    weighted = [scale for i, scale in inside if scale is not None and anatomy.layers[i].kind in WEIGHTED]
    late = weighted.count(last)
    if len(set(seen)) > 2 or not late:
        return None
    branches = any(set(anatomy.layers[i].inputs) != {i - 1} for i, _ in inside[1:])
    return last if branches or len(weighted) - late <= 1 else None
