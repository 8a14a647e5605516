"""What a budget of parameters buys: ResNets of one kind of block, each a block deeper than the one before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import torch

from zoo.anatomy import dissect
from zoo.families.resnet import BasicBlock, Bottleneck, ResNet

PATTERN = (3, 4, 6, 3)  # blocks per stage of ResNet-34 and ResNet-50: He et al. 2015, table 1
_BLOCKS: Mapping[str, type[BasicBlock] | type[Bottleneck]] = {"basic": BasicBlock, "bottleneck": Bottleneck}
_LAYERS = {"basic": 2, "bottleneck": 3}  # convolutions in a block
_CLASSES, _PIXELS = 1000, 224


@dataclass(frozen=True)
class Net:
    """A ResNet for ImageNet."""

    kind: str  # of its blocks
    depths: tuple[int, ...]  # blocks per stage
    params: int
    macs: int

    @property
    def depth(self) -> int:
        """Layers as the paper counts them: convolutions of the blocks, the stem and the linear head."""
        return layers(self.kind, self.depths)


def layers(kind: str, depths: tuple[int, ...]) -> int:
    return _LAYERS[kind] * sum(depths) + 2


def deeper() -> Iterator[tuple[int, ...]]:
    """Blocks per stage, from one each: a further one goes to the stage that is furthest behind PATTERN.

    The rule is Webster's for seats in a parliament. 16 blocks are (3, 4, 6, 3).
    """
    depths = [1] * len(PATTERN)
    while True:
        yield tuple(depths)
        behind = [share / (2 * depth + 1) for share, depth in zip(PATTERN, depths, strict=True)]
        depths[behind.index(max(behind))] += 1


def affordable(kind: str, width: int, budget: int) -> tuple[Net, ...]:
    """All ResNets of `kind` and of `width` in the first stage with at most `budget` parameters, by depth.

    Every block but the first of a stage costs the same, so five networks are taken apart and the others
    follow; the tests take those apart too.
    """
    (params, macs), steps = _prices(kind, width)
    found: list[Net] = []
    rungs = deeper()
    while True:
        depths = next(rungs)
        more = [(depth - 1, *step) for depth, step in zip(depths, steps, strict=True)]
        net = Net(
            kind, depths, params + sum(n * p for n, p, _ in more), macs + sum(n * m for n, _, m in more)
        )
        if net.params > budget:
            return tuple(found)
        found.append(net)


@cache
def _prices(kind: str, width: int) -> tuple[tuple[int, int], tuple[tuple[int, int], ...]]:
    """Parameters and MACs with one block per stage, and of one block more in each of the stages."""
    least = measure(kind, width, (1, 1, 1, 1))
    grown = [measure(kind, width, (*[1] * i, 2, *[1] * (3 - i))) for i in range(4)]
    return least, tuple((params - least[0], macs - least[1]) for params, macs in grown)


def measure(kind: str, width: int, depths: tuple[int, ...]) -> tuple[int, int]:
    """Parameters and MACs of the network itself."""
    with torch.device("meta"):
        net = ResNet(block=_BLOCKS[kind], depths=depths, width=width, num_classes=_CLASSES)
    anatomy = dissect(net, (3, _PIXELS, _PIXELS))
    return anatomy.params, anatomy.macs
