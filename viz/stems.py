"""The first layer of a network: what Zeiler and Fergus saw in AlexNet's, and mended.

Zeiler, Fergus 2013 (arXiv:1311.2901), section 4.1 and figure 6: filters of very high and very low frequency
with little between them, dead filters, aliasing from a stride of 4; section 3: the clip of filters whose root
mean square passes 0.1, without which a few dominate.

C channels of a picture, F filters, k x k pixels of a filter, N x N frequencies, s stride.
Frequencies are in cycles per pixel of the picture: 0.5, Nyquist's, is one black and one white pixel in turn.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viz import hooks, strongest
from viz.layers import Layer

GRID = 64  # frequencies a side: filters of all sizes are laid into as many pixels
CLIP = 0.1  # root mean square at which the paper scales a filter back
NYQUIST = 0.5
RINGS = 20  # of the radial profile, each 0.025 cycles per pixel wide
SECTORS = 12  # of the orientations, each 15 degrees wide
COARSE = 1 / 16  # cycles per pixel: what is slower has no orientation in a filter of a few pixels

Order = Literal["energy", "hue", "stored"]
ORDERS: Sequence[Order] = ("energy", "hue", "stored")
_AT_ONCE = 32  # filters
_GREY = 0.25  # share of a filter's energy off the grey axis below which it counts as grey


@dataclass(frozen=True, kw_only=True, eq=False)
class Stem:
    """The first convolution of a network."""

    path: str
    weight: Tensor  # (F, C, kh, kw)
    stride: int
    layers: tuple[Layer, ...]  # where the maps of each convolution are looked at; () where nowhere

    @property
    def kernel(self) -> int:
        """Pixels a side."""
        return self.weight.shape[-1]

    @property
    def patches(self) -> bool:
        """Whether the filters stand beside each other without overlap, as in a vision transformer."""
        return self.kernel <= self.stride

    @property
    def rms(self) -> Tensor:
        """Root mean square of each filter's weights, (F,)."""
        return self.weight.square().mean((1, 2, 3)).sqrt()


def stem(model: nn.Module, image: Tensor) -> Stem:
    """What looks at the picture (1, C, H, W) first. ValueError where that is no square convolution."""
    found: list[tuple[str, nn.Conv2d]] = []

    def see(path: str, module: nn.Module, output: Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            found.append((path, module))

    hooks.visit(model, image, see)
    if not found:
        raise ValueError("This network has no convolution, so there are no filters to look at.")
    path, first = found[0]
    if first.in_channels != image.shape[1] or first.groups != 1:
        raise ValueError(f"The first convolution, {path}, does not read the picture itself.")
    if first.kernel_size[0] != first.kernel_size[1] or first.stride[0] != first.stride[1]:
        raise ValueError(f"The filters of {path} are not square.")
    try:
        layers = strongest.convolutional(model, image)
    except ValueError:  # nothing in it keeps places
        layers = ()
    return Stem(path=path, weight=first.weight.detach().float(), stride=first.stride[0], layers=layers)


def ordered(weight: Tensor, by: Order) -> Tensor:
    """Numbers of the filters (F,): strongest first; by hue, grey ones first; or as the network has them."""
    energy = weight.square().sum((1, 2, 3))
    if by == "stored":
        return torch.arange(len(weight))
    if by == "energy" or weight.shape[1] != 3:
        return energy.argsort(descending=True, stable=True)
    colourful, hue = colours(weight)
    grey = colourful < _GREY
    # grey ones by energy, the strongest first; then around the circle of opponent colours
    place = torch.where(grey, -1 - energy / energy.max().clamp_min(1e-12), hue)
    return place.argsort(stable=True)


def colours(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Of filters (F, 3, k, k): the share of energy off grey, 0..1, and the hue of the colour axis, 0..1.

    The axis is the principal direction of the weights' part that is not grey. A filter and its negative see
    the same two opponent colours, so an axis has no sign, and the circle goes round in half a turn.
    """
    flat = weight.flatten(2)  # (F, 3, kk)
    coloured = flat - flat.mean(1, keepdim=True)
    energy = flat.square().sum((1, 2))
    share = coloured.square().sum((1, 2)) / energy.clamp_min(1e-20)
    _, axes = torch.linalg.eigh(coloured @ coloured.transpose(1, 2))
    axis = axes[:, :, -1]  # (F, 3), of the largest eigenvalue
    red, green, blue = axis.unbind(1)
    hue = torch.atan2(math.sqrt(3) * (green - blue), 2 * red - green - blue)  # up to half a turn
    return share, torch.remainder(hue / math.pi, 1.0)


def power(weight: Tensor, size: int = GRID) -> Tensor:
    """Power of filters (F, C, k, k) at each frequency, summed over channels: (F, size, size).

    Filters are laid into size x size zeros, so that those of different sizes have the same frequencies.
    Frequency 0 is in the middle: what stands at [size/2 + a, size/2 + b] belongs to a/size cycles per pixel
    downwards and b/size to the right. ValueError where a filter is larger than that.
    """
    if max(weight.shape[2:]) > size:
        raise ValueError(f"A filter of {weight.shape[-1]} pixels does not fit into {size}.")
    return torch.fft.fftshift(torch.fft.fft2(weight, s=(size, size)), dim=(2, 3)).abs().square().sum(1)


def frequencies(size: int = GRID) -> tuple[Tensor, Tensor]:
    """Cycles per pixel downwards and to the right of `power`'s grid, each (size, size)."""
    steps = torch.fft.fftshift(torch.fft.fftfreq(size))
    down, right = torch.meshgrid(steps, steps, indexing="ij")
    return down, right


@dataclass(frozen=True, kw_only=True, eq=False)
class Spectrum:
    """What frequencies a bank of filters answers to; noise, which has all alike, would give 1 everywhere."""

    power: Tensor  # (N, N), the mean over filters relative to white noise of the same energy
    radius: Tensor  # (RINGS,) middles of the rings
    radial: Tensor  # (RINGS,) mean of `power` on each ring up to Nyquist's frequency
    angle: Tensor  # (SECTORS,) degrees of the stripes: 0 lying, 45 rising to the right, 90 upright
    oriented: Tensor  # (SECTORS,) mean of `power` in each sector, between COARSE and Nyquist's frequency
    peak: Tensor  # (F,) the frequency that each filter answers to most
    stripes: Tensor  # (F,) degrees of those stripes; NaN where they are slower than COARSE


def spectrum(weight: Tensor, *, alike: bool = False) -> Spectrum:
    """Of filters (F, C, k, k). `alike`: each filter counts the same, else by its energy.

    Filters of zeros have no frequency: NaN stands for their peaks.
    """
    each = power(weight)
    energy = each.sum((1, 2), keepdim=True)
    weighed = each / energy.clamp_min(1e-30) if alike else each
    mean = weighed.mean(0)
    mean = mean / mean.mean().clamp_min(1e-30)
    down, right = frequencies(len(mean))
    radius = torch.hypot(down, right)
    angle = torch.remainder(torch.rad2deg(torch.atan2(-down, right)) + 90, 180)  # stripes lie across
    rings = (radius / NYQUIST * RINGS).long()
    rings[radius == NYQUIST] = RINGS - 1
    sectors = torch.remainder((angle / 180 * SECTORS).round().long(), SECTORS)
    band = (radius >= COARSE) & (radius <= NYQUIST)
    best = each.flatten(1).argmax(1)
    empty = energy.flatten() <= 0
    nan = torch.tensor(math.nan)
    fastest = radius.flatten()[best]
    return Spectrum(
        power=mean,
        radius=(torch.arange(RINGS) + 0.5) * NYQUIST / RINGS,
        radial=torch.stack([mean[rings == ring].mean() for ring in range(RINGS)]),
        angle=torch.arange(SECTORS) * 180.0 / SECTORS,
        oriented=torch.stack([mean[band & (sectors == sector)].mean() for sector in range(SECTORS)]),
        peak=torch.where(empty, nan, fastest),
        stripes=torch.where(empty | (fastest < COARSE), nan, angle.flatten()[best]),
    )


def bands(found: Spectrum, edges: Sequence[float]) -> list[float]:
    """Shares of the energy below the first edge, between each two, and above the last: they add up to 1."""
    down, right = frequencies(len(found.power))
    radius = torch.hypot(down, right)
    limits = [-1.0, *edges, math.inf]
    total = found.power.sum()
    return [
        float(found.power[(radius >= low) & (radius < high)].sum() / total) for low, high in pairwise(limits)
    ]


def folded(size: int, stride: int) -> Tensor:
    """Which of size x size frequencies a grid of every `stride`-th pixel cannot hold: (size, size) of bool.

    It holds what swings less than half a cycle from one of its points to the next, along both axes; anything
    else comes out as a slower pattern that is not there (the sampling theorem). On the edge itself a wave and
    its mirror image fall together, so the edge counts as lost. Stride 1 loses nothing.
    """
    if stride == 1:
        return torch.zeros(size, size, dtype=torch.bool)
    down, right = frequencies(size)
    most = 0.5 / stride
    return (down.abs() >= most) | (right.abs() >= most)


@dataclass(frozen=True, kw_only=True, eq=False)
class Aliasing:
    """How much of filters' answers to a picture a stride turns into something else."""

    stride: int
    energy: Tensor  # (F,) mean square of each filter's answer at every pixel, without what is constant
    each: Tensor  # (F,) share of it that is lost, 0..1; 0 for a filter that does not answer
    share: float  # the same of all filters together


def aliasing(weight: Tensor, picture: Tensor, strides: Sequence[int]) -> tuple[Aliasing, ...]:
    """Of filters (F, C, k, k) on a square picture (C, H, H), before bias and rectifier, for each stride.

    The picture is taken to repeat at its edges. The share is derived from the sampling theorem. At every
    pixel, without a stride, a filter's answer is r. Split it by frequency into what a grid of every s-th
    pixel can hold and the rest, h, see `folded`. What the layer keeps are samples of both; over the s x s
    places where such a grid can begin, the energy of h's samples is on the average |h|^2/|r|^2 of all. That
    is the share: 0 where nothing is too fine for the stride, 1 where all is. What is constant is left out. It
    is also the condition under which a layer answers to a shifted picture by a shifted response: Azulay,
    Weiss 2018 (arXiv:1805.12177), section 2; Simoncelli et al. 1992, "Shiftable multiscale transforms".
    """
    size = picture.shape[-1]
    waves = torch.fft.rfft2(picture)  # (C, H, H/2 + 1): the other half is the same
    masks = torch.stack([_half(folded(size, stride)) for stride in strides]).float().flatten(1)
    twice = torch.full(waves.shape[1:], 2.0)
    twice[:, 0] = 1
    if size % 2 == 0:
        twice[:, -1] = 1
    twice[0, 0] = 0  # what is constant
    found = []
    for some in torch.split(weight, _AT_ONCE):
        answers = torch.fft.rfft2(some, s=(size, size))
        square = (answers.conj() * waves).sum(1).abs().square() * twice / size**4  # by Parseval
        found.append(torch.stack([square.sum((1, 2)), *(square.flatten(1) @ masks.T).T]))
    whole, *parts = torch.cat(found, 1)  # each (F,)
    return tuple(
        Aliasing(
            stride=stride, energy=whole, each=part / whole.clamp_min(1e-30),
            share=float(part.sum() / whole.sum().clamp_min(1e-30)),
        )
        for stride, part in zip(strides, parts, strict=True)
    )  # fmt: skip


def _half(grid: Tensor) -> Tensor:
    """A grid as `frequencies` lays it out (N, N), as rfft2 does (N, N/2 + 1)."""
    return torch.fft.ifftshift(grid)[:, : grid.shape[1] // 2 + 1]


def answer(weight: Tensor, picture: Tensor) -> Tensor:
    """One filter (C, k, k) at every pixel of a picture (C, H, W) that repeats at its edges: (H, W).

    What a layer of stride s puts out, bias and border aside, is every s-th row and column of it.
    """
    side = weight.shape[-1]
    padded = F.pad(picture[None], (0, side - 1, 0, side - 1), mode="circular")
    return F.conv2d(padded, weight[None])[0, 0].roll(((side - 1) // 2,) * 2, (0, 1))


def zone_plate(size: int) -> Tensor:
    """Rings that get finer from the middle outwards, (size, size) from 0 to 1; `size` is even.

    At x pixels from the middle there are x / size cycles per pixel, so every place is a frequency, up to
    Nyquist's at the edges, where the picture repeats without a seam.
    """
    down, right = _places(size)
    return 0.5 + 0.5 * torch.cos(math.pi * (down**2 + right**2) / size)


def chirp(size: int) -> Tensor:
    """Upright stripes that get finer from the middle to both sides, (size, size) from 0 to 1; `size` even."""
    _, right = _places(size)
    return 0.5 + 0.5 * torch.cos(math.pi * right**2 / size)


def stripes(size: int, cycles: float = 0.22, degrees: float = 8.0) -> Tensor:
    """Even stripes of `cycles` per pixel, `degrees` from upright, (size, size) from 0 to 1: a striped shirt.

    Turned and spaced by as little as it takes to have them repeat at the picture's edges.
    """
    turned = math.radians(degrees)
    across, down = (round(size * cycles * part) / size for part in (math.cos(turned), math.sin(turned)))
    rows, columns = _places(size)
    return 0.5 + 0.5 * torch.cos(2 * math.pi * (across * columns + down * rows))


def noise(size: int) -> Tensor:
    """Noise whose contrast falls as 1/f, as in photos (Field 1987): (size, size) from 0 to 1."""
    drawn = torch.randn(size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    radius = torch.hypot(*(f.double() for f in frequencies(size)))
    radius[size // 2, size // 2] = math.inf
    waves = torch.fft.fftshift(torch.fft.fft2(drawn)) / radius
    made = torch.fft.ifft2(torch.fft.ifftshift(waves)).real
    return (made - made.min()) / (made.max() - made.min())


PICTURES: Mapping[str, Callable[[int], Tensor]] = MappingProxyType(
    {"zone": zone_plate, "chirp": chirp, "stripes": stripes, "noise": noise}
)


def _places(size: int) -> tuple[Tensor, Tensor]:
    """Pixels from the middle, downwards and to the right."""
    if size % 2:
        raise ValueError(f"The picture needs an even number of pixels, not {size}.")
    places = torch.arange(size, dtype=torch.float64) - size // 2
    rows, columns = torch.meshgrid(places, places, indexing="ij")
    return rows, columns


def silent(loudest: Tensor, threshold: float) -> float:
    """Share of a layer's maps, 0..1, that stay silent; `loudest` (c,) are their largest activations of all.

    Silent is a map whose largest activation over all places of all pictures is at most `threshold` times that
    of the loudest map of its layer. At threshold 0 these are maps that never got above zero. Where no map
    did, all are silent.
    """
    reached = loudest.clamp_min(0)
    return float((reached <= threshold * reached.max()).float().mean())
