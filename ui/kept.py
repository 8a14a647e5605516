"""The runs whose networks can be looked into: those that have kept a checkpoint."""

from contextlib import suppress
from dataclasses import dataclass

from training.runs import ENDED, Runs


@dataclass(frozen=True)
class Kept:
    """A run, and the checkpoints of it that stay as they are."""

    id: str
    variant: str
    title: str
    moments: tuple[str, ...]  # epochs: "0", "1", "2", "5" ..., then "best" or "last" where the run has ended

    @property
    def latest(self) -> str:
        return next((moment for moment in reversed(self.moments) if moment.isdigit()), self.moments[-1])


def runs(found: Runs) -> tuple[Kept, ...]:
    """The newest first; what cannot be read is left out."""
    kept = []
    with suppress(ValueError):
        for run in found.list():
            if run.meta is None or run.recipe is None:
                continue
            with suppress(ValueError, OSError):
                names = found.checkpoints(run.id)
                moments = [str(int(name)) for name in names if name.isdigit()]
                if run.status in ENDED:  # until then these are written again and again
                    moments += [name for name in ("best", "last") if name in names]
                if moments:
                    kept.append(Kept(run.id, run.recipe.specimen.variant, run.meta.title, tuple(moments)))
    return tuple(kept)
