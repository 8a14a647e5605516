"""The log of a run as numbers: read once as it grows, by any number of readers, and what becomes of it."""

import shutil
import threading
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from tests import synthetic
from tests.synthetic import SECOND
from training.events import Done, Step
from training.runs import Logged, Runs
from ui.live import Log, Logs


class Counting(Runs):
    """Counts the events that were parsed."""

    parsed = 0

    def events(self, id: str, after: int = 0) -> tuple[list[Logged], int]:
        found, end = super().events(id, after)
        type(self).parsed += len(found)
        return found, end


def test_a_run_as_arrays(tmp_path: Path) -> None:
    id = synthetic.write(tmp_path, told=synthetic.events(epochs=4, ema=True))
    log = Logs().read(Runs(tmp_path), id)
    np.testing.assert_array_equal(log.steps.step, np.arange(1, 21))
    np.testing.assert_allclose(log.steps.loss, 2 / np.arange(1, 21))
    np.testing.assert_allclose(log.steps.t, SECOND * np.arange(1, 21))
    assert (log.seen, log.step, log.t) == ((0, 1, 2, 3, 4), 20, 0.2)
    assert list(log.evaluations) == ["raw", "ema"]
    np.testing.assert_array_equal(log.evaluations["ema"].epoch, [1, 2, 3, 4])
    np.testing.assert_allclose(log.evaluations["raw"].accuracy, [0.25, 0.4, 0.55, 0.7, 0.85])
    assert [each.epoch for each in log.epochs] == [1, 2, 3, 4]
    assert log.dead[2] == (0.0, 0.2)
    assert [each.rate for each in log.changes] == [0.02]
    assert log.end == Done(epoch=4, step=20, reason="finished")


def test_what_was_read_stays_as_it_was_while_the_log_grows(tmp_path: Path) -> None:
    told = synthetic.events(epochs=200)
    id = synthetic.write(tmp_path, told=islice(told, 9))
    logs, source = Logs(), Runs(tmp_path)
    early = logs.read(source, id)
    assert logs.read(source, id) is early  # nothing new: nothing made
    before = early.steps.loss.copy()
    synthetic.append(tmp_path / id, told)  # more than the first buffer holds
    late = logs.read(source, id)
    assert (len(early.steps.step), early.version) != (len(late.steps.step), late.version)
    np.testing.assert_array_equal(early.steps.loss, before)
    np.testing.assert_array_equal(late.steps.step, np.arange(1, 1001))


def test_a_line_that_is_being_written_waits(tmp_path: Path) -> None:
    id = synthetic.write(tmp_path)
    file = tmp_path / id / "events.jsonl"
    lines = file.read_bytes()
    file.write_bytes(lines[:-10])
    logs, source = Logs(), Runs(tmp_path)
    assert logs.read(source, id).end is None
    file.write_bytes(lines)
    assert logs.read(source, id).end is not None


def test_a_log_that_is_replaced_or_deleted(tmp_path: Path) -> None:
    logs, source = Logs(), Runs(tmp_path)
    nothing = logs.read(source, "made-up")
    assert (nothing.seen, nothing.started, logs.read(source, "made-up") is nothing) == ((), None, True)
    id = synthetic.write(tmp_path, epochs=4)
    first = logs.read(source, id)
    shutil.rmtree(tmp_path / id)
    gone = logs.read(source, id)
    assert (gone.seen, gone.step, len(gone.steps.step)) == ((), 0, 0)
    synthetic.write(tmp_path, told=synthetic.events(epochs=9, steps=3))  # longer than the first
    second = logs.read(source, id)
    assert (second.step, second.seen[-1]) == (27, 9)
    shutil.rmtree(tmp_path / id)
    synthetic.write(tmp_path, told=synthetic.events(epochs=1, steps=2))  # shorter, and nobody looked between
    third = logs.read(source, id)
    assert (third.step, first.step) == (2, 20)
    assert len({each.version for each in (first, gone, second, third)}) == 4


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    id = synthetic.write(tmp_path)
    logs, source = Logs(), Runs(tmp_path)
    assert logs.read(source, id).end is not None
    more = Step(step=21, loss=0.1, accuracy=0.9, rate=0.01)
    synthetic.append(tmp_path / id, iter([more]))
    assert logs.read(source, id).end is None


def test_thirty_readers_parse_once(tmp_path: Path) -> None:
    id = synthetic.write(tmp_path, told=synthetic.events(epochs=100))
    logs, source = Logs(), Counting(tmp_path)
    found: list[Log] = []
    threads = [threading.Thread(target=lambda: found.append(logs.read(source, id))) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = (tmp_path / id / "events.jsonl").read_bytes().count(b"\n")
    assert (Counting.parsed, len({each.version for each in found}), len(found)) == (lines, 1, 30)


def test_only_so_many_logs_are_kept(tmp_path: Path) -> None:
    ids = [synthetic.write(tmp_path, f"run-{n}", told=synthetic.events(epochs=1)) for n in range(3)]
    logs, source = Logs(kept=2), Runs(tmp_path)
    first, *_ = [logs.read(source, id) for id in ids]
    assert logs.read(source, ids[0]) is not first  # read anew
    assert logs.read(source, ids[0]).step == 5


def test_speed_and_time_left(tmp_path: Path) -> None:
    told = list(synthetic.events(epochs=4))
    id = synthetic.write(tmp_path, told=iter(told[:-7]))  # in the fourth epoch
    log = Logs().read(Runs(tmp_path), id)
    assert log.step == 17
    assert log.speed() == pytest.approx(64 / SECOND)
    assert log.left(4) == pytest.approx(3 * SECOND)
    young = log.until(SECOND)
    assert (young.step, young.speed(), young.left(4)) == (1, None, None)


def test_a_finished_run_as_it_was(tmp_path: Path) -> None:
    id = synthetic.write(tmp_path, told=synthetic.events(epochs=4, ema=True))
    log = Logs().read(Runs(tmp_path), id)
    half = log.until(12 * SECOND + 1e-9)
    assert (half.step, half.seen, half.end) == (12, (0, 1, 2), None)
    assert [each.epoch for each in half.epochs] == [1, 2]
    assert (len(half.dead), len(half.evaluations["ema"].t)) == (3, 2)
    assert "ema" not in log.until(0).evaluations
    assert log.until(99) is log
    versions: Sequence[int] = [log.until(n * SECOND).version for n in range(20)]
    assert len(set(versions)) == 20


def test_readers_at_about_the_same_time_see_the_same_log(tmp_path: Path) -> None:
    told = synthetic.events()
    id = synthetic.write(tmp_path, told=islice(told, 5))
    logs, source = Logs(rest=60), Runs(tmp_path)
    first = logs.read(source, id)
    synthetic.append(tmp_path / id, told)
    assert logs.read(source, id) is first
