"""Which squares are computed together: boxes of one size waste work, more groups read the weights more often.

M operations that multiply, B squares.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WHOLE = 0.8  # of a map: a box that covers more of it is no box any more


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """The multiplications behind a square, by the rows and the columns at which squares can begin."""

    heights: NDArray[np.int64]  # (M, rows): of the boxes
    widths: NDArray[np.int64]  # (M, columns)
    units: NDArray[np.int64]  # (M,): of the whole maps
    each: NDArray[np.float64]  # (M,): multiplications for a unit
    again: float  # for a group, whatever it holds: multiplications in the time that it takes

    def of(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """The multiplications for one square in a group of the first 1, 2, ..., B of these, (B,)."""
        sides = (
            np.maximum.accumulate(sides[:, at], axis=1)
            for sides, at in ((self.heights, rows), (self.widths, columns))
        )
        height, width = sides
        area, units = height * width, self.units[:, None]
        return self.each @ np.where(area < WHOLE * units, area, units)

    def groups(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64], most: int
    ) -> list[NDArray[np.int64]]:
        """Squares by number, in groups of at most so many: the least work of all ways to cut them in a row.

        They are put in a row by their heights, then by their widths, up and down in turns.
        """
        tall, wide = self.heights.sum(0)[rows], self.widths.sum(0)[columns]
        turn = np.unique(tall, return_inverse=True)[1] % 2
        order = np.lexsort((np.where(turn, -wide, wide), tall))
        least, begins = np.full(len(order) + 1, np.inf), np.zeros(len(order) + 1, np.int64)
        least[0] = 0
        for begin in range(len(order)):
            group = order[begin : begin + most]
            size = np.arange(1, len(group) + 1)
            work = least[begin] + self.again + size * self.of(rows[group], columns[group])
            better = work < least[begin + size]
            least[begin + size[better]], begins[begin + size[better]] = work[better], begin
        groups, end = [], len(order)
        while end:
            groups.append(order[begins[end] : end])
            end = int(begins[end])
        return groups
