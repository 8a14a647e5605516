"""EfficientNet: when there is more to spend, spend it on depth, width and resolution together.

Tan, Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019, arXiv:1905.11946.
Compound scaling: equation 3. B0, found by a search: table 1, kept below as it is printed. B1 to B7: table 2,
their factors from the authors' code. The block is MnasNet's, with SiLU (swish) and squeeze-and-excitation in
every stage; in training, branches are left out at random.
Module order follows torchvision, so its weights load by position.

B images, C channels, H x W pixels.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple

from torch import Tensor, flatten, nn

from zoo.families.mnasnet import MBConv
from zoo.families.senet import SqueezeExcite
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant, both_printed
from zoo.layers import ConvNormAct, Rescale, he_init, round_channels


class Scale(NamedTuple):
    """Factors on a network's depth, width and resolution."""

    depth: float
    width: float
    resolution: float

    @property
    def cost(self) -> float:
        """How many times the MACs: channels count twice (in and out), pixels too (height and width)."""
        return self.depth * self.width**2 * self.resolution**2


def compound(phi: float, alpha: float = 1.2, beta: float = 1.1, gamma: float = 1.15) -> Scale:
    """Equation 3: one number scales all three. With alpha beta^2 gamma^2 = 2, the cost is about 2^phi."""
    return Scale(depth=alpha**phi, width=beta**phi, resolution=gamma**phi)


class Row(NamedTuple):
    """A line of table 1 with MBConv blocks."""

    k: int  # depthwise kernel
    t: int  # expansion
    c: int  # output channels
    n: int  # blocks
    s: int  # stride of the first block


# Before these rows stands a 3x3 convolution of 32 channels and stride 2; after them a 1x1 of 1280 channels,
# the average and the classifier.
TABLE_1 = (
    Row(k=3, t=1, c=16, n=1, s=1),
    Row(k=3, t=6, c=24, n=2, s=2),
    Row(k=5, t=6, c=40, n=2, s=2),
    Row(k=3, t=6, c=80, n=3, s=2),
    Row(k=5, t=6, c=112, n=3, s=1),
    Row(k=5, t=6, c=192, n=4, s=2),
    Row(k=3, t=6, c=320, n=1, s=1),
)


def mbconv(
    cin: int, row: Row, stride: int, drop: float, *, eps: float, padding: Literal["same"] | None = None
) -> MBConv:
    """A block as in B0: attention squeezed to a quarter of what enters the block, SiLU throughout."""
    hidden = row.t * cin
    return MBConv(
        cin,
        row.c,
        hidden=hidden,
        kernel=row.k,
        stride=stride,
        se=SqueezeExcite(hidden, cin // 4, act=nn.SiLU),
        act=nn.SiLU,
        eps=eps,
        padding=padding,
        drop=drop,
    )


DROP = 0.2  # of the last block, in all of these networks


class Scaffold(nn.Module):
    """What stands around the blocks of an EfficientNet: stem, a stage for each row, last 1x1, average, head.

    `block` makes a block from the channels that enter, its row, its stride, and its chance to be left out in
    training, which rises from 0 at the first block to almost DROP at the last.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        block: Callable[[int, Row, int, float], nn.Module],
        *,
        stem: int,
        last: int,
        eps: float,
        act: type[nn.Module] = nn.SiLU,
        padding: Literal["same"] | None = None,
        resolution: float = 1.0,
        dropout: float,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.rescale = Rescale(resolution) if resolution != 1 else None
        self.stem = ConvNormAct(3, stem, 3, stride=2, padding=padding, eps=eps, act=act)
        self.stages = nn.Sequential()
        cin, made, total = stem, 0, sum(row.n for row in rows)
        for row in rows:
            stage = nn.Sequential()
            for i in range(row.n):
                stage.append(block(cin, row, row.s if i == 0 else 1, DROP * made / total))
                cin, made = row.c, made + 1
            self.stages.append(stage)
        self.last = ConvNormAct(cin, last, 1, eps=eps, act=act)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(last, num_classes)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        if self.rescale is not None:
            x = self.rescale(x)
        x = self.stem(x)  # (B, stem, H/2, W/2)
        x = self.stages(x)  # (B, C, H/32, W/32)
        x = self.last(x)  # (B, last, H/32, W/32)
        x = flatten(self.pool(x), 1)  # (B, last)
        return self.head(self.drop(x))  # (B, num_classes)


class EfficientNet(Scaffold):
    """Table 1, times `depth` and `width`, and on top of that times alpha, beta, gamma to the power of `phi`.

    gamma works on the picture itself, before the stem.
    """

    def __init__(
        self,
        *,
        width: float = 1.0,
        depth: float = 1.0,
        phi: float = 0.0,
        alpha: float = 1.2,
        beta: float = 1.1,
        gamma: float = 1.15,
        eps: float = 1e-5,
        dropout: float = 0.2,
        num_classes: int,
    ) -> None:
        scale = compound(phi, alpha, beta, gamma)
        width, depth = width * scale.width, depth * scale.depth
        super().__init__(
            [row._replace(c=round_channels(row.c * width), n=math.ceil(row.n * depth)) for row in TABLE_1],
            partial(mbconv, eps=eps),
            stem=round_channels(32 * width),
            last=round_channels(1280 * width),
            eps=eps,
            resolution=scale.resolution,
            dropout=dropout,
            num_classes=num_classes,
        )


BY_TIMM = "trained by timm"
BY_AUTHORS = "the authors' weights, trained with TensorFlow's padding"


def row_of_table_2(
    number: int,
    *,
    width: float,
    depth: float,
    size: int,
    dropout: float,
    params: int,
    macs: int,
    top1: float,
    top5: float,
    printed: tuple[Printed, ...],
    crop: int | None = None,
    note: str,
) -> Variant:
    """B1 to B7 as the authors scaled them; B5 to B7 with TensorFlow's constant in batch norm."""
    name, weights = f"efficientnet_b{number}", f"EfficientNet_B{number}_Weights.IMAGENET1K_V1"
    config = {"width": width, "depth": depth, "dropout": dropout} | ({"eps": 1e-3} if number > 4 else {})
    return Variant(
        name=name,
        title=f"EfficientNet-B{number}",
        config=config,
        input_size=size,
        weights=weights,
        published=Published(
            params=params,
            macs=macs,
            source=f"torchvision {name}",
            twin=f"torchvision:{name}",
            top1=top1,
            top5=top5,
            accuracy_source=f"torchvision {weights}: {BY_AUTHORS if number > 4 else BY_TIMM}, one "
            f"{crop or size} crop",
            printed=printed,
        ),
        note=note,
    )


of_paper = partial(both_printed, "paper, table 2")
UNEXPLAINED = "the paper does not say how it counts; torchvision and timm count as we do"

FAMILY = Family(
    key="efficientnet",
    title="EfficientNet",
    year=2019,
    paper="EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    authors="Tan, Le",
    link="https://arxiv.org/abs/1905.11946",
    kind="mobile",
    parents=("mnasnet",),
    idea="Scale depth, width and resolution together, in a fixed proportion found once on a small network.",
    story=Story(
        problem="A larger budget was usually spent on one thing: more layers (ResNet-18 to 200), more "
        "channels (wide networks) or more pixels. Each of them alone helps less and less, and the accuracy "
        "soon stops near 80 %.",
        trick="The three belong together: a larger picture needs more layers to see as much of it, and more "
        "channels for its finer detail. Try a few proportions on a small network, take the best (1.2 for "
        "depth, 1.1 for width, 1.15 for resolution), and raise all three to the same power. The small "
        "network, B0, comes from a search like MnasNet's, with MACs in place of the phone's milliseconds.",
        cost="MACs are not seconds: depthwise convolutions and large pictures keep a GPU waiting for memory. "
        "B7 has 66 million parameters, fewer than VGG, but 37 GMACs on 600x600 pixels, and training takes "
        "correspondingly long. EfficientNetV2 starts here.",
        outcome="B0 reaches 77.1 % top-1 with 0.39 GMACs. B7 reached 84.3 %, as much as the best network of "
        "the time, GPipe, with 8.4 times fewer parameters. For years the family was the usual yardstick for "
        "accuracy per MAC.",
    ),
    model=EfficientNet,
    lesson=compound,
    stages=("stem", "stages", "last", "pool", "head"),
    table="tables 1 and 2",
    knobs=(
        Knob(
            name="phi",
            meaning="how far to scale all three at once, on top of the variant's own width and depth",
            choices=(0.0, 0.5, 1.0, 1.5, 2.0),
        ),
        Knob(
            name="alpha",
            meaning="depth's share: blocks times alpha to the power of phi",
            choices=(1.0, 1.1, 1.2, 1.3, 1.4, 2.0),
        ),
        Knob(
            name="beta",
            meaning="width's share: channels times beta to the power of phi",
            choices=(1.0, 1.1, 1.2, 1.3, 1.4),
        ),
        Knob(
            name="gamma",
            meaning="resolution's share: height and width of the picture times gamma to the power of phi",
            choices=(1.0, 1.1, 1.15, 1.2, 1.3, 1.4),
        ),
        Knob(
            name="width",
            meaning="factor on the channels of table 1, rounded to multiples of 8",
            choices=(0.25, 0.5, 0.75, 1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0),
        ),
        Knob(
            name="depth",
            meaning="factor on the blocks of table 1, rounded up",
            choices=(0.25, 0.5, 1.0, 1.1, 1.2, 1.4, 1.8, 2.2, 2.6, 3.1),
        ),
    ),
    deviations=(
        Deviation(
            what="B1 to B7 are not exact powers: the authors' code lists their factors, such as 1.1 and 1.2 "
            "for B2, and their resolutions one by one.",
            effect="From B0 the rule gives B4 (phi = 4) a depth of 2.07 and 392 pixels; the code has 1.8 and "
            "380.",
        ),
        Deviation(
            what="Padding is even, as in torchvision and timm. The authors' TensorFlow puts an odd zero to "
            "the right and below.",
            effect="No count and no map size changes. Torchvision's weights of B5 to B7 are the authors' "
            "own, trained with the other padding; B0 to B4 were trained anew.",
        ),
        Deviation(
            what="Batch norm adds 0.001 to the variance in the authors' code and in torchvision's B5 to B7, "
            "0.00001 in torchvision's B0 to B4.",
            effect="No count changes; weights need the constant they were trained with.",
        ),
        Deviation(
            what="The paper gives B2 260 pixels. Torchvision's weights are evaluated at 288.",
            effect="0.99 GMACs at 260 pixels, 1.09 at 288. The accuracy shown belongs to 288.",
        ),
    ),
    variants=(
        Variant(
            name="efficientnet_classroom",
            title="EfficientNet, classroom size",
            config={"width": 0.25, "depth": 0.25, "phi": 1.0, "gamma": 1.0},
            input_size=32,
            num_classes=10,
            note="A quarter of B0 with phi = 1, so that alpha, beta and gamma show at once what they do.",
        ),
        Variant(
            name="efficientnet_b0",
            title="EfficientNet-B0",
            config={},
            input_size=224,
            weights="EfficientNet_B0_Weights.IMAGENET1K_V1",
            published=Published(
                params=5_288_548,
                macs=385_814_752,
                source="torchvision efficientnet_b0",
                twin="torchvision:efficientnet_b0",
                top1=77.692,
                top5=93.532,
                accuracy_source=f"torchvision EfficientNet_B0_Weights.IMAGENET1K_V1: {BY_TIMM}, one 224 crop",
                printed=of_paper(5.3e6, 0.39e9),
            ),
            note="The network that the search found; all others are this one, scaled.",
        ),
        row_of_table_2(
            1,
            width=1.0,
            depth=1.1,
            size=240,
            dropout=0.2,
            params=7_794_184,
            macs=686_802_832,
            top1=78.642,
            top5=94.186,
            printed=of_paper(7.8e6, 0.70e9, why_macs=UNEXPLAINED),
            note="One more block in each stage, and 240 pixels.",
        ),
        row_of_table_2(
            2,
            width=1.1,
            depth=1.2,
            size=260,
            dropout=0.3,
            params=9_109_994,
            macs=993_561_872,
            top1=80.608,
            top5=95.31,
            crop=288,
            printed=of_paper(
                9.2e6, 1.0e9, why_params="with the running means and variances of batch norm, 9.18 M"
            ),
            note="10 % more channels than B1, 260 pixels.",
        ),
        row_of_table_2(
            3,
            width=1.2,
            depth=1.4,
            size=300,
            dropout=0.3,
            params=12_233_232,
            macs=1_827_141_392,
            top1=82.008,
            top5=96.054,
            printed=of_paper(12e6, 1.8e9),
            note="26 blocks at 300 pixels.",
        ),
        row_of_table_2(
            4,
            width=1.4,
            depth=1.8,
            size=380,
            dropout=0.4,
            params=19_341_616,
            macs=4_393_771_024,
            top1=83.384,
            top5=96.594,
            printed=of_paper(19e6, 4.2e9, why_macs=UNEXPLAINED),
            note="About the MACs of ResNet-50, with three quarters of its parameters.",
        ),
        row_of_table_2(
            5,
            width=1.6,
            depth=2.2,
            size=456,
            dropout=0.4,
            params=30_389_784,
            macs=10_266_384_752,
            top1=83.444,
            top5=96.628,
            printed=of_paper(30e6, 9.9e9, why_macs=UNEXPLAINED),
            note="39 blocks at 456 pixels.",
        ),
        row_of_table_2(
            6,
            width=1.8,
            depth=2.6,
            size=528,
            dropout=0.5,
            params=43_040_704,
            macs=19_067_593_536,
            top1=84.008,
            top5=96.916,
            printed=of_paper(43e6, 19e9),
            note="45 blocks at 528 pixels.",
        ),
        row_of_table_2(
            7,
            width=2.0,
            depth=3.1,
            size=600,
            dropout=0.5,
            params=66_347_960,
            macs=37_745_884_192,
            top1=84.122,
            top5=96.908,
            printed=of_paper(66e6, 37e9, why_macs="cut off rather than rounded"),
            note="55 blocks at 600 pixels: 84.3 % in the paper.",
        ),
    ),
)
