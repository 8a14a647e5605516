"""How long a network takes on this machine and how much memory it needs: measured, in a process of its own.

A process of its own, because a server with readers would be slowed by the measurement and the measurement by
the readers, and because only a fresh process knows its own peak of memory.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

import torch
from torch import nn

_ROOT = Path(__file__).parents[1]
_WARM_UP, _FEWEST, _MOST = 2, 5, 50  # runs
_LONG_ENOUGH = 1.0  # seconds of measured runs, after which no further one is begun
_PATIENCE = 120.0  # seconds for the whole process


@dataclass(frozen=True)
class Timing:
    """Medians over `repeats` runs of a batch, after a warm-up, in float32 with random weights."""

    forward_s: float  # evaluation mode, no gradients
    training_s: float | None  # forward and backward in training mode; None where not asked for
    peak_bytes: int | None  # what the process grew by at its peak, weights included; None: not told
    training_peak_bytes: int | None  # the same in training
    batch: int
    repeats: int
    threads: int
    machine: str  # processor, cores, torch's version
    backward_s: float | None  # the second half of `training_s`
    layers: Mapping[str, float]  # forward, of each module that holds no other, by path; "" is all the rest


def measure(
    factory: str,
    arguments: Mapping[str, object],
    input_size: tuple[int, int, int],
    *,
    batch: int = 1,
    training: bool = True,
    threads: int = 1,
    by_layer: bool = False,
) -> Timing:
    """Build `factory` ("zoo:build", a module and a function in it) with `arguments` and run it on noise.

    `input_size` is (C, H, W). Arguments have to survive JSON. Layers are timed only where `by_layer` asks for
    it, in runs of their own. Raises ValueError with a sentence where the network cannot be built or does not
    answer within two minutes, as happens when memory runs out.
    """
    task = json.dumps(
        {"factory": factory, "arguments": dict(arguments), "input_size": input_size, "batch": batch,
         "training": training, "threads": threads, "by_layer": by_layer}
    )  # fmt: skip
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "zoo.timing"], input=task, capture_output=True, text=True, cwd=_ROOT,
            timeout=_PATIENCE, env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ValueError(f"Measuring took more than {_PATIENCE:.0f} seconds and was stopped.") from None
    if ended.returncode:
        said = ended.stderr.strip().splitlines()
        why = said[-1].removeprefix("ValueError: ") if said else "the system ended it, perhaps for its memory"
        raise ValueError(f"Measuring failed: {why.rstrip('.')}.")
    return Timing(**json.loads(ended.stdout))


def _measure_here(
    factory: str,
    arguments: Mapping[str, object],
    input_size: tuple[int, int, int],
    batch: int,
    training: bool,
    threads: int,
    by_layer: bool,
) -> Timing:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    module, _, function = factory.partition(":")
    make: Callable[..., nn.Module] = getattr(import_module(module), function)
    torch.ones(8, 8).matmul(torch.ones(8, 8))  # the libraries behind torch load with the first product
    before = _forget_peak()
    model, x = make(**arguments).eval(), torch.rand(batch, *input_size)

    def answer() -> None:
        with torch.inference_mode():
            model(x)

    way_back: list[float] = []

    def learn() -> None:
        model.zero_grad()
        loss = model(x).sum()
        start = time.perf_counter()
        loss.backward()
        way_back.append(time.perf_counter() - start)

    forward = _runs(answer)
    peak = _grown(before)
    training_s = training_peak = backward_s = None
    if training:
        model.train()
        training_s = statistics.median(_runs(learn))
        backward_s = statistics.median(way_back[_WARM_UP:])
        training_peak = _grown(before)
    return Timing(
        forward_s=statistics.median(forward), training_s=training_s, peak_bytes=peak,
        training_peak_bytes=training_peak, batch=batch, repeats=len(forward), threads=threads,
        machine=_machine(), backward_s=backward_s,
        layers=_by_layer(model.eval(), answer) if by_layer else {},
    )  # fmt: skip


def _by_layer(model: nn.Module, answer: Callable[[], None]) -> dict[str, float]:
    """Median seconds of each module that holds no other, and under "" of what else a run consists of."""
    took: dict[str, list[float]] = {}
    clock: list[float] = []

    def watch(path: str, module: nn.Module) -> None:
        times = took.setdefault(path, [])
        module.register_forward_pre_hook(lambda *_: clock.append(time.perf_counter()))
        module.register_forward_hook(lambda *_: times.append(time.perf_counter() - clock.pop()))

    for path, module in model.named_modules():
        if not list(module.children()):
            watch(path, module)
    whole = _runs(answer)
    took = {path: times[-len(whole) :] for path, times in took.items() if times}
    rest = [max(0.0, run - sum(parts)) for run, *parts in zip(whole, *took.values(), strict=True)]
    return {path: statistics.median(times) for path, times in (*took.items(), ("", rest))}


def _runs(run: Callable[[], None]) -> list[float]:
    """Seconds of each run."""
    for _ in range(_WARM_UP):
        run()
    took: list[float] = []
    while len(took) < _FEWEST or (len(took) < _MOST and sum(took) < _LONG_ENOUGH):
        start = time.perf_counter()
        run()
        took.append(time.perf_counter() - start)
    return took


def _grown(since: int | None) -> int | None:
    peak = _peak()
    return None if peak is None or since is None else peak - since


def _forget_peak() -> int | None:
    """Bytes in memory now; where the system allows it, the peak so far is forgotten."""
    forget, pages = Path("/proc/self/clear_refs"), Path("/proc/self/statm")
    if not forget.exists():
        return _peak()
    forget.write_text("5")
    return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def _peak() -> int | None:
    """The most bytes the process has had in memory; None on Windows."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    if sys.platform == "win32":
        return None
    import resource  # which Windows does not have

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _machine() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    names = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    name = next((line.partition(":")[2].strip() for line in names if line.startswith("model name")), "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name or platform.processor() or platform.machine()}, {cores} cores, torch {torch.__version__}"


if __name__ == "__main__":
    json.dump(asdict(_measure_here(**json.load(sys.stdin))), sys.stdout)
