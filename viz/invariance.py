"""How much a network notices when a picture is moved, enlarged or turned: figure 5 of Zeiler and Fergus.

Zeiler, Fergus 2013 (arXiv:1311.2901), figure 5: the Euclidean distance between what a layer answers to a
picture and to the changed picture, at the first and at a top layer, and the probability of the class.

N pictures, C channels, H x W pixels, K classes, T amounts of a change, D numbers of a layer.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from viz import hooks
from zoo.families.vit import ViT
from zoo.weights import Preprocess

Kind = Literal["vertical", "horizontal", "scale", "rotation"]
Fill = Literal["black", "mean", "edge", "reflect", "wrap"]
Values = NDArray[np.float64]

FILLS: Mapping[Fill, str] = MappingProxyType(
    {
        "black": "what comes in from outside is black",
        "mean": "what comes in is the mean colour of the data, which most networks see as 0",
        "edge": "the outermost pixels go on outside",
        "reflect": "the picture is mirrored at its edges",
        "wrap": "what leaves on one side comes in on the other, so nothing is lost",
    }
)
_BORDERS: Mapping[Fill, str] = MappingProxyType({"edge": "border", "reflect": "reflection"})

_SHIFT, _STEP = 60 / 224, 5 / 224  # of the side: the paper moves by up to 60 pixels of 224
_LARGEST, _LARGER = 1.8, 0.05
_DEGREES = 10
_PIXELS = 5 * 224 * 224  # of the pictures in one pass

_KEY = "zoolens"  # of the facts, in the metadata of a file
_NUMBERS = ("probability", "confidence")  # of the parts of Curves that a file holds


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is done to a picture."""

    title: str
    axis: str  # what its amounts are
    still: float  # the amount that changes nothing
    unit: str


CHANGES: Mapping[Kind, Change] = MappingProxyType(
    {
        "vertical": Change(title="Vertical shift", axis="down, pixels", still=0.0, unit="px"),
        "horizontal": Change(title="Horizontal shift", axis="to the right, pixels", still=0.0, unit="px"),
        "scale": Change(title="Scale", axis="enlarged, times", still=1.0, unit="×"),
        "rotation": Change(title="Rotation", axis="counter-clockwise, degrees", still=0.0, unit="°"),
    }
)


def amounts(kind: Kind, side: int) -> tuple[float, ...]:
    """The amounts of a change for pictures of `side` pixels, rising: the paper's ranges.

    Shifts are whole pixels, so that nothing is interpolated.
    """
    if kind == "scale":
        steps = round((_LARGEST - 1) / _LARGER)
        return tuple(round(1 + _LARGER * step, 2) for step in range(steps + 1))
    if kind == "rotation":
        return tuple(float(degrees) for degrees in range(0, 360, _DEGREES))
    step = max(1, round(_STEP * side))
    most = max(1, math.floor(_SHIFT * side / step + 1e-9))
    return tuple(float(step * times) for times in range(-most, most + 1))


def transformed(
    pictures: Tensor, kind: Kind, amount: float, fill: Fill = "black", mean: Sequence[float] = (0.0,)
) -> Tensor:
    """Pictures (N, C, H, W) moved by pixels, enlarged or turned by degrees about their centre.

    Bilinear. `mean` is the colour, of each channel, that the fill of that name puts outside. By whole pixels
    and by right angles of a square, pixels stay what they are.
    """
    height, width = pictures.shape[2:]
    y, x = torch.meshgrid(_centred(height), _centred(width), indexing="ij")
    if kind == "vertical":
        y = y - amount
    elif kind == "horizontal":
        x = x - amount
    elif kind == "scale":
        y, x = y / amount, x / amount
    else:
        angle = math.radians(amount)
        cosine, sine = math.cos(angle), math.sin(angle)
        y, x = cosine * y + sine * x, cosine * x - sine * y
    return _sampled(pictures, y, x, fill, mean)


def _centred(length: int) -> Tensor:
    """Where pixels lie, seen from the middle. Double precision, so that whole pixels are hit exactly."""
    return torch.arange(length, dtype=torch.float64) - (length - 1) / 2


def _sampled(pictures: Tensor, y: Tensor, x: Tensor, fill: Fill, mean: Sequence[float]) -> Tensor:
    """The pictures at places (H, W) that are measured from their middle."""
    height, width = pictures.shape[2:]
    ground = torch.zeros(())
    if fill == "mean":
        ground = torch.tensor(mean, dtype=torch.float64).reshape(-1, 1, 1)
    source = pictures.double() - ground
    if fill == "wrap":
        # The first row and column once more, so that the last pixels have neighbours to blend with.
        source = F.pad(source, (0, 1, 0, 1), mode="circular")
        y = (y + (height - 1) / 2) % height - height / 2
        x = (x + (width - 1) / 2) % width - width / 2
        height, width = height + 1, width + 1
    grid = torch.stack((2 * x / width, 2 * y / height), dim=-1)[None].expand(len(pictures), -1, -1, -1)
    found = F.grid_sample(
        source, grid, mode="bilinear", padding_mode=_BORDERS.get(fill, "zeros"), align_corners=False
    )
    return (found + ground).to(pictures.dtype)


@dataclass(frozen=True, kw_only=True)
class Output:
    """A layer whose answers can be compared."""

    path: str
    shape: tuple[int, ...]  # without the batch


def outputs(model: nn.Module, image: Tensor) -> tuple[Output, ...]:
    """The layers that `image` (1, C, H, W) passes, by depth; the scores of the classes last of all.

    Modules that hand on the output of another stand in its place: `stages.0` for its `stages.0.pool`. Dropout
    does nothing here and is left out.
    """
    found: dict[str, Output] = {}
    before: Tensor | None = None
    last = ""

    def see(path: str, module: nn.Module, output: Tensor) -> None:
        nonlocal before, last
        # the windows of an attention; what does nothing while nobody trains
        if len(output) != 1 or isinstance(module, nn.Dropout | nn.Identity):
            return
        if output is before:
            found.pop(last)
        found.pop(path, None)  # a module that is called again counts where it is called last
        before, last = output, path
        found[path] = Output(path=path, shape=tuple(_answer(model, path, output).shape[1:]))

    hooks.visit(model, image, see)
    return tuple(found.values())


def of_class_token(model: nn.Module, path: str) -> bool:
    """Whether a layer's answer is its class token alone: of ViT's last norm, as its head reads nothing else.

    Dosovitskiy et al. 2020 (arXiv:2010.11929), equation 4: that token is the representation of the picture.
    """
    return isinstance(model, ViT) and path == "norm"


def _answer(model: nn.Module, path: str, output: Tensor) -> Tensor:
    """What is compared of the output of a layer, (B, ...)."""
    return output[:, 0] if of_class_token(model, path) else output


def ends(layers: Sequence[Output], first: str) -> tuple[str, str]:
    """Paths of the first and the top layer: what `first` names, and the last before the scores.

    The paper's are layer 1, with its pool, and layer 7.
    """
    paths = [layer.path for layer in layers]
    return first if first in paths else paths[0], paths[-2]


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """What N pictures have given at T amounts of a change. NaN, and -1 in `said`: not known yet."""

    kind: Kind
    amounts: tuple[float, ...]
    distances: Mapping[str, Values]  # by path, (T, N): Euclidean, to the answer to the untouched picture
    lengths: Mapping[str, Values]  # by path, (N,): of the answer to the untouched picture
    targets: tuple[int, ...]  # the class whose probability is followed, of each picture
    probability: Values  # (T, N)
    said: NDArray[np.int64]  # (T, N), the most probable class
    confidence: Values  # (T, N), its probability

    @property
    def still(self) -> int:
        """The row of the untouched picture."""
        return self.amounts.index(CHANGES[self.kind].still)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Of each amount whether it was measured."""
        return np.asarray(np.isfinite(self.probability).all(1))

    @property
    def done(self) -> float:
        return float(self.known.mean())

    def drawn(self, path: str, *, relative: bool) -> Values:
        """Distances (T, N), as they are or divided by the length of the untouched answer."""
        if not relative:
            return self.distances[path]
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.distances[path] / self.lengths[path]

    def kept(self, rows: Sequence[int]) -> "Curves":
        """The same for some of the pictures."""
        at = list(rows)
        return Curves(
            kind=self.kind, amounts=self.amounts,
            distances={path: values[:, at] for path, values in self.distances.items()},
            lengths={path: values[at] for path, values in self.lengths.items()},
            targets=tuple(self.targets[row] for row in at),
            probability=self.probability[:, at], said=self.said[:, at], confidence=self.confidence[:, at],
        )  # fmt: skip


def measure(
    model: nn.Module,
    pictures: Tensor,
    preprocess: Preprocess,
    kind: Kind,
    paths: Sequence[str],
    *,
    fill: Fill = "black",
    targets: Sequence[int | None] = (),
) -> Iterator[Curves]:
    """What is known after each pass, coarse steps first; the last is the whole.

    `pictures` (N, C, H, W) are what the network sees, from 0 to 1, before they are normalised. A target that
    is None, or not given, is the network's own answer to the untouched picture.
    """
    steps, count = amounts(kind, pictures.shape[-1]), len(pictures)
    still = steps.index(CHANGES[kind].still)
    before = hooks.observe(model, preprocess.normalise(pictures), paths)
    answers = {path: _answer(model, path, before.outputs[path]).flatten(1) for path in paths}
    own = before.logits.argmax(1).tolist()
    wanted = [*targets, *[None] * (count - len(targets))]
    followed = tuple(first if want is None else want for want, first in zip(wanted, own, strict=True))
    blank = np.full((len(steps), count), np.nan)
    distances = {path: blank.copy() for path in paths}
    probability, confidence = blank.copy(), blank.copy()
    said = np.full(blank.shape, -1)

    def put(rows: Sequence[int], logits: Tensor) -> None:
        shares = logits.double().softmax(1).reshape(len(rows), count, -1)
        at = list(rows)
        probability[at] = shares[:, range(count), followed].numpy()
        confidence[at], said[at] = (each.numpy() for each in shares.max(2))

    def now() -> Curves:
        return Curves(
            kind=kind, amounts=steps, distances={path: each.copy() for path, each in distances.items()},
            lengths={path: _length(answers[path]).numpy() for path in paths}, targets=followed,
            probability=probability.copy(), said=said.copy(), confidence=confidence.copy(),
        )  # fmt: skip

    for path in paths:
        distances[path][still] = 0
    put([still], before.logits)
    yield now()
    waiting = [row for row in coarse_first(len(steps)) if row != still]
    together = max(1, _PIXELS // pictures[:, 0].numel())
    for begin in range(0, len(waiting), together):
        rows = waiting[begin : begin + together]
        changed = torch.cat([transformed(pictures, kind, steps[row], fill, preprocess.mean) for row in rows])
        passed = hooks.observe(model, preprocess.normalise(changed), paths)
        for path in paths:
            found = _answer(model, path, passed.outputs[path]).flatten(1).reshape(len(rows), count, -1)
            distances[path][rows] = _length(found - answers[path]).numpy()
        put(rows, passed.logits)
        yield now()


def _length(answers: Tensor) -> Tensor:
    """Euclidean, over the last axis."""
    return torch.linalg.vector_norm(answers, dim=-1, dtype=torch.float64)


def coarse_first(count: int) -> list[int]:
    """0 to count - 1 so that each beginning is spread over all: both ends, the middle, the quarters, ..."""
    found = dict.fromkeys((0, count - 1))
    parts = 2
    while len(found) < count:
        found |= dict.fromkeys(round(part * (count - 1) / parts) for part in range(1, parts))
        parts *= 2
    return list(found)


def mean_change(curves: Curves, path: str) -> Values:
    """(N,) The area under the relative distance, divided by the width of the range: its mean height.

    Trapezoids between what is known; NaN where nothing but the untouched picture is.
    """
    at = np.flatnonzero(curves.known)
    x, y = np.array(curves.amounts)[at], curves.drawn(path, relative=True)[at]
    if len(at) < 2:
        return np.full(y.shape[1], np.nan)
    return np.trapezoid(y, x, axis=0) / (x[-1] - x[0])


def onset(curves: Curves, path: str) -> Values:
    """(N,) What share of the largest distance the smallest step away has already brought; 1 is all of it.

    Of a step to either side the mean.
    """
    distance = curves.drawn(path, relative=True)
    nearest = min(size for size in _sizes(curves) if size > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return distance[np.isclose(_sizes(curves), nearest)].mean(0) / np.nanmax(distance, 0)


def straightness(curves: Curves, path: str) -> Values:
    """(N,) How well the distance is a straight line of the size of the change: r squared, 1 is perfectly."""
    at = curves.known
    size, distance = _sizes(curves)[at], curves.drawn(path, relative=True)[at]
    size, distance = size - size.mean(), distance - distance.mean(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (size @ distance) ** 2 / (size @ size) / (distance**2).sum(0)


def reach(curves: Curves) -> Values:
    """(N,) The largest change up to which, to either side, the probability is at least half of what it was.

    In pixels, in times (1: none at all) or in degrees (180: all the way round).
    """
    still = CHANGES[curves.kind].still
    sizes = _sizes(curves)
    falls = (curves.probability < curves.probability[curves.still] / 2).T
    return np.array([still + _before(sizes[curves.known], each[curves.known]) for each in falls])


def _before(sizes: Values, falls: NDArray[np.bool_]) -> float:
    """The largest of the sizes below all that fall."""
    least = sizes[falls].min(initial=np.inf)
    return float(sizes[sizes < least].max(initial=0))


def _sizes(curves: Curves) -> Values:
    """(T,) How far each amount is from none; of a turn by more than 180 degrees the way back."""
    sizes = np.abs(np.array(curves.amounts) - CHANGES[curves.kind].still)
    return np.minimum(sizes, 360 - sizes) if curves.kind == "rotation" else sizes


def save(path: Path, found: Mapping[Kind, Curves], digest: str) -> None:
    """Write measured curves; `digest` names all that they depend on. Numbers are kept in single precision."""
    from safetensors.numpy import save_file

    tensors = {}
    for kind, curves in found.items():
        for name in _NUMBERS:
            tensors[f"{kind}/{name}"] = np.ascontiguousarray(getattr(curves, name), dtype=np.float32)
        tensors[f"{kind}/said"] = curves.said.astype(np.int32)
        for at, path_of in enumerate(curves.distances):
            tensors[f"{kind}/distance/{at}"] = curves.distances[path_of].astype(np.float32)
            tensors[f"{kind}/length/{at}"] = curves.lengths[path_of].astype(np.float32)
    facts = {
        kind: {"amounts": curves.amounts, "paths": [*curves.distances], "targets": curves.targets}
        for kind, curves in found.items()
    }
    save_file(tensors, path, {_KEY: json.dumps({"digest": digest, "kinds": facts})})


def read(path: Path, digest: str) -> Mapping[Kind, Curves] | None:
    """The curves in a file; None where there is none, it is damaged, or of something else than `digest`."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            facts = json.loads((file.metadata() or {}).get(_KEY, "{}"))
            if facts.get("digest") != digest:
                return None
            return {kind: _curves(file, kind, facts["kinds"][kind]) for kind in CHANGES}
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None


def _curves(file: Any, kind: Kind, facts: Mapping[str, Any]) -> Curves:
    def numbers(name: str) -> Values:
        return np.asarray(file.get_tensor(f"{kind}/{name}"), dtype=np.float64)

    return Curves(
        kind=kind, amounts=tuple(facts["amounts"]), targets=tuple(facts["targets"]),
        distances={path: numbers(f"distance/{at}") for at, path in enumerate(facts["paths"])},
        lengths={path: numbers(f"length/{at}") for at, path in enumerate(facts["paths"])},
        said=file.get_tensor(f"{kind}/said").astype(np.int64),
        **{name: numbers(name) for name in _NUMBERS},
    )  # fmt: skip
