"""Train the checkpoints that come with the project: one process a network, all side by side.

    python -m training.data import cifar10-jpeg.zip --name cifar10    # 30,000 + 6,000 pictures
    python -m benchmarks.checkpoints --device cuda --jobs 17 --minutes 9 --out trained
    python -m benchmarks.checkpoints --rows lenet_shapes --minutes 5 --out trained    # a CPU will do
    python -m benchmarks.checkpoints --table assets/checkpoints                       # what SOURCES.md says

Every network first trains for a while to see how long an epoch takes; then it starts anew with as many
epochs as fit into its time, at most those of its recipe, so that its learning rate comes down to zero in the
end. What is kept is the last epoch, not the best: nothing is chosen by the test pictures. Weights are kept in
float16, and the accuracy that a file states is that of the weights as it keeps them.
"""

import argparse
import hashlib
import json
import math
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType

import torch

import zoo
from training.data import Pictures, Split
from training.events import Epoch, Evaluation, Failed, Step
from training.loop import Trainer, split_of
from training.recipe import Recipe
from zoo import Specimen, weights

CIFAR10 = "own:cifar10"
_TRIAL = 0.06  # of a row's time, to see how long an epoch takes,
_LONGEST = 30.0  # seconds, or so long
_FEWEST = 20  # steps of that
_USED = 0.8  # of the time that is left then is planned for; the rest is for what takes longer than it did
_SAVED_EVERY = 5  # epochs
_RESERVE = 15.0  # seconds before the end of its time at which a row stops where it is
_ASIDE = MappingProxyType({CIFAR10: 6_000, "fashion-mnist": 10_000, "shapes": 5_000})

Knobs = tuple[tuple[str, int | float | str], ...]


def _depths(*depths: int) -> Knobs:
    return tuple((f"depths.{i}", depth) for i, depth in enumerate(depths))


def _row(family: str, *changes: Mapping[str, object], knobs: Knobs = ()) -> Recipe:
    """CIFAR-10, mirrored and moved, by SGD with Nesterov momentum, warm-up and cosine; then the changes."""
    values: dict[str, object] = {
        "data": CIFAR10, "images": None, "epochs": 80, "batch": 128, "optimiser": "nesterov", "rate": 0.1,
        "schedule": "cosine", "warm_up": 2.0, "weight_decay": 5e-4, "flip": True, "crop": True,
    }  # fmt: skip
    for change in changes:
        values |= change
    specimen = Specimen(f"{family}_classroom", knobs=knobs)
    return Recipe(specimen=specimen, validation=_ASIDE[str(values["data"])], **values)  # type: ignore[arg-type]


_ADAMW = {
    "optimiser": "adamw", "rate": 2e-3, "warm_up": 4.0, "weight_decay": 0.05, "label_smoothing": 0.1,
    "clip": 1.0,
}  # fmt: skip
_NO_NORM = {"optimiser": "adamw", "rate": 1e-3, "weight_decay": 0.05, "clip": 1.0}  # to keep them steady
_FASHION = {"data": "fashion-mnist", "epochs": 25, "crop": False, "warm_up": 1.0}
_SHAPES = {"data": "shapes", "epochs": 40, "crop": False}
_FOURTEEN = _depths(2, 2, 2)  # layers: what one core can train in twenty minutes
_FIVE: Knobs = (("kernel", 5),)  # filters of the first layer that are large enough to be looked at

ROWS: Mapping[str, Recipe] = MappingProxyType(
    {
        "densenet_cifar10": _row("densenet", knobs=(("growth_rate", 12),)),
        "swin_cifar10": _row("swin", _ADAMW),
        "convnext_cifar10": _row("convnext", _ADAMW),
        "mobilenet_v2_cifar10": _row("mobilenet_v2", {"weight_decay": 2e-4}, knobs=(("width", 0.75),)),
        "vit_cifar10": _row("vit", _ADAMW, {"rate": 1e-3}),
        "senet_cifar10": _row("senet", knobs=_FOURTEEN),
        "resnet_cifar10": _row("resnet", knobs=_FOURTEEN),
        "plain_cifar10": _row("resnet", knobs=(*_FOURTEEN, ("shortcut", "none"))),
        "bn_inception_cifar10": _row("bn_inception"),
        "zfnet_cifar10": _row("zfnet", _NO_NORM, {"dropout": 0.2}, knobs=_FIVE),
        "vgg_cifar10": _row("vgg", {"rate": 0.05}),
        "resnet_fashion": _row("resnet", _FASHION),
        "zfnet_fashion": _row("zfnet", _FASHION, _NO_NORM, knobs=_FIVE),
        "lenet_fashion": _row("lenet", _FASHION, _NO_NORM),
        "resnet_shapes": _row("resnet", _SHAPES),
        "zfnet_shapes": _row("zfnet", _SHAPES, _NO_NORM, knobs=_FIVE),
        "lenet_shapes": _row("lenet", _SHAPES, _NO_NORM),
    }
)


def fitting(recipe: Recipe, split: Split, device: str, seconds: float) -> Recipe:
    """The recipe with as many epochs as fit into `seconds`, this measurement included."""
    started = time.monotonic()
    marks: list[float] = []  # when each step was made
    judging = 0.0
    for event in Trainer(recipe, split, device=device):
        now = time.monotonic()
        if isinstance(event, Evaluation):
            judging = now - started  # the first one; the next are quicker
        if isinstance(event, Step):
            marks.append(now)
            if len(marks) > _FEWEST and now - started > min(_LONGEST, _TRIAL * seconds):
                break
    later = marks[len(marks) // 2 :]  # by then the other processes are at work too
    a_step = (later[-1] - later[0]) / (len(later) - 1)
    an_epoch = a_step * math.ceil(len(split.train.labels) / recipe.batch) + 0.2 * judging
    left = _USED * (seconds - (time.monotonic() - started))
    return replace(recipe, epochs=max(int(recipe.warm_up) + 1, min(recipe.epochs, int(left / an_epoch))))


def train(name: str, out: Path, device: str, seconds: float, epochs: int) -> str:
    """One row in this process; its file is there from the first epoch on. Returns how it ended."""
    until = time.monotonic() + seconds - _RESERVE
    row = replace(ROWS[name], epochs=min(epochs, ROWS[name].epochs))
    split = split_of(row)
    recipe = fitting(row, split, device, seconds - _RESERVE)
    trainer = Trainer(recipe, split, device=device)
    learnt, path = 0.0, out / f"{name}.safetensors"
    for event in trainer:
        if isinstance(event, Failed):
            return event.reason
        if isinstance(event, Epoch):
            learnt = event.accuracy
        if isinstance(event, Evaluation) and event.epoch:
            print(
                f"{name:22} epoch {event.epoch:3} of {recipe.epochs:3}, training {learnt:6.2%}, "
                f"test {event.accuracy:6.2%}, {until - time.monotonic():4.0f} s left",
                flush=True,
            )
            if event.epoch in (1, recipe.epochs) or event.epoch % _SAVED_EVERY == 0:
                keep(trainer, split, path, device)
        if time.monotonic() > until:
            keep(trainer, split, path, device)
            return "out of time"
    return "finished"


def keep(trainer: Trainer, split: Split, path: Path, device: str) -> None:
    """Write the weights of now in float16, with the accuracy that they have so."""
    saved = trainer.state()
    halves = {
        key: tensor.half() if tensor.is_floating_point() else tensor
        for key, tensor in saved.tensors.items()
        if key.startswith(weights.MODEL)
    }
    facts = weights.Facts.from_dict(saved.facts)
    facts = replace(facts, data=facts.data.removeprefix("own:"))  # the pictures are CIFAR-10's, in JPEG
    model = facts.build()
    model.load_state_dict({key.removeprefix(weights.MODEL): tensor for key, tensor in halves.items()})
    accuracy = accuracy_of(model.to(device), facts, split.validation, device)
    recipe = json.loads(trainer.recipe.to_json())
    weights.save(path, halves, replace(facts, accuracy=accuracy).to_dict() | {"recipe": recipe})


def accuracy_of(model: torch.nn.Module, facts: weights.Facts, pictures: Pictures, device: str) -> float:
    """The share of the pictures that the network has right, 0..1."""
    with torch.inference_mode():
        told = [
            model(facts.preprocess.normalise(images.float() / 255).to(device)).argmax(1).cpu()
            for images in torch.split(pictures.images, 250)
        ]
    return (torch.cat(told) == pictures.labels).double().mean().item()


def table(folder: Path) -> str:
    """What the checkpoints in a folder say of themselves, in Markdown."""
    lines = [
        "| file | network | data | accuracy | epochs | what its recipe changes | bytes | sha256 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    default = json.loads(Recipe().to_json())
    for path in sorted(folder.glob("*.safetensors")):
        _, said = weights.read(path)
        facts, recipe = weights.Facts.from_dict(said), said.get("recipe", default)
        network = ", ".join([facts.variant, *(f"{knob} {value}" for knob, value in facts.knobs.items())])
        apart = {"specimen", "data", "epochs"}
        order = [each.name for each in fields(Recipe) if each.name not in apart]
        changed = [f"{key} {recipe[key]}" for key in order if recipe.get(key, default[key]) != default[key]]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        cells = [
            path.name,
            network,
            facts.data,
            "none" if facts.accuracy is None else f"{facts.accuracy:.2%}",
            str(facts.epoch),
        ]
        cells += [
            ", ".join(changed) or "none: see above",
            f"{path.stat().st_size:,}",
            digest,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the checkpoints that come with the project.")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    parser.add_argument("--threads", type=int, default=1, help="of each process, on a CPU")
    parser.add_argument("--minutes", type=float, default=60.0, help="for all rows together")
    parser.add_argument("--epochs", type=int, default=80, help="of each network, at most")
    parser.add_argument("--out", type=Path, help="folder for the checkpoints")
    parser.add_argument("--table", type=Path, metavar="FOLDER", help="only say what lies in this folder")
    asked = parser.parse_args()
    if asked.table:
        print(table(asked.table))
        return
    if asked.out is None:
        parser.error("say where to: --out FOLDER")
    until = time.monotonic() + 60 * asked.minutes
    asked.out.mkdir(parents=True, exist_ok=True)
    if len(asked.rows) == 1:
        (name,) = asked.rows
        torch.set_num_threads(asked.threads)
        ended = train(name, asked.out, asked.device, until - time.monotonic(), asked.epochs)
        print(f"{name}: {ended}", flush=True)
        return
    rows = {name: ROWS[name] for name in asked.rows}
    for recipe in {(r.data, zoo.variant(r.specimen.variant).channels): r for r in rows.values()}.values():
        split_of(recipe)  # is drawn or packed once, for all processes
    minutes = (until - time.monotonic()) / 60 / math.ceil(len(rows) / asked.jobs)
    command = [sys.executable, "-m", "benchmarks.checkpoints", f"--device={asked.device}"]
    command += [f"--out={asked.out}", f"--minutes={minutes:.3f}", f"--threads={asked.threads}"]
    command += [f"--epochs={asked.epochs}", "--rows"]
    with ThreadPoolExecutor(asked.jobs) as places:
        for _ in places.map(lambda name: subprocess.run([*command, name], check=False), rows):
            pass
    print(table(asked.out))


if __name__ == "__main__":
    main()
