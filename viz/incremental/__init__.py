"""Exact inference on pictures that differ in a square: only what the square changes is computed again.

Nakandala, Kumar, Papakonstantinou, "Incremental and Approximate Inference for Faster Occlusion-based Deep CNN
Explanations", SIGMOD 2019. One pass over the picture itself records the network's operations and their
outputs. Behind a square, an operation that works on units near each other changes a box of its map, which
grows with the receptive field: the box is computed, for many squares at once, on what it sees, which is cut
from the recorded map and has the changed box of the input laid over it. Squares that are computed together
have boxes of one size, so those whose boxes the border cuts alike form a group. Once the box covers most of
the map, or an operation sees all of it (global pooling, linear layers), whole maps are computed. The linear
layers at the end are computed for all groups at once: reading their weights costs more than the arithmetic.

B squares, H x W units of a map, h x w of a box or a window. Pairs are along rows and columns.
"""

import operator
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from viz.incremental.groups import WHOLE, Work
from viz.incremental.recording import NotLocalError, Pair, Recording, Step, record
from viz.incremental.rules import Local, batched, convert, laid_out, local
from viz.layers import Kind, as_maps

__all__ = ["Incremental", "NotLocalError", "record"]

Places: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]  # along rows and along columns

_WORTH_IT = 0.9  # of the multiplications: who needs more of them gains nothing
_BYTES = 2**24  # of the largest map of a batch: more than that leaves the processor's caches
_LARGEST_BATCH = 48
_ROUND = 8e10  # multiplications of a batch: a reader waits a second or two for it
_STEP, _WEIGHT = 2e6, 50  # multiplications in the time that a group takes for a step and to read a weight

# They overwrite what was computed here for a box, see `_work_in_place`, and nothing of a network.
_IN_PLACE: Mapping[Any, Callable[..., Tensor]] = MappingProxyType(
    {
        F.relu: lambda x, *_, **__: x.relu_(),
        F.relu6: lambda x, *_, **__: x.clamp_(0, 6),
        F.hardtanh: lambda x, min_val=-1.0, max_val=1.0, *_, **__: x.clamp_(min_val, max_val),
        F.silu: lambda x, *_, **__: F.silu(x, inplace=True),
        F.hardswish: lambda x, *_, **__: F.hardswish(x, inplace=True),
    }
)
_MULTIPLY = (torch.conv2d, F.linear)
_FRESH = {torch.conv2d, F.batch_norm, Tensor.add, torch.cat, F.linear}  # no view of something else


@dataclass(frozen=True, kw_only=True, eq=False)
class _Change:
    """Which units of a map change: for each row and each column at which squares can begin."""

    low: Places  # the first
    high: Places  # the last


@dataclass(frozen=True, kw_only=True, eq=False)
class _Box:
    """Where a map is computed: boxes of one size, whose origins are such that they lie inside the map."""

    size: Pair
    start: Places  # of the box of each square


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reading:
    """How a step reads one of its inputs: a window of the padded map, the input's box laid over it."""

    size: Pair
    start: Places  # of each square's window in the padded map
    paste: Places  # of the box in the window; it may begin before it
    units: Tensor  # (padded H W, ...) of the map of the picture itself
    width: int  # of the padded map
    space: Pair


class Incremental:
    """A network prepared to answer for one picture with squares of one size at given places.

    For one thread. Raises NotLocalError where nothing would be gained.
    """

    def __init__(
        self,
        recording: Recording,
        kind: Kind,
        channel: int,
        size: Pair,
        rows: Sequence[int],
        columns: Sequence[int],
        *,
        half: bool = False,
    ) -> None:
        """`kind` of the recorded layer's output, of which `channel` is totalled.

        `size` of the squares; `rows` and `columns`: where they can begin. `half`: convolutions in bfloat16,
        an approximation; the head stays in float32, as it would round away what the squares change.
        """
        if recording.why:
            raise NotLocalError(recording.why)
        self._row_of, self._column_of = (
            {start: i for i, start in enumerate(dict.fromkeys(s))} for s in (rows, columns)
        )
        self._layer, self._answer = recording.layer, recording.answer
        self._kind, self._channel, self.half = kind, channel, half
        steps = [laid_out(step, half) for step in recording.steps]
        self._locals = _localised(steps)
        self._steps = [batched(step) for step in steps]
        self._changes = self._grown(size)
        self._largest = self._boxed((np.arange(len(self._row_of)), np.arange(len(self._column_of))))
        most, whole = self._multiplications()
        self.share = most / whole
        self._work = self._boxed_work()
        self._work_in_place()
        self._padded: dict[object, Tensor] = {}
        self._joint = self._before_head()
        self._together = self._fitting(0, self._joint + 1)
        self.batch = min(self._fitting(self._joint + 1, len(steps)), max(1, int(_ROUND / most)))
        if half:
            for step in self._steps:
                convert(step)
        self._last = {source: i for i, step in enumerate(self._steps) for source in step.inputs}

    @property
    def how(self) -> str:
        """What is done, in a sentence."""
        half = " In bfloat16: an approximation." if self.half else ""
        return (
            f"Only what the square changes is computed again, layer by layer: at most {self.share:.0%} of "
            f"the multiplications. {self._spread()}{half}"
        )

    def answers(self, squares: Tensor, rows: Sequence[int], columns: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Logits (B, K) and total activations (B,) of the channel, with these squares in the picture."""
        at = (
            np.array([self._row_of[row] for row in rows]),
            np.array([self._column_of[column] for column in columns]),
        )
        groups = self._work.groups(*at, most=self._together)
        with torch.inference_mode():
            found = [self._up_to_head(squares[group], (at[0][group], at[1][group])) for group in groups]
            back = torch.from_numpy(np.concatenate(groups).argsort())
            joint, total = (torch.cat(parts)[back] for parts in zip(*found, strict=True))
            values = {self._joint: joint}
            for i in range(self._joint + 1, self._answer + 1):
                values[i] = self._steps[i].call([values[source] for source in self._steps[i].inputs])
        return values[self._answer].float(), total

    def _up_to_head(self, squares: Tensor, at: Places) -> tuple[Tensor, Tensor]:
        """What one group of squares makes the head read, and the total activations (B,)."""
        boxes = self._boxed(at)
        values = {0: squares.contiguous(memory_format=torch.channels_last)}
        total = torch.empty(0)
        for i, step in enumerate(self._steps[: self._joint + 1]):
            if step.inputs:
                read = [
                    values[source] if reading is None else self._cut(reading, values[source])
                    for source in step.inputs
                    for reading in [self._reading(i, source, boxes)]
                ]
                own = self._locals[i]
                values[i] = step.call(read) if boxes[i] is None or own is None else own.run(read)
            if i == self._layer:
                total = self._total(values[i], boxes[i])
            for source in step.inputs:
                if self._last[source] == i:
                    del values[source]
        return values[self._joint], total

    # Before the first square: which operation computes what.

    def _space(self, i: int) -> Pair:
        own = self._locals[i]
        return (2, 3) if own is None else own.space

    def _map_size(self, i: int) -> Pair:
        rows, columns = (self._steps[i].base.shape[axis] for axis in self._space(i))
        return rows, columns

    def _grown(self, size: Pair) -> list[_Change | None]:
        """What changes of the map of each step; None where all of it may."""
        low = (np.array(list(self._row_of)), np.array(list(self._column_of)))
        found: list[_Change | None] = [_Change(low=low, high=(low[0] + size[0] - 1, low[1] + size[1] - 1))]
        for i, step in enumerate(self._steps[1:], start=1):
            own, before = self._locals[i], [found[source] for source in step.inputs]
            changes = [change for change in before if change is not None]
            if own is None or len(changes) < len(before):
                found.append(None)
                continue
            low, high = (self._edge(i, own, changes, last) for last in (False, True))
            found.append(_Change(low=low, high=high))
        return found

    def _edge(self, i: int, own: Local, changes: Sequence[_Change], last: bool) -> Places:
        """The first, or the last, unit of a step's map that sees a change of any of its inputs."""
        edges = []
        for axis, units in enumerate(self._map_size(i)):
            stride, before, kernel = own.stride[axis], own.before[axis], own.kernel[axis]
            if last:
                seen = np.max([(change.high[axis] + before) // stride for change in changes], axis=0)
            else:
                seen = np.min(
                    [-((kernel - 1 - before - change.low[axis]) // stride) for change in changes], axis=0
                )
            edges.append(np.clip(seen, 0, units - 1))
        return edges[0], edges[1]

    def _boxed(self, at: Places) -> list[_Box | None]:
        """The boxes of each step for squares in these rows and columns; None: all of the map."""
        found: list[_Box | None] = []
        for i, (step, change) in enumerate(zip(self._steps, self._changes, strict=True)):
            whole = change is None or any(found[source] is None for source in step.inputs)
            found.append(None if whole or change is None else self._box(i, change, at))
        if found[0] is None:
            raise NotLocalError("The square hides most of the picture.")
        return found

    def _box(self, i: int, change: _Change, at: Places) -> _Box | None:
        height, width = self._map_size(i)
        (top, left), (bottom, right) = (
            (edge[0][at[0]], edge[1][at[1]]) for edge in (change.low, change.high)
        )
        rows, columns = int((bottom - top).max()) + 1, int((right - left).max()) + 1
        if rows * columns >= WHOLE * height * width:
            return None
        start = np.minimum(top, height - rows), np.minimum(left, width - columns)
        return _Box(size=(rows, columns), start=start)

    def _multiplications(self) -> tuple[float, float]:
        """Those of the largest boxes, and those of whole maps."""
        whole = boxed = 0.0
        for i, step in enumerate(self._steps):
            if step.func in _MULTIPLY:
                whole += _multiplied(step)
                boxed += _multiplied(step) * self._part(i)
        if not whole:
            raise NotLocalError("The network has no convolution.")
        if boxed > _WORTH_IT * whole:
            raise NotLocalError(f"{self._spread()} So almost all would be computed again in any case.")
        return boxed, whole

    def _boxed_work(self) -> Work:
        """What the size of a group's boxes decides about."""
        found = [
            (i, step, change)
            for i, (step, change) in enumerate(zip(self._steps, self._changes, strict=True))
            if step.func in _MULTIPLY and change is not None
        ]
        units = np.array([prod(self._map_size(i)) for i, _, _ in found])
        weights = sum(step.args[1].numel() for _, step, _ in found)
        heights, widths = (
            np.array([change.high[axis] - change.low[axis] + 1 for _, _, change in found]) for axis in (0, 1)
        )
        return Work(
            heights=heights,
            widths=widths,
            units=units,
            each=np.array([_multiplied(step) for _, step, _ in found]) / units,
            again=_STEP * len(self._steps) + _WEIGHT * weights,
        )

    def _part(self, i: int) -> float:
        """What is computed of a step's map, where its box is largest."""
        box = self._largest[i]
        return 1.0 if box is None else prod(box.size) / prod(self._map_size(i))

    def _spread(self) -> str:
        """From where on whole maps are computed, in a sentence."""
        i = next(i for i, box in enumerate(self._largest) if box is None)
        path = self._steps[i].path or "its last operations"
        why = "sees all of it" if self._locals[i] is None else "changes almost everywhere"
        return f"From {path} on it is the whole map, which there {why}."

    def _work_in_place(self) -> None:
        """Activations overwrite what a convolution or an addition has put out, where nobody else reads it."""
        users = Counter(source for step in self._steps for source in step.inputs)
        for step in self._steps:
            if step.func in _IN_PLACE:
                (source,) = step.inputs
                fresh = self._steps[source].func in _FRESH
                if fresh and users[source] == 1 and source != self._layer:
                    step.func = _IN_PLACE[step.func]

    def _reading(self, i: int, source: int, boxes: Sequence[_Box | None]) -> _Reading | None:
        """How step `i` reads one of its inputs; None: it takes what is there as it is."""
        box, changed, own = boxes[i], boxes[source], self._locals[i]
        if changed is None:
            return None
        if box is None or own is None:
            nought = (np.zeros_like(changed.start[0]), np.zeros_like(changed.start[1]))
            size = needed = self._map_size(source)
            return self._window(source, changed, Local(run=operator.itemgetter(0)), size, nought, needed)
        start = (box.start[0] * own.stride[0], box.start[1] * own.stride[1])
        size, needed = (
            ((rows - 1) * own.stride[0] + own.kernel[0], (columns - 1) * own.stride[1] + own.kernel[1])
            for rows, columns in (box.size, self._map_size(i))
        )
        if size == changed.size and all(
            np.array_equal(s, b + p) for s, b, p in zip(start, changed.start, own.before, strict=True)
        ):
            return None
        return self._window(source, changed, own, size, start, needed)

    def _window(
        self, source: int, changed: _Box, own: Local, size: Pair, start: Places, needed: Pair
    ) -> _Reading:
        paste = tuple(b + p - s for b, p, s in zip(changed.start, own.before, start, strict=True))
        key = (source, own.before, needed, own.border)
        if key not in self._padded:
            base = self._steps[source].base[0:1].movedim(self._space(source), (1, 2))[0]
            base = base.to(torch.bfloat16) if self.half else base
            self._padded[key] = _padded(base, own.before, needed, own.border)
        units = self._padded[key]
        return _Reading(
            size=size,
            start=start,
            paste=(paste[0], paste[1]),
            units=units.reshape(-1, *units.shape[2:]),
            width=units.shape[1],
            space=self._space(source),
        )

    def _before_head(self) -> int:
        """The step behind which there are linear layers and what belongs to them; if none, the last."""
        for i, step in enumerate(self._steps):
            if step.func is F.linear and self._changes[joint := step.inputs[0]] is None:
                alone = all(s == joint or s >= i for later in self._steps[i:] for s in later.inputs)
                if alone and joint >= self._layer:
                    return joint
        return self._answer

    def _fitting(self, first: int, end: int) -> int:
        """How many squares at a time keep the largest map of these steps small enough."""
        most = 1.0
        for i, step in enumerate(self._steps[first:end], start=first):
            numbers = step.base[0].numel() * self._part(i)
            for source in step.inputs:
                reading = self._reading(i, source, self._largest)
                if reading is not None:
                    numbers += reading.units[0].numel() * prod(reading.size)
            most = max(most, 4 * numbers)
        return max(1, min(_LARGEST_BATCH, int(_BYTES / most)))

    # For each batch of squares.

    def _cut(self, reading: _Reading, boxes: Tensor) -> Tensor:
        """Windows of a map with its changed boxes in them."""
        height, width = reading.size
        rows = reading.start[0][:, None] + np.arange(height)  # (B, h)
        columns = reading.start[1][:, None] + np.arange(width)  # (B, w)
        index = (rows * reading.width)[:, :, None] + columns[:, None]  # (B, h, w)
        windows = reading.units.index_select(0, torch.from_numpy(index.reshape(-1)))
        windows = windows.view(len(boxes), height, width, *reading.units.shape[1:])
        boxes = boxes.movedim(reading.space, (1, 2))
        offsets = list(zip(reading.paste[0].tolist(), reading.paste[1].tolist(), strict=True))
        for (top, left), run in groupby(range(len(offsets)), offsets.__getitem__):
            first, *more = run
            some = slice(first, first + len(more) + 1)
            y, x = max(top, 0), max(left, 0)
            there = windows[some, y : top + boxes.shape[1], x : left + boxes.shape[2]]
            there.copy_(boxes[some, y - top :, x - left :][:, : there.shape[1], : there.shape[2]])
        return windows.movedim((1, 2), reading.space)

    def _total(self, value: Tensor, box: _Box | None) -> Tensor:
        """The sum of the channel's map, of which `value` may be a box."""
        base = as_maps(self._steps[self._layer].base, self._kind)[0, self._channel]
        sums = as_maps(value, self._kind)[:, self._channel].float().sum((1, 2))
        if box is None:
            return sums
        (height, width), origins = box.size, zip(*box.start, strict=True)
        before = torch.stack([base[y : y + height, x : x + width].sum() for y, x in origins])
        return base.sum() + sums - before


def _multiplied(step: Step) -> float:
    return step.base.numel() * step.args[1][0].numel()


def _localised(steps: Sequence[Step]) -> list[Local | None]:
    """How each step can be computed in part. Behind one that cannot, nothing can."""
    if any(step.func in (torch.matmul, Tensor.matmul, torch.bmm) for step in steps):
        raise NotLocalError("Attention lets every part of the picture see the others, so all of it changes.")
    found: list[Local | None] = [Local(run=operator.itemgetter(0))]
    for step in steps[1:]:
        before = [found[source] for source in step.inputs]
        spaces = [own.space for own in before if own is not None]
        inputs = [steps[source] for source in step.inputs]
        found.append(local(step, inputs, spaces) if len(spaces) == len(inputs) else None)
    return found


def _padded(base: Tensor, before: Pair, needed: Pair, border: float) -> Tensor:
    """(H, W, ...) with `before` units of border above and to the left, and at least `needed` in all."""
    height, width = (max(n, m + b) for n, m, b in zip(needed, base.shape[:2], before, strict=True))
    if before == (0, 0) and (height, width) == base.shape[:2]:
        return base.contiguous()
    padded = base.new_full((height, width, *base.shape[2:]), border)
    top, left = before
    inner = base[max(-top, 0) :, max(-left, 0) :]
    y, x = max(top, 0), max(left, 0)
    padded[y : y + inner.shape[0], x : x + inner.shape[1]] = inner
    return padded
