"""Occlusion: a square slides over a picture, and at each position the network answers again.

Zeiler, Fergus 2013 (arXiv:1311.2901), section 4.2 and figure 7: one pass over all positions gives the class's
probability, the most probable label and the total activation of a layer's strongest map.

Squares start at multiples of the stride; there are as many as it takes to cover the picture. Where the stride
does not divide what is left, the last square hangs over the right or lower border and hides less (captum does
likewise). A square larger than the picture hides all of it.

C channels, H x W pixels, h x w units of a layer's maps, ny x nx positions, K classes.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from viz import hooks, layers
from viz.incremental import Incremental, NotLocalError, record
from viz.incremental.recording import Recording
from zoo import precision
from zoo.weights import Preprocess

Values: TypeAlias = NDArray[np.float32]
Quantity = Literal["score", "probability", "activation"]

FILLS: Mapping[str, str] = MappingProxyType(
    {
        "mean": "the mean colour of the data set",
        "black": "black",
        "blur": "the picture itself, blurred",
        "noise": "noise around the mean, the same on every run",
        "local": "the mean colour of what the square hides",
    }
)

NO_PREVIEW = "This processor is no faster with bfloat16, so there is no fast preview: the answers are exact."

_BATCH = 8  # pictures at a time: more are no faster on a processor, and need more memory
_OFF, _OFF_PREVIEW = 1e-3, 0.1  # of two engines, as a part of the numbers: more than rounding
_BLUR = 0.08  # standard deviation, as a part of the shorter side
_COARSE = 4  # positions along an axis that the first round has at least


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """What a network has answered at some positions."""

    rows: tuple[int, ...]  # B, from 0 to ny - 1
    columns: tuple[int, ...]  # B, from 0 to nx - 1
    logits: Values  # (B, K)
    activation: Values  # (B,)


@dataclass(frozen=True, kw_only=True, eq=False)
class Occlusion:
    """What a network has answered at each position; NaN (label: -1) where it has not been asked yet."""

    ys: tuple[int, ...]  # upper rows of the squares
    xs: tuple[int, ...]  # left columns
    size: int  # side of the square in pixels
    stride: int
    shape: tuple[int, int]  # (H, W) of the picture
    target: int  # class
    logits: Values  # (ny, nx, K)
    activation: Values  # (ny, nx): sum of the channel's map
    layer: str  # path of the module whose map this is
    channel: int
    whole_logits: Values  # (K,): the answer to the picture without a square
    whole_activation: float

    @property
    def score(self) -> Values:
        """The target's logit, (ny, nx)."""
        return self.logits[..., self.target]

    @property
    def probability(self) -> Values:
        """The target's probability, (ny, nx) in 0..1."""
        return _softmax(self.logits)[..., self.target]

    @property
    def label(self) -> NDArray[np.int64]:
        """The most probable class, (ny, nx)."""
        return np.where(np.isnan(self.logits[..., 0]), -1, self.logits.argmax(-1))

    @property
    def done(self) -> float:
        """The share of positions that are known, 0..1."""
        return float(np.mean(~np.isnan(self.logits[..., 0])))

    def toward(self, target: int) -> "Occlusion":
        """The same answers, read for another class."""
        return replace(self, target=hooks.known_class(target, len(self.whole_logits)))

    def told(self, answers: Answers) -> "Occlusion":
        """The same, with more answers."""
        logits, activation = self.logits.copy(), self.activation.copy()
        logits[answers.rows, answers.columns] = answers.logits
        activation[answers.rows, answers.columns] = answers.activation
        return replace(self, logits=logits, activation=activation)

    def drop(self, of: Quantity = "score") -> Values:
        """What the square takes away, (ny, nx): positive where hiding lowers the score. In units of `of`."""
        whole: float
        if of == "activation":
            return self.whole_activation - self.activation
        if of == "score":
            return self.whole_logits[self.target] - self.score
        whole = float(_softmax(self.whole_logits)[self.target])
        return whole - self.probability

    def averaged(self, of: Quantity = "score") -> Values:
        """For each pixel the mean drop over all squares that hide it, (H, W); NaN where none is known yet.

        For the score this is what captum's Occlusion gives.
        """
        total, count = np.zeros((2, *self.shape))
        for (i, j), drop in np.ndenumerate(self.drop(of)):
            if not np.isnan(drop):
                hidden = np.s_[self.ys[i] : self.ys[i] + self.size, self.xs[j] : self.xs[j] + self.size]
                total[hidden] += drop
                count[hidden] += 1
        mean = np.full(self.shape, np.nan)
        np.divide(total, count, out=mean, where=count > 0)
        return mean.astype(np.float32)

    def centred(self, of: Quantity = "score") -> Values:
        """For each pixel the drop at the square whose centre is nearest, (H, W).

        NaN nearer to the border than any centre, by more than half a stride.
        """
        return self.at_centres(self.spread(self.drop(of)))

    def at_centres(self, values: Values) -> Values:
        """Values (ny, nx), for each pixel that at the square whose centre is nearest; NaN as in `centred`."""
        nearest = []
        for starts, side in zip((self.ys, self.xs), self.shape, strict=True):
            centres = [(start + min(start + self.size, side)) / 2 for start in starts]
            distance = np.abs(np.subtract.outer(np.arange(side) + 0.5, centres))
            nearest.append(
                np.where(distance.min(1) > max(self.stride, 2) / 2, len(starts), distance.argmin(1))
            )
        padded = np.pad(values, (0, 1), constant_values=np.nan)
        return padded[np.ix_(*nearest)]

    def spread(self, values: Values) -> Values:
        """Values (ny, nx) with gaps between the positions of a coarse round filled from above and left."""
        rows, columns = np.indices(values.shape)
        filled, step = values, 1
        while step < max(values.shape):
            step *= 2
            coarse = values[rows // step * step, columns // step * step]
            filled = np.where(np.isnan(filled), coarse, filled)
        return filled


def starts(side: int, size: int, stride: int) -> tuple[int, ...]:
    """Where the squares begin along one side of a picture."""
    return tuple(range(0, min(side - size + stride, side), stride)) if size < side else (0,)


def occlude(
    model: nn.Module,
    image: Tensor,
    target: int,
    size: int,
    stride: int,
    fill: str = "mean",
    layer: str | None = None,
    preprocess: Preprocess | None = None,
) -> Occlusion:
    """All positions of the square at once, for an image (1, C, H, W). See `Occluder`."""
    occluder = Occluder(
        model, image, target, size=size, stride=stride, fill=fill, layer=layer, preprocess=preprocess
    )
    for _ in occluder.rounds():
        pass
    return occluder.found()


class Occluder:
    """Slides a square over one picture: a few positions at a time, coarse grid first.

    Who stops iterating has cancelled; who iterates again goes on. The network is left as it is. For one
    thread. Raises ValueError for what cannot be.
    """

    def __init__(
        self,
        model: nn.Module,
        image: Tensor,
        target: int,
        *,
        size: int,
        stride: int,
        fill: str = "mean",
        layer: str | None = None,
        preprocess: Preprocess | None = None,
        preview: bool = False,
    ) -> None:
        """`image`: (1, C, H, W), normalised. `layer`: path of a module with maps; None: `layers.best`.

        `preprocess` says what black is. `preview`: bfloat16 where the processor gains from it and
        the incremental engine is at work; its answers are not exact.
        """
        if image.ndim != 4 or len(image) != 1:
            raise ValueError(f"One picture (1, C, H, W) is occluded at a time, not {tuple(image.shape)}.")
        if size < 1 or stride < 1:
            raise ValueError(f"Size and stride of the square are at least 1 px, not {size} and {stride}.")
        self._image, self._size = image.detach(), size
        self._shape = (image.shape[2], image.shape[3])
        self._ys, self._xs = (starts(side, size, stride) for side in self._shape)
        self._fill = fill
        self._cover = covering(self._image, fill, preprocess)
        recording = record(model, self._image, layer)
        self._layer = recording.path
        kind = layers.kind_of(model, self._image, self._layer, recording.output)
        totals = layers.as_maps(recording.output, kind)[0].sum((1, 2))
        self._channel = int(totals.argmax())
        whole = recording.logits[0].numpy()
        self._note = ""
        if preview and not precision.gains():
            self._note = " " + NO_PREVIEW
            preview = False
        self._plain = _Batched(model, self._image, self._layer, kind, self._channel)
        self._quick = self._prepared(recording, kind, preview)
        ny, nx = len(self._ys), len(self._xs)
        self._found = Occlusion(
            ys=self._ys, xs=self._xs, size=size, stride=stride, shape=self._shape,
            target=hooks.known_class(target, len(whole)),
            logits=np.full((ny, nx, len(whole)), np.nan, np.float32),
            activation=np.full((ny, nx), np.nan, np.float32),
            layer=self._layer, channel=self._channel,
            whole_logits=whole, whole_activation=float(totals[self._channel]),
        )  # fmt: skip
        self._left = _coarse_to_fine(ny, nx)
        self._seconds_each = 0.0  # of the quickest batch

    @property
    def positions(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Upper rows and left columns of the squares."""
        return self._ys, self._xs

    @property
    def how(self) -> str:
        """The engine at work, in a sentence."""
        return f"{self._engine.how}{self._note}"

    @property
    def _engine(self) -> "Incremental | _Batched":
        return self._quick or self._plain

    @property
    def exact(self) -> bool:
        """Whether the answers are the network's own, to rounding."""
        return self._quick is None or not self._quick.half

    def covered(self, row: int, column: int) -> Tensor:
        """The picture (1, C, H, W) with the square at `ys[row]`, `xs[column]`, as the network sees it."""
        return _Batched.pasted(self._image, *self._squares([(row, column)]))

    def seconds(self) -> float:
        """How long the positions that are left will take: as long as those did which are known.

        Before the first of them, a few are asked for; their answers are kept.
        """
        if not self._seconds_each:
            self._advance()
        return self._seconds_each * len(self._left)

    def rounds(self) -> Iterator[Occlusion]:
        """All that is known so far, again and again: after each batch, until nothing is left."""
        for _ in self.batches():
            yield self._found

    def batches(self) -> Iterator[Answers]:
        """The same, only what is new each time."""
        while self._left:
            yield self._advance()

    def found(self) -> Occlusion:
        """All that is known so far."""
        return self._found

    def _prepared(self, recording: Recording, kind: layers.Kind, preview: bool) -> Incremental | None:
        tops, lefts, size = self._corners()
        try:
            return Incremental(recording, kind, self._channel, size, tops, lefts, half=preview)
        except NotLocalError as error:
            self._plain.why = str(error)
            return None

    def _corners(self) -> tuple[list[int], list[int], tuple[int, int]]:
        """Where the squares begin so that they lie inside the picture, and how large they are then."""
        height, width = (min(self._size, side) for side in self._shape)
        tops = [min(y, self._shape[0] - height) for y in self._ys]
        return tops, [min(x, self._shape[1] - width) for x in self._xs], (height, width)

    def _advance(self) -> Answers:
        engine = self._engine
        batch = self._left[: engine.batch]
        start = time.perf_counter()
        logits, activation = engine.answers(*self._squares(batch))
        each = (time.perf_counter() - start) / len(batch)
        if engine is self._quick and not self._seconds_each and not self._right(batch[0], logits[0]):
            self._quick = None
            self._plain.why = "Computing only what a square changes gives another answer here."
            return self._advance()
        self._seconds_each = min(self._seconds_each or each, each)
        rows, columns = zip(*batch, strict=True)
        answers = Answers(rows=rows, columns=columns, logits=logits.numpy(), activation=activation.numpy())
        self._found = self._found.told(answers)
        self._left = self._left[len(batch) :]
        return answers

    def _right(self, position: tuple[int, int], logits: Tensor) -> bool:
        """Whether the whole network gives this answer too, to rounding."""
        expected, _ = self._plain.answers(*self._squares([position]))
        off = _OFF if self.exact else _OFF_PREVIEW
        return torch.allclose(expected[0], logits, rtol=off, atol=off * float(expected.abs().max()))

    def _squares(self, batch: Sequence[tuple[int, int]]) -> tuple[Tensor, list[int], list[int]]:
        """What replaces the picture at these positions, (B, C, h, w), and where: rows and columns.

        All have one size; what would hang over the border begins further inside, with the picture there.
        """
        tops, lefts, (height, width) = self._corners()
        squares, rows, columns = [], [], []
        for i, j in batch:
            y, x, top, left = self._ys[i], self._xs[j], tops[i], lefts[j]
            here = self._image[0, :, top : top + height, left : left + width]
            cover = self._cover[0, :, top : top + height, left : left + width]
            hidden = np.s_[:, y - top :, x - left :]
            if self._fill == "local":
                cover = here[hidden].mean((1, 2), keepdim=True).expand_as(here)
            square = here.clone()
            square[hidden] = cover[hidden]
            squares.append(square)
            rows.append(top)
            columns.append(left)
        return torch.stack(squares), rows, columns


class _Batched:
    """The whole network for each position, a few positions at a time."""

    batch = _BATCH
    why = ""  # nothing quicker will do

    def __init__(self, model: nn.Module, image: Tensor, layer: str, kind: layers.Kind, channel: int) -> None:
        self._image = image
        self._inner = hooks.shell(model)
        self._total = torch.empty(0)

        def hook(module: nn.Module, inputs: object, output: Any) -> None:
            self._total = layers.as_maps(output, kind)[:, channel].sum((1, 2)).float()

        self._inner.get_submodule(layer).register_forward_hook(hook)

    @property
    def how(self) -> str:
        """What is done, in a sentence."""
        return f"The whole network runs again for each position. {self.why}"

    def answers(self, squares: Tensor, rows: list[int], columns: list[int]) -> tuple[Tensor, Tensor]:
        """Logits (B, K) and total activations (B,) with these squares in the picture."""
        with torch.inference_mode():
            images = self.pasted(self._image, squares, rows, columns)
            logits = self._inner(images.contiguous(memory_format=torch.channels_last))
        return logits.float(), self._total

    @staticmethod
    def pasted(image: Tensor, squares: Tensor, rows: list[int], columns: list[int]) -> Tensor:
        """The picture once for each square, with it: (B, C, H, W)."""
        images = image.repeat(len(squares), 1, 1, 1)
        height, width = squares.shape[2:]
        for one, square, y, x in zip(images, squares, rows, columns, strict=True):
            one[:, y : y + height, x : x + width] = square
        return images


def covering(image: Tensor, fill: str, preprocess: Preprocess | None) -> Tensor:
    """What shows through the square, (1, C, H, W)."""
    if fill not in FILLS:
        raise ValueError(f"A square can be filled with {', '.join(FILLS)}, not {fill!r}.")
    if fill == "black":
        if preprocess is None:
            raise ValueError("What black is, the preprocessing says: it has to be given.")
        return preprocess.normalise(torch.zeros_like(image))
    if fill == "blur":
        return _blurred(image)
    if fill == "noise":
        return torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    return torch.zeros_like(image)


def _blurred(image: Tensor) -> Tensor:
    """Gaussian blur, the border repeated."""
    deviation = max(_BLUR * min(image.shape[2:]), 1.0)
    reach = ceil(3 * deviation)
    weights = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * deviation**2))
    weights = (weights / weights.sum()).expand(image.shape[1], 1, -1)
    padded = F.pad(image, (reach, reach, reach, reach), mode="replicate")
    down = F.conv2d(padded, weights[..., None], groups=image.shape[1])
    return F.conv2d(down, weights[:, :, None], groups=image.shape[1])


def _coarse_to_fine(ny: int, nx: int) -> list[tuple[int, int]]:
    """All positions (row, column): every 2^n-th along both axes, then those between, and so on."""
    step = 1
    while ceil(max(ny, nx) / (2 * step)) >= _COARSE:
        step *= 2
    order = dict[tuple[int, int], None]()
    while step:
        order.update(dict.fromkeys((i, j) for i in range(0, ny, step) for j in range(0, nx, step)))
        step //= 2
    return list(order)


def _softmax(logits: Values) -> Values:
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)
