"""Ladders: architectures as lists of edits, each rung a network of the registry, made out of the one before.

What an edit is, and which block shows it, is data below; what it costs is counted by `climb`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from zoo.anatomy import Anatomy
from zoo.registry import family_of, variant


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """A published ImageNet top-1 in percent, and where it is from, recipe included."""

    top1: float
    source: str
    recipe: str  # two accuracies may be compared only where this is the same


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A network, and the edit that made it out of the one below."""

    name: str  # short, its own in the ladder: "ResNet-34"
    variant: str
    edit: str  # what changed, in a sentence; of the first rung, what the ladder stands on
    block: str  # path of the module that shows the edit
    before: str = ""  # of the module that it replaced, in the network below, where the path is another
    recipe: Accuracy | None = None  # where only the training changed, what it reached

    @property
    def slug(self) -> str:
        """The name as it stands in an address: "depthwise-96-wide"."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def accuracy(self) -> Accuracy | None:
        """As published with the recipe of this rung; None where nobody has published one."""
        published = variant(self.variant).published
        if self.recipe:
            return self.recipe
        if not published or published.top1 is None:
            return None
        paper = family_of(self.variant).paper
        source = re.sub(r"^paper\b", f"“{paper}”", published.accuracy_source)
        # torchvision names its weights, which are each network's own, before what they have in common.
        recipe = re.sub(r"\w+_Weights\.\w+: ", "", source)
        return Accuracy(top1=published.top1, source=source, recipe=recipe)


@dataclass(frozen=True, kw_only=True)
class Ladder:
    key: str
    title: str
    idea: str  # a few sentences: what is climbed here, and which variants stand for the networks
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a rung costs for one square image of `size` pixels, and how much more than the rung below."""

    rung: Rung
    size: int
    params: int  # of the layers that an image passes
    macs: int
    auxiliary: int  # parameters of heads that only training uses, not in `params`
    more_params: int | None  # None at the foot of the ladder
    more_macs: int | None


def climb(rungs: Sequence[Rung], dissected: Callable[[Rung], Anatomy]) -> tuple[Step, ...]:
    """The rungs with their costs. `dissected` takes the network of a rung apart."""
    steps: list[Step] = []
    for rung in rungs:
        anatomy, below = dissected(rung), steps[-1] if steps else None
        params = anatomy.tree.params
        steps.append(
            Step(
                rung=rung,
                size=anatomy.input_size[-1],
                params=params,
                macs=anatomy.macs,
                auxiliary=anatomy.params - params,
                more_params=params - below.params if below else None,
                more_macs=anatomy.macs - below.macs if below else None,
            )
        )
    return tuple(steps)


_FILTERS = Ladder(
    key="filters",
    title="AlexNet to VGG",
    idea="Three years of plain networks: filters shrink, depth grows. AlexNet stands here twice, as "
    "printed with its two GPUs and as the one tower that everybody draws; VGG with its configurations A, "
    "B, D and E.",
    rungs=(
        Rung(
            name="AlexNet",
            variant="alexnet_2gpu",
            edit="The foot of the ladder: five convolutions and three linear layers, split over two GPUs "
            "that exchange their maps only in layer 3 and in the head.",
            block="stages.1",
        ),
        Rung(
            name="One tower",
            variant="alexnet_1tower",
            edit="One GPU instead of two: layers 2, 4 and 5 see all maps, not half of them, and these "
            "three layers have twice the weights and twice the arithmetic.",
            block="stages.1",
        ),
        Rung(
            name="ZFNet",
            variant="zfnet",
            edit="The first filters shrink from 11×11 with stride 4 to 7×7 with stride 2, because "
            "pictures of what they had learnt showed dead filters and aliasing; layer 2 takes over a "
            "stride of 2.",
            block="stages.0",
        ),
        Rung(
            name="VGG-11",
            variant="vgg11",
            edit="Only 3×3 filters from here on, two of them in place of a 5×5, with a pool of 2×2 after "
            "each stage and no response normalisation; the picture keeps its full resolution in the first "
            "layer.",
            block="stages.2",
            before="stages.1",
        ),
        Rung(
            name="VGG-13",
            variant="vgg13",
            edit="A second convolution in the first two stages, where maps are large and channels few: "
            "hardly any weights, half as much arithmetic again.",
            block="stages.0",
        ),
        Rung(
            name="VGG-16",
            variant="vgg16",
            edit="A third 3×3 in each of the last three stages: together they look through a window of 7×7.",
            block="stages.2",
        ),
        Rung(
            name="VGG-19",
            variant="vgg19",
            edit="A fourth 3×3 in each of the last three stages. Here the authors stopped, as the error "
            "no longer fell.",
            block="stages.2",
        ),
    ),
)

_RESIDUAL = Ladder(
    key="residual",
    title="VGG to ResNeSt",
    idea="How a block of two convolutions became a block that adds, narrows, groups, weighs and chooses. "
    "From the bottleneck on, all networks have 50 layers. Not every rung keeps the one below: "
    "pre-activation is a side step, which the later networks did not take.",
    rungs=(
        Rung(
            name="VGG-19",
            variant="vgg19",
            edit="The foot of the ladder: sixteen 3×3 convolutions in five stages, and three linear "
            "layers that hold most of the weights.",
            block="stages.2",
        ),
        Rung(
            name="plain-34",
            variant="plain34",
            edit="Nearly twice as deep for a fraction of the cost: the stem first shrinks the picture to "
            "a quarter of its side, convolutions stride where pools stood, each is followed by batch "
            "norm, and an average over the whole map replaces two of the three linear layers.",
            block="stages.1.0",
            before="stages.2",
        ),
        Rung(
            name="ResNet-34",
            variant="resnet34",
            edit="Each pair of convolutions is added to its own input. Where the shape changes, a 1×1 "
            "projection carries the input over, which is all that this edit costs; elsewhere the shortcut "
            "is free.",
            block="stages.1.0",
        ),
        Rung(
            name="ResNet-50",
            variant="resnet50_v1",
            edit="The BasicBlock gives way to the Bottleneck: 1×1 down to a quarter, 3×3 on the thin map, "
            "1×1 up again. Three layers in place of two, on maps with four times the channels, for about "
            "the same cost.",
            block="stages.1.1",
        ),
        Rung(
            name="Pre-activation",
            variant="preresnet50",
            edit="Batch norm and ReLU move in front of each convolution, so that nothing stands on the "
            "way of the sum: from block to block the shortcut is clean.",
            block="stages.1.1",
        ),
        Rung(
            name="ResNeXt",
            variant="resnext50_32x4d",
            edit="Back to ReLU after the sum; the 3×3 becomes twice as wide and is split into 32 groups, "
            "paths that do not hear of each other. Stages stride in this 3×3, no longer in the 1×1 before "
            "it.",
            block="stages.1.1",
        ),
        Rung(
            name="SE",
            variant="seresnext50_32x4d",
            edit="Squeeze and excitation behind the last convolution of each block: averages over the "
            "whole map decide, through two small layers, how much each channel counts.",
            block="stages.1.1",
        ),
        Rung(
            name="SK",
            variant="sknet50",
            edit="The same idea chooses between kernels: a 3×3 and a 3×3 with gaps, which spans 5×5, run "
            "side by side, and a softmax takes for each channel its share of both.",
            block="stages.1.1",
        ),
        Rung(
            name="ResNeSt",
            variant="resnest50",
            edit="Split attention: two equal 3×3 branches, each reading half of the channels, are chosen "
            "from by such a softmax. Stem and shortcuts are ResNet-D's, and average pools halve the maps.",
            block="stages.1.1",
        ),
    ),
)

_MOBILE = Ladder(
    key="mobile",
    title="MobileNet V1 to V3",
    idea="The same task on less and less arithmetic: each at width 1.0 and 224 pixels, V3 in its large form.",
    rungs=(
        Rung(
            name="MobileNet V1",
            variant="mobilenet_v1",
            edit="The foot of the ladder: each convolution is split into a depthwise 3×3, one filter for "
            "each channel, and a 1×1 that mixes the channels.",
            block="stages.3.1",
        ),
        Rung(
            name="MobileNet V2",
            variant="mobilenet_v2",
            edit="The block is turned inside out: thin at its ends, which a shortcut joins and no "
            "activation touches, six times as wide in the middle, where the depthwise 3×3 works.",
            block="stages.3.1",
        ),
        Rung(
            name="MobileNet V3",
            variant="mobilenet_v3_large",
            edit="A search sets the width, kernel and activation of each block; squeeze and excitation "
            "weighs channels; ReLU and, in the deeper half, hard swish replace ReLU6; the last layers are "
            "shortened.",
            block="stages.4.1",
            before="stages.5.1",
        ),
    ),
)

_INCEPTION = Ladder(
    key="inception",
    title="GoogLeNet to Inception-ResNet",
    idea="One module with parallel branches, rebuilt five times. GoogLeNet as printed in 2014; "
    "BN-Inception, which some call v2; Inception-v2 as in table 1 of the paper of v3; Inception-ResNet in "
    "its second version, which costs about as much as Inception-v4. Auxiliary heads, which only training "
    "uses, are not counted.",
    rungs=(
        Rung(
            name="GoogLeNet",
            variant="googlenet",
            edit="The foot of the ladder: 1×1, 3×3, 5×5 and a pool side by side, each large kernel behind "
            "a 1×1 that makes its input thin.",
            block="stages.3.a",
        ),
        Rung(
            name="BN-Inception",
            variant="bn_inception",
            edit="Batch norm behind every convolution, and two 3×3 in place of each 5×5; two modules "
            "stride where pools stood between the stages.",
            block="stages.3.a",
        ),
        Rung(
            name="Inception-v2",
            variant="inception_v2_rethinking",
            edit="In the middle of the network kernels become one-dimensional: 1×7 and 7×1 one after the "
            "other see what a 7×7 sees. Pictures have 299 pixels, and the 7×7 of the stem becomes three "
            "3×3.",
            block="stages.6.b",
            before="stages.4.a",
        ),
        Rung(
            name="Inception-v3",
            variant="inception_v3",
            edit="As released: a lighter stem, four modules instead of five in the middle, and in the "
            "first three modules a 5×5 again.",
            block="stages.5.b",
        ),
        Rung(
            name="Inception-v4",
            variant="inception_v4",
            edit="More modules, four, seven and three, all of a kind alike, and a stem that itself has "
            "branches.",
            block="stages.b.0",
            before="stages.6.b",
        ),
        Rung(
            name="Inception-ResNet",
            variant="inception_resnet_v2",
            edit="Each module is added to its input: branches become thinner, a 1×1 brings their sum back "
            "to the width of the shortcut, and only a small share of it is added. So there can be 40 of "
            "them.",
            block="stages.a.0",
        ),
    ),
)

LADDERS: Mapping[str, Ladder] = MappingProxyType(
    {ladder.key: ladder for ladder in (_RESIDUAL, _FILTERS, _MOBILE, _INCEPTION)}
)
