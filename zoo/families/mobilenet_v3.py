"""MobileNetV3: a searched network, thinned layer by layer, with curves that cost a phone next to nothing.

Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le, Adam, "Searching for MobileNetV3",
2019, arXiv:1905.02244. The block: figure 4, MnasNet's MBConv with other curves. Large: table 1; small: table
2, both kept below as they are printed. The shortened end: figure 5. Hard-swish: section 5.2.
Module order follows torchvision, so its weights load by position; `from_twin` does the same for timm.

B images, C channels, H x W pixels, s stride.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from torch import Tensor, flatten, nn

from zoo.families.mnasnet import MBConv
from zoo.families.senet import SqueezeExcite
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import ConvNormAct, he_init, round_channels

EPS = 1e-3  # of every batch norm


class HardSwish(nn.Module):
    """x ReLU6(x + 3) / 6: close to the swish x sigmoid(x), without an exponential.

    The gate is the hard sigmoid ReLU6(x + 3) / 6: 0 up to -3, 1 from 3 on, a straight line between.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x)


class Row(NamedTuple):
    """A line of table 1 or 2, one block."""

    k: int  # depthwise kernel
    exp: int  # channels inside the block
    out: int  # output channels
    se: bool  # squeeze-and-excitation
    nl: str  # nonlinearity: "RE" for ReLU, "HS" for hard-swish
    s: int  # stride


# Before these rows stands a 3x3 convolution of 16 channels and stride 2, after them a 1x1 convolution as wide
# as the last expansion.
TABLE_1 = (
    Row(3, 16, 16, False, "RE", 1),
    Row(3, 64, 24, False, "RE", 2),
    Row(3, 72, 24, False, "RE", 1),
    Row(5, 72, 40, True, "RE", 2),
    Row(5, 120, 40, True, "RE", 1),
    Row(5, 120, 40, True, "RE", 1),
    Row(3, 240, 80, False, "HS", 2),
    Row(3, 200, 80, False, "HS", 1),
    Row(3, 184, 80, False, "HS", 1),
    Row(3, 184, 80, False, "HS", 1),
    Row(3, 480, 112, True, "HS", 1),
    Row(3, 672, 112, True, "HS", 1),
    Row(5, 672, 160, True, "HS", 2),
    Row(5, 960, 160, True, "HS", 1),
    Row(5, 960, 160, True, "HS", 1),
)
TABLE_2 = (
    Row(3, 16, 16, True, "RE", 2),
    Row(3, 72, 24, False, "RE", 2),
    Row(3, 88, 24, False, "RE", 1),
    Row(5, 96, 40, True, "HS", 2),
    Row(5, 240, 40, True, "HS", 1),
    Row(5, 240, 40, True, "HS", 1),
    Row(5, 120, 48, True, "HS", 1),
    Row(5, 144, 48, True, "HS", 1),
    Row(5, 288, 96, True, "HS", 2),
    Row(5, 576, 96, True, "HS", 1),
    Row(5, 576, 96, True, "HS", 1),
)
CLASSROOM = (
    Row(3, 16, 16, True, "RE", 1),
    Row(3, 64, 24, False, "RE", 2),
    Row(3, 72, 24, False, "RE", 1),
    Row(5, 96, 40, True, "HS", 2),
    Row(5, 120, 40, True, "HS", 1),
    Row(5, 144, 48, True, "HS", 2),
)
SIZES: Mapping[str, tuple[tuple[Row, ...], int]] = MappingProxyType(
    {"large": (TABLE_1, 1280), "small": (TABLE_2, 1024), "classroom": (CLASSROOM, 128)}
)  # the rows, and the width of the layer before the classifier


class MobileNetV3(nn.Module):
    """A stem, the rows of a table as blocks, a 1x1 convolution, the average, and one more layer after it."""

    def __init__(
        self,
        *,
        size: str,
        width: float = 1.0,
        curves: str = "hard",
        squeezed: bool = True,
        padding: Literal["same"] | None = None,
        num_classes: int,
    ) -> None:
        super().__init__()
        rows, last = SIZES[size]
        swish, gate = (HardSwish, nn.Hardsigmoid) if curves == "hard" else (nn.SiLU, nn.Sigmoid)
        printed, cin = 16, round_channels(16 * width)  # channels in the table, and times the width
        self.stem = ConvNormAct(3, cin, 3, stride=2, padding=padding, eps=EPS, act=swish)
        self.stages = nn.Sequential()
        for row in rows:
            if row.s == 2 or not self.stages:  # the map halves: a new stage
                stage = nn.Sequential()
                self.stages.append(stage)
            hidden, cout = round_channels(cin * row.exp / printed), round_channels(row.out * width)
            attends = row.se and squeezed
            se = SqueezeExcite(hidden, round_channels(hidden / 4), gate=gate) if attends else None
            stage.append(
                MBConv(
                    cin,
                    cout,
                    hidden=hidden,
                    kernel=row.k,
                    stride=row.s,
                    se=se,
                    act=swish if row.nl == "HS" else nn.ReLU,
                    eps=EPS,
                    padding=padding,
                )
            )
            printed, cin = row.out, cout
        widest = round_channels(cin * rows[-1].exp / rows[-1].out)
        self.last = ConvNormAct(cin, widest, 1, eps=EPS, act=swish)
        self.pool = nn.AdaptiveAvgPool2d(1)
        last = round_channels(last * max(1.0, width))  # narrow networks keep the wide end
        self.neck = nn.Sequential()  # after the average, on one pixel
        self.neck.add_module("linear", nn.Linear(widest, last))
        self.neck.add_module("act", swish())
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(last, num_classes)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, 16, H/2, W/2)
        x = self.stages(x)  # (B, C, H/32, W/32)
        x = self.last(x)  # (B, 6 C, H/32, W/32)
        x = self.neck(flatten(self.pool(x), 1))  # (B, 1280), small: (B, 1024)
        return self.head(self.drop(x))  # (B, num_classes)


def from_twin(twin: str, state: Mapping[str, Tensor]) -> list[Tensor]:
    """A twin's tensors in our order; timm's layer after the average is a 1x1 convolution."""
    return [t.flatten(1) if name == "conv_head.weight" else t for name, t in state.items()]


RELEASE = "tensorflow/models research/slim/nets/mobilenet/README.md"
TABLE_3 = "paper, table 3"
FIRST_VERSION = "of the paper's first version, whose last layers were wider"


FAMILY = Family(
    key="mobilenet_v3",
    title="MobileNetV3",
    year=2019,
    paper="Searching for MobileNetV3",
    authors="Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le, Adam",
    link="https://arxiv.org/abs/1905.02244",
    kind="mobile",
    parents=("mnasnet",),
    idea="Start from a searched network, trim it layer by layer, and replace what is slow on a phone.",
    story=Story(
        problem="MnasNet's search picks stages of equal blocks, but not the width of each layer. And what it "
        "found had slow spots at both ends, where nothing was searched: 32 filters at full resolution, and a "
        "1280-channel convolution on the last map.",
        trick="First the search, then NetAdapt: shrink single layers step by step, each time the one that "
        "gives up least accuracy per millisecond. By hand: the widest layer moves behind the average, where "
        "there is one pixel instead of 49; the stem has 16 filters; and in the deeper half the swish, x "
        "sigmoid(x), is built from straight lines as x ReLU6(x + 3) / 6.",
        cost="The result is irregular, every row of the table has its own numbers, and it was tuned to one "
        "kind of phone. Nearly half of its 5.5 million parameters sits in the last two layers.",
        outcome="Large: 75.2 % top-1 in 51 ms on a Pixel 1, where MobileNetV2 has 72.0 % in 64 ms. Small: "
        "67.4 %. The new end alone saved 7 ms, 11 % of the running time. Sometimes dated 2018; the paper is "
        "from May 2019.",
    ),
    model=MobileNetV3,
    lesson=HardSwish,
    stages=("stem", "stages", "last", "pool", "neck", "head"),
    table="tables 1, 2 and 3",
    knobs=(
        Knob(
            name="width",
            meaning="factor on all channels, rounded to multiples of 8; below 1 the end keeps its width",
            choices=(0.35, 0.5, 0.75, 1.0, 1.25, 1.5),
        ),
        Knob(
            name="curves",
            meaning="hard-swish and hard-sigmoid, or the smooth curves they stand for",
            choices=("hard", "smooth"),
        ),
        Knob(
            name="squeezed",
            meaning="squeeze-and-excitation where the table has it, or nowhere",
            choices=(True, False),
        ),
    ),
    deviations=(
        Deviation(
            what="The networks of width 1.0 pad evenly, as in torchvision; those of 0.75 pad as TensorFlow, "
            "where their published weights come from: an odd zero goes to the right and below.",
            effect="No count and no map size changes. Weights trained with one padding lose accuracy with "
            "the other.",
        ),
        Deviation(
            what="The small network ends in 1024 channels. In the first version of the paper, and in ports "
            "made from it, they were 1280.",
            effect="2.5 instead of 2.9 million parameters.",
        ),
        Deviation(
            what="The paper writes that the squeeze has a quarter of the expanded channels; the code rounds "
            "it to multiples of 8, and so do we.",
            effect="24 instead of 18 channels at an expansion of 72.",
        ),
    ),
    variants=(
        Variant(
            name="mobilenet_v3_classroom",
            title="MobileNetV3, classroom size",
            config={"size": "classroom"},
            input_size=32,
            num_classes=10,
            note="Six blocks in the manner of table 2, from 16x16 down to 2x2.",
        ),
        Variant(
            name="mobilenet_v3_large",
            title="MobileNetV3-Large 1.0",
            config={"size": "large"},
            input_size=224,
            weights="MobileNet_V3_Large_Weights.IMAGENET1K_V1",
            published=Published(
                params=5_483_032,
                macs=216_589_760,
                source="torchvision mobilenet_v3_large",
                twin="torchvision:mobilenet_v3_large",
                top1=74.042,
                top5=91.34,
                accuracy_source="torchvision MobileNet_V3_Large_Weights.IMAGENET1K_V1, one 224 crop",
                printed=(
                    Printed(
                        quantity="params",
                        value=5.4e6,
                        source=TABLE_3,
                        reason="cut off rather than rounded: 5.48 M, or 5.46 M without batch norm",
                    ),
                    Printed(
                        quantity="macs",
                        value=219e6,
                        source=f"{TABLE_3}, as MAdds",
                        reason="the authors' code has 217 M",
                    ),
                    Printed(quantity="macs", value=217e6, source=RELEASE),
                ),
            ),
        ),
        Variant(
            name="mobilenet_v3_large_075",
            title="MobileNetV3-Large 0.75",
            config={"size": "large", "width": 0.75, "padding": "same"},
            input_size=224,
            published=Published(
                params=3_993_528,
                macs=154_560_624,
                source="timm tf_mobilenetv3_large_075",
                twin="timm:tf_mobilenetv3_large_075",
                top1=73.442,
                top5=91.332,
                accuracy_source="timm results, tf_mobilenetv3_large_075.in1k, the authors' weights",
                printed=(
                    Printed(quantity="params", value=4.0e6, source=RELEASE),
                    Printed(quantity="macs", value=155e6, source=RELEASE),
                ),
            ),
            note="Three quarters of the channels, TensorFlow's padding.",
        ),
        Variant(
            name="mobilenet_v3_small",
            title="MobileNetV3-Small 1.0",
            config={"size": "small"},
            input_size=224,
            weights="MobileNet_V3_Small_Weights.IMAGENET1K_V1",
            published=Published(
                params=2_542_856,
                macs=56_510_400,
                source="torchvision mobilenet_v3_small",
                twin="torchvision:mobilenet_v3_small",
                top1=67.668,
                top5=87.402,
                accuracy_source="torchvision MobileNet_V3_Small_Weights.IMAGENET1K_V1, one 224 crop",
                printed=(
                    Printed(quantity="params", value=2.5e6, source=TABLE_3),
                    Printed(
                        quantity="macs",
                        value=56e6,
                        source=f"{TABLE_3}, as MAdds",
                        reason="cut off rather than rounded",
                    ),
                    Printed(quantity="params", value=2.9e6, source=RELEASE, reason=FIRST_VERSION),
                    Printed(quantity="macs", value=66e6, source=RELEASE, reason=FIRST_VERSION),
                ),
            ),
            note="For tighter budgets: its first block already halves the map and weighs channels.",
        ),
        Variant(
            name="mobilenet_v3_small_075",
            title="MobileNetV3-Small 0.75",
            config={"size": "small", "width": 0.75, "padding": "same"},
            input_size=224,
            published=Published(
                params=2_041_872,
                macs=43_399_344,
                source="timm tf_mobilenetv3_small_075",
                twin="timm:tf_mobilenetv3_small_075",
                top1=65.706,
                top5=86.13,
                accuracy_source="timm results, tf_mobilenetv3_small_075.in1k, the authors' weights",
                printed=(
                    Printed(quantity="params", value=2.4e6, source=RELEASE, reason=FIRST_VERSION),
                    Printed(quantity="macs", value=44e6, source=RELEASE, reason=FIRST_VERSION),
                ),
            ),
            note="Half of its parameters sit in the classifier, which keeps its 1024 inputs.",
        ),
    ),
)
