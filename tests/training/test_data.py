"""Data sets: what a split is made of, that it is the same again, and that reading is right."""

from pathlib import Path

import pytest
import torch

from training import data
from training.data import Split, load

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
needs_fashion = pytest.mark.skipif(not DEBIAN.is_dir(), reason="needs the package dataset-fashion-mnist")


def small(name: str, root: Path, **changed: int | None) -> Split:
    asked: dict[str, int | None] = {"images": 80, "validation": 40, "size": 16, "channels": 3, "seed": 0}
    return load(name, **(asked | changed), root=root)  # type: ignore[arg-type]


def test_a_split_of_shapes(tmp_path: Path) -> None:
    split = small("shapes", tmp_path)
    assert split.train.images.shape == (80, 3, 16, 16)
    assert split.train.images.dtype == torch.uint8
    assert torch.bincount(split.train.labels).tolist() == [10] * 8
    assert split.validation.images.shape == (40, 3, 16, 16)
    assert split.validation.masks is not None
    assert split.validation.masks.shape == (40, 16, 16)
    pixels = split.train.images.double() / 255
    torch.testing.assert_close(torch.tensor(split.mean).double(), pixels.mean((0, 2, 3)))
    deviation = pixels.transpose(0, 1).flatten(1).std(1, correction=0)
    torch.testing.assert_close(torch.tensor(split.deviation).double(), deviation)


def test_a_split_is_the_same_again_from_the_disk_and_drawn_anew(tmp_path: Path) -> None:
    first = small("shapes", tmp_path / "a")
    (kept,) = (tmp_path / "a" / "splits").iterdir()
    for again in (small("shapes", tmp_path / "a"), small("shapes", tmp_path / "b")):
        assert torch.equal(first.train.images, again.train.images)
        assert torch.equal(first.validation.labels, again.validation.labels)
        assert (first.mean, first.deviation, first.classes) == (again.mean, again.deviation, again.classes)
    kept.write_bytes(kept.read_bytes()[:1000])  # a damaged file is no worse than none
    assert torch.equal(first.train.images, small("shapes", tmp_path / "a").train.images)


def test_validation_pictures_do_not_depend_on_the_seed_and_fewer_are_among_more(tmp_path: Path) -> None:
    one, other = small("shapes", tmp_path), small("shapes", tmp_path, seed=1, images=40)
    assert torch.equal(one.validation.images, other.validation.images)
    assert not torch.equal(one.train.images[:40], other.train.images)
    assert torch.equal(one.train.images[:40], small("shapes", tmp_path, images=40).train.images)


def test_grey_is_the_luma_of_the_colours(tmp_path: Path) -> None:
    colour, grey = small("shapes", tmp_path), small("shapes", tmp_path, channels=1)
    weights = torch.tensor([0.299, 0.587, 0.114])
    luma = (colour.train.images * weights[:, None, None]).sum(1, keepdim=True)
    assert (luma - grey.train.images).abs().max() <= 0.51


def test_unknown_and_impossible_data_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Did you mean shapes"):
        small("shape", tmp_path)
    with pytest.raises(ValueError, match="GiB is the most"):
        small("shapes", tmp_path, images=20_000, size=256)
    with pytest.raises(ValueError, match="1 channel or 3"):
        small("shapes", tmp_path, channels=2)


@needs_fashion
def test_fashion_mnist_as_debian_has_it(tmp_path: Path) -> None:
    assert data.ready("fashion-mnist", tmp_path)
    split = small("fashion-mnist", tmp_path, images=None, validation=100, size=28, channels=1)
    assert split.train.images.shape == (60_000, 1, 28, 28)
    assert torch.bincount(split.train.labels).tolist() == [6_000] * 10
    assert torch.bincount(split.validation.labels).tolist() == [10] * 10
    # the moments that everybody uses for it
    assert split.mean == pytest.approx((0.2860,), abs=1e-4)
    assert split.deviation == pytest.approx((0.3530,), abs=1e-4)
    larger = small("fashion-mnist", tmp_path, images=100, size=32)
    assert larger.train.images.shape == (100, 3, 32, 32)
    assert torch.equal(larger.train.images[:, 0], larger.train.images[:, 2])
    assert torch.bincount(larger.train.labels).tolist() == [10] * 10
