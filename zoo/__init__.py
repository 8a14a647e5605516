"""The architectures: one paper, one file; every network found, built and counted by its name."""

from zoo.family import KINDS, Deviation, Family, HasAuxiliaryHeads, Knob, Printed, Published, Story, Variant
from zoo.registry import FAMILIES, VARIANTS, build, family_of, knobs, nearest, skeleton, variant
from zoo.specimen import Specimen
from zoo.weights import Loaded, load

__all__ = [
    "FAMILIES",
    "KINDS",
    "VARIANTS",
    "Deviation",
    "Family",
    "HasAuxiliaryHeads",
    "Knob",
    "Loaded",
    "Printed",
    "Published",
    "Specimen",
    "Story",
    "Variant",
    "build",
    "family_of",
    "knobs",
    "load",
    "nearest",
    "skeleton",
    "variant",
]
