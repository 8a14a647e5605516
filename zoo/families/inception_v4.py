"""Inception-v4: the same three modules again and again, uniform and more of them.

Szegedy, Ioffe, Vanhoucke, Alemi, "Inception-v4, Inception-ResNet and the Impact of Residual Connections on
Learning", 2016, arXiv:1602.07261. Network: figure 9, stem: figure 3. Modules: figures 4 (Inception-A),
5 (Inception-B) and 6 (Inception-C). Halving a map: figures 7 (Reduction-A) and 8 (Reduction-B), with k, l, m
and n from table 1. The residual networks of the same paper are in inception_resnet.py. Module order follows
timm, so that its weights load by position.

B images, C channels, H x W pixels.
"""

from functools import partial

from torch import Tensor, flatten, nn

from zoo.families.googlenet import fan_in_init
from zoo.families.inception_v3 import InceptionA, ReductionA, conv, cross
from zoo.family import Deviation, Family, Knob, Published, Story, Variant
from zoo.layers import Branches, demand_pixels

valid = partial(conv, padding=0)  # "V" in the figures: the map loses what the kernel overhangs
WIDE, TALL = (1, 7), (7, 1)


def average_pool() -> nn.AvgPool2d:
    """3x3 at stride 1; at the border it divides by the cells that are there, as TensorFlow does."""
    return nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)


class InceptionB(Branches):
    """Figure 5, on middle maps: (B, cin, H, W) -> (B, 1024, H, W), as are all following sizes, at width 1."""

    def __init__(self, cin: int, width: float) -> None:
        c128, c192, c224, c256, c384 = (int(c * width) for c in (128, 192, 224, 256, 384))
        super().__init__(
            {
                "1x1": conv(cin, c384, 1),
                "7x7": nn.Sequential(conv(cin, c192, 1), conv(c192, c224, WIDE), conv(c224, c256, TALL)),
                "7x7_7x7": nn.Sequential(
                    conv(cin, c192, 1),
                    conv(c192, c192, TALL),
                    conv(c192, c224, WIDE),
                    conv(c224, c224, TALL),
                    conv(c224, c256, WIDE),
                ),
                "pool": nn.Sequential(average_pool(), conv(cin, c128, 1)),
            }
        )


class ReductionB(Branches):
    """Figure 8: (B, cin, H, W) -> (B, 192 + 320 + cin, H/2, W/2)."""

    def __init__(self, cin: int, width: float) -> None:
        c192, c256, c320 = (int(c * width) for c in (192, 256, 320))
        super().__init__(
            {
                "3x3": nn.Sequential(conv(cin, c192, 1), valid(c192, c192, 3, stride=2)),
                "7x7": nn.Sequential(
                    conv(cin, c256, 1),
                    conv(c256, c256, WIDE),
                    conv(c256, c320, TALL),
                    valid(c320, c320, 3, stride=2),
                ),
                "pool": nn.MaxPool2d(3, 2),
            }
        )


class InceptionC(Branches):
    """Figure 6, on the smallest maps: (B, cin, H, W) -> (B, 1536, H, W)."""

    def __init__(self, cin: int, width: float) -> None:
        c256, c384, c448, c512 = (int(c * width) for c in (256, 384, 448, 512))
        super().__init__(
            {
                "1x1": conv(cin, c256, 1),
                "3x3": nn.Sequential(conv(cin, c384, 1), cross(c384, c256)),
                "3x3_3x3": nn.Sequential(
                    conv(cin, c384, 1),
                    conv(c384, c448, (3, 1)),
                    conv(c448, c512, (1, 3)),
                    cross(c512, c256),
                ),
                "pool": nn.Sequential(average_pool(), conv(cin, c256, 1)),
            }
        )


def make_stem(width: float, strides: tuple[int, ...]) -> nn.Sequential:
    """Figure 3, from pixels to (B, 384, H/8, W/8). It halves the map three times; stride 1 does not."""
    c32, c64, c96 = (int(c * width) for c in (32, 64, 96))
    stem = nn.Sequential()
    stem.add_module("conv1", valid(3, c32, 3, stride=strides[0]))
    stem.add_module("conv2", valid(c32, c32, 3))
    stem.add_module("conv3", conv(c32, c64, 3))
    pool, halving = nn.MaxPool2d(3, strides[1]), valid(c64, c96, 3, stride=strides[1])
    stem.add_module("fork1", Branches({"pool": pool, "3x3": halving}))
    c160 = c64 + c96
    stem.add_module(
        "fork2",
        Branches(
            {
                "3x3": nn.Sequential(conv(c160, c64, 1), valid(c64, c96, 3)),
                "7x7": nn.Sequential(
                    conv(c160, c64, 1), conv(c64, c64, WIDE), conv(c64, c64, TALL), valid(c64, c96, 3)
                ),
            }
        ),
    )
    c192 = 2 * c96
    halving, pool = valid(c192, c192, 3, stride=strides[2]), nn.MaxPool2d(3, strides[2])
    stem.add_module("fork3", Branches({"3x3": halving, "pool": pool}))
    return stem


class InceptionV4(nn.Module):
    """A stem that forks three times, three stages of one module each, a global average."""

    def __init__(
        self,
        *,
        depths: tuple[int, ...] = (4, 7, 3),
        width: float = 1.0,
        strides: tuple[int, ...] = (2, 2, 2),
        num_classes: int,
        input_size: int,
    ) -> None:
        super().__init__()

        def scaled(*channels: int) -> tuple[int, ...]:
            return tuple(int(c * width) for c in channels)

        self.stem = make_stem(width, strides)
        a, b, c = nn.Sequential(), nn.Sequential(), nn.Sequential()
        cin = 4 * int(96 * width)
        widths = scaled(96, 64, 96, 64, 96, 96)
        for i in range(depths[0]):
            a.add_module(str(i), InceptionA(cin, widths, large=3, count_include_pad=False))
        k, l, m, n = scaled(192, 224, 256, 384)  # noqa: E741
        b.add_module("reduction", ReductionA(cin, k, l, m, n))
        cin += m + n
        for i in range(depths[1]):
            b.add_module(str(i), InceptionB(cin, width))
            cin = sum(scaled(384, 256, 256, 128))
        c.add_module("reduction", ReductionB(cin, width))
        cin += sum(scaled(192, 320))
        for i in range(depths[2]):
            c.add_module(str(i), InceptionC(cin, width))
            cin = 6 * int(256 * width)
        demand_pixels((self.stem, b.get_submodule("reduction"), c.get_submodule("reduction")), input_size)
        self.stages = nn.Sequential()
        for name, stage in (("a", a), ("b", b), ("c", c)):
            self.stages.add_module(name, stage)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(cin, num_classes)
        self.apply(fan_in_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, 384, H/8, W/8)
        x = self.stages(x)  # (B, 1536, H/32, W/32)
        x = flatten(self.pool(x), 1)  # (B, 1536)
        return self.head(self.drop(x))  # (B, num_classes)


FAMILY = Family(
    key="inception_v4",
    title="Inception-v4",
    year=2016,
    paper="Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning",
    authors="Szegedy, Ioffe, Vanhoucke, Alemi",
    link="https://arxiv.org/abs/1602.07261",
    kind="branches",
    parents=("inception_v3",),
    idea="Choose one module for each map size, repeat it, and see how far Inception goes without shortcuts.",
    story=Story(
        problem="Inception-v3 carried the past with it. Training had been spread over machines, each with a "
        "part of the network, so every module had widths of its own to balance the load. And ResNet had just "
        "claimed that very deep networks need shortcuts.",
        trick="TensorFlow trains the whole network on one machine, so the widths can be uniform: one module "
        "for 35x35 maps, one for 17x17, one for 8x8, repeated 4, 7 and 3 times. The stem forks as well.",
        cost="43 million parameters and 12.3 GMACs, about twice as much as Inception-v3. In practice a "
        "step took longer than with Inception-ResNet-v2 of the same cost, probably because of its many "
        "layers.",
        outcome="20.0 % top-1 and 5.0 % top-5 error with one crop, almost the 19.9 and 4.9 of "
        "Inception-ResNet-v2: shortcuts sped up training, but were not necessary. With three of the latter, "
        "in one ensemble, 3.08 % top-5 test error.",
    ),
    model=InceptionV4,
    lesson=InceptionB,
    stages=("stem", "stages.a", "stages.b", "stages.c", "pool", "head"),
    table="figure 9; table 1 for Reduction-A",
    knobs=(
        Knob(
            name="depths",
            meaning="modules of this stage, the reduction aside",
            choices=(1, 2, 3, 4, 5, 6, 7, 8, 10),
        ),
        Knob(
            name="width",
            meaning="factor on all channels",
            choices=(0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5),
        ),
        Knob(
            name="strides",
            meaning="stride of the stem's first convolution, its first fork and its last fork",
            choices=(1, 2),
        ),
    ),
    deviations=(
        Deviation(
            what="As in the authors' code, average pools leave the zeros at the border out of the mean, and "
            "batch norm adds 0.001 to the variance. The paper mentions neither.",
            effect="No count changes.",
        ),
        Deviation(
            what="No auxiliary head. The paper draws none; the authors' code for training had one.",
            effect="None once trained.",
        ),
    ),
    variants=(
        Variant(
            name="inception_v4_classroom",
            title="Inception-v4, classroom size",
            config={"depths": (1, 1, 1), "width": 0.1875, "strides": (1, 1, 2)},
            input_size=32,
            num_classes=10,
            note="One module of each kind and both reductions, at three sixteenths of the width.",
        ),
        Variant(
            name="inception_v4",
            title="Inception-v4",
            config={},
            input_size=299,
            published=Published(
                params=42_679_816,
                macs=12_253_974_624,
                source="timm inception_v4",
                twin="timm:inception_v4",
                top1=80.0,
                top5=95.0,
                accuracy_source="paper, one 299 crop, without some 1,700 blacklisted images of 50,000",
            ),
            note="Fourteen modules of three kinds.",
        ),
    ),
)
