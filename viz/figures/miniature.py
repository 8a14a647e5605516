"""A family's signature block as a small drawing, from a description of a few words.

A description is a chain of boxes from left to right, as the signal flows. A box has the colour of its kind of
operation and is the taller, the more channels come out of it. A fork splits the signal into branches; an
empty branch is a shortcut. A grid is an image cut into patches or windows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

from viz.figures.style import LAYER_COLOURS, LINE, ink

WIDTH, HEIGHT = 240, 112  # px at which every label can be read

_GAP = 8.0  # between two boxes
_TURN = 9.0  # room for a line to leave or join
_JOIN = 15.0  # diameter of the sign where branches meet
_BAR = 8.0  # width of the bar where they are concatenated
_BETWEEN = 7.0  # between two branches
_ARC = 8.0  # how far a shortcut keeps away
_LETTER, _TEXT = 5.8, 10.0  # px: width of a letter, height of the font


@dataclass(frozen=True)
class Box:
    kind: str  # of LAYER_COLOURS
    label: str
    width: float
    height: float

    @property
    def extent(self) -> tuple[float, float, float]:
        """Width, and how far it reaches above and below the line of the signal."""
        return self.width, self.height / 2, self.height / 2


@dataclass(frozen=True)
class Grid:
    """An image in `cells` x `cells` patches; heavy lines every `window` patches, moved by `shift` of them."""

    cells: int
    window: int
    shift: int
    side: float

    @property
    def extent(self) -> tuple[float, float, float]:
        return self.side, self.side / 2, self.side / 2


@dataclass(frozen=True)
class Fork:
    """Branches from a split to a sign: "+" adds, "×" multiplies, "‖" concatenates, "" keeps them apart."""

    branches: tuple["Chain", ...]
    join: str

    @property
    def sign(self) -> float:
        """The width of the sign."""
        return {"": 0.0, "‖": _BAR}.get(self.join, _JOIN)

    @property
    def extent(self) -> tuple[float, float, float]:
        rows = _rows(self.branches)
        inner = max(_extent(branch)[0] for branch in self.branches)
        up = max(_extent(branch)[1] - offset for branch, offset in rows)
        down = max(_extent(branch)[2] + offset for branch, offset in rows)
        return _TURN + inner + _TURN + self.sign, max(up, _JOIN / 2), max(down, _JOIN / 2)


Part: TypeAlias = Box | Grid | Fork
Chain: TypeAlias = tuple[Part, ...]


def conv(label: str = "3×3", height: float = 44) -> Box:
    return Box("conv", label, 25, height)


def act(label: str = "ReLU", height: float = 44) -> Box:
    return Box("act", label, 14, height)


def norm(label: str = "BN", height: float = 44) -> Box:
    return Box("norm", label, 16, height)


def pool(label: str = "pool", height: float = 30) -> Box:
    return Box("pool", label, 14 if label else 8, height)


def linear(label: str = "linear", height: float = 44) -> Box:
    return Box("linear", label, 15, height)


def attention(label: str = "attention", height: float = 60) -> Box:
    return Box("matmul", label, 18, height)


def grid(cells: int = 4, window: int = 1, shift: int = 0, side: float = 40) -> Grid:
    return Grid(cells, window, shift, side)


def fork(*branches: Chain, join: str = "+") -> Fork:
    return Fork(branches, join)


def miniature(chain: Chain, alt: str) -> str:
    """The drawing as SVG, WIDTH x HEIGHT, to be read on light and on dark ground.

    Raises ValueError where the chain does not fit: smaller than this nobody could read the labels.
    """
    width, up, down = _extent(chain)
    if width > WIDTH or up + down > HEIGHT:
        raise ValueError(f"The drawing needs {width:.0f} x {up + down:.0f} px, there are {WIDTH} x {HEIGHT}.")
    x, y = (WIDTH - width) / 2, (HEIGHT + up - down) / 2
    stub = min(14.0, x)
    pen = _Pen()
    if not isinstance(chain[0], Grid):
        pen.line("M", x - stub, y, "h", stub)
    pen.chain(chain, x, y, width)
    pen.line("M", x + width, y, "h", stub)
    if stub > 6:
        pen.line("M", x + width + stub - 4, y - 3.5, "l", 4, 3.5, "l", -4, 3.5)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' role='img' "
        f"font-family='Helvetica Neue,Arial,sans-serif' font-size='{_TEXT:g}' font-weight='600' "
        f"text-anchor='middle'><title>{escape(alt)}</title>{pen.drawing()}</svg>"
    )


def _extent(chain: Chain) -> tuple[float, float, float]:
    if not chain:
        return 0.0, 0.0, 0.0
    widths, ups, downs = zip(*(part.extent for part in chain), strict=True)
    return sum(widths) + _GAP * (len(chain) - 1), max(ups), max(downs)


def _rows(branches: Sequence[Chain]) -> list[tuple[Chain, float]]:
    """The branches with their distance from the line of the signal, downwards positive.

    A shortcut runs in an arc above the rest. The rest is stacked around the line.
    """
    full = [branch for branch in branches if branch]
    height = sum(_extent(b)[1] + _extent(b)[2] for b in full) + _BETWEEN * (len(full) - 1)
    top = -height / 2 if len(full) > 1 else -_extent(full[0])[1]
    rows: list[tuple[Chain, float]] = [((), top - _ARC)] * (len(branches) - len(full))
    for branch in full:
        _, up, down = _extent(branch)
        rows.append((branch, top + up))
        top += up + down + _BETWEEN
    return rows


class _Pen:
    """Collects SVG; every method draws from x to the right, around the height y.

    The drawings of all families are sent at once, so what many marks share is written once: all lines are
    one path, and a colour stands before the boxes that have it.
    """

    def __init__(self) -> None:
        self.path: list[str] = []
        self.blocks: dict[str, list[str]] = {}  # colour -> boxes
        self.marks: list[str] = []
        self.words: dict[str, list[str]] = {}  # colour -> labels

    def drawing(self) -> str:
        """Lines, boxes on them, words on the boxes."""
        return "".join(
            (
                f"<path d='{''.join(self.path)}' fill='none' stroke='{LINE}' stroke-width='1.6'/>",
                *(f"<g fill='{colour}'>{''.join(boxes)}</g>" for colour, boxes in self.blocks.items()),
                *self.marks,
                *(f"<g fill='{colour}'>{''.join(words)}</g>" for colour, words in self.words.items()),
            )
        )

    def line(self, *steps: str | float) -> None:
        """A path: its commands and coordinates."""
        path = " ".join(step if isinstance(step, str) else f"{step:.4g}" for step in steps)
        self.path.append(re.sub(r" ?([A-Za-z]) ?", r"\1", path))

    def block(self, x: float, y: float, width: float, height: float, colour: str, rim: str = "") -> None:
        edge = f" stroke='{rim}' stroke-width='.8'" if rim else ""
        self.blocks.setdefault(colour, []).append(
            f"<rect x='{x:.4g}' y='{y - height / 2:.4g}' width='{width:.4g}' height='{height:.4g}' rx='3'"
            f"{edge}/>"
        )

    def chain(self, chain: Chain, x: float, y: float, width: float) -> None:
        """A branch, in the middle of `width`: some branches of a fork are shorter than others."""
        slack = (width - _extent(chain)[0]) / 2
        if slack:
            self.line("M", x, y, "h", slack, "M", x + width - slack, y, "h", slack)
        x += slack
        for i, part in enumerate(chain):
            if i:
                self.line("M", x, y, "h", _GAP)
                x += _GAP
            match part:
                case Box():
                    self.box(part, x, y)
                case Grid():
                    self.grid(part, x, y)
                case Fork():
                    self.fork(part, x, y)
            x += part.extent[0]

    def box(self, box: Box, x: float, y: float) -> None:
        colour, middle = LAYER_COLOURS[box.kind], x + box.width / 2
        self.block(x, y, box.width, box.height, colour)
        turned = _LETTER * len(box.label) > box.width
        turn = f" transform='rotate(-90 {middle:.4g} {y:.4g})'" if turned else ""
        if box.label:
            self.words.setdefault(ink(colour), []).append(
                f"<text x='{middle:.4g}' y='{y + 3.5:.4g}'{turn}>{escape(box.label)}</text>"
            )

    def grid(self, image: Grid, x: float, y: float) -> None:
        side, top, cell = image.side, y - image.side / 2, image.side / image.cells
        self.block(x, y, side, side, LAYER_COLOURS["input"])
        for i in range(1, image.cells):
            heavy = image.window > 1 and (i - image.shift) % image.window == 0
            self.marks.append(
                f"<path d='M{x + i * cell:.4g} {top:.4g}v{side:g}M{x:.4g} {top + i * cell:.4g}h{side:g}' "
                + ("stroke='#000' stroke-width='2'/>" if heavy else "stroke='#fff'/>")
            )

    def fork(self, part: Fork, x: float, y: float) -> None:
        end = x + part.extent[0] - part.sign
        rows = _rows(part.branches)
        for branch, offset in rows:
            row = y + offset
            if branch:
                half = _TURN / 2
                self.line("M", x, y, "C", x + half, y, x + half, row, x + _TURN, row)
                self.chain(branch, x + _TURN, row, end - x - 2 * _TURN)
                self.line("M", end - _TURN, row, "C", end - half, row, end - half, y, end, y)
            else:
                left, right, r = x + 3, end + part.sign / 2, 6.0
                self.line("M", x, y, "Q", left, y, left, y - 3, "V", row + r, "Q", left, row, left + r, row)
                self.line("M", left + r, row, "H", right - r, "Q", right, row, right, row + r, "V", y)
        if part.join == "‖":
            reach = max(14.0, *(abs(offset) for _, offset in rows)) + 4
            self.block(end, y, _BAR, 2 * reach, LAYER_COLOURS["concat"], rim=LINE)
        elif part.join:
            middle, r = end + _JOIN / 2, _JOIN / 2 - 0.5
            self.marks.append(
                f"<circle cx='{middle:.4g}' cy='{y:.4g}' r='{r:g}' fill='{LAYER_COLOURS['add']}' "
                f"stroke='{LINE}' stroke-width='.8'/>"
                f"<text x='{middle:.4g}' y='{y + 4.4:.4g}' font-size='13'>{part.join}</text>"
            )
