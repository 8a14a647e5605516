"""A few real numbers: the cat's left eye from assets/photos, in so few pixels that each can be written down.

Values are tenths from 0 to 1. A product of two tenths has two decimals, so what the page shows of a
convolution is exact, and can be checked by hand.
"""

import io
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

PHOTO = Path(__file__).parents[2] / "assets" / "photos" / "cat.jpg"
BOX = (96, 116, 208, 228)  # left, upper, right, lower, in pixels of the photo
COLOURS = ("red", "green", "blue")
DIRECTIONS = ("upright edges", "level edges", "falling edges", "rising edges")
_LARGEST = 16


def patch(side: int, colours: bool = False) -> Tensor:
    """The eye in side x side pixels: (1, 1, side, side) of brightness, or (1, 3, side, side) of colour."""
    if not 1 <= side <= _LARGEST:
        raise ValueError(f"The patch has from 1 to {_LARGEST} pixels a side, not {side}.")
    pixels = _pixels(side)
    return pixels.clone() if colours else _tenths(pixels.mean(1, keepdim=True))


def whole() -> bytes:
    """The photo, small, with a frame around the eye, as PNG."""
    with Image.open(PHOTO) as photo:
        picture = photo.convert("RGB")
    ImageDraw.Draw(picture).rectangle(BOX, outline="#0072b2", width=12)
    file = io.BytesIO()
    picture.resize((208, 208)).save(file, "PNG")
    return file.getvalue()


def maps(count: int, side: int) -> tuple[Tensor, tuple[str, ...]]:
    """Maps as a network has them behind its first layer, (1, count, side, side) and what each shows.

    Three colours, brightness, and how strongly edges of four directions stand out; at most eight.
    """
    wide = patch(side + 2)
    upright = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]) / 4
    falling = torch.tensor([[0.0, 1, 2], [-1, 0, 1], [-2, -1, 0]]) / 4
    kernels = torch.stack((upright, upright.T, falling, falling.flip(1)))[:, None]
    edges = nn.functional.conv2d(wide, kernels).abs()
    stack = torch.cat((patch(side, True), patch(side), _tenths(edges.clamp(max=1))), 1)
    names = (*COLOURS, "brightness", *DIRECTIONS)
    if not 1 <= count <= len(names):
        raise ValueError(f"There are {len(names)} maps, not {count}.")
    return stack[:, :count], names[:count]


def weights(shape: tuple[int, ...], seed: int, scale: float = 0.5) -> Tensor:
    """Random weights in tenths, from -2 to 2 times `scale`; the same for the same seed."""
    source = torch.Generator().manual_seed(seed)
    return _tenths((torch.randn(shape, generator=source) * scale).clamp(-2 * scale, 2 * scale))


def fill(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module in eval mode with weights in tenths, and batch norms that change nothing.

    A batch norm in front of training has mean 0, variance 1 and no shift; without its epsilon it is the
    identity, so that one sees what the convolutions do.
    """
    for i, child in enumerate(module.modules()):
        if isinstance(child, nn.Conv2d | nn.Linear):
            child.weight.data = weights(tuple(child.weight.shape), seed + i)
            if child.bias is not None:
                child.bias.data = weights(tuple(child.bias.shape), seed + i + 100, 0.1)
        elif isinstance(child, nn.BatchNorm2d):
            child.get_buffer("running_var").fill_(1 - child.eps)
    return module.eval().requires_grad_(False)


def _tenths(values: Tensor) -> Tensor:
    return (values * 10).round() / 10 + 0.0  # no negative zeros


@cache
def _pixels(side: int) -> Tensor:
    """(1, 3, side, side) in tenths: darkest to brightest value of the patch is 0 to 1."""
    with Image.open(PHOTO) as photo:
        small = photo.convert("RGB").resize((side, side), Image.Resampling.BOX, box=BOX)
    pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1)[None].float()
    return _tenths((pixels - pixels.min()) / (pixels.max() - pixels.min()))
