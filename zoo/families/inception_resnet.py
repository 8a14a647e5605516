"""Inception-ResNet: add each Inception module to its input, and add only a tenth of it.

Szegedy, Ioffe, Vanhoucke, Alemi, "Inception-v4, Inception-ResNet and the Impact of Residual Connections on
Learning", 2016, arXiv:1602.07261. Network: figure 15, stem of v1: figure 14. Branches: figures 10, 11 and 13
(v1), 16, 17 and 19 (v2). Reduction-A: table 1. Reduction-B: figures 12 and 18. Scaled residuals: section 3.3.

v2 is as its authors released it, v1 as others ported it. Both differ from the figures in the number of
blocks, v2 also in the stem. Modules are in the order of timm (v2) and pytorchcv (v1), so that
their weights load by position.

B images, C channels, H x W pixels.
"""

from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from torch import Tensor, flatten, nn

from zoo.families import inception_v3, inception_v4
from zoo.families.googlenet import fan_in_init
from zoo.families.inception_v3 import InceptionA, ReductionA, conv
from zoo.family import Deviation, Family, Knob, Published, Story, Variant
from zoo.layers import Branches, demand_pixels


class InceptionResNetBlock(nn.Module):
    """A shortcut beside narrow Inception branches, scaled down (figure 20): (B, cin, H, W) -> (B, cin, H, W).

    A 1x1 without activation brings the branches back to cin channels. Networks with more than 1,000 of them
    died in training; adding only `scale` of the residual kept them alive where a low learning rate did not.
    """

    def __init__(self, cin: int, branches: Branches, width: int, scale: float, *, act: bool = True) -> None:
        super().__init__()
        self.branches = branches
        self.expand = nn.Conv2d(width, cin, 1)
        self.scale = scale
        self.act = nn.ReLU() if act else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(self.branches(x))  # (B, cin, H, W)
        return self.act(x + (y if self.scale == 1 else self.scale * y))


def chain(cin: int, widths: tuple[int, ...], kernels: tuple[int | tuple[int, int], ...]) -> nn.Sequential:
    """Convolutions of these kernels and widths, one after the other."""
    layers = nn.Sequential()
    for cout, kernel in zip(widths, kernels, strict=True):
        layers.append(conv(cin, cout, kernel))
        cin = cout
    return layers


def branches_a(cin: int, widths: tuple[int, ...]) -> Branches:
    """Figures 10 and 16, on large maps: a 1x1, a 3x3, two 3x3."""
    c1, c3, c33 = widths[0], widths[1:3], widths[3:]
    return Branches(
        {"1x1": conv(cin, c1, 1), "3x3": chain(cin, c3, (1, 3)), "3x3_3x3": chain(cin, c33, (1, 3, 3))}
    )


def branches_n(cin: int, widths: tuple[int, ...], n: int) -> Branches:
    """Figures 11 and 17 with n = 7 on middle maps, 13 and 19 with n = 3 on small ones: a 1x1, an n x n."""
    return Branches({"1x1": conv(cin, widths[0], 1), f"{n}x{n}": chain(cin, widths[1:], (1, (1, n), (n, 1)))})


class ReductionB(Branches):
    """Figures 12 and 18, on the way to the last stage: (B, cin, H, W) -> (B, C + cin, H/2, W/2)."""

    def __init__(self, cin: int, widths: tuple[int, ...]) -> None:
        r1, c1, r2, c2, r3, c3, c4 = widths
        halve = partial(conv, kernel=3, stride=2, padding=0)
        super().__init__(
            {
                "3x3_a": nn.Sequential(conv(cin, r1, 1), halve(r1, c1)),
                "3x3_b": nn.Sequential(conv(cin, r2, 1), halve(r2, c2)),
                "3x3_3x3": nn.Sequential(conv(cin, r3, 1), conv(r3, c3, 3), halve(c3, c4)),
                "pool": nn.MaxPool2d(3, 2),
            }
        )


def make_stem(kind: str, width: float, strides: tuple[int, ...]) -> tuple[nn.Sequential, int]:
    """From pixels to an eighth of the resolution, and the channels there: 256, 320 or 384.

    "v1" is figure 14: Inception-v3's stem, ending in a convolution instead of a pool. "release" is what the
    authors' code has for v2: that stem and a first module like Inception-v3's. "v4" is what the paper says.
    """
    c192, c256 = int(192 * width), int(256 * width)
    if kind == "v4":
        return inception_v4.make_stem(width, strides), 4 * int(96 * width)
    if kind == "v1":
        stem = inception_v3.make_stem("release", width, (*strides[:2], 1))
        stem.add_module("conv6", conv(c192, c256, 3, stride=strides[2], padding=0))
        return stem, c256
    stem = inception_v3.make_stem("release", width, strides)
    widths = tuple(int(c * width) for c in (96, 48, 64, 64, 96, 64))
    stem.add_module("mixed", InceptionA(c192, widths, large=5, count_include_pad=False))
    return stem, widths[0] + widths[2] + widths[4] + widths[5]


class Widths(NamedTuple):
    """The channels of one version: of the branches in the order of the figures, and of the reductions."""

    a: tuple[int, ...]
    reduction_a: tuple[int, int, int, int]  # k, l, m, n of table 1
    b: tuple[int, ...]
    reduction_b: tuple[int, ...]
    c: tuple[int, ...]
    last: int  # a 1x1 behind the last block; 0 for none

    def scaled(self, width: float) -> "Widths":
        a, ra, b, rb, c = (tuple(int(n * width) for n in channels) for channels in self[:5])
        return Widths(a, (ra[0], ra[1], ra[2], ra[3]), b, rb, c, int(self.last * width))


VERSIONS = MappingProxyType(
    {
        "v1": Widths(
            a=(32, 32, 32, 32, 32, 32),
            reduction_a=(192, 192, 256, 384),
            b=(128, 128, 128, 128),
            reduction_b=(256, 384, 256, 256, 256, 256, 256),
            c=(192, 192, 192, 192),
            last=0,
        ),
        "v2": Widths(
            a=(32, 32, 32, 32, 48, 64),
            reduction_a=(256, 256, 384, 384),
            b=(192, 128, 160, 192),
            reduction_b=(256, 384, 256, 288, 256, 288, 320),
            c=(192, 192, 224, 256),
            last=1536,
        ),
    }
)
SCALES = (0.17, 0.10, 0.20)  # of the residuals, by stage: the authors' choice within the paper's 0.1 to 0.3


class InceptionResNet(nn.Module):
    """A stem, three stages of residual Inception blocks, a global average.

    The last block of all stays linear and unscaled, as released.
    """

    def __init__(
        self,
        *,
        version: str,
        depths: tuple[int, ...],
        stem: str,
        scales: tuple[float, ...] = SCALES,
        width: float = 1.0,
        strides: tuple[int, ...] = (2, 2, 2),
        head: str = "linear",
        num_classes: int,
        input_size: int,
    ) -> None:
        super().__init__()
        widths = VERSIONS[version].scaled(width)
        self.stem, cin = make_stem(stem, width, strides)
        a, b, c = nn.Sequential(), nn.Sequential(), nn.Sequential()
        out = widths.a[0] + widths.a[2] + widths.a[5]
        for i in range(depths[0]):
            a.add_module(str(i), InceptionResNetBlock(cin, branches_a(cin, widths.a), out, scales[0]))

        b.add_module("reduction", ReductionA(cin, *widths.reduction_a))
        cin += widths.reduction_a[2] + widths.reduction_a[3]
        out = widths.b[0] + widths.b[3]
        for i in range(depths[1]):
            b.add_module(str(i), InceptionResNetBlock(cin, branches_n(cin, widths.b, 7), out, scales[1]))

        c.add_module("reduction", ReductionB(cin, widths.reduction_b))
        cin += widths.reduction_b[1] + widths.reduction_b[3] + widths.reduction_b[6]
        out = widths.c[0] + widths.c[3]
        for i in range(depths[2]):
            last = i == depths[2] - 1
            scale = 1.0 if last else scales[2]
            block = InceptionResNetBlock(cin, branches_n(cin, widths.c, 3), out, scale, act=not last)
            c.add_module(str(i), block)
        demand_pixels((self.stem, b.get_submodule("reduction"), c.get_submodule("reduction")), input_size)
        if widths.last:
            c.add_module("last", conv(cin, widths.last, 1))
            cin = widths.last

        self.stages = nn.Sequential()
        for name, stage in (("a", a), ("b", b), ("c", c)):
            self.stages.add_module(name, stage)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(0.2)
        self.head: nn.Module = nn.Linear(cin, num_classes)
        if head == "facenet":
            embedding = int(512 * width)
            self.head = nn.Sequential(
                nn.Linear(cin, embedding, bias=False),
                nn.BatchNorm1d(embedding, eps=0.001),
                nn.Linear(embedding, num_classes),
            )
        self.apply(fan_in_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, C, H/8, W/8)
        x = self.stages(x)  # (B, C, H/32, W/32)
        x = flatten(self.pool(x), 1)  # (B, C)
        return self.head(self.drop(x))  # (B, num_classes)


PAPER = "paper, one 299 crop, without some 1,700 blacklisted images of 50,000"

FAMILY = Family(
    key="inception_resnet",
    title="Inception-ResNet",
    year=2016,
    paper="Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning",
    authors="Szegedy, Ioffe, Vanhoucke, Alemi",
    link="https://arxiv.org/abs/1602.07261",
    kind="shortcuts",
    parents=("inception_v4", "resnet"),
    idea="Put a shortcut beside narrow Inception branches, and add a fraction of what they compute.",
    story=Story(
        problem="ResNet had won ILSVRC 2015 with shortcuts, Inception-v3 was as good without. What do "
        "shortcuts change in an Inception network of the same cost?",
        trick="Inception modules become narrower; a 1x1 without activation brings them to the width of their "
        "input, to which they are added. Beyond 1,000 channels such networks died: after some ten thousand "
        "steps the last layer gave only zeros. Multiplying the residuals by 0.1 to 0.3 prevented it.",
        cost="v1 costs as much as Inception-v3, v2 as much as Inception-v4: 56 million parameters and 13 "
        "GMACs. To save memory, there is no batch norm on the sums.",
        outcome="Both learned faster than their partners without shortcuts and ended where these ended: 21.3 "
        "% top-1 error for v1 against 21.2 of v3, 19.9 for v2 against 20.0 of v4. Accuracy came from size. "
        "Scaled residuals came back in later networks, for instance as learned factors that start small.",
    ),
    model=InceptionResNet,
    lesson=InceptionResNetBlock,
    stages=("stem", "stages.a", "stages.b", "stages.c", "pool", "head"),
    table="figures 15 and 10 to 19; table 1 for Reduction-A",
    knobs=(
        Knob(
            name="scales",
            meaning="the part of the residual that is added in this stage; 1 for a plain sum",
            choices=(0.05, 0.1, 0.17, 0.2, 0.3, 0.5, 1.0),
        ),
        Knob(
            name="depths",
            meaning="residual blocks of this stage",
            choices=(1, 2, 3, 5, 6, 8, 10, 15, 20),
        ),
        Knob(
            name="width",
            meaning="factor on all channels",
            choices=(0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5),
        ),
        Knob(name="version", meaning="widths of the branches and the reductions", choices=("v1", "v2")),
        Knob(
            name="stem",
            meaning="figure 14 (v1), as released for v2, or Inception-v4's, which the paper names for v2",
            choices=("v1", "release", "v4"),
        ),
        Knob(
            name="strides",
            meaning="stride of the stem's first convolution, its first pool and its last halving layer",
            choices=(1, 2),
        ),
        Knob(
            name="head",
            meaning="one linear layer, or FaceNet's embedding of 512 values before it",
            choices=("linear", "facenet"),
        ),
    ),
    deviations=(
        Deviation(
            what="Figure 15 has 5, 10 and 5 blocks for both versions. The ports of v1 have one more at the "
            "end, v2 as released has twice as many; the very last one is linear and not scaled.",
            effect="The paper does not say whether its accuracies belong to the figures or to the released "
            "code.",
        ),
        Deviation(
            what="The paper gives v2 the stem of Inception-v4. As released, it has the stem of Inception-v3 "
            "and a module more; its blocks are 320, 1,088 and 2,080 wide, the paper's 384, 1,154 and 2,048.",
            effect="No printed count to compare with. From the paper's own widths follow 1,152, not 1,154.",
        ),
        Deviation(
            what="The ports of v1 end in the head of FaceNet, a network for faces: 512 values, batch norm, "
            "classes. Our inception_resnet_v1 has the paper's head, inception_resnet_v1_facenet the ports'.",
            effect="361,472 parameters less with FaceNet's head.",
        ),
        Deviation(
            what="The scales 0.17, 0.10 and 0.20 are those of the authors' code; the paper says 0.1 to 0.3.",
            effect="No count changes.",
        ),
    ),
    variants=(
        Variant(
            name="inception_resnet_classroom",
            title="Inception-ResNet, classroom size",
            config={
                "version": "v1",
                "depths": (1, 2, 2),
                "stem": "v1",
                "width": 0.1875,
                "strides": (1, 1, 2),
            },
            input_size=32,
            num_classes=10,
            note="Five residual blocks of v1 and both reductions, at three sixteenths of the width.",
        ),
        Variant(
            name="inception_resnet_v1",
            title="Inception-ResNet-v1",
            config={"version": "v1", "depths": (5, 10, 6), "stem": "v1"},
            input_size=299,
            published=Published(
                params=24_357_096,
                macs=6_308_597_856,
                source="pytorchcv inceptionresnetv1 with the paper's head",
                adapted="pytorchcv inceptionresnetv1 with the paper's head",
                top1=78.7,
                top5=94.5,
                accuracy_source=PAPER,
            ),
            note="As deep as the ports, with the paper's head: average, dropout, one linear layer.",
        ),
        Variant(
            name="inception_resnet_v1_facenet",
            title="Inception-ResNet-v1 (FaceNet head)",
            config={"version": "v1", "depths": (5, 10, 6), "stem": "v1", "head": "facenet"},
            input_size=299,
            published=Published(
                params=23_995_624,
                macs=6_308_235_360,
                source="pytorchcv inceptionresnetv1",
                twin="pytorchcv:inceptionresnetv1",
                top1=80.37,
                top5=95.2,
                accuracy_source="pytorchcv README, InceptionResNetV1, its own training",
            ),
            note="An embedding of 512 values before the classes, as in the ports that recognise faces.",
        ),
        Variant(
            name="inception_resnet_v2",
            title="Inception-ResNet-v2",
            config={"version": "v2", "depths": (10, 20, 10), "stem": "release"},
            input_size=299,
            published=Published(
                params=55_843_464,
                macs=13_155_794_016,
                source="timm inception_resnet_v2",
                twin="timm:inception_resnet_v2",
                top1=80.1,
                top5=95.1,
                accuracy_source=PAPER,
            ),
            note="Forty residual blocks; the maps of the last ones have 2,080 channels.",
        ),
    ),
)
