"""The memory that a run needs at least, by hand, and that the machine says what it has."""

import torch
from torch import Tensor, nn

from zoo import memory, timing
from zoo.anatomy import dissect


class Chain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)  # 112 parameters, 4 × 8 × 8 numbers
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.conv(x))


def test_needed_by_hand() -> None:
    with torch.device("meta"):
        anatomy = dissect(Chain(), (3, 8, 8))
    assert memory.needed(anatomy, 1, training=True) == 4 * (2 * 112 + 2 * 256)
    assert memory.needed(anatomy, 10, training=False) == 4 * (112 + 10 * 2 * 256)


def test_free_is_told_or_unknown() -> None:
    free = timing.free()
    assert free is None or free > 10_000_000
