"""MobileNetV2: widen cheaply inside the block, and leave its narrow ends linear.

Sandler, Howard, Zhu, Zhmoginov, Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018,
arXiv:1801.04381. The block: table 1 and figure 4(d). The network: table 2, kept below as it is printed. Width
multiplier: section 4. Module order follows torchvision, so its weights load by position.

B images, C channels, H x W pixels, s stride, t expansion.
"""

from typing import NamedTuple

from torch import Tensor, flatten, nn

from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import ConvNormAct, he_init, round_channels


class InvertedResidual(nn.Module):
    """1x1 up to t x cin, depthwise 3x3, 1x1 down without activation: (B, cin, H, W) -> (B, cout, H/s, W/s).

    A ReLU on few channels loses what it cuts off; on many, the others still hold it. So the ReLU6 work on the
    wide map, and the narrow one, which the shortcut carries on, stays linear.
    """

    def __init__(self, cin: int, cout: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = expansion * cin
        self.expand = ConvNormAct(cin, hidden, 1, act=nn.ReLU6) if expansion > 1 else None
        self.depthwise = ConvNormAct(hidden, hidden, 3, stride=stride, groups=hidden, act=nn.ReLU6)
        self.project = ConvNormAct(hidden, cout, 1, act=None)  # the linear bottleneck
        self.has_shortcut = stride == 1 and cin == cout

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else self.expand(x)  # (B, t cin, H, W)
        y = self.project(self.depthwise(y))
        return x + y if self.has_shortcut else y


class Row(NamedTuple):
    """A line of table 2 with bottlenecks."""

    t: int  # expansion
    c: int  # output channels
    n: int  # blocks
    s: int  # stride of the first block


# Before these rows stands a 3x3 convolution of 32 channels and stride 2; after them a 1x1 of 1280 channels,
# the average and the classifier.
TABLE_2 = (
    Row(t=1, c=16, n=1, s=1),
    Row(t=6, c=24, n=2, s=2),
    Row(t=6, c=32, n=3, s=2),
    Row(t=6, c=64, n=4, s=2),
    Row(t=6, c=96, n=3, s=1),
    Row(t=6, c=160, n=3, s=2),
    Row(t=6, c=320, n=1, s=1),
)
DEPTHS = tuple(row.n for row in TABLE_2)


class MobileNetV2(nn.Module):
    """A stem, the rows of table 2 as stages, a last 1x1 convolution that widens, a global average."""

    def __init__(
        self,
        *,
        width: float = 1.0,
        depths: tuple[int, ...] = DEPTHS,
        expansion: int = 6,
        stem_stride: int = 2,
        num_classes: int,
    ) -> None:
        super().__init__()
        cin = round_channels(32 * width)
        self.stem = ConvNormAct(3, cin, 3, stride=stem_stride, act=nn.ReLU6)
        self.stages = nn.Sequential()
        for row, depth in zip(TABLE_2, depths, strict=True):
            stage = nn.Sequential()
            cout = round_channels(row.c * width)
            for i in range(depth):
                t = 1 if row.t == 1 else expansion
                stage.append(InvertedResidual(cin, cout, row.s if i == 0 else 1, t))
                cin = cout
            self.stages.append(stage)
        last = round_channels(1280 * max(1.0, width))  # narrow networks keep the wide end
        self.last = ConvNormAct(cin, last, 1, act=nn.ReLU6)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(last, num_classes)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, 32, H/2, W/2)
        x = self.stages(x)  # (B, 320, H/32, W/32)
        x = self.last(x)  # (B, 1280, H/32, W/32)
        x = flatten(self.pool(x), 1)  # (B, 1280)
        return self.head(self.drop(x))  # (B, num_classes)


# Parameters and MACs in millions, as in table 4 of the paper and in the README of the authors' code.
RELEASE = "tensorflow/models research/slim/nets/mobilenet/README.md"
NO_NORM = "the README leaves out the scale and shift of batch norm"


def released(params: float, macs: float) -> tuple[Printed, ...]:
    return (
        Printed(quantity="params", value=params * 1e6, source=RELEASE, reason=NO_NORM),
        Printed(quantity="macs", value=macs * 1e6, source=RELEASE),
    )


FAMILY = Family(
    key="mobilenet_v2",
    title="MobileNetV2",
    year=2018,
    paper="MobileNetV2: Inverted Residuals and Linear Bottlenecks",
    authors="Sandler, Howard, Zhu, Zhmoginov, Chen",
    link="https://arxiv.org/abs/1801.04381",
    kind="mobile",
    parents=("mobilenet_v1", "resnet"),
    idea="Keep the maps between blocks narrow and linear; widen them only inside, where depthwise is cheap.",
    story=Story(
        problem="A phone has a budget of some hundred million multiply-adds and little fast memory. "
        "MobileNet (2017) met it by splitting each convolution into a depthwise 3x3 and a 1x1, but passed "
        "wide maps from block to block and had no shortcuts.",
        trick="Turn the bottleneck inside out. A block expands its narrow input six times with a 1x1, "
        "filters each channel with a depthwise 3x3, and projects back. The shortcut joins the narrow ends. "
        "No ReLU follows the projection, because on few channels it destroys what it cuts off.",
        cost="Three operations per block instead of two, and depthwise convolutions keep a GPU waiting for "
        "memory. More than a third of the 3.5 million parameters belong to the classifier.",
        outcome="72.0 % top-1 with 300 million MACs, 75 ms on one core of a Pixel 1. The block lives on as "
        "MBConv in MnasNet, MobileNetV3 and EfficientNet.",
    ),
    model=MobileNetV2,
    lesson=InvertedResidual,
    stages=("stem", "stages", "last", "pool", "head"),
    table="table 2; table 4 for the multiplier 1.4",
    knobs=(
        Knob(
            name="width",
            meaning="factor on all channels, rounded to multiples of 8; below 1 the last 1x1 keeps its 1280",
            choices=(0.25, 0.35, 0.5, 0.75, 1.0, 1.25, 1.4, 2.0),
        ),
        Knob(name="depths", meaning="blocks in this row of table 2", choices=tuple(range(1, 9))),
        Knob(
            name="expansion",
            meaning="how many times wider a block is inside; 1 leaves the expansion out",
            choices=(1, 2, 3, 4, 6, 8),
        ),
        Knob(name="stem_stride", meaning="stride of the first convolution", choices=(1, 2)),
    ),
    deviations=(
        Deviation(
            what="Channels are rounded to multiples of 8 and never fall more than 10 % below the product, "
            "as in the authors' code; the paper does not mention it.",
            effect="None at 1.0; at 1.4 row two has 32 channels instead of 33.6, at 0.75 row one has 16 "
            "instead of 12.",
        ),
        Deviation(
            what="The paper prints 6.9 M parameters for 1.4. Its own table 2 and the authors' code give 6.1 "
            "M.",
            effect="We found no way of counting that leads to 6.9 M; the MACs agree within 1 %.",
        ),
        Deviation(
            what="Dropout of 0.2 before the classifier, as in torchvision; the paper does not mention it.",
            effect="No count changes, and none of the outputs once trained.",
        ),
    ),
    variants=(
        Variant(
            name="mobilenet_v2_classroom",
            title="MobileNetV2, classroom size",
            config={"width": 0.5, "depths": (1, 1, 2, 2, 1, 1, 1), "stem_stride": 1},
            input_size=32,
            num_classes=10,
            note="Half the width, nine blocks, and a first convolution that keeps all 32x32 pixels.",
        ),
        Variant(
            name="mobilenet_v2",
            title="MobileNetV2 1.0",
            config={},
            input_size=224,
            weights="MobileNet_V2_Weights.IMAGENET1K_V1",
            published=Published(
                params=3_504_872,
                macs=300_774_272,
                source="torchvision mobilenet_v2",
                twin="torchvision:mobilenet_v2",
                top1=71.878,
                top5=90.286,
                accuracy_source="torchvision MobileNet_V2_Weights.IMAGENET1K_V1: 300 epochs, one 224 crop",
                printed=(
                    Printed(
                        quantity="params",
                        value=3.4e6,
                        source="paper, table 4",
                        reason="without the 34,112 of batch norm and rounded down",
                    ),
                    Printed(quantity="macs", value=300e6, source="paper, table 4, as MAdds"),
                    *released(3.47, 300),
                ),
            ),
        ),
        Variant(
            name="mobilenet_v2_14",
            title="MobileNetV2 1.4",
            config={"width": 1.4},
            input_size=224,
            published=Published(
                params=6_108_776,
                macs=582_195_824,
                source="timm mobilenetv2_140",
                twin="timm:mobilenetv2_140",
                top1=76.528,
                top5=93.008,
                accuracy_source="timm results, mobilenetv2_140.ra_in1k, one 224 crop",
                printed=(
                    Printed(
                        quantity="params",
                        value=6.9e6,
                        source="paper, table 4",
                        reason="no count of table 2 gives 6.9 M; the authors' code has 6.06 M without batch "
                        "norm",
                    ),
                    Printed(
                        quantity="macs",
                        value=585e6,
                        source="paper, table 4, as MAdds",
                        reason="the authors' code has 582 M; the paper's exceeds it by half a percent",
                    ),
                    *released(6.06, 582),
                ),
            ),
            note="The largest row of the paper: 74.7 % top-1 there, 76.5 % with a later recipe.",
        ),
        Variant(
            name="mobilenet_v2_075",
            title="MobileNetV2 0.75",
            config={"width": 0.75},
            input_size=224,
            published=Published(
                params=2_636_424,
                macs=209_069_792,
                source="timm mobilenetv2_075",
                twin="timm:mobilenetv2_075",
                top1=69.8,
                top5=89.6,
                accuracy_source=f"{RELEASE}, mobilenet_v2_0.75_224",
                printed=released(2.61, 209),
            ),
        ),
        Variant(
            name="mobilenet_v2_05",
            title="MobileNetV2 0.5",
            config={"width": 0.5},
            input_size=224,
            published=Published(
                params=1_968_680,
                macs=97_131_840,
                source="timm mobilenetv2_050",
                twin="timm:mobilenetv2_050",
                top1=65.928,
                top5=86.114,
                accuracy_source="timm results, mobilenetv2_050.lamb_in1k, one 224 crop",
                printed=released(1.95, 97),
            ),
            note="Two thirds of the parameters sit in the classifier, which keeps its 1280 inputs.",
        ),
    ),
)
