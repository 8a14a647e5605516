"""Re-parameterisation step by step: a small block of branches becomes one convolution, its output the same.

The steps are the zoo's own functions, with which whole networks are fused: `folded` of the block, `squared`
and `added`.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from zoo import FAMILIES
from zoo.families.acnet import ACBlock, Fusible, added, as_conv, fold_norm, squared
from zoo.families.repvgg import RepConv

Block: TypeAlias = RepConv | ACBlock
Kind = TypeVar("Kind", bound=nn.Module)

STEPS: Mapping[str, str] = MappingProxyType(
    {
        "trained": "As trained",
        "folded": "Norms folded in",
        "squared": "All kernels 3 × 3",
        "added": "Added up",
    }
)
CHANNELS = ("red", "green", "blue")  # of the input
FILTERS = 3  # channels of the output
BLOCKS: Mapping[str, Callable[[], Block]] = MappingProxyType(  # by the family's key
    {
        "repvgg": lambda: RepConv(len(CHANNELS), FILTERS, 1, 1),
        "acnet": lambda: ACBlock(len(CHANNELS), FILTERS, 1, vertical=True, horizontal=True, norm="branch"),
    }
)
CODE: Mapping[str, Callable[..., object]] = MappingProxyType(  # what makes each step from the one before
    {"folded": fold_norm, "squared": squared, "added": added}
)
NAMES: Mapping[str, str] = MappingProxyType(  # of branches
    {
        "square": "3 × 3",
        "pointwise": "1 × 1",
        "identity": "The map itself",
        "vertical": "3 × 1",
        "horizontal": "1 × 3",
    }
)

_PHOTO = Path(__file__).parents[1] / "assets" / "photos" / "cat.jpg"
_EYE, _SIDE = (70, 100, 230, 260), 32  # px: what is cut out of the photo, and to which side it is shrunk


@dataclass(frozen=True, kw_only=True)
class Norm:
    """A batch norm's numbers, one for each filter."""

    gamma: NDArray[np.float32]
    beta: NDArray[np.float32]
    mean: NDArray[np.float32]
    variance: NDArray[np.float32]
    eps: float

    @property
    def factor(self) -> NDArray[np.float32]:
        return self.gamma / np.sqrt(self.variance + self.eps)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of the branches that are added, at one step."""

    name: str  # of NAMES
    kernel: NDArray[np.float32] | None  # (filters, channels, height, width); None: the map as it is
    bias: NDArray[np.float32] | None  # (filters,)
    norm: Norm  # behind the kernel; in later steps the one that was folded in
    output: NDArray[np.float32]  # (filters, H, W)


@dataclass(frozen=True, kw_only=True)
class Step:
    """The block after one of STEPS, and how far its output is from that of the block as trained."""

    parts: tuple[Part, ...]
    kernel: NDArray[np.float32] | None  # of the one convolution, when there is only one
    bias: NDArray[np.float32] | None
    output: NDArray[np.float32]  # (filters, H, W)
    convs: int
    norms: int
    params: int
    macs: int  # for one pixel of the output
    off: float  # largest difference in float32
    relative: float  # the same as a part of the largest output
    off_double: float  # and in float64


@dataclass(frozen=True, kw_only=True)
class Fusing:
    patch: NDArray[np.float32]  # (3, H, W) in 0..1
    expected: NDArray[np.float32]  # (filters, H, W): the output of the block as trained
    steps: Mapping[str, Step]  # by STEPS
    off_training: float  # how far the single convolution is from the block in training mode


def fusing(family: str, seed: int = 0) -> Fusing:
    """One of BLOCKS with random weights and statistics, fused on a piece of a photo."""
    block = BLOCKS[family]().eval()
    shake(block, seed)
    x = _patch()
    with torch.no_grad():
        expected = block(x)
        off_training = float((deepcopy(block).train()(x) - block.fuse()(x)).abs().max())
        doubled = deepcopy(block).double()
        exact = zip(stages(block).items(), stages(doubled).values(), strict=True)
        parts: dict[str, nn.Module] = {}
        steps = {}
        for (name, modules), double_modules in exact:
            output = total(modules, x)
            off_double = (total(double_modules, x.double()) - doubled(x.double())).abs().max()
            parts = parts if len(modules) == 1 else modules  # at the end, what is added stays in sight
            only = next(iter(modules.values())) if len(modules) == 1 else None
            steps[name] = Step(
                parts=tuple(_part(block, branch, module, x) for branch, module in parts.items()),
                kernel=_numbers(only.weight) if isinstance(only, nn.Conv2d) else None,
                bias=_numbers(only.bias) if isinstance(only, nn.Conv2d) and only.bias is not None else None,
                output=_numbers(output[0]),
                convs=len(_of(modules, nn.Conv2d)),
                norms=len(_of(modules, nn.BatchNorm2d)),
                params=sum(p.numel() for m in modules.values() for p in m.parameters()),
                macs=sum(conv.weight.numel() for conv in _of(modules, nn.Conv2d)),
                off=float((output - expected).abs().max()),
                relative=float((output - expected).abs().max() / expected.abs().max()),
                off_double=float(off_double),
            )
    return Fusing(
        patch=_numbers(x[0]), expected=_numbers(expected[0]), steps=MappingProxyType(steps),
        off_training=off_training,
    )  # fmt: skip


def stages(block: Block) -> dict[str, dict[str, nn.Module]]:
    """For each of STEPS the modules by branch whose outputs are added."""
    folded, like = block.folded(), block.square.conv
    return {
        "trained": {name: block.get_submodule(name) for name in folded},
        "folded": {name: as_conv(kernel, bias, like) for name, (kernel, bias) in folded.items()},
        "squared": {name: as_conv(squared(kernel), bias, like) for name, (kernel, bias) in folded.items()},
        "added": {"sum": block.fuse()},
    }


def total(modules: Mapping[str, nn.Module], x: Tensor) -> Tensor:
    """What the branches of a step make of x together: (B, C, H, W) -> (B, filters, H, W)."""
    return torch.stack([module(x) for module in modules.values()]).sum(0)


def shake(block: nn.Module, seed: int) -> None:
    """Weights of unit scale, and statistics as if the block had been trained: nothing is 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    for module in block.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data.normal_(0, module.weight[0].numel() ** -0.5, generator=generator)
        if isinstance(module, nn.BatchNorm2d):
            tensors = module.weight.data, module.bias.data, module.running_mean, module.running_var
            for tensor, (low, high) in zip(
                tensors, ((0.5, 1.5), (-0.3, 0.3), (-0.3, 0.3), (0.3, 1.2)), strict=True
            ):
                assert tensor is not None
                tensor.uniform_(low, high, generator=generator)


def networks() -> dict[str, str]:
    """The variants that can be fused, name -> title: those of families whose block is `Fusible`."""
    return {
        row.name: row.title
        for family in FAMILIES.values()
        if isinstance(family.lesson, type) and issubclass(family.lesson, Fusible)
        for row in family.variants
    }


def _patch() -> Tensor:
    photo = Image.open(_PHOTO).convert("RGB").crop(_EYE).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.asarray(photo, np.float32) / 255).permute(2, 0, 1)[None]


def _part(block: Block, name: str, module: nn.Module, x: Tensor) -> Part:
    branch = block.get_submodule(name)
    norm = branch if isinstance(branch, nn.BatchNorm2d) else branch.get_submodule("norm")
    assert isinstance(norm, nn.BatchNorm2d)
    conv = next(iter(_of({name: module}, nn.Conv2d)), None)
    return Part(
        name=name,
        kernel=None if conv is None else _numbers(conv.weight),
        bias=None if conv is None or conv.bias is None else _numbers(conv.bias),
        norm=_norm(norm),
        output=_numbers(module(x)[0]),
    )


def _norm(norm: nn.BatchNorm2d) -> Norm:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return Norm(
        gamma=_numbers(norm.weight), beta=_numbers(norm.bias), mean=_numbers(norm.running_mean),
        variance=_numbers(norm.running_var), eps=norm.eps,
    )  # fmt: skip


def _numbers(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().numpy().copy()


def _of(modules: Mapping[str, nn.Module], kind: type[Kind]) -> list[Kind]:
    return [part for module in modules.values() for part in module.modules() if isinstance(part, kind)]
