"""ResNeXt: the bottleneck of ResNet, split into many narrow paths of one shape.

Xie, Girshick, Dollár, Tu, He, "Aggregated Residual Transformations for Deep Neural Networks", 2016,
arXiv:1611.05431.
Block: figure 3c, which equals the split paths of 3a and the early concatenation of 3b (the tests prove it).
ImageNet networks: table 1. CIFAR networks: section 5.3. Residual connections switched off: section 5.1.
Stem and shortcuts are ResNet's. Module order follows torchvision, so its weights load by position.

B images, C channels, H x W pixels, s stride.
"""

from torch import Tensor, nn

from zoo.families.resnet import ResidualNetwork, make_shortcut, make_stages, make_stem
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant


class ResNeXtBlock(nn.Module):
    """Equal narrow paths of 1x1, 3x3, 1x1, summed beside a shortcut: (B, cin, H, W) -> (B, cout, H/s, W/s).

    The paths lie side by side in three convolutions. The first feeds every path (split), the grouped one
    works within each path alone (transform), and the last one weighs all paths into one sum (merge).
    """

    def __init__(
        self, cin: int, path_width: int, cout: int, cardinality: int, stride: int, shortcut: str
    ) -> None:
        super().__init__()
        inner = cardinality * path_width
        self.conv1 = nn.Conv2d(cin, inner, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(inner)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, padding=1, groups=cardinality, bias=False)
        self.norm2 = nn.BatchNorm2d(inner)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(inner, cout, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(cout)
        self.shortcut = make_shortcut(shortcut, cin, cout, stride)
        self.relu3 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.norm1(self.conv1(x)))  # (B, inner, H, W)
        y = self.relu2(self.norm2(self.conv2(y)))  # (B, inner, H/s, W/s)
        y = self.norm3(self.conv3(y))  # (B, cout, H/s, W/s)
        if self.shortcut is not None:
            y = y + self.shortcut(x)
        return self.relu3(y)


class ResNeXt(ResidualNetwork):
    """ResNet's stem, stages and head; a block has `cardinality` paths, `base_width` wide at first."""

    def __init__(
        self,
        *,
        depths: tuple[int, ...],
        cardinality: int,
        base_width: int,
        width: int = 64,
        stem: str = "7x7",
        shortcut: str = "projection",
        num_classes: int,
    ) -> None:
        def make_block(stage: int, cin: int, cout: int, stride: int) -> nn.Module:
            return ResNeXtBlock(cin, base_width << stage, cout, cardinality, stride, shortcut)

        super().__init__(
            make_stem(stem, width),
            make_stages(depths, width, 4 * width, make_block),
            4 * width << len(depths) - 1,
            num_classes,
        )


DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}  # table 1: blocks per stage, as in ResNet
README = "facebookresearch/ResNeXt README"
CLASS_OF_COST = "a class of cost, once or twice ResNet-101's 7.8 G, and not a count of this network"


def imagenet_row(
    *,
    depth: int,
    cardinality: int,
    base_width: int,
    params: int,
    macs: int,
    top1: float,
    top5: float,
    recipe: str = "100 epochs",
    source: str = "",
    printed: tuple[Printed, ...] = (),
    note: str = "",
) -> Variant:
    """An ImageNet network, with torchvision's weights unless `source` says where its accuracy is from."""
    template = f"{cardinality}x{base_width}d"
    name = f"resnext{depth}_{template}"
    weights = "" if source else f"ResNeXt{depth}_{template.upper()}_Weights.IMAGENET1K_V1"
    library = "timm" if source else "torchvision"
    return Variant(
        name=name,
        title=f"ResNeXt-{depth} ({template})",
        config={"depths": DEPTHS[depth], "cardinality": cardinality, "base_width": base_width},
        input_size=224,
        weights=weights,
        published=Published(
            params=params,
            macs=macs,
            source=f"{library} {name}",
            twin=f"{library}:{name}",
            top1=top1,
            top5=top5,
            accuracy_source=source or f"torchvision {weights}: {recipe}, one 224 crop",
            printed=printed,
        ),
        note=note or f"{cardinality} paths, {base_width} channels wide in the first stage.",
    )


FAMILY = Family(
    key="resnext",
    title="ResNeXt",
    year=2016,
    paper="Aggregated Residual Transformations for Deep Neural Networks",
    authors="Xie, Girshick, Dollár, Tu, He",
    link="https://arxiv.org/abs/1611.05431",
    kind="shortcuts",
    parents=("resnet", "googlenet"),
    idea="Split a residual block into many narrow paths of the same shape and add up what they find.",
    story=Story(
        problem="Inception showed that splitting a layer into branches buys accuracy cheaply, but every "
        "branch had filter sizes and widths of its own, set by hand and hard to carry over to another task.",
        trick="Give all branches one shape. Only their number is left to choose: the cardinality, a third "
        "dimension beside depth and width. Equal branches are one grouped convolution, so the block stays as "
        "simple as ResNet's.",
        cost="None by design: 32 paths of 4 channels need about the parameters and MACs of the 64-channel "
        "bottleneck they replace. But a grouped convolution is often slower than its MACs suggest.",
        outcome="With 50 layers, at ResNet's cost, the top-1 error fell from 23.9 to 22.2 %. When the budget "
        "grows, more paths help more than more depth or width. Second place in ILSVRC 2016; the winner of "
        "2017, SENet, is built from these blocks.",
    ),
    model=ResNeXt,
    lesson=ResNeXtBlock,
    stages=("stem", "stages", "pool", "head"),
    table="table 1; section 5.3 for CIFAR-10",
    knobs=(
        Knob(
            name="cardinality",
            meaning="number of paths in a block; 1 is ResNet's bottleneck",
            choices=(1, 2, 4, 8, 16, 32, 64),
        ),
        Knob(
            name="base_width",
            meaning="channels of one path in the first stage; doubles with every stage",
            choices=(1, 2, 4, 8, 14, 16, 24, 32, 40, 64),
        ),
        Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 37))),
        Knob(
            name="width",
            meaning="channels of the stem; the first stage puts out four times as many",
            choices=(8, 16, 24, 32, 48, 64, 80, 96, 128),
        ),
        Knob(
            name="shortcut",
            meaning="what runs beside a block whose shape changes; none removes all, as in section 5.1",
            choices=("projection", "padding", "average", "none"),
        ),
        Knob(
            name="stem",
            meaning="first convolution: 7x7, three 3x3 (ResNet-C), or one 3x3 at full resolution (CIFAR)",
            choices=("7x7", "deep", "3x3"),
        ),
    ),
    deviations=(
        Deviation(
            what="The CIFAR network has the block of the ImageNet ones, with its ReLU after the addition. By "
            "the authors' README, the CIFAR results of the paper came from pre-activated blocks.",
            effect="The same convolutions; batch norms and ReLUs sit elsewhere. The authors later found our "
            "order more accurate.",
        ),
    ),
    variants=(
        Variant(
            name="resnext_classroom",
            title="ResNeXt, classroom size",
            config={"depths": (1, 1, 1), "cardinality": 8, "base_width": 4, "width": 8, "stem": "3x3"},
            input_size=32,
            num_classes=10,
            note="Eight paths per block, for 32x32 pictures: trade their number for their width.",
        ),
        imagenet_row(
            depth=50,
            cardinality=32,
            base_width=4,
            params=25_028_904,
            macs=4_230_479_872,
            top1=77.618,
            top5=93.698,
            printed=(
                Printed(quantity="params", value=25.0e6, source="paper, table 1"),
                Printed(quantity="macs", value=4.2e9, source="paper, table 1, as FLOPs"),
            ),
        ),
        imagenet_row(
            depth=101,
            cardinality=32,
            base_width=4,
            params=44_177_704,
            macs=7_969_996_800,
            top1=78.8,
            top5=94.4,
            source=f"{README} (top-1), SENet paper, table 2 (top-5), one 224 crop",
            printed=(
                Printed(quantity="macs", value=7.8e9, source=README + ", as FLOPs", reason=CLASS_OF_COST),
            ),
        ),
        imagenet_row(
            depth=101,
            cardinality=32,
            base_width=8,
            params=88_791_336,
            macs=16_414_015_488,
            top1=79.312,
            top5=94.526,
        ),
        imagenet_row(
            depth=101,
            cardinality=64,
            base_width=4,
            params=83_455_272,
            macs=15_460_270_080,
            top1=83.246,
            top5=96.454,
            recipe="torchvision's newer recipe",
            printed=(
                Printed(quantity="macs", value=15.6e9, source=README + ", as FLOPs", reason=CLASS_OF_COST),
            ),
            note="The authors reached 79.6 % top-1; torchvision's weights come from a newer recipe.",
        ),
        Variant(
            name="resnext29_16x64d_cifar10",
            title="ResNeXt-29 (16x64d) for CIFAR-10",
            config={"depths": (3, 3, 3), "cardinality": 16, "base_width": 64, "stem": "3x3"},
            input_size=32,
            num_classes=10,
            published=Published(
                params=68_155_210,
                macs=10_688_866_304,
                source="pytorchcv resnext29_16x64d_cifar10",
                twin="pytorchcv:resnext29_16x64d_cifar10",
            ),
            note="Three stages of three blocks at 32, 16 and 8 pixels: 3 x 9 + 2 = 29 layers.",
        ),
    ),
)
