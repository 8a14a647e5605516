"""Measuring: a process of its own answers with what it saw, or with a sentence."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from torch import nn

from tests.waiting import alive, until
from zoo import skeleton, timing
from zoo.timing import measure

NAME = "resnet_classroom"
HERE = "tests.zoo.test_timing"
SMALL = (3, 8, 8)


def chatty() -> nn.Module:
    sys.stdout.write("loading\n")
    return nn.Conv2d(3, 3, 1)


def endless(file: str) -> nn.Module:
    """Leaves the number of its process in a file and waits."""
    Path(file).write_text(str(os.getpid()))
    time.sleep(60)
    return nn.Identity()


@pytest.mark.slow
def test_training_takes_longer_and_more_memory_than_looking() -> None:
    found = measure("zoo:build", {"name": NAME}, (3, 32, 32), batch=16, by_layer=True)
    assert found.training_s is not None
    assert found.backward_s is not None
    assert 0 < found.backward_s < found.training_s
    timed = {path for path, module in skeleton(NAME).named_modules() if not list(module.children())}
    assert set(found.layers) == timed | {""}
    assert min(found.layers.values()) >= 0
    assert sum(found.layers.values()) > 0
    assert 0 < found.forward_s < found.training_s
    assert found.repeats >= 5
    assert found.batch == 16
    assert "torch" in found.machine
    if found.peak_bytes is not None:
        assert found.training_peak_bytes is not None
        assert 0 < found.peak_bytes <= found.training_peak_bytes


@pytest.mark.slow
def test_peak_memory_is_that_of_weights_and_maps() -> None:
    """A matrix of 64 MiB; trained, as much again for its gradient."""
    found = measure(
        "torch.nn:Linear", {"in_features": 4096, "out_features": 4096, "bias": False}, (1, 1, 4096)
    )
    if found.peak_bytes is not None:
        assert found.training_peak_bytes is not None
        assert found.peak_bytes / 2**20 == pytest.approx(64, rel=0.1)
        assert found.training_peak_bytes / 2**20 == pytest.approx(128, rel=0.1)


@pytest.mark.slow
def test_what_a_network_prints_is_no_part_of_the_answer() -> None:
    found = measure(f"{HERE}:chatty", {}, SMALL, training=False)
    assert found.forward_s > 0
    assert (found.training_s, found.backward_s, found.training_peak_bytes) == (None, None, None)
    assert found.layers == {}


def test_what_cannot_be_built_is_a_sentence() -> None:
    with pytest.raises(
        ValueError,
        match=r"^Measuring failed: There is no variant called 'resnet51'\. Did you mean resnet50\?$",
    ):
        measure("zoo:build", {"name": "resnet51"}, (3, 32, 32))


@pytest.mark.parametrize(
    ("code", "complaint", "sentence"),
    [
        (-signal.SIGTERM, "a warning", "the system ended it, most likely because memory ran out."),
        (1, "Traceback\n  line 3\nKeyError: 'width'\n", "KeyError: 'width'."),
    ],
)
def test_how_the_process_ended_is_a_sentence(code: int, complaint: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^Measuring failed: {sentence}$"):
        timing._read(code, "", complaint)


def test_a_process_that_ends_before_it_is_asked_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(ValueError, match=r"^Measuring failed: it ended without a word\.$"):
        measure("zoo:build", {"name": NAME * 100_000}, (3, 32, 32))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much memory is free")
def test_what_does_not_fit_is_refused_and_not_swapped() -> None:
    """A matrix of 400 TB; the machine never tries."""
    with pytest.raises(ValueError, match=r"needs more memory than this machine has free\.$"):
        measure("torch.nn:Linear", {"in_features": 10_000_000, "out_features": 10_000_000}, SMALL)


def test_what_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_PATIENCE", 0.01)
    with pytest.raises(ValueError, match="was stopped"):
        measure("zoo:build", {"name": NAME}, (3, 32, 32))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="asks for a process by its number")
def test_a_server_that_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "number"
    code = (
        f"from zoo.timing import measure; measure({HERE + ':endless'!r}, {{'file': {str(file)!r}}}, {SMALL})"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2]) as server:
        until(lambda: file.exists() and file.read_text() != "", 60)
        number = int(file.read_text())
        assert alive(number)
        server.kill()
    until(lambda: not alive(number), 60)


def test_without_proc_the_system_is_asked_another_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on macOS; and in a container whose files of /proc say less than Linux's."""
    known = timing._peak()
    for folder in (tmp_path, tmp_path / "poor"):
        monkeypatch.setattr(timing, "_PROC", folder)
        timing.leave_room_for_others()
        assert ", torch " in timing.machine()
        if known is not None:
            assert timing._peak() == pytest.approx(known, rel=0.2)
        (tmp_path / "poor" / "self").mkdir(parents=True, exist_ok=True)
        (tmp_path / "poor" / "self" / "status").write_text("Name:\tpython\nVmSize:\t1 kB\n")
