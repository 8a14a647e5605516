"""Anatomy against the tools people use: time and peak memory, and where their counts are wrong, in one run.

    python -m benchmarks.anatomy            # everything, a few minutes
    python -m benchmarks.anatomy --quick    # without torchlens, three models

Every comparison runs in a process of its own with one thread: median CPU time over already built models, and
how far its memory rose above what it held when the model was built. Ours gives table, graph, receptive fields
and formulas; torchinfo gives a table, fvcore a count, torchview and torchlens a graph.
"""

import argparse
import gc
import inspect
import io
import json
import logging
import os
import statistics
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path

import torch
import torchinfo
import torchlens
import torchview
import torchvision
from fvcore.nn import FlopCountAnalysis
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import zoo
from zoo.anatomy import dissect, graph

MODELS = (
    "alexnet", "vgg16", "googlenet", "resnet18", "resnet50", "resnext50_32x4d",
    "densenet121", "densenet201", "mobilenet_v2", "vit_b_16", "swin_t", "convnext_tiny",
)  # fmt: skip
SHAPE = (3, 224, 224)
Measured = tuple[float, float]  # milliseconds, mebibytes


def ours(model: nn.Module) -> None:
    graph(dissect(model, SHAPE), "")


def by_torchinfo(model: nn.Module) -> None:
    torchinfo.summary(model, input_size=(1, *SHAPE), device="meta", verbose=0)


def by_torchview(model: nn.Module) -> None:
    torchview.draw_graph(model, input_size=(1, *SHAPE), device="meta", depth=20)


def by_fvcore(model: nn.Module) -> None:
    FlopCountAnalysis(model, torch.zeros(1, *SHAPE)).total()


def by_torchlens(model: nn.Module) -> None:
    torchlens.trace(model, torch.zeros(1, *SHAPE), save=None)


TOOLS: dict[str, tuple[Callable[[nn.Module], None], bool, int]] = {
    # tool: (call, on the meta device, repetitions)
    "zoolens": (ours, True, 15),
    "torchinfo": (by_torchinfo, True, 7),
    "torchview": (by_torchview, True, 5),
    "fvcore": (by_fvcore, False, 5),
    "torchlens": (by_torchlens, False, 1),
}


def memory(field: str) -> float:
    """A line of this process' status in MiB: VmRSS as it is now, VmHWM at its highest."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def measure(tool: str, name: str) -> Measured:
    call, on_meta, repetitions = TOOLS[tool]
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    model = zoo.skeleton(name) if on_meta else zoo.build(name)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), torch.no_grad():
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # the highest mark starts again from here
        before = memory("VmRSS")
        call(model)
        risen = memory("VmHWM") - before
        times = []
        for _ in range(repetitions):
            start = time.process_time()
            call(model)
            times.append(time.process_time() - start)
    return 1e3 * statistics.median(times), risen


def apart(tool: str, name: str) -> Measured | None:
    """`measure` in a fork of this process; None where the tool fails on the model."""
    reading, writing = os.pipe()
    if os.fork() == 0:  # torchlens refuses to work in what multiprocessing calls a child
        try:
            answer = json.dumps(measure(tool, name))
        except Exception as error:  # whatever a peer raises is its result
            answer = json.dumps(f"{type(error).__name__}: {str(error)[:80]}")
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        result = json.load(pipe)
    os.wait()
    if isinstance(result, str):
        print(f"  {tool} fails on {name}: {result}")
        return None
    return result[0], result[1]


def compare(models: tuple[str, ...], tools: tuple[str, ...]) -> None:
    print(f"{'already built, CPU ms / MiB':30}" + "".join(f"{tool:>18}" for tool in tools))
    ratios: dict[str, list[Measured]] = {tool: [] for tool in tools}
    for name in models:
        found = {tool: apart(tool, name) for tool in tools}
        cells = (f"{m[0]:9.1f} /{m[1]:7.1f}" if m else f"{'-':>18}" for m in found.values())
        print(f"{name:30}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
        mine = found["zoolens"]
        for tool, result in found.items():
            if mine and result:
                ratios[tool].append((result[0] / mine[0], max(result[1], 0.1) / max(mine[1], 0.1)))
    for i, what in enumerate(("time", "memory")):
        means = (
            statistics.geometric_mean([r[i] for r in found]) if found else float("nan")
            for found in ratios.values()
        )
        print(f"{what + ', as a multiple of zoolens':30}" + "".join(f"{mean:17.1f}x" for mean in means))
    for tool, bar in (("torchinfo", 2), ("torchview", 5)):
        mean = statistics.geometric_mean([r[0] for r in ratios[tool]])
        print(f"bar: at least {bar}x faster than {tool}: {mean:.1f}x, {'met' if mean >= bar else 'MISSED'}")


def wrong_counts() -> None:
    """MACs by each tool on torchvision's networks, beside the anatomy of our twin."""
    heads = f"{'torchinfo':>22}{'fvcore':>22}{'FlopCounter on CPU':>22}{'on meta':>18}"
    print(f"\n{'MACs':18}{'zoolens':>17}{heads}")
    for name in ("resnet50", "densenet121", "convnext_tiny", "vit_b_16", "swin_t"):
        peer = torchvision.models.get_model(name, weights=None).eval()
        exact = dissect(zoo.skeleton(name), SHAPE).macs
        with redirect_stderr(io.StringIO()), warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            info = torchinfo.summary(peer, input_size=(1, *SHAPE), verbose=0).total_mult_adds
            fvcore = FlopCountAnalysis(peer, torch.zeros(1, *SHAPE)).unsupported_ops_warnings(False).total()
            with FlopCounterMode(display=False) as on_cpu:
                peer(torch.zeros(1, *SHAPE))
            with FlopCounterMode(display=False) as on_meta:
                peer.to("meta")(torch.zeros(1, *SHAPE, device="meta"))
        told = [f"{n:,} ({n / exact:.4g}x)" if n != exact else f"{n:,}" for n in
                (info, fvcore, on_cpu.get_total_flops() // 2)]  # fmt: skip
        print(
            f"{name:18}{exact:17,}{told[0]:>22}{told[1]:>22}{told[2]:>22}{on_meta.get_total_flops() // 2:18,}"
        )
    print(
        "torchinfo forgets the positions of a linear layer and adds biases and norms; fvcore leaves out fused"
    )
    print("attention and adds norms; FlopCounterMode misses fused attention on the CPU.")


def timed(call: Callable[[], object], repetitions: int = 5) -> float:
    times = []
    for _ in range(repetitions):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1e3 * statistics.median(times)


def anatomy_of(name: str) -> object:
    variant = zoo.variant(name)
    return dissect(zoo.skeleton(name), (variant.channels, variant.input_size, variant.input_size))


def on_meta(model: type[nn.Module], arguments: dict[str, object]) -> None:
    """The usual way to a network without memory."""
    with torch.device("meta"):
        model(**arguments)


def building(models: tuple[str, ...]) -> None:
    heads = f"{'with weights':>14}{'torch on meta':>15}{'skeleton':>10}{'skeleton + anatomy':>20}"
    print(f"\n{'build, CPU ms':18}{heads}")
    for name in models:
        family, variant = zoo.family_of(name), zoo.variant(name)
        arguments = dict(variant.config) | {"num_classes": variant.num_classes}
        if "input_size" in inspect.signature(family.model).parameters:
            arguments["input_size"] = variant.input_size

        times = (
            timed(partial(zoo.build, name), 3),
            timed(partial(on_meta, family.model, arguments)),
            timed(partial(zoo.skeleton, name)),
            timed(partial(anatomy_of, name)),
        )
        cells = (f"{t:{w}.1f}" for t, w in zip(times, (14, 15, 10, 20), strict=True))
        print(f"{name:18}{''.join(cells)}", flush=True)
    slowest = max((timed(partial(anatomy_of, name), 1), name) for name in zoo.VARIANTS)
    verdict = "met" if slowest[0] < 500 else "MISSED"
    print(f"bar: any of {len(zoo.VARIANTS)} variants from its name to the table in 500 ms: "
          f"slowest {slowest[1]} {slowest[0]:.0f} ms, {verdict}")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    gc.disable()  # no collection of all of torch in the middle of a measurement; the app freezes it
    chosen = MODELS[3:6] if quick else MODELS
    compare(chosen, tuple(TOOLS)[:4] if quick else tuple(TOOLS))
    building(chosen)
    wrong_counts()
