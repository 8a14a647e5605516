"""Measuring: a process of its own answers with what it saw, or with a sentence."""

import pytest

from zoo import skeleton, timing
from zoo.timing import measure

NAME = "resnet_classroom"


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


def test_what_cannot_be_built_is_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"^Measuring failed: There is no variant called 'resnet51'\. Did"):
        measure("zoo:build", {"name": "resnet51"}, (3, 32, 32))


def test_what_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_PATIENCE", 0.01)
    with pytest.raises(ValueError, match="was stopped"):
        measure("zoo:build", {"name": NAME}, (3, 32, 32))
