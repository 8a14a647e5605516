"""LeNet: small filters slid over the picture, maps coarsened step by step, all of it learned.

LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE 86(11), 1998.
LeNet-5: section II.B and figure 2. Which maps C3 joins: table I. Squashing function: appendix A.
The layers carry the paper's names: C convolves, S subsamples, F is fully connected.

B images, C channels, H x W pixels, K classes.
"""

from collections import OrderedDict

import torch
from torch import Tensor, flatten, nn

from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant

# Table I: the maps of S2 that each of the 16 maps of C3 looks at.
TABLE_I = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)

DIGITS = """
.#####. ...##.. .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
##...## ..###.. ##...## ##...## ...###. ##..... .##.... ##...## ##...## ##...##
##...## .####.. ##...## .....## ..####. ##..... ##..... .....## ##...## ##...##
##...## ...##.. .....## .....## .##.##. ##..... ##..... ....##. ##...## ##...##
##...## ...##.. .....## ....##. ##..##. ######. ##..... ....##. .##.##. ##...##
##...## ...##.. ....##. ..###.. ##..##. ##...## ######. ...##.. ..###.. .######
##...## ...##.. ...##.. ....##. ##..##. .....## ##...## ...##.. .##.##. .....##
##...## ...##.. ..##... .....## ####### .....## ##...## ..##... ##...## .....##
##...## ...##.. .##.... .....## ....##. .....## ##...## ..##... ##...## .....##
##...## ...##.. ##..... .....## ....##. .....## ##...## ..##... ##...## .....##
##...## ...##.. ##...## ##...## ....##. ##...## ##...## .##.... ##...## ....##.
.#####. .###### ####### .#####. ....##. .#####. .#####. .##.... .#####. .####..
"""  # 7 x 12 pixels each, as large as the 84 units of F6


class ScaledTanh(nn.Module):
    """1.7159 tanh(2x/3), which bends most at +1 and -1: the digit codes ask for no saturated unit."""

    def forward(self, x: Tensor) -> Tensor:
        return 1.7159 * torch.tanh(2 / 3 * x)


ACTS = {"scaled tanh": ScaledTanh, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "relu": nn.ReLU}


class Subsampling(nn.Module):
    """The sum of 2x2 pixels, times a weight, plus a bias, squashed: (B, C, H, W) -> (B, C, H/2, W/2)."""

    def __init__(self, maps: int, act: str) -> None:
        super().__init__()
        self.sum = nn.AvgPool2d(2, divisor_override=1)
        self.coefficient = nn.Parameter(torch.full((maps, 1, 1), 0.25))  # starts as the average
        self.bias = nn.Parameter(torch.zeros(maps, 1, 1))
        self.act = ACTS[act]()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.sum(x) * self.coefficient + self.bias)


class TableConvolution(nn.Module):
    """A 5x5 convolution whose maps see only some of the maps below: (B, 6, H, W) -> (B, 16, H-4, W-4).

    Maps with different inputs have to learn different features, and 60 filters do instead of 96.
    """

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Conv2d(len(seen), 1, 5) for seen in TABLE_I)

    def forward(self, x: Tensor) -> Tensor:
        below = torch.split(x, 1, 1)
        joined = [torch.cat([below[i] for i in seen], 1) for seen in TABLE_I]
        return torch.cat([conv(y) for conv, y in zip(self.maps, joined, strict=True)], 1)


class DigitDistance(nn.Module):
    """How close F6 comes to the drawing of each digit, nearest is largest: (B, 84) -> (B, K).

    The drawings are fixed: +1 where a pixel is set, else -1. The scores are squared distances, negated.
    Their cross entropy is the paper's equation 9 without the constant in its logarithm.
    """

    codes: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        rows = [line.split() for line in DIGITS.split("\n") if line]
        drawings = ["".join(row[digit] for row in rows) for digit in range(10)]
        codes = [[1.0 if pixel == "#" else -1.0 for pixel in drawing] for drawing in drawings[:num_classes]]
        self.register_buffer("codes", torch.tensor(codes))

    def forward(self, x: Tensor) -> Tensor:
        return (x.unsqueeze(1) - self.codes).square().sum(2).neg()


def make_pool(kind: str, maps: int, act: str) -> nn.Module:
    """What halves a map: the paper's own layer, or the parameter-free ones that took its place."""
    if kind == "trainable":
        return Subsampling(maps, act)
    return nn.AvgPool2d(2) if kind == "average" else nn.MaxPool2d(2)


class LeNet(nn.Module):
    """Convolve, subsample, convolve, subsample, convolve what is left down to 1x1, then decide."""

    def __init__(
        self,
        *,
        maps: tuple[int, int] = (6, 16),
        hidden: tuple[int, ...] = (120, 84),
        connections: str = "full",
        pooling: str = "average",
        act: str = "relu",
        act_on_maps: bool = True,
        output: str = "linear",
        channels: int = 3,
        input_size: int,
        num_classes: int,
    ) -> None:
        super().__init__()
        grid = ((input_size - 4) // 2 - 4) // 2  # what two 5x5 convolutions and two halvings leave
        if grid < 1:
            raise ValueError(f"LeNet needs pictures of at least 16 pixels, not {input_size}.")
        if connections == "table" and maps != (6, 16):
            raise ValueError(f"Table I joins 6 maps to 16, not {maps[0]} to {maps[1]}.")
        if output == "distance" and (hidden[-1] != 84 or num_classes > 10):
            raise ValueError(
                "The output by distance compares 84 units with drawings of ten digits: "
                f"it cannot take {hidden[-1]} units to {num_classes} classes."
            )

        def layer(kind: str, linear: nn.Module, squashed: bool = True) -> nn.Sequential:
            return nn.Sequential(OrderedDict([(kind, linear)] + [("act", ACTS[act]())] * squashed))

        join = TableConvolution() if connections == "table" else nn.Conv2d(maps[0], maps[1], 5)
        self.c1 = layer("conv", nn.Conv2d(channels, maps[0], 5), act_on_maps)
        self.s2 = make_pool(pooling, maps[0], act)
        self.c3 = layer("conv", join, act_on_maps)
        self.s4 = make_pool(pooling, maps[1], act)
        self.c5 = layer("conv", nn.Conv2d(maps[1], hidden[0], grid))
        self.f6 = layer("fc", nn.Linear(*hidden)) if len(hidden) == 2 else nn.Sequential()
        self.head = DigitDistance(num_classes) if output == "distance" else nn.Linear(hidden[-1], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.s2(self.c1(x))  # (B, 6, 14, 14) from 32 x 32 pixels
        x = self.s4(self.c3(x))  # (B, 16, 5, 5)
        x = flatten(self.c5(x), 1)  # (B, 120)
        return self.head(self.f6(x))  # (B, K)


FAMILY = Family(
    key="lenet",
    title="LeNet",
    year=1998,
    paper="Gradient-Based Learning Applied to Document Recognition",
    authors="LeCun, Bottou, Bengio, Haffner",
    link="https://doi.org/10.1109/5.726791",
    kind="plain",
    parents=(),
    idea="Slide small learned filters over the picture and coarsen the maps step by step.",
    story=Story(
        problem="Readers of handwriting were built in two halves: features designed by hand, and a "
        "classifier trained on top of them. A fully connected network on raw pixels needs too many weights, "
        "and has to learn the same stroke again at every position.",
        trick="Each unit looks at 5x5 pixels only, and all units of a map share their weights, so a stroke "
        "found in one place is found everywhere. Subsampling then drops the exact position. Filters and "
        "classifier are trained together by gradient descent.",
        cost="60,000 weights, less than a fully connected layer of 60 units on the same 32x32 pixels would "
        "need. To save more, each map of C3 looks at three, four or six of the maps below.",
        outcome="0.95 % errors on MNIST, 0.8 % with distorted copies of the training digits. A system built "
        "around it read several million bank cheques a day. Almost every network in this gallery still "
        "convolves, coarsens and repeats.",
    ),
    model=LeNet,
    lesson=LeNet,
    stages=("c1", "s2", "c3", "s4", "c5", "head"),
    table="section II.B and table I",
    knobs=(
        Knob(
            name="maps",
            meaning="feature maps of C1 or C3",
            choices=(4, 6, 8, 12, 16, 20, 32, 50),
            only_with=("connections", "full"),
        ),
        Knob(name="hidden", meaning="units of C5 or F6", choices=(32, 64, 84, 120, 256, 500)),
        Knob(
            name="connections",
            meaning="whether C3 joins the maps of S2 by table I or all of them",
            choices=("table", "full"),
        ),
        Knob(
            name="pooling",
            meaning="how a map is halved: with a trainable weight and bias, by average, or by maximum",
            choices=("trainable", "average", "max"),
        ),
        Knob(
            name="act",
            meaning="the function a weighted sum goes through",
            choices=("scaled tanh", "tanh", "sigmoid", "relu"),
        ),
        Knob(
            name="output",
            meaning="scores by distance to drawn digits, as printed, or by a linear layer",
            choices=("distance", "linear"),
        ),
    ),
    deviations=(
        Deviation(
            what="The output returns the squared distance to each digit's code, negated; the paper's units "
            "return the distance itself, so that there the smallest wins.",
            effect="The same digit wins; softmax and cross entropy work as for every other network.",
        ),
        Deviation(
            what="The 7x12 drawings of the digits are our own; the paper prints others in figure 3.",
            effect="No count changes. They are fixed here; in the paper at first.",
        ),
        Deviation(
            what="The kernel of C5 is as large as the map it gets, 5x5 at 32 pixels, so its output is 1x1 at "
            "every picture size. In the paper a larger picture gives a larger C5.",
            effect="None at 32 pixels; at other sizes C5 has another number of weights.",
        ),
        Deviation(
            what="C5 is a convolution here, as the paper has it; on 32x32 pixels it is the same as a fully "
            "connected layer. That is why LeNet-5 has three convolutions and two full layers in some "
            "accounts, two and three in others.",
            effect="None: the weights and the outputs are the same.",
        ),
        Deviation(
            what="Weights start as torch starts them; the paper draws them between -2.4 and 2.4, divided by "
            "the unit's number of inputs.",
            effect="No count changes; the first epochs of a training differ.",
        ),
    ),
    variants=(
        Variant(
            name="lenet_classroom",
            title="LeNet, classroom size",
            config={
                "connections": "table",
                "pooling": "trainable",
                "act": "scaled tanh",
            },
            input_size=32,
            num_classes=10,
            note="LeNet-5 with three input planes and a linear output: it trains on colour too.",
        ),
        Variant(
            name="lenet5",
            title="LeNet-5 (as printed)",
            config={
                "connections": "table",
                "pooling": "trainable",
                "act": "scaled tanh",
                "output": "distance",
                "channels": 1,
            },
            input_size=32,
            num_classes=10,
            published=Published(
                params=60_000,
                macs=325_680,
                source="paper, section II.B, by arithmetic",
                table="section II.B and table I",
                printed=(
                    Printed(quantity="params", value=60_000, source="paper, section II.B"),
                    Printed(
                        quantity="macs",
                        value=340_908,
                        source="paper, section II.B, as connections",
                        reason="biases (6,508), subsampling (7,880) and the output (840) are connections too",
                    ),
                ),
            ),
            note="C3 by table I, trainable subsampling, scaled tanh, scores by distance to digit codes.",
        ),
        Variant(
            name="lenet5_modern",
            title="LeNet-5 (modern, dense)",
            config={"connections": "full", "act": "sigmoid", "channels": 1},
            input_size=32,
            num_classes=10,
            published=Published(params=61_706, macs=416_520, source="mmpretrain LeNet5, d2l.ai"),
            note="The LeNet-5 of textbooks: C3 sees every map, plain averages, linear output.",
        ),
        Variant(
            name="lenet_caffe",
            title="LeNet (Caffe)",
            config={
                "connections": "full",
                "maps": (20, 50),
                "hidden": (500,),
                "pooling": "max",
                "act_on_maps": False,
                "channels": 1,
            },
            input_size=28,
            num_classes=10,
            published=Published(
                params=431_080, macs=2_293_000, source="Caffe's examples/mnist/lenet.prototxt, by arithmetic"
            ),
            note="Caffe's MNIST example: seven times LeNet-5's weights, one ReLU, after the hidden layer.",
        ),
    ),
)
