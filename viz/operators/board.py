"""Lays a walk out: panels are put on the board, and each stage of an operator adds its steps.

The numbers in a panel come from the real operator; the steps show how they come about.
"""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn

from viz.operators.records import Cost, Made, Numbers, Panel, Step, Taken, Walk, number
from zoo.anatomy import dissect

_SPELLED = 4  # products that a line of words writes out
_TALL = 12  # rows of a matrix that is drawn as torch keeps it


class Board:
    def __init__(self) -> None:
        self.panels: list[Panel] = []
        self.steps: list[Step] = []

    def walk(self, costs: Sequence[Cost], remark: str = "") -> Walk:
        return Walk(tuple(self.panels), tuple(self.steps), tuple(costs), remark)

    def show(
        self,
        title: str,
        values: Tensor,
        kind: str,
        *,
        names: Sequence[str] = (),
        pad: int = 0,
        fill: float = 0.0,
    ) -> Panel:
        """A panel of maps (C, H, W), of one map (H, W) or of one row (W)."""
        array: Numbers = values.detach().double().numpy()
        array = array.reshape((1,) * (3 - array.ndim) + array.shape)
        panel = Panel(len(self.panels), title, kind, array, tuple(names), pad, fill)
        self.panels.append(panel)
        return panel

    def note(
        self,
        stage: str,
        parts: Sequence[Taken | Made],
        target: Panel,
        cells: Sequence[int],
        result: Sequence[float],
        words: str,
        sees: tuple[Panel, Sequence[int]] | None = None,
    ) -> None:
        """A step of whatever arithmetic."""
        seen = None if sees is None else (sees[0].index, tuple(sees[1]))
        self.steps.append(
            Step(stage, tuple(parts), target.index, tuple(cells), tuple(map(float, result)), words, seen)
        )

    def dot(
        self,
        stage: str,
        inputs: Taken,
        weights: Taken,
        target: Panel,
        cell: int,
        *,
        bias: tuple[Panel, int] | None = None,
        relu: bool = False,
        factor: float = 1.0,
        sees: tuple[Panel, Sequence[int]] | None = None,
    ) -> None:
        """A step that multiplies cell by cell and adds up, times `factor`, plus a bias; then perhaps ReLU."""
        left = self.panels[inputs.panel].of(inputs.cells)
        right = self.panels[weights.panel].of(weights.cells)
        products = left * right
        total = float(products.sum())
        parts: list[Taken | Made] = [
            inputs,
            weights,
            Made("=", "products, to add up", tuple(products), inputs.shape),
        ]
        words = _sum_of_products(left, right, total)
        if factor != 1.0:
            total *= factor
            words += f", × {number(factor)} = {number(total)}"
        if bias is not None:
            shift = bias[0].of((bias[1],))[0]
            parts.append(Taken("+", "bias", bias[0].index, (bias[1],), (1, 1, 1)))
            total += float(shift)
            words += f", {'−' if shift < 0 else '+'} bias {number(abs(shift))} = {number(total)}"
        if relu:
            total = max(total, 0.0)
            words += f", ReLU: {number(total)}"
        self.note(stage, parts, target, [cell], [total], words, sees)

    def convolve(
        self,
        stage: str,
        conv: nn.Conv2d,
        source: Panel,
        title: str,
        *,
        relu: bool = False,
        names: Sequence[str] = (),
        pad: int = 0,
        into: tuple[Panel, int] | None = None,
        kernels: str = "Kernel",
        reach: tuple[Panel, int] | None = None,
    ) -> Panel:
        """A convolution of the maps of a panel, one step for each number that it writes.

        The result becomes a panel with a frame of `pad`, or goes `into` the maps of one from a number on.
        With `reach` steps also say which square of that panel, `reach` pixels wide, they depend on.
        """
        x = torch.from_numpy(source.values)[None, : conv.in_channels]
        with torch.no_grad():
            y = conv.double()(x)[0]
        conv.float()
        y = y.relu() if relu else y
        first = 0
        groups, cin = conv.groups, conv.in_channels // conv.groups
        (high, wide), pointwise = conv.kernel_size, conv.kernel_size == (1, 1)
        (down, across), (gap, gap2) = conv.stride, conv.dilation
        top, left = conv.padding if isinstance(conv.padding, tuple) else (0, 0)
        if pointwise:  # one row of weights for each output
            kernel = self.show(kernels, conv.weight[:, :, 0, 0], "weights")
        else:
            kernel = self.show(kernels, conv.weight.flatten(0, 1), "weights", names=_kernels(len(y), cin))
        bias = None if conv.bias is None else self.show(f"{kernels}: bias", conv.bias, "weights")
        if into is None:
            target = self.show(title, y, "conv", names=names, pad=pad)
        else:
            target, first = into
        shape = (1, 1, cin) if pointwise else (cin, high, wide)
        for n, row, column in positions(y):
            base = n // (conv.out_channels // groups) * cin  # first map that this output reads
            window = tuple(
                source.at(base + c, row * down - top + i * gap, column * across - left + j * gap2)
                for c, i, j in product(range(cin), range(high), range(wide))
            )
            if pointwise:
                taken = tuple(kernel.at(0, n, c) for c in range(cin))
            else:
                taken = tuple(
                    kernel.at(n * cin + c, i, j) for c, i, j in product(range(cin), range(high), range(wide))
                )
            sees = None
            if reach is not None:
                seen, side = reach
                sees = (seen, [seen.at(0, row + i, column + j) for i in range(side) for j in range(side)])
            self.dot(
                stage,
                Taken("", "window" if not pointwise else "channels here", source.index, window, shape),
                Taken("×", "weights", kernel.index, taken, shape),
                target,
                target.at(first + n, row, column),
                bias=None if bias is None else (bias, n),
                relu=relu,
                sees=sees,
            )
        return target

    def linear(
        self,
        stage: str,
        weight: Tensor,
        bias: Tensor | None,
        source: Panel,
        title: str,
        *,
        relu: bool = False,
        kernels: str = "Weights",
    ) -> Panel:
        """A linear layer on the rows of a panel's one map, (N, D) to (N, E), a step for each number.

        `weight` is (E, D), as torch keeps it.
        """
        rows = torch.from_numpy(source.values[0])
        y = nn.functional.linear(rows, weight.double(), None if bias is None else bias.double())
        upright = len(weight) <= _TALL  # a longer matrix is drawn lying
        matrix = self.show(kernels, weight if upright else weight.T, "weights")
        shift = None if bias is None else self.show(f"{kernels}: bias", bias, "weights")
        target = self.show(title, y.relu() if relu else y, "linear")
        width = weight.shape[1]
        shape = fold(width)
        for row, out in product(range(len(y)), range(len(weight))):
            taken = (matrix.at(0, out, d) if upright else matrix.at(0, d, out) for d in range(width))
            self.dot(
                stage,
                Taken("", "row", source.index, tuple(source.at(0, row, d) for d in range(width)), shape),
                Taken("×", "weights", matrix.index, tuple(taken), shape),
                target,
                target.at(0, row, out),
                bias=None if shift is None else (shift, out),
                relu=relu,
            )
        return target

    def average(self, stage: str, source: Panel, title: str) -> Panel:
        """Every map's mean: (C, H, W) to a row of C."""
        y = nn.functional.adaptive_avg_pool2d(torch.from_numpy(source.values), 1).flatten()
        target = self.show(title, y, "pool")
        _, height, width = source.values.shape
        for c in range(len(y)):
            cells = tuple(source.at(c, i, j) for i in range(height) for j in range(width))
            total = float(source.of(cells).sum())
            self.note(
                stage,
                [Taken("", "map", source.index, cells, (1, height, width))],
                target,
                [target.at(0, 0, c)],
                [total / len(cells)],
                f"the {len(cells)} numbers sum up to {number(total)}, "
                f"/ {len(cells)} = {number(total / len(cells))}",
            )
        return target

    def softmax(
        self, stage: str, source: Panel, title: str, along: Sequence[Sequence[tuple[int, int, int]]]
    ) -> Panel:
        """A softmax over each list of places in the panel."""
        y = np.array(source.values)
        for places in along:
            index = tuple(np.array(places).T)
            y[index] = torch.from_numpy(source.values[index]).softmax(0).numpy()
        target = self.show(title, torch.from_numpy(y), "softmax", names=source.names)
        for places in along:
            cells = tuple(source.at(*place) for place in places)
            powers = np.exp(source.of(cells))
            shape = fold(len(cells))
            self.note(
                stage,
                [
                    Taken("", "scores", source.index, cells, shape),
                    Made("→", "e to their power", tuple(powers), shape),
                    Made(f"/ {number(powers.sum())} =", "shares", tuple(powers / powers.sum()), shape),
                ],
                target,
                [target.at(*place) for place in places],
                powers / powers.sum(),
                f"e to the power of each, divided by their sum {number(powers.sum())}: shares that add up "
                "to 1",
            )
        return target


def positions(y: Tensor) -> Iterator[tuple[int, int, int]]:
    """Map, row and column of every number of (C, H, W)."""
    channels, height, width = y.shape
    return product(range(channels), range(height), range(width))


def fold(length: int) -> tuple[int, int, int]:
    """How a row of so many numbers is laid out where it has to be short."""
    columns = min(length, 8)
    return (1, length // columns, columns) if length % columns == 0 else (1, 1, length)


def cost(name: str, module: nn.Module, shape: tuple[int, int, int]) -> Cost:
    """What the module costs on (C, H, W), by zoo.anatomy."""
    return Cost.of(name, dissect(module, shape))


def _kernels(outputs: int, inputs: int) -> list[str]:
    """What to call each kernel of a convolution; nothing where there is but one."""
    if outputs == 1:
        return [f"for map {c + 1}" for c in range(inputs)] if inputs > 1 else []
    each = [f", map {c + 1}" for c in range(inputs)] if inputs > 1 else [""]
    return [f"output {n + 1}{map}" for n in range(outputs) for map in each]


def _sum_of_products(left: Numbers, right: Numbers, total: float) -> str:
    if len(left) > _SPELLED:
        return f"the {len(left)} products sum up to {number(total)}"
    terms = (
        f"{number(a)} × {number(b) if b >= 0 else f'({number(b)})'}" for a, b in zip(left, right, strict=True)
    )
    return f"{' + '.join(terms)} = {number(total)}"
