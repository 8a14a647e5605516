"""Residual Attention Network: a branch that sees a wide area tells the trunk where to look, place by place.

Wang, Jiang, Qian, Yang, Li, Zhang, Wang, Tang, "Residual Attention Network for Image Classification", 2017,
arXiv:1704.06904. Attention module: figure 2. (1 + M) T: equation 3. Networks: the paper's table of ImageNet
architectures, and the authors' Caffe files, which settle what the paper leaves open. Units are those of
pre-activation ResNet, in AttentionNeXt those of ResNeXt.

B images, C channels, H x W pixels, s stride; M the mask, T the trunk.
"""

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor, nn
from torch.nn import functional as F

from zoo.families import resnet
from zoo.families.preresnet import PreBottleneck, finish
from zoo.families.resnet import ResidualNetwork
from zoo.families.resnext import ResNeXtBlock
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant

MakeUnit: TypeAlias = Callable[[], nn.Module]
GATES = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
PATHS = 32  # of a ResNeXt unit, which is 2 width channels wide inside


class Enlarge(nn.Module):
    """Bilinear interpolation, corners on corners, to the size of `like`: (B, C, h, w) -> (B, C, H, W)."""

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        return F.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=True)


class Hourglass(nn.Module):
    """Down to half the map and up again, around the next hourglass: (B, C, H, W) -> (B, C, H, W).

    r units after each pooling, so that a unit soon sees a wide area, and r before each enlarging. A skip of
    one unit goes around the next hourglass. There are `depth` of them, one inside the other.
    """

    def __init__(self, depth: int, r: int, make_unit: MakeUnit) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(3, 2, padding=1)
        self.down = repeat(make_unit, r)
        self.inner = Hourglass(depth - 1, r, make_unit) if depth > 1 else None
        self.skip = make_unit() if depth > 1 else None
        self.up = repeat(make_unit, r)
        self.enlarge = Enlarge()

    def forward(self, x: Tensor) -> Tensor:
        y = self.down(self.pool(x))  # (B, C, H/2, W/2)
        if self.inner is not None and self.skip is not None:
            y = self.inner(y) + self.skip(y)
        return self.enlarge(self.up(y), x)  # (B, C, H, W)


class SoftMask(nn.Sequential):
    """A weight for every value of the map, from a wide view: (B, C, H, W) -> (B, C, H, W).

    An hourglass, two 1x1 convolutions, and the gate, by default a sigmoid: 0..1.
    """

    def __init__(
        self, channels: int, depth: int, r: int, make_unit: MakeUnit, *, preactivated: bool, gate: str
    ) -> None:
        super().__init__()
        self.hourglass = Hourglass(depth, r, make_unit)
        if preactivated:
            self.norm1 = nn.BatchNorm2d(channels)
            self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, 1, bias=False)
        self.gate = GATES[gate]()


class AttentionModule(nn.Module):
    """p units, then a trunk of t units under a soft mask, then one unit: (B, C, H, W) -> (B, C, H, W).

    `attention` "residual" is (1 + M) T: where the mask is 0 the trunk passes, so stacked masks cannot wear
    the signal down. "naive" is M T, which does; "none" leaves the mask out.
    """

    def __init__(
        self,
        channels: int,
        depth: int,
        units: tuple[int, int, int],
        make_unit: MakeUnit,
        *,
        preactivated: bool,
        attention: str,
        gate: str,
    ) -> None:
        super().__init__()
        p, t, r = units
        self.naive = attention == "naive"
        self.before = repeat(make_unit, p)
        self.trunk = repeat(make_unit, t)
        self.mask: nn.Module | None = None
        if attention != "none":
            self.mask = SoftMask(channels, depth, r, make_unit, preactivated=preactivated, gate=gate)
        self.after = make_unit()

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        y = self.trunk(x)
        if self.mask is not None:
            m = self.mask(x)
            y = m * y if self.naive else (1 + m) * y
        return self.after(y)


def repeat(make_unit: MakeUnit, n: int) -> nn.Sequential:
    return nn.Sequential(*(make_unit() for _ in range(n)))


def make_unit(kind: str, cin: int, width: int, stride: int) -> nn.Module:
    """A residual unit: (B, cin, H, W) -> (B, 4 width, H/s, W/s)."""
    if kind == "preactivated":
        return PreBottleneck(cin, width, stride, shortcut="identity", stride_in="3x3")
    return ResNeXtBlock(cin, 2 * width // PATHS, 4 * width, PATHS, stride, shortcut="projection")


class ResidualAttentionNetwork(ResidualNetwork):
    """Stages of one unit that changes the shape and some attention modules, and a last stage of plain units.

    `modules` has the number of attention modules for each stage but the last; `units` is (p, t, r). A mask
    goes down until its map is as small as that of the last stage.
    """

    def __init__(
        self,
        *,
        modules: tuple[int, ...],
        last: int,
        width: int = 64,
        units: tuple[int, int, int] = (1, 2, 1),
        unit: str = "preactivated",
        attention: str = "residual",
        gate: str = "sigmoid",
        stem: str = "7x7",
        num_classes: int,
    ) -> None:
        if unit == "resnext" and width % 16:
            raise ValueError(
                f"ResNeXt units share 2 x {width} channels among 32 paths; take 16, 32, 48 or 64."
            )
        first = resnet.make_stem(stem, width)
        if stem == "3x3":
            first.add_module("pool", nn.MaxPool2d(3, 2, padding=1))
        stages = nn.Sequential()
        cin = width
        for stage, count in enumerate((*modules, 0)):
            inner = width << stage
            channels = 4 * inner

            def same(channels: int = channels, inner: int = inner) -> nn.Module:
                return make_unit(unit, channels, inner, 1)

            parts = nn.Sequential(make_unit(unit, cin, inner, 1 if stage == 0 else 2))
            for _ in range(count):
                parts.append(
                    AttentionModule(
                        channels,
                        len(modules) - stage,
                        units,
                        same,
                        preactivated=unit == "preactivated",
                        attention=attention,
                        gate=gate,
                    )
                )
            if stage == len(modules):
                parts.extend(repeat(same, last - 1))
            stages.append(parts)
            cin = channels
        if unit == "preactivated":
            finish(stages, cin)
        super().__init__(first, stages, cin, num_classes)


README = "fwang91/residual-attention-network README"
OTHER = "{} by the authors' own network file, of which ours has every layer"


def row(
    name: str,
    title: str,
    config: dict[str, object],
    params: int,
    macs: int,
    top1: float,
    top5: float,
    *,
    size: int,
    printed: tuple[Printed, ...],
    port: str = "",
    note: str,
) -> Variant:
    return Variant(
        name=name,
        title=title,
        config={"last": 3, **config},
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source=f"the authors' {title}-deploy.prototxt",
            adapted=f"pytorchcv {port}, corrected by the authors' files" if port else "",
            table=f"ImageNet architectures, and the authors' {title}-deploy.prototxt",
            top1=top1,
            top5=top5,
            accuracy_source=f"{README}, one {size} crop",
            printed=printed,
        ),
        note=note,
    )


def params(value: float, ours: str) -> Printed:
    return Printed(
        quantity="params", value=value, source="paper, ImageNet results", reason=OTHER.format(ours)
    )


def flops(value: float, ours: str = "") -> Printed:
    return Printed(
        quantity="macs",
        value=value,
        source="paper, ImageNet results, as FLOPs",
        reason=OTHER.format(ours) if ours else "",
    )


FAMILY = Family(
    key="residual_attention",
    title="Residual Attention Network",
    year=2017,
    paper="Residual Attention Network for Image Classification",
    authors="Wang, Jiang, Qian, Yang, Li, Zhang, Wang, Tang",
    link="https://arxiv.org/abs/1704.06904",
    kind="shortcuts",
    parents=("preresnet", "resnext"),
    idea="Beside each stretch of layers run an hourglass that weighs its output, value by value.",
    story=Story(
        problem="A convolution treats every place of a picture alike, background and object. Attention had "
        "mostly meant to cut out one region; a cluttered scene has several, and what to attend to differs "
        "from layer to layer.",
        trick="An attention module has two branches. The trunk computes features T as usual. The mask "
        "branch shrinks the map by max pooling until it sees a wide area, enlarges it again, and puts out a "
        "weight M in 0..1 for each value. The module's output is (1 + M) T.",
        cost="The masks take about 30 % of a network's MACs. Multiplying by M alone would let the signal "
        "fade from module to module; with the 1 a mask can only stress, and a mask of zeros does no harm.",
        outcome="Attention-92 reached 19.5 % top-1 error on ImageNet at 320 px, 0.6 points below ResNet-200 "
        "with 69 % of its MACs. With M T alone the deeper networks got worse again on CIFAR-10; with (1 + M) "
        "T they went on improving.",
    ),
    model=ResidualAttentionNetwork,
    lesson=AttentionModule,
    stages=("stem", "stages", "pool", "head"),
    table="the table of ImageNet architectures, and the authors' Caffe files",
    knobs=(
        Knob(
            name="attention",
            meaning="what the mask does: residual is (1 + M) T, naive is M T, none has no mask",
            choices=("residual", "naive", "none"),
        ),
        Knob(
            name="gate",
            meaning="what bounds the mask: sigmoid to 0..1 as in the paper, tanh to -1..1 as in its files",
            choices=("sigmoid", "tanh"),
        ),
        Knob(name="modules", meaning="attention modules in this stage", choices=tuple(range(7))),
        Knob(
            name="units",
            meaning="residual units: p before the branches (0), t in the trunk (1), r per step of the mask "
            "(2)",
            choices=(1, 2, 3, 4),
        ),
        Knob(
            name="width",
            meaning="channels of the stem; a stage puts out four times as many, doubled stage by stage",
            choices=(8, 12, 16, 32, 48, 64),
        ),
        Knob(
            name="unit",
            meaning="residual unit: pre-activated bottleneck, or ResNeXt's",
            choices=("preactivated", "resnext"),
        ),
    ),
    deviations=(
        Deviation(
            what="pytorchcv's port, else the same layers, adds the trunk to the mask before its last 1x1 "
            "convolutions, and counts the input of a skip twice. We follow the authors' files.",
            effect="The same counts, other outputs; corrected in these two places the port equals ours.",
        ),
        Deviation(
            what="The authors' files bound the mask by tanh, the paper by a sigmoid. Attention-56 and -92 "
            "follow the paper here, AttentionNeXt-56 its file.",
            effect="With tanh a mask may also dampen: 1 + M lies in 0..2. The knob turns it.",
        ),
        Deviation(
            what="Max pooling pads all sides by one pixel; Caffe lets the last window reach over the border.",
            effect="The same sizes; windows lie one pixel further to the top left.",
        ),
    ),
    variants=(
        Variant(
            name="residual_attention_classroom",
            title="Residual attention, classroom size",
            config={"modules": (1, 1), "last": 1, "width": 12, "units": (1, 1, 1), "stem": "3x3"},
            input_size=32,
            num_classes=10,
            note="Two attention modules, at 16 and at 8 pixels.",
        ),
        row(
            "resattnet56",
            "Attention-56",
            {"modules": (1, 1, 1)},
            31_810_728,
            6_270_836_736,
            78.24,
            94.1,
            size=224,
            printed=(params(31.9e6, "31.8 M"), flops(6.3e9)),
            port="resattnet56",
            note="One attention module in each of three stages; 56 layers without the masks.",
        ),
        row(
            "resattnet92",
            "Attention-92",
            {"modules": (1, 2, 3)},
            52_466_344,
            10_533_789_696,
            80.5,
            95.2,
            size=320,
            printed=(params(51.3e6, "52.5 M"), flops(10.4e9, "10.5 G")),
            port="resattnet92",
            note="One, two and three attention modules. Its accuracy was measured at 320 px.",
        ),
        row(
            "attentionnext56",
            "AttentionNeXt-56",
            {"modules": (1, 1, 1), "unit": "resnext", "gate": "tanh"},
            31_318_824,
            6_419_106_816,
            78.8,
            94.4,
            size=224,
            printed=(params(31.9e6, "31.3 M"), flops(6.3e9, "6.4 G")),
            note="Attention-56 with ResNeXt units of 32 paths; as its file has it, the mask ends in tanh.",
        ),
    ),
)
