"""Scaling laws: what the papers' formulas promise, and what the real networks cost, counted."""

from zoo.scaling.attention import ATTENTION
from zoo.scaling.compound import COMPOUND, TINYNET
from zoo.scaling.multipliers import DENSENET, MOBILENET, RESNEXT, WIDE
from zoo.scaling.records import Chart, Check, Fact, Law, Measured, Net, Preset, Series, Slider, View, measured
from zoo.scaling.widths import REGNET

LAWS = {law.key: law for law in (COMPOUND, TINYNET, WIDE, MOBILENET, RESNEXT, DENSENET, REGNET, ATTENTION)}

__all__ = [
    "LAWS",
    "Chart",
    "Check",
    "Fact",
    "Law",
    "Measured",
    "Net",
    "Preset",
    "Series",
    "Slider",
    "View",
    "measured",
]
