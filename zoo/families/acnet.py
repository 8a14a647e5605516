"""ACNet: train every 3x3 convolution with a row and a column beside it, then melt the three into one.

Ding, Guo, Ding, Han, "ACNet: Strengthening the Kernel Skeletons for Powerful CNN via Asymmetric Convolution
Blocks", 2019, arXiv:1908.03930. The block and how it is fused: section 3 and figures 1 to 3. What each part
is worth: table 4. The networks are ResNet's; the functions that fuse also serve RepVGG.

B images, C channels, H x W pixels, s stride.
"""

from collections.abc import Iterable
from copy import deepcopy
from itertools import pairwise
from typing import Protocol, TypeAlias, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn, sqrt, zeros_like
from torch.nn import functional as F

from zoo.families.resnet import BasicBlock, Bottleneck, ResNet, shape_of
from zoo.family import Deviation, Family, Knob, Published, Story, Variant
from zoo.layers import he_init

Network = TypeVar("Network", bound=nn.Module)
Folded: TypeAlias = tuple[Tensor, Tensor]  # kernel and bias


def fold_norm(kernel: Tensor, norm: nn.BatchNorm2d) -> Folded:
    """Kernel and bias of the one convolution that equals a convolution without bias and a trained batch norm.

    The norm computes gamma (y - mean) / sqrt(variance + eps) + beta, channel by channel. With fixed
    statistics that is a factor, which goes into the kernel, and a number to add, which is the bias.
    """
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    factor = norm.weight / sqrt(variance + norm.eps)
    return kernel * factor[:, None, None, None], norm.bias - mean * factor


def squared(kernel: Tensor) -> Tensor:
    """A kernel with zeros around it up to 3x3. Both are centred on the same pixel, so both see the same."""
    rows, columns = (3 - side for side in kernel.shape[2:])
    return F.pad(kernel, (columns // 2, columns // 2, rows // 2, rows // 2))


def added(parts: Iterable[Folded]) -> Folded:
    """One 3x3 kernel and one bias for branches that are added: a convolution is linear in both."""
    kernels, biases = zip(*((squared(kernel), bias) for kernel, bias in parts), strict=True)
    return torch.stack(kernels).sum(0), torch.stack(biases).sum(0)


@runtime_checkable
class Fusible(Protocol):
    """A block of linear branches that equals one convolution once it is trained."""

    def folded(self) -> dict[str, Folded]:
        """Each branch, by its name, as a convolution with a bias and no norm."""
        ...

    def fuse(self) -> nn.Conv2d: ...


def fuse(network: Network) -> Network:
    """A copy of a trained network in which every such block is one convolution. Same outputs, less work."""
    fused = deepcopy(network).eval()
    for module in list(fused.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, Fusible):
                setattr(module, name, child.fuse())
    return fused


def as_conv(kernel: Tensor, bias: Tensor, like: nn.Conv2d) -> nn.Conv2d:
    """A centred convolution with this kernel and bias, with the strides and groups of another."""
    height, width = kernel.shape[2:]
    around = height // 2, width // 2
    conv = nn.Conv2d(
        like.in_channels, like.out_channels, (height, width), like.stride[0], around, groups=like.groups
    )
    conv.weight, conv.bias = nn.Parameter(kernel.detach()), nn.Parameter(bias.detach())
    return conv


class Branch(nn.Sequential):
    """One of the convolutions of a block, `kernel` high and wide, centred on the same pixel as the others."""

    def __init__(
        self, cin: int, cout: int, kernel: tuple[int, int], stride: int, norm: bool = True, groups: int = 1
    ) -> None:
        super().__init__()
        padding = kernel[0] // 2, kernel[1] // 2
        self.conv = nn.Conv2d(cin, cout, kernel, stride, padding, groups=groups, bias=False)
        if norm:
            self.norm = nn.BatchNorm2d(cout)

    def folded(self) -> Folded:
        """Kernel and bias of the convolution that computes the same."""
        kernel: Tensor = self.conv.weight
        if hasattr(self, "norm"):
            return fold_norm(kernel, self.norm)
        return kernel, zeros_like(kernel[:, 0, 0, 0])


class ACBlock(nn.Module):
    """3x3, 3x1 and 1x3 convolutions of the same map, added: (B, cin, H, W) -> (B, cout, H/s, W/s).

    Each has its own batch norm ("branch"), or one norm follows the sum ("sum", table 4). A convolution is
    linear, so three kernels that meet the same pixels add up to one: the middle row and the middle column of
    the 3x3, its skeleton, are strengthened.
    """

    def __init__(
        self, cin: int, cout: int, stride: int, *, vertical: bool, horizontal: bool, norm: str
    ) -> None:
        super().__init__()
        each = norm == "branch"
        self.square = Branch(cin, cout, (3, 3), stride, each)
        self.vertical = Branch(cin, cout, (3, 1), stride, each) if vertical else None
        self.horizontal = Branch(cin, cout, (1, 3), stride, each) if horizontal else None
        self.norm = None if each else nn.BatchNorm2d(cout)

    def forward(self, x: Tensor) -> Tensor:
        y = self.square(x)
        if self.vertical is not None:
            y = y + self.vertical(x)
        if self.horizontal is not None:
            y = y + self.horizontal(x)
        return y if self.norm is None else self.norm(y)

    def folded(self) -> dict[str, Folded]:
        branches = {"square": self.square, "vertical": self.vertical, "horizontal": self.horizontal}
        return {name: branch.folded() for name, branch in branches.items() if branch is not None}

    def fuse(self) -> nn.Conv2d:
        """The one 3x3 convolution that computes what the trained block computes."""
        kernel, bias = added(self.folded().values())
        if self.norm is not None:  # the branches had no norms, so there is no bias yet
            kernel, bias = fold_norm(kernel, self.norm)
        return as_conv(kernel, bias, self.square.conv)


class ACNet(ResNet):
    """ResNet, whose 3x3 convolutions, each with its batch norm, are replaced by blocks. Others stay."""

    def __init__(
        self,
        *,
        block: type[BasicBlock] | type[Bottleneck],
        depths: tuple[int, ...],
        width: int = 64,
        stem: str = "7x7",
        vertical: bool = True,
        horizontal: bool = True,
        norm: str = "branch",
        fused: bool = False,
        num_classes: int,
    ) -> None:
        super().__init__(block=block, depths=depths, width=width, stem=stem, num_classes=num_classes)
        for module in list(self.modules()):
            for (name, conv), (follower, next_layer) in pairwise(list(module.named_children())):
                if not isinstance(conv, nn.Conv2d) or not isinstance(next_layer, nn.BatchNorm2d):
                    continue
                if conv.kernel_size != (3, 3):
                    continue
                cin, cout, stride = conv.in_channels, conv.out_channels, conv.stride[0]
                strong: nn.Module
                if fused:
                    strong = nn.Conv2d(cin, cout, 3, stride, padding=1)
                else:
                    strong = ACBlock(cin, cout, stride, vertical=vertical, horizontal=horizontal, norm=norm)
                setattr(module, name, strong.apply(he_init))
                setattr(module, follower, nn.Identity())  # the block norms by itself


README = "DingXiaoH/ACNet README, in round figures, one 224 crop; 70.6 without the blocks"


def row(depth: int, params: int, macs: int, top1: float | None = None) -> Variant:
    return Variant(
        name=f"acnet_resnet{depth}",
        title=f"ACNet (ResNet-{depth})",
        config=shape_of(depth),
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source=f"torchvision resnet{depth} with the authors' blocks, as trained",
            adapted=f"torchvision resnet{depth} with the fused weights",
            top1=top1,
            accuracy_source=README if top1 else "",
        ),
        note=f"As it is trained; fused it is ResNet-{depth} again, at that network's cost.",
    )


FAMILY = Family(
    key="acnet",
    title="ACNet",
    year=2019,
    paper="ACNet: Strengthening the Kernel Skeletons for Powerful CNN via Asymmetric Convolution Blocks",
    authors="Ding, Guo, Ding, Han",
    link="https://arxiv.org/abs/1908.03930",
    kind="shortcuts",
    parents=("resnet", "inception_v3"),
    idea="Train three convolutions where one will do, and add their kernels into one when the training is "
    "over.",
    story=Story(
        problem="A better network is usually a more expensive one, and who uses it pays at every picture. "
        "Could a network be made better only for as long as it trains?",
        trick="Beside each 3x3 convolution train a 1x3 and a 3x1 one, each with its own batch norm, and add "
        "the three. All of it is linear after training, so the norms fold into their kernels, and the row "
        "and the column are added to the middle of the square: one 3x3 kernel is left, with the same "
        "outputs.",
        cost="While it trains, two thirds more work in every 3x3 layer: ResNet-18 grows from 11.7 to 19.0 "
        "million parameters and from 1.8 to 2.9 GMACs. Afterwards, nothing.",
        outcome="By the authors' repository ResNet-18 rises from 70.6 to about 71.2 % top-1, and on "
        "CIFAR-10 ResNet-56 from 94.57 to 94.86 %. The block fits into any network with 3x3 convolutions. "
        "RepVGG carried the idea on to a network that could not be trained well without it.",
    ),
    model=ACNet,
    lesson=ACBlock,
    stages=("stem", "stages", "pool", "head"),
    table="figure 1; stage depths from ResNet, table 1",
    knobs=(
        Knob(
            name="fused",
            meaning="the network after training: one 3x3 convolution instead of each block",
            choices=(False, True),
        ),
        Knob(name="vertical", meaning="whether a block has its 3x1 convolution", choices=(False, True)),
        Knob(name="horizontal", meaning="whether a block has its 1x3 convolution", choices=(False, True)),
        Knob(
            name="norm",
            meaning="a batch norm in each branch, as in the paper, or one behind the sum",
            choices=("branch", "sum"),
        ),
        Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 37))),
        Knob(
            name="width",
            meaning="channels of the stem and of the first stage",
            choices=(8, 16, 24, 32, 48, 64, 80, 96, 128),
        ),
        Knob(
            name="stem",
            meaning="first convolution: 7x7, three 3x3 (C), or one 3x3 at full resolution (CIFAR)",
            choices=("7x7", "deep", "3x3"),
        ),
    ),
    deviations=(
        Deviation(
            what="Parameters and MACs are those of the network as it is trained. The authors compare "
            "networks after fusing, where they are those of the plain network.",
            effect="Turn fused on: parameters and MACs of ResNet, with a bias instead of each folded norm.",
        ),
        Deviation(
            what="The 7x7 convolution of the stem stays as it is, as in the counts of others; the paper's "
            "block can stand for larger kernels too.",
            effect="No row or column beside the first convolution.",
        ),
    ),
    variants=(
        Variant(
            name="acnet_classroom",
            title="ACNet, classroom size",
            config={"block": BasicBlock, "depths": (1, 1, 1), "width": 32, "stem": "deep"},
            input_size=32,
            num_classes=10,
            note="Three blocks in the stem and six in the stages; switch a branch off, or fuse them.",
        ),
        row(18, 19_028_520, 2_931_593_216, 71.2),
        row(34, 35_885_352, 6_014_406_656),
        row(50, 33_116_968, 5_322_309_632),
    ),
)
