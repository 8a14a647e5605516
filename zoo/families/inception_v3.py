"""Inception-v2 and v3: large kernels are dear, so split them into small and into one-dimensional ones.

Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception Architecture for Computer Vision", 2015,
arXiv:1512.00567. Network: table 1. Modules: figures 5 (InceptionA), 6 (InceptionB) and 7 (InceptionC).
Halving a map: figure 10 (ReductionA and B). Auxiliary head: figure 8. Strides for small pictures: section 9.

The paper does not print the widths inside the modules; it refers to a file. Inception-v3 has those of the
authors' later release, as in torchvision, and Inception-v2 the same as far as its table 1 allows. Stages are
numbered as in the release: its Mixed_6b is our stages.6.b. Weights of torchvision load by position.

B images, C channels, H x W pixels, n the longer side of a one-dimensional kernel.
"""

from collections.abc import Mapping
from functools import partial

from torch import Tensor, flatten, nn

from zoo.families.googlenet import fan_in_init
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import Branches, ConvNormAct, demand_pixels, map_size, side_behind

conv = partial(ConvNormAct, eps=0.001)


class InceptionA(Branches):
    """Figure 5, on large maps: (B, cin, H, W) -> (B, c1 + c5 + c33 + proj, H, W).

    Two 3x3 convolutions replace a 5x5: the same view for 18 weights instead of 25. `large` is the kernel of
    the second branch: 3 in the figure, 5 in the released network, which kept some of the older modules.
    """

    def __init__(
        self, cin: int, widths: tuple[int, ...], *, large: int, count_include_pad: bool = True
    ) -> None:
        c1, reduce5, c5, reduce33, c33, proj = widths
        pool = nn.AvgPool2d(3, 1, padding=1, count_include_pad=count_include_pad)
        super().__init__(
            {
                "1x1": conv(cin, c1, 1),
                f"{large}x{large}": nn.Sequential(conv(cin, reduce5, 1), conv(reduce5, c5, large)),
                "3x3_3x3": nn.Sequential(conv(cin, reduce33, 1), conv(reduce33, c33, 3), conv(c33, c33, 3)),
                "pool": nn.Sequential(pool, conv(cin, proj, 1)),
            }
        )


class ReductionA(Branches):
    """Figure 10, convolve and pool side by side: (B, cin, H, W) -> (B, n + m + cin, H/2, W/2).

    A pool in front of the convolution would lose what it has not seen, one behind it would cost four times as
    much. k, l, m and n are the names of the widths in the Inception-v4 paper.
    """

    def __init__(self, cin: int, k: int, l: int, m: int, n: int) -> None:  # noqa: E741
        super().__init__(
            {
                "3x3": conv(cin, n, 3, stride=2, padding=0),
                "3x3_3x3": nn.Sequential(conv(cin, k, 1), conv(k, l, 3), conv(l, m, 3, stride=2, padding=0)),
                "pool": nn.MaxPool2d(3, 2),
            }
        )


def split(cin: int, cout: int, n: int, *, asymmetric: bool, tall_first: bool = False) -> nn.Sequential:
    """An n x n kernel's view from 1 x n and n x 1 (section 3.2): 2n weights instead of n^2, 14 for n = 7."""
    if not asymmetric:
        return conv(cin, cout, n)
    wide, tall = (1, n), (n, 1)
    first, second = (tall, wide) if tall_first else (wide, tall)
    return nn.Sequential(conv(cin, cin, first), conv(cin, cout, second))


class InceptionB(Branches):
    """Figure 6, on maps of 12 to 20 pixels, where it works best: (B, cin, H, W) -> (B, 4 cout, H, W)."""

    def __init__(self, cin: int, mid: int, cout: int, *, n: int, asymmetric: bool) -> None:
        wide = partial(split, n=n, asymmetric=asymmetric)
        tall = partial(split, n=n, asymmetric=asymmetric, tall_first=True)
        super().__init__(
            {
                "1x1": conv(cin, cout, 1),
                "nxn": nn.Sequential(conv(cin, mid, 1), wide(mid, cout)),
                "nxn_nxn": nn.Sequential(conv(cin, mid, 1), tall(mid, mid), tall(mid, cout)),
                "pool": nn.Sequential(nn.AvgPool2d(3, 1, padding=1), conv(cin, cout, 1)),
            }
        )


class ReductionB(Branches):
    """From the middle maps to the last: (B, cin, H, W) -> (B, c3 + mid + cin, H/2, W/2)."""

    def __init__(self, cin: int, mid: int, c3: int, *, n: int, asymmetric: bool) -> None:
        super().__init__(
            {
                "3x3": nn.Sequential(conv(cin, mid, 1), conv(mid, c3, 3, stride=2, padding=0)),
                "nxn": nn.Sequential(
                    conv(cin, mid, 1),
                    split(mid, mid, n, asymmetric=asymmetric),
                    conv(mid, mid, 3, stride=2, padding=0),
                ),
                "pool": nn.MaxPool2d(3, 2),
            }
        )


class InceptionC(Branches):
    """Figure 7, on the smallest maps: one-dimensional kernels side by side, so that the output grows wide."""

    def __init__(self, cin: int, widths: tuple[int, ...]) -> None:
        c1, reduce3, reduce33, c3, proj = widths
        super().__init__(
            {
                "1x1": conv(cin, c1, 1),
                "3x3": nn.Sequential(conv(cin, reduce3, 1), cross(reduce3, c3)),
                "3x3_3x3": nn.Sequential(conv(cin, reduce33, 1), conv(reduce33, c3, 3), cross(c3, c3)),
                "pool": nn.Sequential(nn.AvgPool2d(3, 1, padding=1), conv(cin, proj, 1)),
            }
        )


def cross(cin: int, cout: int) -> Branches:
    """1x3 and 3x1 on the same map: (B, cin, H, W) -> (B, 2 cout, H, W)."""
    return Branches({"1x3": conv(cin, cout, (1, 3)), "3x1": conv(cin, cout, (3, 1))})


class AuxiliaryHead(nn.Module):
    """Figure 8: a second classifier on the last middle map, for training only: (B, cin, H, W) -> (B, K).

    The paper found no faster start but a better end, and takes it for a regulariser. The 5x5 convolution sees
    all of the pooled map, as a fully connected layer would; `norm` "batch" is table 3's BN-auxiliary.
    """

    def __init__(self, cin: int, side: int, mid: int, hidden: int, num_classes: int, *, norm: str) -> None:
        super().__init__()
        window = min(5, side)
        kernel = min(5, map_size(side, window, 3))
        self.pool = nn.AvgPool2d(window, 3)
        self.conv = conv(cin, mid, 1)
        if norm == "batch":
            self.full: nn.Sequential = conv(mid, hidden, kernel, padding=0)
        else:
            self.full = nn.Sequential(nn.Conv2d(mid, hidden, kernel), nn.ReLU())
        self.average = nn.AdaptiveAvgPool2d(1)  # of a single cell at 299 px
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.full(self.conv(self.pool(x)))  # (B, hidden, 1, 1)
        return self.head(flatten(self.average(x), 1))  # (B, K)


def make_stem(kind: str, width: float, strides: tuple[int, ...]) -> nn.Sequential:
    """From pixels to an eighth of the resolution; without padding, but for the third convolution.

    "table 1" has three more convolutions behind the first pool, "release" two and a second pool. The strides
    are those of the first convolution, the first pool, which stride 1 leaves out, and the last layer to
    halve the map.
    """
    c32, c64, c80, c192, c288 = (int(c * width) for c in (32, 64, 80, 192, 288))
    stem = nn.Sequential()
    stem.add_module("conv1", conv(3, c32, 3, stride=strides[0], padding=0))
    stem.add_module("conv2", conv(c32, c32, 3, padding=0))
    stem.add_module("conv3", conv(c32, c64, 3))
    if strides[1] > 1:
        stem.add_module("pool1", nn.MaxPool2d(3, strides[1]))
    if kind == "table 1":
        stem.add_module("conv4", conv(c64, c80, 3, padding=0))
        stem.add_module("conv5", conv(c80, c192, 3, stride=strides[2], padding=0))
        stem.add_module("conv6", conv(c192, c288, 3))
    else:
        stem.add_module("conv4", conv(c64, c80, 1))
        stem.add_module("conv5", conv(c80, c192, 3, padding=0))
        if strides[2] > 1:
            stem.add_module("pool2", nn.MaxPool2d(3, strides[2]))
    return stem


AUX_WEIGHT = 0.3  # of the auxiliary head's loss: GoogLeNet's, this paper names none


class InceptionV3(nn.Module):
    """A stem, three stages with a module of their own, a global average; one more head for training."""

    def __init__(
        self,
        *,
        depths: tuple[int, ...] = (3, 4, 2),
        width: float = 1.0,
        stem: str = "release",
        strides: tuple[int, ...] = (2, 2, 2),
        large: int = 5,
        n: int = 7,
        asymmetric: bool = True,
        aux: str = "batch",
        num_classes: int,
        input_size: int,
    ) -> None:
        super().__init__()

        def scaled(*channels: int) -> tuple[int, ...]:
            return tuple(int(c * width) for c in channels)

        self.stem = make_stem(stem, width, strides)
        (cin,) = scaled(288 if stem == "table 1" else 192)
        stage5 = nn.Sequential()
        for i, letter in zip(range(depths[0]), "bcdefghi", strict=False):
            proj = 32 if i == 0 and stem == "release" else 64
            widths = scaled(64, 48, 64, 64, 96, proj)
            stage5.add_module(letter, InceptionA(cin, widths, large=large))
            cin = widths[0] + widths[2] + widths[4] + widths[5]

        k, l, m, n3 = scaled(64, 96, 96, 384)  # noqa: E741
        stage6 = nn.Sequential()
        stage6.add_module("a", ReductionA(cin, k, l, m, n3))
        cin += m + n3
        for i, letter in zip(range(depths[1]), "bcdefghi", strict=False):
            mid, cout = scaled(192 if i == depths[1] - 1 else 160 if i else 128, 192)
            stage6.add_module(letter, InceptionB(cin, mid, cout, n=n, asymmetric=asymmetric))
            cin = 4 * cout
        seen_by_aux = cin

        mid, c3 = scaled(192, 320)
        stage7 = nn.Sequential()
        stage7.add_module("a", ReductionB(cin, mid, c3, n=n, asymmetric=asymmetric))
        cin += mid + c3
        for _, letter in zip(range(depths[2]), "bcdefghi", strict=False):
            widths = scaled(320, 384, 448, 384, 192)
            stage7.add_module(letter, InceptionC(cin, widths))
            cin = widths[0] + 4 * widths[3] + widths[4]

        reductions = (stage6.get_submodule("a"), stage7.get_submodule("a"))
        demand_pixels((self.stem, *reductions), input_size)
        self.stages = nn.Sequential()
        for name, stage in (("5", stage5), ("6", stage6), ("7", stage7)):
            self.stages.add_module(name, stage)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(cin, num_classes)
        side = side_behind((self.stem, reductions[0]), input_size)
        mid, hidden = scaled(128, 768)
        self.aux = AuxiliaryHead(seen_by_aux, side, mid, hidden, num_classes, norm=aux)
        self.apply(fan_in_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, 192, H/8, W/8)
        x = self.stages(x)  # (B, 2048, H/32, W/32)
        return self.classify(x)  # (B, num_classes)

    def forward_aux(self, x: Tensor) -> list[Tensor]:
        """Logits of the classifier and of the auxiliary head, whose loss weighs AUX_WEIGHT."""
        x = self.stages.get_submodule("6")(self.stages.get_submodule("5")(self.stem(x)))
        return [self.classify(self.stages.get_submodule("7")(x)), self.aux(x)]

    def classify(self, x: Tensor) -> Tensor:
        x = flatten(self.pool(x), 1)  # (B, 2048)
        return self.head(self.drop(x))  # (B, num_classes)


def from_twin(reference: str, state: Mapping[str, Tensor]) -> list[Tensor]:
    """torchvision's auxiliary head stands where it branches off, ours at the end."""
    auxiliary = [tensor for name, tensor in state.items() if name.startswith("AuxLogits.")]
    return [t for name, t in state.items() if not name.startswith("AuxLogits.")] + auxiliary


FAMILY = Family(
    key="inception_v3",
    title="Inception-v2 and v3",
    year=2015,
    paper="Rethinking the Inception Architecture for Computer Vision",
    authors="Szegedy, Vanhoucke, Ioffe, Shlens, Wojna",
    link="https://arxiv.org/abs/1512.00567",
    kind="branches",
    parents=("bn_inception",),
    idea="Replace a large kernel by small or one-dimensional ones that together see as far for less.",
    story=Story(
        problem="GoogLeNet was cheap, but nobody knew how to make it larger: doubling all widths multiplies "
        "the cost by four. And a 5x5 kernel has 25 weights where a 3x3 has 9.",
        trick="Two 3x3 convolutions replace a 5x5, and on middle maps a 1x7 and a 7x1 replace a 7x7. "
        "Where maps shrink, a pool and a convolution of stride 2 stand side by side. Training smooths the "
        "labels: a tenth of the target is spread over all classes, so that the network stays less certain.",
        cost="2.5 times the computation of BN-Inception by the paper's count, and pictures of 299 pixels. "
        "Modules of three kinds, each with widths chosen by hand, are hard to carry over to another task.",
        outcome="Each step of table 3 adds to the one before: 23.4 % top-1 error for the first Inception-v2, "
        "23.1 with RMSProp, 22.8 with smooth labels, 21.6 with a stem of 3x3, 21.2 with batch norm in the "
        "auxiliary head. The last is Inception-v3; four of them with many crops had 3.5 % top-5 error.",
    ),
    model=InceptionV3,
    lesson=InceptionB,
    stages=("stem", "stages.5", "stages.6", "stages.7", "pool", "head"),
    table="table 1; table 3 for the steps from v2 to v3",
    knobs=(
        Knob(
            name="depths",
            meaning="modules of this stage, the one that halves the map aside",
            choices=(1, 2, 3, 4, 5, 6, 8),
        ),
        Knob(
            name="width",
            meaning="factor on all channels",
            choices=(0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5),
        ),
        Knob(
            name="asymmetric",
            meaning="middle modules with pairs of 1 x n and n x 1 (section 3.2), or with n x n kernels",
            choices=(False, True),
        ),
        Knob(name="n", meaning="longer side of the kernels of the middle modules", choices=(3, 5, 7, 9)),
        Knob(
            name="large",
            meaning="kernel of the first modules' second branch: 3 in figure 5, 5 in the released network",
            choices=(3, 5),
        ),
        Knob(
            name="stem",
            meaning="three convolutions behind the first pool as in table 1, or two and a pool as released",
            choices=("table 1", "release"),
        ),
        Knob(
            name="strides",
            meaning="stride of the first convolution, the first pool and the end of the stem; 1 for small "
            "pictures, as in section 9",
            choices=(1, 2),
        ),
    ),
    deviations=(
        Deviation(
            what="The paper does not print the widths inside the modules of Inception-v2. We took those of "
            "Inception-v3, with 160 channels in its additional middle module; the maps are those of table 1.",
            effect="Its parameters and MACs are those of our choice; nobody else's could be compared.",
        ),
        Deviation(
            what="Section 6 calls the network of table 1 Inception-v2, with a stem of 3x3 convolutions. In "
            "table 3 that stem comes later, as factorized 7x7. We follow table 1.",
            effect="Of the 23.4 % top-1 error printed for Inception-v2 there is no network here; with this "
            "stem, RMSProp and smooth labels it is 21.6 %.",
        ),
        Deviation(
            what="Inception-v3 as released differs from table 1: the stem ends in a 1x1, a 3x3 and a pool, "
            "the first modules keep 5x5 kernels, and there are four middle modules instead of five.",
            effect="The first module sees 192 channels instead of 288 and puts out 256.",
        ),
        Deviation(
            what="Section 6 and the last rows of table 1 count the halving modules differently. We have them "
            "in addition to the 3, 5 and 2 modules, as the text says.",
            effect="With four middle modules, and the halving one as the fifth, the network would have "
            "1.7 million parameters less.",
        ),
        Deviation(
            what="For pictures below 299 pixels the auxiliary head's 5x5 windows shrink with its map.",
            effect="None at 299 pixels.",
        ),
    ),
    variants=(
        Variant(
            name="inception_v3_classroom",
            title="Inception-v3, classroom size",
            config={"depths": (1, 1, 1), "width": 0.25, "strides": (1, 1, 2)},
            input_size=32,
            num_classes=10,
            note="One module of each kind and the two that halve the map, at a quarter of the width, and the "
            "auxiliary head.",
        ),
        Variant(
            name="inception_v2_rethinking",
            title="Inception-v2 (table 1)",
            config={"depths": (3, 5, 2), "stem": "table 1", "large": 3, "aux": "plain"},
            input_size=299,
            published=Published(
                params=29_280_176,
                macs=6_352_562_784,
                source="counted here, with widths of our choice",
                table="table 1",
            ),
            note="The paper's table 1 with its 3, 5 and 2 modules; their inner widths are our choice, as the "
            "paper does not print them. Others call BN-Inception by this name.",
        ),
        Variant(
            name="inception_v3",
            title="Inception-v3",
            config={},
            input_size=299,
            weights="Inception_V3_Weights.IMAGENET1K_V1",
            published=Published(
                params=27_161_264,
                macs=5_713_216_096,
                source="torchvision inception_v3",
                twin="torchvision:inception_v3",
                top1=77.294,
                top5=93.45,
                accuracy_source="torchvision Inception_V3_Weights.IMAGENET1K_V1: ported from TensorFlow, one "
                "299 crop. Paper: 78.8 and 94.4 on 48,238 of the 50,000 images",
                printed=(
                    Printed(
                        quantity="params",
                        value=25e6,
                        source="paper, abstract: less than 25 million",
                        reason="without the auxiliary head, which only training uses: 23,834,568",
                    ),
                    Printed(
                        quantity="macs",
                        value=4.8e9,
                        source="paper, table 3, as operations",
                        reason="the paper does not say how it counts; as released, the network has 5.7 G",
                    ),
                ),
            ),
            note="The last row of table 3, as released. Its weights want pixels from -1 to 1, which "
            "torchvision calls transform_input.",
        ),
    ),
)
