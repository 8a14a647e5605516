"""ResNeSt: split each group of channels, convolve the parts alike, and mix their results by attention.

Zhang et al., "ResNeSt: Split-Attention Networks", 2020, arXiv:2004.08955. Groups, radix and split attention:
section 3.1, figure 2; all of them in a few convolutions (radix-major): section 3.2. Tweaks: section 4.1. The
deep stem and the averaging shortcut are ResNet-D's ("Bag of Tricks", 2018, arXiv:1812.01187) and come from
ResNet's file. Module order follows timm, so its tensors fit by position.

B images, C channels, H x W pixels, s stride, K cardinality, R radix; RsKxWd is a row with base width W.
"""

from collections import OrderedDict

from torch import Tensor, nn

from zoo.families.resnet import DEEP, ResidualNetwork, make_shortcut, make_stages, make_stem
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant, both_printed
from zoo.layers import ConvNormAct, Residual


class SplitAttention(nn.Module):
    """K groups of R splits, each with a 3x3 of its own, mixed by attention: (B, C, H, W) -> (B, C, H/s, W/s).

    A split reads C / (K R) channels; the R splits of a group write versions of the same C / K. A softmax says
    for every image and channel how much of each version to take; one alone gets a sigmoid, as in SENet. The
    groups do not hear of each other.
    """

    def __init__(self, channels: int, *, stride: int, radix: int, cardinality: int, reduction: int) -> None:
        super().__init__()
        self.radix, self.cardinality = radix, cardinality
        hidden = max(radix * channels // reduction, 32)
        self.conv = ConvNormAct(channels, radix * channels, 3, stride=stride, groups=radix * cardinality)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, hidden, 1, groups=cardinality)
        self.norm = nn.BatchNorm2d(hidden)
        self.act = nn.ReLU()
        self.fc2 = nn.Conv2d(hidden, radix * channels, 1, groups=cardinality)
        self.gate: nn.Module = nn.Softmax(1) if radix > 1 else nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        splits = self.conv(x).chunk(self.radix, 1)  # R of (B, C, H/s, W/s), each with all K groups
        z = self.pool(sum(splits[1:], start=splits[0]))  # (B, C, 1, 1)
        a = self.fc2(self.act(self.norm(self.fc1(z))))  # (B, K R C/K, 1, 1), sorted by group
        a = a.reshape(len(x), self.cardinality, self.radix, -1).transpose(1, 2)  # (B, R, K, C/K)
        weights = self.gate(a).reshape(len(x), self.radix, -1, 1, 1).unbind(1)  # R of (B, C, 1, 1)
        mixed = [weight * split for weight, split in zip(weights, splits, strict=True)]
        return sum(mixed[1:], start=mixed[0])


class ResNeSt(ResidualNetwork):
    """ResNet-D with split attention in its bottlenecks, `cardinality` x `base_width` wide in the first stage.

    Where a block halves the map, an average of 3x3 pixels does it, after the split attention or before it.
    """

    def __init__(
        self,
        *,
        depths: tuple[int, ...],
        width: int = 64,
        radix: int = 2,
        cardinality: int = 1,
        base_width: int = 64,
        reduction: int = 4,
        average: str = "after",
        stem: str = "deep",
        stem_width: int = 64,
        shortcut: str = "average",
        num_classes: int,
    ) -> None:
        def make_block(stage: int, cin: int, cout: int, stride: int) -> nn.Module:
            inner = cardinality * base_width << stage
            layers = OrderedDict[str, nn.Module](conv1=ConvNormAct(cin, inner, 1))
            if stride > 1 and average == "before":
                layers["average"] = nn.AvgPool2d(3, stride, padding=1)
            layers["attention"] = SplitAttention(
                inner,
                stride=stride if average == "none" else 1,
                radix=radix,
                cardinality=cardinality,
                reduction=reduction,
            )
            if stride > 1 and average == "after":
                layers["average"] = nn.AvgPool2d(3, stride, padding=1)
            layers["conv3"] = ConvNormAct(inner, cout, 1, act=None)
            return Residual(nn.Sequential(layers), make_shortcut(shortcut, cin, cout, stride))

        super().__init__(
            make_stem(stem, stem_width),
            make_stages(depths, stem_width, 4 * width, make_block),
            4 * width << len(depths) - 1,
            num_classes,
        )


DEPTHS = DEEP | {200: (3, 24, 36, 3), 269: (3, 30, 48, 8)}
README = "zhanghang1989/ResNeSt README, PyTorch, one {} crop"
ABLATION = "zhanghang1989/ResNeSt ablation.md"
MORE = "up to 1 % above the multiply-adds of the layers; it does not say what else is counted"


def row(
    depth: int, input_size: int, params: int, macs: int, top1: float, printed: tuple[Printed, ...] = ()
) -> Variant:
    """A network of the paper, with its own size of picture; beyond 50 layers the stem is twice as wide."""
    twin = f"resnest{depth}{'d' if depth == 50 else 'e'}"
    return Variant(
        name=f"resnest{depth}",
        title=f"ResNeSt-{depth}",
        config={"depths": DEPTHS[depth], "stem_width": 64 if depth == 50 else 128},
        input_size=input_size,
        published=Published(
            params=params,
            macs=macs,
            source=f"timm {twin}",
            twin=f"timm:{twin}",
            top1=top1,
            accuracy_source=README.format(input_size),
            printed=printed,
        ),
        note=f"Two splits, one group (2s1x64d), pictures of {input_size} pixels.",
    )


def fast_row(
    name: str,
    radix: int,
    cardinality: int,
    base_width: int,
    *,
    params: int,
    macs: int,
    top1: float,
    top5: float,
    millions: float,
    giga: float,
) -> Variant:
    """A row of the ablation: 50 layers, the average in front of the split attention."""
    setting = f"{radix}s{cardinality}x{base_width}d"
    splits = "one split" if radix == 1 else f"{radix} splits"
    return Variant(
        name=name,
        title=f"ResNeSt-50-fast {setting}",
        config={
            "depths": DEPTHS[50],
            "radix": radix,
            "cardinality": cardinality,
            "base_width": base_width,
            "average": "before",
        },
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source=f"timm resnest50d_{setting}",
            twin=f"timm:resnest50d_{setting}",
            top1=top1,
            top5=top5,
            accuracy_source=f"timm results, resnest50d_{setting}.in1k, one 224 crop",
            printed=both_printed(ABLATION, millions * 1e6, giga * 1e9, why_macs=MORE),
        ),
        note=f"{cardinality} groups of {base_width} channels, {splits}; halves the map before the 3x3.",
    )


FAMILY = Family(
    key="resnest",
    title="ResNeSt",
    year=2020,
    paper="ResNeSt: Split-Attention Networks",
    authors="Zhang, Wu, Zhang, Zhu, Lin, Zhang, Sun, He, Mueller, Manmatha, Li, Smola",
    link="https://arxiv.org/abs/2004.08955",
    kind="branches",
    parents=("resnext", "senet", "sknet"),
    idea="Split each group of channels, convolve the parts alike, and mix their results by attention.",
    story=Story(
        problem="By 2020 the best classifiers came from automatic search. Detection and segmentation still "
        "stood on ResNet, which is simple and modular, but has a small field of view and no way for its "
        "channels to act on each other.",
        trick="ResNeXt's groups, SENet's look at the whole map, SKNet's choice. The splits of a group read "
        "different channels and write versions of the same ones. Their sum is averaged over the map; two "
        "small layers and a softmax then tell for each channel how much of which version to take.",
        cost="Two splits in one group cost as many multiply-adds as one convolution, for each reads half of "
        "the channels. ResNeSt-50 has 27.5 million parameters where ResNet-50 has 25.6. A part of its "
        "accuracy comes from training with mixup, AutoAugment and label smoothing.",
        outcome="81.1 % top-1 with 50 layers at 224 pixels, over 1 % more than other ResNets of its cost. "
        "As the backbone of Faster R-CNN it raised the mAP on COCO from 39.3 to 42.3 %.",
    ),
    model=ResNeSt,
    lesson=SplitAttention,
    stages=("stem", "stages", "pool", "head"),
    table="sections 3 and 4.1; the authors' ablation.md",
    knobs=(
        Knob(
            name="radix",
            meaning="R: splits of each group to mix; one alone gets a sigmoid, as in SENet",
            choices=(1, 2, 4),
        ),
        Knob(name="cardinality", meaning="K: groups that choose for themselves", choices=(1, 2, 4, 8)),
        Knob(
            name="base_width",
            meaning="channels of one group in the first stage; doubles with every stage",
            choices=(8, 16, 24, 32, 40, 48, 64),
        ),
        Knob(
            name="reduction",
            meaning="how many times fewer units than channels stand between the two layers that choose",
            choices=(1, 2, 4, 8),
        ),
        Knob(
            name="average",
            meaning="where a block averages 3x3 pixels to halve the map; none: the 3x3 strides",
            choices=("after", "before", "none"),
        ),
        Knob(
            name="shortcut",
            meaning="a projection behind a 2x2 average (ResNet-D), or one that strides",
            choices=("average", "projection"),
        ),
        Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 49))),
        Knob(
            name="width",
            meaning="a quarter of the first stage's output channels",
            choices=(8, 16, 24, 32, 48, 64, 80, 96, 128),
        ),
        Knob(
            name="stem",
            meaning="first convolution: three 3x3 (ResNet-C), 7x7, or one 3x3 at full resolution (CIFAR)",
            choices=("deep", "7x7", "3x3"),
        ),
        Knob(name="stem_width", meaning="channels of the stem", choices=(8, 16, 32, 64, 96, 128)),
    ),
    deviations=(
        Deviation(
            what="The stem of three 3x3 and the averaging shortcut are often credited to this paper. "
            "They are ResNet-D's, from Bag of Tricks (arXiv:1812.01187). This paper adds the average in the "
            "branch.",
            effect="Turn stem to 7x7 and shortcut to projection to see ResNeSt without ResNet-D.",
        ),
        Deviation(
            what="The paper trains with DropBlock in the last stages and with dropout before the head of its "
            "largest networks; neither is here.",
            effect="No count changes, and none of the outputs once trained.",
        ),
    ),
    variants=(
        Variant(
            name="resnest_classroom",
            title="ResNeSt, classroom size",
            config={
                "depths": (2, 2),
                "width": 16,
                "cardinality": 2,
                "base_width": 16,
                "stem_width": 32,
            },
            input_size=32,
            num_classes=10,
            note="Four blocks of two splits in two groups, on maps of 8x8 and 4x4.",
        ),
        row(
            50,
            224,
            27_483_240,
            5_371_160_576,
            81.03,
            (Printed(quantity="params", value=27.5e6, source=f"{ABLATION}, 2s1x64d"),),
        ),
        row(101, 256, 48_275_016, 13_321_472_000, 82.83),
        row(200, 320, 70_201_544, 35_519_694_848, 83.84),
        row(269, 416, 110_929_480, 77_348_702_208, 84.54),
        fast_row(
            "resnest50_fast_1s4x24d",
            1,
            4,
            24,
            params=25_677_000,
            macs=4_399_827_456,
            top1=81.024,
            top5=95.338,
            millions=25.7,
            giga=4.42,
        ),
        fast_row(
            "resnest50_4s2x40d",
            4,
            2,
            40,
            params=30_417_592,
            macs=4_369_060_736,
            top1=81.146,
            top5=95.566,
            millions=30.4,
            giga=4.41,
        ),
    ),
)
