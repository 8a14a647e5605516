"""Are our times right? Medians of `zoo.timing` beside those of torch.utils.benchmark, in one run.

    python -m benchmarks.timing              # five rounds, about two minutes
    python -m benchmarks.timing --rounds 15  # on a machine that does other work

ResNet-18, and the 3x3 convolution of a bottleneck's first stage; batch 1, one thread, forward in evaluation
mode, and forward with backward in training mode. Both measure in a process of their own, in turns. Each round
gives a median; the lowest of them is that of the quietest round, because others' work can only add to it. To
be quoted, it needs a quiet machine: torch.utils.benchmark runs short things several at a time, and so sees
more of the others' work than we do.
"""

import argparse
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import torch
from torch import nn
from torch.utils.benchmark import Timer

from zoo.timing import measure

NETWORKS: dict[str, tuple[str, dict[str, object], tuple[int, int, int]]] = {
    # what: factory, its arguments, (C, H, W) of the input
    "ResNet-18, 224 px": ("zoo:build", {"name": "resnet18"}, (3, 224, 224)),
    "3x3 convolution, 64 channels, 56 px": (
        "torch.nn:Conv2d",
        {"in_channels": 64, "out_channels": 64, "kernel_size": 3, "padding": 1, "bias": False},
        (64, 56, 56),
    ),
}
SECONDS = 1.0  # of runs for each median, as in zoo.timing
Medians = tuple[float, float]  # seconds: forward; forward and backward


def ours(what: str) -> Medians:
    found = measure(*NETWORKS[what])
    assert found.training_s is not None
    return found.forward_s, found.training_s


def torchs(what: str) -> Medians:
    command = [sys.executable, "-m", "benchmarks.timing", "--torchs", what]
    run = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True)
    forward, training = json.loads(run.stdout)
    return forward, training


def torchs_here(what: str) -> Medians:
    """By torch.utils.benchmark, which warms up and sets one thread by itself."""
    factory, arguments, size = NETWORKS[what]
    module, _, function = factory.partition(":")
    model: nn.Module = getattr(import_module(module), function)(**arguments)
    given = {"model": model.eval(), "x": torch.rand(1, *size), "torch": torch}
    answer = Timer("with torch.inference_mode(): model(x)", globals=given)
    forward = answer.blocked_autorange(min_run_time=SECONDS).median
    model.train()
    learn = Timer("model.zero_grad(); model(x).sum().backward()", globals=given)
    return forward, learn.blocked_autorange(min_run_time=SECONDS).median


def main() -> None:
    parser = argparse.ArgumentParser(description="zoo.timing against torch.utils.benchmark.")
    parser.add_argument("--rounds", type=int, default=5, help="measurements by each, in turns")
    parser.add_argument("--torchs", metavar="network", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.torchs:
        print(json.dumps(torchs_here(asked.torchs)))
        return
    print(f"ms, the lowest median of {asked.rounds} rounds; ratio: zoo.timing / torch.utils.benchmark")
    print(f"{'':37}{'':10}{'zoo.timing':>12}{'torch':>10}{'ratio':>8}")
    for what in NETWORKS:
        rounds = [(ours(what), torchs(what)) for _ in range(asked.rounds)]
        for i, part in enumerate(("forward", "training")):
            mine, theirs = (1e3 * min(pair[side][i] for pair in rounds) for side in (0, 1))
            print(f"{what:37}{part:10}{mine:12.2f}{theirs:10.2f}{mine / theirs:8.2f}", flush=True)
    print(measure(*NETWORKS["ResNet-18, 224 px"], training=False).machine)


if __name__ == "__main__":
    main()
