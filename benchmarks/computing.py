"""How long a pass takes where readers share a machine: torch's threads as they come, one each, and the gate.

    python -m benchmarks.computing                   # about two minutes on a quiet machine
    python -m benchmarks.computing --net resnet50 --readers 1 20 --seconds 10

A row for each way and number of readers, who all compute at once, each one pass after another on a picture of
224 pixels; alone on the machine, and beside a training in a process of its own as the app starts them.
Seconds are of one pass, waiting included: the median and the slowest in twenty. Memory is what its
process grew by.

    as it comes   every reader with all of torch's threads, which spin while they wait for each other
    one thread    every reader with one
    the gate      ui.gate: as many readers at once as there are cores, threads that do not spin
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

WAYS = {
    "as it comes": {"OMP_WAIT_POLICY": "active"},
    "one thread": {"OMP_NUM_THREADS": "1"},
    "the gate": {"OMP_WAIT_POLICY": "passive"},
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--net", default="efficientnet_lite0")
    parser.add_argument("--readers", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each row; default 5")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--train", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        _train()
    elif options.way:
        print(json.dumps(_measure(options.way, options.net, options.readers[0], options.seconds)))
    else:
        _table(options)


def _table(options: argparse.Namespace) -> None:
    print(f"{options.net}, load before: {os.getloadavg()[0]:.1f}")
    print(f"{'way':12} {'readers':>7} {'beside':10} {'median s':>9} {'p95 s':>9} {'passes/s':>9} {'MiB':>6}")
    for beside in ("nothing", "a training"):
        with _training() if beside == "a training" else nullcontext():
            for readers in options.readers:
                for way, variables in WAYS.items():
                    found = json.loads(_child(variables, "--way", way, "--net", options.net, "--readers",
                                              str(readers), "--seconds", str(options.seconds)))  # fmt: skip
                    print(f"{way:12} {readers:7} {beside:10} {found['median']:9.3f} {found['p95']:9.3f} "
                          f"{found['rate']:9.1f} {found['grown']:6.0f}", flush=True)  # fmt: skip


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.computing", *arguments]


def _environment(variables: dict[str, str]) -> dict[str, str]:
    own = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY")
    return {key: value for key, value in os.environ.items() if key not in own} | variables


def _child(variables: dict[str, str], *arguments: str) -> str:
    return subprocess.run(
        _command(*arguments), env=_environment(variables), stdout=subprocess.PIPE, text=True, check=True
    ).stdout


@contextmanager
def _training() -> Iterator[None]:
    """Something that trains beside, as the app's workers do: one thread, and the low priority."""
    with subprocess.Popen(
        _command("--train"), env=_environment({"OMP_NUM_THREADS": "1"}), stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


def _train() -> None:
    from training import Recipe, train

    os.nice(10)
    print("begun", flush=True)
    for _ in train(Recipe(epochs=1_000)):
        pass


def _measure(way: str, net: str, readers: int, seconds: float) -> dict[str, float]:
    import torch

    from ui.gate import Gate
    from zoo import build

    gate = Gate()
    model, image = build(net), torch.rand(1, 3, 224, 224)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took: list[float] = []
    end = time.perf_counter() + seconds

    def read(name: str) -> None:
        while not took or time.perf_counter() < end:
            start = time.perf_counter()
            with gate.place(name) if way == "the gate" else nullcontext(), torch.inference_mode():
                model(image)
            took.append(time.perf_counter() - start)

    start = time.perf_counter()
    _together([partial(read, str(at)) for at in range(readers)])
    whole = time.perf_counter() - start
    took.sort()
    return {
        "median": statistics.median(took),
        "p95": took[int(0.95 * (len(took) - 1))],
        "rate": len(took) / whole,
        "grown": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
    }


def _together(work: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
