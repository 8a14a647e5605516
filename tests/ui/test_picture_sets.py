"""Sets of pictures: which are offered, which comes first, and what is in them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ui import cached, collection, picture_sets, subject
from ui.subject import Subject
from zoo import Specimen, weights


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOOLENS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("ZOOLENS_DATA", str(tmp_path / "data"))


def looked(specimen: Specimen) -> Subject:
    return Subject(specimen, cached.loaded(specimen), "", True)


def test_every_shipped_network_has_a_set_offline() -> None:
    for name in weights.shipped():
        chosen = looked(weights.specimen_of(f"shipped:{name}"))
        first = next(iter(picture_sets.offered(chosen)))
        assert first in ("shapes", "photos", weights.describe(chosen.specimen.weights).data)


def test_the_set_that_a_network_learnt_comes_first() -> None:
    found = picture_sets.offered(looked(weights.specimen_of("shipped:zfnet_shapes")))
    assert next(iter(found)) == "shapes"
    assert "learnt" in found["shapes"]
    assert next(iter(picture_sets.offered(looked(subject.FIRST)))) == "photos"


def test_pictures_are_what_the_network_sees() -> None:
    preprocess = cached.loaded(weights.specimen_of("shipped:zfnet_shapes")).preprocess
    found = collection.collect("photos", preprocess)
    assert found.count == len(found.labels) > 20
    assert found.label(0) == "Cat"
    image = found.image(3)
    assert image.mode == "RGB"
    assert image.size == (preprocess.size, preprocess.size)
    pixels = torch.from_numpy(np.asarray(image, np.float32)).permute(2, 0, 1)[None] / 255
    assert torch.allclose(found.tensor(3), preprocess.normalise(pixels))
    batches = [*found.batches(10)]
    assert sum(map(len, batches)) == found.count
    assert torch.equal(batches[0][3:4], found.tensor(3))


def test_a_digest_names_the_pixels() -> None:
    specimens = [subject.FIRST, weights.specimen_of("shipped:zfnet_shapes")]
    loaded = [cached.loaded(each).preprocess for each in specimens]
    first, same, other = (collection.collect("photos", each) for each in (loaded[0], *loaded))
    assert first.digest == same.digest != other.digest
