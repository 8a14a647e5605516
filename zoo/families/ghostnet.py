"""GhostNet: convolve for half of the maps only, and make the other half from them with cheap filters.

Han, Wang, Tian, Guo, Xu, Xu, "GhostNet: More Features from Cheap Operations", 2019, arXiv:1911.11907. The
ghost module: figure 2, equations 2 to 5. The bottleneck: figure 3. The network: table 1, kept below.
Squeeze-and-excitation is SENet's, with a hard sigmoid. Module order follows timm, so a twin's weights load by
position.

B images, C channels, H x W pixels; a module puts out n maps, n/s of them intrinsic; cheap filters are d x d.
"""

from functools import partial
from math import ceil
from typing import NamedTuple

import torch
from torch import Tensor, flatten, nn

from zoo.families.senet import SqueezeExcite
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant, both_printed
from zoo.layers import ConvNormAct, he_init, round_channels


class GhostModule(nn.Module):
    """n maps for the price of about n/s: (B, cin, H, W) -> (B, cout, H, W).

    A 1x1 convolution makes n/s intrinsic maps. Every one of them is kept, and a depthwise d x d filter makes
    s - 1 ghosts of it, each from this one map alone.
    """

    def __init__(self, cin: int, cout: int, ratio: int, cheap_size: int, act: type[nn.Module] | None) -> None:
        super().__init__()
        intrinsic = ceil(cout / ratio)
        ghosts = intrinsic * (ratio - 1)
        self.cout = cout
        self.primary = ConvNormAct(cin, intrinsic, 1, act=act)
        self.cheap = None  # a ratio of 1 is a plain convolution
        if ratio > 1:
            self.cheap = ConvNormAct(intrinsic, ghosts, cheap_size, groups=intrinsic, act=act)

    def forward(self, x: Tensor) -> Tensor:
        x = self.primary(x)  # (B, n/s, H, W)
        if self.cheap is not None:
            x = torch.cat((x, self.cheap(x)), 1)  # (B, n, H, W)
        return x if x.shape[1] == self.cout else x[:, : self.cout]  # where s does not divide n


class GhostBottleneck(nn.Module):
    """A ghost module that widens, one that narrows, and a shortcut: (B, cin, H, W) -> (B, cout, H/s, W/s).

    Between them, where the stride is 2, a depthwise convolution, and in some blocks squeeze and excitation.
    As in MobileNetV2 the narrow end stays linear.
    """

    def __init__(
        self,
        cin: int,
        hidden: int,
        cout: int,
        *,
        kernel: int,
        stride: int,
        excite: bool,
        ratio: int,
        cheap_size: int,
    ) -> None:
        super().__init__()
        self.widen = GhostModule(cin, hidden, ratio, cheap_size, nn.ReLU)
        self.down: nn.Module | None = None
        if stride > 1:
            self.down = ConvNormAct(hidden, hidden, kernel, stride=stride, groups=hidden, act=None)
        self.excite: nn.Module | None = None
        if excite:
            self.excite = SqueezeExcite(hidden, round_channels(hidden / 4, 4), gate=nn.Hardsigmoid)
        self.narrow = GhostModule(hidden, cout, ratio, cheap_size, None)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or cin != cout:
            self.shortcut = nn.Sequential()
            self.shortcut.add_module(
                "depthwise", ConvNormAct(cin, cin, kernel, stride=stride, groups=cin, act=None)
            )
            self.shortcut.add_module("pointwise", ConvNormAct(cin, cout, 1, act=None))

    def forward(self, x: Tensor) -> Tensor:
        y = self.widen(x)  # (B, hidden, H, W)
        if self.down is not None:
            y = self.down(y)  # (B, hidden, H/s, W/s)
        if self.excite is not None:
            y = self.excite(y)
        return self.narrow(y) + self.shortcut(x)  # (B, cout, H/s, W/s)


class Row(NamedTuple):
    """A G-bneck line of table 1."""

    kernel: int  # of the depthwise convolution where the stride is 2
    exp: int  # channels inside
    out: int
    se: bool
    stride: int


# Table 1 by the size of the map that comes in; the last bottleneck of a stage halves it. Before these rows
# stands a 3x3 convolution of 16 channels and stride 2; after them a 1x1 of 960, the average, a 1x1 of 1280.
TABLE_1 = (
    (Row(3, 16, 16, False, 1), Row(3, 48, 24, False, 2)),
    (Row(3, 72, 24, False, 1), Row(5, 72, 40, True, 2)),
    (Row(5, 120, 40, True, 1), Row(3, 240, 80, False, 2)),
    (
        Row(3, 200, 80, False, 1),
        Row(3, 184, 80, False, 1),
        Row(3, 184, 80, False, 1),
        Row(3, 480, 112, True, 1),
        Row(3, 672, 112, True, 1),
        Row(5, 672, 160, True, 2),
    ),
    (
        Row(5, 960, 160, False, 1),
        Row(5, 960, 160, True, 1),
        Row(5, 960, 160, False, 1),
        Row(5, 960, 160, True, 1),
    ),
)
DEPTHS = tuple(map(len, TABLE_1))


class GhostNet(nn.Module):
    """A stem, the stages of table 1, two 1x1 convolutions with the global average between them.

    `depths` keeps that many of the last rows of each stage.
    """

    def __init__(
        self,
        *,
        width: float = 1.0,
        ratio: int = 2,
        cheap_size: int = 3,
        depths: tuple[int, ...] = DEPTHS,
        last: int = 1280,
        stem_stride: int = 2,
        num_classes: int,
    ) -> None:
        super().__init__()
        cin = round_channels(16 * width, 4)
        self.stem = ConvNormAct(3, cin, 3, stride=stem_stride)
        self.stages = nn.Sequential()
        for i, (rows, depth) in enumerate(zip(TABLE_1, depths, strict=True)):
            if depth > len(rows):
                raise ValueError(
                    f"Stage {i} of table 1 has {len(rows)} bottlenecks, not {depth}; fewer can be taken."
                )
            stage = nn.Sequential()
            for row in rows[-depth:]:
                hidden, cout = round_channels(row.exp * width, 4), round_channels(row.out * width, 4)
                stage.append(
                    GhostBottleneck(
                        cin,
                        hidden,
                        cout,
                        kernel=row.kernel,
                        stride=row.stride,
                        excite=row.se,
                        ratio=ratio,
                        cheap_size=cheap_size,
                    )
                )
                cin = cout
            self.stages.append(stage)
        wide = round_channels(960 * width, 4)
        self.last = ConvNormAct(cin, wide, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.hidden = nn.Conv2d(wide, last, 1)
        self.relu = nn.ReLU()
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(last, num_classes)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, 16, H/2, W/2)
        x = self.stages(x)  # (B, 160, H/32, W/32)
        x = self.pool(self.last(x))  # (B, 960, 1, 1)
        x = flatten(self.relu(self.hidden(x)), 1)  # (B, 1280)
        return self.head(self.drop(x))  # (B, num_classes)


def row(
    name: str,
    width: float,
    *,
    params: int,
    macs: int,
    top1: float,
    top5: float,
    printed: tuple[Printed, ...],
    note: str,
) -> Variant:
    """A width of table 7."""
    return Variant(
        name=name,
        title=f"GhostNet {width:g}x",
        config={"width": width},
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source=f"timm {name}",
            twin=f"timm:{name}",
            top1=top1,
            top5=top5,
            accuracy_source="paper, table 7, repeated in PaddleClas docs/en/models/Mobile_en.md",
            printed=printed,
        ),
        note=note,
    )


of_paper = partial(both_printed, "paper, table 7")
FAMILY = Family(
    key="ghostnet",
    title="GhostNet",
    year=2019,
    paper="GhostNet: More Features from Cheap Operations",
    authors="Han, Wang, Tian, Guo, Xu, Xu",
    link="https://arxiv.org/abs/1911.11907",
    kind="mobile",
    parents=("mobilenet_v3",),
    idea="Compute a part of the feature maps with a convolution, and the rest as cheap copies of these.",
    story=Story(
        problem="Look at the feature maps of a trained ResNet-50 and you find many that are almost the same, "
        "as if one were the ghost of another. Each of them has cost a full convolution over all channels.",
        trick="Keep the redundancy, but get it cheaply. A 1x1 convolution makes half of the maps, the "
        "intrinsic ones. A depthwise 3x3 filter draws a ghost from each of them, and both halves are put "
        "side by side. Two such modules, one that widens and one that narrows, make a bottleneck.",
        cost="Each convolution becomes two, and the results have to be concatenated, which takes time that "
        "does not show in the MACs. Ghosts know only the map that they come from.",
        outcome="With 141 million MACs 73.9 % top-1, and 75.7 % in the 1.3-fold width, half a point above "
        "MobileNetV3-Large at a similar cost. In an ordinary VGG-16 or ResNet-50 the module halves "
        "parameters and MACs with next to no loss.",
    ),
    model=GhostNet,
    lesson=GhostModule,
    stages=("stem", "stages", "last", "pool", "hidden", "relu", "head"),
    table="table 1; table 7 for the widths",
    knobs=(
        Knob(
            name="ratio",
            meaning="maps per intrinsic map, called s: of s maps one is convolved; 1 has no ghosts",
            choices=(1, 2, 3, 4, 5),
        ),
        Knob(
            name="cheap_size",
            meaning="side of the depthwise filters that make the ghosts, called d",
            choices=(1, 3, 5, 7),
        ),
        Knob(
            name="width",
            meaning="factor on all channels up to the average, rounded to multiples of 4",
            choices=(0.25, 0.5, 0.75, 1.0, 1.3, 1.5),
        ),
        Knob(
            name="depths",
            meaning="bottlenecks of this stage: the last rows of table 1 that are kept",
            choices=(1, 2, 3, 4, 5, 6),
        ),
        Knob(
            name="last",
            meaning="channels of the 1x1 convolution behind the average",
            choices=(128, 256, 512, 1280),
        ),
        Knob(name="stem_stride", meaning="stride of the first convolution", choices=(1, 2)),
    ),
    deviations=(
        Deviation(
            what="Dropout of 0.2 before the classifier, as in the authors' code; the paper does not mention "
            "it.",
            effect="No count changes, and none of the outputs once trained.",
        ),
        Deviation(
            what="At 1.3x the paper prints 7.3 M parameters and 226 M FLOPs.",
            effect="We, like the authors' code, count 7.36 M and 227 M: the paper seems to cut digits off.",
        ),
    ),
    variants=(
        Variant(
            name="ghostnet_classroom",
            title="GhostNet, classroom size",
            config={"width": 0.5, "depths": (1, 1, 1, 1, 1), "last": 256, "stem_stride": 1},
            input_size=32,
            num_classes=10,
            note="Half the width, five bottlenecks, and a first convolution that keeps all 32x32 pixels.",
        ),
        row(
            "ghostnet_050",
            0.5,
            params=2_587_292,
            macs=42_328_152,
            top1=66.2,
            top5=86.6,
            printed=of_paper(2.6e6, 42e6),
            note="Nearly three quarters of the parameters stand behind the last average.",
        ),
        row(
            "ghostnet_100",
            1.0,
            params=5_182_508,
            macs=141_150_512,
            top1=73.9,
            top5=91.4,
            printed=of_paper(5.2e6, 141e6),
            note="The network of table 1.",
        ),
        row(
            "ghostnet_130",
            1.3,
            params=7_358_820,
            macs=227_003_256,
            top1=75.7,
            top5=92.7,
            printed=of_paper(
                7.3e6,
                226e6,
                why_params="cut off instead of rounded",
                why_macs="cut off, and one below the count",
            ),
            note="Built to compare with MobileNetV3-Large: 75.2 % with 219 million MACs.",
        ),
    ),
)
