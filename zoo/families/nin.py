"""NIN: 1x1 convolutions make a small network of each filter, and the mean of a class's map is its score.

Lin, Chen, Yan, "Network In Network", 2013, arXiv:1312.4400.
Mlpconv layer: section 3.1 and figure 1. Global average pooling: section 3.2. The whole network: figure 2.
The widths for CIFAR-10 are those of the authors' cuda-convnet definition; the ImageNet network is the first
author's for Caffe and not in the paper.

B images, C channels, H x W pixels, K classes, s stride.
"""

from torch import Tensor, flatten, nn

from zoo.family import Deviation, Family, Knob, Published, Story, Variant
from zoo.layers import he_init


class MLPConv(nn.Sequential):
    """A filter that is a network: (B, cin, H, W) -> (B, cout, H/s, W/s).

    A convolution looks at a patch, then two 1x1 convolutions think about what it saw there: the same
    perceptron of three layers at every position.
    """

    def __init__(self, cin: int, width: int, hidden: int, cout: int, kernel: int, *, stride: int = 1) -> None:
        super().__init__()
        padding = kernel // 2 if stride == 1 else 0  # the strided layer for ImageNet is not padded
        self.conv = nn.Conv2d(cin, width, kernel, stride, padding)
        self.relu1 = nn.ReLU()
        self.mlp1 = nn.Conv2d(width, hidden, 1)
        self.relu2 = nn.ReLU()
        self.mlp2 = nn.Conv2d(hidden, cout, 1)
        self.relu3 = nn.ReLU()


def make_pool(kind: str, ceil: bool) -> nn.Module:
    """Windows of 3x3, 2 apart; the border is padded, or with `ceil` the last window may reach over it."""
    padding = 0 if ceil else 1
    if kind == "average":
        return nn.AvgPool2d(3, 2, padding, ceil_mode=ceil)
    return nn.MaxPool2d(3, 2, padding, ceil_mode=ceil)


class NIN(nn.Module):
    """Mlpconv layers with pools between; the last draws one map per class. No layer is fully connected."""

    def __init__(
        self,
        *,
        widths: tuple[int, ...],
        hidden: tuple[int, ...],
        out: tuple[int, ...],
        kernels: tuple[int, ...],
        pools: tuple[str, ...],
        stride: int = 1,
        ceil: bool = False,
        dropouts: int = 2,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.stages = nn.Sequential()
        cin = 3
        for i, cout in enumerate(out):
            layer = MLPConv(cin, widths[i], hidden[i], cout, kernels[i], stride=stride if i == 0 else 1)
            stage = nn.Sequential()
            stage.add_module("mlpconv", layer)
            stage.add_module("pool", make_pool(pools[i], ceil))
            if i >= len(out) - dropouts:
                stage.add_module("drop", nn.Dropout(0.5))
            self.stages.append(stage)
            cin = cout
        self.head = MLPConv(cin, widths[-1], hidden[-1], num_classes, kernels[-1])
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages(x)  # (B, 192, 8, 8) from 32 x 32 pixels
        x = self.head(x)  # (B, K, 8, 8): where each class is seen
        return flatten(self.pool(x), 1)  # (B, K)


WIDTHS = (16, 32, 48, 64, 96, 128, 160, 192, 256, 384, 512, 1024)

FAMILY = Family(
    key="nin",
    title="NIN",
    year=2013,
    paper="Network In Network",
    authors="Lin, Chen, Yan",
    link="https://arxiv.org/abs/1312.4400",
    kind="plain",
    parents=("alexnet",),
    idea="Put a small network in each filter, and let every class have a map whose mean is its score.",
    story=Story(
        problem="A filter is linear: it can only say how much a patch looks like one template. To cover the "
        "variants of a thing a layer needs many filters. And the fully connected layers at the end hold most "
        "of the weights, over-fit, and hide which place spoke for which class.",
        trick="After the patch has been filtered, two 1x1 convolutions mix the channels at that place, "
        "with a ReLU after each. The last such layer makes one map per class, and the score is the map's "
        "average: nothing left to over-fit.",
        cost="1x1 convolutions cost little beside 5x5 ones: in the CIFAR-10 network less than a third of the "
        "multiplications. The whole network has less than a million weights.",
        outcome="8.81 % errors on CIFAR-10 with augmentation, the best of its time. GoogLeNet took up both "
        "the 1x1 convolution and the global average, and almost every convolutional network since ends in "
        "one.",
    ),
    model=NIN,
    lesson=MLPConv,
    stages=("stages", "head", "pool"),
    table="figure 2; widths from the authors' definition files",
    knobs=(
        Knob(name="widths", meaning="channels of this layer's first convolution", choices=WIDTHS),
        Knob(name="hidden", meaning="channels of this layer's first 1x1 convolution", choices=WIDTHS),
        Knob(name="out", meaning="channels of this layer's second 1x1 convolution", choices=WIDTHS),
        Knob(name="kernels", meaning="side of this layer's filters in pixels", choices=(1, 3, 5, 7, 11)),
        Knob(name="pools", meaning="how the map is halved after this layer", choices=("max", "average")),
    ),
    deviations=(
        Deviation(
            what="The CIFAR-10 network averages in its second pool, as pytorchcv does; the authors' "
            "cuda-convnet definition takes the maximum in both.",
            effect="No count changes; turn the pool to see.",
        ),
        Deviation(
            what="The CIFAR-10 network pads its pools by a pixel on each side; the authors' framework lets "
            "the last window reach over the border.",
            effect="The same sizes; the windows lie one pixel further up and to the left.",
        ),
        Deviation(
            what="A ReLU stands behind the class maps too, as in the authors' own networks, so no score is "
            "negative.",
            effect="No count changes. A class that is seen nowhere scores zero.",
        ),
    ),
    variants=(
        Variant(
            name="nin_classroom",
            title="NIN, classroom size",
            config={
                "widths": (24, 48, 48),
                "hidden": (24, 48, 48),
                "out": (16, 48),
                "kernels": (5, 5, 3),
                "pools": ("max", "average"),
                "dropouts": 1,
            },
            input_size=32,
            num_classes=10,
            note="The CIFAR-10 network at a quarter of its width, with one of its two dropouts.",
        ),
        Variant(
            name="nin_cifar10",
            title="NIN for CIFAR-10",
            config={
                "widths": (192, 192, 192),
                "hidden": (160, 192, 192),
                "out": (96, 192),
                "kernels": (5, 5, 3),
                "pools": ("max", "average"),
            },
            input_size=32,
            num_classes=10,
            published=Published(
                params=966_986,
                macs=222_486_528,
                source="pytorchcv nin_cifar10",
                twin="pytorchcv:nin_cifar10",
            ),
            note="Three mlpconv layers, as in figure 2 of the paper.",
        ),
        Variant(
            name="nin_imagenet",
            title="NIN for ImageNet",
            config={
                "widths": (96, 256, 384, 1024),
                "hidden": (96, 256, 384, 1024),
                "out": (96, 256, 384),
                "kernels": (11, 5, 3, 3),
                "pools": ("max", "max", "max"),
                "stride": 4,
                "ceil": True,
                "dropouts": 1,
            },
            input_size=224,
            published=Published(
                params=7_595_176,
                macs=1_100_188_800,
                source="the first author's network for Caffe, by its layer list",
                table="layer list of the first author's network for Caffe",
            ),
            note="Filters like AlexNet's, each with its small network: an eighth of AlexNet's weights.",
        ),
    ),
)
