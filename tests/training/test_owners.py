"""Marks of owners, against RFC 4231; and what one browser may have."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.training.mortal import recipe
from training.events import Done
from training.owners import mark, marked
from training.pool import Pool
from training.runs import Runs
from zoo import limits

MINE, OTHER = "m" * 43, "o" * 43


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """A pool that trains nothing."""
    monkeypatch.setattr(Pool, "_begin", lambda pool: None)
    made = Pool(Runs(tmp_path / "runs"), keep_warm=False)
    yield made
    made.close()


def test_a_mark_is_what_the_standard_says() -> None:
    found = mark("Jefe", "what do ya want for nothing?")
    assert found == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_only_the_holder_of_the_secret_is_the_owner() -> None:
    made = mark(MINE, "run1")
    assert marked(made, MINE, "run1")
    for forged in (OTHER, "", made, MINE[:-1], MINE + "m", "é" * 43):
        assert not marked(made, forged, "run1")
    assert not marked(made, MINE, "run2"), "a mark was copied to another run"
    assert not marked("", "", "run1"), "nobody owns what is nobody's"
    assert not marked("é", MINE, "run1")


def test_a_run_keeps_a_mark_and_no_secret(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    first, second = (runs.submit(recipe(), owner=MINE) for _ in range(2))
    nobodys = runs.submit(recipe())
    assert marked(runs.meta(first).owner, MINE, first)
    assert runs.meta(first).owner != runs.meta(second).owner, "who reads both sees no common owner"
    assert runs.meta(nobodys).owner == ""
    assert [run.id for run in runs.owned(MINE)] == [second, first]
    assert runs.owned(OTHER) == runs.owned("") == ()
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or MINE.encode() not in file.read_bytes()
    with pytest.raises(ValueError, match="no checkpoint"):
        runs.fork(first, 1, owner=OTHER)


def test_the_oldest_of_one_browser_makes_room(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.RUNS_PER_BROWSER.variable, "3")
    others = [pool.submit(recipe(), owner=OTHER), pool.submit(recipe())]
    ended = [pool.submit(recipe(), owner=MINE) for _ in range(2)]
    for id in ended:
        pool.runs.end(id, Done(epoch=0, step=0, reason="stopped"))
    going = [pool.submit(recipe(), owner=MINE) for _ in range(3)]
    assert [run.id for run in reversed(pool.runs.owned(MINE))] == going
    with pytest.raises(ValueError, match="3 runs from this browser"):
        pool.submit(recipe(), owner=MINE)
    assert {run.id for run in pool.runs.list()} == {*others, *going}
    pool.submit(recipe(), owner=OTHER)


def test_no_folder_of_runs_holds_who_began_them_in_plain(tmp_path: Path) -> None:
    id = Runs(tmp_path).submit(recipe(), owner=MINE)
    assert re.search(r'"owner": "[0-9a-f]{64}"', (tmp_path / id / "meta.json").read_text())
