"""The indices that come with the app are those of its checkpoints, and of a changed one none is believed."""

import hashlib
import os
import re
from pathlib import Path

import pytest
import torch

from ui import collection, indices
from ui.background import Stopped
from ui.collection import PictureSet
from viz import strongest
from zoo import Loaded, Specimen, build, load, weights

SHIPPED = sorted(indices.SHIPPED.glob("*.safetensors"))


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOOLENS_DATA", str(tmp_path))


def looked(name: str, token: str) -> tuple[Specimen, Loaded, PictureSet, list[str]]:
    specimen = weights.specimen_of(f"shipped:{name}")
    loaded = load(specimen)
    row = loaded.preprocess
    found = strongest.convolutional(loaded.model, torch.zeros(1, row.channels, row.size, row.size))
    return specimen, loaded, collection.collect(token, row), [layer.path for layer in found]


def few(pictures: PictureSet, count: int) -> PictureSet:
    fields = {name: getattr(pictures, name) for name in PictureSet.__dataclass_fields__}
    return PictureSet(**fields | {"pictures": pictures.pictures[:count], "digest": str(count)})


def test_sources_lists_the_files() -> None:
    rows = re.findall(
        r"^\| (\S+\.safetensors) .* ([0-9a-f]{64}) \|$",
        (indices.SHIPPED / "SOURCES.md").read_text(),
        re.MULTILINE,
    )
    assert {name: digest for name, digest in rows} == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in SHIPPED
    }


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_indices_are_of_the_checkpoints_that_are_here(path: Path) -> None:
    """Where this fails, `python -m benchmarks.indices` makes those that no longer fit."""
    name, token = path.stem.split(".")
    if token not in (collection.PHOTOS, "shapes"):
        pytest.skip("its pictures need not be on this disk")
    specimen, loaded, pictures, paths = looked(name, token)
    found = indices.find(specimen, loaded.model, pictures, paths)
    assert found is not None
    assert found.count == pictures.count
    assert list(found.layers) == paths
    first = paths[0]  # one unit, as the network gives it now
    top = found.layers[first]
    picture = int(top.pictures[3, 0])
    seen = [*strongest.scan(loaded.model, [pictures.tensor(picture)], [first])][-1].layers[first]
    assert float(seen.values[3, 0]) == pytest.approx(float(top.values[3, 0]), rel=1e-4)
    assert torch.equal(seen.positions[3, 0], top.positions[3, 0])


def test_an_index_is_made_kept_and_found_again() -> None:
    _, loaded, pictures, paths = looked("zfnet_shapes", collection.PHOTOS)
    own = few(pictures, 20)
    other = Specimen("zfnet_classroom")
    heard: list[float] = []
    made = indices.build(loaded.model, own, paths, lambda share, part: heard.append(share))
    assert heard[-1] == 1.0
    assert indices.find(other, loaded.model, own, paths) is None
    indices.keep(loaded.model, own, made)
    again = indices.find(other, loaded.model, own, paths)
    assert again is not None
    assert all(torch.equal(again.layers[p].values, made.layers[p].values) for p in paths)
    assert indices.find(other, loaded.model, few(pictures, 19), paths) is None
    assert indices.find(other, loaded.model, own, paths[:-1]) is None
    assert indices.find(other, build("zfnet_classroom", num_classes=8, kernel=5), own, paths) is None


def test_making_one_can_be_stopped() -> None:
    _, loaded, pictures, paths = looked("zfnet_shapes", collection.PHOTOS)

    def stop(share: float, part: object) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        indices.build(loaded.model, pictures, paths, stop)


def test_a_bounded_number_is_kept(tmp_path: Path) -> None:
    _, loaded, pictures, paths = looked("zfnet_shapes", collection.PHOTOS)
    made = indices.build(loaded.model, few(pictures, 2), paths, lambda share, part: None)
    for number in range(60):
        path = tmp_path / "indices" / f"{number}.safetensors"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"old")
        os.utime(path, (number, number))
    indices.keep(loaded.model, few(pictures, 2), made)
    left = [path.stem for path in (tmp_path / "indices").iterdir()]
    assert len(left) == 48
    assert "59" in left
    assert "0" not in left


def test_a_disk_that_takes_nothing_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, loaded, pictures, paths = looked("zfnet_shapes", collection.PHOTOS)
    made = indices.build(loaded.model, few(pictures, 2), paths, lambda share, part: None)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZOOLENS_DATA", str(tmp_path / "file"))
    indices.keep(loaded.model, pictures, made)
