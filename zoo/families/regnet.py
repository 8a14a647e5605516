"""RegNet: a straight line says how wide each block is, and four numbers describe the whole network.

Radosavovic, Kosaraju, Girshick, He, Dollár, "Designing Network Design Spaces", 2020, arXiv:2003.13678.
Widths and depths: equations 2 to 4, spelled out in `quantised_widths`. The X block is ResNeXt's without its
bottleneck; the Y block adds SENet's squeeze-and-excitation. Module order follows timm, whose networks are
those of the authors' code (pycls); torchvision keeps the projection first, see `from_twin`.

B images, C channels, H x W pixels, s stride.
"""

import math
from itertools import groupby
from typing import NamedTuple

from torch import Tensor, nn

from zoo.families.resnet import ResidualNetwork, make_shortcut
from zoo.families.senet import SqueezeExcite
from zoo.family import Deviation, Family, Knob, Published, Story, Variant, both_printed
from zoo.layers import ConvNormAct, Residual


def quantised_widths(w0: int, wa: float, wm: float, depth: int) -> list[int]:
    """The width of each of `depth` blocks: a line that starts at w0 and climbs by wa, turned into steps.

    The steps are w0, w0 wm, w0 wm^2, ...; a block takes the one whose logarithm is nearest to the line's.
    """
    widths = []
    for j in range(depth):
        u = w0 + wa * j  # equation 2: the line
        s = math.log(u / w0) / math.log(wm)  # equation 3: u = w0 wm^s
        w = w0 * wm ** round(s)  # equation 4: the step
        widths.append(8 * round(w / 8))  # hardware likes multiples of eight
    return widths


class Stage(NamedTuple):
    """Blocks of one width."""

    width: int
    depth: int
    group_width: int


def plan(w0: int, wa: float, wm: float, depth: int, group_width: int) -> list[Stage]:
    """The stages of a RegNet: each run of equally wide blocks, its width made a multiple of the group's."""
    stages = []
    for width, blocks in groupby(quantised_widths(w0, wa, wm, depth)):
        group = min(group_width, width)
        stages.append(Stage(group * round(width / group), len(list(blocks)), group))
    return stages


class RegNetBlock(Residual):
    """1x1, grouped 3x3, 1x1 beside a shortcut: (B, cin, H, W) -> (B, cout, H/s, W/s).

    All three are as wide as the output: there is no bottleneck. With `se` it is the Y block, which weighs the
    channels after its 3x3; without, the X block.
    """

    def __init__(self, cin: int, cout: int, stride: int, group_width: int, se: bool) -> None:
        transform = nn.Sequential()
        transform.add_module("conv1", ConvNormAct(cin, cout, 1))
        transform.add_module("conv2", ConvNormAct(cout, cout, 3, stride=stride, groups=cout // group_width))
        if se:
            transform.add_module("se", SqueezeExcite(cout, cin // 4))  # a quarter of what enters the block
        transform.add_module("conv3", ConvNormAct(cout, cout, 1, act=None))
        super().__init__(transform, make_shortcut("projection", cin, cout, stride))


class RegNet(ResidualNetwork):
    """A 3x3 stem, the stages of the plan, each of which halves the resolution, and ResNet's head."""

    def __init__(
        self,
        *,
        w0: int,
        wa: float,
        wm: float,
        depth: int,
        group_width: int,
        se: bool,
        stem_stride: int = 2,
        num_classes: int,
    ) -> None:
        cin = 32
        stem = ConvNormAct(3, cin, 3, stride=stem_stride)
        stages = nn.Sequential()
        for stage in plan(w0, wa, wm, depth, group_width):
            blocks = nn.Sequential()
            for i in range(stage.depth):
                blocks.append(RegNetBlock(cin, stage.width, 2 if i == 0 else 1, stage.group_width, se))
                cin = stage.width
            stages.append(blocks)
        super().__init__(stem, stages, cin, num_classes)


def from_twin(reference: str, state: dict[str, Tensor]) -> list[Tensor]:
    """torchvision keeps a block's projection (`proj`) before its convolutions (`f`), timm and we behind."""
    if not reference.startswith("torchvision:"):
        return list(state.values())
    blocks: dict[str, int] = {}

    def place(name: str) -> tuple[int, bool]:
        block = name.split(".proj.")[0].split(".f.")[0]
        return blocks.setdefault(block, len(blocks)), ".proj." in name

    return [state[name] for name in sorted(state, key=place)]


ZOO = "pycls MODEL_ZOO.md"
PYCLS = "pycls dev/model_error.json: 100 epochs, one 224 crop"


def row(
    letter: str,
    size: str,
    w0: int,
    wa: float,
    wm: float,
    depth: int,
    group_width: int,
    params: int,
    macs: int,
    top1: float,
    top5: float,
    printed: tuple[float, float],
    *,
    twin: str = "",
    note: str = "",
) -> Variant:
    """A network of the paper; torchvision's, with its weights, unless `twin` names another library's."""
    name = f"regnet_{letter}_{size}"
    weights = "" if twin else f"RegNet_{letter.upper()}_{size.upper()}_Weights.IMAGENET1K_V1"
    return Variant(
        name=name,
        title=f"RegNet{letter.upper()}-{size.upper().replace('_', '.')}",
        config={
            "w0": w0,
            "wa": wa,
            "wm": wm,
            "depth": depth,
            "group_width": group_width,
            "se": letter == "y",
        },
        input_size=224,
        weights=weights,
        published=Published(
            params=params,
            macs=macs,
            source=(twin or f"torchvision:{name}").replace(":", " "),
            twin=twin or f"torchvision:{name}",
            top1=top1,
            top5=top5,
            accuracy_source=f"torchvision {weights}: 100 epochs, one 224 crop" if weights else PYCLS,
            printed=both_printed(ZOO, *printed, called="flops"),
        ),
        note=note,
    )


OTHER = "torchvision's network of this name is wider: it rounds to the group width by another rule."
FAMILY = Family(
    key="regnet",
    title="RegNet",
    year=2020,
    paper="Designing Network Design Spaces",
    authors="Radosavovic, Kosaraju, Girshick, He, Dollár",
    link="https://arxiv.org/abs/2003.13678",
    kind="shortcuts",
    parents=("resnext", "senet"),
    idea="Let one straight line, rounded to a few steps, say how wide every block of the network is.",
    story=Story(
        problem="Search finds a good network for one budget, but not the reason why it is good. And four "
        "stages with free widths, depths, bottlenecks and groups can be set in about 10^18 ways: too many to "
        "understand.",
        trick="Improve the space of networks instead of one network. Draw some hundreds, train each for ten "
        "epochs, look at how their errors are spread, and keep a simplification that does no harm. What is "
        "left are widths on a line, rounded to steps. RegNet is often filed under neural architecture "
        "search; it is not one: people, not an algorithm, read the curves.",
        cost="Whole populations had to be trained, though of small networks and for a short time. Grouped "
        "convolutions are slower than their MACs suggest. The Y networks spend an eighth of their "
        "parameters on squeeze-and-excitation, and hardly any MACs.",
        outcome="Good networks at every budget share a depth of about 20 blocks, no bottleneck, and stages "
        "that widen about 2.5 times. Trained alike, RegNetY-8.0GF has 20.1 % top-1 error and EfficientNet-B5 "
        "21.5 %, and RegNets are up to five times faster on a GPU.",
    ),
    model=RegNet,
    lesson=quantised_widths,
    stages=("stem", "stages", "pool", "head"),
    table="figures 15 and 16",
    knobs=(
        Knob(
            name="w0",
            meaning="width of the first block, where the line starts",
            choices=(8, 16, 24, 32, 48, 64, 80, 96, 128, 160, 200, 256, 320),
        ),
        Knob(
            name="wa",
            meaning="slope: channels the line gains with every block; at 0 all blocks are one stage",
            choices=(0.0, 8.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0, 128.0),
        ),
        Knob(
            name="wm",
            meaning="factor between stages; smaller steps make more stages (the paper keeps to four)",
            choices=(1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0),
        ),
        Knob(name="depth", meaning="blocks in all stages together", choices=tuple(range(1, 29))),
        Knob(
            name="group_width",
            meaning="channels in a group of the 3x3; 1 is depthwise. Widths become multiples of it",
            choices=(1, 2, 4, 8, 16, 24, 32, 40, 48, 64, 80, 96, 128),
        ),
        Knob(name="se", meaning="weigh the channels after the 3x3: the Y networks", choices=(False, True)),
        Knob(name="stem_stride", meaning="stride of the first convolution", choices=(1, 2)),
    ),
    deviations=(
        Deviation(
            what="torchvision's regnet_x_400mf, regnet_y_800mf and regnet_y_8gf are not the paper's. Where a "
            "width has to become a multiple of the group width, the authors take the nearest; torchvision "
            "never goes down by more than 10 %.",
            effect="They have 5.5, 6.43 and 39.4 M parameters. Here stand the paper's, with 5.16, 6.26 and "
            "39.2 M.",
        ),
        Deviation(
            what="The authors' code starts the last norm of each block at zero, so that a block begins by "
            "passing its input on; here it starts at one, as in torchvision.",
            effect="None after loading weights.",
        ),
        Deviation(
            what="The paper leaves out settings that do not lead to four stages; the knobs here may lead to "
            "fewer or more.",
            effect="None on the published rows. With seven stages or more the last ones see a single pixel.",
        ),
    ),
    variants=(
        Variant(
            name="regnet_classroom",
            title="RegNet, classroom size",
            config={
                "w0": 24,
                "wa": 24.0,
                "wm": 2.0,
                "depth": 5,
                "group_width": 8,
                "se": True,
                "stem_stride": 1,
            },
            input_size=32,
            num_classes=10,
            note="Five blocks on a line from 24 to 120 channels, which become stages of 24, 48 and 96.",
        ),
        row("x", "200mf", 24, 36.44, 2.49, 13, 8, 2_684_792, 199_039_872, 68.912, 88.658, (2.7e6, 0.2e9),
            twin="timm:regnetx_002"),
        row("x", "400mf", 24, 24.48, 2.54, 22, 16, 5_157_512, 397_677_568, 72.618, 90.924, (5.2e6, 0.4e9),
            twin="timm:regnetx_004", note=OTHER),
        row("x", "600mf", 48, 36.97, 2.24, 16, 24, 6_196_040, 600_890_112, 74.136, 91.802, (6.2e6, 0.6e9),
            twin="timm:regnetx_006"),
        row("x", "800mf", 56, 35.73, 2.28, 16, 16, 7_259_656, 799_699_712, 75.212, 92.348, (7.3e6, 0.8e9)),
        row("x", "1_6gf", 80, 34.01, 2.25, 18, 24, 9_190_136, 1_602_849_792, 77.04, 93.44, (9.2e6, 1.6e9)),
        row("x", "3_2gf", 88, 26.31, 2.25, 25, 48, 15_296_552, 3_176_621_952, 78.364, 93.992,
            (15.3e6, 3.2e9)),
        row("x", "4gf", 96, 38.65, 2.43, 23, 40, 22_118_248, 3_964_498_816, 78.644, 94.264, (22.1e6, 4.0e9),
            twin="timm:regnetx_040"),
        row("x", "6_4gf", 184, 60.83, 2.07, 17, 56, 26_209_256, 6_460_291_264, 79.156, 94.566,
            (26.2e6, 6.5e9), twin="timm:regnetx_064"),
        row("x", "8gf", 80, 49.56, 2.88, 23, 120, 39_572_648, 7_995_132_416, 79.344, 94.686, (39.6e6, 8.0e9)),
        row("x", "12gf", 168, 73.36, 2.37, 19, 112, 46_106_056, 12_086_678_016, 79.712, 94.716,
            (46.1e6, 12.1e9), twin="timm:regnetx_120"),
        row("x", "16gf", 216, 55.59, 2.1, 22, 128, 54_278_536, 15_940_755_456, 80.058, 94.944,
            (54.3e6, 15.9e9)),
        row("x", "32gf", 320, 69.86, 2.0, 23, 168, 107_811_560, 31_735_929_792, 80.622, 95.248,
            (107.8e6, 31.7e9)),
        row("y", "200mf", 24, 36.44, 2.49, 13, 8, 3_162_996, 199_514_080, 70.342, 89.622, (3.2e6, 0.2e9),
            twin="timm:regnety_002", note="RegNetX-200MF plus squeeze-and-excitation, nothing else changed."),
        row("y", "400mf", 48, 27.89, 2.09, 16, 8, 4_344_144, 401_842_848, 74.046, 91.716, (4.3e6, 0.4e9)),
        row("y", "600mf", 48, 32.54, 2.32, 15, 16, 6_055_160, 601_220_992, 75.46, 92.72, (6.1e6, 0.6e9),
            twin="timm:regnety_006"),
        row("y", "800mf", 56, 38.84, 2.4, 14, 16, 6_263_168, 797_176_832, 76.316, 93.154, (6.3e6, 0.8e9),
            twin="timm:regnety_008", note=OTHER),
        row("y", "1_6gf", 48, 20.71, 2.65, 27, 24, 11_202_430, 1_612_076_160, 77.95, 93.966, (11.2e6, 1.6e9)),
        row("y", "3_2gf", 80, 42.63, 2.66, 21, 24, 19_436_338, 3_176_482_752, 78.948, 94.576,
            (19.4e6, 3.2e9)),
        row("y", "4gf", 96, 31.41, 2.24, 22, 64, 20_646_656, 3_973_288_448, 79.36, 94.664, (20.6e6, 4.0e9),
            twin="timm:regnety_040"),
        row("y", "6_4gf", 112, 33.22, 2.27, 25, 72, 30_583_252, 6_355_204_992, 79.89, 94.9, (30.6e6, 6.4e9),
            twin="timm:regnety_064"),
        row("y", "8gf", 192, 76.82, 2.19, 17, 56, 39_180_068, 7_963_057_312, 79.948, 94.94, (39.2e6, 8.0e9),
            twin="timm:regnety_080", note=OTHER),
        row("y", "12gf", 168, 73.36, 2.37, 19, 112, 51_822_544, 12_092_376_576, 80.33, 95.144,
            (51.8e6, 12.1e9), twin="timm:regnety_120"),
        row("y", "16gf", 200, 106.23, 2.48, 18, 112, 83_590_140, 15_911_510_272, 80.424, 95.24,
            (83.6e6, 15.9e9)),
        row("y", "32gf", 232, 115.89, 2.53, 20, 232, 145_046_770, 32_279_552_832, 80.878, 95.34,
            (145.0e6, 32.3e9)),
        Variant(
            name="regnet_y_128gf",
            title="RegNetY-128GF",
            config={"w0": 456, "wa": 160.83, "wm": 2.52, "depth": 27, "group_width": 264, "se": True},
            input_size=224,
            weights="RegNet_Y_128GF_Weights.IMAGENET1K_SWAG_LINEAR_V1",
            year=2021,
            published=Published(
                params=644_812_894,
                macs=127_517_815_680,
                source="torchvision regnet_y_128gf",
                twin="torchvision:regnet_y_128gf",
                top1=86.068,
                top5=97.844,
                accuracy_source="torchvision RegNet_Y_128GF_Weights.IMAGENET1K_SWAG_LINEAR_V1: trained on "
                "hashtags of Instagram pictures, only the head on ImageNet; one 224 crop",
            ),
            note="Not in the paper: the line drawn further, for weights learned from billions of pictures.",
        ),
    ),
)  # fmt: skip
