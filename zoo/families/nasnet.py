"""NASNet: a recurrent network, rewarded for accuracy, drew up two small cells; people stack them.

Zoph, Vasudevan, Shlens, Le, "Learning Transferable Architectures for Scalable Image Recognition", 2017,
arXiv:1707.07012. The cells of NASNet-A: figure 4, kept below as tables from which `Cell` is built. The stack:
figure 2. Sizes such as 6 @ 4032: table 2. What the figures leave open follows the authors' TensorFlow code as
ported in timm; module order follows timm but for one detail, see `from_twin`.

B images, C channels, H x W pixels, s stride.
"""

from typing import NamedTuple

import torch
from torch import Tensor, flatten, nn
from torch.nn import functional as F

from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import SamePad, StochasticDepth, he_init


class Pair(NamedTuple):
    """A row of a cell's table: two operations, each with the state it reads; their results are added."""

    left: str
    reads: str
    right: str
    and_reads: str


class Plan(NamedTuple):
    """A cell as the search found it. Its sums, a to e, are states as well; some states are joined at last."""

    pairs: tuple[Pair, ...]
    joined: tuple[str, ...]
    stride: int  # of the operations that read the cell's inputs


# h_i is the map the cell before made, h_i-1 the one before that.
NORMAL = Plan(
    pairs=(
        Pair("sep 5x5", "h_i", "sep 3x3", "h_i-1"),
        Pair("sep 5x5", "h_i-1", "sep 3x3", "h_i-1"),
        Pair("avg 3x3", "h_i", "identity", "h_i-1"),
        Pair("avg 3x3", "h_i-1", "avg 3x3", "h_i-1"),
        Pair("sep 3x3", "h_i", "identity", "h_i"),
    ),
    joined=("h_i-1", "a", "b", "c", "d", "e"),
    stride=1,
)
REDUCTION = Plan(
    pairs=(
        Pair("sep 5x5", "h_i", "sep 7x7", "h_i-1"),
        Pair("max 3x3", "h_i", "sep 7x7", "h_i-1"),
        Pair("avg 3x3", "h_i", "sep 5x5", "h_i-1"),
        Pair("avg 3x3", "a", "identity", "b"),
        Pair("sep 3x3", "a", "max 3x3", "h_i"),
    ),
    joined=("b", "c", "d", "e"),
    stride=2,
)
EPS = 1e-3


class Separable(nn.Sequential):
    """ReLU, depthwise, 1x1, norm, and all of that once more: (B, cin, H, W) -> (B, cout, H/s, W/s)."""

    def __init__(self, cin: int, cout: int, kernel: int, stride: int) -> None:
        super().__init__()
        for i, c, s in ((1, cin, stride), (2, cout, 1)):
            self.add_module(f"relu{i}", nn.ReLU())
            if s > 1:
                self.add_module(f"pad{i}", SamePad((kernel, kernel), s))
            padding = kernel // 2 if s == 1 else 0
            self.add_module(f"depthwise{i}", nn.Conv2d(c, c, kernel, s, padding, groups=c, bias=False))
            self.add_module(f"pointwise{i}", nn.Conv2d(c, cout, 1, bias=False))
            self.add_module(f"norm{i}", nn.BatchNorm2d(cout, eps=EPS))


def make_operation(kind: str, cin: int, cout: int, stride: int) -> nn.Module:
    """An entry of the table, such as "sep 5x5": (B, cin, H, W) -> (B, cout, H/s, W/s)."""
    name, _, size = kind.partition(" ")
    if name == "identity":
        return nn.Identity()
    kernel = int(size[0])
    if name == "sep":
        return Separable(cin, cout, kernel, stride)
    if stride == 1:
        return nn.AvgPool2d(kernel, 1, padding=1, count_include_pad=False)
    lowest = float("-inf") if name == "max" else 0.0
    pool = nn.MaxPool2d(kernel, stride) if name == "max" else nn.AvgPool2d(kernel, stride)
    return nn.Sequential(SamePad((kernel, kernel), stride, lowest), pool)


class Sum(nn.Module):
    """One row of the table at work: left(x) + right(y)."""

    def __init__(self, left: nn.Module, right: nn.Module, drop_path: float) -> None:
        super().__init__()
        self.left = left
        self.right = right
        self.drop_left = StochasticDepth(drop_path)
        self.drop_right = nn.Identity() if isinstance(right, nn.Identity) else StochasticDepth(drop_path)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.drop_left(self.left(x)) + self.drop_right(self.right(y))


class Squeeze(nn.Sequential):
    """ReLU, 1x1, norm: an input of a cell with as many channels as the cell works with."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(cin, cout, 1, bias=False)
        self.norm = nn.BatchNorm2d(cout, eps=EPS)


class Halve(nn.Module):
    """The same for an input twice as large: (B, cin, 2H, 2W) -> (B, cout, H, W).

    Half of the channels read every second pixel, the other half those one step down and to the right.
    """

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(cin, cout // 2, 1, bias=False)
        self.conv2 = nn.Conv2d(cin, cout // 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(cout, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(x)
        height, width = x.shape[-2:]
        even, odd = x[:, :, ::2, ::2], x[:, :, 1::2, 1::2]
        odd = F.pad(odd, (0, width % 2, 0, height % 2))  # zeros where the map ends before the step
        return self.norm(torch.cat((self.conv1(even), self.conv2(odd)), 1))


class Cell(nn.Module):
    """A plan at work on the maps of the two cells before: (B, cin, H, W) -> (B, joined x filters, H/s, W/s).

    `before` makes h_i-1 fit: Squeeze, or Halve where it comes from before a reduction, or nothing in the
    first cell of all.
    """

    def __init__(
        self, plan: Plan, before: nn.Module, before_channels: int, cin: int, filters: int, drop_path: float
    ) -> None:
        super().__init__()
        self.plan = plan
        self.before = before
        self.here = Squeeze(cin, filters)
        for name, row in zip("abcde", plan.pairs, strict=True):
            operations = []
            for kind, state in ((row.left, row.reads), (row.right, row.and_reads)):
                stride = plan.stride if state in ("h_i", "h_i-1") else 1
                channels = before_channels if state == "h_i-1" else filters
                operations.append(make_operation(kind, channels, filters, stride))
            self.add_module(name, Sum(operations[0], operations[1], drop_path))

    def forward(self, x: Tensor, previous: Tensor) -> Tensor:
        states = {"h_i": self.here(x), "h_i-1": self.before(previous)}
        for name, row in zip("abcde", self.plan.pairs, strict=True):
            states[name] = self.get_submodule(name)(states[row.reads], states[row.and_reads])
        return torch.cat([states[name] for name in self.plan.joined], 1)


class Stem(nn.Module):
    """A 3x3 convolution and reduction cells, narrow ones first: the last two maps, for the first stage."""

    def __init__(self, stride: int, width: int, cells: list[Cell]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3, stride, padding=0 if stride == 2 else 1, bias=False)
        self.norm = nn.BatchNorm2d(width, eps=EPS)
        self.cells = nn.ModuleList(cells)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = previous = self.norm(self.conv(image))
        for cell in self.cells:
            x, previous = cell(x, previous), x
        return x, previous


class Stage(nn.ModuleDict):
    """A reduction cell (not in the first stage) and normal cells: takes and gives back the last two maps.

    The cell behind a reduction looks at what the reduction made and at what the reduction itself looked back
    to; the map in between is left out.
    """

    def forward(self, x: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
        for name, cell in self.items():
            y = cell(x, previous)
            x, previous = y, previous if name == "reduction" else x
        return x, previous


class NASNet(nn.Module):
    """A stem, three stages of `cells` normal cells, twice as wide after each reduction, and a linear head."""

    def __init__(
        self,
        *,
        cells: int,
        filters: int,
        stem_width: int = 96,
        stem_stride: int = 2,
        stem_cells: int = 2,
        drop_path: float = 0.3,
        dropout: float = 0.5,
        num_classes: int,
    ) -> None:
        super().__init__()
        total, made = stem_cells + 3 * cells + 2, 0

        def cell(plan: Plan, before: nn.Module, before_channels: int, cin: int, width: int) -> Cell:
            nonlocal made
            made += 1  # deeper cells lose more of their paths
            return Cell(plan, before, before_channels, cin, width, drop_path * made / total)

        cin = past = stem_width  # channels of the last two maps
        stem = []
        for i in range(stem_cells):
            width = filters >> stem_cells - i
            if i == 0:
                stem.append(cell(REDUCTION, nn.Identity(), past, cin, width))
            else:
                stem.append(cell(REDUCTION, Halve(past, width), width, cin, width))
            cin, past = 4 * width, cin
        self.stem = Stem(stem_stride, stem_width, stem)
        self.stages = nn.ModuleList()
        for index in range(3):
            width = filters << index
            stage = Stage()
            if index > 0:
                stage["reduction"] = cell(REDUCTION, Squeeze(past, width), width, cin, width)
                cin = 4 * width
            for i in range(cells):
                larger = i == 0 and (index > 0 or stem_cells > 0)  # it comes from before a reduction
                before = Halve(past, width) if larger else Squeeze(past, width)
                stage[f"cell{i + 1}"] = cell(NORMAL, before, width, cin, width)
                cin, past = 6 * width, cin
            self.stages.append(stage)
        self.act = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(cin, num_classes)
        self.apply(he_init)

    def forward(self, image: Tensor) -> Tensor:
        x, previous = self.stem(image)  # (B, 2F, H/8, W/8) and the map before it
        for stage in self.stages:
            x, previous = stage(x, previous)  # at last (B, 24F, H/32, W/32)
        x = flatten(self.pool(self.act(x)), 1)  # (B, 24F)
        return self.head(self.drop(x))  # (B, num_classes)


def from_twin(reference: str, state: dict[str, Tensor]) -> list[Tensor]:
    """In the cells behind a reduction timm keeps the 1x1 for h_i before what makes h_i-1 fit; we behind."""
    cells: dict[str, int] = {}

    def place(name: str) -> tuple[int, int]:
        cell, _, part = name.partition(".")
        rank = 2 if part.startswith("comb") else 1 if part.startswith("conv_1x1") else 0
        return cells.setdefault(cell, len(cells)), rank

    return [state[name] for name in sorted(state, key=place)]


FAMILY = Family(
    key="nasnet",
    title="NASNet",
    year=2017,
    paper="Learning Transferable Architectures for Scalable Image Recognition",
    authors="Zoph, Vasudevan, Shlens, Le",
    link="https://arxiv.org/abs/1707.07012",
    kind="branches",
    parents=("inception_v3", "resnet", "mobilenet_v1"),
    idea="Let a search draw one small cell on small pictures, then stack it to any size.",
    story=Story(
        problem="Finding a good architecture by hand takes experts and years. Search can do it, but each "
        "proposal has to be trained, and on ImageNet that is too dear to do thousands of times.",
        trick="Do not search a network, search a cell: five pairs of operations, which may read the two "
        "cells before or one another. A recurrent network proposes, is rewarded with the accuracy on "
        "CIFAR-10, and proposes again. People fix how many cells there are, how wide, and where maps shrink.",
        cost="500 graphics processors for four days and some 20,000 trained networks. The cells are a web of "
        "small operations, which run slower than their MACs suggest.",
        outcome="82.7 % top-1 and 96.2 % top-5 on ImageNet, 1.2 points more than the best network made by "
        "hand, with 28 % fewer multiply-adds. The best cell had been found on CIFAR-10 and was not changed.",
    ),
    model=NASNet,
    lesson=Cell,
    stages=("stem", "stages.0", "stages.1", "stages.2", "act", "pool", "head"),
    table="table 2",
    knobs=(
        Knob(name="cells", meaning="N: normal cells in each of the three stages", choices=tuple(range(1, 8))),
        Knob(
            name="filters",
            meaning="F: channels of a state in the first stage; 24 times as many reach the classifier",
            choices=(8, 16, 24, 32, 44, 64, 96, 128, 168),
        ),
        Knob(name="stem_width", meaning="channels of the first convolution", choices=(16, 32, 64, 96)),
        Knob(name="stem_stride", meaning="stride of the first convolution", choices=(1, 2)),
        Knob(
            name="stem_cells",
            meaning="reduction cells before the first stage: two for ImageNet, none for CIFAR-10",
            choices=(0, 1, 2),
        ),
    ),
    deviations=(
        Deviation(
            what="For training, the paper adds an auxiliary classifier two thirds of the way up, with weight "
            "0.4. It is left out here, as in timm and in the published counts.",
            effect="None on the outputs. Training from scratch lacks its help.",
        ),
        Deviation(
            what="A cell should join the states that nothing in it reads. As in the authors' code, the "
            "normal cell also joins h_i-1, and the reduction cell b, although both are read.",
            effect="Six and four maps are joined, not five and three: 6 x 672 makes the 4,032 of the name.",
        ),
        Deviation(
            what="An average pool that strides counts the zeros at the border, as in timm; in the authors' "
            "TensorFlow code it leaves them out.",
            effect="Values at the border of a few maps; no count changes.",
        ),
        Deviation(
            what="In the paper, paths are dropped more and more often while training goes on (scheduled drop "
            "path). Here the rate grows with depth only.",
            effect="Training only.",
        ),
    ),
    variants=(
        Variant(
            name="nasnet_classroom",
            title="NASNet-A, classroom size",
            config={
                "cells": 1,
                "filters": 8,
                "stem_width": 16,
                "stem_stride": 2,
                "stem_cells": 0,
                "drop_path": 0.0,
                "dropout": 0.0,
            },
            input_size=32,
            num_classes=10,
            note="All five cells of the CIFAR-10 stack with N = 1: three normal, two reduction.",
        ),
        Variant(
            name="nasnet_a_large",
            title="NASNet-A (6 @ 4032)",
            config={"cells": 6, "filters": 168},
            input_size=331,
            published=Published(
                params=88_753_150,
                macs=23_783_414_658,
                source="timm nasnetalarge",
                twin="timm:nasnetalarge",
                top1=82.638,
                top5=96.066,
                accuracy_source="timm results, nasnetalarge.tf_in1k, the authors' weights at 331 px",
                printed=(
                    Printed(
                        quantity="params",
                        value=88.9e6,
                        source="paper, table 2",
                        reason="timm and pytorchcv count 0.15 M less; the paper does not say how it counts",
                    ),
                    Printed(quantity="macs", value=23.8e9, source="paper, table 2, as mult-adds"),
                ),
            ),
            note="Six normal cells in each stage, 4,032 channels before the classifier.",
        ),
    ),
)
