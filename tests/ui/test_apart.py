"""Work in a process of its own: what it yields and refuses, and what becomes of it when it is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
import torch

from tests.waiting import alive, until
from ui.apart import Apart


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    made = Apart()
    yield made
    made.close()


def counting(upto: int) -> Iterator[tuple[int, int]]:
    """Numbers, and who counts."""
    for number in range(upto):
        sys.stdout.write("what is printed is no answer")
        yield number, os.getpid()


def refusing() -> Iterator[int]:
    yield 1
    raise ValueError("This network has no maps.")


def failing() -> Iterator[int]:
    yield 1
    raise KeyError("what nobody foresaw")


def without_memory() -> Iterator[int]:
    yield from ()
    raise MemoryError


def unsendable() -> Iterator[Callable[[], None]]:
    yield lambda: None


def marking(path: Path) -> Iterator[int]:
    """A file as long as it is under way."""
    path.touch()
    try:
        while True:
            yield 1
    finally:
        path.unlink()


class Unknown:
    """What the other process cannot read."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return import_module, ("no.such.module",)


def threads() -> Iterator[int]:
    while True:
        yield torch.get_num_threads()


def modules() -> Iterator[set[str]]:
    yield set(sys.modules)


def test_work_is_done_in_one_other_process_side_by_side(apart: Apart) -> None:
    one, other = apart.rounds(counting, 3), apart.rounds(counting, upto=2)
    pairs = [next(one), next(other), next(one), next(other), next(one)]
    assert [number for number, _ in pairs] == [0, 0, 1, 1, 2]
    assert len({pid for _, pid in pairs}) == 1
    assert pairs[0][1] != os.getpid()
    assert list(one) == list(other) == []


def test_it_takes_what_the_pages_leave_over(apart: Apart) -> None:
    ((_, pid),) = apart.rounds(counting, 1)
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)


def test_it_has_as_many_threads_as_who_asks(apart: Apart) -> None:
    work, before = apart.rounds(threads), torch.get_num_threads()
    try:
        for many in (1, 2, 1):
            torch.set_num_threads(many)
            assert next(work) == many
    finally:
        torch.set_num_threads(before)


def test_what_it_keeps_is_freed_unless_work_is_under_way() -> None:
    apart = Apart()
    work = apart.rounds(counting, 2)
    _, pid = next(work)
    apart.free()
    assert next(work) == (1, pid)
    assert next(work, None) is None
    apart.free()
    ((_, other),) = apart.rounds(counting, 1)
    assert other != pid
    assert not alive(pid)
    apart.close()


@pytest.mark.parametrize(
    ("work", "error", "words"),
    [
        (refusing, ValueError, r"This network has no maps\."),
        (failing, RuntimeError, "KeyError"),
        (without_memory, ValueError, r"needs more memory than the machine has free"),
        (unsendable, RuntimeError, "pickle"),
    ],
)
def test_what_goes_wrong_is_said_and_the_process_goes_on(
    apart: Apart, work: Callable[[], Iterator[object]], error: type[Exception], words: str
) -> None:
    ((_, before),) = apart.rounds(counting, 1)
    with pytest.raises(error, match=words):
        list(apart.rounds(work))
    ((_, after),) = apart.rounds(counting, 1)
    assert after == before


def test_work_that_nobody_wants_any_more_is_forgotten(apart: Apart, tmp_path: Path) -> None:
    work = apart.rounds(marking, tmp_path / "mark")
    next(work)
    assert (tmp_path / "mark").exists()
    del work
    until(lambda: not (tmp_path / "mark").exists())


def test_a_killed_process_is_a_sentence_and_the_next_work_begins_another() -> None:
    apart = Apart()
    work = apart.rounds(counting, 3)
    _, pid = next(work)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ValueError, match=r"ended, most likely because memory ran out\. Try it again\."):
        list(work)
    ((_, other),) = apart.rounds(counting, 1)
    assert other != pid
    apart.close()
    until(lambda: not alive(other))


def test_what_the_process_cannot_read_ends_it_and_nobody_waits_for_ever() -> None:
    apart = Apart()
    with pytest.raises(ValueError, match="Try it again"):
        list(apart.rounds(marking, Unknown()))  # type: ignore[arg-type]
    apart.close()


def test_it_ends_with_the_server() -> None:
    program = (
        "import os, signal; from ui.apart import Apart; from tests.ui.test_apart import counting\n"
        "print(next(Apart().rounds(counting, 1))[1], flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    pid = int(said.stdout)
    until(lambda: not alive(pid))


def test_occlusion_needs_no_streamlit_there_and_is_imported_ahead() -> None:
    apart = Apart("ui.occlusion_work")
    try:
        (known,) = apart.rounds(modules)
    finally:
        apart.close()
    assert "ui.occlusion_work" in known
    assert not any(name.partition(".")[0] == "streamlit" for name in known)
