"""RepVGG: train a network with branches in every layer, run it as a plain stack of 3x3 convolutions.

Ding, Zhang, Ma, Han, Ding, Sun, "RepVGG: Making VGG-style ConvNets Great Again", 2021, arXiv:2101.03697.
The block and how it is fused: section 3.3, figures 2 and 4. Depths and widths: section 3.4, tables 2 and 3.
What each branch is worth: table 6. The D2se network: the authors' repository. Module order follows timm.

B images, C channels, H x W pixels, s stride.
"""

from functools import partial

import torch
from torch import Tensor, flatten, nn

from zoo.families.acnet import Branch, Folded, added, as_conv, fold_norm
from zoo.families.senet import SqueezeExcite
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant, both_printed
from zoo.layers import he_init


class RepConv(nn.Module):
    """The map itself, a 3x3 and a 1x1 convolution of it, each normalised, and added.

    (B, cin, H, W) -> (B, cout, H/s, W/s). The map itself is there only where its shape stays.
    """

    def __init__(
        self, cin: int, cout: int, stride: int, groups: int, *, identity: bool = True, pointwise: bool = True
    ) -> None:
        super().__init__()
        keeps = identity and cin == cout and stride == 1
        self.identity = nn.BatchNorm2d(cout) if keeps else None
        self.square = Branch(cin, cout, (3, 3), stride, groups=groups)
        self.pointwise = Branch(cin, cout, (1, 1), stride, groups=groups) if pointwise else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.square(x)
        if self.pointwise is not None:
            y = y + self.pointwise(x)
        if self.identity is not None:
            y = y + self.identity(x)
        return y

    def folded(self) -> dict[str, Folded]:
        """The map itself is a 1x1 convolution too: the one whose kernel is the unit matrix."""
        parts = {"square": self.square.folded()}
        if self.pointwise is not None:
            parts["pointwise"] = self.pointwise.folded()
        if self.identity is not None:
            parts["identity"] = fold_norm(unit_kernel(self.square.conv.weight), self.identity)
        return parts

    def fuse(self) -> nn.Conv2d:
        """The one 3x3 convolution that computes what the trained branches compute. Figure 4."""
        return as_conv(*added(self.folded().values()), self.square.conv)


def unit_kernel(like: Tensor) -> Tensor:
    """The 1x1 kernel that returns its input; in groups a filter sees the channels of its own."""
    cout, per_group, _, _ = like.shape
    unit = like.new_zeros(cout, per_group, 1, 1)
    channel = torch.arange(cout, device=like.device)
    unit[channel, channel % per_group] = 1
    return unit


class RepVGGBlock(nn.Sequential):
    """Branches or, once fused, one 3x3 convolution; squeeze and excitation in D2se; ReLU."""

    def __init__(
        self,
        cin: int,
        cout: int,
        stride: int,
        groups: int,
        *,
        identity: bool,
        pointwise: bool,
        excite: bool,
        fused: bool,
    ) -> None:
        super().__init__()
        self.conv: nn.Module
        if fused:
            self.conv = nn.Conv2d(cin, cout, 3, stride, padding=1, groups=groups)
        else:
            self.conv = RepConv(cin, cout, stride, groups, identity=identity, pointwise=pointwise)
        if excite:
            self.excite = SqueezeExcite(cout, cout // 16)
        self.relu = nn.ReLU()


class RepVGG(nn.Module):
    """A block, four stages of blocks whose first one strides, and a linear layer: VGG's plan.

    `a` scales the first three stages and `b` the last, in units of 64, 128, 256 and 512 channels. Every other
    block is split into `groups`.
    """

    def __init__(
        self,
        *,
        depths: tuple[int, int, int, int],
        a: float,
        b: float,
        groups: int = 1,
        identity: bool = True,
        pointwise: bool = True,
        excite: bool = False,
        fused: bool = False,
        stem_stride: int = 2,
        num_classes: int,
    ) -> None:
        super().__init__()
        block = partial(RepVGGBlock, identity=identity, pointwise=pointwise, excite=excite, fused=fused)
        cin = min(64, int(64 * a))
        self.stem = block(3, cin, stem_stride, 1)
        self.stages = nn.Sequential()
        layer = 0
        for base, depth, scale in zip((64, 128, 256, 512), depths, (a, a, a, b), strict=True):
            stage = nn.Sequential()
            for i in range(depth):
                layer += 1
                cout = int(base * scale)
                stage.append(block(cin, cout, 2 if i == 0 else 1, groups if layer % 2 == 0 else 1))
                cin = cout
            self.stages.append(stage)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(cin, num_classes)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, 64, H/2, W/2)
        x = self.stages(x)  # (B, C, H/32, W/32)
        x = flatten(self.pool(x), 1)  # (B, C)
        return self.head(x)  # (B, num_classes)


DEPTHS = {"a": (2, 4, 14, 1), "b": (4, 6, 16, 1), "d": (8, 14, 24, 1)}  # table 2; D2se: the README
TABLE_4 = "paper, table 4, one 224 crop: 120 epochs, simple augmentation"
TABLE_5 = "paper, table 5, one 224 crop: 200 epochs with AutoAugment, label smoothing and mixup"


def row(
    name: str,
    a: float,
    b: float,
    params: int,
    macs: int,
    top1: float,
    top5: float | None = None,
    *,
    source: str = TABLE_4,
    fused: tuple[float, float] | None = None,
    groups: int = 1,
    excite: bool = False,
    input_size: int = 224,
    note: str = "",
) -> Variant:
    """`fused`: the paper's parameters in millions and FLOPs in billions."""
    options: dict[str, object] = {"groups": groups} if groups > 1 else {}
    if excite:
        options["excite"] = True
    grouped = f", every other block in {groups} groups" if groups > 1 else ""
    timm = "" if name == "b1g2" else f"timm:repvgg_{name}"
    printed: tuple[Printed, ...] = ()
    if fused:
        place = f"paper, {'table 4' if source == TABLE_4 else 'table 5'}"
        why = "the paper counts the fused network, we the one that is trained; turn fused on"
        params_fused, macs_fused = round(fused[0] * 1e6), round(fused[1] * 1e9)
        printed = both_printed(place, params_fused, macs_fused, why_params=why, why_macs=why)
    return Variant(
        name=f"repvgg_{name}",
        title=f"RepVGG-{name[0].upper()}{name[1:]}",
        config={"depths": DEPTHS[name[0]], "a": a, "b": b} | options,
        input_size=input_size,
        published=Published(
            params=params,
            macs=macs,
            source=f"timm repvgg_{name}" if timm else "the authors' repository",
            twin=timm,
            adapted="" if timm else "timm's RepVGG blocks in two groups",
            top1=top1,
            top5=top5,
            accuracy_source=source,
            printed=printed,
        ),
        note=note or f"a = {a:g}, b = {b:g}{grouped}.",
    )


FAMILY = Family(
    key="repvgg",
    title="RepVGG",
    year=2021,
    paper="RepVGG: Making VGG-style ConvNets Great Again",
    authors="Ding, Zhang, Ma, Han, Ding, Sun",
    link="https://arxiv.org/abs/2101.03697",
    kind="plain",
    parents=("vgg", "resnet", "acnet"),
    idea="Train with shortcuts in every layer, then fuse them away: what is left is VGG's stack of 3x3.",
    story=Story(
        problem="Shortcuts and branches made networks accurate, but they cost time and memory: a map has to "
        "be kept until the branches meet, and many small operations run slower than one large one. Plain "
        "stacks like VGG run fastest, yet nobody could train them to the same accuracy.",
        trick="Train with three branches in every layer: a 3x3, a 1x1 and the map itself, each with a batch "
        "norm, added. Afterwards all of it is linear up to the ReLU: a 1x1 kernel is a 3x3 one with zeros "
        "around it, the map itself a kernel with a single one, and the norms fold in. One 3x3 convolution "
        "remains.",
        cost="A tenth more parameters and MACs while training: RepVGG-A0 has 9.11 million parameters then "
        "and 8.31 afterwards. A plain stack is fast for its MACs, but has many of both: B3 has 111 million "
        "parameters after fusing.",
        outcome="Over 80 % top-1 with a plain network, for the first time by the authors' account. Without "
        "the branches RepVGG-B0 reaches 72.4 %, with both 75.1 %. Training one form and running another is "
        "now common, as in MobileOne and in detectors of the YOLO line.",
    ),
    model=RepVGG,
    lesson=RepConv,
    stages=("stem", "stages", "pool", "head"),
    table="tables 2 and 3",
    knobs=(
        Knob(
            name="fused",
            meaning="the network after training: one 3x3 convolution instead of the branches",
            choices=(False, True),
        ),
        Knob(
            name="identity",
            meaning="whether the map itself is one of the branches",
            choices=(False, True),
        ),
        Knob(
            name="pointwise",
            meaning="whether a 1x1 convolution is one of the branches",
            choices=(False, True),
        ),
        Knob(
            name="a",
            meaning="width of the first three stages, in units of 64, 128 and 256 channels",
            choices=(0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0),
        ),
        Knob(
            name="b",
            meaning="width of the last stage, in units of 512 channels",
            choices=(0.25, 0.5, 1.0, 2.0, 2.5, 2.75, 4.0, 5.0),
        ),
        Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 29))),
        Knob(name="groups", meaning="groups of every other block", choices=(1, 2, 4, 8)),
        Knob(
            name="excite",
            meaning="squeeze and excitation before each ReLU, as in D2se; it cannot be fused",
            choices=(False, True),
        ),
    ),
    deviations=(
        Deviation(
            what="Parameters and MACs are those of the network as it is trained; the paper prints those of "
            "the fused one.",
            effect="A0 has 9.11 million parameters and 1.51 GMACs here, 8.31 million and 1.36 once fused is "
            "on.",
        ),
        Deviation(
            what="D2se is not in the paper. It comes from the authors' repository, was trained at 224 and is "
            "measured at 320 pixels.",
            effect="At 224 pixels the authors give it 81.82 %.",
        ),
    ),
    variants=(
        Variant(
            name="repvgg_classroom",
            title="RepVGG, classroom size",
            config={"depths": (1, 2, 2, 1), "a": 0.5, "b": 0.5, "stem_stride": 1},
            input_size=32,
            num_classes=10,
            note="Seven layers, no stride in the first; switch branches off, or fuse them.",
        ),
        row("a0", 0.75, 2.5, 9_108_968, 1_512_581_120, 72.41, fused=(8.30, 1.4)),
        row("a1", 1, 2.5, 14_092_264, 2_626_488_320, 74.46, fused=(12.78, 2.4)),
        row("a2", 1.5, 2.75, 28_210_600, 5_685_345_280, 76.48, fused=(25.49, 5.1)),
        row("b0", 1, 2.5, 15_817_960, 3_397_191_680, 75.14, fused=(14.33, 3.1)),
        row("b1", 2, 4, 57_415_016, 13_128_089_600, 78.37, fused=(51.82, 11.8)),
        row("b1g2", 2, 4, 45_782_376, 9_788_375_040, 77.78, fused=(41.36, 8.8), groups=2),
        row("b1g4", 2, 4, 39_966_056, 8_118_517_760, 77.58, fused=(36.12, 7.3), groups=4),
        row("b2", 2.5, 5, 89_022_376, 20_418_170_880, 78.78, fused=(80.31, 18.4)),
        row("b2g4", 2.5, 5, 61_758_376, 12_590_714_880, 79.38, source=TABLE_5, fused=(55.77, 11.3), groups=4),
        row(
            "b3",
            3,
            5,
            123_085_288,
            29_120_696_320,
            80.528,
            95.254,
            source="timm results, repvgg_b3.rvgg_in1k, one 224 crop",
            fused=(110.96, 26.2),
        ),
        row("b3g4", 3, 5, 83_825_128, 17_849_159_680, 80.21, source=TABLE_5, fused=(75.62, 16.1), groups=4),
        row(
            "d2se",
            2.5,
            5,
            133_334_836,
            74_437_325_312,
            83.55,
            96.666,
            source="timm results, repvgg_d2se.rvgg_in1k, one 320 crop",
            excite=True,
            input_size=320,
            note="The authors' deeper network with squeeze and excitation in every block.",
        ),
    ),
)
