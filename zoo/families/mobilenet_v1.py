"""MobileNet: filter each channel by itself, then mix the channels with a 1x1, at a ninth of the cost.

Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto, Adam, "MobileNets: Efficient Convolutional Neural
Networks for Mobile Vision Applications", 2017, arXiv:1704.04861. The pair of convolutions: figure 3. The
network: table 1, kept below as it is printed. Width multiplier alpha: section 3.3; resolution multiplier rho:
section 3.4. Full convolutions: table 4; the shallow network: table 5.
Module order follows pytorchcv and timm, so a twin's weights load by position.

B images, C channels, H x W pixels, s stride.
"""

from typing import NamedTuple

from torch import Tensor, flatten, nn

from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant, both_printed
from zoo.layers import ConvNormAct, Rescale, he_init

ACTIVATIONS = {"relu": nn.ReLU, "relu6": nn.ReLU6}


class DepthwiseSeparable(nn.Sequential):
    """A 3x3 for each channel alone, then a 1x1 across channels: (B, cin, H, W) -> (B, cout, H/s, W/s).

    Per pixel 9 cin + cin cout multiplications, where a full 3x3 needs 9 cin cout: 1/cout + 1/9 of them.
    """

    def __init__(self, cin: int, cout: int, stride: int, act: type[nn.Module]) -> None:
        super().__init__()
        self.depthwise = ConvNormAct(cin, cin, 3, stride=stride, groups=cin, act=act)
        self.pointwise = ConvNormAct(cin, cout, 1, act=act)


class Row(NamedTuple):
    """Lines of table 1 that share a map size: `n` pairs of depthwise 3x3 and 1x1."""

    c: int  # output channels
    n: int  # pairs
    s: int  # stride of the first pair


# Before these rows stands a full 3x3 convolution of 32 channels and stride 2; after them the average and the
# classifier.
TABLE_1 = (
    Row(c=64, n=1, s=1),
    Row(c=128, n=2, s=2),
    Row(c=256, n=2, s=2),
    Row(c=512, n=6, s=2),
    Row(c=1024, n=2, s=2),
)
DEPTHS = tuple(row.n for row in TABLE_1)


class MobileNetV1(nn.Module):
    """A stem, the rows of table 1 as stages, a global average. No shortcut anywhere."""

    def __init__(
        self,
        *,
        width: float = 1.0,
        resolution: float = 1.0,
        depths: tuple[int, ...] = DEPTHS,
        separable: bool = True,
        act: str = "relu",
        stem_stride: int = 2,
        num_classes: int,
    ) -> None:
        super().__init__()
        cin, activation = int(32 * width), ACTIVATIONS[act]
        self.rescale = Rescale(resolution) if resolution != 1 else None
        self.stem = ConvNormAct(3, cin, 3, stride=stem_stride, act=activation)
        self.stages = nn.Sequential()
        for row, depth in zip(TABLE_1, depths, strict=True):
            stage = nn.Sequential()
            cout = int(row.c * width)
            for i in range(depth):
                stride = row.s if i == 0 else 1
                if separable:
                    stage.append(DepthwiseSeparable(cin, cout, stride, activation))
                else:
                    stage.append(ConvNormAct(cin, cout, 3, stride=stride, act=activation))
                cin = cout
            self.stages.append(stage)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(cin, num_classes)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        if self.rescale is not None:
            x = self.rescale(x)  # (B, 3, rho H, rho W)
        x = self.stem(x)  # (B, 32, H/2, W/2)
        x = self.stages(x)  # (B, 1024, H/32, W/32)
        x = flatten(self.pool(x), 1)  # (B, 1024)
        return self.head(x)  # (B, num_classes)


RELEASE = "tensorflow/models research/slim/nets/mobilenet_v1.md"


def row(
    name: str,
    title: str,
    *,
    width: float = 1.0,
    size: int = 224,
    params: int,
    macs: int,
    top1: float,
    top5: float,
    printed: tuple[Printed, ...],
    twin: str = "",
    note: str = "",
) -> Variant:
    """A line of table 6 (width multiplier) or of table 7 (resolution multiplier)."""
    return Variant(
        name=name,
        title=title,
        config={"width": width},
        input_size=size,
        published=Published(
            params=params,
            macs=macs,
            source=f"pytorchcv {twin}" if twin else f"timm mobilenetv1_100 at {size} px",
            twin=f"pytorchcv:{twin}" if twin else "",
            adapted="" if twin else f"timm mobilenetv1_100 at {size} px, with ReLU",
            top1=top1,
            top5=top5,
            accuracy_source=f"{RELEASE}, MobileNet_v1_{width}_{size}, whose code has ReLU6",
            printed=printed,
        ),
        note=note,
    )


def paper(table: int, params: float, macs: float, reason: str = "") -> tuple[Printed, ...]:
    """What a table of the paper prints, in millions."""
    source = f"paper, table {table}"
    return both_printed(source, params * 1e6, macs * 1e6, called="mult-adds", why_macs=reason)


FAMILY = Family(
    key="mobilenet_v1",
    title="MobileNet",
    year=2017,
    paper="MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
    authors="Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto, Adam",
    link="https://arxiv.org/abs/1704.04861",
    kind="mobile",
    parents=("vgg",),
    idea="Split each convolution in two: 3x3 filters for each channel alone, then a 1x1 that mixes channels.",
    story=Story(
        problem="A full 3x3 convolution does two things at once: it looks at neighbours and it mixes "
        "channels. VGG-16 spends 15 billion multiply-adds on that for one picture, far too many for a phone.",
        trick="Do the two things one after the other. A depthwise 3x3 looks at each channel alone, and a 1x1 "
        "then mixes the channels: together 1/N + 1/9 of the cost, for N output channels. Two multipliers, "
        "alpha for the width and rho for the resolution, shrink the whole network to any budget.",
        cost="About one point of accuracy: 70.6 % top-1, where the same network with full convolutions has "
        "71.7 % and costs eight and a half times as much. 95 % of the work is now in the 1x1 convolutions, "
        "and a depthwise 3x3 keeps memory busier than the arithmetic.",
        outcome="Close to VGG-16's accuracy with 32 times fewer parameters and 27 times fewer multiply-adds. "
        "Depthwise separable convolutions became the basis of most later networks for phones. The paper is "
        "from April 2017; some documents date it 2016 or place it at CVPR 2017, where it was not shown.",
    ),
    model=MobileNetV1,
    lesson=DepthwiseSeparable,
    stages=("stem", "stages", "pool", "head"),
    table="table 1; tables 6 and 7 for the multipliers",
    knobs=(
        Knob(
            name="width",
            meaning="factor on all channels, called alpha; cost falls with its square",
            choices=(0.25, 0.5, 0.75, 1.0, 1.25, 1.5),
        ),
        Knob(
            name="resolution",
            meaning="factor on height and width of the image, called rho; 0.571 makes 128 px of 224",
            choices=(0.571, 0.714, 0.857, 1.0),
        ),
        Knob(
            name="separable",
            meaning="depthwise 3x3 and 1x1, or one full 3x3 in their place (table 4)",
            choices=(True, False),
        ),
        Knob(
            name="depths",
            meaning="pairs of convolutions at this resolution; depths.3 = 1 is table 5's shallow network",
            choices=tuple(range(1, 9)),
        ),
        Knob(
            name="act",
            meaning="ReLU as in the paper, or ReLU6, cut off at six, as in the authors' code",
            choices=tuple(ACTIVATIONS),
        ),
        Knob(name="stem_stride", meaning="stride of the first convolution", choices=(1, 2)),
    ),
    deviations=(
        Deviation(
            what="The activation is ReLU, as the paper writes. The authors' released code has ReLU6, which "
            "later became the habit of the MobileNets: turn the knob to compare.",
            effect="Parameters and MACs are the same; the outputs differ wherever a unit exceeds six. The "
            "accuracies shown belong to the released weights, with ReLU6.",
        ),
        Deviation(
            what="Table 1 prints stride 2 for the last depthwise convolution, but leaves its map at 7x7. We "
            "use stride 1, as the authors' code does.",
            effect="Stride 2 would leave a map of 4x4 and a total of 534 million mult-adds, not the 569 "
            "million of table 4.",
        ),
        Deviation(
            what="The rows of table 7 have images of 192, 160 and 128 px instead of a resolution multiplier.",
            effect="None: section 3.4 sets rho by choosing the image size.",
        ),
    ),
    variants=(
        Variant(
            name="mobilenet_v1_classroom",
            title="MobileNet, classroom size",
            config={"width": 0.5, "depths": (1, 1, 1, 2, 1), "stem_stride": 1},
            input_size=32,
            num_classes=10,
            note="Half the width, six pairs of convolutions, and a first one that keeps all 32x32 pixels.",
        ),
        row(
            "mobilenet_v1",
            "MobileNet 1.0",
            params=4_231_976,
            macs=568_740_352,
            twin="mobilenet_w1",
            top1=70.9,
            top5=89.9,
            printed=paper(6, 4.2, 569),
            note="28 layers, if a depthwise and a 1x1 convolution count as two.",
        ),
        row(
            "mobilenet_v1_075",
            "MobileNet 0.75",
            width=0.75,
            params=2_585_560,
            macs=325_400_448,
            twin="mobilenet_w3d4",
            top1=68.4,
            top5=88.2,
            printed=(
                *paper(6, 2.6, 325),
                Printed(
                    quantity="macs",
                    value=317e6,
                    source=RELEASE,
                    reason="the paper and the count agree on 325 M",
                ),
            ),
            note="Three quarters of the channels everywhere, a little over half of the cost.",
        ),
        row(
            "mobilenet_v1_05",
            "MobileNet 0.5",
            width=0.5,
            params=1_331_592,
            macs=149_497_088,
            twin="mobilenet_wd2",
            top1=63.3,
            top5=84.9,
            printed=paper(6, 1.3, 149),
            note="Half of the channels everywhere, a quarter of the cost.",
        ),
        row(
            "mobilenet_v1_025",
            "MobileNet 0.25",
            width=0.25,
            params=470_072,
            macs=41_030_272,
            twin="mobilenet_wd4",
            top1=49.8,
            top5=74.2,
            printed=paper(6, 0.5, 41),
            note="Here more than half of the parameters belong to the classifier.",
        ),
        row(
            "mobilenet_v1_r192",
            "MobileNet 1.0, 192 px",
            size=192,
            params=4_231_976,
            macs=418_121_728,
            top1=70.0,
            top5=89.2,
            printed=paper(7, 4.2, 418),
            note="The same network on a smaller picture: rho = 6/7.",
        ),
        row(
            "mobilenet_v1_r160",
            "MobileNet 1.0, 160 px",
            size=160,
            params=4_231_976,
            macs=290_675_200,
            top1=68.0,
            top5=87.7,
            printed=paper(7, 4.2, 290, "cut off instead of rounded"),
            note="The same network on a smaller picture: rho = 5/7.",
        ),
        row(
            "mobilenet_v1_r128",
            "MobileNet 1.0, 128 px",
            size=128,
            params=4_231_976,
            macs=186_400_768,
            top1=65.2,
            top5=85.8,
            printed=paper(7, 4.2, 186),
            note="The same network on a smaller picture: rho = 4/7.",
        ),
    ),
)
