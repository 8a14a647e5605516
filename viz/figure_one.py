"""ZFNet's figure 1 in numbers: one unit of a network of two filters, up to it and down again to the pixels.

Zeiler, Fergus 2013 (arXiv:1311.2901), figure 1 and section 2.1. The network is a convolution, ReLU, a max
pool, another convolution and ReLU, with one map each, so that every number of it can be drawn and be checked
by head. All numbers are whole.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viz.hooks import RULES, Rule

Side = Literal["up", "down"]
Matrix = tuple[tuple[int, ...], ...]

PICTURE = (
    (0, 1, 0, 0, 1, 0, 0, 0),
    (0, 0, 1, 0, 0, 0, 1, 0),
    (1, 0, 6, 7, 7, 6, 7, 1),
    (0, 1, 7, 9, 8, 7, 6, 0),
    (0, 0, 6, 8, 2, 1, 0, 0),
    (1, 0, 7, 7, 1, 0, 3, 0),
    (0, 0, 6, 7, 0, 1, 5, 3),
    (0, 1, 0, 0, 0, 0, 2, 0),
)  # an angle, bright on dark, and a speck
FIRST = ((-1, -1, 0), (-1, 2, 1), (0, 1, 0))  # upper left corners of something bright
FIRST_BIAS = -12
SECOND = ((1, 0, 0), (0, 2, 1), (-2, 1, 1))
POOLS = {"3": (3, 2), "2": (2, 2)}  # window and stride; what hangs over the border is cut off
UNITS = ((0, 0), (0, 1), (1, 0), (1, 1))  # of layer 2: row, column


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One map (h, w) of the drawing, at a level of the network on the way up or down."""

    title: str
    side: Side
    level: int  # 0: pixels, 1: convolved, 2: rectified, 3: pooled, 4: layer 2
    shape: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A filter, drawn between a level and the next."""

    title: str
    side: Side
    level: int  # below it
    values: Matrix


@dataclass(frozen=True, kw_only=True)
class Between:
    """Words between a level and the next, where no filter stands."""

    title: str
    side: Side
    level: int


@dataclass(frozen=True, kw_only=True)
class Link:
    """An arrow from a cell to a cell; cells count along the rows."""

    panel: int
    cell: int
    to: int
    at: int


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one step reads and writes; a cell may be written again by later steps."""

    stage: str
    words: str
    panel: int  # that is written
    cells: tuple[int, ...]
    values: tuple[float, ...]
    source: int  # panel that is read
    read: tuple[int, ...]
    frame: tuple[int, ...] = ()  # cells of the written panel that belong together
    links: tuple[Link, ...] = ()
    dropped: tuple[int, ...] = ()  # cells that a rectifier has set to zero
    kernel: int | None = None


@dataclass(frozen=True, kw_only=True)
class Walk:
    """The whole drawing: panels that fill up step by step."""

    panels: tuple[Panel, ...]
    kernels: tuple[Kernel, ...]
    between: tuple[Between, ...]
    steps: tuple[Step, ...]

    def values(self, panel: int) -> Tensor:
        """What a panel holds after the last step."""
        found = torch.zeros(self.panels[panel].shape).flatten()
        for step in self.steps:
            if step.panel == panel:
                found[list(step.cells)] = torch.tensor(step.values)
        return found.reshape(self.panels[panel].shape)

    @cached_property
    def data(self) -> dict[str, object]:
        """The walk as the browser reads it."""
        stages = list(dict.fromkeys(step.stage for step in self.steps))
        return {
            "panels": [vars(panel) for panel in self.panels],
            "kernels": [vars(kernel) for kernel in self.kernels],
            "between": [vars(each) for each in self.between],
            "stages": stages,
            "steps": [
                vars(step) | {"stage": stages.index(step.stage), "links": [vars(link) for link in step.links]}
                for step in self.steps
            ],
        }


def network(pool: str) -> nn.Sequential:
    """The network of the drawing: (1, 1, 8, 8) -> (1, 1, 2, 2). `pool` is a key of POOLS."""
    size, stride = POOLS[pool]
    first, second = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, bias=False)
    with torch.no_grad():
        for module, kernel in ((first, FIRST), (second, SECOND)):
            module.weight.copy_(torch.tensor(kernel))
        first.get_parameter("bias").fill_(FIRST_BIAS)
    made = nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(size, stride, ceil_mode=True), second, nn.ReLU())
    return made.eval().requires_grad_(False)


def picture() -> Tensor:
    """(1, 1, 8, 8), whole numbers from 0 to 9."""
    return torch.tensor(PICTURE, dtype=torch.float32)[None, None]


def walk(unit: tuple[int, int], pool: str, rule: Rule) -> Walk:
    """Up to a unit of layer 2 and down again, by a rule for the rectifier. ValueError: no such unit."""
    if unit not in UNITS:
        raise ValueError(f"Layer 2 has 2 x 2 units: there is none at {unit}.")
    return _Walker(unit, pool, rule).walk()


_PIXELS, _CONVOLVED, _RECTIFIED, _POOLED, _LAYER2 = range(5)  # panels on the way up
_BELOW, _KEPT, _UNPOOLED, _SENT, _UNIT = range(5, 10)  # and down, at the same levels
_TITLES = (
    *("Picture", "Convolved", "After ReLU", "Pooled", "Layer 2"),
    *("Back in pixels", "Signal behind its ReLU", "Unpooled signal", "Signal below layer 2", "One unit"),
)
_WIDE = 8  # cells in a row of the large maps


class _Walker:
    """Takes the network layer by layer, with the real operations, and writes down each step."""

    def __init__(self, unit: tuple[int, int], pool: str, rule: Rule) -> None:
        self._unit, self._rule = unit, rule
        self._size, self._stride = POOLS[pool]
        self._first, self._relu, _, self._second, _ = network(pool)
        self._filters = [layer.get_parameter("weight") for layer in (self._first, self._second)]
        self._steps: list[Step] = []

    def walk(self) -> Walk:
        pixels = picture()
        convolved = self._first(pixels)
        rectified = self._relu(convolved)
        pooled, switches = F.max_pool2d(
            rectified, self._size, self._stride, ceil_mode=True, return_indices=True
        )
        layer2 = self._relu(self._second(pooled))
        self._switches = [int(each) for each in switches.flatten()]
        self._up(*(each[0, 0] for each in (pixels, convolved, rectified, pooled, layer2)))
        self._down(layer2, convolved)
        shapes = [(each.shape[2], each.shape[3]) for each in (pixels, convolved, rectified, pooled, layer2)]
        sides: tuple[Side, Side] = ("up", "down")
        panels = [Panel(title=_TITLES[5 * i + k], side=side, level=k, shape=shape)
                  for i, side in enumerate(sides) for k, shape in enumerate(shapes)]  # fmt: skip
        kernels = (
            Kernel(title="Filter 1", side="up", level=0, values=FIRST),
            Kernel(title="Filter 2", side="up", level=3, values=SECOND),
            Kernel(title="Filter 1, turned round", side="down", level=0, values=turned(FIRST)),
            Kernel(title="Filter 2, turned round", side="down", level=3, values=turned(SECOND)),
        )
        between = (
            Between(title="ReLU", side="up", level=1),
            Between(title=f"max pool {self._size} × {self._size}", side="up", level=2),
            Between(title="ReLU on the signal", side="down", level=1),
            Between(title="unpool by the switches", side="down", level=2),
        )
        return Walk(panels=tuple(panels), kernels=kernels, between=between, steps=tuple(self._steps))

    def _up(
        self, pixels: Tensor, convolved: Tensor, rectified: Tensor, pooled: Tensor, layer2: Tensor
    ) -> None:
        self._note(
            "Picture", "an angle, bright on dark, and a speck: 8 × 8 pixels from 0 to 9", _PIXELS, pixels
        )
        best = int(convolved.argmax())
        self._note(
            "Convolve",
            f"at the framed place nine pixels times filter 1 are {_number(convolved.max() - FIRST_BIAS)}, "
            f"with the bias {_number(FIRST_BIAS)} that is {_number(convolved.max())}: an upper left corner",
            _CONVOLVED, convolved, _PIXELS, _window(*divmod(best, _WIDE), 3, -1), kernel=0,
        )  # fmt: skip
        shut = tuple(cell for cell, value in enumerate(convolved.flatten()) if value <= 0)
        self._note(
            "ReLU", f"{_WIDE**2 - len(shut)} numbers are positive and stay; the others become 0",
            _RECTIFIED, rectified, _CONVOLVED, dropped=shut,
        )  # fmt: skip
        largest = f"{self._size} × {self._size}"
        self._note(
            "Pool", f"the largest of the framed {largest} numbers is {_number(pooled[0, 0])}. The arrow is "
            "its switch, which remembers where the largest stood",
            _POOLED, pooled, _RECTIFIED, self._pooled_from(0), only=(0,), links=self._links((0,)),
        )  # fmt: skip
        twice = len({at for at in self._switches if self._switches.count(at) > 1})
        shared = (
            f"windows overlap: {twice} places have won more than one" if twice else "windows do not overlap"
        )
        every = range(len(self._switches))
        self._note(
            "Pool", f"all {len(every)} switches. The {shared}. Where a window is all 0, its first place wins",
            _POOLED, pooled, _RECTIFIED, only=every, links=self._links(every),
        )  # fmt: skip
        y, x = self._unit
        self._note(
            "Convolve again", f"the framed numbers times filter 2, summed up and rectified, are "
            f"{_number(layer2[y, x])}: the answer of the unit that is sent down",
            _LAYER2, layer2, _POOLED, _window(y, x, 3, 0, side=pooled.shape[1]), kernel=1,
        )  # fmt: skip

    def _down(self, layer2: Tensor, convolved: Tensor) -> None:
        y, x = self._unit
        alone = torch.zeros_like(layer2)
        alone[0, 0, y, x] = value = layer2[0, 0, y, x]
        self._note(
            "One unit", f"all other units of layer 2 are set to 0; this one sends its {_number(value)} down",
            _UNIT, alone[0, 0], _LAYER2, (2 * y + x,),
        )  # fmt: skip
        sent = F.conv_transpose2d(alone, self._filters[1])
        self._note(
            "Filter back", f"{_number(value)} times filter 2 is put where the filter had looked. No bias "
            "on the way down. Seen from below, each cell sums up through the filter turned round",
            _SENT, sent[0, 0], _UNIT, (2 * y + x,), frame=_window(y, x, 3, 0, side=sent.shape[3]), kernel=3,
        )  # fmt: skip
        unpooled = self._unpool(sent)
        kept = self._rectify(unpooled, convolved)
        self._project(kept)

    def _unpool(self, sent: Tensor) -> Tensor:
        """Each number goes to where the largest stood; numbers that meet are added."""
        unpooled = torch.zeros(_WIDE**2)
        self._note(
            "Unpool", "the large map is empty; the switches say where to", _UNPOOLED,
            unpooled.reshape(_WIDE, _WIDE), _SENT, links=self._links(range(sent.numel()), _SENT, _UNPOOLED),
        )  # fmt: skip
        for cell, signal in enumerate(sent.flatten()):
            if signal == 0:
                continue
            at = self._switches[cell]
            before = unpooled[at].clone()
            unpooled[at] += signal
            words = f"{_number(signal)} goes to where the largest of its window stood"
            if before != 0:
                words += f", on top of the {_number(before)} there: {_number(unpooled[at])}"
            self._note(
                "Unpool", words, _UNPOOLED, unpooled.reshape(_WIDE, _WIDE), _SENT, (cell,), only=(at,),
                links=self._links((cell,), _SENT, _UNPOOLED),
            )  # fmt: skip
        return unpooled.reshape(1, 1, _WIDE, _WIDE)

    def _rectify(self, unpooled: Tensor, convolved: Tensor) -> Tensor:
        keeps: dict[Rule, Tensor] = {"gradient": convolved > 0, "deconvnet": unpooled > 0}
        keeps["guided"] = keeps["gradient"] & keeps["deconvnet"]
        kept = unpooled * keeps[self._rule]
        some = (unpooled != 0).flatten()
        dropped = tuple(int(cell) for cell in (some & (kept == 0).flatten()).nonzero())
        count = int(some.sum())
        self._note(
            "ReLU on the signal",
            f"{self._rule} {RULES[self._rule]}: {count - len(dropped)} of {count} numbers go on",
            _KEPT, kept[0, 0], _UNPOOLED, tuple(int(cell) for cell in some.nonzero()), dropped=dropped,
        )  # fmt: skip
        return kept

    def _project(self, kept: Tensor) -> None:
        """One number after the other puts its copy of the filter into the picture."""
        total = torch.zeros(1, 1, _WIDE, _WIDE)
        for number, cell in enumerate(kept.flatten().nonzero().flatten().tolist(), start=1):
            y, x = divmod(cell, _WIDE)
            one = torch.zeros_like(kept)
            one[0, 0, y, x] = kept[0, 0, y, x]
            total = total + F.conv_transpose2d(one, self._filters[0], padding=1)
            where = "put where the filter had looked" if number == 1 else "added"
            square = _window(y, x, 3, -1)
            self._note(
                "Filter back to pixels", f"{_number(kept[0, 0, y, x])} times filter 1 is {where}",
                _BELOW, total[0, 0], _KEPT, (cell,), only=square if number > 1 else None, frame=square,
                kernel=2,
            )  # fmt: skip
        self._gather(total, kept)
        self._note(
            "Filter back to pixels",
            "what is left in pixels is what made the unit answer. It is a sum of filters at the places that "
            "won, and not a copy of the picture",
            _BELOW, total[0, 0], _PIXELS, only=(),
        )  # fmt: skip

    def _gather(self, total: Tensor, kept: Tensor) -> None:
        """The same seen from the pixel that most filters have reached."""
        reached = F.conv_transpose2d((kept != 0).float(), torch.ones_like(self._filters[0]), padding=1)
        touched = reached * (total != 0)
        y, x = divmod(int(touched.argmax()), _WIDE)
        around = _window(y, x, 3, -1)
        weights = dict(zip(_window(y, x, 3, -1), _turned_at(y, x), strict=True))
        terms = [
            f"{_number(kept.flatten()[cell])} × {_number(weights[cell])}"
            for cell in around
            if kept.flatten()[cell] != 0 and weights[cell] != 0
        ]
        self._note(
            "Filter back to pixels",
            f"the same seen from a pixel: the signal around it times the filter turned round, "
            f"{' + '.join(terms)} = {_number(total[0, 0, y, x])}",
            _BELOW, total[0, 0], _KEPT, around, only=(_WIDE * y + x,), kernel=2,
        )  # fmt: skip

    def _pooled_from(self, cell: int) -> tuple[int, ...]:
        side = math.isqrt(len(self._switches))
        y, x = divmod(cell, side)
        return _window(y * self._stride, x * self._stride, self._size, 0)

    def _links(self, cells: Sequence[int], panel: int = _POOLED, to: int = _RECTIFIED) -> tuple[Link, ...]:
        return tuple(Link(panel=panel, cell=cell, to=to, at=self._switches[cell]) for cell in cells)

    def _note(
        self,
        stage: str,
        words: str,
        panel: int,
        values: Tensor,
        source: int | None = None,
        read: tuple[int, ...] = (),
        *,
        only: Sequence[int] | None = None,
        frame: tuple[int, ...] = (),
        links: tuple[Link, ...] = (),
        dropped: tuple[int, ...] = (),
        kernel: int | None = None,
    ) -> None:
        """A step that writes a panel, all its cells or `only` some."""
        cells = tuple(range(values.numel()) if only is None else only)
        written = tuple(float(values.flatten()[cell]) for cell in cells)
        self._steps.append(
            Step(
                stage=stage,
                words=words,
                panel=panel,
                cells=cells,
                values=written,
                frame=frame,
                source=panel if source is None else source,
                read=read,
                links=links,
                dropped=dropped,
                kernel=kernel,
            )
        )


def turned(kernel: Matrix) -> Matrix:
    """A filter turned round by 180 degrees."""
    return tuple(row[::-1] for row in kernel[::-1])


def _turned_at(y: int, x: int) -> list[int]:
    """Filter 1, turned round and laid around (y, x): its numbers that lie in the map, along the rows."""
    rows, columns = (range(max(0, at - 1), min(_WIDE, at + 2)) for at in (y, x))
    return [turned(FIRST)[row - y + 1][column - x + 1] for row in rows for column in columns]


def _window(y: int, x: int, size: int, shift: int, side: int = _WIDE) -> tuple[int, ...]:
    """The cells of a square whose corner is at (y, x) and `shift`, as far as they lie in the map."""
    rows, columns = (range(max(0, at + shift), min(side, at + shift + size)) for at in (y, x))
    return tuple(side * row + column for row in rows for column in columns)


def _number(value: Tensor | float) -> str:
    return f"{float(value):.0f}".replace("-", "−")
