"""What the presets of the race came to where they were measured, `assets/measured/races.json`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parents[1] / "assets" / "measured" / "races.json"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A lane of a preset, trained once: shares of pictures named right at the end."""

    preset: str
    lane: str
    training: float
    validation: float


def rows(preset: str, lane: str) -> Sequence[Outcome]:
    """A lane's, one a seed."""
    return [row for row in _all() if (row.preset, row.lane) == (preset, lane)]


@cache
def _all() -> Sequence[Outcome]:
    return [
        Outcome(
            preset=row["preset"],
            lane=row["lane"],
            training=row["train accuracy"],
            validation=row["validation accuracy"],
        )
        for row in json.loads(_FILE.read_text(encoding="utf-8"))["rows"]
    ]
