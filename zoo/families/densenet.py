"""DenseNet: every layer reads the outputs of all layers before it, and adds only a few maps of its own.

Huang, Liu, van der Maaten, Weinberger, "Densely Connected Convolutional Networks", 2016, arXiv:1608.06993.
Dense layer, growth rate, bottleneck (B) and compression (C): section 3. ImageNet networks: table 1.
CIFAR networks: section 3 and table 2.
Module order follows torchvision, so its weights load by position.

B images, C channels, H x W pixels, k growth rate; layer l = 1, 2, ... of a block that k0 channels enter.
"""

import math

import torch
from torch import Tensor, flatten, nn

from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import he_init


class DenseLayer(nn.Module):
    """`growth_rate` new maps from all maps made before in the block: (B, k0 + k(l-1), H, W) -> (B, k, H, W).

    The bottleneck (B) first mixes the many maps into 4k with a 1x1 convolution, which makes the 3x3 cheap.
    """

    def __init__(self, cin: int, growth_rate: int, bottleneck: bool) -> None:
        super().__init__()
        self.bottleneck = bottleneck
        self.norm1 = nn.BatchNorm2d(cin)
        self.relu1 = nn.ReLU()
        if bottleneck:
            self.conv1 = nn.Conv2d(cin, 4 * growth_rate, 1, bias=False)
            self.norm2 = nn.BatchNorm2d(4 * growth_rate)
            self.relu2 = nn.ReLU()
            self.conv2 = nn.Conv2d(4 * growth_rate, growth_rate, 3, padding=1, bias=False)
        else:
            self.conv1 = nn.Conv2d(cin, growth_rate, 3, padding=1, bias=False)

    def forward(self, *earlier: Tensor) -> Tensor:
        x = torch.cat(earlier, 1)  # (B, k0 + k(l-1), H, W): nothing is added up, nothing is lost
        x = self.conv1(self.relu1(self.norm1(x)))  # (B, 4k, H, W), or (B, k, H, W) without bottleneck
        if self.bottleneck:
            x = self.conv2(self.relu2(self.norm2(x)))  # (B, k, H, W)
        return x


class DenseBlock(nn.Module):
    """Dense layers at one resolution: (B, k0, H, W) -> (B, k0 + k depth, H, W), the input itself first."""

    def __init__(self, cin: int, depth: int, growth_rate: int, bottleneck: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            DenseLayer(cin + growth_rate * i, growth_rate, bottleneck) for i in range(depth)
        )

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for layer in self.layers:
            maps.append(layer(*maps))
        return torch.cat(maps, 1)


class Transition(nn.Sequential):
    """Between two blocks, fewer channels and half the resolution: (B, cin, H, W) -> (B, cout, H/2, W/2)."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(cin)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(cin, cout, 1, bias=False)
        self.pool = nn.AvgPool2d(2)


class DenseNet(nn.Module):
    """A stem, dense blocks with transitions between them, and a linear head.

    `compression` is theta: a transition keeps floor(theta m) of m maps.
    """

    def __init__(
        self,
        *,
        depths: tuple[int, ...],
        growth_rate: int,
        stem_width: int,
        stem: str = "7x7",
        bottleneck: bool = True,
        compression: float = 0.5,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential()
        if stem == "7x7":
            self.stem.add_module("conv1", nn.Conv2d(3, stem_width, 7, 2, 3, bias=False))
            self.stem.add_module("norm1", nn.BatchNorm2d(stem_width))
            self.stem.add_module("relu1", nn.ReLU())
            self.stem.add_module("pool", nn.MaxPool2d(3, 2, padding=1))
        else:  # the first dense layer brings its own norm and ReLU
            self.stem.add_module("conv1", nn.Conv2d(3, stem_width, 3, padding=1, bias=False))
        self.stages = nn.Sequential()
        channels = stem_width
        for stage, depth in enumerate(depths):
            parts = nn.Sequential()
            parts.add_module("block", DenseBlock(channels, depth, growth_rate, bottleneck))
            channels += growth_rate * depth
            if stage < len(depths) - 1:
                kept = math.floor(compression * channels)
                parts.add_module("transition", Transition(channels, kept))
                channels = kept
            self.stages.append(parts)
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(channels, num_classes)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, stem_width, H/4, W/4)
        x = self.stages(x)  # (B, C, H/32, W/32)
        x = self.relu(self.norm(x))
        x = flatten(self.pool(x), 1)  # (B, C)
        return self.head(x)  # (B, num_classes)


README = "liuzhuang13/DenseNet README"
DEPTHS = {  # table 1: layers per block; 161 is in the authors' code
    121: (6, 12, 24, 16),
    161: (6, 12, 36, 24),
    169: (6, 12, 32, 32),
    201: (6, 12, 48, 32),
    264: (6, 12, 64, 48),
}


def torchvision_row(depth: int, params: int, macs: int, top1: float, top5: float) -> Variant:
    """An ImageNet network with B and C; torchvision's weights are the authors', ported from Torch."""
    growth_rate = 48 if depth == 161 else 32
    weights = f"DenseNet{depth}_Weights.IMAGENET1K_V1"
    return Variant(
        name=f"densenet{depth}",
        title=f"DenseNet-{depth}",
        config={"depths": DEPTHS[depth], "growth_rate": growth_rate, "stem_width": 2 * growth_rate},
        input_size=224,
        weights=weights,
        published=Published(
            params=params,
            macs=macs,
            source=f"torchvision densenet{depth}",
            twin=f"torchvision:densenet{depth}",
            top1=top1,
            top5=top5,
            accuracy_source=f"torchvision {weights}: ported from the authors' Torch models, one 224 crop",
        ),
        note=f"Growth rate {growth_rate}, with bottleneck and compression (BC).",
    )


def cifar_row(
    depth: int,
    growth_rate: int,
    letters: str,
    *,
    params: int,
    macs: int,
    printed: float | None = None,
    twin: str = "",
) -> Variant:
    """Three equal blocks for 32x32 pictures, with bottleneck or compression if `letters` has b or c."""
    name = f"densenet{depth}_k{growth_rate}{letters and '_' + letters}_cifar10"
    layers = (depth - 4) // (6 if "b" in letters else 3)  # a layer with bottleneck counts twice
    if printed is None:
        figures: tuple[Printed, ...] = ()
    else:
        reason = "" if letters else "the paper starts from 16 channels, we and the authors' code from 24"
        figures = (Printed(quantity="params", value=printed, source="paper, table 2", reason=reason),)
    return Variant(
        name=name,
        title=f"DenseNet{letters and '-' + letters.upper()} {depth}, k = {growth_rate}, for CIFAR-10",
        config={
            "depths": (layers, layers, layers),
            "growth_rate": growth_rate,
            "stem_width": 2 * growth_rate,
            "stem": "3x3",
            "bottleneck": "b" in letters,
            "compression": 0.5 if "c" in letters else 1.0,
        },
        input_size=32,
        num_classes=10,
        published=Published(
            params=params,
            macs=macs,
            source="andreasveit/densenet-pytorch",
            twin=f"pytorchcv:{twin}" if twin else "",
            adapted="" if twin else "pytorchcv's CIFAR units, put together without compression",
            printed=figures,
        ),
        note=f"Three blocks of {layers} layers at 32, 16 and 8 pixels.",
    )


FAMILY = Family(
    key="densenet",
    title="DenseNet",
    year=2016,
    paper="Densely Connected Convolutional Networks",
    authors="Huang, Liu, van der Maaten, Weinberger",
    link="https://arxiv.org/abs/1608.06993",
    kind="shortcuts",
    parents=("resnet",),
    idea="Hand every layer the maps of all layers before it, side by side instead of added up.",
    story=Story(
        problem="ResNet adds a block's output to its input, so what an early layer found is soon mixed into "
        "a sum, and later layers spend parameters on finding it again. Many of its layers can be dropped at "
        "random without much harm: they contribute little.",
        trick="Concatenate instead of adding. Layer l of a block reads all k0 + k(l-1) maps before it and "
        "adds k new ones, and k may be as small as 12. Within a block every layer is one step away from all "
        "later ones, and so is its gradient.",
        cost="Few parameters, but memory: the maps of a block stay in use to its end, and a simple "
        "implementation copies them for every layer. The 1x1 bottleneck (B) and transitions that keep half "
        "of the maps (C) hold the channels in check.",
        outcome="About ResNet's accuracy on ImageNet with less than half of the parameters and about half of "
        "the MACs; best paper of CVPR 2017. DPN later joined its concatenation with ResNet's addition.",
    ),
    model=DenseNet,
    lesson=DenseLayer,
    stages=("stem", "stages", "norm", "relu", "pool", "head"),
    table="table 1; section 3 for CIFAR-10",
    knobs=(
        Knob(
            name="growth_rate",
            meaning="new maps per layer, called k",
            choices=(4, 8, 12, 16, 24, 32, 40, 48),
        ),
        Knob(name="depths", meaning="dense layers in this block", choices=tuple(range(1, 65))),
        Knob(
            name="bottleneck",
            meaning="a 1x1 convolution to 4k maps before each 3x3 (the B in BC)",
            choices=(True, False),
        ),
        Knob(
            name="compression",
            meaning="share of the maps a transition keeps, called theta (the C in BC when below 1)",
            choices=(0.25, 0.5, 0.75, 1.0),
        ),
        Knob(
            name="stem_width",
            meaning="channels before the first block",
            choices=(8, 16, 24, 32, 48, 64, 80, 96),
        ),
        Knob(
            name="stem",
            meaning="first convolution: 7x7 with max pooling, or one 3x3 at full resolution (CIFAR)",
            choices=("7x7", "3x3"),
        ),
    ),
    deviations=(
        Deviation(
            what="The CIFAR networks other than BC start from 2k = 24 channels, as in the authors' published "
            "code; the paper starts them from 16.",
            effect="Without B and C, 39,576 more parameters with 40 layers and 103,896 more with 100. A stem "
            "width of 16 gives the paper's 1,019,722 and 6,979,642.",
        ),
        Deviation(
            what="No dropout. The paper puts a dropout of 0.2 behind every convolution but the first when it "
            "trains on CIFAR without augmentation.",
            effect="Same counts, and the same outputs once trained.",
        ),
    ),
    variants=(
        Variant(
            name="densenet_classroom",
            title="DenseNet, classroom size",
            config={"depths": (2, 3, 4), "growth_rate": 8, "stem_width": 16, "stem": "3x3"},
            input_size=32,
            num_classes=10,
            note="22 layers with bottleneck and compression, for 32x32 pictures.",
        ),
        torchvision_row(121, 7_978_856, 2_834_161_664, 74.434, 91.972),
        torchvision_row(161, 28_681_000, 7_727_907_072, 77.138, 93.56),
        torchvision_row(169, 14_149_480, 3_359_843_328, 75.6, 92.806),
        torchvision_row(201, 20_013_928, 4_291_365_888, 76.896, 93.37),
        Variant(
            name="densenet264",
            title="DenseNet-264",
            config={"depths": DEPTHS[264], "growth_rate": 32, "stem_width": 64},
            input_size=224,
            published=Published(
                params=33_337_704,
                macs=5_751_653_376,
                source="torchvision's DenseNet class with blocks of 6, 12, 64 and 48 layers",
                adapted="torchvision's DenseNet class with blocks of 6, 12, 64 and 48 layers",
                top1=77.9,
                accuracy_source=f"{README}, one 224 crop",
            ),
            note="Growth rate 32, with bottleneck and compression (BC); the deepest of table 1.",
        ),
        Variant(
            name="densenet121_b",
            title="DenseNet-B 121 (no compression)",
            config={"depths": DEPTHS[121], "growth_rate": 32, "stem_width": 64, "compression": 1.0},
            input_size=224,
            published=Published(
                params=13_908_584,
                macs=3_917_253_632,
                source="torchvision's dense blocks and transitions, put together with theta = 1",
                adapted="torchvision's dense blocks and transitions, put together with theta = 1",
            ),
            note="DenseNet-121 whose transitions keep all maps, to show what C saves; not in the paper.",
        ),
        cifar_row(40, 12, "", params=1_059_298, macs=282_917_328, printed=1.0e6),
        cifar_row(40, 12, "b", params=249_946, macs=87_996_768),
        cifar_row(40, 12, "c", params=599_050, macs=205_906_452, twin="densenet40_k12_cifar10"),
        cifar_row(100, 12, "", params=7_083_538, macs=1_816_743_408, printed=7.0e6),
        cifar_row(
            100,
            12,
            "bc",
            params=769_162,
            macs=287_929_692,
            printed=0.8e6,
            twin="densenet100_k12_bc_cifar10",
        ),
        cifar_row(
            250,
            24,
            "bc",
            params=15_324_406,
            macs=5_418_785_724,
            printed=15.3e6,
            twin="densenet250_k24_bc_cifar10",
        ),
        cifar_row(
            190,
            40,
            "bc",
            params=25_624_430,
            macs=9_301_945_740,
            printed=25.6e6,
            twin="densenet190_k40_bc_cifar10",
        ),
    ),
)
