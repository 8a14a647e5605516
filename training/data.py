"""The pictures that networks learn from: data sets by name, and one's own."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Pictures:
    """Pictures of one size, in memory."""

    images: Tensor  # uint8 (N, C, H, W)
    labels: Tensor  # int64 (N,)
    masks: Tensor | None = None  # bool (N, H, W): where the object is, for `shapes`


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """A data set as a run uses it."""

    train: Pictures
    validation: Pictures
    classes: tuple[str, ...]
    mean: tuple[float, ...]  # of each channel of all training pictures of the data set, pixels from 0 to 1
    deviation: tuple[float, ...]
