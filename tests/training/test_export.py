"""A recipe as a script: without the project it prints the losses that the project's own loop tells."""

import ast
import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import zoo
from training import data
from training.bundle import bundle, import_lines
from training.data import store
from training.events import Evaluation, Step
from training.export import SHOWN, script
from training.loop import Trainer
from training.recipe import Recipe
from zoo import Specimen

LINES = re.compile(r"^step \d+: loss ([\d.]+)$", re.MULTILINE)
JUDGED = re.compile(r"validation loss ([\d.]+)")
SMALL: dict[str, Any] = {"images": 60, "validation": 30, "batch": 6, "epochs": 2, "size": 16}


def repeated(recipe: Recipe, folder: Path) -> tuple[list[float], list[float]]:
    """Losses of steps and of validation that the script prints, run in a folder without the project."""
    path = folder / "run.py"
    path.write_text(script(recipe))
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-I", "-W", "error", path.name],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return [float(x) for x in LINES.findall(run.stdout)], [float(x) for x in JUDGED.findall(run.stdout)]


def told(recipe: Recipe) -> tuple[list[float], list[float]]:
    """The same from the project's own loop."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        events = list(Trainer(recipe))
    finally:
        torch.set_num_threads(threads)
    steps = [event.loss for event in events if isinstance(event, Step)]
    return steps[:SHOWN], [event.loss for event in events if isinstance(event, Evaluation)]


def specimen(family: str, **knobs: int | float | str) -> Specimen:
    return Specimen(f"{family}_classroom", knobs=tuple(knobs.items()))


RECIPES = {
    "resnet": Recipe(**SMALL),
    "everything": Recipe(
        **SMALL | {"size": 32},
        specimen=specimen("googlenet"), optimiser="momentum", schedule="step", step_every=1, warm_up=1.0,
        label_smoothing=0.1, flip=True, crop=True, colour=0.2, mixup=0.4, ema=0.9, agc=0.1, seed=3,
        activation="gelu", initialisation="xavier", linear_scaling=True, dropout=0.3,
    ),
    "vit": Recipe(
        **SMALL, specimen=specimen("vit", depth=1), optimiser="adamw", rate=1e-3, schedule="one-cycle",
        randaugment=5, cutmix=1.0, mixup=0.2, clip=0.5, dropout=0.2, swa=0.5,
    ),
    "plateau": Recipe(
        **SMALL, specimen=specimen("zfnet"), optimiser="rmsprop", rate=1e-4, schedule="plateau", step_every=1,
        warm_up=0.5, filter_clip=0.1, patience=5,
    ),
    "grows": Recipe(
        **SMALL | {"size": 32, "epochs": 4, "images": 24}, specimen=specimen("convnext"), optimiser="adam",
        rate=1e-3, schedule="constant", progressive=True, randaugment=9, mixup=0.2, stochastic_depth=0.2,
        dropout=0.1, precision="bfloat16",
    ),
    "no norm": Recipe(
        **SMALL, norm=False, initialisation="he", rate=0.01, optimiser="sgd", stochastic_depth=0.4,
    ),
    "workers": Recipe(
        **SMALL | {"batch": 4, "images": 45, "epochs": 3}, workers=2, mixup=0.2, linear_scaling=True,
        warm_up=1.0,
    ),
    "grey": Recipe(**SMALL | {"size": 32}, specimen=specimen("lenet"), rate=0.01, warm_up=0.5),
}  # fmt: skip


@pytest.mark.parametrize("name", RECIPES)
def test_it_prints_the_same_losses(name: str, tmp_path: Path) -> None:
    steps, judged = repeated(RECIPES[name], tmp_path)
    expected_steps, expected = told(RECIPES[name])
    assert len(steps) == min(SHOWN, len(expected_steps)) >= 16
    assert steps == pytest.approx(expected_steps, abs=1e-6)
    assert judged == pytest.approx(expected, abs=2e-6)


def own_pictures(root: Path, *, test: bool) -> None:
    draw = torch.Generator().manual_seed(0)
    tensors = {}
    for part, count in (("train", 90), ("test", 40)) if test else (("train", 90),):
        tensors[f"{part}.images"] = torch.randint(256, (count, 3, 20, 20), generator=draw, dtype=torch.uint8)
        tensors[f"{part}.labels"] = torch.randint(3, (count,), generator=draw)
    counts = {part: torch.bincount(tensors[f"{part}.labels"]).tolist() for part in ("train",)}
    facts = {
        "name": "mine", "classes": ["a", 'b "quoted"', "ç"], "train": counts["train"],
        "test": torch.bincount(tensors["test.labels"]).tolist() if test else [0, 0, 0],
        "size": 20, "channels": 3, "broken": 0, "named": [], "ignored": 0,
    }  # fmt: skip
    store.write(store.own("mine", root), tensors, facts)


@pytest.mark.parametrize("test", [True, False])
def test_ones_own_pictures_are_read_from_their_file(
    test: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOOLENS_DATA", str(tmp_path / "data"))
    own_pictures(tmp_path / "data", test=test)
    recipe = Recipe(**SMALL, data="own:mine")
    (tmp_path / "alone").mkdir()
    shutil.copy(store.own("mine", tmp_path / "data"), tmp_path / "alone" / "mine.safetensors")
    steps, judged = repeated(recipe, tmp_path / "alone")
    expected_steps, expected = told(recipe)
    assert steps == pytest.approx(expected_steps, abs=1e-6)
    assert judged == pytest.approx(expected, abs=2e-6)


@pytest.mark.skipif(not data.ready("fashion-mnist"), reason="Fashion-MNIST is not on this machine")
@pytest.mark.slow
def test_fashion_mnist_is_read_by_torchvision(tmp_path: Path) -> None:
    """The four files lie where torchvision would put them, so that nothing is downloaded."""
    raw = tmp_path / "data" / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    source = Path("/usr/share/datasets/fashion-mnist")
    if not source.exists():
        pytest.skip("the original files are not on this machine")
    for path in source.glob("*.gz"):
        (raw / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    recipe = Recipe(**SMALL | {"size": 32}, specimen=specimen("lenet"), data="fashion-mnist", rate=0.01)
    steps, judged = repeated(recipe, tmp_path)
    expected_steps, expected = told(recipe)
    assert steps == pytest.approx(expected_steps, abs=1e-6)
    assert judged == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("family", zoo.FAMILIES)
def test_every_family_stands_alone(family: str) -> None:
    """The bundled source makes a network with the very weights of the project's."""
    own = zoo.FAMILIES[family].classroom
    text = script(Recipe(specimen=Specimen(own.name), epochs=1))
    head, _, _ = text.partition("# The optimiser and its learning rate")
    before, _, network = head.partition("# The network")
    definitions = before.partition("\nSEED, EPOCHS")[0]
    assert not re.search(r"^\s*(?:from|import) (?:zoo|training)\b|\bzoo\.\w", definitions, re.MULTILINE)
    names: dict[str, Any] = {"SEED": 0, "CLASSES": data.DATASETS["shapes"].classes}
    exec(compile(definitions + network, family, "exec"), names)
    expected = zoo.build(own.name, num_classes=8, input_size=32)
    made = names["network"]
    assert repr(made) == repr(expected)
    for mine, theirs in zip(made.parameters(), expected.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("name", RECIPES)
def test_it_is_written_as_the_project_is(name: str, tmp_path: Path) -> None:
    """ruff finds nothing to say about names, imports, length and order; nothing unused is carried along."""
    path = tmp_path / "run.py"
    path.write_text(script(RECIPES[name]))
    rules = [
        "--isolated",
        "--line-length",
        "110",
        "--select",
        "E,F,W,I,UP,B,SIM",
        "--target-version",
        "py311",
    ]
    ruff = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *rules, path], capture_output=True, text=True, check=False
    )
    assert ruff.returncode == 0, ruff.stdout
    tree = ast.parse(path.read_text())
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert defined <= used
    loop = path.read_text().partition("SEED, EPOCHS")[2].splitlines()
    assert len(loop) <= 125


def test_one_name_for_two_things() -> None:
    """Inception-ResNet-v2's stem and that of Inception v4, both called make_stem, stay two."""
    roots = [("zoo.families.inception_resnet", "make_stem"), ("zoo.families.inception_v4", "make_stem")]
    taken = bundle([*roots, ("zoo.families.inception_resnet", "InceptionResNet")])
    assert len({taken.names[root] for root in roots}) == 2
    names: dict[str, Any] = {}
    exec("\n".join(import_lines(taken.imports)) + "\n" + taken.source, names)
    assert "make_stem" in taken.source
