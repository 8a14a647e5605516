"""What the presets of the race show: every lane trained for three seeds, `assets/measured/races.json`.

    python -m benchmarks.races [preset ...] --seeds 3 --jobs 2 --save

A row a lane and seed. Recipes are stored beside, so that a test can tell when a preset has changed since.
"""

import argparse
import json
import os
import platform
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from training.events import Epoch, Evaluation
from training.presets import PRESETS
from training.recipe import Recipe

TABLE = Path(__file__).parents[1] / "assets" / "measured" / "races.json"
_LAST = 3  # epochs at the end over which accuracies are averaged: single ones jump

Row = dict[str, Any]


def measure(preset: str, lane: str, recipe: Recipe, device: str) -> Row:
    """One run: training and validation at its end."""
    import torch

    from training.loop import Trainer

    torch.set_num_threads(1)
    torch.backends.cudnn.allow_tf32 = False
    epochs: list[Epoch] = []
    judged: dict[str, list[Evaluation]] = {}
    for event in Trainer(recipe, device=device):
        if isinstance(event, Epoch):
            epochs.append(event)
        elif isinstance(event, Evaluation):
            judged.setdefault(event.weights, []).append(event)
    evaluations = judged.get("ema") or judged.get("swa") or judged["raw"]
    return {
        "preset": preset,
        "lane": lane,
        "seed": recipe.seed,
        "train loss": round(epochs[-1].loss, 4),
        "train accuracy": _mean([each.accuracy for each in epochs]),
        "validation loss": round(evaluations[-1].loss, 4),
        "validation accuracy": _mean([each.accuracy for each in evaluations]),
    }


def _mean(values: Sequence[float]) -> float:
    return round(sum(values[-_LAST:]) / len(values[-_LAST:]), 4)


def save(rows: Sequence[Row], device: str) -> None:
    """These rows, beside those of other presets that the file has and that are still the same."""
    recipes = {
        key: {lane.name: json.loads(lane.recipe.to_json()) for lane in preset.race.lanes}
        for key, preset in PRESETS.items()
    }
    kept: list[Row] = []
    if TABLE.exists():
        old = json.loads(TABLE.read_text(encoding="utf-8"))
        new = {row["preset"] for row in rows}
        default = json.loads(Recipe().to_json())  # of fields that there were not yet
        were = {
            key: {lane: default | each for lane, each in lanes.items()}
            for key, lanes in old["recipes"].items()
        }
        kept = [
            row for row in old["rows"]
            if row["preset"] not in new and were.get(row["preset"]) == recipes.get(row["preset"])
        ]  # fmt: skip
    rows = sorted([*kept, *rows], key=lambda row: (list(PRESETS).index(row["preset"]), row["seed"]))
    seen = {row["preset"] for row in rows}
    table = {"device": device, "recipes": {key: recipes[key] for key in PRESETS if key in seen}, "rows": rows}
    TABLE.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _device(name: str) -> str:
    import torch

    return torch.cuda.get_device_name() if name == "cuda" else platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description="Every lane of every preset, trained for some seeds.")
    parser.add_argument("presets", nargs="*", help="keys of presets; all without any")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="runs at once, each on a core of its own")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--save", action="store_true", help=f"write {TABLE.name}")
    given = parser.parse_args()
    if unknown := set(given.presets) - set(PRESETS):
        parser.error(f"no preset called {', '.join(sorted(unknown))}")
    os.environ["OMP_NUM_THREADS"] = "1"
    work = [
        (key, lane.name, replace(lane.recipe, seed=seed), given.device)
        for seed in range(given.seeds)
        for key in given.presets or PRESETS
        for lane in PRESETS[key].race.lanes
    ]
    rows: list[Row] = []
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(measure, *each) for each in work]):
            rows.append(row := done.result())
            print(
                f"{row['preset']:14}{row['lane']:26}seed {row['seed']}  "
                f"train {row['train accuracy']:.1%} ({row['train loss']:.3f})  "
                f"validation {row['validation accuracy']:.1%} ({row['validation loss']:.3f})", flush=True,
            )  # fmt: skip
            if given.save:
                save(rows, _device(given.device))


if __name__ == "__main__":
    main()
