"""What a server can tell of itself: readers, memory, work, runs, caches."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamlit import runtime

from training.runs import Runs
from ui import cached
from ui.background import Load
from ui.gate import gate
from zoo import timing

_QUEUES = {"Work of a pass or two": "quick", "Longer work": "background", "Occlusions": "occlusions"}
_begun = time.monotonic()


@dataclass(frozen=True, kw_only=True)
class Cache:
    """A function whose results are kept, since the start."""

    name: str
    hits: int
    misses: int
    evicted: int  # results that made room for others
    seconds: float  # that computing them took


@dataclass(frozen=True, kw_only=True)
class Now:
    """The server at one moment; None where the system does not say."""

    seconds: float  # since it started
    windows: int | None  # connected
    visits: int | None  # since the start
    resident: int | None  # bytes of this process
    free: int | None  # bytes that the machine can still give
    threads: int
    computing: int  # places of the gate that are taken,
    places: int  # of so many,
    waiting: int  # and how many wait for one
    work: Mapping[str, Load]
    runs: Mapping[str, int]  # by status
    disk: int | None  # bytes that they take


def now() -> Now:
    """ValueError with a sentence where the runs cannot be read."""
    told = _stats("active_sessions", "session_events")
    runs = Runs()
    return Now(
        seconds=time.monotonic() - _begun,
        windows=next((each.value for each in told.get("active_sessions", ())), None),
        visits=next(
            (each.value for each in told.get("session_events", ()) if each.labels["type"] == "connect"), None
        ),
        resident=timing.resident(),
        free=timing.free(),
        threads=threading.active_count(),
        computing=gate().taken,
        places=gate().places,
        waiting=gate().waiting,
        work={title: getattr(cached, name)().load() for title, name in _QUEUES.items()},
        runs=Counter(run.status for run in runs.list()),
        disk=cached.runs_size(str(runs.root)),
    )


def caches() -> Sequence[Cache]:
    """Those that were asked at all, the one asked most first."""
    told = _stats("cache_lookups", "cache_evictions", "cache_compute_duration_seconds")
    asked: dict[tuple[str, str], int] = defaultdict(int)
    evicted: dict[str, int] = defaultdict(int)
    seconds: dict[str, float] = defaultdict(float)
    for each in told.get("cache_lookups", ()):
        asked[each.labels["cache"], each.labels["result"]] += each.value
    for each in told.get("cache_evictions", ()):
        evicted[each.labels["cache"]] += each.value
    for each in told.get("cache_compute_duration_seconds", ()):
        seconds[each.labels["cache"]] += each.observation_sum
    found = [
        Cache(
            name=name.rpartition(".")[2], hits=asked[name, "hit"], misses=asked[name, "miss"],
            evicted=evicted[name], seconds=seconds[name],
        )
        for name in {name for name, _ in asked}
    ]  # fmt: skip
    kept = cached.results
    found.append(
        Cache(
            name="maps and pictures", hits=kept.hits, misses=kept.misses, evicted=kept.evicted,
            seconds=kept.seconds,
        )
    )  # fmt: skip
    return sorted(
        (each for each in found if each.hits + each.misses), key=lambda each: -each.hits - each.misses
    )


def _stats(*families: str) -> Mapping[str, Sequence[Any]]:
    """What Streamlit counts, the same as at /_stcore/metrics; empty where there is no server."""
    if not runtime.exists():
        return {}
    return runtime.get_instance().stats_mgr.get_stats(families)
