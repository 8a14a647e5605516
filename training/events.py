"""What a training tells while it goes: records that survive JSON, in the order in which they happen.

No event holds a clock: the same recipe gives the same events. Arrays and weights ride along in fields that
JSON leaves out; `training.runs` keeps them in files of their own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, get_args, get_type_hints

import numpy as np
from torch import Tensor

Arrays = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, kw_only=True)
class Started:
    """The first event of a run: what its numbers are about."""

    kind: ClassVar[str] = "started"
    params: int
    macs: int  # of one image, at the full size
    images: int
    validation: int
    steps_per_epoch: int
    peak: float  # learning rate, after linear scaling
    classes: tuple[str, ...]
    layers: tuple[str, ...]  # module paths of what holds a weight, in forward order: rows of the heat strip
    activations: tuple[str, ...]  # module paths of the activations in which a unit can be dead
    stages: tuple[str, ...]  # module paths whose maps a snapshot shows
    handful: tuple[int, ...]  # indices, in the validation set, of the pictures that every snapshot shows
    rates: tuple[float, ...]  # the schedule as planned, at most 500 points evenly over all steps


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the optimiser. Loss and accuracy are of its batch, before the step."""

    kind: ClassVar[str] = "step"
    step: int  # how many have been made
    loss: float
    accuracy: float  # 0..1
    rate: float  # the learning rate that was used


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A reader turned the learning rate: what the schedule says is multiplied from here on."""

    kind: ClassVar[str] = "changed"
    step: int
    rate: float  # of the next step
    factor: float  # on the schedule from now on


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """The training pictures have been seen once more. Epoch 0 is before the first step (loss is NaN-free).

    Loss and accuracy are means over the epoch's batches, while the weights were changing.
    """

    kind: ClassVar[str] = "epoch"
    epoch: int
    step: int
    loss: float
    accuracy: float
    size: int  # pixels of the pictures in this epoch (progressive resizing)
    gradient: tuple[float, ...]  # norm of each layer's gradient at the last step
    change: tuple[float, ...]  # of each layer's weights over the epoch, relative to their norm before it


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The validation pictures, in evaluation mode. Epoch 0 is before the first step."""

    kind: ClassVar[str] = "evaluation"
    epoch: int
    step: int
    weights: str  # "raw", "ema" or "swa"
    loss: float
    accuracy: float  # 0..1
    dead: tuple[float, ...]  # share of units of each activation that no validation picture wakes; raw only
    # raw only; see training.loop.snapshot for names and shapes
    snapshot: Arrays | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Weights and all else that is needed to go on from here."""

    kind: ClassVar[str] = "checkpoint"
    epoch: int
    step: int
    name: str  # "0000", "0001", ...: the epoch; "best": the lowest validation loss so far
    state: Mapping[str, Tensor] | None = field(default=None, compare=False, repr=False)
    facts: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Done:
    """The end, as planned or by a reader's wish."""

    kind: ClassVar[str] = "done"
    epoch: int
    step: int
    reason: str  # "finished", "early" (patience ran out), "stopped" (by a reader), "limit" (of time)


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The end, for a reason that a reader can act on, in a sentence."""

    kind: ClassVar[str] = "failed"
    step: int
    reason: str


Event = Started | Step | Changed | Epoch | Evaluation | Checkpoint | Done | Failed
_KINDS: dict[str, Callable[..., Event]] = {
    each.kind: each for each in (Started, Step, Changed, Epoch, Evaluation, Checkpoint, Done, Failed)
}
_APART = {"snapshot", "state", "facts"}
_TYPES = {
    kind: {k: v for k, v in get_type_hints(make).items() if k not in {*_APART, "kind"}}
    for kind, make in _KINDS.items()
}
_FITS: dict[Any, Any] = {int: int, float: int | float, str: str}


def to_dict(event: Event) -> dict[str, Any]:
    """The event for JSON, without what rides along."""
    values = {each.name: getattr(event, each.name) for each in fields(event) if each.name not in _APART}
    return {"kind": event.kind} | values


def from_dict(values: Mapping[str, Any]) -> Event:
    """The event that `to_dict` made, before or after JSON; other keys are left out.

    KeyError, TypeError or ValueError for what it did not make.
    """
    kind = values["kind"]
    types = _TYPES[kind]
    known = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in types}
    for name, value in known.items():
        inner = get_args(types[name])  # of a tuple
        fits = _FITS[inner[0] if inner else types[name]]
        if not all(isinstance(each, fits) for each in (value if inner else (value,))):
            raise ValueError(f"{name} cannot be {str(value)[:40]!r}.")
    return _KINDS[kind](**known)
