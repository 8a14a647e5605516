"""Whether to believe a map: scores against the network itself, against other maps, and against what is known.

A map is a (H, W) array of the evidence for one class, in any unit: what counts is which pixels come first,
and for `grid_share` what is positive. Equal values stand in reading order. No score means much alone. Beside
each stand those of `random` and `centred`, which know nothing of the network, and of the map of its `twin`,
which knows nothing of the world.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viz.hooks import shell

STEPS = 16  # of a curve: 1/16 of the pixels in each
BATCH = 8  # pictures that the network looks at together
BLUR = 50 / 224  # deviation of the insertion's blur, in sides of the picture
CELLS = 7  # of the random map, in each direction: as coarse as the last layer's at 224 pixels
SPREAD = 1 / 4  # deviation of the centred map, in sides of the picture
STAYS = 0.5  # a map whose rank correlation with the twin's reaches this has hardly looked at the weights

Map = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """What is left of a class's probability, pixel by pixel in the order of a map."""

    shares: NDArray[np.float64]  # of the pixels changed so far, 0 to 1, STEPS + 1 of them
    probabilities: NDArray[np.float64]  # of the class, 0..1, at each

    @property
    def auc(self) -> float:
        """The area under the curve, 0..1, by trapezoids."""
        return float(np.trapezoid(self.probabilities, self.shares))


def deletion(model: nn.Module, image: Tensor, heat: Map, target: int) -> Curve:
    """The strongest pixels are taken out first; a low area is good. `image`: (1, C, H, W), normalised.

    A pixel that is out has the mean of the data, 0 here. Petsiuk, Das, Saenko 2018, "RISE"
    (arXiv:1806.07421), section 4.1; CausalMetric of their evaluation.py, in STEPS steps.
    """
    return _curve(model, image, torch.zeros_like(image), heat, target)


def insertion(model: nn.Module, image: Tensor, heat: Map, target: int) -> Curve:
    """The strongest pixels are put back first into a blurred picture; a high area is good.

    As `deletion`. The authors blur with a deviation of 5 of 224 pixels; much can be recognised through that,
    so here it is BLUR.
    """
    return _curve(model, blurred(image), image, heat, target)


def blurred(image: Tensor) -> Tensor:
    """(1, C, H, W) -> the same under a Gaussian of BLUR; beyond the edge goes on what is at the edge."""
    for axis, side in ((2, image.shape[2]), (3, image.shape[3])):
        places = torch.arange(side, dtype=torch.float32)
        radius = round(3 * BLUR * side)
        kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / (BLUR * side)) ** 2)
        kernel /= kernel.sum()
        taken = (places[:, None] + torch.arange(-radius, radius + 1)).clamp(0, side - 1).long()
        weights = torch.zeros(side, side).scatter_add_(1, taken, kernel.expand(side, -1))
        image = torch.tensordot(image, weights.to(image), dims=([axis], [1])).movedim(-1, axis)
    return image


def _curve(model: nn.Module, start: Tensor, end: Tensor, heat: Map, target: int) -> Curve:
    height, width = start.shape[2:]
    if heat.shape != (height, width):
        raise ValueError(f"The map has {heat.shape} pixels, the picture {(height, width)}.")
    order = np.argsort(-heat, axis=None, kind="stable")
    ends = np.rint(np.linspace(0, order.size, STEPS + 1)).astype(int)
    place = np.empty(order.size, dtype=int)
    place[order] = np.arange(order.size)
    changed = torch.from_numpy(place.reshape(height, width) < ends[:, None, None])[
        :, None
    ]  # (STEPS+1, 1, H, W)
    inner = shell(model)
    with torch.no_grad():
        told = [
            inner(torch.where(part, end, start).contiguous(memory_format=torch.channels_last)).softmax(1)[
                :, target
            ]
            for part in torch.split(changed, BATCH)
        ]
    return Curve(shares=ends / order.size, probabilities=torch.cat(told).double().numpy())


def ranks(values: Map) -> NDArray[np.float64]:
    """Places of the values in their order, from 1; equal ones share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    means: NDArray[np.float64] = np.cumsum(counts) - (counts - 1) / 2
    return means[inverse].reshape(values.shape)


def rank_correlation(one: Map, other: Map) -> float:
    """Spearman's: -1 for the opposite order of pixels, 0 for none, 1 for the same; NaN for a flat map."""
    if one.shape != other.shape:
        raise ValueError(f"Maps of {one.shape} and {other.shape} pixels cannot be compared.")
    a, b = (ranks(each).ravel() - (each.size + 1) / 2 for each in (one, other))
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale else float("nan")


def pointing(heat: Map, mask: NDArray[np.bool_], tolerance: int = 0) -> float:
    """1 where the map's highest pixel lies on the object or within `tolerance` pixels of it, else 0.

    Several equally high pixels count for their share, so that a flat map scores as chance does.
    Zhang et al. 2016, "Top-down neural attention by excitation backprop" (arXiv:1608.00507), section 4.1;
    they allow 15 pixels on photos.
    """
    if heat.shape != mask.shape:
        raise ValueError(f"The map has {heat.shape} pixels, the mask {mask.shape}.")
    peaks = np.argwhere(heat == heat.max())
    if not tolerance:
        return float(mask[tuple(peaks.T)].mean())
    object_ = np.argwhere(mask)
    near = [len(object_) > 0 and ((object_ - peak) ** 2).sum(1).min() <= tolerance**2 for peak in peaks]
    return float(np.mean(near))


def grid_share(heat: Map, cell: int) -> float:
    """How much of the positive evidence lies in a quarter of a 2x2 mosaic, 0..1; 0 where none is positive.

    `cell`: 0 to 3 in reading order. Chance is 1/4. Böhle, Fritz, Schiele 2021 (arXiv:2104.00032), section 4.
    """
    positive = np.clip(heat, 0, None)
    total = float(positive.sum())
    return float(positive[quarter(heat.shape, cell)].sum()) / total if total else 0.0


def quarter(size: tuple[int, ...], cell: int) -> tuple[slice, slice]:
    """The pixels of a cell of a 2x2 mosaic of (H, W)."""
    height, width = size
    rows = (slice(0, height // 2), slice(height // 2, height))
    columns = (slice(0, width // 2), slice(width // 2, width))
    return rows[cell // 2], columns[cell % 2]


def random(size: tuple[int, int], seed: int) -> NDArray[np.float32]:
    """A map (H, W) of 0..1 that knows nothing: CELLS x CELLS numbers drawn from a seed, enlarged."""
    drawn = np.random.default_rng(seed).random((1, 1, CELLS, CELLS), dtype=np.float32)
    enlarged = nn.functional.interpolate(torch.from_numpy(drawn), size, mode="bilinear")
    return enlarged[0, 0].numpy()


def centred(size: tuple[int, int]) -> NDArray[np.float32]:
    """A map (H, W) of 0..1 that only knows that photographers put things into the middle: a Gaussian."""
    down, across = (((np.arange(side) + 0.5) / side - 0.5) / SPREAD for side in size)
    return np.exp(-0.5 * (down[:, None] ** 2 + across[None] ** 2)).astype(np.float32)


def layers(model: nn.Module) -> tuple[str, ...]:
    """Paths of the modules that hold weights, from the top, which is the classifier, down."""
    held = [path for path, module in model.named_modules() if any(True for _ in module.parameters(False))]
    return tuple(reversed(held))


def twin(model: nn.Module, from_top: int | None = None, seed: int = 0) -> nn.Module:
    """A copy of the network in which the first `from_top` of its `layers` are drawn anew; None: all.

    Convolutions and linear layers are drawn as He et al. 2015 (arXiv:1502.01852) draw them before training,
    normalisations go back to their start, and other numbers keep their mean and deviation. The network itself
    stays as it is. Adebayo et al. 2018, "Sanity checks for saliency maps" (arXiv:1810.03292), section 3.1.
    """
    made = shell(model)
    drawn = torch.Generator().manual_seed(seed)
    for path in layers(model)[:from_top]:
        module = made.get_submodule(path)
        parameters: dict[str, Any] = module._parameters  # of a shell: plain tensors
        for name, tensor in parameters.items():
            if tensor is not None:
                parameters[name] = _anew(module, name, tensor, drawn)
        for name in _STARTS.keys() & module._buffers.keys():
            module._buffers[name] = torch.full_like(made.get_buffer(f"{path}.{name}"), _STARTS[name])
    return made


_STARTS = {"running_mean": 0.0, "running_var": 1.0}  # of a batch norm


def _anew(module: nn.Module, name: str, tensor: Tensor, drawn: torch.Generator) -> Tensor:
    normalises = isinstance(module, nn.LayerNorm | nn.GroupNorm) or "running_var" in module._buffers
    if name == "bias" or normalises:
        return torch.full_like(tensor, float(name == "weight"))
    numbers = torch.randn(tensor.shape, generator=drawn).to(tensor)
    if name == "weight" and tensor.ndim > 1:
        return numbers * (2 / tensor[0].numel()) ** 0.5
    return numbers * tensor.std(correction=0) + tensor.mean()


def changes(of: Callable[[nn.Module], Map], model: nn.Module, seed: int = 0) -> float:
    """The rank correlation of a method's map with that of the network's twin; from STAYS on, it stays.

    `of`: what draws the map of a network.
    """
    return rank_correlation(of(model), of(twin(model, seed=seed)))
