"""Wide ResNet: fewer layers, each k times as wide, learn as much as a thousand thin ones and run faster.

Zagoruyko, Komodakis, "Wide Residual Networks", 2016, arXiv:1605.07146. Block with dropout: figure 1d. CIFAR
networks: table 1. ImageNet networks: table 8, whose bottlenecks are ResNet's with a wider 3x3.
Module order follows pytorchcv (CIFAR) and torchvision (ImageNet), so their tensors fit by position.

B images, C channels, H x W pixels, s stride, k widening factor.
"""

from torch import Tensor, nn

from zoo.families import preresnet, resnet
from zoo.families.preresnet import PreBasicBlock
from zoo.families.resnet import ResidualNetwork, make_stages
from zoo.families.resnext import ResNeXtBlock
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant


class WideBlock(PreBasicBlock):
    """The pre-activated basic block with dropout inside: (B, cin, H, W) -> (B, width, H/s, W/s).

    Width is what counts here: it comes k times as large as in a thin ResNet.
    """

    def __init__(self, cin: int, width: int, stride: int, dropout: float) -> None:
        super().__init__(cin, width, stride, shortcut="identity", stride_in="3x3")
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        a = self.relu1(self.norm1(x))
        y = self.conv1(a)  # (B, width, H/s, W/s)
        y = self.conv2(self.drop(self.relu2(self.norm2(y))))
        return y + self.shortcut(a if self.reshapes else x)


def wide_bottleneck(cin: int, width: int, k: int, stride: int) -> ResNeXtBlock:
    """ResNet's bottleneck, k times as wide inside: (B, cin, H, W) -> (B, 4 width, H/s, W/s).

    That is a ResNeXt block with a single path.
    """
    return ResNeXtBlock(cin, k * width, 4 * width, cardinality=1, stride=stride, shortcut="projection")


class WideResNet(ResidualNetwork):
    """Of pre-activated basic blocks for CIFAR, or of ResNet's bottlenecks for ImageNet; all k times as wide.

    `width` is that of the first stage where k is 1.
    """

    def __init__(
        self,
        *,
        bottleneck: bool,
        depths: tuple[int, ...],
        k: int,
        width: int,
        dropout: float = 0.0,
        num_classes: int,
    ) -> None:
        def make_block(stage: int, cin: int, cout: int, stride: int) -> nn.Module:
            if bottleneck:
                return wide_bottleneck(cin, width << stage, k, stride)
            return WideBlock(cin, cout, stride, dropout)

        cout = 4 * width if bottleneck else k * width
        channels = cout << len(depths) - 1
        stages = make_stages(depths, width, cout, make_block)
        if bottleneck:
            stem = resnet.make_stem("7x7", width)
        else:
            stem, stages = preresnet.make_stem("3x3", width), preresnet.finish(stages, channels)
        super().__init__(stem, stages, channels, num_classes)


README = "szagoruyko/wide-residual-networks"


def imagenet_row(
    depth: int,
    depths: tuple[int, ...],
    params: int,
    macs: int,
    top1: float,
    top5: float,
    printed: tuple[Printed, ...] = (),
    note: str = "",
) -> Variant:
    weights = f"Wide_ResNet{depth}_2_Weights.IMAGENET1K_V1"
    return Variant(
        name=f"wide_resnet{depth}_2",
        title=f"WRN-{depth}-2-bottleneck",
        config={"bottleneck": True, "depths": depths, "k": 2, "width": 64},
        input_size=224,
        weights=weights,
        published=Published(
            params=params,
            macs=macs,
            source=f"torchvision wide_resnet{depth}_2",
            twin=f"torchvision:wide_resnet{depth}_2",
            top1=top1,
            top5=top5,
            accuracy_source=f"torchvision {weights}: 90 epochs, one 224 crop",
            printed=printed,
        ),
        note=note,
    )


def cifar_row(depth: int, k: int, params: int, macs: int, printed: float, note: str = "") -> Variant:
    n = (depth - 4) // 6
    return Variant(
        name=f"wrn{depth}_{k}_cifar10",
        title=f"WRN-{depth}-{k} for CIFAR-10",
        config={"bottleneck": False, "depths": (n, n, n), "k": k, "width": 16},
        input_size=32,
        num_classes=10,
        published=Published(
            params=params,
            macs=macs,
            source=f"pytorchcv wrn{depth}_{k}_cifar10",
            twin=f"pytorchcv:wrn{depth}_{k}_cifar10",
            printed=(Printed(quantity="params", value=printed, source="paper, table 4"),),
        ),
        note=note or f"Three stages of {n} blocks, {16 * k}, {32 * k} and {64 * k} channels wide.",
    )


FAMILY = Family(
    key="wide_resnet",
    title="Wide ResNet",
    year=2016,
    paper="Wide Residual Networks",
    authors="Zagoruyko, Komodakis",
    link="https://arxiv.org/abs/1605.07146",
    kind="shortcuts",
    parents=("resnet", "preresnet"),
    idea="Make a residual network shallower and k times wider: as accurate, and far quicker on a GPU.",
    story=Story(
        problem="The last fractions of a percent were bought with twice the depth each time, up to 1001 "
        "layers. Such a network is slow, because its layers must wait for each other, and with shortcuts "
        "all around many of its blocks learn next to nothing.",
        trick="Keep the depth small and multiply the channels of every block by a factor k. And put dropout "
        "inside the block, between its two convolutions, where it leaves the shortcut alone.",
        cost="Parameters and MACs grow with the square of k: WRN-28-10 has 36.5 million parameters. But a "
        "few large convolutions keep a GPU busier than a thousand small ones.",
        outcome="WRN-40-4, with about as many parameters as the thin ResNet-1001, was about as accurate and "
        "trained 8 times faster. WRN-28-10 reached 4.00 % error on CIFAR-10, 3.89 % with dropout. On "
        "ImageNet WRN-50-2 beat ResNet-152 with a third of the layers.",
    ),
    model=WideResNet,
    lesson=WideBlock,
    stages=("stem", "stages", "pool", "head"),
    table="table 1 and table 4; table 8 for ImageNet",
    knobs=(
        Knob(
            name="k",
            meaning="how many times wider than a ResNet; 1 is ResNet itself",
            choices=(1, 2, 3, 4, 6, 8, 10, 12),
        ),
        Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 37))),
        Knob(
            name="width",
            meaning="channels of the stem, and of the first stage where k is 1",
            choices=(4, 8, 16, 32, 48, 64),
        ),
        Knob(
            name="dropout",
            meaning="share of the values dropped between a block's convolutions; the paper takes 0.3",
            choices=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
            only_with=("bottleneck", False),
        ),
    ),
    deviations=(
        Deviation(
            what="The ImageNet networks are torchvision's: bottlenecks with ReLU after the sum, the 3x3 (and "
            "the 1x1 before it) twice as wide, the block's output as wide as ResNet's.",
            effect="68,883,240 parameters, which the authors' README rounds to 68.9 million.",
        ),
        Deviation(
            what="No dropout in the published rows, as in pytorchcv; the knob turns it on.",
            effect="Same counts, and the same outputs once trained.",
        ),
    ),
    variants=(
        Variant(
            name="wide_resnet_classroom",
            title="Wide ResNet, classroom size",
            config={"bottleneck": False, "depths": (1, 1, 1), "k": 4, "width": 4},
            input_size=32,
            num_classes=10,
            note="WRN-10-4 on a base of 4 channels: turn k to 1 and deepen it, to compare thin with wide.",
        ),
        imagenet_row(
            50,
            (3, 4, 6, 3),
            68_883_240,
            11_398_021_120,
            78.468,
            94.086,
            (Printed(quantity="params", value=68.9e6, source=f"{README} README"),),
            "ResNet-50 with bottlenecks twice as wide inside.",
        ),
        imagenet_row(
            101,
            (3, 4, 23, 3),
            126_886_696,
            22_753_050_624,
            78.848,
            94.284,
            note="ResNet-101 with bottlenecks twice as wide inside; torchvision's own, not in the paper.",
        ),
        cifar_row(
            28,
            10,
            36_479_194,
            5_243_328_768,
            36.5e6,
            "The paper's best: 4.00 % error on CIFAR-10, 3.89 % with dropout 0.3 (README).",
        ),
        cifar_row(16, 10, 17_116_634, 2_412_173_568, 17.1e6),
        cifar_row(40, 8, 35_748_314, 5_172_024_320, 35.7e6),
    ),
)
