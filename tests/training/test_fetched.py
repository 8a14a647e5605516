"""Data sets of others, in the formats in which they come, served from a folder on this disk."""

import functools
import gzip
import hashlib
import http.server
import io
import pickle
import struct
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import CIFAR10, MNIST, FashionMNIST, Imagenette

from training import data
from training.data import DATASETS, fetched, store

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
LABELS = np.arange(20) % 10


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address at which it is served."""
    place = tmp_path / "site"
    place.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(place))
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield place, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def idx(place: Path) -> list[tuple[str, str]]:
    """Twenty digits to train and the same to test, as LeCun's format has them."""
    names = []
    for part in ("train", "t10k"):
        for kind, content in (
            ("images-idx3", struct.pack(">4i", 2051, 20, 28, 28) + PIXELS.tobytes()),
            ("labels-idx1", struct.pack(">2i", 2049, 20) + LABELS.astype(np.uint8).tobytes()),
        ):
            path = place / f"{part}-{kind}-ubyte.gz"
            path.write_bytes(gzip.compress(content, mtime=0))
            names.append((path.name, md5(path)))
    return names


def fetch(key: str, root: Path) -> list[tuple[int, int, str]]:
    told: list[tuple[int, int, str]] = []
    fetched.fetch(key, root, lambda *now: told.append(now))
    return told


@pytest.mark.parametrize(("key", "kind"), [("mnist", MNIST), ("fashion-mnist", FashionMNIST)])
def test_digits(
    key: str, kind: type, site: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    place, address = site
    monkeypatch.setattr(kind, "resources", idx(place))
    monkeypatch.setattr(kind, "mirrors", [address])
    told = fetch(key, tmp_path / "data")
    assert capfd.readouterr() == ("", ""), "progress is told, not printed"
    size = sum(path.stat().st_size for path in place.iterdir())
    assert (size, DATASETS[key].download, "downloading") in told
    assert told[-1][2] == "packing"
    assert [path.name for path in (tmp_path / "data").iterdir()] == [f"{key}.safetensors"]
    split = data.load(key, images=None, validation=10, size=28, channels=1, seed=0, root=tmp_path / "data")
    assert sorted(split.train.labels.tolist()) == sorted(LABELS)
    assert torch.bincount(split.validation.labels).tolist() == [1] * 10
    originals = {picture.tobytes() for picture in PIXELS}
    assert {bytes(picture.numpy()) for picture in split.train.images[:, 0]} == originals


def test_cifar(site: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, address = site
    colours = np.random.default_rng(1).integers(0, 256, (10, 3, 32, 32), np.uint8)
    contents = {
        "data_batch_1": {"data": colours.reshape(10, -1), "labels": list(range(10))},
        "test_batch": {"data": colours[::-1].reshape(10, -1), "labels": list(range(10))},
        "batches.meta": {"label_names": list(DATASETS["cifar10"].classes)},
    }
    sums = {}
    with tarfile.open(place / "cifar.tar.gz", "w:gz") as archive:
        for name, content in contents.items():
            raw = pickle.dumps(content)
            sums[name] = hashlib.md5(raw, usedforsecurity=False).hexdigest()
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    monkeypatch.setattr(CIFAR10, "url", address + "cifar.tar.gz")
    monkeypatch.setattr(CIFAR10, "filename", "cifar.tar.gz")
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(place / "cifar.tar.gz"))
    monkeypatch.setattr(CIFAR10, "train_list", [["data_batch_1", sums["data_batch_1"]]])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": sums["batches.meta"]})
    fetch("cifar10", tmp_path)
    tensors, _ = store.read(store.packed("cifar10", tmp_path))
    assert torch.equal(tensors["train.images"], torch.from_numpy(colours))
    assert torch.equal(tensors["test.images"], torch.from_numpy(colours).flip(0))
    assert tensors["train.labels"].tolist() == list(range(10))


def test_imagenette(site: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, address = site
    with tarfile.open(place / "imagenette2-160.tgz", "w:gz") as archive:
        for split in ("train", "val"):
            for number, name in enumerate(sorted(Imagenette._WNID_TO_CLASS)):
                file = io.BytesIO()
                Image.new("RGB", (200, 160), (20 * number, 90, 60)).save(file, "JPEG")
                info = tarfile.TarInfo(f"imagenette2-160/{split}/{name}/1.JPEG")
                info.size = len(file.getvalue())
                archive.addfile(info, io.BytesIO(file.getvalue()))
    archives = {"160px": (address + "imagenette2-160.tgz", md5(place / "imagenette2-160.tgz"))}
    monkeypatch.setattr(Imagenette, "_ARCHIVES", archives)
    fetch("imagenette", tmp_path)
    tensors, _ = store.read(store.packed("imagenette", tmp_path))
    assert tensors["train.images"].shape == (10, 3, 128, 128)
    reds = tensors["test.images"][:, 0].float().mean((1, 2))
    torch.testing.assert_close(reds, 20.0 * torch.arange(10), atol=3, rtol=0)


def test_what_arrives_broken_is_refused_and_thrown_away(
    site: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, address = site
    names = idx(place)
    monkeypatch.setattr(MNIST, "resources", [(name, "0" * 32) for name, _ in names])
    monkeypatch.setattr(MNIST, "mirrors", [address])
    with pytest.raises(ValueError, match="its checksum differs"):
        fetch("mnist", tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []
    assert not data.ready("mnist", tmp_path / "data")


def test_nobody_at_the_other_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(ValueError, match=r"MNIST could not be downloaded: .* cannot be reached") as refused:
        fetch("mnist", tmp_path)
    assert "Shapes need no network" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_is_broken_off_leaves_nothing(
    site: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, address = site
    monkeypatch.setattr(MNIST, "resources", idx(place))
    monkeypatch.setattr(MNIST, "mirrors", [address])

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetched.fetch("mnist", tmp_path / "data", leave)
    assert list((tmp_path / "data").iterdir()) == []


def test_what_a_killed_download_left_is_swept_away_when_it_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".mnist-x.partial" / "MNIST").mkdir(parents=True)
    (tmp_path / ".upload-x.writing").write_bytes(b"x")
    store.sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2, "somebody may still be writing"
    monkeypatch.setattr(store, "_STALE", -1.0)
    store.sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []
