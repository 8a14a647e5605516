"""All methods that the page of methods sets side by side: those of `attribution`, occlusion, and maps that
know nothing.

C channels, H x W pixels.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viz import attribution, scores
from viz.attribution import Method, Progress
from viz.occlusion import Occluder

Map = NDArray[np.float32]  # (H, W)

PART = 7  # the square of an occlusion map is a seventh of the picture's side: 32 of 224 pixels
_BRIGHT = 99.5  # per cent of a map's pixels that its scale of colours leaves room for


def draw(method: Method, model: nn.Module, image: Tensor, target: int, progress: Progress) -> Map:
    """The map (H, W) of a method; ValueError, with a sentence, where it is not defined."""
    return method.run(model, image, target, progress).numpy().astype(np.float32, copy=False)


def legible(heat: Map) -> Map:
    """A map from -1 to 1 as it is drawn: its few largest values are cut off, so that the others show."""
    most = float(np.percentile(np.abs(heat), _BRIGHT)) or float(np.abs(heat).max())
    return np.clip(heat / most, -1, 1) if most else np.zeros_like(heat)


def inside(heat: Map, truth: NDArray[np.bool_]) -> float:
    """The share of the positive evidence that lies where the thing is, 0..1; 0 where none is positive."""
    positive = np.clip(heat, 0, None)
    total = float(positive.sum())
    return float(positive[truth].sum()) / total if total else 0.0


def _occlusion(model: nn.Module, image: Tensor, target: int, progress: Progress | None = None) -> Tensor:
    size = max(1, round(min(image.shape[2:]) / PART))
    occluder = Occluder(model, image, target, size=size, stride=max(1, size // 2))
    for found in occluder.rounds():
        if progress is not None:
            progress(found.done)
    return torch.from_numpy(occluder.found().averaged())


def _random(model: nn.Module, image: Tensor, target: int, progress: Progress | None = None) -> Tensor:
    return torch.from_numpy(scores.random((image.shape[2], image.shape[3]), seed=0))


def _centred(model: nn.Module, image: Tensor, target: int, progress: Progress | None = None) -> Tensor:
    return torch.from_numpy(scores.centred((image.shape[2], image.shape[3])))


OCCLUSION = Method(
    key="occlusion",
    title="Occlusion",
    paper="Zeiler, Fergus 2013, arXiv:1311.2901",
    what="How far the score falls when a grey square, a seventh of the side, hides a place. It needs no look "
    "inside.",
    signed=True,
    slow=True,
    run=_occlusion,
)

METHODS: Mapping[str, Method] = MappingProxyType({**attribution.METHODS, OCCLUSION.key: OCCLUSION})

# Maps that know nothing of the network: what a score is worth shows beside theirs.
BASELINES: Mapping[str, Method] = MappingProxyType(
    {
        method.key: method
        for method in (
            Method(
                key="random",
                title="Random",
                paper="",
                what="Knows nothing: 7 × 7 numbers drawn at random, enlarged.",
                signed=False,
                run=_random,
            ),
            Method(
                key="centred",
                title="Centred Gaussian",
                paper="",
                what="Knows only that photographers put things into the middle.",
                signed=False,
                run=_centred,
            ),
        )
    }
)
