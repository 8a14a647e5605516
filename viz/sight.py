"""What one place of a network sees of the picture at some depth: what can reach it, and what moves it.

What can reach a place follows from the structure: the receptive field of a convolutional network, everything
in a ViT after one block, in Swin what its windows have passed on. What moves it is measured in the same way
in all of them, by the gradient of the place's features (Luo et al. 2016, arXiv:1701.04128). In networks of
tokens attention can be rolled out instead (Abnar, Zuidema 2020, arXiv:2005.00928).

C channels, H x W pixels, h x w places of a layer.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from viz import attention, hooks, layers
from viz.field import Field
from viz.layers import Kind
from zoo.families import swin, vit

CELLS = 56  # a side at most: what is measured on larger pictures is told in squares
SHARE = 0.9  # of the gradient, whose part of the picture is told
_EXACT = 64  # pixels a side up to which many draws cost little
_DRAWS = 4


@dataclass(frozen=True, kw_only=True)
class Step:
    """A depth of a network at which it still has places."""

    path: str
    title: str
    kind: Kind
    shape: tuple[int, int]  # h, w


def steps(model: nn.Module, image: Tensor) -> tuple[Step, ...]:
    """The stem and the blocks of a network in their order, for pictures (1, C, H, W) of this size.

    Where layers follow each other without blocks, as in VGG, it is convolutions and pools. ValueError, with a
    sentence, where they are in no such order.
    """
    found: list[Step] = []
    stem: Step | None = None
    for layer in layers.layers(model, image):
        _, height, width = layer.shape
        for name in (layer.path, *layer.ends):
            if name == "stem" or name.startswith("stem."):
                stem = Step(path=name, title="Stem", kind=layer.kind, shape=(height, width))
            elif _is_step(model, name):
                title = _title(name)
                found.append(Step(path=name, title=title, kind=layer.kind, shape=(height, width)))
                break
    if stem:
        found.insert(0, stem)
    if len(found) < 2:
        raise ValueError("This network's blocks do not follow each other in one row: take another.")
    return tuple(found)


def _is_step(model: nn.Module, path: str) -> bool:
    """Whether a module stands in the one row that a network is."""
    parts = path.split(".")
    around = [model.get_submodule(".".join(parts[:count])) for count in range(1, len(parts))]
    module = model.get_submodule(path)
    if isinstance(module, nn.Sequential) or not all(isinstance(each, nn.Sequential) for each in around):
        return False
    return any(module.children()) or isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d)


def _title(path: str) -> str:
    """`stages.1.block0` in words."""
    match path.split("."):
        case [_, block] if block.isdigit():
            return f"Block {int(block) + 1}"
        case [_, stage, block] if stage.isdigit() and (number := re.fullmatch(r"(?:block)?(\d+)", block)):
            return f"Stage {int(stage) + 1}, block {int(number[1]) + 1}"
        case [_, stage, "merge"]:
            return f"Stage {int(stage) + 1}, merging"
    return f"Layer {path}"


def at(found: Sequence[Step], share: float) -> int:
    """The number of the step nearest to a share of the depth, 0 the first to 1 the last."""
    return round(share * (len(found) - 1))


@dataclass(frozen=True, kw_only=True, eq=False)
class Sighting:
    """What one place of a step sees."""

    unit: tuple[int, int]  # row and column of the place in the step's map
    reach: Tensor  # (H, W) bool: the pixels that can have a say
    felt: Tensor  # squares of the picture, at most CELLS a side: how far they reach the place, 0 and above

    @property
    def can(self) -> float:
        """The share of the picture that can have a say, 0..1."""
        return float(self.reach.double().mean())

    @property
    def does(self) -> float:
        """The smallest share of the picture that holds SHARE of it, 0..1."""
        return held(self.felt)


def look(
    model: nn.Module,
    image: Tensor,
    step: Step,
    point: tuple[float, float],
    sight: Field | None,
    captured: attention.Captured | None = None,
) -> Sighting:
    """What the place sees that looks at a point of the picture (1, C, H, W): y and x as shares, 0..1.

    `sight` is the receptive field of the step's layer, None for networks of tokens (`of_tokens`). With the
    attention weights of the picture, these are rolled out in place of the gradient.
    """
    place = unit(image, step, point, sight)
    if captured is not None:
        count = _count(captured.blocks, step)
        return Sighting(
            unit=place,
            reach=reach(model, image, step, place, sight),
            felt=cells(attention.rollout_to(captured, count, step.shape, place)),
        )
    return Sighting(
        unit=place,
        reach=reach(model, image, step, place, sight),
        felt=cells(felt(model, image, step, place)),
    )


def of_tokens(model: nn.Module) -> bool:
    """Whether what a place can see follows from attention and not from receptive fields."""
    return isinstance(model, vit.ViT | swin.Swin)


def unit(image: Tensor, step: Step, point: tuple[float, float], sight: Field | None) -> tuple[int, int]:
    """Row and column of the place that looks at a point: where places have fields, the nearest middle."""
    found = []
    largest = sight.reach.largest if sight else None
    spans = (largest.y, largest.x) if largest else (None, None)
    for share, places, side, span in zip(point, step.shape, image.shape[-2:], spans, strict=True):
        at = int(share * places)
        if span:
            at = round((share * side - 0.5 - (span.first + span.last) / 2) / span.stride)
        found.append(min(max(at, 0), places - 1))
    return found[0], found[1]


def reach(model: nn.Module, image: Tensor, step: Step, place: tuple[int, int], sight: Field | None) -> Tensor:
    """The pixels that can have a say at row and column `place` of a step: (H, W) bool.

    Exact for windows; of a receptive field it is the box, and the whole picture where there is none.
    """
    if sight is None:
        return _of_tokens(model, image, step, place)
    left, top, right, bottom = sight.box(*place)
    seen = torch.zeros(image.shape[-2:], dtype=torch.bool)
    seen[top:bottom, left:right] = True
    return seen


def _of_tokens(model: nn.Module, image: Tensor, step: Step, place: tuple[int, int]) -> Tensor:
    """Back from the token, block by block: its partners, theirs, and at a merging the four of each."""
    rows, columns = image.shape[-2:]
    known = torch.zeros(step.shape, dtype=torch.bool)
    known[place] = True
    blocks = attention.blocks(model, image)
    for block in reversed(blocks[: _count(blocks, step)]):
        known = _split(known, block.shape)
        if block.layout is None:
            known = torch.full_like(known, bool(known.any()))
        else:
            groups = block.layout.groups()
            known = torch.isin(groups, groups[known])
    known = _split(known, blocks[0].shape)
    patch = blocks[0].patch
    return known.repeat_interleave(patch, 0).repeat_interleave(patch, 1)[:rows, :columns]


def _count(blocks: Sequence[attention.Block], step: Step) -> int:
    """How many blocks have run when a step is done; a merging comes before the blocks of its stage."""
    if step.path.startswith("stem"):
        return 0
    paths = [block.path for block in blocks]
    if step.path in paths:
        return paths.index(step.path) + 1
    stage = f"{step.path.rpartition('.')[0]}."
    return next(at for at, path in enumerate(paths) if path.startswith(stage))


def _split(known: Tensor, shape: tuple[int, int]) -> Tensor:
    """Places of a map at the finer map (h, w) that was merged into it, two by two."""
    while known.shape[0] < shape[0]:
        known = known.repeat_interleave(2, 0).repeat_interleave(2, 1)
    return known[: shape[0], : shape[1]]


def felt(model: nn.Module, image: Tensor, step: Step, place: tuple[int, int]) -> Tensor:
    """How far each pixel moves the features at row and column `place` of a step: (H, W), 0 and above.

    The length of the gradient, over all channels of the place and all colours of the pixel. Not each channel
    is sent back by itself: sums of all with random signs have the same mean square (Hutchinson 1989).
    """
    draws = _DRAWS if max(image.shape[-2:]) <= _EXACT else 1
    images = image.expand(draws, -1, -1, -1).clone().requires_grad_()
    maps = layers.as_maps(hooks.up_to(model, images, step.path), step.kind)
    features = maps[:, :, place[0], place[1]]
    signs = torch.randint(2, features.shape, generator=torch.Generator().manual_seed(0)) * 2.0 - 1
    (slopes,) = hooks.gradients((features * signs).sum(), [images])
    return slopes.square().mean(0).sum(0).sqrt()


def cells(values: Tensor) -> Tensor:
    """A map (H, W) in squares, at most CELLS a side: root mean squares."""
    height, width = (min(side, CELLS) for side in values.shape)
    return F.adaptive_avg_pool2d(values.square()[None], (height, width))[0].sqrt()


def held(values: Tensor, share: float = SHARE) -> float:
    """The smallest part of a map, 0..1, that holds this share of its sum; 0 where all is zero."""
    total = values.double().sum()
    if not total:
        return 0.0
    summed = values.double().flatten().sort(descending=True).values.cumsum(0)
    return (int((summed < share * total).sum()) + 1) / values.numel()
