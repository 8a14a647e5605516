"""ShuffleNet: split the 1x1 convolutions into groups, and shuffle the channels so that the groups still talk.

Zhang, Zhou, Lin, Sun, "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices",
2017, arXiv:1707.01083. Channel shuffle: figure 1. The units: figure 2, (b) and (c). The network: table 1.
Width factors: table 2. Without shuffle: table 3.
Module order follows pytorchcv, so a twin's weights load by position.

B images, C channels, H x W pixels, s stride, g groups.
"""

from types import MappingProxyType

import torch
from torch import Tensor, flatten, nn

from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant, both_printed
from zoo.layers import ConvNormAct, he_init, round_channels


class ChannelShuffle(nn.Module):
    """Deals the channels of each group out to all groups: channel i of group j becomes channel j of run i.

    Written as a table of g rows, read column by column: (B, C, H, W) -> (B, C, H, W). No parameters, and a
    shuffle with C/g groups undoes it.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        images, channels, height, width = x.shape
        x = x.reshape(images, self.groups, channels // self.groups, height, width)  # (B, g, C/g, H, W)
        return x.transpose(1, 2).reshape(images, channels, height, width)


class ShuffleUnit(nn.Module):
    """Grouped 1x1 down, shuffle, depthwise 3x3, grouped 1x1 up: (B, cin, H, W) -> (B, cout, H/s, W/s).

    At stride 1 the input is added. At stride 2 it is averaged and put beside the new channels, so that only
    cout - cin have to be computed.
    """

    def __init__(
        self, cin: int, cout: int, stride: int, groups: int, *, group_first: bool = True, shuffle: bool = True
    ) -> None:
        super().__init__()
        mid = cout // 4  # the bottleneck
        new = cout if stride == 1 else cout - cin
        self.reduce = ConvNormAct(cin, mid, 1, groups=groups if group_first else 1)
        self.shuffle = ChannelShuffle(groups) if shuffle else nn.Identity()
        self.depthwise = ConvNormAct(mid, mid, 3, stride=stride, groups=mid, act=None)
        self.expand = ConvNormAct(mid, new, 1, groups=groups, act=None)
        self.pool = nn.AvgPool2d(3, stride, padding=1) if stride > 1 else None
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.shuffle(self.reduce(x))  # (B, cout/4, H, W)
        y = self.expand(self.depthwise(y))  # (B, cout, H/s, W/s), or cout - cin channels
        y = x + y if self.pool is None else torch.cat((y, self.pool(x)), 1)
        return self.relu(y)


# Table 1: channels of stage 2 by the number of groups; every later stage doubles them. More groups afford
# more channels at the same cost.
WIDTHS = MappingProxyType({1: 144, 2: 200, 3: 240, 4: 272, 8: 384})


class ShuffleNetV1(nn.Module):
    """A stem, three stages of shuffle units that open with stride 2, a global average.

    `stem_stride` 4 is a convolution of stride 2 and a max pool, 2 the convolution alone, 1 neither.
    """

    def __init__(
        self,
        *,
        groups: int = 3,
        width: float = 1.0,
        depths: tuple[int, ...] = (4, 8, 4),
        shuffle: bool = True,
        stem_width: int = 24,
        stem_stride: int = 4,
        head_bias: bool = True,
        num_classes: int,
    ) -> None:
        super().__init__()
        if stem_width % groups:
            raise ValueError(
                f"The {stem_width} channels of the stem cannot stand beside {groups} equal groups; "
                f"{round_channels(stem_width, groups)} channels can."
            )
        self.stem = nn.Sequential()
        self.stem.add_module("conv", ConvNormAct(3, stem_width, 3, stride=min(2, stem_stride)))
        if stem_stride == 4:
            self.stem.add_module("pool", nn.MaxPool2d(3, 2, padding=1))
        self.stages = nn.Sequential()
        cin, first = stem_width, round_channels(WIDTHS[groups] * width, 4 * groups)
        for stage, depth in enumerate(depths):
            units = nn.Sequential()
            cout = first << stage
            for i in range(depth):
                split = stage > 0 or i > 0  # the few channels of the stem are not worth splitting
                stride = 2 if i == 0 else 1
                units.append(ShuffleUnit(cin, cout, stride, groups, group_first=split, shuffle=shuffle))
                cin = cout
            self.stages.append(units)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(cin, num_classes, bias=head_bias)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, 24, H/4, W/4)
        x = self.stages(x)  # (B, 960, H/32, W/32)
        x = flatten(self.pool(x), 1)  # (B, 960)
        return self.head(x)  # (B, num_classes)


README = "megvii-model/ShuffleNet-Series README"
TABLE_1 = MappingProxyType({1: 143e6, 2: 140e6, 3: 137e6, 4: 133e6, 8: 137e6})  # "complexity", as printed


def scaled_row(
    width: float, stem_width: int, *, params: int, macs: int, top1: float, top5: float, source: str, note: str
) -> Variant:
    """Three groups and `width` times the channels of table 1."""
    twin = {0.5: "shufflenet_g3_wd2", 0.25: "shufflenet_g3_wd4"}.get(width, "")
    release = {1.5: (3.4e6, 292e6), 2.0: (5.4e6, 524e6), 0.5: (0.7e6, 38e6)}.get(width)
    return Variant(
        name=f"shufflenet_v1_g3_x{width}".replace(".", "_"),
        title=f"ShuffleNet {width:g}x (g = 3)",
        config={"groups": 3, "width": width, "stem_width": stem_width, "head_bias": bool(twin)},
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source=f"pytorchcv {twin}" if twin else "megvii-model/ShuffleNet-Series ShuffleNetV1",
            twin=f"pytorchcv:{twin}" if twin else "",
            adapted="" if twin else "pytorchcv's units at the authors' widths",
            top1=top1,
            top5=top5,
            accuracy_source=source,
            printed=both_printed(README, *release) if release else (),
        ),
        note=note,
    )


def group_row(groups: int, *, params: int, macs: int, top1: float, top5: float, source: str) -> Variant:
    """A column of table 1."""
    reason = "" if groups in (1, 3) else "without the classifier"
    return Variant(
        name=f"shufflenet_v1_g{groups}_x1_0",
        title=f"ShuffleNet 1x (g = {groups})",
        config={"groups": groups},
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source=f"pytorchcv shufflenet_g{groups}_w1",
            twin=f"pytorchcv:shufflenet_g{groups}_w1",
            top1=top1,
            top5=top5,
            accuracy_source=source,
            printed=(
                Printed(quantity="macs", value=TABLE_1[groups], source="paper, table 1", reason=reason),
            ),
        ),
        note=f"Stages of {WIDTHS[groups]}, {2 * WIDTHS[groups]} and {4 * WIDTHS[groups]} channels.",
    )


OWN = "pytorchcv README, its own training"

FAMILY = Family(
    key="shufflenet_v1",
    title="ShuffleNet",
    year=2017,
    paper="ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices",
    authors="Zhang, Zhou, Lin, Sun",
    link="https://arxiv.org/abs/1707.01083",
    kind="mobile",
    parents=("resnext", "mobilenet_v1"),
    idea="Group the 1x1 convolutions too, and shuffle the channels so that the groups exchange news.",
    story=Story(
        problem="In ResNeXt and MobileNet the 3x3 convolutions are grouped or depthwise, and nearly all of "
        "the work is left in the 1x1 convolutions. Below 150 million multiply-adds they allow so few "
        "channels that accuracy suffers.",
        trick="Split the 1x1 convolutions into g groups as well: at equal cost there may be more channels. "
        "But then a group would only ever hear from itself. So the channels are shuffled after the first "
        "1x1: every group receives some channels from each of the others. The shuffle is a permutation, free "
        "of parameters and MACs.",
        cost="Memory traffic. The shuffle moves every value, the depthwise convolution does little work for "
        "what it reads, and many groups slow a GPU down; ShuffleNet V2 measures it.",
        outcome="67.4 % top-1 with three groups and 137 million multiply-adds. Without the shuffle it is "
        "65.5 %, and with eight groups 62.4 instead of 67.6 %. On a phone thirteen times faster than "
        "AlexNet, at similar accuracy.",
    ),
    model=ShuffleNetV1,
    lesson=ShuffleUnit,
    stages=("stem", "stages", "pool", "head"),
    table="table 1; table 2 for the widths",
    knobs=(
        Knob(
            name="groups",
            meaning="groups of each 1x1 convolution, called g; channels as in table 1, at about equal cost",
            choices=tuple(WIDTHS),
        ),
        Knob(
            name="width",
            meaning="factor on the channels of all stages, rounded to multiples of 4g",
            choices=(0.25, 0.5, 1.0, 1.5, 2.0),
        ),
        Knob(
            name="shuffle",
            meaning="shuffle the channels between the groups, or leave them where they are (table 3)",
            choices=(True, False),
        ),
        Knob(name="depths", meaning="units in this stage", choices=tuple(range(1, 13))),
        Knob(
            name="stem_width",
            meaning="channels of the first convolution, a multiple of the groups",
            choices=(6, 12, 24, 48),
        ),
        Knob(
            name="stem_stride",
            meaning="how much smaller the stem makes the picture: 4 with its max pool, 1 not at all",
            choices=(1, 2, 4),
        ),
    ),
    deviations=(
        Deviation(
            what="The shuffle stands before the depthwise convolution, as in figure 2. The authors' later "
            "code has it behind, in the opposite direction, and puts the shortcut first where it "
            "concatenates.",
            effect="The same counts. Which channel meets which differs, so the authors' weights would need "
            "their channels reordered.",
        ),
        Deviation(
            what="The rows 1.5x and 2x follow the authors' code, whose classifier has no bias and whose stem "
            "has 24 and 48 channels; the paper does not print them.",
            effect="1,000 parameters fewer than with the bias of the other rows.",
        ),
    ),
    variants=(
        Variant(
            name="shufflenet_v1_classroom",
            title="ShuffleNet, classroom size",
            config={"groups": 3, "width": 0.5, "depths": (2, 3, 1), "stem_stride": 2},
            input_size=32,
            num_classes=10,
            note="Half the width, six units: switch the shuffle off to compare.",
        ),
        group_row(1, params=1_531_936, macs=143_078_976, top1=65.07, top5=86.11, source=OWN),
        group_row(2, params=1_733_848, macs=140_836_512, top1=65.75, top5=86.37, source=OWN),
        group_row(3, params=1_865_728, macs=137_460_672, top1=67.8, top5=87.7, source=README),
        group_row(4, params=1_968_344, macs=134_339_776, top1=65.81, top5=86.65, source=OWN),
        group_row(8, params=2_434_768, macs=138_365_952, top1=68.0, top5=86.4, source=README),
        scaled_row(
            0.25,
            6,
            params=305_902,
            macs=11_009_808,
            top1=38.26,
            top5=63.47,
            source=OWN,
            note="A quarter of the channels everywhere, a thirteenth of the cost.",
        ),
        scaled_row(
            0.5,
            12,
            params=718_324,
            macs=37_589_856,
            top1=57.3,
            top5=80.0,
            source=README,
            note="Half of the channels everywhere.",
        ),
        scaled_row(
            1.5,
            24,
            params=3_441_168,
            macs=292_443_552,
            top1=71.6,
            top5=90.2,
            source=README,
            note="One and a half times the channels, as the authors released it later.",
        ),
        scaled_row(
            2.0,
            48,
            params=5_449_776,
            macs=524_045_184,
            top1=74.1,
            top5=91.4,
            source=README,
            note="Twice the channels, as the authors released it later; MobileNet's cost, more accurate.",
        ),
    ),
)
