"""MnasNet: let a search choose every stage's kernel, depth and attention, and time its proposals on a phone.

Tan, Chen, Pang, Vasudevan, Sandler, Howard, Le, "MnasNet: Platform-Aware Neural Architecture Search for
Mobile", 2018, arXiv:1807.11626. The objective: equation 2. What the search may choose: section 4.1.
MnasNet-A1 and its blocks: figure 7. B1 is from a search without squeeze-and-excitation.
Module order follows torchvision (B1) and timm (A1, small), so their weights load by position.

B images, C channels, H x W pixels, s stride.
"""

from typing import Literal

from torch import Tensor, flatten, nn

from zoo.families.senet import SqueezeExcite
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import ConvNormAct, StochasticDepth, he_init, round_channels


class MBConv(nn.Module):
    """MobileNetV2's inverted residual with choices to make: (B, cin, H, W) -> (B, cout, H/s, W/s).

    1x1 up to `hidden` channels, depthwise `kernel` x `kernel`, squeeze-and-excitation `se` if given, and 1x1
    down without activation. Where `hidden` is `cin` there is nothing to expand. The later families of this
    line (MobileNetV3, EfficientNet) bring other activations, and leave the branch out at random in training.
    """

    def __init__(
        self,
        cin: int,
        cout: int,
        *,
        hidden: int,
        kernel: int,
        stride: int,
        se: SqueezeExcite | None = None,
        act: type[nn.Module] = nn.ReLU,
        eps: float = 1e-5,
        padding: Literal["same"] | None = None,
        drop: float = 0.0,
    ) -> None:
        super().__init__()
        self.has_shortcut = stride == 1 and cin == cout
        self.branch = nn.Sequential()
        if hidden != cin:
            self.branch.add_module("expand", ConvNormAct(cin, hidden, 1, act=act, eps=eps))
        self.branch.add_module(
            "depthwise",
            ConvNormAct(
                hidden, hidden, kernel, stride=stride, groups=hidden, padding=padding, act=act, eps=eps
            ),
        )
        if se is not None:
            self.branch.add_module("se", se)
        self.branch.add_module("project", ConvNormAct(hidden, cout, 1, act=None, eps=eps))
        if self.has_shortcut and drop > 0:
            self.branch.add_module("drop", StochasticDepth(drop))

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)  # (B, cout, H/s, W/s)
        return x + y if self.has_shortcut else y


def reward(accuracy: float, latency: float, target: float, exponent: float = -0.07) -> float:
    """What the search maximises, equation 2: twice the latency is worth about 5 % of the accuracy."""
    return accuracy * (latency / target) ** exponent


STRIDES = (1, 2, 2, 2, 1, 2, 1)  # of each stage's first block, the same in all networks here


class MnasNet(nn.Module):
    """A stem, seven stages of equal blocks, a last 1x1 convolution that widens, a global average.

    Each tuple is a column of figure 7: one entry for each stage.
    """

    def __init__(
        self,
        *,
        stem: int,
        widths: tuple[int, ...],
        expansions: tuple[int, ...],
        depths: tuple[int, ...],
        kernels: tuple[int, ...],
        squeezed: tuple[bool, ...] = (False,) * 7,
        width: float = 1.0,
        stem_stride: int = 2,
        num_classes: int,
    ) -> None:
        super().__init__()
        cin = round_channels(stem * width)
        self.stem = ConvNormAct(3, cin, 3, stride=stem_stride)
        self.stages = nn.Sequential()
        for c, t, depth, kernel, attends, stride in zip(
            widths, expansions, depths, kernels, squeezed, STRIDES, strict=True
        ):
            stage = nn.Sequential()
            for i in range(depth):
                cout, hidden = round_channels(c * width), t * cin
                se = SqueezeExcite(hidden, cin // 4) if attends else None
                s = stride if i == 0 else 1
                stage.append(MBConv(cin, cout, hidden=hidden, kernel=kernel, stride=s, se=se))
                cin = cout
            self.stages.append(stage)
        self.last = ConvNormAct(cin, 1280, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(1280, num_classes)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, stem, H/2, W/2)
        x = self.stages(x)  # (B, C, H/32, W/32)
        x = self.last(x)  # (B, 1280, H/32, W/32)
        x = flatten(self.pool(x), 1)  # (B, 1280)
        return self.head(self.drop(x))  # (B, num_classes)


# What the search found. A1 is drawn in figure 7; B1 and the small network are in the authors' code.
A1 = {
    "stem": 32,
    "widths": (16, 24, 40, 80, 112, 160, 320),
    "expansions": (1, 6, 3, 6, 6, 6, 6),
    "depths": (1, 2, 3, 4, 2, 3, 1),
    "kernels": (3, 3, 5, 3, 3, 5, 3),
    "squeezed": (False, False, True, False, True, True, False),
}
B1 = {
    "stem": 32,
    "widths": (16, 24, 40, 80, 96, 192, 320),
    "expansions": (1, 3, 3, 6, 6, 6, 6),
    "depths": (1, 3, 3, 3, 2, 4, 1),
    "kernels": (3, 3, 5, 5, 3, 5, 3),
}
SMALL = {
    "stem": 8,
    "widths": (8, 16, 16, 32, 32, 88, 144),
    "expansions": (1, 3, 6, 6, 6, 6, 6),
    "depths": (1, 1, 2, 4, 3, 3, 1),
    "kernels": (3, 3, 3, 5, 3, 5, 3),
    "squeezed": (False, False, False, True, True, True, False),
}


README = "tensorflow/tpu models/official/mnasnet/README.md"


def b1_row(
    width: float, params: int, macs: int, top1: float, top5: float, *, recipe: str, note: str = ""
) -> Variant:
    """A width of B1, with torchvision's weights."""
    name = f"mnasnet{width}".replace(".", "_")
    weights = f"MNASNet{width}_Weights.IMAGENET1K_V1".replace(".", "_", 1)
    return Variant(
        name=name,
        title=f"MnasNet-B1 {width:g}",
        config={**B1, "width": width},
        input_size=224,
        weights=weights,
        published=Published(
            params=params,
            macs=macs,
            source=f"torchvision {name}",
            twin=f"torchvision:{name}",
            top1=top1,
            top5=top5,
            accuracy_source=f"torchvision {weights}: {recipe}, one 224 crop",
        ),
        note=note or f"All channels of B1 times {width:g}, rounded to multiples of 8.",
    )


FAMILY = Family(
    key="mnasnet",
    title="MnasNet",
    year=2018,
    paper="MnasNet: Platform-Aware Neural Architecture Search for Mobile",
    authors="Tan, Chen, Pang, Vasudevan, Sandler, Howard, Le",
    link="https://arxiv.org/abs/1807.11626",
    kind="mobile",
    parents=("mobilenet_v2", "senet", "nasnet"),
    idea="Search block by block for accuracy and speed at once, with the speed measured on a real phone.",
    story=Story(
        problem="A mobile network has to be accurate and fast, and MACs are a poor stand-in for speed: "
        "NASNet-A and MobileNet have about as many of them, but take 183 and 113 ms on the same phone. And "
        "earlier searches found one cell and stacked it everywhere, although early and late layers have "
        "different work to do.",
        trick="Cut the network into seven stages and let each choose for itself: the kind of block, kernel 3 "
        "or 5, with or without squeeze-and-excitation, how many blocks, how wide. Within a stage all blocks "
        "are equal, so few choices remain. A controller proposes; each proposal is trained for five epochs "
        "and timed on a Pixel phone, and the reward weighs both.",
        cost="About 8,000 models tried in one search, 4.5 days on 64 TPUs. The result is tuned to one phone; "
        "on other hardware another network may win.",
        outcome="MnasNet-A1: 75.2 % top-1 with 312 million MACs in 78 ms, where MobileNetV2 1.4 needs 143 ms "
        "for 74.7 %. What the search found, 3x3 and 5x5 mixed and attention in some stages, is the start of "
        "MobileNetV3 and EfficientNet.",
    ),
    model=MnasNet,
    lesson=MBConv,
    stages=("stem", "stages", "last", "pool", "head"),
    table="figure 7; table 1",
    knobs=(
        Knob(
            name="width",
            meaning="factor on all channels, rounded to multiples of 8; the last 1x1 keeps its 1280",
            choices=(0.35, 0.5, 0.75, 1.0, 1.3, 1.4),
        ),
        Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 7))),
        Knob(name="kernels", meaning="depthwise kernel in this stage", choices=(3, 5)),
        Knob(
            name="squeezed",
            meaning="squeeze-and-excitation in this stage's blocks",
            choices=(False, True),
        ),
        Knob(name="stem_stride", meaning="stride of the first convolution", choices=(1, 2)),
    ),
    deviations=(
        Deviation(
            what="Padding is centred, as in torchvision and timm; TensorFlow's, which the authors used, puts "
            "an odd zero to the right and below.",
            effect="No count and no map size changes; at each stride the grid lies one pixel further up and "
            "left.",
        ),
        Deviation(
            what="The squeeze goes down to a quarter of the channels that enter the block, not of the "
            "expanded ones, as in the authors' code.",
            effect="With an expansion of 6, six times fewer weights in the attention.",
        ),
        Deviation(
            what="Torchvision's mnasnet networks are B1, without squeeze-and-excitation. The network usually "
            "meant by MnasNet is A1.",
            effect="B1 1.0 has half a million parameters more than A1 and about as many MACs.",
        ),
    ),
    variants=(
        Variant(
            name="mnasnet_classroom",
            title="MnasNet, classroom size",
            config={
                "stem": 8,
                "widths": (8, 16, 24, 32, 40, 64, 96),
                "expansions": (1, 2, 3, 4, 4, 4, 4),
                "depths": (1, 1, 1, 1, 1, 1, 1),
                "kernels": (3, 3, 5, 3, 3, 5, 3),
                "squeezed": (False, False, True, False, True, True, False),
                "stem_stride": 1,
            },
            input_size=32,
            num_classes=10,
            note="A1's kernels and attention, one narrow block per stage; the first stage keeps all pixels.",
        ),
        Variant(
            name="mnasnet_a1",
            title="MnasNet-A1",
            config=A1,
            input_size=224,
            published=Published(
                params=3_887_038,
                macs=311_579_072,
                source="timm semnasnet_100",
                twin="timm:semnasnet_100",
                top1=75.452,
                top5=92.608,
                accuracy_source="timm results, semnasnet_100.rmsp_in1k, one 224 crop",
                printed=(
                    Printed(quantity="params", value=3.9e6, source="paper, table 1"),
                    Printed(quantity="macs", value=312e6, source="paper, table 1, as multiply-adds"),
                ),
            ),
            note="The network of figure 7: squeeze-and-excitation in three of seven stages.",
        ),
        b1_row(
            1.0,
            4_383_312,
            314_415_872,
            73.456,
            91.51,
            recipe="close to the paper's recipe",
            note="Found by the search that did not offer attention.",
        ),
        b1_row(0.5, 2_218_512, 104_455_968, 67.734, 87.49, recipe="close to the paper's recipe"),
        b1_row(0.75, 3_170_208, 215_493_104, 71.18, 90.496, recipe="torchvision's newer recipe"),
        b1_row(1.3, 6_282_256, 526_362_432, 76.506, 93.522, recipe="torchvision's newer recipe"),
        Variant(
            name="mnasnet_small",
            title="MnasNet-small",
            config=SMALL,
            input_size=224,
            published=Published(
                params=2_030_264,
                macs=68_339_184,
                source="timm mnasnet_small",
                twin="timm:mnasnet_small",
                top1=66.204,
                top5=86.47,
                accuracy_source="timm results, mnasnet_small.lamb_in1k, one 224 crop",
                printed=(
                    Printed(quantity="params", value=2.0e6, source=README),
                    Printed(quantity="macs", value=68e6, source=README),
                ),
            ),
            note="Searched again for a tight budget; nearly two thirds of its weights are the classifier's.",
        ),
    ),
)
