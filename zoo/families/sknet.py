"""SKNet: look through a small and a large kernel, then let the picture choose between them.

Li, Wang, Hu, Yang, "Selective Kernel Networks", 2019, arXiv:1903.06586. Split, fuse, select: figure 1,
section 3.1. Networks: table 1. The SK-ResNets are timm's: basic blocks in which each branch reads its part of
the channels. Stem, shortcuts and stages are ResNet's. Module order follows pytorchcv and timm.

B images, C channels, H x W pixels, s stride, M branches, d units between the two layers that choose.
"""

from collections import OrderedDict

from torch import Tensor, nn

from zoo.families.resnet import BASIC, DEEP, ResidualNetwork, make_shortcut, make_stages, make_stem
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import ConvNormAct, Residual


class SelectiveKernel(nn.Module):
    """A weighted average of M convolutions with growing kernels: (B, cin, H, W) -> (B, cout, H/s, W/s).

    Branch m has a 3x3 kernel with gaps (dilation m), which spans (2m + 1) x (2m + 1) pixels. A softmax over
    the branches says, for each image and each channel, how much of which one to take. Every branch reads all
    channels or, if they are `shared`, its part of them.
    """

    def __init__(
        self,
        cin: int,
        cout: int,
        *,
        stride: int,
        branches: int,
        groups: int,
        reduction: int,
        least: int,
        shared: bool,
    ) -> None:
        super().__init__()
        if shared and cin % branches:
            fitting = [str(m) for m in (2, 3, 4) if cin % m == 0]
            raise ValueError(
                f"{cin} channels cannot be shared evenly by {branches} branches; "
                f"{' or '.join(fitting) or 'no other number'} would work."
            )
        self.shared = shared
        part = cin // branches if shared else cin
        self.branches = nn.ModuleList(
            ConvNormAct(part, cout, 3, stride=stride, groups=groups, dilation=m + 1) for m in range(branches)
        )
        hidden = max(cout // reduction, least)  # d, equation 4
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = ConvNormAct(cout, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, branches * cout, 1, bias=False)
        self.softmax = nn.Softmax(1)

    def forward(self, x: Tensor) -> Tensor:
        m = len(self.branches)
        parts = x.chunk(m, 1) if self.shared else [x] * m
        views = [branch(part) for branch, part in zip(self.branches, parts, strict=True)]  # split
        z = self.fc1(self.pool(sum(views[1:], start=views[0])))  # (B, d, 1, 1), fuse
        choice = self.fc2(z).reshape(len(x), m, -1, 1, 1)  # (B, M, cout, 1, 1)
        weights = self.softmax(choice).unbind(1)  # select: M weights that sum to one, (B, cout, 1, 1) each
        chosen = [weight * view for weight, view in zip(weights, views, strict=True)]
        return sum(chosen[1:], start=chosen[0])


class SKNet(ResidualNetwork):
    """ResNeXt with selective kernels for its 3x3 convolutions, or ResNet with one in each basic block.

    A bottleneck is `cardinality` x `base_width` wide in the first stage and puts out four times `width`.
    """

    def __init__(
        self,
        *,
        block: str = "bottleneck",
        depths: tuple[int, ...],
        width: int = 64,
        branches: int = 2,
        cardinality: int = 32,
        base_width: int = 4,
        reduction: int = 16,
        least: int = 32,
        stem: str = "7x7",
        num_classes: int,
    ) -> None:
        def selective(cin: int, cout: int, stride: int, groups: int, shared: bool) -> SelectiveKernel:
            return SelectiveKernel(
                cin,
                cout,
                stride=stride,
                branches=branches,
                groups=groups,
                reduction=reduction,
                least=least,
                shared=shared,
            )

        def make_block(stage: int, cin: int, cout: int, stride: int) -> nn.Module:
            inner = cardinality * base_width << stage
            if block == "basic":
                layers = OrderedDict[str, nn.Module](
                    conv1=selective(cin, cout, stride, 1, True),
                    conv2=ConvNormAct(cout, cout, 3, act=None),
                )
            else:
                layers = OrderedDict[str, nn.Module](
                    conv1=ConvNormAct(cin, inner, 1),
                    conv2=selective(inner, inner, stride, cardinality, False),
                    conv3=ConvNormAct(inner, cout, 1, act=None),
                )
            return Residual(nn.Sequential(layers), make_shortcut("projection", cin, cout, stride))

        cout = width if block == "basic" else 4 * width
        super().__init__(
            make_stem(stem, width),
            make_stages(depths, width, cout, make_block),
            cout << len(depths) - 1,
            num_classes,
        )


def deep_row(depth: int, params: int, macs: int, top1: float, printed: tuple[Printed, ...]) -> Variant:
    return Variant(
        name=f"sknet{depth}",
        title=f"SKNet-{depth}",
        config={"block": "bottleneck", "depths": DEEP[depth]},
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source=f"pytorchcv sknet{depth}",
            twin=f"pytorchcv:sknet{depth}",
            top1=top1,
            accuracy_source="implus/SKNet README, one 224 crop",
            printed=printed,
        ),
        note="Two branches, 3x3 and 5x5, of 32 groups each.",
    )


def basic_row(depth: int, params: int, macs: int, top1: float, top5: float) -> Variant:
    name = f"skresnet{depth}"
    return Variant(
        name=name,
        title=f"SK-ResNet-{depth}",
        config={"block": "basic", "depths": BASIC[depth], "reduction": 8, "least": 16},
        input_size=224,
        year=2020,
        published=Published(
            params=params,
            macs=macs,
            source=f"timm {name}",
            twin=f"timm:{name}",
            top1=top1,
            top5=top5,
            accuracy_source=f"timm results, {name}.ra_in1k, one 224 crop",
        ),
        note="timm's design, not in the paper: each branch reads half of the channels.",
    )


FAMILY = Family(
    key="sknet",
    title="SKNet",
    year=2019,
    paper="Selective Kernel Networks",
    authors="Li, Wang, Hu, Yang",
    link="https://arxiv.org/abs/1903.06586",
    kind="branches",
    parents=("resnext", "senet", "googlenet"),
    idea="Run a 3x3 and a 5x5 side by side, and let each channel of each picture choose its mix of the two.",
    story=Story(
        problem="The kernels of a layer have one size, chosen before training. But the same thing appears "
        "large in one picture and small in the next. Neurons of the visual cortex adapt how far they see to "
        "what there is to see.",
        trick="Split: convolve the input with kernels of several sizes. Fuse: add the results, average over "
        "the map and squeeze, as in SENet. Select: a softmax over the branches gives every channel its mix. "
        "Inception joins its branches in the same way for every picture; here the picture decides.",
        cost="Every branch is a whole convolution, so each has to be cheap: 32 groups, and a 5x5 that is a "
        "3x3 with gaps. SKNet-50 has 10 per cent more parameters and 5 per cent more multiply-adds than "
        "ResNeXt-50 (32x4d).",
        outcome="79.2 % top-1; ResNeXt-50 has 77.8, with SE blocks 78.9 %, by the paper's figures. When "
        "an object is enlarged, early and middle layers turn to the larger kernel. ResNeSt took up the "
        "selection and gave all branches the same kernel.",
    ),
    model=SKNet,
    lesson=SelectiveKernel,
    stages=("stem", "stages", "pool", "head"),
    table="table 1",
    knobs=(
        Knob(
            name="branches",
            meaning="M: kernels of 3x3, 5x5, 7x7, 9x9 pixels to choose from",
            choices=(2, 3, 4),
        ),
        Knob(
            name="reduction",
            meaning="r: how many times fewer units than channels stand between the two layers that choose",
            choices=(1, 2, 4, 8, 16, 32, 64),
        ),
        Knob(name="least", meaning="L: at least so many units", choices=(4, 8, 16, 32, 64)),
        Knob(
            name="cardinality",
            meaning="G: groups of the selective kernels, paths of a bottleneck",
            choices=(1, 2, 4, 8, 16, 32, 64),
            only_with=("block", "bottleneck"),
        ),
        Knob(
            name="base_width",
            meaning="channels of one group in the first stage; doubles with every stage",
            choices=(1, 2, 4, 8, 14, 16, 24, 32, 40, 64),
            only_with=("block", "bottleneck"),
        ),
        Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 37))),
        Knob(
            name="width",
            meaning="channels of the stem; a bottleneck of the first stage puts out four times as many",
            choices=(8, 16, 24, 32, 48, 64, 80, 96, 128),
        ),
        Knob(
            name="stem",
            meaning="first convolution: 7x7, three 3x3 (ResNet-C), or one 3x3 at full resolution (CIFAR)",
            choices=("7x7", "deep", "3x3"),
        ),
    ),
    deviations=(
        Deviation(
            what="SKNet-101 follows table 1 in all of its 33 blocks, as pytorchcv does. The prototxt of the "
            "authors has 49,280 parameters fewer, about the two choosing layers of one block.",
            effect="48,736,040 parameters instead of 48,686,760; for SKNet-50 both agree.",
        ),
        Deviation(
            what="Beware of names: what timm calls skresnet50 is another network; its skresnext50_32x4d is "
            "the SKNet-50 of the paper.",
            effect="skresnet18 and skresnet34 are timm's own, and here as such.",
        ),
    ),
    variants=(
        Variant(
            name="sknet_classroom",
            title="SKNet, classroom size",
            config={
                "block": "bottleneck",
                "depths": (2, 2),
                "width": 32,
                "cardinality": 4,
                "base_width": 8,
                "reduction": 4,
                "least": 8,
            },
            input_size=32,
            num_classes=10,
            note="Four blocks that choose between 3x3 and 5x5, on maps of 8x8 and 4x4.",
        ),
        deep_row(
            50,
            27_479_784,
            4_462_710_784,
            79.21,
            (
                Printed(quantity="params", value=27.5e6, source="paper, table 2"),
                Printed(
                    quantity="macs",
                    value=4.47e9,
                    source="paper, table 2, as FLOPs",
                    reason="0.01 G above the count of table 1's layers; pools or sums may be in it",
                ),
            ),
        ),
        deep_row(
            101,
            48_736_040,
            8_448_724_992,
            79.81,
            (
                Printed(
                    quantity="params",
                    value=48.9e6,
                    source="paper, table 2",
                    reason="neither table 1 nor the authors' prototxt, with 48.69 M, leads to it",
                ),
                Printed(
                    quantity="macs",
                    value=8.46e9,
                    source="paper, table 2, as FLOPs",
                    reason="0.01 G above the count of table 1's layers; pools or sums may be in it",
                ),
            ),
        ),
        basic_row(18, 11_958_056, 1_814_337_536, 73.02, 91.172),
        basic_row(34, 22_282_376, 3_664_237_568, 76.956, 93.32),
    ),
)
