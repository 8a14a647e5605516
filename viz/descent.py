"""What can be said of the steps of a deconvnet: which maps carry the signal, what is kept, where it goes.

c maps of h x w numbers, as in `viz.deconvnet.Step`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from viz.deconvnet import Step


@dataclass(frozen=True, kw_only=True)
class Tally:
    """A step in numbers."""

    path: str
    kind: str
    arrived: int  # numbers of the signal that are not zero, before
    kept: int  # and behind
    before: float  # sum of magnitudes
    after: float


@dataclass(frozen=True, kw_only=True)
class Link:
    """From a number of a pooled map to where its maximum was: rows and columns."""

    start: tuple[int, int]
    end: tuple[int, int]


def tally(step: Step) -> Tally:
    """Counts and sums of the signal. Of the unit's step, `before` are all activations of the layer."""
    return Tally(
        path=step.path,
        kind=step.kind,
        arrived=int(step.before.count_nonzero()),
        kept=int(step.after.count_nonzero()),
        before=float(step.before.abs().sum()),
        after=float(step.after.abs().sum()),
    )


def strongest(signal: Tensor, count: int) -> list[int]:
    """The maps of (c, h, w) that carry most of the signal, the strongest first; none without any."""
    sums = signal.abs().sum((1, 2))
    chosen = torch.topk(sums, min(count, len(sums))).indices.tolist()
    return [channel for channel in chosen if sums[channel] > 0]


def shown(step: Step, count: int) -> tuple[list[int], list[int]]:
    """The maps to look at before and behind a step: the same ones, but for filters, which mix them.

    At a rectifier most are those that still carry something behind it.
    """
    before = strongest(step.before, count)
    if step.kind == "unit":
        (unit,) = strongest(step.after, 1) or [0]
        return [unit, *(each for each in before if each != unit)][:count], [unit]
    if step.kind == "filter":
        return before, strongest(step.after, count)
    if step.kind == "rectify":
        going = strongest(step.after, count - 1)
        rest = [each for each in before if each not in going]
        before = [*going, *rest[: count - len(going)]]
    return before, before


def share(signal: Tensor, channels: Sequence[int]) -> float:
    """How much of the sum of magnitudes these maps carry, from 0 to 1; 1 where there is no signal."""
    total = float(signal.abs().sum())
    return float(signal[list(channels)].abs().sum()) / total if total > 0 else 1.0


def links(step: Step, channel: int, count: int) -> tuple[Link, ...]:
    """Where the strongest numbers of a map go by the switches of an unpooling; none without switches."""
    if step.switches is None:
        return ()
    signal, switches = step.before[channel].flatten(), step.switches[channel].flatten()
    wide, wider = step.before.shape[2], step.after.shape[2]
    top = torch.topk(signal.abs(), min(count, len(signal))).indices.tolist()
    return tuple(
        Link(start=divmod(cell, wide), end=divmod(int(switches[cell]), wider))
        for cell in top
        if signal[cell] != 0
    )


def kernel(step: Step, above: int, below: int) -> Tensor | None:
    """The filter (kh, kw) of map `above` for map `below`, as on the way up; None where it has none."""
    if step.weight is None:
        return None
    own = step.weight.shape[1]
    groups = len(step.after) // own
    first = above // (len(step.before) // groups) * own  # map that the filter reads first
    return step.weight[above, below - first].detach() if 0 <= below - first < own else None
