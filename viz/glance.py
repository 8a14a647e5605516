"""What one network makes of one picture, at a glance: for many networks, or many pictures, side by side.

Networks see different parts of a picture. So maps that are to be compared are first laid on the square in the
middle that all of them see.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from viz import cam, hooks, layers
from viz.occlusion import Occluder, Occlusion
from viz.scores import rank_correlation
from zoo import Loaded
from zoo.weights import Preprocess

SQUARE = 4  # the square of a quick occlusion has a quarter of the picture's side, its stride half of that
COMMON = 14  # cells a side of the grid on which maps are compared

Box = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True, kw_only=True, eq=False)
class Glance:
    """An answer, and the two maps for it as far as they are known."""

    seen: Image.Image  # what the network saw of the picture
    field: float  # side of that, in shorter sides of the picture
    probabilities: NDArray[np.float32]  # (K,)
    target: int  # the class the maps are for: the most probable
    layer: str  # path of the module that Grad-CAM looks at
    map: NDArray[np.float32]  # (h, w): Grad-CAM, signed
    occlusion: Occlusion | None = None  # None: not begun
    look_s: float  # seconds of one pass
    map_s: float  # of Grad-CAM, its pass included
    occlusion_s: float = 0.0

    def top(self, count: int = 5) -> list[tuple[int, float]]:
        """The most probable classes and their probabilities."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(int(each), float(self.probabilities[each])) for each in order]

    @property
    def fall(self) -> "Fall | None":
        """Where hiding a square costs most; None before the occlusion is complete."""
        if self.occlusion is None or self.occlusion.done < 1:
            return None
        found = self.occlusion
        row, column = np.unravel_index(found.probability.argmin(), found.probability.shape)
        top, left = found.ys[row], found.xs[column]
        height, width = found.shape
        return Fall(
            box=(left, top, min(left + found.size, width), min(top + found.size, height)),
            probability=float(found.probability[row, column]),
            label=int(found.label[row, column]),
        )


@dataclass(frozen=True, kw_only=True)
class Fall:
    """The square without which the class is least probable."""

    box: Box  # pixels of what the network saw
    probability: float  # of the class, then
    label: int  # the most probable class, then


def positive(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """What speaks for the class, as shares of its largest; zeros where nothing does, NaN where it was."""
    half = np.clip(values, 0, None)
    most = float(np.nanmax(half))
    return half / most if most else half


def field(preprocess: Preprocess) -> float:
    """How much of the shorter side of a picture a network sees, 0..1."""
    return 1.0 if preprocess.shorter is None else preprocess.size / preprocess.shorter


def look(loaded: Loaded, picture: Image.Image) -> Glance:
    """The answer of a network, and Grad-CAM at the layer that is best for its family."""
    model, image = loaded.model, loaded.preprocess(picture)
    path = layers.best(None, model, image).path
    began = time.perf_counter()
    logits = hooks.observe(model, image).logits
    answered = time.perf_counter()
    target = int(logits.argmax())
    drawn = cam.coarse(cam.evidence(model, image, target, path), "gradcam")
    return Glance(
        seen=loaded.preprocess.crop(picture),
        field=field(loaded.preprocess),
        probabilities=logits.softmax(1)[0].float().numpy(),
        target=target,
        layer=path,
        map=np.asarray(drawn, dtype=np.float32),
        look_s=answered - began,
        map_s=time.perf_counter() - answered,
    )


def occluded(loaded: Loaded, glance: Glance, picture: Image.Image) -> Iterator[Glance]:
    """The same with a quick, coarse occlusion, again and again until that is complete."""
    image = loaded.preprocess(picture)
    size = max(2, min(image.shape[2:]) // SQUARE)
    began = time.perf_counter()
    occluder = Occluder(loaded.model, image, glance.target, size=size, stride=size // 2)
    for found in occluder.rounds():
        yield replace(glance, occlusion=found, occlusion_s=time.perf_counter() - began)


def laid(values: NDArray[np.floating], field: float, common: float) -> NDArray[np.float32]:
    """A map of what a network saw, on COMMON x COMMON cells of the square in the middle of side `common`.

    Both sides in shorter sides of the picture, `common` at most `field`.
    """
    height, width = values.shape
    left, top = (side * (1 - common / field) / 2 for side in (width, height))
    box = (left, top, width - left, height - top)
    small = Image.fromarray(values.astype(np.float32))
    return np.asarray(small.resize((COMMON, COMMON), Image.Resampling.BILINEAR, box=box))


def agreement(maps: Sequence[tuple[NDArray[np.floating], float]]) -> NDArray[np.float64]:
    """Rank correlations between maps, each with the field of its network: (n, n), NaN beside a flat one."""
    common = min(seen for _, seen in maps)
    fitted = [laid(values, seen, common) for values, seen in maps]
    return np.array([[rank_correlation(one, other) for other in fitted] for one in fitted])
