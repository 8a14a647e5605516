"""SENet: look at the whole map, then decide how much each of its channels counts for this picture.

Hu, Shen, Albanie, Sun, Wu, "Squeeze-and-Excitation Networks", 2017, arXiv:1709.01507. The block: figure 1,
equations 2 to 4. Behind an Inception module: figure 2. In a residual block: figure 3; its other places there:
figure 5. Networks: table 1; SENet-154: appendix. What is around the block is ResNet's, ResNeXt's or
BN-Inception's. Module order follows timm's legacy networks, ported from the authors' Caffe models.

B images, C channels, H x W pixels, s stride.
"""

from collections import OrderedDict
from functools import partial

from torch import Tensor, nn

from zoo.families import bn_inception
from zoo.families.resnet import BASIC, DEEP, ResidualNetwork, make_stages, make_stem
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import ConvNormAct, Residual


class SqueezeExcite(nn.Module):
    """Every channel times a factor that depends on all channels of the whole map: (B, C, H, W), unchanged.

    Squeeze: one number per channel, its average. Excite: two small layers, `hidden` = C/r units between them,
    turn these into one factor per channel, from 0 to 1. A 1x1 convolution on a map of one pixel is a fully
    connected layer.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        act: type[nn.Module] = nn.ReLU,
        gate: type[nn.Module] = nn.Sigmoid,
    ) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.act = act()
        self.fc2 = nn.Conv2d(hidden, channels, 1)
        self.gate = gate()

    def forward(self, x: Tensor) -> Tensor:
        z = self.pool(x)  # (B, C, 1, 1), equation 2
        s = self.gate(self.fc2(self.act(self.fc1(z))))  # (B, C, 1, 1), equation 3
        return s * x  # equation 4


def squeeze_excite(channels: int, reduction: int) -> SqueezeExcite:
    return SqueezeExcite(channels, max(1, channels // reduction))


def basic(cin: int, cout: int, stride: int) -> nn.Sequential:
    """ResNet-18's and -34's two 3x3 convolutions: (B, cin, H, W) -> (B, cout, H/s, W/s)."""
    return nn.Sequential(
        OrderedDict(
            conv1=ConvNormAct(cin, cout, 3, stride=stride),
            conv2=ConvNormAct(cout, cout, 3, act=None),
        )
    )


def bottleneck(
    cin: int, first: int, inner: int, cout: int, stride: int, cardinality: int, stride_in: str
) -> nn.Sequential:
    """1x1, 3x3, 1x1 of ResNet-50 and, with groups, of ResNeXt: (B, cin, H, W) -> (B, cout, H/s, W/s)."""
    stride1, stride2 = (stride, 1) if stride_in == "1x1" else (1, stride)
    return nn.Sequential(
        OrderedDict(
            conv1=ConvNormAct(cin, first, 1, stride=stride1),
            conv2=ConvNormAct(first, inner, 3, stride=stride2, groups=cardinality),
            conv3=ConvNormAct(inner, cout, 1, act=None),
        )
    )


def make_shortcut(kernel: int, cin: int, cout: int, stride: int) -> nn.Module:
    """Where the shape changes, a projection; SENet-154 looks at 3x3 pixels where it halves the map."""
    if cin == cout and stride == 1:
        return nn.Identity()
    return ConvNormAct(cin, cout, kernel if stride > 1 else 1, stride=stride, act=None)


def residual_block(
    transform: nn.Sequential, shortcut: nn.Module, cin: int, cout: int, reduction: int, place: str
) -> nn.Module:
    """A residual block that squeezes and excites at one of the places of figure 5."""
    se = squeeze_excite(cin if place in ("pre", "identity") else cout, reduction)
    if place == "post":
        return nn.Sequential(OrderedDict(block=Residual(transform, shortcut), se=se))
    if place == "pre":
        transform = nn.Sequential(OrderedDict(se=se, block=transform))
    elif place == "identity":
        shortcut = nn.Sequential(OrderedDict(se=se, shortcut=shortcut))
    else:  # the paper's choice: on what the block is about to add
        transform.add_module("se", se)
    return Residual(transform, shortcut)


class SENet(ResidualNetwork):
    """ResNet or ResNeXt, or BN-Inception if not `residual`, that reweights the channels of every block.

    A bottleneck is `cardinality` x `base_width` wide in the first stage and puts out four times `width`.
    """

    def __init__(
        self,
        *,
        residual: bool = True,
        block: str = "bottleneck",
        depths: tuple[int, ...] = (),
        width: int = 64,
        cardinality: int = 1,
        base_width: int = 64,
        halve: bool = False,
        reduction: int = 16,
        place: str = "standard",
        stem: str = "7x7",
        stem_width: int = 64,
        stride_in: str = "3x3",
        shortcut: int = 1,
        dropout: float = 0.0,
        num_classes: int,
    ) -> None:
        if not residual:
            conv = partial(bn_inception.convolution, norm="batch", bias=False, act="relu")

            def make_module(cin: int, row: bn_inception.Row) -> nn.Module:
                module = bn_inception.Inception(cin, row, conv)
                return nn.Sequential(module, squeeze_excite(row.cout(cin), reduction))

            start = bn_inception.make_stem("7x7", 1.0, conv)
            stages, channels = bn_inception.make_stages(bn_inception.DEPTHS, 1.0, make_module)
            super().__init__(start, stages, channels, num_classes)
            return

        def make_block(stage: int, cin: int, cout: int, stride: int) -> nn.Module:
            if block == "basic":
                transform = basic(cin, cout, stride)
            else:
                inner = cardinality * base_width << stage
                first = inner // 2 if halve else inner
                transform = bottleneck(cin, first, inner, cout, stride, cardinality, stride_in)
            around = make_shortcut(shortcut, cin, cout, stride)
            return residual_block(transform, around, cin, cout, reduction, place)

        start = make_stem(stem, stem_width)
        if stem != "3x3":
            start.pool = nn.MaxPool2d(3, 2, ceil_mode=True)  # as in Caffe, without padding
        cout = width if block == "basic" else 4 * width
        super().__init__(
            start,
            make_stages(depths, stem_width, cout, make_block),
            cout << len(depths) - 1,
            num_classes,
            dropout,
        )


README = "hujie-frank/SENet README, one 224 crop"
EVERY_SUM = "the paper also counts the sums of the squeeze and the products of the rescaling"


def row(
    name: str,
    title: str,
    config: dict[str, object],
    *,
    params: int,
    macs: int,
    top1: float,
    top5: float,
    printed: tuple[Printed, ...] = (),
    note: str,
) -> Variant:
    """A network of the paper, with the accuracy of the authors' models."""
    return Variant(
        name=name,
        title=title,
        config={"residual": True, "block": "bottleneck"} | config,
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source=f"timm legacy_{name}, the authors' prototxt",
            twin=f"timm:legacy_{name}",
            top1=top1,
            top5=top5,
            accuracy_source=README,
            printed=printed,
        ),
        note=note,
    )


def resnet_row(depth: int, params: int, macs: int, top1: float, top5: float, printed: float) -> Variant:
    return row(
        f"seresnet{depth}",
        f"SE-ResNet-{depth}",
        {"depths": DEEP[depth], "stride_in": "1x1"},
        params=params,
        macs=macs,
        top1=top1,
        top5=top5,
        printed=(
            Printed(quantity="macs", value=printed, source="paper, table 2, as FLOPs", reason=EVERY_SUM),
        ),
        note="Strides in the first 1x1 of a stage, like ResNet v1.",
    )


def resnext_row(depth: int, params: int, macs: int, top1: float, top5: float) -> Variant:
    return row(
        f"seresnext{depth}_32x4d",
        f"SE-ResNeXt-{depth} (32x4d)",
        {"depths": DEEP[depth], "cardinality": 32, "base_width": 4},
        params=params,
        macs=macs,
        top1=top1,
        top5=top5,
        note="ResNeXt's 32 paths of 4 channels, striding in their 3x3.",
    )


def basic_row(depth: int, params: int, macs: int, top1: float, top5: float) -> Variant:
    name = f"seresnet{depth}"
    return Variant(
        name=name,
        title=f"SE-ResNet-{depth}",
        config={"residual": True, "block": "basic", "depths": BASIC[depth]},
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source=f"pytorchcv {name}, timm legacy_{name}",
            adapted=f"pytorchcv {name} with the first pool as printed",
            top1=top1,
            top5=top5,
            accuracy_source=f"timm results, legacy_{name}.in1k, one 224 crop",
        ),
        note="The block behind two 3x3; timm, whose accuracy this is, has one more ReLU before the squeeze.",
    )


FAMILY = Family(
    key="senet",
    title="SENet",
    year=2017,
    paper="Squeeze-and-Excitation Networks",
    authors="Hu, Shen, Albanie, Sun, Wu",
    link="https://arxiv.org/abs/1709.01507",
    kind="shortcuts",
    parents=("resnet", "resnext", "bn_inception"),
    idea="Average each channel over the whole map, and let two small layers decide how much each one counts.",
    story=Story(
        problem="A convolution mixes what it finds in a small window with what the channels say, and its "
        "weights are the same for every picture. No unit in the early layers knows what the rest of the "
        "picture shows, so none can tell which channels matter here.",
        trick="Squeeze: average every channel over the map. Excite: two small fully connected layers, a ReLU "
        "between them and a sigmoid behind, turn these averages into one factor per channel. Multiply the "
        "map by it. The block fits behind any convolution, so ResNet, ResNeXt and Inception all got one.",
        cost="Hardly any multiply-adds: 3.87 instead of 3.86 G for ResNet-50, by the paper's count. But the "
        "two layers hold 2.5 million parameters, ten per cent more, most of them in the last stage. A larger "
        "reduction ratio saves some of them; the paper takes 16.",
        outcome="SE-ResNet-50 came close to ResNet-101 at half its cost: 6.62 against 6.52 % top-5 error. An "
        "ensemble with SENet-154 won the last ILSVRC, in 2017, with 2.25 % top-5 error. MobileNetV3, "
        "EfficientNet and RegNetY have the block built in.",
    ),
    model=SENet,
    lesson=SqueezeExcite,
    stages=("stem", "stages", "pool", "head"),
    table="table 1; appendix for SENet-154",
    knobs=(
        Knob(
            name="reduction",
            meaning="how many times fewer units than channels the excitation has between its two layers",
            choices=(1, 2, 4, 8, 16, 32, 64),
        ),
        Knob(
            name="place",
            meaning="on the branch of a residual block (standard), before it, after the sum, on the shortcut",
            choices=("standard", "pre", "post", "identity"),
            only_with=("residual", True),
        ),
        Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 37))),
        Knob(
            name="width",
            meaning="output channels of the first stage; a bottleneck puts out four times as many",
            choices=(8, 16, 24, 32, 48, 64, 80, 96, 128),
            only_with=("residual", True),
        ),
        Knob(
            name="cardinality",
            meaning="number of paths in a bottleneck, as in ResNeXt",
            choices=(1, 2, 4, 8, 16, 32, 64),
            only_with=("block", "bottleneck"),
        ),
        Knob(
            name="base_width",
            meaning="channels of one path in the first stage; doubles with every stage",
            choices=(2, 4, 8, 14, 16, 24, 32, 40, 64),
            only_with=("block", "bottleneck"),
        ),
        Knob(
            name="halve",
            meaning="half as many channels behind the first 1x1 as behind the 3x3, as in SENet-154",
            choices=(False, True),
            only_with=("block", "bottleneck"),
        ),
        Knob(
            name="stride_in",
            meaning="where a bottleneck halves the map",
            choices=("3x3", "1x1"),
            only_with=("block", "bottleneck"),
        ),
        Knob(
            name="shortcut",
            meaning="kernel of the shortcut's convolution where the map is halved",
            choices=(1, 3),
            only_with=("residual", True),
        ),
        Knob(
            name="stem",
            meaning="first convolution: 7x7, three 3x3 (ResNet-C), or one 3x3 at full resolution (CIFAR)",
            choices=("7x7", "deep", "3x3"),
            only_with=("residual", True),
        ),
        Knob(
            name="stem_width",
            meaning="channels of the stem",
            choices=(8, 16, 32, 64, 96, 128),
            only_with=("residual", True),
        ),
    ),
    deviations=(
        Deviation(
            what="The first pool rounds up instead of padding, as in Caffe; our ResNet pads, as torchvision.",
            effect="The same map sizes, other windows. Beware of names: what timm calls seresnet50 pads and "
            "strides in the 3x3, at 4.09 GMACs; its legacy_seresnet50 is the network of the paper.",
        ),
        Deviation(
            what="The excitation's layers have biases, as in the authors' models. The later versions of the "
            "paper recommend to leave them out in ResNets.",
            effect="16,048 parameters in SE-ResNet-50.",
        ),
    ),
    variants=(
        Variant(
            name="senet_classroom",
            title="SE-ResNet, classroom size",
            config={
                "residual": True,
                "block": "basic",
                "depths": (1, 1, 1),
                "width": 16,
                "reduction": 4,
                "stem": "3x3",
                "stem_width": 16,
            },
            input_size=32,
            num_classes=10,
            note="The smallest ResNet, with four channels for each unit of the excitation.",
        ),
        basic_row(18, 11_778_592, 1_814_160_384, 71.742, 90.34),
        basic_row(34, 21_958_868, 3_663_918_592, 74.788, 92.134),
        resnet_row(50, 28_088_024, 3_860_488_192, 77.63, 93.64, 3.87e9),
        resnet_row(101, 49_326_872, 7_574_937_600, 78.25, 94.28, 7.60e9),
        resnet_row(152, 66_821_848, 11_288_993_792, 78.66, 94.46, 11.32e9),
        resnext_row(50, 27_559_896, 4_232_994_816, 79.03, 94.46),
        resnext_row(101, 48_955_416, 7_974_739_968, 80.19, 95.04),
        row(
            "senet154",
            "SENet-154",
            {
                "depths": DEEP[152],
                "cardinality": 64,
                "base_width": 4,
                "halve": True,
                "stem": "deep",
                "stem_width": 128,
                "shortcut": 3,
                "dropout": 0.2,
            },
            params=115_088_984,
            macs=20_688_363_520,
            top1=81.32,
            top5=95.53,
            note="ResNeXt-152 (64x4d) with thinner first 1x1 convolutions and a stem of three 3x3.",
        ),
        Variant(
            name="se_bn_inception",
            title="SE-BN-Inception",
            config={"residual": False},
            input_size=224,
            published=Published(
                params=11_931_622,
                macs=2_033_239_424,
                source="the authors' prototxt, by arithmetic",
                top1=76.38,
                top5=92.96,
                accuracy_source=README,
                table="models/SE-BN-Inception.prototxt of the authors",
            ),
            note="Not a residual network: each Inception module is followed by squeeze and excitation.",
        ),
    ),
)
