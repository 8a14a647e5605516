"""Train the checkpoints that come with the project: one process a network, all side by side.

    python -m benchmarks.checkpoints --cifar10 cifar10.zip --device cuda --jobs 17 --minutes 9 --out trained
    python -m benchmarks.checkpoints --rows lenet_shapes --minutes 5 --out trained    # a CPU will do
    python -m benchmarks.checkpoints --table assets/checkpoints                       # what SOURCES.md says

`--cifar10` is a zip or a folder with train/<class>/*.jpg and test/<class>/*.jpg. Every network first trains
for a while to see how long an epoch takes; then it starts anew with as many epochs as fit into its time, at
most those of its recipe, so that its learning rate comes down to zero in the end. What is kept is the last
epoch, not the best: nothing is chosen by the test pictures. Weights are kept in float16, and the accuracy
that a file states is that of the weights as it keeps them.
"""

import argparse
import hashlib
import io
import json
import math
import time
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import zoo
from training import data
from training.data import Pictures, Split, store
from training.events import Epoch, Evaluation, Step
from training.loop import Trainer
from training.recipe import Recipe
from zoo import Specimen, weights

CIFAR10 = "own:cifar10"
_TRIAL = 0.06  # of a row's time, to see how long an epoch takes
_USED = 0.85  # of the time that is left then is planned for; the rest is for what takes longer than it did
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
_NO_NORM = {"rate": 0.02, "clip": 1.0}  # ZFNet has no batch norm to keep it steady
_LENET = {"rate": 0.02, "weight_decay": 1e-4}
_FASHION = {"data": "fashion-mnist", "epochs": 25, "crop": False, "warm_up": 1.0}
_SHAPES = {"data": "shapes", "epochs": 40, "crop": False}
_TWENTY = _depths(3, 3, 3)  # layers: the depth of the smallest networks for CIFAR-10 in ResNet's paper
_WIDER = tuple((f"widths.{i}", width) for i, width in enumerate((48, 96, 128, 128, 96)))
_FIVE: Knobs = (("kernel", 5),)  # filters of the first layer that are large enough to be looked at

ROWS: Mapping[str, Recipe] = MappingProxyType(
    {
        "densenet_cifar10": _row("densenet", knobs=(("growth_rate", 12), *_depths(6, 6, 6))),
        "swin_cifar10": _row("swin", _ADAMW),
        "convnext_cifar10": _row("convnext", _ADAMW, knobs=_depths(2, 2, 4)),
        "mobilenet_v2_cifar10": _row("mobilenet_v2", {"weight_decay": 2e-4}, knobs=(("width", 0.75),)),
        "vit_cifar10": _row("vit", _ADAMW, {"rate": 1e-3}, knobs=(("depth", 6), ("width", 96))),
        "senet_cifar10": _row("senet", knobs=_TWENTY),
        "resnet_cifar10": _row("resnet", knobs=_TWENTY),
        "plain_cifar10": _row("resnet", knobs=(*_TWENTY, ("shortcut", "none"))),
        "bn_inception_cifar10": _row("bn_inception"),
        "zfnet_cifar10": _row("zfnet", _NO_NORM, knobs=(*_FIVE, *_WIDER)),
        "vgg_cifar10": _row("vgg", {"rate": 0.05}),
        "resnet_fashion": _row("resnet", _FASHION),
        "zfnet_fashion": _row("zfnet", _FASHION, _NO_NORM, knobs=_FIVE),
        "lenet_fashion": _row("lenet", _FASHION, _LENET),
        "resnet_shapes": _row("resnet", _SHAPES),
        "zfnet_shapes": _row("zfnet", _SHAPES, _NO_NORM, knobs=_FIVE),
        "lenet_shapes": _row("lenet", _SHAPES, _LENET),
    }
)


def _pictures(source: Path) -> Iterator[tuple[str, str, bytes]]:
    """Part, class and content of every JPEG in a zip or a folder, in the order of their names."""
    if source.is_dir():
        for path in sorted(source.glob("t*/*/*.jpg")):
            yield path.parts[-3], path.parts[-2], path.read_bytes()
        return
    with zipfile.ZipFile(source) as archive:
        for name in sorted(each for each in archive.namelist() if each.endswith(".jpg")):
            part, kind, _ = name.split("/")[-3:]
            yield part, kind, archive.read(name)


def pack_cifar10(source: Path, path: Path) -> None:
    """Decode the pictures once, for all processes."""
    images: dict[str, list[Tensor]] = {"train": [], "test": []}
    kinds: dict[str, list[str]] = {"train": [], "test": []}
    for part, kind, content in _pictures(source):
        pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
        images[part].append(torch.from_numpy(pixels.copy()).permute(2, 0, 1))
        kinds[part].append(kind)
    classes = sorted(set(kinds["train"]))
    tensors = {}
    for part in images:
        tensors[f"{part}.images"] = torch.stack(images[part])
        tensors[f"{part}.labels"] = torch.tensor([classes.index(kind) for kind in kinds[part]])
    seen = tensors["train.images"].double() / 255
    moments = {"mean": seen.mean((0, 2, 3)).tolist(), "deviation": seen.std((0, 2, 3)).tolist()}
    store.write(path, tensors, {"classes": classes} | moments)


def split_of(recipe: Recipe, packed: Path) -> Split:
    """The recipe's pictures; `packed` is what `pack_cifar10` wrote."""
    if recipe.data != CIFAR10:
        channels = zoo.variant(recipe.specimen.variant).channels
        return data.load(
            recipe.data, images=recipe.images, validation=recipe.validation, size=recipe.size,
            channels=channels, seed=recipe.seed,
        )  # fmt: skip
    tensors, facts = store.read(packed)
    train, test = (
        Pictures(images=tensors[f"{part}.images"], labels=tensors[f"{part}.labels"])
        for part in ("train", "test")
    )
    return Split(
        train=train,
        validation=test,
        classes=tuple(facts["classes"]),
        mean=tuple(facts["mean"]),
        deviation=tuple(facts["deviation"]),
    )


def fitting(recipe: Recipe, split: Split, device: str, seconds: float) -> Recipe:
    """The recipe with as many epochs as fit into `seconds`, this measurement included."""
    started = time.monotonic()
    trainer = Trainer(recipe, split, device=device)
    steps, from_, judging = 0, 0.0, 0.0
    for event in trainer:
        now = time.monotonic()
        if isinstance(event, Evaluation):
            judging = now - started  # the first one; the next are quicker
        if isinstance(event, Step):
            steps += 1
            if steps == 10:  # the first ones choose their kernels
                from_ = now
            if steps > 20 and now - started > _TRIAL * seconds:
                break
    left = _USED * (seconds - (time.monotonic() - started))
    per_epoch = (now - from_) / (steps - 10) * math.ceil(
        len(split.train.labels) / recipe.batch
    ) + 0.2 * judging
    return replace(
        recipe, epochs=max(math.floor(recipe.warm_up) + 1, min(recipe.epochs, int(left / per_epoch)))
    )


def train(name: str, packed: Path, out: Path, device: str, seconds: float, threads: int) -> str:
    """One row in this process; its file is there from the first epoch on. Returns what it says at the end."""
    until = time.monotonic() + seconds - _RESERVE
    torch.set_num_threads(threads)
    recipe = ROWS[name]
    split = split_of(recipe, packed)
    recipe = fitting(recipe, split, device, seconds - _RESERVE)
    trainer = Trainer(recipe, split, device=device)
    learnt, path = 0.0, out / f"{name}.safetensors"
    for event in trainer:
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
            return f"{name}: out of time"
    return f"{name}: finished"


def keep(trainer: Trainer, split: Split, path: Path, device: str) -> None:
    """Write the weights of now in float16, with the accuracy that they have so."""
    saved = trainer.state()
    halves = {
        key: tensor.half() if tensor.is_floating_point() else tensor
        for key, tensor in saved.tensors.items()
        if key.startswith(weights.MODEL)
    }
    facts = weights.Facts.from_dict(saved.facts)
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
        facts, recipe = weights.Facts.from_dict(said), said["recipe"]
        network = ", ".join([facts.variant, *(f"{knob} {value}" for knob, value in facts.knobs.items())])
        apart = {"specimen", "data", "epochs"}
        order = [each.name for each in fields(Recipe) if each.name not in apart]
        changed = [f"{key} {recipe[key]}" for key in order if recipe[key] != default[key]]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        cells = [
            path.name,
            network,
            facts.data.removeprefix("own:"),
            f"{facts.accuracy:.2%}",
            str(facts.epoch),
        ]
        cells += [", ".join(changed), f"{path.stat().st_size:,}", digest]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the checkpoints that come with the project.")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--cifar10", type=Path, help="zip or folder with train/<class>/*.jpg and test/...")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    parser.add_argument("--minutes", type=float, default=60.0, help="for all rows together")
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
    packed = asked.out / "cifar10.packed"
    if any(ROWS[name].data == CIFAR10 for name in asked.rows):
        if asked.cifar10 is None:
            parser.error("say where the pictures are: --cifar10 FILE")
        pack_cifar10(asked.cifar10, packed)
    for recipe in {
        (each.data, zoo.variant(each.specimen.variant).channels): each
        for each in (ROWS[name] for name in asked.rows)
    }.values():
        split_of(recipe, packed)  # is drawn or packed once, for all processes
    rounds = math.ceil(len(asked.rows) / asked.jobs)
    seconds = (until - time.monotonic()) / rounds
    threads = 1 if asked.device == "cuda" else max(1, torch.get_num_threads() // asked.jobs)
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn")) as pool:
        under_way = [
            pool.submit(train, name, packed, asked.out, asked.device, seconds, threads) for name in asked.rows
        ]
        for name, each in zip(asked.rows, under_way, strict=True):
            error = each.exception()
            print(f"{name}: {error!r}" if error else each.result(), flush=True)
    packed.unlink(missing_ok=True)
    print(table(asked.out))


if __name__ == "__main__":
    main()
