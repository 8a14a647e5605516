"""The recordings that come with the app: trained with `python -m training run`, then thinned.

    python -m benchmarks.recordings train --to FOLDER       two lanes at once
    python -m benchmarks.recordings pack --from FOLDER      into assets/recordings, with SOURCES.md

Packing leaves out what neither replay nor taking over needs: the state for resuming, the best weights, and of
a race's lanes the snapshots and all checkpoints but one.
"""

import argparse
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

from training.presets import PRESETS
from training.recipe import Recipe
from training.runs import Runs

RECORDINGS = Path(__file__).parents[1] / "assets" / "recordings"
RACES = ("activation", "averaging")
_MIDDLE = 5  # the epoch from which a lane can be taken over: its checkpoints would be most of the size
SINGLE: Mapping[str, Recipe] = {"shapes": Recipe()}


def lanes() -> Iterator[tuple[str, str | None, Recipe]]:
    """Name of the folder, the race it belongs to, and the recipe."""
    for name, recipe in SINGLE.items():
        yield name, None, recipe
    for key in RACES:
        for at, lane in enumerate(PRESETS[key].race.lanes, 1):
            yield f"{key}-{at}", key, lane.recipe


def command(recipe: Recipe) -> list[str]:
    """The command that trains the recipe."""
    options, plain = [], Recipe()
    if recipe.specimen != plain.specimen:
        options += ["--variant", recipe.specimen.variant]
        for name, value in recipe.specimen.knobs:
            options += ["--knob", f"{name}={value}"]
    for each in fields(Recipe):
        value = getattr(recipe, each.name)
        if each.name == "specimen" or value == getattr(plain, each.name):
            continue
        option = each.name.replace("_", "-")
        options += (
            [f"--{'' if value else 'no-'}{option}"]
            if isinstance(value, bool)
            else [f"--{option}", str(value)]
        )
    return ["python", "-m", "training", "run", *options]


def train(to: Path, jobs: int) -> None:
    """Every lane in a folder of its own, so that it is known which run is which."""

    def one(name: str, recipe: Recipe) -> None:
        _, *arguments = command(recipe)
        subprocess.run(
            [sys.executable, *arguments, "--minutes", "none"], check=True, stdout=subprocess.DEVNULL,
            env=os.environ | {"ZOOLENS_RUNS": str(to / f"{name}.part")},
        )  # fmt: skip
        (to / f"{name}.part").rename(to / name)
        print(name, flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        begun = [pool.submit(one, name, recipe) for name, _, recipe in lanes() if not (to / name).exists()]
        for each in begun:
            each.result()


def pack(source: Path) -> None:
    shutil.rmtree(RECORDINGS, ignore_errors=True)
    RECORDINGS.mkdir(parents=True)
    rows: list[str] = []
    hashes: list[str] = []
    for name, group, recipe in lanes():
        runs = Runs(source / name)
        (run,) = runs.list()
        if run.status != "finished" or run.recipe != recipe:
            raise SystemExit(f"{name} is not what was to be recorded.")
        folder = RECORDINGS / name
        _copy(runs.path(run.id), folder, single=group is None)
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        meta |= {"group": group, "order": len(rows) + 1}
        (folder / "meta.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
        rows.append(f"| {name} | `{shlex.join(command(recipe))}` | {meta['machine']} |")
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            hashes.append(f"{digest}  {file.relative_to(RECORDINGS).as_posix()}")
    (RECORDINGS / "SHA256SUMS").write_text("\n".join(hashes) + "\n", encoding="utf-8")
    (RECORDINGS / "SOURCES.md").write_text(_SOURCES.format(rows="\n".join(rows)), encoding="utf-8")


def _copy(run: Path, folder: Path, *, single: bool) -> None:
    folder.mkdir()
    for name in ("recipe.json", "meta.json", "events.jsonl"):
        shutil.copyfile(run / name, folder / name)
    for kind in ("checkpoints", "snapshots"):
        (folder / kind).mkdir()
    for file in sorted((run / "checkpoints").glob("[0-9]*.safetensors")):
        if single or int(file.stem) == _MIDDLE:
            shutil.copyfile(file, folder / "checkpoints" / file.name)
    for file in (run / "snapshots").glob("*.safetensors") if single else ():
        shutil.copyfile(file, folder / "snapshots" / file.name)


_SOURCES = """# Recordings

Runs of this app, trained from nothing but the commands below, on pictures that the app draws itself
(`shapes`). No weights or pictures of others are in them. Made with `python -m benchmarks.recordings`: each
folder is a run as `training.runs` keeps it, without the state for resuming and without "best"; of a race's
lanes there is the checkpoint of epoch 5 alone, and no snapshots. Nothing of the logs is left out. The seconds
are those of one thread of a shared server processor, on which much other work ran beside: a quiet machine is
several times faster, and lanes compare only roughly.

Races are numbered in the order of their lanes. `SHA256SUMS` has the hash of every file (`sha256sum -c`).

| recording | command | machine |
|---|---|---|
{rows}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="The recordings that come with the app.")
    parser.add_argument("does", choices=("train", "pack"))
    parser.add_argument("--to", "--from", dest="folder", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2, help="runs at once, each on a core of its own")
    given = parser.parse_args()
    if given.does == "train":
        train(given.folder, given.jobs)
    else:
        pack(given.folder)


if __name__ == "__main__":
    main()
