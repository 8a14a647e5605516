"""A race: two to four runs from one seed, over the same pictures in the same order, so that only what is
named differs. And the search for a network that costs as much as another.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import log

from training.data import dataset
from training.recipe import Recipe
from zoo import Specimen, knobs, variant
from zoo.anatomy import dissect
from zoo.registry import KnobValue
from zoo.surgery import operate

MOST = 4  # lanes
SHARED = ("data", "images", "validation", "size", "seed")  # fields that all recipes of a race have in common
QUANTITIES: Mapping[str, str] = {"params": "parameters", "macs": "MACs"}

# Arguments that make every layer wider, and those that add layers.
_WIDE = {
    "width", "widths", "hidden", "out", "k", "growth_rate", "growth", "inner", "added", "filters", "primary",
    "base_e", "incr_e", "w0", "wa", "a", "b",
}  # fmt: skip
_DEEP = {"depth", "depths", "cells", "modules", "blocks"}
_NEAR_ENOUGH = 0.02  # of the other's cost: below it nothing more is turned
_FACTORS = tuple(2 ** (i / 8) for i in range(-32, 33))  # by which the width is tried, from 1/16 to 16
_STARTS = 2  # widths from which single knobs are turned on
_STEPS = 10  # of single knobs

Turned = dict[str, KnobValue]


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One run of a race, and what it is called there."""

    name: str
    recipe: Recipe


@dataclass(frozen=True, kw_only=True)
class Race:
    """Two to four lanes that share everything in `SHARED`. Raises ValueError with a sentence otherwise."""

    lanes: tuple[Lane, ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.lanes) <= MOST:
            raise ValueError(f"A race has two to {MOST} lanes, not {len(self.lanes)}.")
        names = [lane.name for lane in self.lanes]
        if len(set(names)) < len(names):
            raise ValueError("The lanes of a race need different names.")
        for field in SHARED:
            values = {getattr(lane.recipe, field) for lane in self.lanes}
            if len(values) > 1:
                raise ValueError(
                    f"The lanes of a race share their {field}; these have {' and '.join(map(str, values))}."
                )


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A race that makes one point."""

    title: str
    race: Race
    quantity: str  # what to look at first: "accuracy" or "loss"


@dataclass(frozen=True)
class Cost:
    """Trainable parameters, and multiply-accumulates of one picture."""

    params: int
    macs: int


def cost(recipe: Recipe) -> Cost:
    """What the recipe's network costs. Nothing is computed.

    ValueError with a sentence where it cannot read the pictures or has nothing that the recipe changes.
    """
    found = _cost(recipe.specimen, len(dataset(recipe.data).classes), recipe.size, recipe.norm)
    _demand_changes(recipe.specimen, recipe.activation, recipe.dropout, recipe.stochastic_depth)
    return found


@lru_cache(maxsize=512)
def _demand_changes(
    specimen: Specimen, activation: str, dropout: float | None, stochastic_depth: float | None
) -> None:
    """What changes no count, but may be impossible."""
    operate(specimen.skeleton(), activation=activation, dropout=dropout, stochastic_depth=stochastic_depth)


@lru_cache(maxsize=4096)
def _cost(specimen: Specimen, classes: int, size: int, norm: bool) -> Cost:
    model = replace(specimen, num_classes=classes).skeleton(input_size=size)
    params = sum(each.numel() for each in operate(model, norm=norm).parameters() if each.requires_grad)
    anatomy = dissect(model, (variant(specimen.variant).channels, size, size))
    return Cost(params=params, macs=anatomy.macs)


def apart(recipe: Recipe, like: Recipe, quantity: str) -> float:
    """How much more `recipe` costs than `like`, relative: 0.1 is a tenth more."""
    return float(getattr(cost(recipe), quantity) / getattr(cost(like), quantity) - 1)


def matched(recipe: Recipe, like: Recipe, quantity: str = "params") -> Recipe:
    """The recipe with a network that costs as nearly as possible what that of `like` does.

    All widths are scaled together; where that leaves more than 2 %, single widths and depths are turned too,
    step by step, as long as each step gets nearer. How near it got, `apart` says. `quantity` is a key of
    QUANTITIES; ValueError for another one.
    """
    if quantity not in QUANTITIES:
        raise ValueError(f"Networks are matched by params or by macs, not by {quantity!r}.")
    target = getattr(cost(like), quantity)
    found = _matched(
        recipe.specimen, len(dataset(recipe.data).classes), recipe.size, recipe.norm, quantity, target
    )
    return replace(recipe, specimen=found)


@lru_cache(maxsize=256)
def _matched(specimen: Specimen, classes: int, size: int, norm: bool, quantity: str, target: int) -> Specimen:
    def distance(turned: Turned) -> float:
        """Between the costs, as a logarithm; infinite for knobs with which there is no network."""
        try:
            found = _cost(replace(specimen, knobs=tuple(turned.items())), classes, size, norm)
        except ValueError:
            return float("inf")
        return abs(log(getattr(found, quantity) / target))

    now: Turned = dict(specimen.knobs)
    if distance(now) <= _NEAR_ENOUGH:
        return specimen
    starts = sorted([now, *_scaled(specimen)], key=distance)[:_STARTS]
    if distance(starts[0]) > _NEAR_ENOUGH:
        starts = [_descend(specimen, start, distance) for start in starts]
    return replace(specimen, knobs=tuple(min(starts, key=distance).items()))


def _turnable(specimen: Specimen, arguments: set[str]) -> dict[str, tuple[list[float], float]]:
    """The knobs of these arguments that hold numbers: their choices, ascending, and where they stand."""
    turned = dict(specimen.knobs)
    found = {}
    for key, (knob, default) in knobs(specimen.variant).items():
        choices = [
            each for each in knob.choices if isinstance(each, int | float) and not isinstance(each, bool)
        ]
        value = turned.get(key, default)
        if key.partition(".")[0] in arguments and len(choices) > 1 and isinstance(value, int | float):
            found[key] = (sorted(choices), value)
    return found


def _scaled(specimen: Specimen) -> list[Turned]:
    """All widths multiplied by one factor, each as nearly as its choices allow."""
    wide = {key: found for key, found in _turnable(specimen, _WIDE).items() if found[1] > 0}
    if not wide:
        return []
    found: dict[tuple[float, ...], Turned] = {}
    for factor in _FACTORS:
        values = tuple(
            min((each for each in choices if each > 0), key=lambda each: abs(log(each / (factor * value))))
            for choices, value in wide.values()
        )
        found.setdefault(values, dict(specimen.knobs) | dict(zip(wide, values, strict=True)))
    return list(found.values())


def _descend(specimen: Specimen, start: Turned, distance: Callable[[Turned], float]) -> Turned:
    """One width or depth to its next choice, the one that gets nearest, until none gets nearer."""
    choices = {key: found[0] for key, found in _turnable(specimen, _WIDE | _DEEP).items()}
    defaults = {key: default for key, (_, default) in knobs(specimen.variant).items()}
    best = start
    for _ in range(_STEPS):
        if distance(best) <= _NEAR_ENOUGH:
            break
        steps = []
        for key, possible in choices.items():
            at = possible.index(best.get(key, defaults[key]))  # type: ignore[arg-type]
            steps += [
                best | {key: value} for value in (*possible[max(at - 1, 0) : at], *possible[at + 1 : at + 2])
            ]
        nearest = min(steps, key=distance, default=best)
        if distance(nearest) >= distance(best):
            break
        best = nearest
    return best
