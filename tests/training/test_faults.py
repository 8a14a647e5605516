"""Folders of runs as disks and strangers leave them: read-only, damaged, with a pickle inside."""

import os
import pickle
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests import synthetic
from tests.training.mortal import recipe
from tests.training.test_worker import same, told, undisturbed
from training.events import Done
from training.pool import Pool
from training.recipe import Recipe
from training.runs import Runs
from training.worker import work
from ui.live import Logs
from zoo import weights

NOBODY = 65_534  # a user without rights

CONTENTS = [
    b"", b"\0" * 4_096, b"\xff\xfe", b"{", b"null\n", b"[]\n", b"{}\n", b"7\n", b"[" * 100_000 + b"\n",
    b'{"kind": "step"}\n', b'{"kind": "step", "t": "now", "step": 1, "loss": 1, "accuracy": 0, "rate": 0}\n',
    b'{"kind": "started", "t": 0, "params": "many", "classes": 3}\n',
    b'{"kind": "epoch", "t": 1e999, "epoch": -1, "step": true}\n',
    b'{"kind": "step", "t": 0, "step": "one", "loss": [], "accuracy": {}, "rate": null}\n',
    b'{"kind": "checkpoint", "t": 0, "epoch": 1, "step": 1, "name": 3}\n',
    b'{"kind": "done", "t": 0, "epoch": 0, "step": 0, "reason": "because"}\n',
    b'{"kind": "failed", "t": 0, "step": 0, "reason": ["no"]}\n',
    b'{"kind": ["step"], "t": 0}\n',
    b'{"title": 3, "created": [], "order": "first", "machine": null}\n',
    b'{"title": "a", "created": "b", "order": 1, "machine": "c", "limit": "long", "owner": 7}\n',
    b'{"title": "a", "created": "b", "order": 1, "machine": "c", "version": 2}\n',
    b'{"status": "dancing", "pool": 3, "goal": [], "read": "all"}\n',
    b'{"status": "running", "read": -5}\n',
    b'{"epochs": 1e99}\n', b'{"specimen": {"variant": "nobody"}}\n', b'{"version": 2, "epochs": 3}\n',
    b'{"command": "play"}\n{"command": ["stop"]}\n{"command": "rate", "rate": "fast"}\n',
]  # fmt: skip
WORDS = ("queued", "starting", "running", "paused", "finished", "stopped", "failed", "interrupted")
FILES = ("recipe.json", "meta.json", "events.jsonl", "commands.jsonl", "lock")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOOLENS_DATA", str(tmp_path / "data"))


@pytest.mark.parametrize("content", CONTENTS, ids=range(len(CONTENTS)))
@pytest.mark.parametrize("name", FILES)
def test_whatever_a_file_holds_the_run_is_listed_and_the_others_are_as_they_were(
    name: str, content: bytes, tmp_path: Path
) -> None:
    runs = Runs(tmp_path)
    good = runs.submit(recipe())
    bad = synthetic.write(tmp_path)
    (tmp_path / bad / "meta.json").write_bytes((tmp_path / good / "meta.json").read_bytes())
    (tmp_path / bad / "lock").touch()
    (tmp_path / bad / "commands.jsonl").touch()
    with (tmp_path / bad / name).open("ab" if name == "events.jsonl" and len(content) % 2 else "wb") as file:
        file.write(content)
    listed = {run.id: run for run in runs.list()}
    assert listed.keys() == {good, bad}
    assert listed[good].status == "queued"
    assert listed[bad].status in WORDS
    Logs().read(runs, bad)
    for ask in (
        lambda: runs.recipe(bad), lambda: runs.meta(bad), lambda: runs.events(bad),
        lambda: runs.commands(bad), lambda: runs.state(bad), lambda: runs.fork(bad, 2),
        lambda: runs.command(bad, "stop"),
        lambda: runs.end(bad, Done(epoch=0, step=0, reason="stopped")), runs.prune,
    ):  # fmt: skip
        said = "."
        try:
            ask()
        except ValueError as error:
            said = str(error)
        assert said.endswith((".", "?"))
        assert str(tmp_path) not in said
    assert runs.summary(good) == listed[good]


def rested(runs: Runs) -> str:
    """A run that has trained for an epoch and waits."""
    id = runs.submit(recipe())
    runs.command(id, "epoch")
    leave = threading.Event()
    leave.set()
    work(runs.path(id), leave)
    assert runs.status(id) == "paused"
    return id


def test_without_a_checkpoint_a_run_begins_again_and_tells_nothing_twice(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    id = rested(runs)
    before = told(runs, id)
    shutil.rmtree(runs.path(id) / "checkpoints")
    with pytest.raises(ValueError, match="has no checkpoint"):
        runs.fork(id, 1)
    (runs.path(id) / "checkpoints").mkdir()
    runs.command(id, "play")
    work(runs.path(id), threading.Event())
    assert told(runs, id)[: len(before)] == before
    assert same(told(runs, id), undisturbed(recipe()))


class Trap:
    """Whoever unpickles it makes a folder."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.place),)


def test_a_checkpoint_with_a_pickle_inside_is_not_opened(tmp_path: Path) -> None:
    """As `torch.save` packs it, and bare: the run goes on from an older one, and who asks for it is told."""
    runs, sprung = Runs(tmp_path / "runs"), tmp_path / "sprung"
    id = rested(runs)
    torch.save({"model": Trap(sprung)}, runs.checkpoint(id, "last"))
    runs.checkpoint(id, "0001").write_bytes(pickle.dumps(Trap(sprung)))
    for name in ("last", "0001"):
        with pytest.raises(ValueError, match="is no checkpoint"):
            weights.load_file(runs.checkpoint(id, name))
    runs.command(id, "play")
    work(runs.path(id), threading.Event())
    assert runs.status(id) == "finished"
    assert same(told(runs, id), undisturbed(recipe()))
    assert not sprung.exists()
    os.mkdir(sprung)
    with pytest.raises(FileExistsError):  # it is one that works
        pickle.loads(pickle.dumps(Trap(sprung)))


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder outside of those that only the user of the tests may enter."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    try:
        yield place
    finally:
        if root:
            os.seteuid(0)
        for path in (place, *place.rglob("*")):
            path.chmod(0o755)
        shutil.rmtree(place)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no such rights")
def test_a_folder_that_cannot_be_written_can_be_read(unprivileged: Path) -> None:
    runs = Runs(unprivileged / "runs")
    id = runs.submit(recipe())
    over = synthetic.write(runs.root)
    (runs.root / over / "meta.json").write_bytes((runs.root / id / "meta.json").read_bytes())
    for path in (*runs.root.rglob("*"), runs.root):
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    assert {run.id: run.status for run in runs.list()} == {id: "queued", over: "finished"}
    assert len(Logs().read(runs, over).seen) == 5
    pool = Pool(runs, keep_warm=False)
    pool.recover()
    for ask in (
        lambda: pool.submit(Recipe()), lambda: pool.play(id), lambda: pool.stop(id),
        lambda: pool.pause(id), lambda: runs.delete(over),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"Permission denied\.$"):
            ask()
    runs.prune()
    pool.close()
    assert {run.id for run in runs.list()} == {id, over}
