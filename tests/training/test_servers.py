"""Several servers on one folder: whose turn it is, who takes over, and that nothing is done twice."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import serving
from tests.training.mortal import COMMAND, HANG, recipe
from tests.training.test_own import good, zipped
from tests.training.test_pool import WORKER, ended
from tests.training.test_worker import same, told, undisturbed
from tests.waiting import until
from training.data import store
from training.data.errand import Errand
from training.events import Done
from training.lock import Lock, held
from training.pool import Pool
from training.runs import POOLS, Runs, State, write_state
from zoo import limits

ROOT = Path(__file__).parents[2]
BEGIN = Pool._begin


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOOLENS_DATA", str(tmp_path / "data"))


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Pool, Pool]]:
    """The pools of two servers that begin nothing: what they decide can be seen."""
    with monkeypatch.context() as patch:
        patch.setattr(Pool, "_begin", lambda self: None)
        made = tuple(Pool(Runs(tmp_path / "runs"), slots=1, keep_warm=False) for _ in range(2))
        for pool in made:
            pool.recover()
        yield made[0], made[1]
        for pool in made:
            pool.close()


def test_a_run_that_was_stopped_elsewhere_is_not_begun(
    two: tuple[Pool, Pool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pool, "_start", lambda self: pytest.fail("a process is begun"))
    mine, other = two
    ids = [mine.submit(recipe()) for _ in range(3)]
    other.stop(ids[0])
    other.step(ids[1])  # which queues it there
    other.stop(ids[2])
    other.runs.delete(ids[2])
    assert other.place(ids[1]) == 1
    with mine._changed:
        BEGIN(mine)
    assert [mine.place(id) for id in ids] == [None] * 3
    assert [each.event for each in mine.runs.events(ids[0])[0]] == [Done(epoch=0, step=0, reason="stopped")]


def test_who_signs_on_is_not_taken_for_dead(tmp_path: Path) -> None:
    """Twenty at once, each of which also looks who is gone."""
    runs, pools = Runs(tmp_path), []

    def come() -> None:
        pools.append(Pool(runs, keep_warm=False))
        pools[-1].recover()
        with pools[-1]._changed:
            pools[-1]._inherit()

    threads = [threading.Thread(target=come) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(runs.lives(pool.id) for pool in pools)
    for pool in pools:
        pool.close()


def test_what_a_dead_server_left_is_taken_over_once(two: tuple[Pool, Pool]) -> None:
    """By one of those that live, and only when its own process is gone as well."""
    runs = two[0].runs
    ids = [runs.submit(recipe(), pool="dead") for _ in range(3)]
    (runs.root / POOLS / "dead").touch()
    with Lock(runs.path(ids[0]) / "lock") as lock:
        lock.take()
        write_state(lock, State(status="running", pool="dead"))
        for pool in two:
            with pool._changed:
                pool._inherit()
        assert (runs.root / POOLS / "dead").exists(), "its process still works at a run"
        assert [two[0].place(id) for id in ids] == [None, 1, 2]
    for pool in two:
        with pool._changed:
            pool._inherit()
    assert not (runs.root / POOLS / "dead").exists()
    assert [two[0].place(id) for id in ids] == [3, 1, 2]
    assert [two[1].place(id) for id in ids] == [None] * 3


def test_a_folder_is_pruned_by_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.RUNS_KEPT.variable, "4")
    ids = []
    for _ in range(16):
        ids.append(Runs(tmp_path).submit(recipe()))
        Runs(tmp_path).end(ids[-1], Done(epoch=0, step=0, reason="stopped"))
    threads = [threading.Thread(target=Runs(tmp_path).prune) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [run.id for run in Runs(tmp_path).list()] == ids[:-5:-1]
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(ids[-4:])


@pytest.mark.slow
def test_a_killed_server_leaves_its_runs_to_the_other(tmp_path: Path) -> None:
    """SIGKILL; the other had no part in these runs until then."""
    runs, wanted = Runs(tmp_path / "runs"), [recipe(n, epochs=3, images=160) for n in range(3)]
    ids = [runs.submit(each) for each in wanted]
    there = subprocess.Popen(
        [*COMMAND, "server"], cwd=ROOT, stdin=subprocess.DEVNULL,
        env=os.environ | {"ZOOLENS_RUNS": str(runs.root)},
    )  # fmt: skip
    try:
        until(lambda: len(runs.events(ids[0])[0]) > 8)
        here = Pool(runs, slots=1, command=WORKER)
        here.recover()
        assert [here.place(id) for id in ids] == [None] * 3
        before = {id: told(runs, id) for id in ids}
    finally:
        there.kill()
        there.wait()
    for id, each in zip(ids, wanted, strict=True):
        until(ended(here, id))
        assert told(runs, id)[: len(before[id])] == before[id]
        assert same(told(runs, id), undisturbed(each))
    until(lambda: [each.name for each in (runs.root / POOLS).glob("[!.]*")] == [here.id], 20)
    here.close()


@pytest.mark.slow
def test_a_run_that_hangs_is_stopped_from_another_server(tmp_path: Path) -> None:
    runs = Runs(tmp_path / "runs")
    here, there = Pool(runs, slots=1, command=WORKER), Pool(runs, slots=1, keep_warm=False)
    id = there.runs.submit(recipe(HANG), pool=here.id)
    here.play(id)
    until(lambda: len(runs.events(id)[0]) >= 6)
    there.stop(id)
    until(lambda: runs.status(id) == "stopped", 30)
    until(lambda: not held(runs.path(id) / "lock"), 5)
    here.close()
    there.close()


@pytest.mark.slow
def test_one_name_is_given_once(tmp_path: Path) -> None:
    """Two imports of the same name begin at once: one is there in the end, whole, and the other is told."""
    path = zipped(tmp_path / "in.zip", good())
    errands = [Errand("import", str(path), "--name", "mine", root=tmp_path / "data") for _ in range(2)]
    answers = []
    for errand in errands:
        try:
            answers.append(errand.wait()["report"]["train"])
        except ValueError as error:
            answers.append(str(error))
    assert sorted(map(str, answers)) == [
        "There are already pictures called mine. Delete them or take another name.", "[6, 6]",
    ]  # fmt: skip
    assert store.owned(tmp_path / "data") == ["mine"]
    assert not list((tmp_path / "data").rglob(".*"))


_FETCH = """
import json, sys
from pathlib import Path
from zoo.fetch import fetch
url, path, size, digest = json.loads(sys.argv[1])
fetch(url, Path(path), size=size, digest=digest, progress=lambda *_: None)
"""


@pytest.mark.slow
def test_two_processes_download_one_file(tmp_path: Path) -> None:
    """Both lines are slow, and one is cut on the way."""
    import hashlib

    content = bytes(range(256)) * 2_000
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "file").write_bytes(content)
    place = tmp_path / "data" / "file"
    with serving(tmp_path / "site") as site:
        site.pace, site.cut_after = 0.01, [100_000]
        asked = [f"{site.address}/file", str(place), len(content), hashlib.sha256(content).hexdigest()]
        processes = [
            subprocess.Popen([sys.executable, "-c", _FETCH, json.dumps(asked)], cwd=ROOT) for _ in range(2)
        ]
        assert [process.wait(120) for process in processes] == [0, 0]
    assert place.read_bytes() == content
    assert [each.name for each in place.parent.iterdir()] == ["file"]
    assert len(site.asked) == 3
    assert re.fullmatch(r"bytes=\d+-", max(line for _, line in site.asked))
