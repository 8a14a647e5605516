"""Plumbing that three or more families share; what a family is famous for stands in its own file."""

import math
from collections.abc import Iterable
from itertools import count
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SamePad(nn.Module):
    """TensorFlow's padding "SAME" for a window that strides: (B, C, H, W) -> (B, C, H + p, W + q).

    As few zeros as make ceil(H / stride) positions. Where their number is odd, the extra one goes below and
    to the right: a kernel of 3 at stride 2 on an even map pads only there. A max pool wants `value` -inf.
    """

    def __init__(self, kernel: tuple[int, int], stride: int, value: float = 0.0) -> None:
        super().__init__()
        self.kernel, self.stride, self.value = kernel, stride, value

    def forward(self, x: Tensor) -> Tensor:
        sizes = zip(self.kernel, x.shape[-2:], strict=True)
        height, width = (max(k - 1 - (n - 1) % self.stride, 0) for k, n in sizes)
        around = (width // 2, width - width // 2, height // 2, height - height // 2)
        return F.pad(x, around, value=self.value)


class ConvNormAct(nn.Sequential):
    """Convolution without bias, batch norm, activation: (B, cin, H, W) -> (B, cout, H/stride, W/stride).

    `padding` defaults to the one that keeps an odd kernel centred; "same" is TensorFlow's, which differs
    where the convolution strides. `act` None leaves the output linear.
    """

    def __init__(
        self,
        cin: int,
        cout: int,
        kernel: int | tuple[int, int],
        *,
        stride: int = 1,
        groups: int = 1,
        dilation: int = 1,
        padding: int | Literal["same"] | None = None,
        eps: float = 1e-5,
        act: type[nn.Module] | None = nn.ReLU,
    ) -> None:
        super().__init__()
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        pad: int | tuple[int, int] = (dilation * (height // 2), dilation * (width // 2))
        if padding == "same" and stride > 1:
            self.pad = SamePad((height, width), stride)
            pad = 0
        elif isinstance(padding, int):
            pad = padding
        self.conv = nn.Conv2d(cin, cout, (height, width), stride, pad, dilation, groups, bias=False)
        self.norm = nn.BatchNorm2d(cout, eps=eps)
        if act is not None:
            self.act = act()


class Branches(nn.ModuleDict):
    """Several views of one map, each with a name, put together: (B, cin, H, W) -> (B, C, H', W')."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.values()], 1)


class Residual(nn.Module):
    """A transformation beside a shortcut, added, and ReLU: (B, cin, H, W) -> (B, cout, H/s, W/s)."""

    def __init__(self, transform: nn.Module, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.transform = transform
        self.shortcut = shortcut
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.transform(x)
        return self.relu(y if self.shortcut is None else y + self.shortcut(x))


class Rescale(nn.Module):
    """The image at `factor` times its height and width, bilinear: (B, C, H, W) -> (B, C, factor H, factor W).

    The resolution multiplier of MobileNet, EfficientNet and TinyNet, as a part of the network.
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        height, width = (max(1, round(self.factor * n)) for n in x.shape[-2:])
        return F.interpolate(x, (height, width), mode="bilinear", antialias=True)


class StochasticDepth(nn.Module):
    """In training, sets a branch to zero for one image in 1/p and scales it up for the others.

    Huang et al. 2016 (arXiv:1603.09382), in the form that leaves evaluation alone: (B, ...) -> (B, ...).
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"A branch can be left out with a probability from 0 to below 1, not {p:g}.")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = torch.rand(x.shape[0], *[1] * (x.ndim - 1), device=x.device) >= self.p
        return x * kept / (1 - self.p)


def map_size(size: int, kernel: int, stride: int, padding: int = 0, *, ceil: bool = False) -> int:
    """Height of a map behind a convolution or a pool."""
    steps = (size + 2 * padding - kernel) / stride
    out = (math.ceil(steps) if ceil else math.floor(steps)) + 1
    if ceil and (out - 1) * stride >= size + padding:  # no window starts in the padding
        out -= 1
    return out


def side_behind(layers: Iterable[nn.Module], side: int) -> int:
    """Height of a square map behind these layers; of parallel branches, which agree, it follows the first."""
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            kernel, stride, padding = (
                value if isinstance(value, int) else int(value[0])
                for value in (layer.kernel_size, layer.stride, layer.padding)
            )
            side = map_size(side, kernel, stride, padding)
        elif isinstance(layer, Branches):
            side = side_behind([next(iter(layer.values()))], side)
        else:
            side = side_behind(layer.children(), side)
    return side


def demand_pixels(layers: Iterable[nn.Module], input_size: int) -> None:
    """ValueError where these layers, none of which pads much, leave nothing of a picture of this size."""
    layers = list(layers)
    if side_behind(layers, input_size) < 1:
        least = next(size for size in count(input_size) if side_behind(layers, size) >= 1)
        raise ValueError(
            f"At {input_size} px nothing of the map is left for the last stage; {least} px is the least."
        )


def round_channels(channels: float, divisor: int = 8) -> int:
    """The nearest multiple of `divisor`, at least `divisor`, and never more than 10 % below `channels`."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def he_init(module: nn.Module) -> None:
    """He et al. 2015 (arXiv:1502.01852): keep the variance of a ReLU network level. For `model.apply`."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def transformer_init(module: nn.Module) -> None:
    """Truncated normal weights of deviation 0.02, zero biases: ViT, Swin, ConvNeXt. For `model.apply`."""
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
