"""The sample photos: what an independent network sees in them, and where the parts of mosaics lie."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import zoo
from ui import samples
from zoo import Loaded, Specimen

PHOTOS = samples.samples()
FOLDER = Path(__file__).parents[2] / "assets" / "photos"
CATS = {"tabby", "tiger cat", "Egyptian cat"}


@pytest.fixture(scope="module")
def lite() -> Loaded:
    return zoo.load(Specimen("efficientnet_lite0", weights="imagenet"))


def ranked(loaded: Loaded, photo: samples.Photo) -> list[int]:
    with torch.inference_mode():
        logits: torch.Tensor = loaded.model(loaded.preprocess(photo.image))[0]
    return logits.argsort(descending=True).tolist()


@pytest.mark.parametrize(
    ("token", "seen"),
    [("cat", CATS), ("cup", {"espresso"}), ("cameraman", {"tripod"}), ("rocket", {"missile"})],
)
def test_a_trained_network_sees_what_there_is(lite: Loaded, token: str, seen: set[str]) -> None:
    photo = PHOTOS[token]
    best, *rest = (lite.labels[index] for index in ranked(lite, photo)[:5])
    assert best in seen
    assert photo.objects[0].index is not None
    assert lite.labels[photo.objects[0].index] in {best, *rest}


def test_a_trained_network_sees_both_of_two_things(lite: Loaded) -> None:
    assert {thing.index for thing in PHOTOS["two"].objects} <= set(ranked(lite, PHOTOS["two"])[:4])


def test_records_hold_what_they_promise() -> None:
    assert list(PHOTOS) == ["cat", "cup", "cameraman", "rocket", "astronaut", "two", "four"]
    assert len({photo.digest for photo in PHOTOS.values()}) == len(PHOTOS)
    for token, photo in PHOTOS.items():
        assert photo.token == token
        assert photo.image.mode == "RGB"
        assert max(photo.image.size) <= samples.LARGEST
        for thing in photo.objects:
            left, top, right, bottom = thing.box
            assert 0 <= left < right <= photo.image.width
            assert 0 <= top < bottom <= photo.image.height


@pytest.mark.parametrize("token", ["two", "four"])
def test_the_parts_of_a_mosaic_fill_it_once(token: str) -> None:
    photo = PHOTOS[token]
    covered = np.zeros((photo.image.height, photo.image.width), np.int64)
    for thing in photo.objects:
        left, top, right, bottom = thing.box
        covered[top:bottom, left:right] += 1
    assert (covered == 1).all()


def test_every_photo_is_the_one_its_source_tells_of() -> None:
    rows = re.findall(
        r"^\| (\S+\.jpg) .* ([0-9a-f]{64}) \|$", (FOLDER / "SOURCES.md").read_text(), re.MULTILINE
    )
    assert {name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() for name, _ in rows} == dict(rows)
    assert {name for name, _ in rows} == {path.name for path in FOLDER.glob("*.jpg")}
