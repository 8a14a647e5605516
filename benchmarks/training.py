"""Live training against what it promises: real workers, the real app, a real browser on the run's page.

    python -m benchmarks.training             # all five, about seven minutes
    python -m benchmarks.training --rounds 9  # on a machine that does other work

throughput   images a second of a run's steps while its page is open in Chromium and reads the log every
             second, against a bare PyTorch loop in a process of its own (same network, pictures, optimiser
             and priority, one thread), in turns
other page   how long the server takes to rerun another page, with two runs training and with none, in turns
two workers  images a second of a run on two workers by two processes, against the same run by one, in turns
first loss   from the call that submits a run to the first loss in its log, with a process kept warm
stop         from the call that stops a run, anywhere in its first seconds, until it is stopped

To be quoted, it needs a quiet machine with at least two cores.
"""

import argparse
import asyncio
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch
from playwright.sync_api import expect, sync_playwright
from torch.nn import functional as F

import zoo
from tests.browser import driver
from tests.browser.session import session
from training import data
from training.events import Evaluation, Step
from training.pool import Pool
from training.process import Process
from training.recipe import Recipe
from training.runs import Runs
from training.worker import NICE
from zoo.timing import machine

THROUGHPUT, OTHER_PAGE, FIRST_LOSS, STOP = 0.9, 1.5, 2.0, 0.5  # the bars
PAGE = "scaling"  # another page
SECONDS = 8.0  # of each half of a round
RERUNS = 20
IMAGES = 4_000
LONG = Recipe(epochs=1_000, images=IMAGES, validation=200)  # nothing but steps, most of the time


def bare(seconds: float) -> float:
    """Images a second of the loop that everybody writes."""
    torch.set_num_threads(1)
    split = data.load(
        LONG.data, images=IMAGES, validation=LONG.validation, size=LONG.size, channels=3, seed=LONG.seed
    )
    model = zoo.build(LONG.specimen.variant, num_classes=len(split.classes), input_size=LONG.size).train()
    optimiser = torch.optim.SGD(
        model.parameters(),
        lr=LONG.rate,
        momentum=LONG.momentum,
        nesterov=True,
        weight_decay=LONG.weight_decay,
    )
    mean, deviation = (torch.tensor(v).view(-1, 1, 1) for v in (split.mean, split.deviation))
    images, labels = split.train.images, split.train.labels
    seen, start = 0, 0.0
    for step in range(10**9):
        chosen = torch.randint(len(labels), (LONG.batch,))
        logits = model((images[chosen].float() / 255 - mean) / deviation)
        loss = F.cross_entropy(logits, labels[chosen])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        loss.item()
        (logits.argmax(1) == labels[chosen]).float().mean().item()
        if step == 5:  # warm
            start = time.perf_counter()
        elif step > 5:
            seen += LONG.batch
            if time.perf_counter() - start > seconds:
                break
    return seen / (time.perf_counter() - start)


def bare_apart() -> float:
    command = [sys.executable, "-m", "benchmarks.training", "--bare"]
    said = subprocess.run(command, cwd=driver.ROOT, capture_output=True, text=True, check=True)
    return float(json.loads(said.stdout))


def worked(pool: Pool, id: str, batch: int = LONG.batch) -> float:
    """Images a second between the first and the last step of every epoch, over SECONDS; then it rests.

    `batch`: of all workers together.
    """
    _, offset = pool.runs.events(id)
    pool.play(id)
    time.sleep(SECONDS)
    _rest(pool, id)
    steps = [each for each in pool.runs.events(id, offset)[0][6:] if isinstance(each.event, Step)]
    per_epoch = IMAGES // batch + 1  # the last one is smaller: 4,000 = 62 x 64 + 32 = 31 x 128 + 32
    took = images = 0.0
    for before, after in pairwise(steps):
        assert isinstance(after.event, Step)
        within = (after.event.step - 1) % per_epoch
        if within not in (0, per_epoch - 1):  # no evaluation before it, and of full size
            took += after.t - before.t
            images += batch
    return images / took


def _rest(pool: Pool, id: str) -> None:
    pool.pause(id)
    _until(lambda: pool.runs.status(id) == "paused")


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit("The run does not get there: is the machine very busy?")
        time.sleep(0.005)


def throughput(pool: Pool, base: str, rounds: int) -> None:
    id = pool.submit(LONG, limit=math.inf)
    with sync_playwright() as playwright:
        path = driver.chromium(playwright)
        if path is None:
            raise SystemExit(driver.NO_CHROMIUM)
        expect.set_options(timeout=120_000)
        browser = driver.launch(playwright, path)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{base}/train?train.run={id}", wait_until="commit", timeout=120_000)
        expect(page.get_by_role("button", name="Pause")).to_be_visible()
        _rest(pool, id)
        pairs = [(worked(pool, id), bare_apart()) for _ in range(rounds)]
        browser.close()
    pool.stop(id)
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(first / second for first, second in pairs)
    said = f"{ours:.0f} images/s beside {theirs:.0f} of the bare loop: {ratio:.2f}"
    _tell("throughput", said, f"at least {THROUGHPUT}", ratio >= THROUGHPUT)


async def other_page(pool: Pool, base: str, rounds: int) -> None:
    ids = [pool.submit(replace(LONG, seed=seed), limit=math.inf) for seed in (1, 2)]
    alone: list[float] = []
    beside: list[float] = []
    async with session(base) as reader:
        for _ in range(5):  # the first visit imports, and fills the caches
            await reader.open(PAGE)
        for _ in range(rounds):
            for took, status, ask in ((beside, "running", pool.play), (alone, "paused", pool.pause)):
                for id in ids:
                    ask(id)
                for id in ids:
                    _until(lambda id=id, status=status: pool.runs.status(id) == status)  # type: ignore[misc]
                took += [await reader.rerun() for _ in range(RERUNS)]
    for id in ids:
        pool.stop(id)
    without, with_two = (1e3 * statistics.median(side) for side in (alone, beside))
    ratio = with_two / without
    said = f"{with_two:.0f} ms with two runs beside {without:.0f} ms with none: {ratio:.2f}"
    _tell("other page", said, f"at most {OTHER_PAGE}", ratio <= OTHER_PAGE)


def two_workers(pool: Pool, rounds: int) -> None:
    """The other pool has room for one process."""
    alone = Pool(pool.runs, slots=1, keep_warm=False)
    wanted = replace(LONG, workers=2)
    pairs = [(each, each.submit(wanted, limit=math.inf)) for each in (pool, alone)]
    for each, id in pairs:
        _until(lambda id=id: len(pool.runs.events(id)[0]) > 100)  # type: ignore[misc]
        _rest(each, id)
    took = [[worked(each, id, 2 * LONG.batch) for each, id in pairs] for _ in range(rounds)]
    for each, id in pairs:
        each.stop(id)
    alone.close()
    two, one = (statistics.median(side) for side in zip(*took, strict=True))
    ratio = statistics.median(first / second for first, second in took)
    print(
        f"{'two workers':12} {two:.0f} images/s by two processes, {one:.0f} by one: {ratio:.2f}", flush=True
    )


def latencies(pool: Pool, rounds: int) -> None:
    starts, stops, moments = [], [], random.Random(0)
    for _ in range(rounds):
        _warm(pool)
        start = time.perf_counter()
        id = pool.submit(Recipe())
        _until(lambda id=id: any(  # type: ignore[misc]
            isinstance(each.event, Step | Evaluation) for each in pool.runs.events(id)[0]
        ))  # fmt: skip
        starts.append(time.perf_counter() - start)
        time.sleep(moments.uniform(0, 3))
        start = time.perf_counter()
        pool.stop(id)
        stops.append(time.perf_counter() - start)
        assert pool.runs.status(id) == "stopped"
    for name, took, bar in (("first loss", starts, FIRST_LOSS), ("stop", stops, STOP)):
        said = f"{statistics.median(took):.2f} s, at most {max(took):.2f} s, of {len(took)}"
        _tell(name, said, f"at most {bar} s", max(took) <= bar)


def _warm(pool: Pool) -> None:
    """Wait until the process that is kept waiting no longer uses the processor."""
    before = -1.0
    while True:
        spare = pool._spare
        now = _cpu_seconds(spare._process.pid) if isinstance(spare, Process) else 0.0
        if now == before > 1:
            return
        before = now
        time.sleep(1)


def _cpu_seconds(process: int) -> float:
    """Linux tells it in hundredths, behind the name in parentheses."""
    told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def _tell(what: str, said: str, bar: str, holds: bool) -> None:
    print(f"{what:12} {said}; bar: {bar}: {'holds' if holds else 'DOES NOT HOLD'}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Live training against its bars.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["throughput", "other page", "two workers", "latencies"])
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.bare:
        os.nice(NICE)
        print(json.dumps(bare(SECONDS)))
        return
    print(machine())
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        runs, pictures = f"{folder}/runs", f"{folder}/data"
        os.environ["ZOOLENS_DATA"] = pictures
        pool = Pool(Runs(Path(runs)), slots=2)
        try:
            with driver.serving(ZOOLENS_RUNS=runs, ZOOLENS_DATA=pictures) as base:
                if asked.only in (None, "throughput"):
                    throughput(pool, base, asked.rounds)
                if asked.only in (None, "other page"):
                    asyncio.run(other_page(pool, base, asked.rounds))
            if asked.only in (None, "two workers"):
                two_workers(pool, asked.rounds)
            if asked.only in (None, "latencies"):
                latencies(pool, asked.rounds)
        finally:
            pool.close()


if __name__ == "__main__":
    main()
