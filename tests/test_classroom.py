"""A few readers at once on a real server, all the way through the benchmark's lecture."""

import asyncio
from pathlib import Path

import pytest

from benchmarks import classroom
from tests.browser import driver
from training.runs import Runs


@pytest.mark.slow
def test_three_readers_go_through_a_lecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classroom, "THINKING", (0.0, 0.2))
    with driver.serving(ZOOLENS_RUNS=str(tmp_path)) as base:
        seen, memory = asyncio.run(classroom.together(classroom.Server(base), 3, list(classroom.LECTURE)))
        assert not seen.errors
        assert {name: len(step.took) for name, step in seen.steps.items()} == dict.fromkeys(
            classroom.LECTURE, 3
        )
        assert memory > 100
        assert len(seen.runs) == 3, "each reader began a run of their own"
        lost, states = asyncio.run(classroom.finished(Runs(tmp_path), seen.runs))
    assert not lost, states
