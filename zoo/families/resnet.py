"""ResNet: a block learns what to add to its input, so a block that learns nothing does no harm.

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", 2015, arXiv:1512.03385. Blocks: figure 5.
Stage depths: table 1. Shortcuts A, B: section 3.3. CIFAR-10 networks: section 4.2. Plain twins: table 2.
ResNet-C and -D: He et al., "Bag of Tricks for Image Classification", 2018, arXiv:1812.01187, figure 2. Module
order follows torchvision, so its weights load by position.

B images, C channels, H x W pixels, s stride.
"""

from collections.abc import Callable

from torch import Tensor, flatten, nn
from torch.nn import functional as F

from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import he_init


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: (B, cin, H, W) -> (B, width, H/s, W/s).

    `stride_in` is for Bottleneck; a basic block has one place to stride.
    """

    expansion = 1

    def __init__(self, cin: int, width: int, stride: int, shortcut: str, stride_in: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(cin, width, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.shortcut = make_shortcut(shortcut, cin, width, stride)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        if self.shortcut is not None:
            y = y + self.shortcut(x)
        return self.relu2(y)


class Bottleneck(nn.Module):
    """1x1 down to `width`, 3x3, 1x1 up to four times `width`: (B, cin, H, W) -> (B, 4 width, H/s, W/s)."""

    expansion = 4

    def __init__(self, cin: int, width: int, stride: int, shortcut: str, stride_in: str) -> None:
        super().__init__()
        first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
        cout = self.expansion * width
        self.conv1 = nn.Conv2d(cin, width, 1, first, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, second, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(width, cout, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(cout)
        self.shortcut = make_shortcut(shortcut, cin, cout, stride)
        self.relu3 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.norm1(self.conv1(x)))
        y = self.relu2(self.norm2(self.conv2(y)))
        y = self.norm3(self.conv3(y))
        if self.shortcut is not None:
            y = y + self.shortcut(x)
        return self.relu3(y)


class PaddingShortcut(nn.Module):
    """Option A: every second pixel, and zeros for the channels that are new. No parameters."""

    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        self.stride, self.new = stride, cout - cin

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new))


def make_shortcut(kind: str, cin: int, cout: int, stride: int) -> nn.Module | None:
    """What runs beside a block: nothing ("none", the plain twins), or the input in the shape of the output.

    Where the shape stays, the input itself. Where it changes: "padding" is option A of section 3.3,
    "projection" is option B, "average" is ResNet-D, which averages 2x2 pixels instead of dropping three of
    four.
    """
    if kind == "none":
        return None
    if cin == cout and stride == 1:
        return nn.Identity()
    if kind == "padding":
        return PaddingShortcut(cin, cout, stride)
    layers = nn.Sequential()
    if kind == "average" and stride > 1:
        layers.add_module("pool", nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False))
        stride = 1
    layers.add_module("conv", nn.Conv2d(cin, cout, 1, stride, bias=False))
    layers.add_module("norm", nn.BatchNorm2d(cout))
    return layers


def make_stem(kind: str, width: int) -> nn.Sequential:
    """From pixels to (B, width, H/4, W/4); the CIFAR stem "3x3" keeps H x W.

    "7x7" is the paper's; "deep" is ResNet-C: three 3x3 convolutions, the first two at half the width.
    """
    stem = nn.Sequential()
    if kind == "deep":
        widths = (3, width // 2, width // 2, width)
        for i in (1, 2, 3):
            stride = 2 if i == 1 else 1
            stem.add_module(f"conv{i}", nn.Conv2d(widths[i - 1], widths[i], 3, stride, 1, bias=False))
            stem.add_module(f"norm{i}", nn.BatchNorm2d(widths[i]))
            stem.add_module(f"relu{i}", nn.ReLU())
    else:
        kernel, stride = (7, 2) if kind == "7x7" else (3, 1)
        stem.add_module("conv1", nn.Conv2d(3, width, kernel, stride, kernel // 2, bias=False))
        stem.add_module("norm1", nn.BatchNorm2d(width))
        stem.add_module("relu1", nn.ReLU())
    if kind != "3x3":
        stem.add_module("pool", nn.MaxPool2d(3, 2, padding=1))
    return stem


def make_stages(
    depths: tuple[int, ...], cin: int, cout: int, make_block: Callable[[int, int, int, int], nn.Module]
) -> nn.Sequential:
    """Stages of blocks: the first puts out `cout` channels, every further one twice as many, at half the
    resolution. `make_block(stage, cin, cout, stride)` makes one block.
    """
    stages = nn.Sequential()
    for stage, depth in enumerate(depths):
        blocks = nn.Sequential()
        for i in range(depth):
            stride = 2 if stage > 0 and i == 0 else 1  # the stem has already halved the map for stage 0
            blocks.append(make_block(stage, cin, cout << stage, stride))
            cin = cout << stage
        stages.append(blocks)
    return stages


class ResidualNetwork(nn.Module):
    """What ResNet and its descendants share: a stem, stages, the average of the last map, a linear head."""

    def __init__(
        self, stem: nn.Module, stages: nn.Module, channels: int, num_classes: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.stem = stem
        self.stages = stages
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(dropout) if dropout else nn.Identity()
        self.head = nn.Linear(channels, num_classes)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, width, H/4, W/4)
        x = self.stages(x)  # (B, C, H/32, W/32)
        x = flatten(self.pool(x), 1)  # (B, C)
        return self.head(self.drop(x))  # (B, num_classes)


class ResNet(ResidualNetwork):
    """Stages of equal blocks, each stage at half the resolution and twice the width."""

    def __init__(
        self,
        *,
        block: type[BasicBlock] | type[Bottleneck],
        depths: tuple[int, ...],
        width: int = 64,
        stem: str = "7x7",
        shortcut: str = "projection",
        stride_in: str = "3x3",
        num_classes: int,
    ) -> None:
        def make_block(stage: int, cin: int, cout: int, stride: int) -> nn.Module:
            return block(cin, width << stage, stride, shortcut, stride_in)

        cout = block.expansion * width
        super().__init__(
            make_stem(stem, width),
            make_stages(depths, width, cout, make_block),
            cout << len(depths) - 1,
            num_classes,
        )


V1 = "torchvision {}.IMAGENET1K_V1: 90 epochs, one 224 crop"
STRIDE = "the paper strides in the first 1x1, torchvision in the 3x3 (v1.5), at four times the pixels"
NO_PROJECTIONS = "without the projections (option A) it is 3.64 G, as plain-34; they add 0.02 G"
BASIC = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}  # table 1: blocks per stage
DEEP = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def shape_of(depth: int) -> dict[str, object]:
    """The column of table 1 with `depth` layers."""
    if depth in BASIC:
        return {"block": BasicBlock, "depths": BASIC[depth]}
    return {"block": Bottleneck, "depths": DEEP[depth]}


def torchvision_row(depth: int, params: int, macs: int, top1: float, top5: float, printed: float) -> Variant:
    weights, v15 = f"ResNet{depth}_Weights", depth in DEEP
    reason = STRIDE if v15 else NO_PROJECTIONS if depth == 34 else ""
    flops = Printed(quantity="macs", value=printed, source="paper, table 1, as FLOPs", reason=reason)
    return Variant(
        name=f"resnet{depth}",
        title=f"ResNet-{depth}",
        config=shape_of(depth),
        input_size=224,
        weights=f"{weights}.IMAGENET1K_V1",
        published=Published(
            params=params,
            macs=macs,
            source=f"torchvision resnet{depth}",
            twin=f"torchvision:resnet{depth}",
            top1=top1,
            top5=top5,
            accuracy_source=V1.format(weights),
            printed=(flops,),
        ),
        note="Strides in its 3x3 convolutions: v1.5, also called ResNet-B." if v15 else "",
    )


def v1_row(depth: int, params: int, macs: int, top1: float, top5: float, printed: float) -> Variant:
    return Variant(
        name=f"resnet{depth}_v1",
        title=f"ResNet-{depth} v1 (as printed)",
        config=shape_of(depth) | {"stride_in": "1x1"},
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source="the authors' prototxt and pytorchcv",
            twin=f"pytorchcv:resnet{depth}",
            top1=top1,
            top5=top5,
            accuracy_source="KaimingHe/deep-residual-networks README, one crop",
            printed=(
                Printed(
                    quantity="macs",
                    value=printed,
                    source="paper, table 1, as FLOPs",
                    reason="cut off, not rounded" if depth == 50 else "",
                ),
            ),
        ),
        note="Strides in the first 1x1 of a stage, as printed in the paper.",
    )


AVERAGES = ", shortcuts that average 2x2 pixels first; ResNeSt, often given the credit, took it over."


def tricks_row(
    depth: int, letter: str, params: int, macs: int, top1: float, top5: float, recipe: str
) -> Variant:
    name = f"resnet{depth}{letter}"
    note = "Bag of Tricks (arXiv:1812.01187): stem of three 3x3"
    return Variant(
        name=name,
        title=f"ResNet-{depth}-{letter.upper()}",
        config=shape_of(depth) | {"stem": "deep", "shortcut": "average" if letter == "d" else "projection"},
        input_size=224,
        year=2018,
        published=Published(
            params=params,
            macs=macs,
            source=f"timm {name}",
            twin=f"timm:{name}",
            top1=top1,
            top5=top5,
            accuracy_source=f"timm results, {name}.{recipe}, one 224 crop",
        ),
        note=note + (AVERAGES if letter == "d" else "."),
    )


def cifar_row(depth: int, params: int, macs: int, option_a: int) -> Variant:
    n = (depth - 2) // 6
    padding = Printed(
        quantity="params",
        value=option_a,
        source="paper, section 4.2 with option A, by arithmetic",
        reason="two projection shortcuts (option B) hold 2,752 parameters; turn shortcut to padding for A",
    )
    return Variant(
        name=f"resnet{depth}_cifar10",
        title=f"ResNet-{depth} for CIFAR-10",
        config={"block": BasicBlock, "depths": (n, n, n), "width": 16, "stem": "3x3"},
        input_size=32,
        num_classes=10,
        published=Published(
            params=params,
            macs=macs,
            source=f"pytorchcv resnet{depth}_cifar10",
            twin=f"pytorchcv:resnet{depth}_cifar10",
            printed=(padding,),
        ),
        note=f"Three stages of {n} BasicBlocks at 32, 16 and 8 pixels: 6 x {n} + 2 = {depth} layers.",
    )


def plain_row(depth: int, params: int, macs: int, top1: float) -> Variant:
    return Variant(
        name=f"plain{depth}",
        title=f"plain-{depth} (no shortcuts)",
        config=shape_of(depth) | {"shortcut": "none"},
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source=f"torchvision resnet{depth} without its shortcuts",
            adapted=f"torchvision resnet{depth} without its shortcuts",
            top1=top1,
            accuracy_source="paper, table 2, 10 crops",
        ),
        note="The degradation experiment: plain-34 is worse than plain-18 even on the images it trains on.",
    )


FAMILY = Family(
    key="resnet",
    title="ResNet",
    year=2015,
    paper="Deep Residual Learning for Image Recognition",
    authors="He, Zhang, Ren, Sun",
    link="https://arxiv.org/abs/1512.03385",
    kind="shortcuts",
    parents=("vgg",),
    idea="Add each block's input to its output, so that a block with nothing to add does no harm.",
    story=Story(
        problem="Past about twenty layers, deeper plain networks got worse, and not by over-fitting: their "
        "error on the training images rose too. The optimiser could not even find the solution in which the "
        "extra layers do nothing.",
        trick="Let a block compute F(x) + x. Doing nothing is then F = 0, which is easy to learn, and the "
        "gradient has a short way down past every block.",
        cost="Almost nothing: an addition, and a 1x1 projection where the shape changes. The bottleneck "
        "block makes depth cheap by computing its 3x3 at a quarter of the width.",
        outcome="152 layers won ILSVRC 2015 with 3.57 % top-5 error (an ensemble). The shortcut is in "
        "nearly every network designed since, transformers included. Later work reads a stack of n blocks "
        "as 2^n paths of different lengths (arXiv:1605.06431) and finds the loss surface smoother with "
        "shortcuts than without (arXiv:1712.09913).",
    ),
    model=ResNet,
    lesson=BasicBlock,
    stages=("stem", "stages", "pool", "head"),
    table="table 1; section 4.2 for CIFAR-10; Bag of Tricks, figure 2, for C and D",
    knobs=(
        Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 37))),
        Knob(
            name="width",
            meaning="channels of the stem and of the first stage",
            choices=(8, 16, 24, 32, 48, 64, 80, 96, 128),
        ),
        Knob(
            name="shortcut",
            meaning="what runs beside a block whose shape changes; none removes all shortcuts",
            choices=("projection", "padding", "average", "none"),
        ),
        Knob(
            name="stem",
            meaning="first convolution: 7x7, three 3x3 (C), or one 3x3 at full resolution (CIFAR)",
            choices=("7x7", "deep", "3x3"),
        ),
        Knob(
            name="stride_in",
            meaning="where a bottleneck halves the map",
            choices=("3x3", "1x1"),
            only_with=("block", Bottleneck),
        ),
    ),
    deviations=(
        Deviation(
            what="ResNet-50, -101 and -152 halve the map in the 3x3 convolution of a bottleneck, as "
            "torchvision does; the paper does it in the first 1x1. The rows marked v1 are as printed.",
            effect="Same parameters; ResNet-50 needs 4.09 instead of 3.86 GMACs.",
        ),
        Deviation(
            what="The CIFAR networks project where the shape changes (option B); the paper pads with zeros "
            "(option A).",
            effect="2,752 more parameters; turn the shortcut to padding for the paper's 269,722, 853,018 and "
            "1,727,962.",
        ),
    ),
    variants=(
        Variant(
            name="resnet_classroom",
            title="ResNet, classroom size",
            config={"block": BasicBlock, "depths": (1, 1, 1), "width": 16, "stem": "3x3"},
            input_size=32,
            num_classes=10,
            note="Eight layers for 32x32 pictures; trains while you watch.",
        ),
        torchvision_row(18, 11_689_512, 1_814_073_344, 69.758, 89.078, 1.8e9),
        torchvision_row(34, 21_797_672, 3_663_761_408, 73.314, 91.42, 3.6e9),
        torchvision_row(50, 25_557_032, 4_089_184_256, 76.13, 92.862, 3.8e9),
        torchvision_row(101, 44_549_160, 7_801_405_440, 77.374, 93.546, 7.6e9),
        torchvision_row(152, 60_192_808, 11_513_626_624, 78.312, 94.046, 11.3e9),
        v1_row(50, 25_557_032, 3_857_973_248, 75.3, 92.2, 3.8e9),
        v1_row(101, 44_549_160, 7_570_194_432, 76.4, 92.9, 7.6e9),
        v1_row(152, 60_192_808, 11_282_415_616, 77.0, 93.3, 11.3e9),
        tricks_row(50, "c", 25_576_264, 4_328_824_832, 78.016, 93.994, "gluon_in1k"),
        tricks_row(18, "d", 11_708_744, 2_053_713_920, 72.296, 90.682, "ra2_in1k"),
        tricks_row(34, "d", 21_816_904, 3_903_401_984, 77.108, 93.372, "ra2_in1k"),
        tricks_row(50, "d", 25_576_264, 4_328_824_832, 79.08, 94.458, "gluon_in1k"),
        tricks_row(101, "d", 44_568_392, 8_041_046_016, 80.466, 95.034, "gluon_in1k"),
        tricks_row(152, "d", 60_212_040, 11_753_267_200, 80.476, 95.194, "gluon_in1k"),
        cifar_row(20, 272_474, 40_813_184, 269_722),
        cifar_row(56, 855_770, 125_747_840, 853_018),
        cifar_row(110, 1_730_714, 253_149_824, 1_727_962),
        plain_row(18, 11_515_688, 1_794_805_760, 72.06),
        plain_row(34, 21_623_848, 3_644_493_824, 71.46),
    ),
)
