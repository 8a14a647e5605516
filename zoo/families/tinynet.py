"""TinyNet: when a network has to shrink, spare its resolution and its depth, and give up width.

Han, Wang, Zhang, Zhang, Xu, Zhang, "Model Rubik's Cube: Twisting Resolution, Depth and Width for TinyNets",
2020, arXiv:2010.14819. The networks are EfficientNet-B0, table 1 there, times the three factors r, d and w,
as in the authors' code. Module order follows timm, so its weights load by position.

B images, C channels, H x W pixels, r resolution, d depth, w width.
"""

from functools import partial

from zoo.families.efficientnet import TABLE_1, Scaffold, Scale, mbconv
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import round_channels

EPS = 1e-5  # of every batch norm


class TinyNet(Scaffold):
    """B0's table, times `depth` and `width`, for a picture of `resolution` times its size.

    Other than EfficientNet's, the blocks of a stage are rounded to the nearest number, the stem keeps its 32
    channels, and the end never has fewer than 1280.
    """

    def __init__(
        self, *, resolution: float = 1.0, depth: float = 1.0, width: float = 1.0, num_classes: int
    ) -> None:
        super().__init__(
            [
                row._replace(c=round_channels(row.c * width), n=max(1, round(row.n * depth)))
                for row in TABLE_1
            ],
            partial(mbconv, eps=EPS),
            stem=32,
            last=max(1280, round_channels(1280 * width)),
            eps=EPS,
            resolution=resolution,
            dropout=0.2,
            num_classes=num_classes,
        )


# (r, d, w) of the authors' evaluation script. r is a factor on 224 pixels, cut off to whole ones.
CUBE = {
    "a": Scale(resolution=0.86, depth=1.2, width=1.0),
    "b": Scale(resolution=0.84, depth=1.1, width=0.75),
    "c": Scale(resolution=0.825, depth=0.85, width=0.54),
    "d": Scale(resolution=0.68, depth=0.695, width=0.54),
    "e": Scale(resolution=0.475, depth=0.6, width=0.51),
}
README = "huawei-noah/Efficient-AI-Backbones tinynet_pytorch/readme.md"


def tiny_row(
    letter: str, *, params: int, macs: int, top1: float, printed: float, reason: str = "", note: str
) -> Variant:
    """A twist of the cube; the picture already has its size, so no resolution is left to scale."""
    scale = CUBE[letter]
    size = int(224 * scale.resolution)
    return Variant(
        name=f"tinynet_{letter}",
        title=f"TinyNet-{letter.upper()}",
        config={"depth": scale.depth, "width": scale.width},
        input_size=size,
        published=Published(
            params=params,
            macs=macs,
            source=f"timm tinynet_{letter}",
            twin=f"timm:tinynet_{letter}",
            top1=top1,
            accuracy_source=f"{README}, one {size} crop",
            printed=(Printed(quantity="macs", value=printed, source=f"{README}, as FLOPs", reason=reason),),
        ),
        note=note,
    )


FAMILY = Family(
    key="tinynet",
    title="TinyNet",
    year=2020,
    paper="Model Rubik's Cube: Twisting Resolution, Depth and Width for TinyNets",
    authors="Han, Wang, Zhang, Zhang, Xu, Zhang",
    link="https://arxiv.org/abs/2010.14819",
    kind="mobile",
    parents=("efficientnet",),
    idea="To shrink a network, cut its width first; resolution and depth matter more for small ones.",
    story=Story(
        problem="EfficientNet's rule makes networks larger in a fixed proportion. Run backwards to make them "
        "smaller, it takes as much from the resolution as from the rest, and the small networks that come "
        "out are worse than they need be.",
        trick="Draw many small networks with random resolution, depth and width, train them, and keep those "
        "on the front: none is both cheaper and better. Along this front, resolution and depth stay high "
        "while width falls. A Gaussian process, fitted to the front, says for a given cost which resolution "
        "and which depth to take; the width follows from the cost.",
        cost="The rule is data, not a formula of a few constants: it holds for B0 and the networks that were "
        "trained for it, and another base network needs its own. Narrow and deep networks run worse on a GPU "
        "than their MACs suggest.",
        outcome="TinyNet-E has 59.9 % top-1 with 24 million MACs, 1.9 points more than MobileNetV3 at that "
        "cost; TinyNet-A has 76.8 % with 339 million.",
    ),
    model=TinyNet,
    lesson=TinyNet,
    stages=("stem", "stages", "last", "pool", "head"),
    table="factors r, d, w of the authors' code",
    knobs=(
        Knob(
            name="resolution",
            meaning="r: factor on height and width of the picture, on top of the variant's own size",
            choices=(0.475, 0.68, 0.825, 0.84, 0.86, 1.0, 1.2),
        ),
        Knob(
            name="depth",
            meaning="d: factor on the blocks of a stage, rounded; every stage keeps one",
            choices=(0.25, 0.5, 0.6, 0.695, 0.85, 1.0, 1.1, 1.2, 1.4),
        ),
        Knob(
            name="width",
            meaning="w: factor on the channels of the stages; stem and end keep theirs",
            choices=(0.25, 0.51, 0.54, 0.75, 1.0, 1.1),
        ),
    ),
    deviations=(
        Deviation(
            what="A variant has its resolution as input size, and the knob r stands at 1. The fitted "
            "Gaussian process itself is not published.",
            effect="None on the networks. To try a twist of one's own, all three factors are knobs.",
        ),
        Deviation(
            what="Batch norm adds 0.00001 to the variance and padding is even, as in timm and the authors' "
            "PyTorch code; EfficientNet's own code has TensorFlow's constants.",
            effect="No count changes.",
        ),
    ),
    variants=(
        Variant(
            name="tinynet_classroom",
            title="TinyNet, classroom size",
            config={"depth": 0.5, "width": 0.25},
            input_size=32,
            num_classes=10,
            note="A quarter of B0's width, half of its depth, all 32 pixels.",
        ),
        tiny_row(
            "a",
            params=6_187_972,
            macs=336_867_712,
            top1=76.8,
            printed=339e6,
            reason="0.6 % above the multiply-accumulates of the layers; the README does not say what else it "
            "counts",
            note="Deeper than B0, and as wide, at 192 pixels.",
        ),
        tiny_row(
            "b",
            params=3_730_562,
            macs=200_709_360,
            top1=75.0,
            printed=202e6,
            reason="0.6 % above the multiply-accumulates of the layers",
            note="Three quarters of B0's width, 10 % more depth, 188 pixels.",
        ),
        tiny_row(
            "c",
            params=2_457_234,
            macs=99_536_432,
            top1=71.2,
            printed=100e6,
            note="About half of B0's width at 184 pixels.",
        ),
        tiny_row(
            "d",
            params=2_338_446,
            macs=51_580_656,
            top1=67.0,
            printed=52e6,
            note="C's width, fewer blocks and fewer pixels.",
        ),
        tiny_row(
            "e",
            params=2_042_972,
            macs=24_356_848,
            top1=59.9,
            printed=24e6,
            note="106 pixels. Nearly two thirds of its parameters belong to the classifier.",
        ),
    ),
)
