"""What a walk through an operator consists of: panels of numbers, and steps that read some and write others.

Every operator of the page is told in these words, so one drawing serves all of them. A panel holds maps of
numbers; a vector is a map of one row. A step reads cells of panels, shows what it computes from them, and
writes cells of one panel. Its `result` is made from what it shows, in float64; the panel it writes holds what
the real operator gave. Tests hold one against the other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zoo.anatomy import Anatomy

Numbers = NDArray[np.float64]
Choice = int | float | str | bool
Shape = tuple[int, int, int]  # maps, rows, columns

_DIGITS = 6  # significant digits that are sent to the browser; it shows two decimals


@dataclass(frozen=True, eq=False)
class Panel:
    """Maps of numbers under one title, (C, H, W), in a frame of `pad` cells that hold `fill`."""

    index: int
    title: str
    kind: str  # of the operation that makes it, as in zoo.anatomy; "input", or "weights" for parameters
    values: Numbers
    names: tuple[str, ...]  # one per map, or none
    pad: int
    fill: float  # minus infinity around a max pool

    def at(self, channel: int, y: int, x: int) -> int:
        """The number of a cell; y and x may lie in the frame."""
        _, height, width = self.values.shape
        pad = self.pad
        return (channel * (height + 2 * pad) + y + pad) * (width + 2 * pad) + x + pad

    @cached_property
    def framed(self) -> Numbers:
        """(C, H + 2 pad, W + 2 pad)"""
        around = ((0, 0), (self.pad, self.pad), (self.pad, self.pad))
        return np.pad(self.values, around, constant_values=self.fill)

    def of(self, cells: tuple[int, ...]) -> Numbers:
        return self.framed.reshape(-1)[list(cells)]


@dataclass(frozen=True)
class Taken:
    """A part of a step's arithmetic: cells of a panel, laid out in `shape`, behind a `sign` such as ×."""

    sign: str
    title: str
    panel: int
    cells: tuple[int, ...]
    shape: Shape


@dataclass(frozen=True)
class Made:
    """A part of a step's arithmetic that it works out from the parts before it."""

    sign: str
    title: str
    values: tuple[float, ...]
    shape: Shape


@dataclass(frozen=True)
class Step:
    stage: str  # "Squeeze": what this step and its neighbours do
    parts: tuple[Taken | Made, ...]
    panel: int  # that it writes
    cells: tuple[int, ...]
    result: tuple[float, ...]  # one for each of the cells
    words: str  # the arithmetic in a line
    sees: tuple[int, tuple[int, ...]] | None = None  # panel and cells that the result depends on in the end


@dataclass(frozen=True)
class Cost:
    """What a module costs, counted by zoo.anatomy on the real module."""

    name: str
    params: int
    macs: int
    layers: tuple[tuple[str, str, str], ...]  # name, and both counts as products, of all that have any

    @classmethod
    def of(cls, name: str, anatomy: Anatomy) -> "Cost":
        layers = tuple(
            (layer.label, layer.params_formula, layer.formula)
            for layer in anatomy.layers
            if layer.params or layer.macs
        )
        return cls(name, anatomy.params, anatomy.macs, layers)


@dataclass(frozen=True)
class Walk:
    """An operator on the patch: all numbers, all steps, and what it costs."""

    panels: tuple[Panel, ...]
    steps: tuple[Step, ...]
    costs: tuple[Cost, ...]  # of the operator, and of what it replaces
    remark: str  # a sentence with this walk's numbers

    @cached_property
    def data(self) -> dict[str, object]:
        """The walk as the stepper in the browser reads it; nobody changes it."""
        stages = list(dict.fromkeys(step.stage for step in self.steps))
        return {
            "panels": [
                {
                    "title": panel.title,
                    "kind": panel.kind,
                    "names": panel.names,
                    "shape": panel.framed.shape,
                    "pad": panel.pad,
                    "values": _sent(panel.framed.reshape(-1)),
                }
                for panel in self.panels
            ],
            "stages": stages,
            "steps": [
                {
                    "stage": stages.index(step.stage),
                    "parts": [
                        {"sign": part.sign, "title": part.title, "shape": part.shape}
                        | (
                            {"panel": part.panel, "cells": part.cells}
                            if isinstance(part, Taken)
                            else {"values": _sent(part.values)}
                        )
                        for part in step.parts
                    ],
                    "panel": step.panel,
                    "cells": step.cells,
                    "words": step.words,
                    "sees": step.sees,
                }
                for step in self.steps
            ],
        }


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A parameter that a reader may turn."""

    name: str
    title: str
    choices: tuple[Choice, ...]
    default: Choice
    meaning: str
    words: tuple[str, ...] = ()  # of the choices, where they are not their own words


@dataclass(frozen=True, kw_only=True)
class Operator:
    key: str  # stands in addresses
    title: str
    group: str
    idea: str  # one sentence
    turns: tuple[Turn, ...]
    walk: Callable[[Mapping[str, Choice]], Walk]  # ValueError with a sentence where it is impossible
    code: type | Callable[..., object]  # of this project, where the operator stands
    families: tuple[str, ...]  # keys of families that use it, the first to do so first


def number(value: float) -> str:
    """A number of the arithmetic: at most two decimals, a real minus."""
    if value == -np.inf:
        return "−∞"
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("-", "−")


def _sent(values: Numbers | tuple[float, ...]) -> list[float | None]:
    """Numbers in as many digits as anybody reads; infinity, which JSON has not, as None."""
    return [float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None for value in values]
