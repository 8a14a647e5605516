"""ShuffleNet V2: what counts is time, not multiplications; so split the channels, and never add.

Ma, Zhang, Zheng, Sun, "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design", 2018,
arXiv:1807.11164. The guidelines G1 to G4: section 2. The units: figure 3, (c) and (d). The network: table 5.
The shuffle is ShuffleNet's. Module order follows torchvision, so its weights load by position.

B images, C channels, H x W pixels, s stride.
"""

import torch
from torch import Tensor, flatten, nn

from zoo.families.shufflenet_v1 import ChannelShuffle
from zoo.family import Family, Knob, Printed, Published, Story, Variant
from zoo.layers import ConvNormAct, he_init


class SplitUnit(nn.Module):
    """Half of the channels pass untouched, half go through a branch: (B, C, H, W) -> (B, C, H, W).

    The four guidelines in one block: all convolutions have as many channels out as in (G1), the 1x1 are not
    grouped (G2), there is one branch beside the other half (G3), and the halves are joined by concatenation,
    not by an addition (G4). The shuffle lets them trade places before the next unit.
    """

    def __init__(self, channels: int, *, shuffle: bool) -> None:
        super().__init__()
        half = channels // 2
        self.branch = make_branch(half, half, stride=1)
        self.shuffle = ChannelShuffle(2) if shuffle else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        kept, changed = x.chunk(2, 1)  # (B, C/2, H, W) each
        return self.shuffle(torch.cat((kept, self.branch(changed)), 1))


class DownUnit(nn.Module):
    """Half the resolution: both branches see all channels, and each puts out half: (B, cout, H/2, W/2)."""

    def __init__(self, cin: int, cout: int, *, shuffle: bool) -> None:
        super().__init__()
        half = cout // 2
        self.shortcut = nn.Sequential()
        self.shortcut.add_module("depthwise", ConvNormAct(cin, cin, 3, stride=2, groups=cin, act=None))
        self.shortcut.add_module("pointwise", ConvNormAct(cin, half, 1))
        self.branch = make_branch(cin, half, stride=2)
        self.shuffle = ChannelShuffle(2) if shuffle else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.shuffle(torch.cat((self.shortcut(x), self.branch(x)), 1))


def make_branch(cin: int, cout: int, stride: int) -> nn.Sequential:
    """1x1, depthwise 3x3 and 1x1, the depthwise one without a ReLU: (B, cin, H, W) -> (B, cout, H/s, W/s)."""
    branch = nn.Sequential()
    branch.add_module("conv1", ConvNormAct(cin, cout, 1))
    branch.add_module("depthwise", ConvNormAct(cout, cout, 3, stride=stride, groups=cout, act=None))
    branch.add_module("conv2", ConvNormAct(cout, cout, 1))
    return branch


class ShuffleNetV2(nn.Module):
    """A stem, three stages that open with a down unit, a last 1x1 convolution, a global average.

    `width` is the first stage's channels; each later stage doubles them. `stem_stride` 4 is a convolution of
    stride 2 and a max pool, 2 the convolution alone, 1 neither.
    """

    def __init__(
        self,
        *,
        width: int = 116,
        depths: tuple[int, ...] = (4, 8, 4),
        last: int = 1024,
        shuffle: bool = True,
        stem_stride: int = 4,
        num_classes: int,
    ) -> None:
        super().__init__()
        cin = 24
        self.stem = nn.Sequential()
        self.stem.add_module("conv", ConvNormAct(3, cin, 3, stride=min(2, stem_stride)))
        if stem_stride == 4:
            self.stem.add_module("pool", nn.MaxPool2d(3, 2, padding=1))
        self.stages = nn.Sequential()
        for stage, depth in enumerate(depths):
            cout = width << stage
            units = nn.Sequential(DownUnit(cin, cout, shuffle=shuffle))
            for _ in range(depth - 1):
                units.append(SplitUnit(cout, shuffle=shuffle))
            self.stages.append(units)
            cin = cout
        self.last = ConvNormAct(cin, last, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(last, num_classes)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, 24, H/4, W/4)
        x = self.stages(x)  # (B, 464, H/32, W/32)
        x = self.last(x)  # (B, 1024, H/32, W/32)
        x = flatten(self.pool(x), 1)  # (B, 1024)
        return self.head(x)  # (B, num_classes)


# Table 5: channels of the first stage and of the last convolution.
TABLE_5 = {0.5: (48, 1024), 1.0: (116, 1024), 1.5: (176, 1024), 2.0: (244, 2048)}
README = "megvii-model/ShuffleNet-Series README"
REPRODUCED = "trained by ericsun99/Shufflenet-v2-Pytorch, one 224 crop"
NEWER = "torchvision's newer recipe, one 224 crop"


def row(
    size: float,
    *,
    params: int,
    macs: int,
    top1: float,
    top5: float,
    recipe: str,
    printed: tuple[float, float],
    note: str,
) -> Variant:
    """A column of table 5; `printed` are parameters and FLOPs of the authors' README."""
    width, last = TABLE_5[size]
    label = f"{size}".replace(".", "_")
    weights = f"ShuffleNet_V2_X{label}_Weights.IMAGENET1K_V1"
    return Variant(
        name=f"shufflenet_v2_x{label}",
        title=f"ShuffleNet V2 {size:g}x",
        config={"width": width, "last": last},
        input_size=224,
        weights=weights,
        published=Published(
            params=params,
            macs=macs,
            source=f"torchvision shufflenet_v2_x{label}",
            twin=f"torchvision:shufflenet_v2_x{label}",
            top1=top1,
            top5=top5,
            accuracy_source=f"torchvision {weights}: {recipe}",
            printed=(
                Printed(quantity="params", value=printed[0], source=README),
                Printed(
                    quantity="macs",
                    value=printed[1],
                    source=f"paper, table 8, and {README}, as FLOPs",
                    reason="about one per cent above the count; the paper does not say what it includes",
                ),
            ),
        ),
        note=note,
    )


FAMILY = Family(
    key="shufflenet_v2",
    title="ShuffleNet V2",
    year=2018,
    paper="ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design",
    authors="Ma, Zhang, Zheng, Sun",
    link="https://arxiv.org/abs/1807.11164",
    kind="mobile",
    parents=("shufflenet_v1",),
    idea="Let half of the channels pass a unit untouched, and build the rest to be fast, not only small.",
    story=Story(
        problem="Two networks with the same number of multiplications can differ a lot in speed. Reading and "
        "writing the maps, work that cannot run in parallel, and the machine itself matter too, and the "
        "grouped 1x1 convolutions and the additions of the first ShuffleNet are slow for what they compute.",
        trick="Four guidelines, measured on a GPU and on a phone. G1: as many channels out of a convolution "
        "as in. G2: not too many groups. G3: not too many small branches. G4: few operations on single "
        "values, such as ReLU and addition. The unit that follows from them splits the channels, works on "
        "one half, concatenates and shuffles.",
        cost="Half of the channels skip each unit, so a map has to be wider for the same work. The "
        "guidelines are measurements on two platforms, not laws: on other hardware they have to be measured "
        "again.",
        outcome="69.4 % top-1 at 146 million multiply-adds, two points more than the first ShuffleNet, and "
        "at 500 million 63 % faster than it on a GPU. A word of care: where the paper and its readers write "
        "MAC, they mean memory access cost. That equal channel widths minimise it says nothing about "
        "multiply-accumulates.",
    ),
    model=ShuffleNetV2,
    lesson=SplitUnit,
    stages=("stem", "stages", "last", "pool", "head"),
    table="table 5",
    knobs=(
        Knob(
            name="width",
            meaning="channels of the first stage; every later stage has twice as many",
            choices=(16, 24, 48, 116, 176, 244),
        ),
        Knob(name="depths", meaning="units in this stage", choices=tuple(range(1, 13))),
        Knob(
            name="shuffle",
            meaning="shuffle the halves behind each unit, or let one half pass a whole stage untouched",
            choices=(True, False),
        ),
        Knob(
            name="last",
            meaning="channels of the last 1x1 convolution",
            choices=(128, 256, 512, 1024, 2048),
        ),
        Knob(
            name="stem_stride",
            meaning="how much smaller the stem makes the picture: 4 with its max pool, 1 not at all",
            choices=(1, 2, 4),
        ),
    ),
    deviations=(),
    variants=(
        Variant(
            name="shufflenet_v2_classroom",
            title="ShuffleNet V2, classroom size",
            config={"width": 48, "depths": (3, 3, 2), "last": 256, "stem_stride": 2},
            input_size=32,
            num_classes=10,
            note="Eight units for 32x32 pictures, without the max pool.",
        ),
        row(
            0.5,
            params=1_366_792,
            macs=40_476_448,
            top1=60.552,
            top5=81.746,
            recipe=REPRODUCED,
            printed=(1.4e6, 41e6),
            note="Stages of 48, 96 and 192 channels; nine tenths of the parameters follow behind them.",
        ),
        row(
            1.0,
            params=2_278_604,
            macs=144_907_992,
            top1=69.362,
            top5=88.316,
            recipe=REPRODUCED,
            printed=(2.3e6, 146e6),
            note="Stages of 116, 232 and 464 channels.",
        ),
        row(
            1.5,
            params=3_503_624,
            macs=295_759_392,
            top1=72.996,
            top5=91.086,
            recipe=NEWER,
            printed=(3.5e6, 299e6),
            note="Stages of 176, 352 and 704 channels; the authors report 72.6 %.",
        ),
        row(
            2.0,
            params=7_393_996,
            macs=583_253_464,
            top1=76.23,
            top5=93.006,
            recipe=NEWER,
            printed=(7.4e6, 591e6),
            note="Stages of 244, 488 and 976 channels; the authors report 75.0 %.",
        ),
    ),
)
