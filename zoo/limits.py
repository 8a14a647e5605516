"""Every limit that the owner of a server may want to change, each by a variable of the environment.

README lists them. What they bound asks for `value` when it needs it; `check` says at the start of the app
what is wrong with a variable.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # where Linux tells what a container's share of the processor is


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A whole number from the environment."""

    variable: str
    default: int
    unit: str
    what: str  # it limits, for README
    least: int = 1

    @property
    def value(self) -> int:
        """ValueError with a sentence where the variable holds anything but a number of that kind."""
        said = os.environ.get(self.variable, "").strip()
        with suppress(ValueError):
            number = int(said or self.default)
            if number >= self.least:
                return number
        raise ValueError(
            f"The environment says {self.variable}={said[:40]}, which must be a whole number ({self.unit}), "
            f"{self.least} or more. The default is {self.default}."
        )


COMPUTATIONS = Limit(
    variable="ZOOLENS_COMPUTATIONS", default=0, unit="computations", least=0,
    what="computations for readers at the same time; 0: one a core, but a core is left to the pages",
)  # fmt: skip
TRAININGS = Limit(
    variable="ZOOLENS_TRAININGS", default=0, unit="runs", least=0,
    what="runs that train at the same time, each on one core; 0: one a core",
)  # fmt: skip
WORKERS = Limit(
    variable="ZOOLENS_WORKERS", default=8, unit="workers",
    what="workers that share each step of one run",
)  # fmt: skip
RUNS_WAITING = Limit(
    variable="ZOOLENS_RUNS_WAITING", default=100, unit="runs",
    what="runs waiting for their turn",
)  # fmt: skip
RUN_MINUTES = Limit(
    variable="ZOOLENS_RUN_MINUTES", default=30, unit="minutes",
    what="training of one run, pauses not counted",
)  # fmt: skip
RUN_EPOCHS = Limit(
    variable="ZOOLENS_RUN_EPOCHS", default=1_000, unit="epochs",
    what="training of one run",
)  # fmt: skip
RUNS_KEPT = Limit(
    variable="ZOOLENS_RUNS_KEPT", default=200, unit="runs",
    what="runs kept of those that have ended; the oldest go first",
)  # fmt: skip
RUNS_PER_BROWSER = Limit(
    variable="ZOOLENS_RUNS_PER_BROWSER", default=20, unit="runs",
    what="runs kept of one browser",
)  # fmt: skip
RUNS_GIB = Limit(
    variable="ZOOLENS_RUNS_GIB", default=20, unit="GiB",
    what="all runs on the disk; of those that have ended, the oldest go first",
)  # fmt: skip
UPLOAD_MIB = Limit(
    variable="ZOOLENS_UPLOAD_MIB", default=32, unit="MiB",
    what="a picture that is uploaded",
)  # fmt: skip
PICTURE_MEGAPIXELS = Limit(
    variable="ZOOLENS_PICTURE_MEGAPIXELS", default=50, unit="million pixels",
    what="any picture that is read",
)  # fmt: skip
OWN_GIB = Limit(
    variable="ZOOLENS_OWN_GIB", default=4, unit="GiB",
    what="a reader's own data set, unpacked",
)  # fmt: skip
OWN_FILES = Limit(
    variable="ZOOLENS_OWN_FILES", default=200_000, unit="files",
    what="a reader's own data set",
)  # fmt: skip
OWN_PICTURES = Limit(
    variable="ZOOLENS_OWN_PICTURES", default=100_000, unit="pictures",
    what="a reader's own data set",
)  # fmt: skip
OWN_SETS_GIB = Limit(
    variable="ZOOLENS_OWN_SETS_GIB", default=20, unit="GiB",
    what="all readers' own data sets on the disk",
)  # fmt: skip
SPLITS_GIB = Limit(
    variable="ZOOLENS_SPLITS_GIB", default=2, unit="GiB",
    what="data sets kept on the disk as they were loaded lately",
)  # fmt: skip
NETWORKS_MIB = Limit(
    variable="ZOOLENS_NETWORKS_MIB", default=1_024, unit="MiB",
    what="networks in memory; one that is larger is kept alone, and occlusions keep another",
)  # fmt: skip
RESULTS_MIB = Limit(
    variable="ZOOLENS_RESULTS_MIB", default=192, unit="MiB",
    what="maps and pictures of what readers look into, kept in memory",
)  # fmt: skip
WORK_WAITING = Limit(
    variable="ZOOLENS_WORK_WAITING", default=256, unit="pieces of work",
    what="work waiting in one of the queues beside the pages",
)  # fmt: skip
WORK_MIB = Limit(
    variable="ZOOLENS_WORK_MIB", default=64, unit="MiB",
    what="results of each of these queues kept in memory",
)  # fmt: skip
PATIENCE_SECONDS = Limit(
    variable="ZOOLENS_PATIENCE_SECONDS", default=60, unit="seconds",
    what="silence after which a window is taken to be closed, and its work ends",
)  # fmt: skip
OCCLUSION_POSITIONS = Limit(
    variable="ZOOLENS_OCCLUSION_POSITIONS", default=6_000, unit="positions", least=16,
    what="places of the square of an occlusion; its stride grows where there would be more",
)  # fmt: skip
COLLECTION = Limit(
    variable="ZOOLENS_COLLECTION", default=2_000, unit="pictures",
    what="pictures of a data set that Features searches",
)  # fmt: skip
INDICES_MIB = Limit(
    variable="ZOOLENS_INDICES_MIB", default=128, unit="MiB",
    what="what such searches found, on the disk",
)  # fmt: skip

ALL = tuple(found for found in list(globals().values()) if isinstance(found, Limit))


def check() -> None:
    """ValueError with a sentence for the first variable that holds nonsense."""
    for limit in ALL:
        _ = limit.value


def cores() -> int:
    """Cores that this process may keep busy: those it may run on, or a container's share of them."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # "max 100000" where there is no quota
        quota, period = map(int, _QUOTA.read_text().split())
        count = min(count, -(-quota // period))
    return max(1, count)
