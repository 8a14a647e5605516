"""Swin's windows, token by token: who attends to whom, with and without the shift and its mask.

Liu et al. 2021 (arXiv:2103.14030), figures 2 and 4. Partition, regions and mask are the network's own
functions, from `zoo.families.swin`; what is added here is where in the picture the tokens of a window lie.

H x W tokens of a map, M side of a window, N = M x M tokens in it, w windows.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from zoo.families import swin

shifted_window_mask = swin.shifted_window_mask


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How one block cuts a map of height x width tokens into windows; `shift` 0: they stay where they are.

    An axis that one window covers is not shifted, and one that the window does not divide is padded with
    zeros at its end, as in the network. Raises ValueError for sizes that there cannot be.
    """

    height: int
    width: int
    window: int
    shift: int = 0

    def __post_init__(self) -> None:
        if min(self.height, self.width, self.window) < 1:
            raise ValueError("A map and a window have at least one token on each side.")
        if not 0 <= self.shift < self.window:
            raise ValueError(
                f"A shift of {self.shift} is none for a window of {self.window}: take 0 to M - 1."
            )

    @property
    def rows(self) -> int:
        """Of the padded map."""
        return self.height + -self.height % self.window

    @property
    def columns(self) -> int:
        """Of the padded map."""
        return self.width + -self.width % self.window

    @property
    def moved(self) -> tuple[int, int]:
        """How far the map is rolled up and left."""
        return (
            swin.axis_shift(self.rows, self.window, self.shift),
            swin.axis_shift(self.columns, self.window, self.shift),
        )

    @property
    def count(self) -> int:
        """Windows in the map."""
        return self.rows * self.columns // self.window**2

    @cached_property
    def rolled(self) -> Tensor:
        """Which token lies in each cell after the shift: (rows, columns) of y W + x, -1 for padding."""
        up, left = self.moved
        tokens = torch.full((self.rows, self.columns), -1)
        tokens[: self.height, : self.width] = torch.arange(self.height * self.width).reshape(
            self.height, self.width
        )
        return torch.roll(tokens, (-up, -left), (0, 1))

    @cached_property
    def places(self) -> Tensor:
        """The tokens of each window in their order: (w, N) of y W + x, -1 for padding."""
        return _cut(self.rolled, self.window)

    @cached_property
    def regions(self) -> Tensor:
        """The number of each cell's region after the shift, 0 to 8: (rows, columns). One region: all 0."""
        if not any(self.moved):
            return torch.zeros(self.rows, self.columns, dtype=torch.int)
        return swin.shifted_regions(self.rows, self.columns, self.window, self.shift)

    @cached_property
    def four(self) -> Tensor:
        """Regions by two strips an axis, rolled in or not, 0 to 3: (rows, columns). The mask is the same."""
        up, left = self.moved
        down = torch.arange(self.rows) >= self.rows - up
        across = torch.arange(self.columns) >= self.columns - left
        return 2 * down.int()[:, None] + across.int()

    @cached_property
    def mask(self) -> Tensor:
        """What is added to the scores: (w, N, N) of 0 and -100; all 0 without a shift."""
        if not any(self.moved):
            return torch.zeros(self.count, self.window**2, self.window**2)
        return swin.shifted_window_mask(self.rows, self.columns, self.window, self.shift)

    @property
    def masked(self) -> float:
        """The share of all pairs inside windows that the mask keeps apart, 0..1."""
        return float((self.mask < 0).double().mean())

    def groups(self, *, mask: bool = True) -> Tensor:
        """Tokens with the same number attend to each other: (H, W). Without the mask: those of a window."""
        windows = torch.arange(self.count)[:, None].expand(-1, self.window**2)
        regions = _cut(self.regions, self.window) if mask else 0
        numbers = 9 * windows + regions
        there = self.places >= 0
        found = torch.empty(self.height * self.width, dtype=torch.long)
        found[self.places[there]] = numbers[there]
        return found.reshape(self.height, self.width)

    def partners(self, y: int, x: int, *, mask: bool = True) -> Tensor:
        """The tokens that the one at row y, column x attends to, itself included: (H, W) bool."""
        self._demand(y, x)
        groups = self.groups(mask=mask)
        return groups == groups[y, x]

    def _demand(self, y: int, x: int) -> None:
        if not (0 <= y < self.height and 0 <= x < self.width):
            raise ValueError(f"The map has {self.height} x {self.width} tokens: there is none at {y}, {x}.")


def mask_of(regions: Tensor, window: int) -> Tensor:
    """The mask that follows from any numbering of regions (rows, columns): (w, N, N) of 0 and -100."""
    numbers = _cut(regions, window)
    return torch.where(numbers[:, :, None] == numbers[:, None, :], 0.0, -100.0)


def unrolled(height: int, width: int, window: int, shift: int) -> Tensor:
    """Groups (H, W) when windows are moved by `shift` and nothing is rolled: those at the border are smaller.

    That is the lesson of figure 4: the rolled and masked map has the same groups, in fewer windows. Sizes
    that the window divides; an axis that one window covers is not shifted.
    """

    def strips(size: int) -> Tensor:
        shifted = swin.axis_shift(size, window, shift)
        return (torch.arange(size) + (window - shifted if shifted else 0)) // window

    down, across = strips(height), strips(width)
    return (int(across.max()) + 1) * down[:, None] + across


def seen(layouts: tuple[Layout, ...], y: int, x: int, *, mask: bool = True) -> Tensor:
    """After how many blocks the token at y, x has heard of each other one: (H, W), 0 itself, -1 not at all.

    `layouts` are those of the blocks from the first to the last. A token hears in a block what its partners
    knew before it.
    """
    first = layouts[0]
    first._demand(y, x)
    after = torch.full((first.height, first.width), -1)
    after[y, x] = 0
    for blocks in range(1, len(layouts) + 1):
        known = torch.zeros(first.height, first.width, dtype=torch.bool)
        known[y, x] = True
        for layout in reversed(layouts[:blocks]):
            groups = layout.groups(mask=mask)
            known = torch.isin(groups, groups[known])
        after[known & (after < 0)] = blocks
    return after


def separate_windows(height: int, width: int, window: int, shift: int) -> int:
    """How many windows there are when those at the border are padded to full size instead of rolled."""
    return int(unrolled(height, width, window, shift).max()) + 1


def _cut(cells: Tensor, window: int) -> Tensor:
    """(rows, columns) -> (w, N), by the network's own partition."""
    return swin.window_partition(cells[None, :, :, None], window).squeeze(-1)
