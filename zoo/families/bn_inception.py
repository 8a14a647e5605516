"""BN-Inception: normalise what enters every ReLU, over the images of a batch, and train many times faster.

Ioffe, Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
Shift", 2015, arXiv:1502.03167. Normalisation: algorithm 1, for convolutions section 3.2. Network: appendix,
figure 5, kept below as TABLE. Sigmoids instead of ReLUs: section 4.2.2. It is also called Inception-v2 or
GoogLeNet with BN. Module order follows pytorchcv, so that its weights load by position.

B images, C channels, H x W pixels, s stride.
"""

from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor, flatten, nn

from zoo.families.googlenet import fan_in_init
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import Branches


def batch_norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float = 1e-5) -> Tensor:
    """What `nn.BatchNorm2d` does in training, algorithm 1: (B, C, H, W) -> (B, C, H, W).

    A channel is one filter at all places, so it has one mean and one variance over B x H x W values. In
    evaluation a running average of both takes their place, and an image no longer feels its neighbours.
    """
    mean = x.mean((0, 2, 3), keepdim=True)  # (1, C, 1, 1)
    variance = (x - mean).square().mean((0, 2, 3), keepdim=True)  # (1, C, 1, 1)
    normalised = (x - mean) / torch.sqrt(variance + eps)
    return gamma.reshape(1, -1, 1, 1) * normalised + beta.reshape(1, -1, 1, 1)  # it can undo itself


ACTIVATIONS = MappingProxyType({"relu": nn.ReLU, "sigmoid": nn.Sigmoid})


def convolution(
    cin: int, cout: int, kernel: int, *, stride: int = 1, norm: str, bias: bool, act: str
) -> nn.Sequential:
    """Convolution, batch norm, activation: the norm stands before the nonlinearity, as in section 3.2.

    It takes the mean away, and with it any bias; the peers keep one all the same, and so do we.
    """
    layers = nn.Sequential()
    layers.add_module("conv", nn.Conv2d(cin, cout, kernel, stride, padding=kernel // 2, bias=bias))
    if norm == "batch":
        layers.add_module("norm", nn.BatchNorm2d(cout))
    layers.add_module("act", ACTIVATIONS[act]())
    return layers


Convolution: TypeAlias = Callable[..., nn.Sequential]  # `convolution` with norm, bias and act filled in


class Row(NamedTuple):
    """A line of figure 5: the widths of a module, and which pool its fourth branch has."""

    c1: int  # #1x1; 0 where the module halves the map
    reduce3: int  # #3x3 reduce
    c3: int  # #3x3
    reduce33: int  # double #3x3 reduce
    c33: int  # double #3x3
    proj: int  # 1x1 behind the pool; 0 passes the pooled map through
    pool: str

    def scaled(self, width: float) -> "Row":
        c1, reduce3, c3, reduce33, c33, proj = (int(c * width) for c in self[:6])
        return Row(c1, reduce3, c3, reduce33, c33, proj, self.pool)

    def cout(self, cin: int) -> int:
        return self.c1 + self.c3 + self.c33 + (self.proj or cin)


TABLE = MappingProxyType(
    {
        "3a": Row(64, 64, 64, 64, 96, 32, "avg"),
        "3b": Row(64, 64, 96, 64, 96, 64, "avg"),
        "3c": Row(0, 128, 160, 64, 96, 0, "max"),
        "4a": Row(224, 64, 96, 96, 128, 128, "avg"),
        "4b": Row(192, 96, 128, 96, 128, 128, "avg"),
        "4c": Row(160, 128, 160, 128, 160, 128, "avg"),
        "4d": Row(96, 128, 192, 160, 192, 128, "avg"),
        "4e": Row(0, 128, 192, 192, 256, 0, "max"),
        "5a": Row(352, 192, 320, 160, 224, 128, "avg"),
        "5b": Row(352, 192, 320, 192, 224, 128, "max"),
    }
)
STAGES = MappingProxyType({"3": ("3a", "3b"), "4": ("4a", "4b", "4c", "4d"), "5": ("5a", "5b")})
DEPTHS = tuple(map(len, STAGES.values()))
HALVING = MappingProxyType({"3": "3c", "4": "4e"})  # the module that ends a stage


class Inception(Branches):
    """Four views of one map, the third through two 3x3 kernels: (B, cin, H, W) -> (B, cout, H/s, W/s).

    Two 3x3 see as far as GoogLeNet's 5x5. A row without 1x1 has stride 2 in every branch, and the pooled map
    joins the others as it is: no pool stands between the stages.
    """

    def __init__(self, cin: int, row: Row, conv: Convolution) -> None:
        super().__init__()
        stride = 1 if row.c1 else 2
        if row.c1:
            self["1x1"] = conv(cin, row.c1, 1)
        self["3x3"] = nn.Sequential(conv(cin, row.reduce3, 1), conv(row.reduce3, row.c3, 3, stride=stride))
        self["3x3_3x3"] = nn.Sequential(
            conv(cin, row.reduce33, 1),
            conv(row.reduce33, row.c33, 3),
            conv(row.c33, row.c33, 3, stride=stride),
        )
        kind = nn.AvgPool2d if row.pool == "avg" else nn.MaxPool2d
        pool = nn.Sequential(kind(3, stride, padding=2 - stride, ceil_mode=True))
        if row.proj:
            pool.append(conv(cin, row.proj, 1))
        self["pool"] = pool


def make_stem(kind: str, width: float, conv: Convolution) -> nn.Sequential:
    """From pixels to (B, 192 width, H/8, W/8); the stem "3x3" for small pictures ends at H/2 x W/2.

    "separable" is the paper's: eight 7x7 filters for each colour alone, then a 1x1 that mixes the 24 maps.
    """
    c1, c2 = int(64 * width), int(192 * width)
    stem = nn.Sequential()
    if kind == "separable":
        stem.add_module("depthwise", nn.Conv2d(3, 24, 7, 2, padding=3, groups=3, bias=False))
        stem.add_module("conv1", conv(24, c1, 1))
    elif kind == "7x7":
        stem.add_module("conv1", conv(3, c1, 7, stride=2))
    else:
        stem.add_module("conv1", conv(3, c1, 3))
    stem.add_module("pool1", nn.MaxPool2d(3, 2, ceil_mode=True))
    stem.add_module("conv2", conv(c1, c1, 1))
    stem.add_module("conv3", conv(c1, c2, 3))
    if kind != "3x3":
        stem.add_module("pool2", nn.MaxPool2d(3, 2, ceil_mode=True))
    return stem


def make_stages(
    depths: tuple[int, ...], width: float, make_block: Callable[[int, Row], nn.Module]
) -> tuple[nn.Sequential, int]:
    """The modules of figure 5 at three resolutions, and the channels they end in.

    `make_block(cin, row)` makes one module. Beyond the table a stage repeats its last row.
    """
    stages = nn.Sequential()
    cin = int(192 * width)
    for (stage, rows), depth in zip(STAGES.items(), depths, strict=True):
        modules = nn.Sequential()
        names = [rows[min(i, len(rows) - 1)] for i in range(depth)]
        if stage in HALVING:
            names.append(HALVING[stage])
        for letter, name in zip("abcdefghi", names, strict=False):
            row = TABLE[name].scaled(width)
            modules.add_module(letter, make_block(cin, row))
            cin = row.cout(cin)
        stages.add_module(stage, modules)
    return stages, cin


class BNInception(nn.Module):
    """A stem, Inception modules at three resolutions of which two halve the map, a global average."""

    def __init__(
        self,
        *,
        depths: tuple[int, ...] = DEPTHS,
        width: float = 1.0,
        norm: str = "batch",
        act: str = "relu",
        bias: bool = True,
        stem: str = "7x7",
        num_classes: int,
    ) -> None:
        super().__init__()
        conv = partial(convolution, norm=norm, bias=bias, act=act)
        self.stem = make_stem(stem, width, conv)
        self.stages, cin = make_stages(depths, width, partial(Inception, conv=conv))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(cin, num_classes)
        self.apply(fan_in_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, 192, H/8, W/8)
        x = self.stages(x)  # (B, 1024, H/32, W/32)
        x = flatten(self.pool(x), 1)  # (B, 1024)
        return self.head(x)  # (B, num_classes)


FAMILY = Family(
    key="bn_inception",
    title="BN-Inception",
    year=2015,
    paper="Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
    authors="Ioffe, Szegedy",
    link="https://arxiv.org/abs/1502.03167",
    kind="branches",
    parents=("googlenet",),
    idea="Give every layer inputs of mean 0 and variance 1, measured on the batch, so that it learns faster.",
    story=Story(
        problem="While a network learns, the inputs of each layer keep changing, because the layers before "
        "it change. The authors called this internal covariate shift. It forced small learning rates and "
        "careful initial weights, and sigmoids hardly trained at all.",
        trick="Before each nonlinearity, subtract a channel's mean over the batch and divide by its standard "
        "deviation; a learned scale and shift follow. Evaluation uses running averages instead. The network "
        "is a new GoogLeNet: two 3x3 convolutions replace each 5x5, and two modules halve the map.",
        cost="Two parameters per channel in training; once trained, the norm can be merged into the "
        "convolution before it. But during training, images of one batch influence each other.",
        outcome="Five times the learning rate reached the 72.2 % top-1 of the same network without norm in a "
        "fourteenth of the steps, thirty times led to 74.8 %. An ensemble of six had 4.82 % top-5 test "
        "error. Most convolutional networks since have batch norm; why it helps is still debated.",
    ),
    model=BNInception,
    lesson=batch_norm,
    stages=("stem", "stages.3", "stages.4", "stages.5", "pool", "head"),
    table="figure 5",
    knobs=(
        Knob(
            name="depths",
            meaning="modules that keep the map's size in this stage; the first two stages end in one more",
            choices=(1, 2, 3, 4, 5, 6),
        ),
        Knob(
            name="width",
            meaning="factor on all channels of figure 5",
            choices=(0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0),
        ),
        Knob(
            name="norm",
            meaning="batch norm before every activation, or none, as in the paper's baseline",
            choices=("none", "batch"),
        ),
        Knob(
            name="act",
            meaning="the nonlinearity; sigmoids train only with batch norm",
            choices=("relu", "sigmoid"),
        ),
        Knob(
            name="bias",
            meaning="a bias in each convolution, which batch norm takes away again",
            choices=(False, True),
        ),
        Knob(
            name="stem",
            meaning="first convolution: 7x7, the paper's separable 7x7, or one 3x3 at full resolution",
            choices=("7x7", "separable", "3x3"),
        ),
    ),
    deviations=(
        Deviation(
            what="As in both peers, the convolutions have biases, though batch norm takes the mean away.",
            effect="10,016 parameters without any use; without them 11,285,224.",
        ),
        Deviation(
            what="The paper's first convolution is separable: eight 7x7 filters per colour, then a 1x1. The "
            "peers have a plain 7x7; the stem can be turned.",
            effect="6,696 weights and 84 million MACs more. The separable one explains 2.7 k parameters and "
            "34 M ops printed for the first row of GoogLeNet's table 1.",
        ),
        Deviation(
            what="Figure 5 contradicts itself: the widths of 4c and 4d add up to 608 channels, but it prints "
            "576 behind them and 1,024 behind 4e. Like both peers, we keep the widths.",
            effect="4e puts out 1,056 channels. A port in Caffe keeps 576 and 1,024 with 96 channels behind "
            "the pools of 4c and 4d: 11,194,984 parameters, 2.019 GMACs.",
        ),
    ),
    variants=(
        Variant(
            name="bn_inception_classroom",
            title="BN-Inception, classroom size",
            config={"depths": (1, 1, 1), "width": 0.25, "stem": "3x3"},
            input_size=32,
            num_classes=10,
            note="Five modules, two of which halve the map, at a quarter of the width.",
        ),
        Variant(
            name="bn_inception",
            title="BN-Inception",
            config={},
            input_size=224,
            published=Published(
                params=11_295_240,
                macs=2_032_600_064,
                source="pytorchcv bninception",
                twin="pytorchcv:bninception",
                top1=74.8,
                top5=92.2,
                accuracy_source="paper, figure 4: BN-Inception, one 224 crop, 25.2 % and 7.82 % error",
                printed=(
                    Printed(
                        quantity="params",
                        value=13.6e6,
                        source="paper, section 4.2",
                        reason="the widths of its figure 5 add up to 11.3 M, and it does not say what else "
                        "was counted",
                    ),
                ),
            ),
            note="Ten modules, and no fully connected layer but the classifier.",
        ),
    ),
)
