"""IGC: two group convolutions whose groups cross, spatial in the one, across channels in the other.

Zhang, Qi, Xiao, Wang, "Interleaved Group Convolutions for Deep Neural Networks", 2017, arXiv:1707.02725. The
block: figure 1. Its cost: section 3.2. CIFAR networks: table 1; with
shortcuts they are called "+Ident.". What the paper leaves open follows the authors' code for MXNet.
The interleaving is the permutation that ShuffleNet, of the same week, calls channel shuffle.

B images, C channels, H x W pixels, s stride; L primary and M secondary partitions make a width of G = L M.
"""

from torch import Tensor, flatten, nn

from zoo.families.shufflenet_v1 import ChannelShuffle
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import ConvNormAct, he_init

EPS = 2e-5  # of every batch norm, as in the authors' code


class InterleavedGroupConv(nn.Module):
    """3x3 in L groups of M, 1x1 in M groups of L: (B, cin, H, W) -> (B, LM, H/s, W/s).

    Between them the channels are interleaved, so that each secondary partition holds one channel of every
    primary partition: two steps connect every input channel with every output channel.
    """

    def __init__(self, cin: int, cout: int, stride: int, primary: int, secondary: int, *, act: bool) -> None:
        super().__init__()
        self.primary = nn.Conv2d(cin, cout, 3, stride, padding=1, groups=primary, bias=False)
        self.interleave = ChannelShuffle(primary)
        self.secondary = nn.Conv2d(cout, cout, 1, groups=secondary, bias=False)
        self.back = ChannelShuffle(secondary)
        self.norm = nn.BatchNorm2d(cout, eps=EPS)
        self.relu = nn.ReLU() if act else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.interleave(self.primary(x))  # (B, LM, H/s, W/s), channel m of partition l is now m L + l
        x = self.back(self.secondary(x))
        return self.relu(self.norm(x))


class IdentUnit(nn.Module):
    """Two blocks beside a shortcut, as in ResNet-18: (B, cin, H, W) -> (B, cout, H/s, W/s).

    A shortcut that has to change shape is a 1x1 convolution in L groups.
    """

    def __init__(
        self, cin: int, cout: int, stride: int, primary: int, secondary: int, first_secondary: int
    ) -> None:
        super().__init__()
        self.shortcut: nn.Module = nn.Identity()
        if cin != cout:
            self.shortcut = ConvNormAct(cin, cout, 1, stride=stride, groups=primary, eps=EPS, act=None)
        self.block1 = InterleavedGroupConv(cin, cout, stride, primary, first_secondary, act=True)
        self.block2 = InterleavedGroupConv(cout, cout, 1, primary, secondary, act=False)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.shortcut(x) + self.block2(self.block1(x)))


class IGCNet(nn.Module):
    """A stem, stages of blocks or of units with shortcuts, a global average.

    The width doubles from stage to stage: by twice as many secondary partitions, or by twice as many primary
    ones if `doubles` says so. With `late` the first block of such a stage keeps the secondary partitions of
    the stage before. `stem_secondary` makes a stem of another width than the first stage's.
    """

    def __init__(
        self,
        *,
        primary: int,
        secondary: int,
        depths: tuple[int, ...],
        shortcut: bool = True,
        doubles: str = "secondary",
        late: bool = False,
        stem: str = "7x7",
        stem_secondary: int | None = None,
        num_classes: int,
    ) -> None:
        super().__init__()
        if doubles == "primary" and secondary % 2 and len(depths) > 1:
            raise ValueError(
                f"To double the {primary} primary partitions from stage to stage takes an even number of "
                f"secondary partitions, not {secondary}."
            )
        cin = primary * (stem_secondary or secondary)
        self.stem = nn.Sequential()
        if stem == "7x7":
            self.stem.add_module("conv", ConvNormAct(3, cin, 7, stride=2, eps=EPS))
            self.stem.add_module("pool", nn.MaxPool2d(3, 2, padding=1))
        else:
            self.stem.add_module("conv", ConvNormAct(3, cin, 3, stride=2 if stem == "3x3/2" else 1, eps=EPS))
        self.stages = nn.Sequential()
        for stage, depth in enumerate(depths):
            if stage > 0 and doubles == "primary":
                primary *= 2
            elif stage > 0:
                secondary *= 2
            cout = primary * secondary
            parts = nn.Sequential()
            for i in range(depth):
                stride = 2 if stage > 0 and i == 0 else 1
                first = cin // primary if late else secondary
                if shortcut:
                    parts.append(IdentUnit(cin, cout, stride, primary, secondary, first))
                else:
                    parts.append(InterleavedGroupConv(cin, cout, stride, primary, first, act=True))
                cin = cout
            self.stages.append(parts)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(cin, num_classes)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, LM, H/4, W/4); with a 3x3 stem H x W
        x = self.stages(x)  # (B, C, H/32, W/32)
        x = flatten(self.pool(x), 1)  # (B, C)
        return self.head(x)  # (B, num_classes)


README = "hellozting/InterleavedGroupConvolutions README"
CODE = "authors' code for MXNet, by arithmetic"


def imagenet_row(
    primary: int,
    secondary: int,
    *,
    params: int,
    macs: int,
    error1: float,
    error5: float,
    printed: tuple[tuple[float, str], tuple[float, str]],
    note: str,
) -> Variant:
    """ResNet-18's stages; `printed` are parameters and FLOPs of the README, with reasons for differences."""
    wide = primary == 100
    return Variant(
        name=f"igc_l{primary}m{secondary}_ident_imagenet",
        title=f"IGC-L{primary}M{secondary}+Ident.",
        config={
            "primary": primary,
            "secondary": secondary,
            "depths": (2, 2, 2, 2),
            "doubles": "primary" if wide else "secondary",
            "stem_secondary": 1 if wide else None,
        },
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source="authors' symbol file for MXNet, by arithmetic",
            table="the ImageNet results, and the authors' symbol files",
            top1=round(100 - error1, 2),
            top5=round(100 - error5, 2),
            accuracy_source=f"{README}, test error",
            printed=tuple(
                Printed(quantity=quantity, value=value, source=README, reason=reason)
                for quantity, (value, reason) in zip(("params", "macs"), printed, strict=True)
            ),
        ),
        note=note,
    )


def cifar_row(name: str, title: str, shortcut: bool, *, params: int, macs: int, note: str) -> Variant:
    """Three stages of twelve blocks at 32, 16 and 8 pixels: 36 + 2 = 38 layers, if a block counts as one."""
    return Variant(
        name=name,
        title=title,
        config={
            "primary": 24,
            "secondary": 2,
            "depths": (6, 6, 6) if shortcut else (12, 12, 12),
            "shortcut": shortcut,
            "late": shortcut,
            "stem": "3x3",
        },
        input_size=32,
        num_classes=10,
        published=Published(params=params, macs=macs, source=CODE, table="table 1"),
        note=note,
    )


FAMILY = Family(
    key="igc",
    title="IGC",
    year=2017,
    paper="Interleaved Group Convolutions for Deep Neural Networks",
    authors="Zhang, Qi, Xiao, Wang",
    link="https://arxiv.org/abs/1707.02725",
    kind="mobile",
    parents=("resnext",),
    idea="Cross two group convolutions: together they connect all channels at a fraction of the cost.",
    story=Story(
        problem="A group convolution is cheap because its groups ignore each other, and for the same reason "
        "it is weak. A full 3x3 convolution connects everything with everything, and many of these "
        "connections are redundant.",
        trick="Use two group convolutions whose groups cross. The first is 3x3, in L groups of M channels. "
        "Then the channels are interleaved, and the second is 1x1, in M groups of L: each takes one channel "
        "from every group of the first. After both, every input channel has reached every output channel.",
        cost="G^2 (9/L + 1/M) weights for a width of G = LM, against 9 G^2. With L = 24 and M = 2 a block of "
        "48 channels has fewer weights than a full convolution of 16. But wide maps need memory, and two "
        "permutations and two grouped convolutions are slow for their MACs.",
        outcome="On ImageNet, IGC-L100M2 has 73.05 % top-1 with 8.6 million parameters, where the authors' "
        "ResNet-18 has 68.94 % with 11.2 million. A full convolution (L = 1), and Xception's depthwise "
        "convolution followed by a full 1x1 (M = 1), are the two ends of the same family.",
    ),
    model=IGCNet,
    lesson=InterleavedGroupConv,
    stages=("stem", "stages", "pool", "head"),
    table="table 1; the README for ImageNet",
    knobs=(
        Knob(
            name="primary",
            meaning="primary partitions L: groups of the 3x3 convolution in the first stage",
            choices=(1, 2, 4, 8, 12, 16, 24, 32, 64, 100),
        ),
        Knob(
            name="secondary",
            meaning="secondary partitions M: groups of the 1x1 convolution in the first stage",
            choices=(1, 2, 4, 8, 16, 32),
        ),
        Knob(
            name="doubles",
            meaning="which partitions double from stage to stage, and the width with them",
            choices=("secondary", "primary"),
        ),
        Knob(
            name="shortcut",
            meaning="units of two blocks beside a shortcut, or blocks one after the other",
            choices=(True, False),
        ),
        Knob(name="depths", meaning="units, or blocks, in this stage", choices=tuple(range(1, 19))),
        Knob(
            name="stem",
            meaning="first convolution: 7x7 with max pooling, 3x3 at full resolution (CIFAR), or 3x3 at half",
            choices=("7x7", "3x3", "3x3/2"),
        ),
    ),
    deviations=(
        Deviation(
            what="In the CIFAR network with shortcuts, the first block of a stage keeps the secondary "
            "partitions of the stage before, as in the authors' code; the ImageNet networks do not.",
            effect="6,912 parameters and 0.9 million MACs more than with as many partitions as channels "
            "allow.",
        ),
        Deviation(
            what="The counts include everything that is trained. The authors count convolutions alone for "
            "L4M32 and L16M16, and leave out the batch norms only for L100M2.",
            effect="Their 11.2, 11.3 and 8.6 million parameters are 12.3, 13.5 and 8.6 million here.",
        ),
    ),
    variants=(
        Variant(
            name="igc_classroom",
            title="IGC, classroom size",
            config={"primary": 16, "secondary": 2, "depths": (1, 1, 1), "stem": "3x3/2"},
            input_size=32,
            num_classes=10,
            note="Three units of two blocks, for 32x32 pictures: trade primary for secondary partitions.",
        ),
        cifar_row(
            "igc_l24m2_d38_cifar10",
            "IGC-L24M2, depth 38, for CIFAR-10",
            False,
            params=317_242,
            macs=57_067_392,
            note="Without shortcuts: 24 partitions of 2 channels, then 2 of 24.",
        ),
        cifar_row(
            "igc_l24m2_ident_d38_cifar10",
            "IGC-L24M2+Ident., depth 38, for CIFAR-10",
            True,
            params=325_690,
            macs=58_050_432,
            note="The same blocks in pairs, beside shortcuts.",
        ),
        imagenet_row(
            4,
            32,
            params=12_251_240,
            macs=1_944_641_536,
            error1=30.77,
            error5=10.99,
            printed=((11.205e6, "convolutions alone; the symbol file has 11.207 M of these"), (1.9e9, "")),
            note="Few primary partitions, at the cost of ResNet-18: about as accurate as it.",
        ),
        imagenet_row(
            16,
            16,
            params=13_528_296,
            macs=2_265_989_120,
            error1=29.40,
            error5=10.32,
            printed=(
                (11.329e6, "convolutions alone; the symbol file has 11.441 M of these"),
                (2.2e9, "cut off instead of rounded"),
            ),
            note="As many primary partitions as secondary ones: 256 channels in the first stage.",
        ),
        imagenet_row(
            100,
            2,
            params=8_637_900,
            macs=1_264_780_800,
            error1=26.95,
            error5=8.92,
            printed=((8.61e6, "without the batch norms"), (1.3e9, "")),
            note="Almost depthwise: two channels in each primary partition, 200 to 1,600 channels.",
        ),
    ),
)
