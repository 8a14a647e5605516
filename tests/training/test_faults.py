"""Folders of runs as disks and strangers leave them: read-only, damaged, with a pickle inside."""

from pathlib import Path

import pytest

from tests import synthetic
from tests.training.mortal import recipe
from training.events import Done
from training.runs import Runs
from ui.live import Logs

NOBODY = 65_534  # a user without rights

CONTENTS = [
    b"", b"\0" * 4_096, b"\xff\xfe", b"{", b"null\n", b"[]\n", b"{}\n", b"7\n", b"[" * 100_000 + b"\n",
    b'{"kind": "step"}\n', b'{"kind": "step", "t": "now", "step": "one", "loss": [], "accuracy": {}, "rate": null}\n',
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
        lambda: runs.recipe(bad), lambda: runs.meta(bad), lambda: runs.events(bad), lambda: runs.commands(bad),
        lambda: runs.state(bad), lambda: runs.fork(bad, 2), lambda: runs.command(bad, "stop"),
        lambda: runs.end(bad, Done(epoch=0, step=0, reason="stopped")), runs.prune,
    ):  # fmt: skip
        try:
            ask()
        except ValueError as error:
            assert str(error).endswith((".", "?"))
            assert str(tmp_path) not in str(error)
    assert runs.summary(good) == listed[good]


WORDS = ("queued", "starting", "running", "paused", "finished", "stopped", "failed", "interrupted")
