"""Downloads from a server that behaves, and from those that do not. Nothing leaves this machine."""

import errno
import hashlib
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import Site, serving
from zoo import fetch as module
from zoo.fetch import fetch

CONTENT = bytes(range(256)) * 4096  # 1 MiB
DIGEST = hashlib.sha256(CONTENT).hexdigest()[:8]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "file").write_bytes(CONTENT)
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    with serving(folder) as site:
        yield site


def get(site: Site, path: Path, digest: str = DIGEST) -> list[tuple[int, int, str]]:
    told: list[tuple[int, int, str]] = []
    fetch(
        f"{site.address}/file", path, size=len(CONTENT), digest=digest, progress=lambda *now: told.append(now)
    )
    return told


def left(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir())


def test_it_arrives_whole_and_tells_how_far_it_is(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    told = get(site, path)
    assert path.read_bytes() == CONTENT
    assert left(path) == ["file"]
    done = [now[0] for now in told]
    assert done == sorted(done)
    assert told[-2:] == [
        (len(CONTENT), len(CONTENT), "downloading"),
        (len(CONTENT), len(CONTENT), "checking"),
    ]


@pytest.mark.parametrize("lengths", [True, False])
def test_a_line_that_breaks_is_taken_up_again(site: Site, tmp_path: Path, lengths: bool) -> None:
    site.cut_after = [300_000, 200_000]
    site.lengths = lengths
    path = tmp_path / "data" / "file"
    if lengths:
        get(site, path)
        assert [wanted for _, wanted in site.asked] == ["", "bytes=300000-", "bytes=500000-"]
        assert path.read_bytes() == CONTENT
    else:  # nobody can tell that it was not all
        with pytest.raises(ValueError, match="checksum differs"):
            get(site, path)
    assert left(path) == ["file"] * lengths


def test_a_server_that_begins_at_the_beginning(site: Site, tmp_path: Path) -> None:
    site.cut_after, site.ranges = [300_000], False
    path = tmp_path / "data" / "file"
    get(site, path)
    assert path.read_bytes() == CONTENT


def test_the_next_call_goes_on_with_what_is_there(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "data" / "file"
    site.cut_after = [100_000] * module._TRIES
    with pytest.raises(ValueError, match="the line broke"):
        get(site, path)
    assert left(path) == [".file.part"]
    site.asked.clear()
    get(site, path)
    assert site.asked == [("/file", f"bytes={100_000 * module._TRIES}-")]
    assert path.read_bytes() == CONTENT
    assert left(path) == ["file"]


@pytest.mark.parametrize("rest", [len(CONTENT), len(CONTENT) + 50])
def test_a_part_as_long_as_the_file_is_begun_anew(site: Site, tmp_path: Path, rest: int) -> None:
    path = tmp_path / "data" / "file"
    path.parent.mkdir()
    (path.parent / ".file.part").write_bytes(b"x" * rest)
    get(site, path)
    assert path.read_bytes() == CONTENT


def test_the_part_of_another_file_is_thrown_away(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "data" / "file"
    path.parent.mkdir()
    (path.parent / ".file.part").write_bytes(b"another file")
    with pytest.raises(ValueError, match="checksum differs"):
        get(site, path)
    assert left(path) == []
    get(site, path)
    assert path.read_bytes() == CONTENT


def test_a_wrong_file_is_thrown_away_and_the_old_one_stays(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "data" / "file"
    path.parent.mkdir()
    path.write_bytes(b"the old one")
    with pytest.raises(ValueError, match="checksum differs"):
        get(site, path, "00000000")
    assert path.read_bytes() == b"the old one"
    assert left(path) == ["file"]


@pytest.mark.parametrize("lengths", [True, False])
def test_more_than_it_should_be_is_refused(site: Site, tmp_path: Path, lengths: bool) -> None:
    (site.folder / "file").write_bytes(CONTENT * 3)
    site.lengths = lengths
    path = tmp_path / "data" / "file"
    with pytest.raises(ValueError, match="sends more than the 1 MB"):
        get(site, path)
    assert left(path) == []


@pytest.mark.parametrize(("code", "sentence"), [(404, "answers 404"), (503, "answers 503")])
def test_what_the_server_says(site: Site, tmp_path: Path, code: int, sentence: str) -> None:
    site.code = code
    with pytest.raises(ValueError, match=sentence):
        get(site, tmp_path / "file")


def test_a_silent_server(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SILENCE", 0.1)
    site.silence = 0.5
    with pytest.raises(ValueError, match="did not answer in time"):
        get(site, tmp_path / "file")


def test_no_network(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}/file"
    with pytest.raises(ValueError, match="cannot be reached"):
        fetch(address, tmp_path / "file", size=10, digest="00", progress=lambda *_: None)


def test_no_name_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ValueError, match="cannot be reached"):
        fetch("https://example.org/f", tmp_path / "file", size=10, digest="00", progress=lambda *_: None)


def test_a_full_disk(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data" / "file"

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ValueError, match="the disk is full"):
            get(site, path)
    assert left(path) == []
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ValueError, match="the disk has 1 MB to spare, and it needs 68"):
        get(site, path)


def test_a_folder_that_is_none(site: Site, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(ValueError, match="folder cannot be written"):
        get(site, tmp_path / "data" / "file")


def test_two_at_once(site: Site, tmp_path: Path) -> None:
    site.pace = 0.002
    path = tmp_path / "data" / "file"
    threads = [threading.Thread(target=get, args=(site, path)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() == CONTENT
    assert left(path) == ["file"]


def test_who_is_stopped_leaves_nothing(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "data" / "file"

    def stop(done: int, total: int, doing: str) -> None:
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        fetch(f"{site.address}/file", path, size=len(CONTENT), digest=DIGEST, progress=stop)
    assert left(path) == []


def test_parts_of_long_ago_are_deleted(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "file"
    for name, age in ((".other.part", 2 * module._STALE), (".new.part", 0.0)):
        (tmp_path / name).write_bytes(b"part")
        then = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (then, then))
    get(site, path)
    assert {".new.part", "file"} <= set(left(path))
    assert ".other.part" not in left(path)
