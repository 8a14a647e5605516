"""Training on a Ray cluster of three nodes: what holds here holds there, and a node may go."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from tests.training.mortal import COMMAND, recipe
from tests.training.test_worker import same, told, undisturbed
from tests.waiting import until
from training.cluster import Cluster, asked_for
from training.events import Changed, Done
from training.lock import held
from training.pool import Pool
from training.recipe import Recipe
from training.runs import Runs

ROOT = Path(__file__).parents[2]
WORKER = (*COMMAND, "worker")
ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, IO[str]]]:
    """The address of the cluster, and what takes nodes away and brings others; see `tests.training.nodes`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOOLENS_DATA", str(tmp_path_factory.mktemp("data")))
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.training.nodes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "RAY_worker_niceness": "0"},
        )  # fmt: skip
        with process:
            assert process.stdin
            assert process.stdout
            yield f"ray://127.0.0.1:{process.stdout.readline().strip()}", process.stdin
            process.stdin.close()


@pytest.fixture(scope="module")
def pool(nodes: tuple[str, IO[str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    """One for all tests from here on: a process has one connection to a cluster at a time."""
    made = Pool(Runs(tmp_path_factory.mktemp("runs")), command=WORKER, cluster=Cluster(nodes[0]))
    yield made
    made.close()


def is_(pool: Pool, id: str, status: str) -> Callable[[], bool]:
    return lambda: pool.runs.status(id) == status


def steps(pool: Pool, id: str) -> int:
    return sum(each["kind"] == "step" for each in told(pool.runs, id))


def outlives(wanted: Recipe, made: int, lost: str, pool: Pool, nodes: IO[str]) -> None:
    """A run of so many steps whose node is lost has told in the end what an undisturbed run tells."""
    until(lambda: pool.slots == 2)
    id = pool.submit(wanted)
    until(lambda: steps(pool, id) > made)
    before = told(pool.runs, id)
    print(lost, file=nodes, flush=True)
    until(lambda: pool.slots == 1)
    until(is_(pool, id, "finished"))
    assert told(pool.runs, id)[: len(before)] == before
    assert same(told(pool.runs, id), undisturbed(wanted))


@ray
@pytest.mark.slow
def test_a_killed_server_takes_its_runs_on_the_cluster_along_and_they_go_on(
    nodes: tuple[str, IO[str]], tmp_path: Path
) -> None:
    """Two workers, of which each has a node."""
    wanted, runs = replace(recipe(4, epochs=4, images=160), workers=2), Runs(tmp_path)
    id = runs.submit(wanted)
    environment = os.environ | {"ZOOLENS_RUNS": str(tmp_path), "ZOOLENS_CLUSTER": nodes[0]}
    server = subprocess.Popen(
        [*COMMAND, "server"], env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until(lambda: len(runs.events(id)[0]) > 8)
    server.kill()
    server.wait()
    until(lambda: not held(runs.path(id) / "lock"), 30)
    assert runs.status(id) == "interrupted"
    pool = Pool(runs, command=WORKER, cluster=Cluster(nodes[0]))
    pool.recover()
    until(is_(pool, id, "finished"))
    pool.close()
    assert same(told(runs, id), undisturbed(wanted))


@ray
@pytest.mark.slow
def test_a_full_cluster_has_a_queue_and_runs_obey(pool: Pool) -> None:
    """Two cores: two runs and one that waits. Pause, step, rate, play and stop reach a run on its node."""
    first, second, third = (pool.submit(recipe(n, epochs=500)) for n in range(3))
    until(lambda: pool.slots == 2)
    for id in (first, second):
        until(is_(pool, id, "running"))
    assert pool.place(third) == 1
    pool.pause(first)
    until(is_(pool, third, "running"))
    assert pool.runs.status(first) == "paused"
    pool.stop(second)
    until(is_(pool, second, "stopped"), 20)
    made = steps(pool, first)
    pool.step(first)
    until(lambda: steps(pool, first) == made + 1)
    until(is_(pool, first, "paused"))
    pool.rate(first, 0.002)
    pool.play(first)
    until(lambda: steps(pool, first) > made + 3)
    assert [each.event.rate for each in pool.runs.events(first)[0] if isinstance(each.event, Changed)] == [
        0.002
    ]
    for id in (first, third):
        pool.stop(id)
    for id in (first, second, third):
        until(is_(pool, id, "stopped"))
        assert [each.event.reason for each in pool.runs.events(id)[0] if isinstance(each.event, Done)] == [
            "stopped"
        ]


@ray
@pytest.mark.slow
@pytest.mark.parametrize("lost", ["helps", "leads"])
def test_a_run_on_two_nodes_outlives_either(lost: str, pool: Pool, nodes: tuple[str, IO[str]]) -> None:
    outlives(replace(recipe(5, epochs=40, images=160), workers=2), 100, lost, pool, nodes[1])
    print("come", file=nodes[1], flush=True)


@ray
@pytest.mark.slow
def test_a_run_whose_node_is_lost_goes_on_elsewhere(pool: Pool, nodes: tuple[str, IO[str]]) -> None:
    outlives(recipe(3, epochs=8, images=160), 6, "leads", pool, nodes[1])


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("first:6379", r"The cluster's address has to be ray://host:port, not first:6379\."),
        ("local", r"Ray is not installed on this server\. .*"),
    ],
)
def test_without_a_cluster_there_is_a_sentence(
    address: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no run is taken on. What waits goes on waiting."""
    monkeypatch.setitem(sys.modules, "ray", None)  # importing it fails
    waiting = Runs(tmp_path).submit(recipe())
    monkeypatch.setenv("ZOOLENS_CLUSTER", address)
    pool = Pool(Runs(tmp_path), cluster=asked_for())
    pool.recover()
    until(lambda: bool(pool.cluster and pool.cluster.trouble))
    with pytest.raises(ValueError, match=rf"^{sentence}$"):
        pool.submit(recipe())
    assert pool.place(waiting) == 1
    pool.close()


def test_where_nobody_asks_for_a_cluster_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZOOLENS_CLUSTER", raising=False)
    assert asked_for() is None
