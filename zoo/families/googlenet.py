"""GoogLeNet: look at each map through several kernels at once, and pay for it with 1x1 convolutions.

Szegedy et al., "Going Deeper with Convolutions", 2014, arXiv:1409.4842. The module: figure 2(b). The nine of
them: table 1, kept below as it is printed. Auxiliary heads: section 5. What the paper leaves open (padding,
rounding in the pools, constants of the local response norm) follows the replication in Caffe, bvlc_googlenet.
The row googlenet_tv is torchvision's network; module order follows it, so its weights load by position.

B images, C channels, H x W pixels.
"""

from itertools import count
from types import MappingProxyType

import torch
from torch import Tensor, flatten, nn

from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import ConvNormAct, map_size


def convolution(cin: int, cout: int, kernel: int, *, norm: str, stride: int = 1) -> nn.Sequential:
    """Convolution and ReLU: with a bias as in 2014, or with batch norm between them as in torchvision."""
    if norm == "batch":
        return ConvNormAct(cin, cout, kernel, stride=stride, eps=0.001)
    layers = nn.Sequential()
    layers.add_module("conv", nn.Conv2d(cin, cout, kernel, stride, padding=kernel // 2))
    layers.add_module("act", nn.ReLU())
    return layers


def fan_in_init(module: nn.Module) -> None:
    """He's weights scaled by the inputs; by the outputs, each 1x1 reduction would make the signal grow."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class Inception(nn.Module):
    """Four views of one map, joined again: (B, cin, H, W) -> (B, c1 + c3 + c5 + proj, H, W).

    A 3x3, and above all a 5x5, over all `cin` channels would be dear: a 1x1 reduces the channels first.
    """

    def __init__(self, cin: int, widths: tuple[int, ...], *, large: int, norm: str) -> None:
        super().__init__()
        c1, reduce3, c3, reduce5, c5, proj = widths
        self.branch1 = convolution(cin, c1, 1, norm=norm)
        self.branch2 = nn.Sequential()
        self.branch2.add_module("reduce", convolution(cin, reduce3, 1, norm=norm))
        self.branch2.add_module("conv", convolution(reduce3, c3, 3, norm=norm))
        self.branch3 = nn.Sequential()
        self.branch3.add_module("reduce", convolution(cin, reduce5, 1, norm=norm))
        self.branch3.add_module("conv", convolution(reduce5, c5, large, norm=norm))
        self.branch4 = nn.Sequential()
        self.branch4.add_module("pool", nn.MaxPool2d(3, 1, padding=1))
        self.branch4.add_module("proj", convolution(cin, proj, 1, norm=norm))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)), 1)


class AuxiliaryHead(nn.Module):
    """A small classifier on a map in the middle, for training only: (B, cin, H, W) -> (B, num_classes)."""

    def __init__(
        self, cin: int, width: float, num_classes: int, *, pool: nn.Module, side: int, norm: str
    ) -> None:
        super().__init__()
        mid, hidden = int(128 * width), int(1024 * width)
        self.pool = pool
        self.conv = convolution(cin, mid, 1, norm=norm)
        self.fc1 = nn.Linear(mid * side * side, hidden)
        self.relu1 = nn.ReLU()
        self.drop1 = nn.Dropout(0.7)
        self.fc2 = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = flatten(self.conv(self.pool(x)), 1)  # (B, mid x side x side)
        return self.fc2(self.drop1(self.relu1(self.fc1(x))))  # (B, num_classes)


def make_stem(kind: str, width: float, norm: str) -> nn.Sequential:
    """From pixels to (B, 192 width, H/8, W/8); the stem "3x3" for small pictures ends at H/2 x W/2."""
    c1, c2 = int(64 * width), int(192 * width)
    stem = nn.Sequential()
    if kind == "7x7":
        stem.add_module("conv1", convolution(3, c1, 7, stride=2, norm=norm))
    else:
        stem.add_module("conv1", convolution(3, c1, 3, norm=norm))
    stem.add_module("pool1", nn.MaxPool2d(3, 2, ceil_mode=True))
    if norm == "lrn":
        stem.add_module("norm1", nn.LocalResponseNorm(5))
    stem.add_module("conv2", convolution(c1, c1, 1, norm=norm))
    stem.add_module("conv3", convolution(c1, c2, 3, norm=norm))
    if norm == "lrn":
        stem.add_module("norm2", nn.LocalResponseNorm(5))
    if kind == "7x7":
        stem.add_module("pool2", nn.MaxPool2d(3, 2, ceil_mode=True))
    return stem


def side_of_stage_4(stem: str, input_size: int) -> int:
    """Height of the maps that both auxiliary heads see."""
    side = map_size(input_size, 7, 2, 3) if stem == "7x7" else input_size
    for _ in range(3 if stem == "7x7" else 2):  # pool1, with the 7x7 stem pool2, and the pool of stage 4
        side = map_size(side, 3, 2, ceil=True)
    return side


def auxiliary_pool(kind: str, stem: str, input_size: int) -> tuple[nn.Module, int]:
    """The pool that opens an auxiliary head, and the side of the map it leaves for the linear layers.

    The paper averages windows of 5x5 at stride 3: 14x14 becomes 4x4. "adaptive" is always 4x4 (torchvision).
    """
    if kind == "adaptive":
        return nn.AdaptiveAvgPool2d(4), 4
    side = side_of_stage_4(stem, input_size)
    if side < 5:
        least = next(size for size in count(input_size) if side_of_stage_4(stem, size) == 5)
        raise ValueError(
            f"At {input_size} px the auxiliary heads meet a map smaller than the 5x5 windows they average; "
            f"{least} px is the least."
        )
    return nn.AvgPool2d(5, 3), map_size(side, 5, 3)


# Table 1: channels of #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5 and pool proj.
TABLE_1 = MappingProxyType(
    {
        "3a": (64, 96, 128, 16, 32, 32),
        "3b": (128, 128, 192, 32, 96, 64),
        "4a": (192, 96, 208, 16, 48, 64),
        "4b": (160, 112, 224, 24, 64, 64),
        "4c": (128, 128, 256, 24, 64, 64),
        "4d": (112, 144, 288, 32, 64, 64),
        "4e": (256, 160, 320, 32, 128, 128),
        "5a": (256, 160, 320, 32, 128, 128),
        "5b": (384, 192, 384, 48, 128, 128),
    }
)


AUX_WEIGHT = 0.3  # of the loss of each auxiliary head, section 5; evaluation does not run them


class GoogLeNet(nn.Module):
    """A stem, nine Inception modules at three resolutions, a global average; two more heads for training."""

    def __init__(
        self,
        *,
        width: float = 1.0,
        stem: str = "7x7",
        norm: str = "lrn",
        large: int = 5,
        last_pool: int = 3,
        aux_pool: str = "5x5",
        dropout: float = 0.4,
        num_classes: int,
        input_size: int,
    ) -> None:
        super().__init__()
        self.stem = make_stem(stem, width, norm)
        self.stages = nn.Sequential()
        cin = int(192 * width)
        seen_by_aux: dict[str, int] = {}
        for stage in ("3", "4", "5"):
            modules = nn.Sequential()
            if stage != "3":  # the stem's last pool stands before stage 3
                modules.add_module("pool", nn.MaxPool2d(last_pool if stage == "5" else 3, 2, ceil_mode=True))
            for name, row in TABLE_1.items():
                if name[0] == stage:
                    widths = tuple(int(c * width) for c in row)
                    modules.add_module(name[1], Inception(cin, widths, large=large, norm=norm))
                    cin = widths[0] + widths[2] + widths[4] + widths[5]
                    seen_by_aux[name] = cin
            self.stages.add_module(stage, modules)
        self.aux = nn.ModuleDict()
        for name in ("4a", "4d"):
            pool, side = auxiliary_pool(aux_pool, stem, input_size)
            self.aux[name] = AuxiliaryHead(
                seen_by_aux[name], width, num_classes, pool=pool, side=side, norm=norm
            )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(cin, num_classes)
        self.apply(fan_in_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, 192, H/8, W/8)
        x = self.stages(x)  # (B, 1024, H/32, W/32)
        return self.classify(x)  # (B, num_classes)

    def forward_aux(self, x: Tensor) -> list[Tensor]:
        """Logits of the classifier and of the two auxiliary heads, whose losses weigh AUX_WEIGHT."""
        x = self.stem(x)
        auxiliary: list[Tensor] = []
        for stage, modules in self.stages.named_children():
            for letter, module in modules.named_children():
                x = module(x)
                if stage + letter in self.aux:
                    auxiliary.append(self.aux[stage + letter](x))
        return [self.classify(x), *auxiliary]

    def classify(self, x: Tensor) -> Tensor:
        x = flatten(self.pool(x), 1)  # (B, 1024)
        return self.head(self.drop(x))  # (B, num_classes)


FAMILY = Family(
    key="googlenet",
    title="GoogLeNet",
    year=2014,
    paper="Going Deeper with Convolutions",
    authors="Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich",
    link="https://arxiv.org/abs/1409.4842",
    kind="branches",
    parents=("nin",),
    idea="Run 1x1, 3x3 and 5x5 convolutions side by side, and let 1x1 reductions pay for it.",
    story=Story(
        problem="More layers and more channels raise accuracy, but the cost of stacked convolutions grows "
        "with the square of the width. And which kernel size is right differs from one part of a picture to "
        "the next.",
        trick="Every module looks through three kernel sizes and a pool at once and joins the results. 1x1 "
        "convolutions, taken from Network in Network, cut the channels before the dear kernels. Two small "
        "classifiers on maps in the middle bring gradients to the early layers during training.",
        cost="A module has six widths to choose and many small operations that run less well than one large "
        "one. The whole network has 7 million parameters and 1.6 GMACs: a twentieth and a tenth of VGG-16.",
        outcome="Won ILSVRC 2014 with 6.67 % top-5 error (seven networks, 144 crops). Inception v2 to v4 "
        "added batch norm, smaller and factorised kernels and residual sums. The 1x1 reduction is in every "
        "bottleneck block since.",
    ),
    model=GoogLeNet,
    lesson=Inception,
    stages=("stem", "stages.3", "stages.4", "stages.5", "pool", "head"),
    table="table 1",
    knobs=(
        Knob(
            name="width",
            meaning="factor on all channels of table 1",
            choices=(0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0),
        ),
        Knob(
            name="stem",
            meaning="start: 7x7 convolution and an eighth of the resolution, or 3x3 and half of it",
            choices=("7x7", "3x3"),
        ),
        Knob(
            name="norm",
            meaning="none, local response norm in the stem (paper), or batch norm after every convolution",
            choices=("none", "lrn", "batch"),
        ),
        Knob(name="large", meaning="kernel of the third branch; torchvision has 3", choices=(3, 5, 7)),
    ),
    deviations=(
        Deviation(
            what="torchvision's port (googlenet_tv), made from a later TensorFlow model, has batch norm "
            "instead of biases and local response norm, and a 3x3 where the paper has its 5x5. Torchvision "
            "knows of the latter and keeps it for the sake of its weights.",
            effect="373,392 parameters and 84 million MACs less; the third branch sees no further than the "
            "second.",
        ),
        Deviation(
            what="torchvision's auxiliary heads average to 4x4 cells, the paper's windows of 5x5 at stride "
            "3. Its last pool is 2x2 instead of 3x3, its dropout 0.2 instead of 0.4.",
            effect="No count changes at 224 pixels.",
        ),
        Deviation(
            what="The paper gives no padding, no rounding of the pools and no constants of its local "
            "response norm; they are those of bvlc_googlenet.",
            effect="None on the map sizes, which are those of table 1.",
        ),
        Deviation(
            what="Table 1 prints its 7x7 convolution with 2.7 k parameters and 34 M ops, where 9.2 k and 118 "
            "M follow from the shape. A separable one, as in the authors' next network (BN-Inception), has "
            "exactly the printed cost. 4c and 5a differ by 7 % and 5 %, without explanation.",
            effect="The networks here are built from the widths; sums of the printed columns are a little "
            "lower.",
        ),
    ),
    variants=(
        Variant(
            name="googlenet_classroom",
            title="GoogLeNet, classroom size",
            config={"width": 0.125, "stem": "3x3", "norm": "batch"},
            input_size=32,
            num_classes=10,
            note="Nine modules and two auxiliary heads at an eighth of the width, with batch norm.",
        ),
        Variant(
            name="googlenet",
            title="GoogLeNet (as printed)",
            config={},
            input_size=224,
            published=Published(
                params=13_378_280,
                macs=1_582_671_872,
                source="BVLC/caffe bvlc_googlenet prototxt, by arithmetic",
                table="table 1",
                top1=68.7,
                top5=88.9,
                accuracy_source="BVLC/caffe models/bvlc_googlenet/readme.md, centre crop",
                printed=(
                    Printed(
                        quantity="params",
                        value=6_998_552,
                        source="bvlc_googlenet, deploy prototxt",
                        reason="without the two auxiliary heads, which only training uses: 6,379,728 "
                        "parameters",
                    ),
                    Printed(
                        quantity="params",
                        value=6_960_845,
                        source="paper, table 1, sum of its rows",
                        reason="the table's k is 1,024; without the auxiliary heads and the biases, and some "
                        "rows are lower than their widths make them",
                    ),
                    Printed(
                        quantity="macs",
                        value=1.5e9,
                        source="paper, table 1, sum of its rows",
                        reason="the first convolution is printed with 34 M ops; its shape makes it 118 M",
                    ),
                ),
            ),
            note="5x5 branches, biases, local response norm and two auxiliary heads, as in 2014.",
        ),
        Variant(
            name="googlenet_tv",
            title="GoogLeNet (torchvision)",
            config={"norm": "batch", "large": 3, "last_pool": 2, "aux_pool": "adaptive", "dropout": 0.2},
            input_size=224,
            weights="GoogLeNet_Weights.IMAGENET1K_V1",
            published=Published(
                params=13_004_888,
                macs=1_498_376_192,
                source="torchvision googlenet",
                twin="torchvision:googlenet",
                top1=69.778,
                top5=89.53,
                accuracy_source="torchvision GoogLeNet_Weights.IMAGENET1K_V1: ported from TensorFlow, one "
                "224 crop",
                printed=(
                    Printed(
                        quantity="params",
                        value=6_624_904,
                        source="torchvision metadata",
                        reason="without the two auxiliary heads",
                    ),
                ),
            ),
            note="With batch norm and 3x3 in place of 5x5. Its weights want pixels from -1 to 1, and their "
            "auxiliary heads are untrained.",
        ),
    ),
)
