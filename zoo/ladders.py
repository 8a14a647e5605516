"""Ladders: architectures as lists of edits, each rung a network of the registry, made out of the one before.

What an edit is, and which block shows it, is data below; what it costs is counted by `climb`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from zoo.anatomy import Anatomy, align
from zoo.anatomy.align import CHANGED, ONLY, blocks
from zoo.registry import family_of, variant

Marks: TypeAlias = tuple[Mapping[str, str], Mapping[str, str]]  # of two blocks, by the ids of their parts


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

    @property
    def slug(self) -> str:
        """The name as it stands in an address: "resnet-34"."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


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
    accuracy: Accuracy | None  # None where nobody has published one
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
                accuracy=_accuracy(rung.variant),
                more_params=params - below.params if below else None,
                more_macs=anatomy.macs - below.macs if below else None,
            )
        )
    return tuple(steps)


def differences(before: Anatomy, after: Anatomy) -> Marks | None:
    """What is the same, changed or only here in two blocks; None where they have nothing in common.

    A part of several layers is what all of them are, else changed: that the other block nests its layers
    otherwise is no edit.
    """
    pair = before, after
    first, second = (_by_layers(one, marks) for one, marks in zip(pair, align(pair).marks, strict=True))
    if all(first[layer.id] == ONLY for layer in before.layers):
        return None
    return first, second


def _by_layers(anatomy: Anatomy, marks: Mapping[str, str]) -> dict[str, str]:
    said = {block.id: {marks[layer.id] for layer in block.layers()} for block in blocks(anatomy.tree)}
    return {**marks, **{id: each.pop() if len(each) == 1 else CHANGED for id, each in said.items()}}


def _accuracy(name: str) -> Accuracy | None:
    """What the registry knows of a variant; a paper by its title, as a ladder has rungs of several."""
    published = variant(name).published
    if not published or published.top1 is None:
        return None
    source = re.sub(r"^paper\b", f"“{family_of(name).paper}”", published.accuracy_source)
    # torchvision names its weights, which are each network's own, before what they have in common.
    recipe = re.sub(r"\w+_Weights\.\w+: ", "", source)
    return Accuracy(top1=published.top1, source=source, recipe=recipe)


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

_MODERN = Ladder(
    key="modern",
    title="ResNet-50 to ConvNeXt",
    idea="The authors of ConvNeXt asked which of the choices in a vision transformer do the good, and "
    "tried them one by one on a ResNet-50, each kept before the next. All networks but the first were "
    "trained by the same recipe, so that here accuracies do compare. Depthwise convolutions and the width "
    "that they pay for are two rungs.",
    rungs=(
        Rung(
            name="ResNet-50",
            variant="resnet50",
            edit="The foot of the ladder: ResNet-50 with its strides in the 3×3 convolutions, as in "
            "torchvision, trained for 90 epochs.",
            block="stages.1.1",
        ),
        Rung(
            name="Recipe",
            variant="modern_resnet_recipe",
            edit="Only the training changes: 300 epochs with the optimiser, the augmentation and the "
            "regularisation of vision transformers. The network is the same, so parameters and MACs are.",
            block="stages.1.block1",
            before="stages.1.1",
        ),
        Rung(
            name="Stage ratio",
            variant="modern_resnet_ratio",
            edit="The stages have 3, 3, 9 and 3 blocks in place of 3, 4, 6 and 3: the work is shared out "
            "as in Swin.",
            block="stages.2",
        ),
        Rung(
            name="Patches",
            variant="modern_resnet_patchify",
            edit="The stem cuts the picture into patches: one 4×4 convolution with stride 4 replaces the "
            "overlapping 7×7 and the pool.",
            block="stem",
        ),
        Rung(
            name="Depthwise",
            variant="modern_resnet_depthwise",
            edit="The 3×3 looks at each channel alone: ResNeXt's groups, as many as there are channels. "
            "It mixes only pixels, the 1×1 mix only channels, and nearly half of the arithmetic goes, "
            "with some accuracy.",
            block="stages.1.block1",
        ),
        Rung(
            name="Width 96",
            variant="modern_resnet_width",
            edit="What was saved is spent on channels: the first stage is 96 wide instead of 64, as in "
            "Swin, and all others with it.",
            block="stages.1.block1",
        ),
        Rung(
            name="Inverted",
            variant="modern_resnet_inverted",
            edit="The bottleneck is turned inside out, as in MobileNet V2: thin at its ends, four times "
            "as wide in the middle.",
            block="stages.1.block1",
        ),
        Rung(
            name="Moved up",
            variant="modern_resnet_moved_up",
            edit="The depthwise 3×3 comes first in the block, where channels are few, as attention comes "
            "before the MLP. A step back in accuracy that makes the next one cheap.",
            block="stages.1.block1",
        ),
        Rung(
            name="Kernel 7×7",
            variant="modern_resnet_kernel7",
            edit="The depthwise convolution sees 7×7 pixels, as many as a window of Swin: on few "
            "channels, each alone, hardly an expense.",
            block="stages.1.block1",
        ),
        Rung(
            name="GELU",
            variant="modern_resnet_gelu",
            edit="GELU replaces ReLU in the blocks: no weight, no MAC, and no accuracy to speak of.",
            block="stages.1.block1",
        ),
        Rung(
            name="One activation",
            variant="modern_resnet_one_act",
            edit="All activations go but the one between the two 1×1, where a transformer's MLP has its "
            "only one.",
            block="stages.1.block1",
        ),
        Rung(
            name="One norm",
            variant="modern_resnet_one_norm",
            edit="All norms of a block go but the one behind the depthwise convolution; convolutions that "
            "no norm follows have biases instead.",
            block="stages.1.block1",
        ),
        Rung(
            name="Layer norm",
            variant="modern_resnet_layernorm",
            edit="That norm is taken over the channels of each pixel, no longer over the batch; in the "
            "original ResNet this is known to do worse.",
            block="stages.1.block1",
        ),
        Rung(
            name="ConvNeXt-T",
            variant="modern_resnet_downsampling",
            edit="A norm and a 2×2 convolution with stride 2 stand between the stages, in place of blocks "
            "that stride; more norms, behind the stem and before the head, keep the training stable, and "
            "each block scales what it adds.",
            block="stages.1",
        ),
    ),
)

LADDERS: Mapping[str, Ladder] = MappingProxyType(
    {ladder.key: ladder for ladder in (_RESIDUAL, _MODERN, _FILTERS, _MOBILE, _INCEPTION)}
)
