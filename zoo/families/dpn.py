"""Dual Path Network: one block feeds two paths, a residual one that adds and a dense one that concatenates.

Chen, Li, Xiao, Jin, Yan, Feng, "Dual Path Networks", 2017, arXiv:1707.01629. Block: figure 2, d and e.
Networks: table 1, and the README of the authors' code (DPN-68, -107). Module order follows timm's;
`from_twin` says where tensors differ in form.

B images, C channels, H x W pixels, s stride; d channels of the dense path enter a block, which adds k.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zoo.families.resnet import ResidualNetwork
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import ConvNormAct

EPS = 1e-3  # of every batch norm, as in the authors' code


class PreConv(nn.Sequential):
    """Batch norm, ReLU, convolution: (B, cin, H, W) -> (B, cout, H/s, W/s)."""

    def __init__(self, cin: int, cout: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(cin, eps=EPS)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False)


class DualPathBlock(nn.Module):
    """A ResNeXt bottleneck whose output is parted: (B, added + d, H, W) -> (B, added + d + k, H/s, W/s).

    The first `added` channels are the residual path, the rest the dense path. Both are read together by the
    one 1x1 convolution that they share. The first block of a stage projects its input into `added` + 2k.
    """

    def __init__(
        self, cin: int, inner: int, added: int, k: int, cardinality: int, stride: int, projects: bool
    ) -> None:
        super().__init__()
        self.added, self.k = added, k
        self.shortcut = PreConv(cin, added + 2 * k, 1, stride) if projects else nn.Identity()
        self.reduce = PreConv(cin, inner, 1)
        self.grouped = PreConv(inner, inner, 3, stride, cardinality)
        self.expand = PreConv(inner, added + k, 1)

    def forward(self, x: Tensor) -> Tensor:
        before = self.shortcut(x)  # (B, added + d, H/s, W/s)
        new = self.expand(self.grouped(self.reduce(x)))  # (B, added + k, H/s, W/s)
        residual, dense = before.split([self.added, before.shape[1] - self.added], 1)
        more, features = new.split([self.added, self.k], 1)
        return torch.cat([residual + more, dense, features], 1)  # re-use on the left, new finds on the right


class DPN(ResidualNetwork):
    """ResNet's frame around dual path blocks, and the norm and ReLU that their last output still lacks.

    `inner` and `added` are the widths of the first stage, and double with every stage; `growth` has k for
    each stage.
    """

    def __init__(
        self,
        *,
        depths: tuple[int, ...],
        growth: tuple[int, ...],
        inner: int,
        added: int,
        cardinality: int,
        stem_width: int,
        stem_kernel: int = 7,
        stem_stride: int = 2,
        num_classes: int,
    ) -> None:
        if inner % cardinality:
            below = inner // cardinality * cardinality
            fitting = " or ".join(str(n) for n in (below, below + cardinality) if n)
            raise ValueError(f"{cardinality} groups do not divide {inner} channels; {fitting} would do.")
        stem = nn.Sequential()
        stem.add_module("conv", ConvNormAct(3, stem_width, stem_kernel, stride=stem_stride, eps=EPS))
        stem.add_module("pool", nn.MaxPool2d(3, 2, padding=1))
        stages = nn.Sequential()
        cin = stem_width
        for stage, (depth, k) in enumerate(zip(depths, growth, strict=True)):
            blocks = nn.Sequential()
            for i in range(depth):
                stride = 2 if stage > 0 and i == 0 else 1
                blocks.append(
                    DualPathBlock(cin, inner << stage, added << stage, k, cardinality, stride, i == 0)
                )
                cin = (added << stage) + (i + 3) * k  # the projection's 2k, and k of each block
            stages.append(blocks)
        stages.add_module("norm", nn.BatchNorm2d(cin, eps=EPS))
        stages.add_module("relu", nn.ReLU())
        super().__init__(stem, stages, cin, num_classes)


def from_twin(twin: str, state: Mapping[str, Tensor]) -> list[Tensor]:
    """timm's tensors in our form and order.

    Its classifier is a 1x1 convolution, and in DPN-68b the last 1x1 of a block is kept as two, one for each
    path.
    """
    tensors: list[Tensor] = []
    for name, tensor in state.items():
        if name.endswith("c1x1_c2.weight"):
            tensors[-1] = torch.cat([tensors[-1], tensor])
        else:
            tensors.append(tensor.flatten(1) if name == "classifier.weight" else tensor)
    return tensors


SMALL = {
    "depths": (3, 4, 12, 3),
    "growth": (16, 32, 32, 64),
    "inner": 128,
    "added": 64,
    "cardinality": 32,
    "stem_width": 10,
    "stem_kernel": 3,
}
README = "cypw/DPNs README"


def large(
    depths: tuple[int, ...], growth: tuple[int, ...], inner: int, cardinality: int, stem_width: int
) -> dict[str, object]:
    return {
        "depths": depths,
        "growth": growth,
        "inner": inner,
        "added": 256,
        "cardinality": cardinality,
        "stem_width": stem_width,
    }


def row(
    name: str,
    config: dict[str, object],
    params: int,
    macs: int,
    *,
    top1: float | None = None,
    top5: float | None = None,
    printed: tuple[Printed, ...] = (),
    note: str = "",
) -> Variant:
    return Variant(
        name=name,
        title=name.replace("dpn", "DPN-"),
        config=config,
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source=f"timm {name}",
            twin=f"timm:{name}",
            top1=top1,
            top5=top5,
            accuracy_source=f"{README}, one 224 crop" if top1 else "",
            printed=printed,
        ),
        note=note,
    )


def flops(value: float, reason: str = "") -> Printed:
    return Printed(quantity="macs", value=value, source=f"{README}, as FLOPs", reason=reason)


FAMILY = Family(
    key="dpn",
    title="Dual Path Network",
    year=2017,
    paper="Dual Path Networks",
    authors="Chen, Li, Xiao, Jin, Yan, Feng",
    link="https://arxiv.org/abs/1707.01629",
    kind="shortcuts",
    parents=("resnext", "densenet"),
    idea="Part each block's output: add one part to what is there, and set the other beside it.",
    story=Story(
        problem="ResNet adds, which uses features again and again but makes it hard to keep new ones apart. "
        "DenseNet concatenates, which explores new features but finds many of them twice, and its maps grow "
        "wide and costly.",
        trick="Do both. A ResNeXt bottleneck reads the whole map through one shared 1x1 convolution. Most of "
        "its output is added to the residual path; a few channels are concatenated to the dense path, which "
        "grows slowly because the residual path does most of the work.",
        cost="Splits and concatenations, which copy maps, and channel numbers that differ from block to "
        "block. The first block of each stage projects everything it receives, so the dense path starts "
        "anew.",
        outcome="DPN-98 was more accurate than ResNeXt-101 (64x4d) with 26 % fewer parameters and 25 % fewer "
        "MACs. Dual path networks won the object localisation task of ILSVRC 2017.",
    ),
    model=DPN,
    lesson=DualPathBlock,
    stages=("stem", "stages", "pool", "head"),
    table="table 1",
    knobs=(
        Knob(
            name="growth",
            meaning="channels a block of this stage adds to the dense path, k; 0 leaves a ResNeXt",
            choices=(0, 4, 8, 16, 20, 24, 32, 64, 128),
        ),
        Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 37))),
        Knob(
            name="cardinality",
            meaning="groups of the 3x3 convolution",
            choices=(1, 2, 4, 8, 16, 32, 40, 50, 64),
        ),
        Knob(
            name="inner",
            meaning="channels of the 3x3 in the first stage; doubles with every stage",
            choices=(16, 32, 64, 96, 128, 160, 192, 200, 256),
        ),
        Knob(
            name="added",
            meaning="channels of the residual path in the first stage; doubles with every stage",
            choices=(16, 32, 64, 128, 256),
        ),
        Knob(name="stem_stride", meaning="stride of the first convolution", choices=(1, 2)),
    ),
    deviations=(
        Deviation(
            what="The authors test at 320 px with the mean of average and max pooling before the classifier. "
            "Our networks average, and our accuracies are theirs for one 224 crop.",
            effect="At 320 px that way DPN-98 has 81.28 % instead of 79.85 % top-1.",
        ),
        Deviation(
            what="DPN-68b is timm's name for a second set of weights, whose last 1x1 convolution is stored "
            "as two, one for each path.",
            effect="None: the same sums, so our two rows are one network.",
        ),
    ),
    variants=(
        Variant(
            name="dpn_classroom",
            title="DPN, classroom size",
            config={
                "depths": (2, 2, 2),
                "growth": (8, 8, 16),
                "inner": 32,
                "added": 32,
                "cardinality": 4,
                "stem_width": 16,
                "stem_kernel": 3,
                "stem_stride": 1,
            },
            input_size=32,
            num_classes=10,
            note="Six blocks at 16, 8 and 4 pixels: set the growth to 0, or double it at half the width.",
        ),
        row(
            "dpn68",
            SMALL,
            12_611_602,
            2_326_163_456,
            top1=76.43,
            top5=93.07,
            printed=(flops(2.5e9, "convolutions and classifier alone make 2.33 G"),),
            note="The small one: a 3x3 stem of ten channels, a residual path of 64.",
        ),
        row(
            "dpn68b",
            SMALL,
            12_611_602,
            2_326_163_456,
            note="DPN-68 with other weights in timm; not in the paper.",
        ),
        row(
            "dpn92",
            large((3, 4, 20, 3), (16, 32, 24, 128), 96, 32, 64),
            37_668_392,
            6_501_684_224,
            top1=79.27,
            top5=94.63,
            printed=(Printed(quantity="params", value=37.7e6, source="paper, table 1"), flops(6.5e9)),
            note="32 paths, 3 channels wide in the first stage.",
        ),
        row(
            "dpn98",
            large((3, 6, 20, 3), (16, 32, 32, 128), 160, 40, 96),
            61_570_728,
            11_671_217_152,
            top1=79.85,
            top5=94.85,
            printed=(Printed(quantity="params", value=61.6e6, source="paper, table 1"), flops(11.7e9)),
            note="40 paths, 4 channels wide in the first stage.",
        ),
        row(
            "dpn131",
            large((4, 8, 28, 3), (16, 32, 32, 128), 160, 40, 128),
            79_254_504,
            16_013_648_896,
            top1=80.07,
            top5=94.88,
            printed=(flops(16.0e9),),
            note="40 paths, 4 channels wide in the first stage; the deepest.",
        ),
        row(
            "dpn107",
            large((4, 8, 20, 3), (20, 64, 64, 128), 200, 50, 128),
            86_917_800,
            18_298_764_288,
            printed=(flops(18.3e9),),
            note="50 paths. Its published result builds on ImageNet-5k, so it stands beside none of these.",
        ),
    ),
)
