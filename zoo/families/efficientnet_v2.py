"""EfficientNetV2: plain convolutions where depthwise ones are slow, and pictures that grow during training.

Tan, Le, "EfficientNetV2: Smaller Models and Faster Training", 2021, arXiv:2104.00298. Fused-MBConv: figure 2;
how many stages to fuse: table 3. S: table 4. M, L, XL and B0 to B3: the authors' code, google/automl.
Progressive learning, section 4, is a way of training and not part of the network.
Module order follows torchvision, so its weights load by position; XL and B0 to B3 follow timm.

B images, C channels, H x W pixels, s stride.
"""

import math
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Literal, NamedTuple

from torch import Tensor, nn

from zoo.families.efficientnet import Row, Scaffold, mbconv
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant, both_printed
from zoo.layers import ConvNormAct, StochasticDepth

EPS = 1e-3  # of every batch norm
Padding = Literal["same"] | None


class FusedMBConv(nn.Module):
    """MBConv with 1x1 and depthwise 3x3 fused into one 3x3: (B, cin, H, W) -> (B, cout, H/s, W/s).

    More MACs, but in one operation that a GPU is good at. Without expansion the 3x3 is all there is.
    """

    def __init__(
        self, cin: int, cout: int, *, expansion: int, stride: int, padding: Padding, drop: float
    ) -> None:
        super().__init__()
        self.has_shortcut = stride == 1 and cin == cout
        hidden = expansion * cin if expansion > 1 else cout
        self.branch = nn.Sequential()
        conv = ConvNormAct(cin, hidden, 3, stride=stride, padding=padding, eps=EPS, act=nn.SiLU)
        self.branch.add_module("fused", conv)
        if expansion > 1:
            self.branch.add_module("project", ConvNormAct(hidden, cout, 1, eps=EPS, act=None))
        if self.has_shortcut and drop > 0:
            self.branch.add_module("drop", StochasticDepth(drop))

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)  # (B, cout, H/s, W/s)
        return x + y if self.has_shortcut else y


class Size(NamedTuple):
    """The channels of the stem, and the stages after it."""

    stem: int
    rows: tuple[Row, ...]


# In the paper and the authors' code the first three rows of each are Fused-MBConv; all end in a 1x1 of 1280.
SIZES: Mapping[str, Size] = MappingProxyType(
    {
        "base": Size(
            stem=32,
            rows=(
                Row(k=3, t=1, c=16, n=1, s=1),
                Row(k=3, t=4, c=32, n=2, s=2),
                Row(k=3, t=4, c=48, n=2, s=2),
                Row(k=3, t=4, c=96, n=3, s=2),
                Row(k=3, t=6, c=112, n=5, s=1),
                Row(k=3, t=6, c=192, n=8, s=2),
            ),
        ),
        "s": Size(
            stem=24,
            rows=(
                Row(k=3, t=1, c=24, n=2, s=1),
                Row(k=3, t=4, c=48, n=4, s=2),
                Row(k=3, t=4, c=64, n=4, s=2),
                Row(k=3, t=4, c=128, n=6, s=2),
                Row(k=3, t=6, c=160, n=9, s=1),
                Row(k=3, t=6, c=256, n=15, s=2),
            ),
        ),
        "m": Size(
            stem=24,
            rows=(
                Row(k=3, t=1, c=24, n=3, s=1),
                Row(k=3, t=4, c=48, n=5, s=2),
                Row(k=3, t=4, c=80, n=5, s=2),
                Row(k=3, t=4, c=160, n=7, s=2),
                Row(k=3, t=6, c=176, n=14, s=1),
                Row(k=3, t=6, c=304, n=18, s=2),
                Row(k=3, t=6, c=512, n=5, s=1),
            ),
        ),
        "l": Size(
            stem=32,
            rows=(
                Row(k=3, t=1, c=32, n=4, s=1),
                Row(k=3, t=4, c=64, n=7, s=2),
                Row(k=3, t=4, c=96, n=7, s=2),
                Row(k=3, t=4, c=192, n=10, s=2),
                Row(k=3, t=6, c=224, n=19, s=1),
                Row(k=3, t=6, c=384, n=25, s=2),
                Row(k=3, t=6, c=640, n=7, s=1),
            ),
        ),
        "xl": Size(
            stem=32,
            rows=(
                Row(k=3, t=1, c=32, n=4, s=1),
                Row(k=3, t=4, c=64, n=8, s=2),
                Row(k=3, t=4, c=96, n=8, s=2),
                Row(k=3, t=4, c=192, n=16, s=2),
                Row(k=3, t=6, c=256, n=24, s=1),
                Row(k=3, t=6, c=512, n=32, s=2),
                Row(k=3, t=6, c=640, n=8, s=1),
            ),
        ),
    }
)


def nearest_multiple_of_8(channels: float) -> int:
    """Without the rule of the older families that rounding must not take away more than a tenth."""
    return max(8, int(channels + 4) // 8 * 8)


class FusedRow(Row):
    """A line of table 4 with Fused-MBConv blocks."""


def block(cin: int, row: Row, stride: int, drop: float, *, padding: Padding) -> nn.Module:
    """The kind of block that the row is for."""
    if isinstance(row, FusedRow):
        return FusedMBConv(cin, row.c, expansion=row.t, stride=stride, padding=padding, drop=drop)
    return mbconv(cin, row, stride, drop, eps=EPS, padding=padding)


class EfficientNetV2(Scaffold):
    """A size's stages, times `depth` and `width`; Fused-MBConv in the first `fused` of them."""

    def __init__(
        self,
        *,
        size: str,
        width: float = 1.0,
        depth: float = 1.0,
        fused: int = 3,
        padding: Padding = None,
        dropout: float = 0.2,
        num_classes: int,
    ) -> None:
        stem, table = SIZES[size]
        rows = [
            row._replace(c=nearest_multiple_of_8(row.c * width), n=math.ceil(row.n * depth)) for row in table
        ]
        rows[:fused] = [FusedRow(*row) for row in rows[:fused]]
        super().__init__(
            rows,
            partial(block, padding=padding),
            stem=nearest_multiple_of_8(stem * width),
            last=nearest_multiple_of_8(1280 * width),
            eps=EPS,
            padding=padding,
            dropout=dropout,
            num_classes=num_classes,
        )


README = "google/automl efficientnetv2/README.md"


def torchvision_row(
    size: str,
    *,
    pixels: int,
    dropout: float,
    params: int,
    macs: int,
    top1: float,
    top5: float,
    printed: tuple[Printed, ...],
    note: str,
) -> Variant:
    name, weights = f"efficientnet_v2_{size}", f"EfficientNet_V2_{size.upper()}_Weights.IMAGENET1K_V1"
    return Variant(
        name=name,
        title=f"EfficientNetV2-{size.upper()}",
        config={"size": size, "dropout": dropout},
        input_size=pixels,
        weights=weights,
        published=Published(
            params=params,
            macs=macs,
            source=f"torchvision {name}",
            twin=f"torchvision:{name}",
            top1=top1,
            top5=top5,
            accuracy_source=f"torchvision {weights}, one {pixels} crop",
            printed=printed,
        ),
        note=note,
    )


def base_row(
    number: int,
    *,
    width: float,
    depth: float,
    pixels: int,
    params: int,
    macs: int,
    top1: float,
    printed: tuple[Printed, ...],
) -> Variant:
    """V2's stages with the factors and the resolution of EfficientNet's B0 to B3."""
    name = f"efficientnet_v2_b{number}"
    twin = f"tf_efficientnetv2_b{number}"
    return Variant(
        name=name,
        title=f"EfficientNetV2-B{number}",
        config={"size": "base", "width": width, "depth": depth, "padding": "same"},
        input_size=pixels,
        published=Published(
            params=params,
            macs=macs,
            source=f"timm {twin}",
            twin=f"timm:{twin}",
            top1=top1,
            accuracy_source=README,
            printed=printed,
        ),
        note=f"Scaled as EfficientNet-B{number}, {pixels} pixels.",
    )


in_readme = partial(both_printed, README)
UNEXPLAINED = "up to 0.7 % above the multiply-accumulates of the layers; the authors do not say why"
MORE = "a million more than the layers have; half of it may be the running statistics of batch norm"

FAMILY = Family(
    key="efficientnet_v2",
    title="EfficientNetV2",
    year=2021,
    paper="EfficientNetV2: Smaller Models and Faster Training",
    authors="Tan, Le",
    link="https://arxiv.org/abs/2104.00298",
    kind="mobile",
    parents=("efficientnet",),
    idea="Search for training speed: full 3x3 convolutions early on, pictures that grow while training.",
    story=Story(
        problem="EfficientNet has few MACs but trains slowly. Its large pictures leave room for small "
        "batches only, its depthwise convolutions keep a GPU waiting in the early layers, and scaling all "
        "stages alike adds blocks where they are dear.",
        trick="Fused-MBConv replaces the 1x1 and the depthwise 3x3 by one full 3x3; a search that counts "
        "training time puts it into the first three stages. Progressive learning trains on small pictures "
        "with little augmentation first, and enlarges both: from 128 to 300 pixels for S.",
        cost="A fused block has more parameters and MACs than the one it replaces: with all seven stages "
        "fused, EfficientNet-B4 became six times larger and less accurate. So the trick ends where maps are "
        "small and channels many.",
        outcome="V2-M is as accurate as EfficientNet-B7 and was trained 11 times faster on the same "
        "hardware. V2-L has 85.7 % top-1, XL with ImageNet-21k before it 87.3 %.",
    ),
    model=EfficientNetV2,
    lesson=FusedMBConv,
    stages=("stem", "stages", "last", "pool", "head"),
    table="table 4; the authors' code for the other sizes",
    knobs=(
        Knob(
            name="fused",
            meaning="how many of the first stages are Fused-MBConv, table 3; 0 is EfficientNet's way",
            choices=(0, 1, 2, 3, 4, 5, 6, 7),
        ),
        Knob(
            name="width",
            meaning="factor on all channels, rounded to the nearest multiple of 8",
            choices=(0.25, 0.5, 0.75, 1.0, 1.1, 1.2, 1.4),
        ),
        Knob(
            name="depth",
            meaning="factor on the blocks of a stage, rounded up",
            choices=(0.25, 0.5, 1.0, 1.1, 1.2, 1.4),
        ),
    ),
    deviations=(
        Deviation(
            what="S, M and L pad evenly, as in torchvision; XL and B0 to B3 as TensorFlow, where their "
            "published weights come from.",
            effect="No count and no map size changes. Weights trained with one padding lose accuracy with "
            "the other.",
        ),
        Deviation(
            what="The first version of the paper gave S a last stage of 272 channels and an end of 1792; the "
            "authors' code has 256 and 1280, as in the later version.",
            effect="timm's efficientnetv2_rw_s follows the first version: 23.9 instead of 21.5 million "
            "parameters.",
        ),
        Deviation(
            what="Torchvision trained S and M anew, by its own recipe; its L has the authors' weights, which "
            "were trained with the other padding.",
            effect="84.2, 85.1 and 85.8 %; the authors have 83.9, 85.2 and 85.7 %.",
        ),
    ),
    variants=(
        Variant(
            name="efficientnet_v2_classroom",
            title="EfficientNetV2, classroom size",
            config={"size": "base", "width": 0.25, "depth": 0.25},
            input_size=32,
            num_classes=10,
            note="A quarter of B0: three fused stages, three with depthwise convolutions and attention.",
        ),
        base_row(
            0,
            width=1.0,
            depth=1.0,
            pixels=224,
            params=7_139_704,
            macs=718_086_176,
            top1=78.7,
            printed=in_readme(7.1e6, 0.72e9),
        ),
        base_row(
            1,
            width=1.0,
            depth=1.1,
            pixels=240,
            params=8_141_052,
            macs=1_196_819_360,
            top1=79.8,
            printed=in_readme(8.1e6, 1.2e9),
        ),
        base_row(
            2,
            width=1.1,
            depth=1.2,
            pixels=260,
            params=10_096_086,
            macs=1_697_542_832,
            top1=80.5,
            printed=in_readme(10.1e6, 1.7e9),
        ),
        base_row(
            3,
            width=1.2,
            depth=1.4,
            pixels=300,
            params=14_358_406,
            macs=3_011_458_816,
            top1=82.1,
            printed=in_readme(14.4e6, 3.0e9),
        ),
        torchvision_row(
            "s",
            pixels=384,
            dropout=0.2,
            params=21_458_488,
            macs=8_365_617_152,
            top1=84.228,
            top5=96.878,
            printed=in_readme(21.5e6, 8.4e9),
            note="The network that the search found; 40 blocks.",
        ),
        torchvision_row(
            "m",
            pixels=480,
            dropout=0.3,
            params=54_139_356,
            macs=24_582_460_384,
            top1=85.112,
            top5=97.156,
            printed=in_readme(54.1e6, 24.7e9, why_macs=UNEXPLAINED),
            note="A seventh stage and 57 blocks.",
        ),
        torchvision_row(
            "l",
            pixels=480,
            dropout=0.4,
            params=118_515_272,
            macs=56_079_699_008,
            top1=85.808,
            top5=97.788,
            printed=in_readme(119.5e6, 56.3e9, why_params=MORE, why_macs=UNEXPLAINED),
            note="79 blocks.",
        ),
        Variant(
            name="efficientnet_v2_xl",
            title="EfficientNetV2-XL",
            config={"size": "xl", "padding": "same", "dropout": 0.4},
            input_size=512,
            published=Published(
                params=208_119_808,
                macs=93_353_451_520,
                source="timm tf_efficientnetv2_xl",
                twin="timm:tf_efficientnetv2_xl",
                top1=87.2,
                accuracy_source=f"{README}, trained on ImageNet-21k first",
                printed=both_printed("paper, table 7", 208e6, 94e9, why_macs=UNEXPLAINED),
            ),
            note="100 blocks at 512 pixels; only ever trained on ImageNet-21k first.",
        ),
    ),
)
