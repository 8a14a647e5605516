"""VGG: nothing but 3x3 convolutions, stacked until the network is deep.

Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014,
arXiv:1409.1556. Configurations A to E: table 1, kept below as it is printed. Why 3x3: section 2.3.
Batch norm is younger than the paper. Module order follows torchvision, so its weights load by position.

B images, C channels, H x W pixels.
"""

from types import MappingProxyType

from torch import Tensor, flatten, nn

from zoo.families.alexnet import make_norm
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import he_init


class Stage(nn.Sequential):
    """`depth` convolutions at one resolution, then half of it: (B, cin, H, W) -> (B, width, H/2, W/2).

    Two 3x3 convolutions see 5x5 pixels with 18 weights instead of 25, three see 7x7 with 27 instead of 49,
    and there is a ReLU after each. `last_kernel` 1 is configuration C: one more ReLU, but no wider view.
    """

    def __init__(
        self,
        cin: int,
        width: int,
        depth: int,
        *,
        last_kernel: int = 3,
        batch_norm: bool = False,
        lrn: bool = False,
    ) -> None:
        super().__init__()
        for i in range(1, depth + 1):
            kernel = last_kernel if i == depth else 3
            self.add_module(f"conv{i}", nn.Conv2d(cin, width, kernel, padding=kernel // 2))
            if batch_norm:
                self.add_module(f"norm{i}", nn.BatchNorm2d(width))
            self.add_module(f"relu{i}", nn.ReLU())
            if lrn and i == 1:
                self.add_module("norm1", make_norm("printed"))
            cin = width
        self.add_module("pool", nn.MaxPool2d(2))


class VGG(nn.Module):
    """Five stages, each at half the resolution of the last, then three linear layers with most weights."""

    def __init__(
        self,
        *,
        depths: tuple[int, ...],
        width: int = 64,
        norm: str = "none",
        last_kernel: int = 3,
        grid: int = 7,
        hidden: int = 4096,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.stages = nn.Sequential()
        cin = 3
        for i, depth in enumerate(depths):
            cout = width * min(2**i, 8)  # 64, 128, 256, 512, 512
            self.stages.append(
                Stage(
                    cin,
                    cout,
                    depth,
                    last_kernel=last_kernel if i >= 2 else 3,  # C has its 1x1 in the third to fifth stage
                    batch_norm=norm == "batch",
                    lrn=norm == "lrn" and i == 0,
                )
            )
            cin = cout
        self.pool = nn.AdaptiveAvgPool2d(grid)  # changes nothing at 224 pixels, lets other sizes in
        self.head = nn.Sequential()
        self.head.add_module("fc1", nn.Linear(cin * grid * grid, hidden))
        self.head.add_module("relu1", nn.ReLU())
        self.head.add_module("drop1", nn.Dropout(0.5))
        self.head.add_module("fc2", nn.Linear(hidden, hidden))
        self.head.add_module("relu2", nn.ReLU())
        self.head.add_module("drop2", nn.Dropout(0.5))
        self.head.add_module("fc3", nn.Linear(hidden, num_classes))
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages(x)  # (B, 8 width, H/32, W/32)
        x = flatten(self.pool(x), 1)  # (B, 8 width x grid x grid)
        return self.head(x)  # (B, num_classes)


V1 = "torchvision {}.IMAGENET1K_V1: a simplified recipe, one 224 crop"

# Table 1, column by column: one string per stage, ReLUs left out as in the paper. Under each stage stands
# maxpool, under the last one also FC-4096, FC-4096, FC-1000, soft-max.
TABLE_1 = MappingProxyType(
    {
        "A": (
            "conv3-64",
            "conv3-128",
            "conv3-256 conv3-256",
            "conv3-512 conv3-512",
            "conv3-512 conv3-512",
        ),
        "A-LRN": (
            "conv3-64 LRN",
            "conv3-128",
            "conv3-256 conv3-256",
            "conv3-512 conv3-512",
            "conv3-512 conv3-512",
        ),
        "B": (
            "conv3-64 conv3-64",
            "conv3-128 conv3-128",
            "conv3-256 conv3-256",
            "conv3-512 conv3-512",
            "conv3-512 conv3-512",
        ),
        "C": (
            "conv3-64 conv3-64",
            "conv3-128 conv3-128",
            "conv3-256 conv3-256 conv1-256",
            "conv3-512 conv3-512 conv1-512",
            "conv3-512 conv3-512 conv1-512",
        ),
        "D": (
            "conv3-64 conv3-64",
            "conv3-128 conv3-128",
            "conv3-256 conv3-256 conv3-256",
            "conv3-512 conv3-512 conv3-512",
            "conv3-512 conv3-512 conv3-512",
        ),
        "E": (
            "conv3-64 conv3-64",
            "conv3-128 conv3-128",
            "conv3-256 conv3-256 conv3-256 conv3-256",
            "conv3-512 conv3-512 conv3-512 conv3-512",
            "conv3-512 conv3-512 conv3-512 conv3-512",
        ),
    }
)
TABLE_2 = MappingProxyType({"A": 133e6, "A-LRN": 133e6, "B": 133e6, "C": 134e6, "D": 138e6, "E": 144e6})


def config_of(letter: str) -> dict[str, object]:
    """The column of table 1 under `letter` as arguments of the model."""
    config: dict[str, object] = {"depths": tuple(stage.count("conv") for stage in TABLE_1[letter])}
    if "LRN" in TABLE_1[letter][0]:
        config["norm"] = "lrn"
    if "conv1" in TABLE_1[letter][-1]:
        config["last_kernel"] = 1
    return config


def torchvision_row(depth: int, letter: str, params: int, macs: int, top1: float, top5: float) -> Variant:
    return Variant(
        name=f"vgg{depth}",
        title=f"VGG-{depth} ({letter})",
        config=config_of(letter),
        input_size=224,
        weights=f"VGG{depth}_Weights.IMAGENET1K_V1",
        published=Published(
            params=params,
            macs=macs,
            source=f"torchvision vgg{depth}",
            twin=f"torchvision:vgg{depth}",
            top1=top1,
            top5=top5,
            accuracy_source=V1.format(f"VGG{depth}_Weights"),
            printed=(Printed(quantity="params", value=TABLE_2[letter], source="paper, table 2"),),
        ),
        note=f"Configuration {letter} of table 1: {depth - 3} convolutions and 3 linear layers.",
    )


def bn_row(depth: int, letter: str, params: int, macs: int, top1: float, top5: float) -> Variant:
    return Variant(
        name=f"vgg{depth}_bn",
        title=f"VGG-{depth} ({letter}) with batch norm",
        config=config_of(letter) | {"norm": "batch"},
        input_size=224,
        year=2015,
        weights=f"VGG{depth}_BN_Weights.IMAGENET1K_V1",
        published=Published(
            params=params,
            macs=macs,
            source=f"torchvision vgg{depth}_bn",
            twin=f"torchvision:vgg{depth}_bn",
            top1=top1,
            top5=top5,
            accuracy_source=V1.format(f"VGG{depth}_BN_Weights"),
        ),
        note="Batch norm (2015) after every convolution: the deep ones, too, train from random weights.",
    )


def paper_row(name: str, letter: str, params: int, macs: int, top1: float, top5: float, note: str) -> Variant:
    return Variant(
        name=name,
        title=f"VGG {letter}",
        config=config_of(letter),
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source="paper, table 1, by arithmetic",
            table="table 1",
            top1=top1,
            top5=top5,
            accuracy_source="paper, table 3: whole image at scale 256, not one crop",
            printed=(Printed(quantity="params", value=TABLE_2[letter], source="paper, table 2"),),
        ),
        note=note,
    )


FAMILY = Family(
    key="vgg",
    title="VGG",
    year=2014,
    paper="Very Deep Convolutional Networks for Large-Scale Image Recognition",
    authors="Simonyan, Zisserman",
    link="https://arxiv.org/abs/1409.1556",
    kind="plain",
    parents=("alexnet",),
    idea="Use only 3x3 convolutions and 2x2 pools, and let depth alone make the difference.",
    story=Story(
        problem="AlexNet and its heirs mixed kernels of 11x11, 7x7 and 5x5, and nobody knew whether a "
        "better network should be wider, finer or deeper.",
        trick="Fix everything but the depth. A stack of 3x3 convolutions sees as far as one large kernel, "
        "with fewer weights and a ReLU after each layer: three of them cover 7x7 pixels with 27 instead of "
        "49 weights per pair of channels.",
        cost="Much. VGG-16 has 138 million parameters, 124 million of them in its three linear layers, and "
        "needs 15.5 GMACs, twenty times AlexNet. The deep ones did not start from random weights: the "
        "authors trained A first and began the others with its layers.",
        outcome="Second in the ILSVRC 2014 classification task (7.3 % top-5 error, seven networks) and "
        "first in localisation. Its features became the standard for detection, segmentation and style "
        "transfer. Gains stop between 16 and 19 layers; ResNet removed that limit a year later.",
    ),
    model=VGG,
    lesson=Stage,
    stages=("stages.0", "stages.1", "stages.2", "stages.3", "stages.4", "pool", "head"),
    table="table 1",
    knobs=(
        Knob(name="depths", meaning="convolutions in this stage", choices=tuple(range(1, 7))),
        Knob(
            name="width",
            meaning="channels of the first stage; later stages have 2, 4, 8 and 8 times as many",
            choices=(8, 16, 24, 32, 48, 64, 80, 96),
        ),
        Knob(
            name="norm",
            meaning="none as in A to E, local response norm after the first convolution (A-LRN), or batch "
            "norm after every convolution",
            choices=("none", "lrn", "batch"),
        ),
        Knob(
            name="last_kernel",
            meaning="kernel that ends the third, fourth and fifth stage; 1 is configuration C",
            choices=(3, 1),
        ),
        Knob(
            name="grid",
            meaning="side of the map that the linear layers read; 1 is global average pooling",
            choices=(1, 3, 5, 7),
        ),
        Knob(
            name="hidden",
            meaning="units of the two hidden linear layers",
            choices=(64, 128, 256, 512, 1024, 2048, 4096),
        ),
    ),
    deviations=(
        Deviation(
            what="An average pool to 7x7 before the linear layers, as in torchvision; the paper has none.",
            effect="None at 224 pixels, where the map is 7x7 already; other input sizes work too.",
        ),
        Deviation(
            what="All layers start from He's random weights; the paper starts its deep networks with layers "
            "of a trained A.",
            effect="No count changes. Without batch norm, D and E are hard to train from random weights.",
        ),
        Deviation(
            what="Accuracies of torchvision's rows come from one 224 crop; the paper slides its own, "
            "differently trained network over the whole image.",
            effect="The paper's errors are lower: D has 27.0 % top-1 at scale 256, torchvision's 28.4 %.",
        ),
        Deviation(
            what="The rows with batch norm are torchvision's; the paper is older than batch norm.",
            effect="Two parameters per channel more: 8,448 in VGG-16.",
        ),
    ),
    variants=(
        Variant(
            name="vgg_classroom",
            title="VGG, classroom size",
            config={"depths": (1, 1, 2, 2, 2), "width": 16, "norm": "batch", "grid": 1, "hidden": 128},
            input_size=32,
            num_classes=10,
            note="Configuration A at a quarter of its width, with batch norm, for 32x32 pictures.",
        ),
        torchvision_row(11, "A", 132_863_336, 7_609_090_048, 69.02, 88.628),
        paper_row(
            "vgg11_lrn",
            "A-LRN",
            132_863_336,
            7_609_090_048,
            70.3,
            89.5,
            "A with AlexNet's local response norm: it does not help (A itself has 70.4 in the same table).",
        ),
        torchvision_row(13, "B", 133_047_848, 11_308_466_176, 69.928, 89.246),
        paper_row(
            "vgg16_c",
            "C",
            133_638_952,
            11_770_888_192,
            71.9,
            90.6,
            "B and three 1x1 convolutions: better than B for its extra ReLUs, worse than D, which sees more.",
        ),
        torchvision_row(16, "D", 138_357_544, 15_470_264_320, 71.592, 90.382),
        torchvision_row(19, "E", 143_667_240, 19_632_062_464, 72.376, 90.876),
        bn_row(11, "A", 132_868_840, 7_609_090_048, 70.37, 89.81),
        bn_row(13, "B", 133_053_736, 11_308_466_176, 71.586, 90.374),
        bn_row(16, "D", 138_365_992, 15_470_264_320, 73.36, 91.516),
        bn_row(19, "E", 143_678_248, 19_632_062_464, 74.218, 91.842),
    ),
)
