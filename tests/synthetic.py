"""A run on disk that nobody trained: the folder that `training.runs` describes, with numbers made up."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from training.events import (
    Arrays,
    Changed,
    Checkpoint,
    Done,
    Epoch,
    Evaluation,
    Event,
    Started,
    Step,
    to_dict,
)
from training.recipe import Recipe
from training.shapes import CLASSES

LAYERS = ("stem.conv", "stages.0.conv1", "stages.0.conv2", "head")
ACTIVATIONS = ("stem.act", "stages.0.act")
STAGES = ("stem", "stages.0")
HANDFUL = (3, 1, 4, 8)
SECOND = 0.01  # of training, that a step takes


def recipe(epochs: int = 4) -> Recipe:
    return Recipe(epochs=epochs, images=320, validation=100)


def events(epochs: int = 4, steps: int = 5, *, ema: bool = False) -> Iterator[Event]:
    """A run that gets better: the loss of step s is 2 / s, the accuracy rises in a line to 0.9."""
    total = epochs * steps
    yield Started(
        params=1234, macs=56_789, images=steps * 64, validation=100, steps_per_epoch=steps, peak=0.05,
        classes=CLASSES, layers=LAYERS, activations=ACTIVATIONS, stages=STAGES, handful=HANDFUL,
        rates=tuple(0.05 * (1 - step / total) for step in range(total)),
    )  # fmt: skip
    yield from _seen(0, 0, total, ema)
    for step in range(1, total + 1):
        yield Step(
            step=step, loss=2 / step, accuracy=0.9 * step / total, rate=0.05 * (1 - (step - 1) / total)
        )
        if step == 2:
            yield Changed(step=2, rate=0.02, factor=0.4)
        if step % steps == 0:
            epoch = step // steps
            yield Epoch(
                epoch=epoch, step=step, loss=2 / step, accuracy=0.9 * step / total, size=32,
                gradient=tuple(10.0 ** -(layer + epoch) for layer in range(len(LAYERS))),
                change=tuple(0.1 / (layer + epoch) for layer in range(len(LAYERS))),
            )  # fmt: skip
            yield from _seen(epoch, step, total, ema)
    yield Done(epoch=epochs, step=total, reason="finished")


def _seen(epoch: int, step: int, total: int, ema: bool) -> Iterator[Event]:
    accuracy = 0.25 + 0.6 * step / total
    yield Evaluation(
        epoch=epoch, step=step, weights="raw", loss=2.1 / (step + 1), accuracy=accuracy,
        dead=(0.0, 0.1 * epoch), snapshot=snapshot(epoch),
    )  # fmt: skip
    if ema and epoch:
        yield Evaluation(
            epoch=epoch, step=step, weights="ema", loss=2.0 / (step + 1), accuracy=accuracy + 0.02, dead=()
        )
    yield Checkpoint(epoch=epoch, step=step, name=f"{epoch:04d}")


def snapshot(epoch: int) -> Arrays:
    """Arrays of the right shapes; what they hold differs between epochs."""
    draw = np.random.default_rng(epoch)
    classes = len(CLASSES)
    probabilities = draw.dirichlet(np.full(classes, 0.5), len(HANDFUL))
    confusion = np.full((classes, classes), 3) + np.eye(classes, dtype=int) * (epoch + 1)
    return {
        "confusion": confusion.astype(np.int32),
        "probabilities": probabilities.astype(np.float16),
        "filters": draw.normal(0, 0.2, (8, 3, 3, 3)).astype(np.float16),
        "activation.0": draw.integers(0, 256, (8, 32, 32), dtype=np.uint8),
        "activation.1": draw.integers(0, 256, (16, 16, 16), dtype=np.uint8),
        "wrong.index": np.arange(epoch, epoch + 6, dtype=np.int32),
        "wrong.predicted": draw.integers(0, classes, 6, dtype=np.int32),
        "wrong.probability": draw.uniform(0.5, 1, 6).astype(np.float16),
        "wrong.loss": np.linspace(6, 1, 6).astype(np.float16),
    }


def write(root: Path, id: str = "made-up", told: Iterator[Event] | None = None, *, epochs: int = 4) -> str:
    """The folder of a run, `told` so far; gives its id."""
    folder = root / id
    (folder / "snapshots").mkdir(parents=True)
    (folder / "checkpoints").mkdir()
    (folder / "recipe.json").write_text(recipe(epochs).to_json())
    meta = {
        "title": "Made up",
        "created": "2026-01-01T00:00:00",
        "order": 1,
        "parent": None,
        "group": None,
        "machine": "",
    }
    (folder / "meta.json").write_text(json.dumps(meta))
    append(folder, events(epochs) if told is None else told)
    return id


def append(folder: Path, told: Iterator[Event]) -> None:
    """More of the log, in the time that its steps take, and the snapshots."""
    step = 0
    with (folder / "events.jsonl").open("a") as log:
        for event in told:
            step = getattr(event, "step", step)
            if isinstance(event, Evaluation) and event.snapshot is not None:
                save_file(dict(event.snapshot), folder / "snapshots" / f"{event.epoch:04d}.safetensors")
            log.write(json.dumps(to_dict(event) | {"t": step * SECOND}) + "\n")
