"""The run whose maps the page Evolution shows first: trained, thinned, and looked through once.

    python -m benchmarks.evolution train --to FOLDER
    python -m benchmarks.evolution pack --from FOLDER       into assets/evolutions, with SOURCES.md

Of a checkpoint the network alone is kept, in float16. What its maps answer to the pictures that the page
offers first is kept beside, so that the page opens without a computation; it is used only for these weights.
"""

import argparse
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import torch

from benchmarks.recordings import command
from training.recipe import Recipe
from training.runs import Runs
from ui import evolution_work
from ui.evolution_runs import ANSWERS, EVOLUTIONS, found
from viz import evolution
from viz.evolution import Answers, Stage
from zoo import Specimen, weights

NAME = "zfnet"
RECIPE = Recipe(
    specimen=Specimen(
        "zfnet_classroom",
        knobs=(
            *((f"widths.{at}", width) for at, width in enumerate((16, 32, 48, 48, 32))),
            ("hidden", 128), ("kernel", 7), ("stride", 2),
        ),
    ),
    size=64, epochs=50, optimiser="adamw", rate=0.001, warm_up=1.0, weight_decay=0.05, flip=True, clip=1.0,
)  # fmt: skip
PICTURES = 240  # what the page looks through at first


def train(to: Path) -> None:
    _, *arguments = command(RECIPE)
    subprocess.run(
        [sys.executable, *arguments, "--minutes", "none"], check=True,
        env=os.environ | {"ZOOLENS_RUNS": str(to)},
    )  # fmt: skip


def pack(source: Path) -> None:
    runs = Runs(source)
    (run,) = runs.list()
    if run.status != "finished" or run.recipe != RECIPE:
        raise SystemExit(f"{run.id} is not what was to be kept: {run.status}.")
    folder = EVOLUTIONS.root / NAME
    shutil.rmtree(EVOLUTIONS.root, ignore_errors=True)
    (folder / "checkpoints").mkdir(parents=True)
    for name in ("recipe.json", "meta.json"):
        shutil.copyfile(runs.path(run.id) / name, folder / name)
    for name in runs.checkpoints(run.id):
        if name.isdigit():
            _thin(runs.checkpoint(run.id, name), folder / "checkpoints" / f"{name}.safetensors")
    _look_through(folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(EVOLUTIONS.root).as_posix()}"
        for path in files
    ]
    (EVOLUTIONS.root / "SHA256SUMS").write_text("\n".join(hashes) + "\n", encoding="utf-8")
    said = _SOURCES.format(
        command=shlex.join(command(RECIPE)),
        machine=json.loads((folder / "meta.json").read_text())["machine"],
        size=f"{sum(path.stat().st_size for path in files) / 1e6:.1f}",
        rows="\n".join(_row(folder, epoch) for epoch in found(f"recorded:{NAME}").epochs),
        pictures=PICTURES,
    )
    (EVOLUTIONS.root / "SOURCES.md").write_text(said, encoding="utf-8")


def _thin(source: Path, target: Path) -> None:
    """The network alone, in float16."""
    tensors, facts = weights.read(source)
    kept = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
        if name.startswith(weights.MODEL)
    }
    names = weights.Facts.__dataclass_fields__
    weights.save(target, kept, {name: value for name, value in facts.items() if name in names})


def _look_through(folder: Path) -> None:
    watched = found(f"recorded:{NAME}")
    shown = evolution_work.pictures(watched, PICTURES)
    layers: tuple[Stage, ...] = ()
    epochs: dict[str, Mapping[str, Answers]] = {}
    for epoch in watched.epochs:
        path = watched.path(epoch)
        moment = evolution_work.look(path, evolution_work.digest(path), shown, lambda share, part: None)
        layers, epochs[moment.digest] = moment.layers, moment.answers
    evolution.save(folder / ANSWERS, layers, epochs, shown.token)
    (folder / ANSWERS).chmod(0o644)


def _row(folder: Path, epoch: int) -> str:
    path = folder / "checkpoints" / f"{epoch:04d}.safetensors"
    accuracy = weights.describe_file(path).accuracy
    return f"| {epoch} | {accuracy:.1%} | {path.stat().st_size:,} |"


_SOURCES = """# Evolutions

A run of this app, kept for the page Evolution: ZFNet of classroom size, trained from nothing but the command
below on pictures that the app draws itself (`shapes`). No weights or pictures of others are in it. Made with
`python -m benchmarks.evolution`: of each checkpoint the network alone is kept, in float16, so the run cannot
be taken over; its log is left out. {size} MB in all.

    {command}

Machine: {machine}.

| epoch | accuracy on 1,000 pictures kept aside, measured while it trained | bytes |
|---|---|---|
{rows}

`{name}/answers.safetensors`: what the maps of these very weights (by their SHA-256) answer to the first
{pictures} pictures kept aside: each map's strongest activation in each picture (float16), its winner and
where. Without it the page computes the same. `SHA256SUMS` has the hash of every file (`sha256sum -c`).
""".replace("{name}", NAME)


def main() -> None:
    parser = argparse.ArgumentParser(description="The run that the page Evolution shows first.")
    parser.add_argument("does", choices=("train", "pack"))
    parser.add_argument("--to", "--from", dest="folder", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    {"train": train, "pack": pack}[given.does](given.folder)


if __name__ == "__main__":
    main()
