"""All published networks as points: when they came, what they cost, how good they were."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import log10, sqrt
from textwrap import wrap
from types import MappingProxyType
from typing import TypeAlias

import plotly.graph_objects as go

from viz.figures.style import FAINT, FRONT, KIND_COLOURS, KIND_SYMBOLS, LINE, RIM, count, framed

_SMALLEST, _LARGEST = 7.0, 34.0  # diameters of points, px
_SLOT = 0.22  # years between two families of the same year
_WIDE, _NARROW = (820.0, 370.0), (230.0, 350.0)  # px that the data take on a laptop and on a phone
_HEIGHT = 540
_EDGE = 30.0  # px beyond them that a name may use
_COVERED = 0.25  # the share of a name that may be hidden; beyond that the pointer has to tell it
_LETTER, _ROW = 7.0, 15.0  # px that a letter and a line of a name take

_Rectangle: TypeAlias = tuple[float, float, float, float]  # left, bottom, right, top


@dataclass(frozen=True)
class Axis:
    """A quantity to draw along: `better` is +1 where more of it is better, -1 where less is."""

    name: str
    title: str  # with its unit
    log: bool
    better: int


AXES: Mapping[str, Axis] = MappingProxyType(
    {
        "year": Axis("Year", "Year", False, -1),
        "params": Axis("Parameters", "Parameters", True, -1),
        "macs": Axis("MACs", "Multiply-accumulates (MACs) for one image", True, -1),
        "top1": Axis("Top-1 accuracy", "Top-1 accuracy on ImageNet, %", False, +1),
    }
)
SIZES = ("params", "macs")  # what the area of a point may stand for


@dataclass(frozen=True, kw_only=True)
class Point:
    """A published variant."""

    name: str
    title: str
    family: str  # as shown
    kind: str
    at: Mapping[str, float]  # axis -> place; an axis is missing where nobody published the figure
    accuracy: str  # in words, with its source


def drawn(points: Iterable[Point], x: str, y: str) -> list[Point]:
    """The points that have a place on both axes."""
    return [p for p in points if x in p.at and y in p.at]


def pareto(scores: Sequence[tuple[float, float]]) -> list[int]:
    """The indices of the scores that no other score beats; more is better.

    One score beats another if it is at least as good in both parts and better in one. Of equal scores, none
    beats the other: both stay.
    """

    def beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
        return one != other and one[0] >= other[0] and one[1] >= other[1]

    return [i for i, score in enumerate(scores) if not any(beats(other, score) for other in scores)]


def front(points: Sequence[Point], x: str, y: str) -> list[Point]:
    """The Pareto front of the points on two axes, from left to right."""
    scores = [(AXES[x].better * p.at[x], AXES[y].better * p.at[y]) for p in points]
    return sorted((points[i] for i in pareto(scores)), key=lambda p: (p.at[x], p.at[y]))


def diameter(amount: float, largest: float) -> float:
    """Of a point, in px: its area grows with the amount, but nothing is smaller than a dot one can hit."""
    return max(_SMALLEST, _LARGEST * sqrt(amount / largest))


def timeline(
    points: Sequence[Point],
    x: str,
    y: str,
    *,
    size: str = "params",
    lineage: Iterable[tuple[str, str]] = (),
    kin: Collection[str] = (),
    with_front: bool = False,
) -> go.Figure:
    """The points on two of AXES, a trace for each kind of family; `customdata` holds the variant's name.

    `lineage` are pairs (parent, child) of families; an arrow runs between their named points. `kin` are
    families that stand out from all others, which fade; without any, none does.
    Families of the same year stand side by side, each a little off the year. The last two traces are the
    names, placed for a narrow and for a wide figure: ui/gallery.css shows the one that fits.
    """
    canvas = _Canvas(drawn(points, x, y), x, y, size, kin)
    canvas.add_lineage(lineage)
    if with_front:
        canvas.add_front()
    for kind in KIND_COLOURS:
        canvas.add_points(kind)
    canvas.add_names(_NARROW)
    canvas.add_names(_WIDE)
    return canvas.finished()


class _Canvas:
    """A figure in which every point has its place and its size."""

    def __init__(self, points: Sequence[Point], x: str, y: str, size: str, kin: Collection[str]) -> None:
        self.points, self.x, self.y, self.kin = points, x, y, kin
        largest = max((p.at[size] for p in points), default=1.0)
        self.diameter = {p.name: round(diameter(p.at[size], largest), 1) for p in points}
        self.place = {
            p.name: (p.at[x] + _aside(p, points, x), p.at[y] + _aside(p, points, y)) for p in points
        }
        self.named: dict[
            str, Point
        ] = {}  # of each family, the point with its name: the highest of its first year
        for p in sorted(points, key=lambda p: (p.family not in kin, p.at["year"], -p.at[y])):
            self.named.setdefault(p.family, p)
        self.figure = go.Figure()

    def add_lineage(self, lineage: Iterable[tuple[str, str]]) -> None:
        """Arrows that stop at the rim of the child's point."""
        xs: list[float | None] = []
        ys: list[float | None] = []
        heads: list[float] = []
        rims: list[float] = []
        for pair in lineage:
            if not all(family in self.named for family in pair):
                continue
            parent, child = (self.named[family].name for family in pair)
            xs += [self.place[parent][0], self.place[child][0], None]
            ys += [self.place[parent][1], self.place[child][1], None]
            heads += [0, 9, 0]
            rims += [0, self.diameter[child] / 2, 0]
        arrow = {"symbol": "arrow", "angleref": "previous", "size": heads, "standoff": rims, "color": LINE}
        line = {"color": LINE, "width": 1.8} if self.kin else {"color": FAINT, "width": 1.2}
        self._add(xs, ys, "lines+markers", "Grew from", line=line, marker=arrow)

    def add_front(self) -> None:
        """Steps: what the best network reached up to there."""
        best = [self.place[p.name] for p in front(self.points, self.x, self.y)]
        shape = "hv" if AXES[self.x].better < 0 else "vh"
        line = {"color": FRONT, "width": 2.5, "shape": shape}
        self._add([x for x, _ in best], [y for _, y in best], "lines", "Pareto front", line=line)

    def add_points(self, kind: str) -> None:
        points = [p for p in self.points if p.kind == kind]
        points.sort(key=lambda p: -self.diameter[p.name])  # the small ones on top
        if points:
            self.figure.add_scatter(
                x=[self.place[p.name][0] for p in points],
                y=[self.place[p.name][1] for p in points],
                mode="markers",
                name=kind.capitalize(),
                marker={
                    "color": KIND_COLOURS[kind],
                    "symbol": KIND_SYMBOLS[kind],
                    "size": [self.diameter[p.name] for p in points],
                    "opacity": [self._opacity(p) for p in points] if self.kin else 0.85,
                    "line": RIM,
                },
                customdata=[[p.name] for p in points],
                hovertext=[_card(p) for p in points],
                hoverinfo="text",
            )

    def add_names(self, plot: tuple[float, float]) -> None:
        """The name of every family where it covers no other name and hardly a point, in a plot this large."""
        across, up = (
            _pixels([p.at[axis] for p in self.points], axis, length)
            for axis, length in zip((self.x, self.y), plot, strict=True)
        )
        at = {p.name: (across(self.place[p.name][0]), up(self.place[p.name][1])) for p in self.points}
        radius = {name: d / 2 for name, d in self.diameter.items()}
        seen = {p.name for p in self.points if not self.kin or p.family in self.kin}
        dots = [
            (x - radius[n], y - radius[n], x + radius[n], y + radius[n])
            for n, (x, y) in at.items()
            if n in seen
        ]
        taken: list[_Rectangle] = []
        shown: dict[str, str] = {}

        def covered(box: _Rectangle) -> float:
            """The share of a name that lies on points or beyond the edge."""
            beyond = max(0.0, -_EDGE - box[0], box[2] - plot[0] - _EDGE) * _ROW
            return (beyond + sum(_overlap(box, dot) for dot in dots)) / _area(box)

        for family, point in self.named.items():
            if point.name not in seen:
                continue
            (x, y), r, wide = at[point.name], radius[point.name] + 1, _LETTER * len(family)
            sides = {
                "top center": (x - wide / 2, y + r, x + wide / 2, y + r + _ROW),
                "middle left": (x - r - wide, y - _ROW / 2, x - r, y + _ROW / 2),
                "middle right": (x + r, y - _ROW / 2, x + r + wide, y + _ROW / 2),
                "bottom center": (x - wide / 2, y - r - _ROW, x + wide / 2, y - r),
                "top left": (x - r - wide, y + r, x - r, y + r + _ROW),
                "top right": (x + r, y + r, x + r + wide, y + r + _ROW),
                "bottom left": (x - r - wide, y - r - _ROW, x - r, y - r),
                "bottom right": (x + r, y - r - _ROW, x + r + wide, y - r),
            }
            free = [side for side, box in sides.items() if not any(_overlap(box, other) for other in taken)]
            side = min(free, key=lambda side: covered(sides[side]), default="")
            if side and covered(sides[side]) < _COVERED:
                taken.append(sides[side])
                shown[family] = side
        named = [self.named[family].name for family in shown]
        self._add(
            [self.place[name][0] for name in named],
            [self.place[name][1] for name in named],
            "markers+text",
            "Names",
            text=list(shown),
            textposition=list(shown.values()),
            textfont={"size": 12, "weight": 600, "shadow": "0 0 3px Canvas, 0 0 3px Canvas, 0 0 2px Canvas"},
            marker={
                "size": [self.diameter[name] for name in named],
                "opacity": 0,
            },  # the text keeps clear of them
            cliponaxis=False,
            showlegend=False,
        )

    def finished(self) -> go.Figure:
        for update, axis in ((self.figure.update_xaxes, self.x), (self.figure.update_yaxes, self.y)):
            log = {"type": "log", "dtick": 1, "exponentformat": "SI"} if AXES[axis].log else {}
            update(title=AXES[axis].title, zeroline=False, **log)
        self.figure.update_xaxes(showgrid=AXES[self.x].log)
        return framed(self.figure, _HEIGHT, legend=0.16)

    def _opacity(self, point: Point) -> float:
        return 0.9 if point.family in self.kin else 0.12

    def _add(
        self, xs: Sequence[float | None], ys: Sequence[float | None], mode: str, name: str, **look: object
    ) -> None:
        """Something to look at and not to point at."""
        if xs:
            self.figure.add_scatter(x=xs, y=ys, mode=mode, name=name, hoverinfo="skip", **look)


def _aside(point: Point, points: Sequence[Point], axis: str) -> float:
    """How far a point stands from its place so that the families of a year stand side by side."""
    if axis != "year":
        return 0.0
    families = list(dict.fromkeys(p.family for p in points if p.at["year"] == point.at["year"]))
    return (families.index(point.family) - (len(families) - 1) / 2) * min(_SLOT, 0.8 / len(families))


def _pixels(values: Sequence[float], axis: str, length: float) -> Callable[[float], float]:
    """Roughly where a value is drawn; the true scale is known only to the browser."""
    scale = log10 if AXES[axis].log else float
    low, high = (scale(f(values)) if values else 0.0 for f in (min, max))
    return lambda value: (scale(value) - low) / ((high - low) or 1.0) * length


def _overlap(a: _Rectangle, b: _Rectangle) -> float:
    """The area that two rectangles share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _area(a: _Rectangle) -> float:
    return (a[2] - a[0]) * (a[3] - a[1])


def _card(point: Point) -> str:
    """What stands beside the pointer."""
    lines = [
        f"<b>{escape(point.title)}</b>",
        f"{escape(point.family)}, {point.at['year']:.0f}",
        f"{count(point.at['params'])} parameters, {count(point.at['macs'])} MACs",
        *map(escape, wrap(point.accuracy, 44)),
    ]
    return "<br>".join(lines)
