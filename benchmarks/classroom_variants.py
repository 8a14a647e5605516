"""What every family's classroom network learns in one minute on one core: accuracy on Fashion-MNIST.

    python -m benchmarks.classroom_variants              # all of them, about a minute each
    python -m benchmarks.classroom_variants resnet vit   # these families
    python -m benchmarks.classroom_variants --save       # and keep the rows in assets/measured

All get the same: 60,000 pictures of 28x28, padded to 32x32, batches of 32, AdamW from a learning rate of
0.001 down to 0 as the minute passes, no augmentation. The minute is the core's own time spent in training
(one thread), so that work of others beside it does not count. Accuracy is on the 10,000 test pictures,
afterwards.

The pictures are those of Debian's package dataset-fashion-mnist, or of any folder that holds the four files
under their original names: --data FOLDER.
"""

import argparse
import csv
import gzip
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import zoo
from zoo.anatomy import dissect
from zoo.families.googlenet import AUX_WEIGHT

SECONDS, BATCH, RATE = 60.0, 32, 1e-3
DATA = Path("/usr/share/datasets/fashion-mnist")
TABLE = Path(__file__).parents[1] / "assets" / "measured" / "classroom_variants.csv"
COLUMNS = ("variant", "params", "macs", "accuracy", "images_seen", "steps", "seconds")
Row = dict[str, str]


def pictures(folder: Path, part: str, channels: int) -> tuple[Tensor, Tensor]:
    """Images (N, channels, 32, 32) of mean 0 and deviation 1, and labels (N,); `part` is train or t10k."""
    raw = gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes())
    x = torch.from_numpy(np.frombuffer(raw, np.uint8, offset=16).copy()).reshape(-1, 1, 28, 28)
    x = (x / 255 - 0.2860) / 0.3530  # mean and deviation of the training pictures
    y = torch.from_numpy(np.frombuffer(labels, np.uint8, offset=8).copy()).long()
    return F.pad(x, (2, 2, 2, 2), value=-0.2860 / 0.3530).expand(-1, channels, -1, -1), y


def loss_of(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy; auxiliary heads add theirs at the weight their paper gives them."""
    heads = model.forward_aux(images) if isinstance(model, zoo.HasAuxiliaryHeads) else [model(images)]
    main, *others = (F.cross_entropy(logits, labels) for logits in heads)
    return main + AUX_WEIGHT * sum(others)


def measure(name: str, folder: Path) -> Row:
    """One network, trained for a minute in this process."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    variant = zoo.VARIANTS[name]
    images, labels = pictures(folder, "train", variant.channels)
    model = zoo.build(name).train()
    anatomy = dissect(model, (variant.channels, 32, 32))
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE)
    order, steps, started = torch.randperm(len(images)), 0, time.process_time()
    while (spent := time.process_time() - started) < SECONDS:
        for group in optimiser.param_groups:
            group["lr"] = RATE * (1 - spent / SECONDS)
        start = steps * BATCH % len(images)
        batch = order[start : start + BATCH]
        optimiser.zero_grad()
        loss_of(model, images[batch], labels[batch]).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        steps += 1
    model.eval()
    images, labels = pictures(folder, "t10k", variant.channels)
    with torch.no_grad():
        found = torch.cat([model(part).argmax(1) for part in torch.split(images, 500)])
    accuracy = f"{(found == labels).float().mean().item():.4f}"
    values = (name, anatomy.params, anatomy.macs, accuracy, steps * BATCH, steps, f"{spent:.1f}")
    return dict(zip(COLUMNS, map(str, values), strict=True))


def in_a_process(name: str, folder: Path) -> Row:
    command = [sys.executable, "-m", "benchmarks.classroom_variants", "--data", str(folder), "--one", name]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"{name}: {run.stderr[-2000:]}")
    return dict(zip(COLUMNS, run.stdout.strip().split(","), strict=True))


def save(rows: list[Row]) -> None:
    """These rows, and those of other networks that the file has and the zoo still knows, in its order."""
    known: dict[str, Row] = {}
    if TABLE.exists():
        with TABLE.open(encoding="utf-8", newline="") as file:
            known = {row["variant"]: row for row in csv.DictReader(file)}
    known |= {row["variant"]: row for row in rows}
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(known[f.classroom.name] for f in zoo.FAMILIES.values() if f.classroom.name in known)


def main() -> None:
    parser = argparse.ArgumentParser(description="Classroom networks after one minute of Fashion-MNIST.")
    parser.add_argument("families", nargs="*", metavar="family", help="keys of families; all without any")
    parser.add_argument("--data", type=Path, default=DATA, help=f"the four files; {DATA} without")
    parser.add_argument("--jobs", type=int, default=2, help="networks at once, each on a core of its own")
    parser.add_argument("--save", action="store_true", help=f"write {TABLE.name}")
    parser.add_argument("--one", metavar="variant", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(",".join(measure(given.one, given.data).values()))
        return
    if unknown := set(given.families) - set(zoo.FAMILIES):
        parser.error(f"no family called {', '.join(sorted(unknown))}")
    if not (given.data / "train-images-idx3-ubyte.gz").exists():
        parser.error(f"no pictures in {given.data}: install dataset-fashion-mnist, or give --data")
    names = [zoo.FAMILIES[key].classroom.name for key in given.families or zoo.FAMILIES]
    print(f"{'network':34}{'parameters':>12}{'MMACs':>8}{'accuracy':>10}{'pictures':>10}")
    rows = []
    with ThreadPoolExecutor(given.jobs) as pool:
        for row in pool.map(lambda name: in_a_process(name, given.data), names):
            params, millions, accuracy = int(row["params"]), int(row["macs"]) / 1e6, float(row["accuracy"])
            seen = int(row["images_seen"])
            print(f"{row['variant']:34}{params:12,}{millions:8.1f}{accuracy:10.1%}{seen:10,}", flush=True)
            rows.append(row)
            if given.save:
                save(rows)


if __name__ == "__main__":
    main()
