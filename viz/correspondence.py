"""Correspondence: does a network change alike wherever the same part of an object is hidden?

Zeiler, Fergus 2013 (arXiv:1311.2901), table 1. Each of N pictures loses one part: eps_i is what a layer gave
for the whole picture, less what it gives without the part. The fewer units differ in the sign of eps between
pictures, the more the layer treats the part as one thing.

The paper prints delta as a sum over pairs of pictures, and calls what it lists a mean. Its values (0.07 for a
part, 0.11 at random) are no counts of units, and a sum of shares over its twenty pairs would leave half a
percent of the units differing. So delta here is the mean over pairs of the share of units whose signs differ:
0 where all change alike, 1 where none do. Signs are three: up, down and not at all.

N pictures, U units of a layer, C channels, H x W pixels.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viz import hooks

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels; right and bottom lie outside

RANDOM = "random"  # the key of what random parts of the same size give
_ROUNDING = 1e-6  # of the largest value: what is smaller is no change
_AT_ONCE = 16  # pictures of a pass
_MUTE = (nn.Dropout, nn.Identity, nn.Flatten, nn.Softmax)  # give nothing of their own


@dataclass(frozen=True, kw_only=True, eq=False)
class Consistency:
    """How alike a layer changes in N pictures without a part."""

    distances: NDArray[np.float64]  # (N, N): the share of units whose signs differ; 0 on the diagonal
    chance: float  # what delta would be if as many units changed, but others in each picture
    changed: float  # share of units that change at all

    @property
    def delta(self) -> float:
        """The mean over all pairs of pictures: the lower, the more alike."""
        return _over_pairs(self.distances)

    @property
    def error(self) -> float:
        """Standard error of delta over pictures, by the jackknife; NaN for two of them.

        Pairs share pictures, so a deviation of pairs taken for independent ones would promise too much.
        """
        count = len(self.distances)
        if count < 3:
            return float("nan")
        left_out = np.array([_over_pairs(_without(self.distances, each)) for each in range(count)])
        return float(np.sqrt((count - 1) / count * ((left_out - left_out.mean()) ** 2).sum()))


def consistency(signs: Tensor) -> Consistency:
    """Of signs (N, U): -1, 0 or 1. ValueError for fewer than two pictures."""
    count, units = signs.shape
    if count < 2:
        raise ValueError("One picture has nothing to be compared with: mark the part on two or more.")
    agreeing, shares = torch.zeros(count, count), torch.zeros(count, 3)
    for at, sign in enumerate((-1, 0, 1)):
        here = (signs == sign).float()  # counts of up to 2^24 units are exact
        agreeing += here @ here.T
        shares[:, at] = here.mean(1)
    distances = 1 - (agreeing.double() / units).numpy()
    np.fill_diagonal(distances, 0)
    return Consistency(
        distances=distances,
        chance=_over_pairs(1 - (shares @ shares.T).double().numpy()),
        changed=float((1 - shares[:, 1]).mean()),
    )


def correspond(
    model: nn.Module,
    images: Tensor,
    parts: Mapping[str, Sequence[Box]],
    paths: Sequence[str],
    *,
    cover: Tensor,
    rooms: Sequence[Box] | None = None,
    draws: int = 6,
    seed: int = 0,
    report: Callable[[float], None] = lambda share: None,
) -> dict[str, dict[str, Consistency]]:
    """By layer and by part how alike N `images` (N, C, H, W) change; RANDOM among the parts.

    parts: for each a box a picture. cover: what shows in the place of a part, (N, C, H, W) or what broadcasts
    to it. Random parts are as large as the first one, lie within `rooms`, a box a picture (None: all of it),
    and are drawn `draws` times; their distances are means. `report` hears how much is done, 0..1.

    Raises ValueError where a part has another number of boxes than there are pictures, or an empty one.
    """
    count, _, height, width = images.shape
    for name, boxes in parts.items():
        if len(boxes) != count:
            raise ValueError(f"The part {name!r} is marked on {len(boxes)} of {count} pictures.")
        for left, top, right, bottom in boxes:
            if not (0 <= left < right <= width and 0 <= top < bottom <= height):
                raise ValueError(f"The part {name!r} has a box outside of a picture, or an empty one.")
    rng = np.random.default_rng(seed)
    within = list(zip(next(iter(parts.values())), rooms or [(0, 0, width, height)] * count, strict=True))
    drawn = [[_somewhere(box, room, rng) for box, room in within] for _ in range(draws)]
    hidden = [*parts.values(), *drawn]
    steps = len(hidden) + 1
    whole = _outputs(model, images, paths)
    report(1 / steps)
    found: dict[str, list[Consistency]] = {path: [] for path in paths}
    for at, boxes in enumerate(hidden, start=2):
        masked = _outputs(model, without(images, boxes, cover), paths)
        for path in paths:
            found[path].append(consistency(signs(whole[path], masked[path])))
        report(at / steps)
    return {
        path: dict(zip(parts, each, strict=False)) | {RANDOM: _averaged(each[len(parts) :])}
        for path, each in found.items()
    }


def signs(whole: Tensor, masked: Tensor) -> Tensor:
    """Of the differences between two outputs of a layer for N pictures, (N, U) of -1, 0 and 1.

    Differences within rounding are none: a unit that does not see the part has not changed.
    """
    difference = (whole - masked).flatten(1)
    difference[difference.abs() <= _ROUNDING * whole.abs().max()] = 0
    return difference.sign().to(torch.int8)


def without(images: Tensor, boxes: Sequence[Box], cover: Tensor) -> Tensor:
    """The pictures (N, C, H, W), each with what is in its box taken from the cover."""
    cover = cover.expand_as(images)
    hidden = images.clone()
    for at, (left, top, right, bottom) in enumerate(boxes):
        hidden[at, :, top:bottom, left:right] = cover[at, :, top:bottom, left:right]
    return hidden


def outputs(model: nn.Module, image: Tensor) -> dict[str, tuple[int, ...]]:
    """The layers whose numbers can be compared, by depth, with the shape of what they give for one picture.

    Innermost modules only, and the last one gives the logits. `image` is (1, C, H, W).
    """
    found: dict[str, tuple[int, ...]] = {}

    def see(path: str, module: nn.Module, output: Tensor) -> None:
        if len(output) == 1 and not isinstance(module, _MUTE) and not any(module.children()):
            found.pop(path, None)  # a module that is called again counts where it is called last
            found[path] = tuple(output.shape[1:])

    hooks.visit(model, image, see)
    return found


def _outputs(model: nn.Module, images: Tensor, paths: Sequence[str]) -> dict[str, Tensor]:
    """What the layers give, a few pictures at a time."""
    parts = [hooks.observe(model, chunk, paths).outputs for chunk in torch.split(images, _AT_ONCE)]
    return {path: torch.cat([part[path] for part in parts]) for path in paths}


def _somewhere(box: Box, room: Box, rng: np.random.Generator) -> Box:
    """A box of that size within a room, or over its middle where the room is smaller."""
    sides = (box[2] - box[0], box[3] - box[1])
    corner = []
    for axis, side in enumerate(sides):
        low, high = room[axis], max(room[axis], room[axis + 2] - side)
        corner.append(int(rng.integers(low, high + 1)))
    return corner[0], corner[1], corner[0] + sides[0], corner[1] + sides[1]


def _averaged(found: Sequence[Consistency]) -> Consistency:
    return Consistency(
        distances=np.mean([each.distances for each in found], axis=0),
        chance=float(np.mean([each.chance for each in found])),
        changed=float(np.mean([each.changed for each in found])),
    )


def _over_pairs(values: NDArray[np.float64]) -> float:
    """The mean of (N, N) without the diagonal."""
    count = len(values)
    return float((values.sum() - np.trace(values)) / (count * (count - 1)))


def _without(values: NDArray[np.float64], at: int) -> NDArray[np.float64]:
    """(N, N) without a row and its column."""
    return np.delete(np.delete(values, at, 0), at, 1)
