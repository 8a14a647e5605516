"""The residual block as a thing to turn: one record of its choices, and the module that they make.

BasicBlock and Bottleneck: He et al. 2015, arXiv:1512.03385, figure 5; always projecting is option C of its
section 3.3. Where a bottleneck strides, and the shortcut that averages: He et al. 2018, arXiv:1812.01187,
figure 2. Norm and ReLU in front: He et al. 2016, arXiv:1603.05027, figure 1b. Groups: Xie et al. 2016,
arXiv:1611.05431, figure 3c. Squeeze and excite: Hu et al. 2017, arXiv:1709.01507, figure 3. The tests hold
every one of them against the block in the family's own file.

B images, C channels, H x W pixels, s stride.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import gcd, log
from types import MappingProxyType

import torch
from torch import Tensor, nn

from zoo.anatomy import Anatomy, dissect
from zoo.anatomy.kept import kept
from zoo.families.senet import squeeze_excite

KINDS: Mapping[str, str] = MappingProxyType({"basic": "BasicBlock", "bottleneck": "Bottleneck"})
SHORTCUTS = ("identity", "projection", "average", "none")
ORDERS = ("post", "pre")
PLACES = ("3x3", "1x1")
_REDUCTION = 16  # of squeeze and excite, as in the paper's tables


@dataclass(frozen=True, kw_only=True)
class Block:
    """What a residual block is. ValueError with a sentence for one that cannot be."""

    kind: str  # of KINDS
    cin: int  # channels that it reads
    width: int  # channels between its convolutions
    cout: int  # channels that it hands on
    stride: int = 1
    stride_in: str = "3x3"  # where a bottleneck strides: v1.5 in the kernel, v1 in the first "1x1"
    kernel: int = 3  # side of what is 3x3 in the papers
    groups: int = 1  # of a bottleneck's middle convolution
    shortcut: str = "identity"  # of SHORTCUTS; "average" is a projection that averages where it strides
    order: str = "post"  # norm and ReLU behind each convolution, or in front of it: "pre"
    excite: bool = False  # squeeze and excite at the end of the branch

    def __post_init__(self) -> None:
        for name, known in (
            ("kind", tuple(KINDS)), ("shortcut", SHORTCUTS), ("order", ORDERS), ("stride_in", PLACES),
        ):  # fmt: skip
            if getattr(self, name) not in known:
                raise ValueError(
                    f"The {name} of a block is one of {', '.join(known)}, not {getattr(self, name)!r}."
                )
        if min(self.cin, self.width, self.cout, self.stride, self.kernel, self.groups) < 1:
            raise ValueError("Channels, stride, kernel and groups of a block are at least 1.")
        if self.kernel % 2 == 0:
            raise ValueError(
                f"A kernel of {self.kernel} has no middle pixel, so the map would not keep its size."
            )
        if self.kind == "basic" and self.groups > 1:
            raise ValueError("Only the middle convolution of a bottleneck is grouped.")
        if self.width % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {self.width} channels.")
        if self.shortcut == "identity" and self.reshapes:
            raise ValueError(
                f"The input of {self.cin} channels cannot be added to {self.cout} channels at stride "
                f"{self.stride} as it is: the shortcut needs a projection."
            )

    @property
    def reshapes(self) -> bool:
        """Whether the output has another shape than the input."""
        return self.cin != self.cout or self.stride > 1

    @property
    def text(self) -> str:
        """The record as JSON, for `from_text`."""
        return json.dumps(asdict(self))


class ResidualBlock(nn.Module):
    """A branch of convolutions beside a shortcut, added: (B, cin, H, W) -> (B, cout, H/s, W/s)."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.before, self.branch, self.after = nn.Sequential(), nn.Sequential(), nn.Sequential()
        convolutions = _convolutions(block)
        for i, conv in enumerate(convolutions, start=1):
            if block.order == "pre":
                front = self.branch if i > 1 else self.before
                front.add_module(f"norm{i}", nn.BatchNorm2d(conv.in_channels))
                front.add_module(f"relu{i}", nn.ReLU())
            self.branch.add_module(f"conv{i}", conv)
            if block.order == "post":
                self.branch.add_module(f"norm{i}", nn.BatchNorm2d(conv.out_channels))
                behind = self.branch if i < len(convolutions) else self.after
                behind.add_module(f"relu{i}", nn.ReLU())
        if block.excite:
            self.branch.add_module("se", squeeze_excite(block.cout, _REDUCTION))
        self.shortcut = _shortcut(block)
        self.reshapes = block.reshapes

    def forward(self, x: Tensor) -> Tensor:
        a = self.before(x)  # the norm and ReLU of a pre-activated block, else x
        y = self.branch(a)  # (B, cout, H/s, W/s)
        if self.shortcut is not None:
            y = y + self.shortcut(a if self.reshapes else x)
        return self.after(y)


def _convolutions(block: Block) -> list[nn.Conv2d]:
    def conv(cin: int, cout: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
        return nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False)

    cin, width, cout, kernel = block.cin, block.width, block.cout, block.kernel
    if block.kind == "basic":
        return [conv(cin, width, kernel, block.stride), conv(width, cout, kernel)]
    first, second = (block.stride, 1) if block.stride_in == "1x1" else (1, block.stride)
    return [
        conv(cin, width, 1, first),
        conv(width, width, kernel, second, block.groups),
        conv(width, cout, 1),
    ]


def _shortcut(block: Block) -> nn.Module | None:
    """The way around the branch. Behind the shared norm of a pre-activated block it has none of its own."""
    if block.shortcut == "none":
        return None
    if block.shortcut == "identity":
        return nn.Identity()
    layers, stride = nn.Sequential(), block.stride
    if block.shortcut == "average" and stride > 1:
        layers.add_module("pool", nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False))
        stride = 1
    layers.add_module("conv", nn.Conv2d(block.cin, block.cout, 1, stride, bias=False))
    if block.order == "post":
        layers.add_module("norm", nn.BatchNorm2d(block.cout))
    return layers


class Amid(nn.Module):
    """A block as it stands in a network: in training its input wants a gradient too."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x.detach().requires_grad_() if self.training else x)


def from_text(text: str) -> nn.Module:
    """The block that `Block.text` describes, ready to be timed. For `zoo.timing.measure`."""
    return Amid(ResidualBlock(Block(**json.loads(text))))


@dataclass(frozen=True)
class Costs:
    """What a block costs for one map of `size` x `size` pixels."""

    block: Block
    size: int

    @cached_property
    def anatomy(self) -> Anatomy:
        return dissect(self._skeleton(), (self.block.cin, self.size, self.size))

    @cached_property
    def kept(self) -> Mapping[str, int]:
        """Bytes kept for the backward pass, by the path of the module that needs them first."""
        return kept(self._skeleton(), (self.block.cin, self.size, self.size))

    @cached_property
    def shares(self) -> Mapping[str, int]:
        """The parameters of the branch's convolutions, of norms, of the shortcut, and of the rest."""
        found = {"convolutions": 0, "batch norm": 0, "projection": 0, "squeeze and excite": 0}
        for layer in self.anatomy.layers:
            name = "batch norm" if layer.kind == "norm" else "convolutions"
            if layer.path.startswith("branch.se"):
                name = "squeeze and excite"
            elif layer.path.startswith("shortcut") and layer.kind == "conv":
                name = "projection"
            found[name] += layer.params
        return found

    def amount(self, quantity: str) -> int:
        """The whole block's "params", "macs" or "memory" (bytes)."""
        if quantity == "memory":
            return sum(self.kept.values())
        return self.anatomy.macs if quantity == "macs" else self.anatomy.params

    def _skeleton(self) -> nn.Module:
        with torch.device("meta"):
            return ResidualBlock(self.block)


def crossing(
    channels: Sequence[int], one: Sequence[float], other: Sequence[float]
) -> tuple[float, float] | None:
    """At how many channels, and at which cost, the first of two costs stops or begins to be the smaller one.

    Between two of the `channels` it is read off straight lines on logarithmic axes. None where they never
    cross.
    """
    gaps = [log(a / b) for a, b in zip(one, other, strict=True)]
    for (left, before), (right, after) in pairwise(zip(channels, gaps, strict=True)):
        if before * after < 0 or (before != 0 and after == 0 and right != channels[-1]):
            way, (low, high) = before / (before - after), (one[channels.index(c)] for c in (left, right))
            return float(left * (right / left) ** way), float(low * (high / low) ** way)
    return None


@dataclass(frozen=True, kw_only=True)
class Dials:
    """What a reader turns, for a BasicBlock and a Bottleneck at once. Every combination is possible."""

    channels: int = 256  # that the bottleneck reads
    ratio: int = 4  # of these to the width inside the bottleneck
    expansion: int = 4  # of the channels that the bottleneck hands on to its width
    stride: int = 1
    kernel: int = 3
    groups: int = 1
    size: int = 56  # side of the map
    shortcut: str = "identity"
    stride_in: str = "3x3"
    order: str = "post"
    excite: bool = False
    basic: str = "same"  # the BasicBlock reads and hands on the "same" channels, or 1/expansion: "paper"

    @property
    def width(self) -> int:
        return self.channels // self.ratio

    @property
    def fitting_groups(self) -> int:
        """The most groups, up to the wanted ones, that divide the width."""
        return gcd(self.groups, self.width)

    @property
    def blocks(self) -> tuple[Block, Block]:
        """The two. An identity or an average is a projection or an identity where the shape asks for it."""
        cin, cout = self.channels, self.width * self.expansion
        narrow = 1 if self.basic == "same" else self.expansion
        shortcut = self.shortcut
        if shortcut == "identity" and (cin != cout or self.stride > 1):
            shortcut = "projection"
        elif shortcut == "average" and cin == cout and self.stride == 1:
            shortcut = "identity"
        bottleneck = Block(
            kind="bottleneck", cin=cin, width=self.width, cout=cout, stride=self.stride,
            stride_in=self.stride_in, kernel=self.kernel, groups=self.fitting_groups, shortcut=shortcut,
            order=self.order, excite=self.excite,
        )  # fmt: skip
        basic = replace(
            bottleneck, kind="basic", cin=cin // narrow, width=cout // narrow, cout=cout // narrow, groups=1
        )
        return basic, bottleneck
