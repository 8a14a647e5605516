"""A whole classroom on one server: many readers at once go through a lecture, over Streamlit's own socket.

    python -m benchmarks.classroom                     # eighty readers, about five minutes
    python -m benchmarks.classroom --sessions 200      # more than fit: they should wait, not fail
    python -m benchmarks.classroom --in-sequence 500   # and then five hundred, one after the other
    python -m benchmarks.classroom --beside            # and the same pages beside two runs and an occlusion
    python -m benchmarks.classroom --sessions 3 --watch 60      # or else: three who come and go, for an hour

First one reader alone: what each step of the lecture costs the server's process (time of processors), and
what it sends. Then all of them open the link at once, and go through the lecture at the pace of people. Times
are from the question to the end of the script with all that it shows. "Again" in the name of a step means
that nothing is to be computed for it. Memory is the resident set of the server's process and of the one that
computes for it, without those that train.

"Lost" are runs that were begun and did not finish; a reader who is told to try again later lost nothing, but
is counted. It needs Linux, and a quiet machine with at least two cores to be quoted: the readers take about
half a core.
"""

import argparse
import asyncio
import io
import math
import random
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from tests.browser import driver
from tests.browser.session import Session, session
from training.pool import Pool
from training.recipe import Recipe
from training.runs import ENDED, Runs
from zoo.timing import machine, resident

FIRST_PAGE, AGAIN, LEVEL, BESIDE = 1.5, 0.2, 1.1, 2.0  # the bars: seconds, seconds, times, times
THINKING = (1.0, 5.0)  # seconds between two steps of a reader
FORGOTTEN = 45  # seconds after which the server forgets a reader who has left: their work has ended by then
RECIPE = {"train.epochs": "1", "train.images": "200", "train.validation": "50"}
LONG = Recipe(epochs=1_000, images=4_000, validation=200)
GONE = "gone"
_TIDY = 5.0  # seconds within which the server gives back what forgotten readers held
_PATIENCE = 900.0  # seconds


def picture(number: int) -> bytes:
    """A photo that no other reader has."""
    draw = np.random.default_rng(number)
    cells = Image.fromarray(draw.integers(0, 256, (12, 16, 3)).astype(np.uint8))
    file = io.BytesIO()
    cells.resize((1024, 768), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


async def polled(reader: Session, times: int) -> float:
    """Watch for a while; the slowest look."""
    took = [0.0]
    for _ in range(times):
        await asyncio.sleep(min(reader.polls.values(), default=0.0))
        took += await reader.poll()
    return max(took)


def chosen(layer: str) -> str:
    return f'{{"selected": "{layer}"}}'


Act = Callable[[Session, int], Awaitable[float]]
LECTURE: dict[str, Act] = {
    "Gallery": lambda reader, _: reader.open(),
    "Gallery again, a switch": lambda reader, _: reader.turn("gallery.front", bool_value=True),
    "Gallery again, and back": lambda reader, _: reader.turn("gallery.front", bool_value=False),
    "Inspect": lambda reader, _: reader.open("inspect", variant="resnet50"),
    "Inspect again, a stage": lambda reader, _: reader.turn("inspect.graph", json_value=chosen("stages.1")),
    "Inspect again, a block": lambda reader, _: reader.turn("inspect.graph", json_value=chosen("stages.1.2")),
    "Compare": lambda reader, _: reader.open("compare"),
    "Compare again": lambda reader, _: reader.rerun(),
    "Grad-CAM": lambda reader, _: reader.open("cam"),
    "Grad-CAM again": lambda reader, _: reader.rerun(),
    "Grad-CAM again, Mine": lambda reader, _: reader.open("cam", **{"cam.photo": "upload"}),
    "Grad-CAM, own picture": lambda reader, number: reader.upload(
        "cam.photo.upload", "own.jpg", picture(number), "image/jpeg"
    ),
    "Grad-CAM again, own picture": lambda reader, _: reader.rerun(),
    "Occlusion, own picture": lambda reader, _: reader.open("occlusion", **{"occlusion.photo": "upload"}),
    "Occlusion, watched": lambda reader, _: polled(reader, 8),
    "Train": lambda reader, _: reader.open("train", **RECIPE),
    "Train again": lambda reader, _: reader.rerun(),
    "Train, Play": lambda reader, _: reader.press("train.go"),
    "Train, watched": lambda reader, _: polled(reader, 5),
}
PAGES = [name for name in LECTURE if name.startswith(("Gallery", "Inspect", "Compare"))]


@dataclass
class Seen:
    """What became of one step."""

    took: list[float] = field(default_factory=list)  # seconds, a reader each
    weights: list[int] = field(default_factory=list)  # bytes
    heaviest: Counter[str] = field(default_factory=Counter)  # bytes by kind of message
    spent: float = 0.0  # seconds of the server's processors: of one reader alone


@dataclass
class Class:
    """What became of all steps."""

    steps: defaultdict[str, Seen] = field(default_factory=lambda: defaultdict(Seen))
    errors: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)  # sentences that readers saw
    runs: set[str] = field(default_factory=set)


def _read(path: Path) -> bytes:
    """What a file of /proc says; nothing where its process has ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


class Server:
    """The process that serves."""

    def __init__(self, base: str) -> None:
        mark = f"--server.port={urlsplit(base).port}".encode()
        self.base = base
        self.pid = next(
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if mark in _read(path).split(b"\0")
        )

    def memory(self) -> float:
        """MiB of the resident sets of the process and of the one that computes for it."""
        children = b" ".join(_read(each) for each in Path(f"/proc/{self.pid}/task").glob("*/children"))
        apart = [
            each for each in map(int, children.split()) if b"ui.apart" in _read(Path(f"/proc/{each}/cmdline"))
        ]
        return sum(resident(each) or 0 for each in (self.pid, *apart)) / 2**20

    def spent(self) -> float:
        """Seconds of processor time so far, of all threads: clock_getcpuclockid(3)."""
        return time.clock_gettime((~self.pid << 3) | 2)


async def alone(server: Server) -> Class:
    """One reader through the lecture, twice: what the first time fills the caches for does not count."""
    for number in (9_998, 9_999):
        seen = Class()
        async with session(server.base) as reader:
            for name, act in LECTURE.items():
                before, weight = server.spent(), reader.received
                step = seen.steps[name]
                step.took.append(await act(reader, number))
                step.spent = server.spent() - before
                step.weights.append(reader.received - weight)
                step.heaviest.update(reader.weights)
            seen.runs.add(reader.query.get("train.run", ""))
    return seen


async def lecture(
    server: Server,
    seen: Class,
    number: int,
    steps: Sequence[str],
    begin: asyncio.Barrier,
    end: asyncio.Barrier,
) -> None:
    """One reader of many."""
    thinking = random.Random(number)
    name = "connecting"
    try:
        async with session(server.base) as reader:
            reader.patience = _PATIENCE
            await begin.wait()
            try:
                for name in steps:
                    seen.steps[name].took.append(await LECTURE[name](reader, number))
                    seen.told.update(f"{name}: {sentence.splitlines()[0][:150]}" for sentence in reader.said)
                    await asyncio.sleep(thinking.uniform(*THINKING))
            finally:
                if run := reader.query.get("train.run"):
                    seen.runs.add(run)
                await end.wait()
    except Exception as error:  # a dropped connection, an exception on the page, or silence
        seen.errors[f"{name}: {type(error).__name__} {error}"[:900]] += 1


async def together(server: Server, sessions: int, steps: Sequence[str]) -> tuple[Class, float]:
    """All at once; and the memory while they are all still here."""
    seen, memory = Class(), 0.0
    begin, end = asyncio.Barrier(sessions), asyncio.Barrier(sessions + 1)
    readers = [
        asyncio.create_task(lecture(server, seen, number, steps, begin, end)) for number in range(sessions)
    ]
    waiting = asyncio.create_task(end.wait())
    while not waiting.done() and not all(reader.done() for reader in readers):
        await asyncio.sleep(0.5)
        memory = max(memory, server.memory())
    waiting.cancel()
    await asyncio.gather(*readers)
    return seen, memory


async def sequence(server: Server, sessions: int) -> tuple[float, Counter[str]]:
    """One after the other opens the link, looks into a network and leaves; sessions a second."""
    errors: Counter[str] = Counter()
    start = time.perf_counter()
    for number in range(sessions):
        try:
            async with session(server.base) as reader:
                await reader.open()
                await reader.open("inspect", variant="resnet50")
                await reader.turn("inspect.graph", json_value=chosen(f"stages.{number % 4}"))
        except Exception as error:
            errors[f"{type(error).__name__} {error}"[:300]] += 1
    return sessions / (time.perf_counter() - start), errors


async def watch(server: Server, readers: int, minutes: int) -> None:
    """So many at a time come, go a part of the way and leave for others; MiB every minute."""
    seen, places, until = Class(), asyncio.Barrier(1), time.monotonic() + 60 * minutes
    left = 0

    async def seat(number: int) -> None:
        nonlocal left
        chance = random.Random(number)
        while time.monotonic() < until:
            steps = list(LECTURE)[: chance.randint(1, len(LECTURE))]
            await lecture(server, seen, chance.getrandbits(32), steps, places, places)
            left += 1
            await asyncio.sleep(chance.uniform(0, 20))

    seats = [asyncio.create_task(seat(number)) for number in range(readers)]
    level: list[float] = []
    while time.monotonic() < until:
        await asyncio.sleep(60)
        level.append(server.memory())
        print(f"minute {len(level):3}: {level[-1]:5.0f} MiB, {left:4} have left", flush=True)
    await asyncio.gather(*seats)
    tell("errors", f"{sum(seen.errors.values())} {dict(seen.errors) or ''}", "0", not seen.errors)
    quarter = len(level) // 4
    early, late = (float(np.median(part)) for part in (level[quarter : 2 * quarter], level[-quarter:]))
    said = f"{early:.0f} MiB in the second quarter, {late:.0f} in the last: {late / early:.2f}"
    tell("memory, watched", said, f"{LEVEL}", late / early <= LEVEL)


async def after(server: Server) -> float:
    """MiB when everybody has left and was forgotten."""
    await asyncio.sleep(FORGOTTEN + _TIDY)
    return server.memory()


def state_of(runs: Runs, id: str) -> str:
    try:
        return runs.status(id)
    except ValueError:
        return GONE


async def finished(runs: Runs, ids: set[str]) -> tuple[int, Counter[str]]:
    """How many runs were begun and lost, and what became of all."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        states = Counter(state_of(runs, id) for id in ids)
        if all(state in (*ENDED, GONE) for state in states):
            break
        await asyncio.sleep(1)
    return len(ids) - states["finished"], states


def percentile(values: Sequence[float], share: float) -> float:
    return float(np.percentile(values, 100 * share)) if values else float("nan")


def costs(seen: Class) -> None:
    print(f"\n{'one reader alone':30}{'took':>10}{'of CPU':>10}{'sent':>10}   of it")
    for name, step in seen.steps.items():
        heaviest = ", ".join(f"{kind} {size / 1024:.0f}" for kind, size in step.heaviest.most_common(3))
        print(
            f"{name:30}{1e3 * step.took[0]:7.0f} ms{1e3 * step.spent:7.0f} ms"
            f"{step.weights[0] / 1024:6.0f} KiB   {heaviest}"
        )


def times(seen: Class) -> None:
    print(f"{'':30}{'readers':>8}{'p50':>10}{'p95':>10}")
    for name, step in seen.steps.items():
        middle, high = (1e3 * percentile(step.took, share) for share in (0.5, 0.95))
        print(f"{name:30}{len(step.took):8}{middle:7.0f} ms{high:7.0f} ms")
    for title, found in (("readers were told", seen.told), ("errors", seen.errors)):
        if found:
            print(f"{title}:")
        for words, count in found.most_common(12):
            print(f"  {count:4} x {words}")


def tell(what: str, value: str, bar: str, good: bool) -> None:
    print(f"{what:24}{value}; bar: {bar}{'' if good else '  MISSED'}", flush=True)


def again(seen: Class) -> list[float]:
    return [took for name, step in seen.steps.items() if " again" in name for took in step.took]


def judged(sessions: int, seen: Class, start: float, most: float, end: float) -> None:
    errors = sum(seen.errors.values())
    tell("errors", f"{errors}", "0", not errors)
    first = percentile(seen.steps["Gallery"].took, 0.95)
    tell("first page, p95", f"{first:.2f} s", f"{FIRST_PAGE} s", first <= FIRST_PAGE)
    cached = percentile(again(seen), 0.95)
    tell("cached reruns, p95", f"{1e3 * cached:.0f} ms", f"{1e3 * AGAIN:.0f} ms", cached <= AGAIN)
    remain(f"memory, {sessions} readers", start, end, f", {most:.0f} at most")


def remain(what: str, start: float, end: float, more: str = "") -> None:
    said = f"{start:.0f} MiB before{more}, {end:.0f} after they left: {end / start:.2f}"
    tell(what, said, f"{LEVEL}", end / start <= LEVEL)


async def beside(server: Server, sessions: int, runs: Runs) -> None:
    """The pages that are only looked at, beside two runs and an occlusion and without, in turns."""
    pool = Pool(runs)
    ids = [pool.submit(replace(LONG, seed=seed), limit=math.inf) for seed in (1, 2)]
    took: dict[bool, list[float]] = {True: [], False: []}
    number = 10_000
    for busy in (True, False, True, False):
        for id in ids:
            (pool.play if busy else pool.pause)(id)
        while any(runs.status(id) != ("running" if busy else "paused") for id in ids):
            await asyncio.sleep(0.1)
        number += 1
        other = asyncio.create_task(_occluding(server, number)) if busy else None
        await asyncio.sleep(2)
        seen, _ = await together(server, sessions, PAGES)
        took[busy] += [each for step in seen.steps.values() for each in step.took]
        if other:
            other.cancel()
            await asyncio.gather(other, return_exceptions=True)
    for id in ids:
        pool.stop(id)
    pool.close()
    for share in (0.5, 0.95):
        with_them, without = (percentile(took[busy], share) for busy in (True, False))
        ratio = with_them / without
        said = f"{1e3 * with_them:.0f} ms with, {1e3 * without:.0f} ms without: {ratio:.2f}"
        tell(f"beside, p{100 * share:.0f}", said, f"{BESIDE}", ratio <= BESIDE)


async def _occluding(server: Server, number: int) -> None:
    """Somebody whose occlusions, one picture after another, never end."""
    async with session(server.base) as reader:
        while True:
            number += 100
            await reader.open("cam", **{"cam.photo": "upload"})
            await reader.upload("cam.photo.upload", "own.jpg", picture(number), "image/jpeg")
            await reader.open("occlusion", **{"occlusion.photo": "upload", "occlusion.stride": "1/4"})
            while reader.polls:
                await polled(reader, 1)


async def measure(asked: argparse.Namespace, server: Server, runs: Runs) -> None:
    if asked.watch:
        await watch(server, asked.sessions, asked.watch)
        return
    costs(await alone(server))
    start = await after(server)
    print(f"\n{asked.sessions} readers at once")
    seen, most = await together(server, asked.sessions, list(LECTURE))
    times(seen)
    lost, states = await finished(runs, seen.runs)
    end = await after(server)
    judged(asked.sessions, seen, start, most, end)
    began = f"{len(seen.runs)} of {asked.sessions} began one, {dict(states)}"
    tell("runs lost", f"{lost}: {began}", "0", lost == 0)
    if asked.in_sequence:
        pace, errors = await sequence(server, asked.in_sequence)
        tell("errors in sequence", f"{sum(errors.values())} {dict(errors) or ''}", "0", not errors)
        remain(f"memory, {asked.in_sequence} in sequence", start, await after(server))
        print(f"{pace:.1f} sessions a second, one after the other")
    if asked.beside:
        await beside(server, asked.sessions, runs)


def main() -> None:
    parser = argparse.ArgumentParser(description="Many readers of one server, through a lecture.")
    parser.add_argument("--sessions", type=int, default=80, help="readers at once")
    parser.add_argument("--in-sequence", type=int, default=0, help="further readers, one after the other")
    parser.add_argument(
        "--beside", action="store_true", help="the same pages beside two runs and an occlusion"
    )
    parser.add_argument("--watch", type=int, default=0, help="minutes in which readers come and go instead")
    asked = parser.parse_args()
    print(machine())
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        driver.serving(
            ZOOLENS_RUNS=folder,
            STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=str(FORGOTTEN),
            STREAMLIT_CLIENT_SHOW_ERROR_DETAILS="full",  # to the reader, who tells them here
        ) as base,
    ):
        asyncio.run(measure(asked, Server(base), Runs(Path(folder))))


if __name__ == "__main__":
    main()
