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
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

import torch
from torch import nn

_ROOT = Path(__file__).parents[1]
_PROC = Path("/proc")  # where Linux tells about memory and processor
_GROUP = Path("/sys/fs/cgroup")  # where it tells what a container's share of the memory is
_WARM_UP, _FEWEST, _MOST = 2, 5, 50  # runs
_LONG_ENOUGH = 1.0  # seconds of measured runs, after which no further one is begun
_PATIENCE = 120.0  # seconds for the whole process
_SHARE = 0.8  # of the free memory: the server and its readers need some as well


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
    it, in runs of their own. Raises ValueError with a sentence where the network cannot be built, does not
    fit into the free memory or does not answer within two minutes.
    """
    task = json.dumps(
        {"factory": factory, "arguments": dict(arguments), "input_size": input_size, "batch": batch,
         "training": training, "threads": threads, "by_layer": by_layer}
    )  # fmt: skip
    with tempfile.TemporaryFile("w+") as answer, tempfile.TemporaryFile("w+") as complaint:
        with subprocess.Popen(
            [sys.executable, "-m", "zoo.timing"], stdin=subprocess.PIPE, stdout=answer, stderr=complaint,
            text=True, bufsize=0, cwd=_ROOT, env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        ) as process:  # fmt: skip
            try:
                with suppress(BrokenPipeError):  # it ended before it asked; what it said on the way is below
                    print(task, file=process.stdin, flush=True)
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                late = f"Measuring took more than {_PATIENCE:.0f} seconds and was stopped."
                raise ValueError(late) from None
            finally:
                process.kill()
        answer.seek(0)
        complaint.seek(0)
        return _read(process.returncode, answer.read(), complaint.read())


def _read(code: int, answer: str, complaint: str) -> Timing:
    """What the process said, or ValueError with the reason why it did not."""
    if code == 0:
        said = json.loads(answer)
        if "refused" not in said:
            return Timing(**said)
        why = said["refused"]
    elif code < 0:
        why = "the system ended it, most likely because memory ran out."
    else:
        why = (complaint.strip().splitlines() or ["it ended without a word."])[-1]
    raise ValueError(f"Measuring failed: {why}{'' if why.endswith(('.', '?')) else '.'}")


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
    leave_room_for_others()
    module, _, function = factory.partition(":")
    make: Callable[..., nn.Module] = getattr(import_module(module), function)
    torch.ones(8, 8).matmul(torch.ones(8, 8))  # the libraries behind torch load with the first product
    with suppress(OSError):  # where the system lets it, the peak of the imports is forgotten
        (_PROC / "self/clear_refs").write_text("5")
    before = _peak()
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
        machine=machine(), backward_s=backward_s,
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


def _told(file: str, name: str) -> str:
    """What a file of /proc says under a name; nothing where there is no such file or no such line."""
    with suppress(OSError):
        for line in (_PROC / file).read_text().splitlines():
            if line.partition(":")[0].strip() == name:
                return line.partition(":")[2].strip()
    return ""


def _kilobytes(file: str, name: str) -> int | None:
    """The same as bytes, from "123 kB"."""
    told = _told(file, name)
    return 1024 * int(told.split()[0]) if told else None


def free() -> int | None:
    """Bytes that this process may still take; None where the system does not say."""
    whole = _kilobytes("meminfo", "MemAvailable")
    limit, used = _GROUP / "memory.max", _GROUP / "memory.current"
    if whole is None or not (limit.exists() and used.exists()):
        return whole
    most = limit.read_text().strip()
    return min(whole, int(most) - int(used.read_text())) if most.isdigit() else whole


def resident(process: int | str = "self") -> int | None:
    """Bytes that this process, or another, has in memory; None where the system does not say."""
    return _kilobytes(f"{process}/status", "VmRSS")


def _peak() -> int | None:
    """The most bytes the process has had in memory; None on Windows."""
    peak = _kilobytes("self/status", "VmHWM")
    if peak is not None or sys.platform == "win32":
        return peak
    import resource  # which Windows does not have

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def leave_room_for_others() -> None:
    """On Linux: what does not fit into the free memory is refused, not swapped; and this process goes first.

    Elsewhere the system does not say how much is free, and nothing is limited.
    """
    spare, used = free(), _kilobytes("self/status", "VmSize")
    if spare is None or used is None:
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = used + int(_SHARE * spare)
    resource.setrlimit(resource.RLIMIT_AS, (limit if most < 0 else min(limit, most), most))
    with suppress(OSError):
        (_PROC / "self/oom_score_adj").write_text("1000")


def memory_ran_out(error: Exception) -> bool:
    """Whether an error says that memory ran out. torch's own is a RuntimeError like any other."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and "allocate memory" in str(error)
    )


def machine() -> str:
    """Processor, cores and torch's version, in words."""
    name = _told("cpuinfo", "model name") or platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores, torch {torch.__version__}"


def _answer(task: str) -> dict[str, object]:
    """A Timing as a dictionary, or why there is none, in a sentence."""
    try:
        return asdict(_measure_here(**json.loads(task)))
    except ValueError as error:
        return {"refused": str(error)}
    except (MemoryError, RuntimeError) as error:
        if not memory_ran_out(error):
            raise
        return {"refused": "it needs more memory than this machine has free."}


def _end_with_the_server() -> None:
    """Waits for the end of standard input, which comes when the server that asked is no longer there."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    asked = sys.stdin.readline()
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    with redirect_stdout(sys.stderr):  # standard output carries the answer and nothing else
        found = _answer(asked)
    json.dump(found, sys.stdout)
