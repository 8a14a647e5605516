"""Progressive learning (EfficientNetV2): small pictures and weak regularisation first, both grow.

Tan and Le 2021 (arXiv:2104.00298), algorithm 1 with M = 4 stages.
"""

from collections.abc import Callable
from dataclasses import dataclass

from training.recipe import Recipe

STAGES = 4
SMALLEST = 1 / 2  # of the full size
WEAKEST = 1 / 3  # of dropout, RandAugment and MixUp: table 6's 0.1 of 0.3 and 5 of 15
_GRAIN = 8  # pixels


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A quarter of the run."""

    size: int  # pixels
    strength: float  # share of the recipe's regularisation


def stages(recipe: Recipe, reads: Callable[[int], bool]) -> tuple[Stage, ...]:
    """The recipe's stages, one where it is not progressive. `reads` says whether the network can read a size.

    A stage's size is the next multiple of eight that it can read. Raises ValueError where that leaves no
    smaller size than the full one.
    """
    full = Stage(size=recipe.size, strength=1.0)
    if not recipe.progressive:
        return (full,)
    readable = [size for size in range(_GRAIN, recipe.size, _GRAIN) if reads(size)]
    found = []
    for i in range(STAGES - 1):
        share = i / (STAGES - 1)
        wanted = recipe.size * (SMALLEST + share * (1 - SMALLEST))
        size = next((size for size in readable if size >= wanted), recipe.size)
        found.append(Stage(size=size, strength=WEAKEST + share * (1 - WEAKEST)))
    if found[0].size == recipe.size:
        raise ValueError(
            f"This network cannot read pictures smaller than {recipe.size} pixels, so they cannot grow. "
            "Turn progressive resizing off, or choose another network or a larger size."
        )
    return (*found, full)


def stage_of(stages: tuple[Stage, ...], epoch: int, epochs: int) -> Stage:
    """The stage in which the epoch 0 .. `epochs` - 1 falls."""
    return stages[min(len(stages) - 1, epoch * len(stages) // epochs)]
