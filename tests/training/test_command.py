"""`python -m training`: the same runs without the app."""

import csv
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import zoo
from tests.training.mortal import recipe
from tests.training.test_worker import same, told, undisturbed
from tests.waiting import until
from training.__main__ import _changes, _parser, main
from training.curves import COLUMNS
from training.events import Changed, Done, Epoch, Evaluation, Started, Step
from training.recipe import Recipe
from training.runs import Journal, Runs
from zoo import Specimen

ROOT = Path(__file__).parents[2]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setenv("ZOOLENS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("ZOOLENS_DATA", str(tmp_path / "data"))
    return Runs()


@pytest.fixture
def finished(runs: Runs) -> str:
    """A run that was, without the training."""
    id = runs.submit(Recipe(epochs=1))
    journal = Journal(runs.path(id) / "events.jsonl")
    for event in (
        Started(
            params=1_000, macs=2_000, images=8, validation=4, steps_per_epoch=2, peak=0.1, classes=("a", "b"),
            layers=(), activations=(), stages=(), handful=(), rates=(),
        ),
        Step(step=1, loss=2.5, accuracy=0.25, rate=0.1),
        Changed(step=1, rate=0.05, factor=0.5),
        Epoch(epoch=1, step=1, loss=2.5, accuracy=0.25, size=32, gradient=(1.0,), change=(0.5,)),
        Evaluation(epoch=1, step=1, weights="raw", loss=2.25, accuracy=0.5, dead=()),
        Done(epoch=1, step=1, reason="finished"),
    ):  # fmt: skip
        journal.append(event, journal.t + 1)
    journal.close()
    (runs.path(id) / "checkpoints" / "0001.safetensors").write_bytes(b"weights")
    (runs.path(id) / "checkpoints" / "best.safetensors").write_bytes(b"better")
    return id


def test_every_field_of_a_recipe_has_an_option() -> None:
    arguments = ["run"]
    expected: dict[str, object] = {}
    for each in fields(Recipe):
        if each.name == "specimen":
            continue
        option = "--" + each.name.replace("_", "-")
        if isinstance(each.default, bool):
            expected[each.name] = not each.default
            arguments.append(option if not each.default else option.replace("--", "--no-", 1))
        else:
            value = {"images": 5, "dropout": 0.5, "stochastic_depth": 0.5}.get(each.name, each.default)
            expected[each.name] = value
            arguments += [option, str(value)]
    assert _changes(_parser().parse_args(arguments), Recipe()) == expected


def test_none_is_a_value_and_what_is_not_named_stays() -> None:
    options = _parser().parse_args(["run", "--images", "none"])
    assert _changes(options, Recipe()) == {"images": None}


def test_knobs_turn_the_network_of_the_recipe() -> None:
    name = "vgg_classroom"
    key, (knob, default) = next(iter(zoo.knobs(name).items()))
    value = next(choice for choice in knob.choices if choice != default)
    options = _parser().parse_args(["run", "--knob", f"{key}={value}"])
    changed = _changes(options, Recipe(specimen=Specimen(name)))["specimen"]
    assert changed == Specimen(name, knobs=((key, value),))
    options = _parser().parse_args(["run", "--variant", "lenet_classroom"])
    assert _changes(options, Recipe(specimen=changed))["specimen"] == Specimen("lenet_classroom")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show", "../x"], "There is no run called '../x'"),
        (["run", "/nowhere/recipe.json"], "There is no recipe to read at /nowhere/recipe.json."),
        (["run", "--epochs", "0"], "epochs must be a whole number from 1"),
        (["run", "--variant", "resnet_clasroom"], "Did you mean"),
        (["run", "--data", "mnits"], "There is no data set called 'mnits'."),
        (["resume", "nobody"], "There is no run called 'nobody'"),
        (["export", "nobody"], "There is no run called 'nobody'"),
    ],
)
def test_what_is_wrong_is_a_sentence(
    runs: Runs, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.out == ""


def test_list_and_show(runs: Runs, finished: str, capsys: pytest.CaptureFixture[str]) -> None:
    waiting = runs.submit(Recipe(rate=0.5))
    assert main(["list"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split()[:2] == [waiting, "queued"]
    assert second.split()[:2] == [finished, "finished"]
    assert main(["show", finished]) == 0
    said = capsys.readouterr().out
    assert "ResNet on shapes, finished." in said
    assert "checkpoints: 0001 best" in said
    assert "1,000 parameters" in said
    assert "step 1: learning rate 0.05" in said
    assert "validation  loss 2.2500   50.0%" in said
    assert main(["show", waiting]) == 0
    assert '{"rate": 0.5}' in capsys.readouterr().out


def test_export(runs: Runs, finished: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = tmp_path / "out"
    assert main(["export", finished, "--to", str(to)]) == 0
    with (to / "curves.csv").open(newline="") as file:
        heads, *rows = csv.reader(file)
    assert tuple(heads) == COLUMNS
    assert rows == [
        ["step", "", "1", "2.0", "", "2.5", "0.25", "0.1"],
        ["changed", "", "1", "3.0", "", "", "", "0.05"],
        ["epoch", "1", "1", "4.0", "", "2.5", "0.25", ""],
        ["evaluation", "1", "1", "5.0", "raw", "2.25", "0.5", ""],
    ]
    assert Recipe.from_json((to / "recipe.json").read_text()) == Recipe(epochs=1)
    assert (to / "0001.safetensors").read_bytes() == b"weights"
    assert capsys.readouterr().out.splitlines() == [str(path) for path in sorted(to.iterdir())]
    assert main(["export", finished, "--to", str(to), "--checkpoint", "best"]) == 0
    assert (to / "best.safetensors").read_bytes() == b"better"
    assert main(["export", finished, "--to", str(to), "--checkpoint", "7"]) == 2
    assert "it has 0001, best" in capsys.readouterr().err


@pytest.mark.slow
def test_run_ctrl_c_resume(runs: Runs, tmp_path: Path) -> None:
    """Interrupted in the middle it pauses and says how to go on; what is told in the end is the whole."""
    (tmp_path / "recipe.json").write_text(recipe().to_json())
    command = [sys.executable, "-m", "training"]
    arguments = ["run", str(tmp_path / "recipe.json"), "--epochs", "12"]
    with subprocess.Popen([*command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        until(lambda: bool(runs.list()) and len(runs.events(runs.list()[0].id)[0]) > 20)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)
    id = runs.list()[0].id
    assert said.splitlines()[0] == f"run {id}: NIN on shapes"
    assert said.splitlines()[-1] == f"paused; `python -m training resume {id}` goes on"
    assert process.returncode == 0
    assert runs.status(id) == "paused"
    before = len(runs.events(id)[0])
    again = subprocess.run(
        [*command, "resume", id], cwd=ROOT, capture_output=True, text=True, timeout=300, check=True
    )
    assert again.stdout.splitlines()[-1].startswith("finished after 12 epochs")
    assert before < len(runs.events(id)[0])
    assert same(told(runs, id), undisturbed(recipe(epochs=12)))
    assert main(["resume", id]) == 2
