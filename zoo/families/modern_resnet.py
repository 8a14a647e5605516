"""Modern ResNet: the way from ResNet-50 to ConvNeXt-T, every step of it a network of its own.

Liu, Mao, Wu, Feichtenhofer, Darrell, Xie, "A ConvNet for the 2020s", 2022, arXiv:2201.03545.
The edits in their order: section 2 and figure 2. Blocks: figures 3 and 4. Accuracy and MACs of every step:
table 10. Without an edit the network is torchvision's resnet50, with all of them torchvision's
convnext_tiny; module order follows both, so their weights load by position.

A convolution has a bias where no batch norm follows it, as in both ends of the way.

B images, C channels, H x W pixels, s stride.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, flatten, nn

from zoo.families.convnext import EPS, LAYER_SCALE, ChannelNorm
from zoo.families.resnet import make_stem
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import StochasticDepth, transformer_init


@dataclass(frozen=True, kw_only=True)
class BlockEdits:
    """What the steps change inside a block; the defaults are ResNet's bottleneck."""

    depthwise: bool = False  # the spatial convolution looks at every channel alone
    moved_up: bool = False  # it comes first, before the 1x1 that changes the channels
    kernel: int = 3  # its side in pixels
    one_activation: bool = False  # one, before the last 1x1, instead of one behind every convolution
    one_norm: bool = False  # one norm, behind the spatial convolution
    scaled: bool = False  # layer scale on the branch


class ModernBlock(nn.Module):
    """A spatial convolution and two 1x1 beside a shortcut: (B, cin, H, W) -> (B, cout, H/s, W/s).

    The first 1x1 goes to `hidden` channels and the last one to `cout`: fewer and then more in a bottleneck,
    more and then fewer in an inverted one. The order, the norms and the activations are the edits'.
    """

    def __init__(
        self,
        cin: int,
        hidden: int,
        cout: int,
        stride: int,
        edits: BlockEdits,
        norm: Callable[[int], nn.Module],
        act: Callable[[], nn.Module],
        drop: float,
    ) -> None:
        super().__init__()
        if edits.scaled:
            self.scale = nn.Parameter(torch.full((cout, 1, 1), LAYER_SCALE))
        spatial, first = (1, cin) if edits.moved_up else (2, hidden)
        self.branch = nn.Sequential()
        for i, (width, after) in enumerate([(cin, first), (first, hidden), (hidden, cout)], 1):
            here = i == spatial
            kernel = edits.kernel if here else 1
            self.branch.add_module(
                f"conv{i}",
                nn.Conv2d(
                    width,
                    after,
                    kernel,
                    stride if here else 1,
                    padding=kernel // 2,
                    groups=width if here and edits.depthwise else 1,
                    bias=norm is not nn.BatchNorm2d or (edits.one_norm and not here),
                ),
            )
            if here or not edits.one_norm:
                self.branch.add_module(f"norm{i}", norm(after))
            if i == 2 or (i == 1 and not edits.one_activation):
                self.branch.add_module(f"act{i}", act())
        self.drop = StochasticDepth(drop)
        self.shortcut: nn.Module = nn.Identity()
        if cin != cout or stride > 1:
            bias = norm is not nn.BatchNorm2d
            self.shortcut = nn.Sequential()
            self.shortcut.add_module("conv", nn.Conv2d(cin, cout, 1, stride, bias=bias))
            self.shortcut.add_module("norm", norm(cout))
        self.act = nn.Identity() if edits.one_activation else act()

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)  # (B, cout, H/s, W/s)
        if hasattr(self, "scale"):
            y = self.scale * y
        return self.act(self.drop(y) + self.shortcut(x))


def layer_norm(width: int) -> nn.Module:
    return ChannelNorm(width, eps=EPS)


NORMS: Mapping[str, Callable[[int], nn.Module]] = {"batch": nn.BatchNorm2d, "layer": layer_norm}
ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU}
PATCHES = {"2x2": 2, "4x4": 4}


class ModernResNet(nn.Module):
    """ResNet-50 where nothing is turned, ConvNeXt-T where everything is.

    `separate_downsampling` is the last step of the paper: a 2x2 convolution between the stages, a norm
    wherever the resolution changes, and layer scale. The chance that stochastic depth leaves a block out
    rises from 0 at the first block to `drop` at the last.
    """

    def __init__(
        self,
        *,
        depths: tuple[int, ...] = (3, 4, 6, 3),
        stem: str = "7x7",
        depthwise: bool = False,
        width: int = 64,
        inverted: bool = False,
        moved_up: bool = False,
        kernel: int = 3,
        activation: str = "relu",
        one_activation: bool = False,
        one_norm: bool = False,
        norm: str = "batch",
        separate_downsampling: bool = False,
        drop: float = 0.0,
        num_classes: int,
    ) -> None:
        super().__init__()
        edits = BlockEdits(
            depthwise=depthwise,
            moved_up=moved_up,
            kernel=kernel,
            one_activation=one_activation,
            one_norm=one_norm,
            scaled=separate_downsampling,
        )
        make_norm, make_act = NORMS[norm], ACTIVATIONS[activation]
        if stem in PATCHES:
            self.stem = nn.Sequential()
            self.stem.add_module("conv1", nn.Conv2d(3, width, PATCHES[stem], PATCHES[stem]))
            if separate_downsampling:
                self.stem.add_module("norm1", make_norm(width))
        else:
            self.stem = make_stem(stem, width)
        self.stages = nn.Sequential()
        cin, made, last = width, 0, max(1, sum(depths) - 1)
        for number, depth in enumerate(depths):
            narrow = width << number
            hidden, cout = (4 * narrow, narrow) if inverted else (narrow, 4 * narrow)
            stage, stride = nn.Sequential(), 2 if number > 0 else 1
            if separate_downsampling and stride > 1:
                downsample = nn.Sequential()
                downsample.add_module("norm", make_norm(cin))
                downsample.add_module("conv", nn.Conv2d(cin, cout, 2, 2))
                stage.add_module("downsample", downsample)
                cin, stride = cout, 1
            for i in range(depth):
                block = ModernBlock(cin, hidden, cout, stride, edits, make_norm, make_act, drop * made / last)
                stage.add_module(f"block{i}", block)
                cin, stride, made = cout, 1, made + 1
            self.stages.append(stage)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.norm = make_norm(cin) if separate_downsampling else nn.Identity()
        self.head = nn.Linear(cin, num_classes)
        self.apply(transformer_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, width, H/4, W/4)
        x = self.stages(x)  # (B, C, H/32, W/32)
        x = self.norm(self.pool(x))  # (B, C, 1, 1)
        return self.head(flatten(x, 1))  # (B, num_classes)


def from_twin(twin: str, state: Mapping[str, Tensor]) -> list[Tensor]:
    """ConvNeXt writes the 1x1 convolutions of its blocks as linear layers; the weights are the same."""
    head = list(state)[-2]
    return [
        t[..., None, None] if t.ndim == 2 and name != head else t  # (cout, cin) -> (cout, cin, 1, 1)
        for name, t in state.items()
    ]


TABLE_10 = "paper, table 10"
COUNTED = "counted here; the paper prints the MACs"
RECIPE = f"{TABLE_10}: mean of three seeds, 300 epochs of the new recipe, one 224 crop"
FIGURE_2 = "figure 2 of the same paper prints 4.2, and table 11 has no such leap: taken for a slip"

EDITS: tuple[tuple[str, dict[str, object]], ...] = (
    ("recipe", {"drop": 0.1}),
    ("ratio", {"depths": (3, 3, 9, 3)}),
    ("patchify", {"stem": "4x4"}),
    ("depthwise", {"depthwise": True}),
    ("width", {"width": 96}),
    ("inverted", {"inverted": True}),
    ("moved_up", {"moved_up": True}),
    ("kernel7", {"kernel": 7}),
    ("gelu", {"activation": "gelu"}),
    ("one_act", {"one_activation": True}),
    ("one_norm", {"one_norm": True}),
    ("layernorm", {"norm": "layer"}),
    ("downsampling", {"separate_downsampling": True}),
)


def up_to(last: str) -> dict[str, object]:
    """The arguments with every edit of the paper's order, the one called `last` included."""
    config: dict[str, object] = {}
    for name, edit in EDITS:
        config |= edit
        if name == last:
            break
    return config


def rung(
    edit: str,
    title: str,
    *,
    params: int,
    macs: int,
    top1: float,
    printed: float,
    note: str,
    twin: str = "",
    adapted: str = "",
    reason: str = "",
) -> Variant:
    """A row of table 10, where `printed` are its FLOPs: ResNet-50 with the edits up to `edit`."""
    return Variant(
        name=f"modern_resnet_{edit}",
        title=f"Modern ResNet: {title}",
        config=up_to(edit),
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source=f"torchvision {twin}" if twin else COUNTED,
            twin=f"torchvision:{twin}" if twin else "",
            adapted=adapted,
            top1=top1,
            accuracy_source=RECIPE,
            printed=(Printed(quantity="macs", value=printed, source=f"{TABLE_10}, as FLOPs", reason=reason),),
        ),
        note=note,
    )


FAMILY = Family(
    key="modern_resnet",
    title="Modern ResNet",
    year=2022,
    paper="A ConvNet for the 2020s",
    authors="Liu, Mao, Wu, Feichtenhofer, Darrell, Xie",
    link="https://arxiv.org/abs/2201.03545",
    kind="shortcuts",
    parents=("resnet", "resnext", "mobilenet_v2", "swin"),
    idea="Change a ResNet-50 one choice at a time, and see which of the choices made transformers better.",
    story=Story(
        problem="Swin and ResNet-50 differ in many ways at once: recipe, proportions, stem, block, norm, "
        "activation and attention. Comparing the two says who wins, not why.",
        trick="A ladder: one small edit at a time, kept before the next one is tried, and every network "
        "trained three times with the same recipe. How far the three lie apart, about 0.1 %, says which "
        "steps count.",
        cost="Patience: three trainings of 300 epochs for every rung. On the way the arithmetic goes from "
        "4.1 down to 2.4, up to 5.3 and back to 4.5 GMACs, so not every gain is a free one.",
        outcome="Of 5.8 % top-1 between ResNet-50 as published and ConvNeXt-T, 2.7 are the recipe alone. "
        "The largest step of the architecture is width, paid for by depthwise convolutions; some steps "
        "change next to nothing, and moving the depthwise convolution up costs 0.7 % until its kernel grows. "
        "ConvNeXt is the last rung.",
    ),
    model=ModernResNet,
    lesson=ModernBlock,
    stages=("stem", "stages", "pool", "norm", "head"),
    table="table 10",
    knobs=(
        Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 37))),
        Knob(
            name="stem",
            meaning="first convolution: 7x7 and a max pool as in ResNet, or patches that do not overlap",
            choices=("7x7", "4x4", "2x2"),
        ),
        Knob(
            name="depthwise",
            meaning="the spatial convolution looks at every channel alone",
            choices=(False, True),
        ),
        Knob(
            name="width",
            meaning="channels of the stem; those of a block follow, and double with every stage",
            choices=(16, 24, 32, 48, 64, 84, 96, 128),
        ),
        Knob(
            name="inverted",
            meaning="a block is four times wider inside than outside, not the other way round",
            choices=(False, True),
        ),
        Knob(
            name="moved_up",
            meaning="the spatial convolution comes first in a block, before the 1x1 that changes the width",
            choices=(False, True),
        ),
        Knob(name="kernel", meaning="side of the spatial convolution", choices=(3, 5, 7, 9, 11)),
        Knob(name="activation", meaning="the activation inside the blocks", choices=("relu", "gelu")),
        Knob(
            name="one_activation",
            meaning="one activation in a block, before its last 1x1, not one behind every convolution",
            choices=(False, True),
        ),
        Knob(
            name="one_norm",
            meaning="one norm in a block, behind its spatial convolution",
            choices=(False, True),
        ),
        Knob(
            name="norm",
            meaning="over the batch, or over the channels of each pixel",
            choices=("batch", "layer"),
        ),
        Knob(
            name="separate_downsampling",
            meaning="a norm and a 2x2 convolution halve the map between the stages, not a block's stride",
            choices=(False, True),
        ),
    ),
    deviations=(
        Deviation(
            what="The authors' code has the last rung only. What the paper's words leave open we chose: "
            "below it, a block that halves the map has a 1x1 projection beside it and strides in its spatial "
            "convolution; inside, an inverted block is four times as wide as what it puts out.",
            effect="With this reading the MACs are those of table 10 up to the single norm, and with the "
            "depths and widths of table 11 all of those, to two decimals.",
        ),
        Deviation(
            what="The stem of patches is a convolution alone until the last rung, which brings the norms of "
            "section 2.6; layer scale, which the paper lists with ConvNeXt's training, comes with the same "
            "rung.",
            effect="A few thousand parameters and no MACs between the ends, which are exact.",
        ),
    ),
    variants=(
        Variant(
            name="modern_resnet_classroom",
            title="Modern ResNet, classroom size",
            config=up_to("layernorm") | {"depths": (1, 1, 3), "width": 32, "stem": "2x2", "drop": 0.0},
            input_size=32,
            num_classes=10,
            note="Every edit but the last, in three stages on patches of 2x2.",
        ),
        rung(
            "recipe",
            "the recipe alone",
            params=25_557_032,
            macs=4_089_184_256,
            twin="resnet50",
            top1=78.82,
            printed=4.09e9,
            note="ResNet-50 as it was; only its training is new. With the old one it reaches 76.1 %.",
        ),
        rung(
            "ratio",
            "blocks 3, 3, 9, 3",
            params=28_628_520,
            macs=4_525_916_160,
            adapted="torchvision's ResNet class with blocks of 3, 3, 9, 3",
            top1=79.36,
            printed=4.53e9,
            note="Swin's share of work: a third stage three times as deep as the others.",
        ),
        rung(
            "patchify",
            "patches as stem",
            params=28_622_120,
            macs=4_417_536_000,
            adapted="torchvision's Bottlenecks behind a 4x4 stem",
            top1=79.51,
            printed=4.42e9,
            note="A 4x4 convolution of stride 4 in place of the 7x7 and the max pool.",
        ),
        rung(
            "depthwise",
            "depthwise 3x3",
            params=15_722_600,
            macs=2_349_507_072,
            adapted="torchvision's Bottlenecks with a depthwise 3x3",
            top1=78.28,
            printed=2.35e9,
            note="ResNeXt's groups at their limit: nearly half of the MACs go, and 1.2 % of accuracy.",
        ),
        rung(
            "width",
            "width 96",
            params=33_760_936,
            macs=5_267_976_960,
            adapted="torchvision's Bottlenecks with a depthwise 3x3, at width 96",
            top1=80.5,
            printed=5.27e9,
            note="What the depthwise convolutions saved is spent on channels: 96 instead of 64, as Swin-T.",
        ),
        rung(
            "inverted",
            "inverted bottleneck",
            params=25_851_400,
            macs=4_644_406_272,
            adapted="torchvision's Conv2dNormActivation, put together as in figure 3b",
            top1=80.64,
            printed=4.64e9,
            note="Narrow outside and four times as wide inside; the projections get much cheaper.",
        ),
        rung(
            "moved_up",
            "depthwise moved up",
            params=25_625_416,
            macs=4_065_080_448,
            adapted="torchvision's Conv2dNormActivation, put together as in figure 3c",
            top1=79.92,
            printed=4.07e9,
            note="The depthwise convolution comes first, where there are few channels.",
        ),
        rung(
            "kernel7",
            "kernel 7x7",
            params=25_863_496,
            macs=4_145_612_928,
            adapted="torchvision's Conv2dNormActivation, put together as in figure 3c, 7x7",
            top1=80.57,
            printed=4.15e9,
            note="As large as Swin's windows; 9 and 11 bring no more (turn the kernel).",
        ),
        rung(
            "gelu",
            "GELU",
            params=25_863_496,
            macs=4_145_612_928,
            adapted="torchvision's Conv2dNormActivation, put together as in figure 3c, 7x7, GELU",
            top1=80.62,
            printed=4.15e9,
            note="Transformers' activation in place of ReLU; nothing else moves.",
        ),
        rung(
            "one_act",
            "one activation",
            params=25_863_496,
            macs=4_145_612_928,
            adapted="torchvision's Conv2dNormActivation, put together as in figure 4, three norms",
            top1=81.27,
            printed=4.15e9,
            note="One GELU in a block, between its two 1x1, as in a transformer's MLP.",
        ),
        rung(
            "one_norm",
            "one norm",
            params=25_830_376,
            macs=4_145_612_928,
            adapted="timm's ConvNeXt blocks with batch norm, ResNet's where the map is halved",
            top1=81.41,
            printed=4.15e9,
            note="One batch norm in a block, behind the depthwise convolution.",
        ),
        rung(
            "layernorm",
            "layer norm",
            params=25_837_672,
            macs=4_145_612_928,
            adapted="timm's ConvNeXt blocks, ResNet's shortcuts where the map is halved",
            top1=81.47,
            printed=4.46e9,
            reason=FIGURE_2,
            note="Layer norm in place of batch norm; in the original ResNet that does worse.",
        ),
        rung(
            "downsampling",
            "downsampling apart",
            params=28_589_128,
            macs=4_455_531_264,
            twin="convnext_tiny",
            top1=81.97,
            printed=4.49e9,
            reason="the README and figure 2 print 4.5; the 4.46 of this network stand a row too high there",
            note="A norm and a 2x2 convolution between the stages: this is ConvNeXt-T.",
        ),
    ),
)
