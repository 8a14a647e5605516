"""The checkpoints that come with the project are those that SOURCES.md lists, and as good as it says."""

import hashlib
import math

import pytest
import torch
from torchvision.transforms.v2.functional import to_pil_image

import zoo
from training import data
from zoo import weights

SOURCES = (weights.SHIPPED / "SOURCES.md").read_text()
# | file | network | data | accuracy | epochs | what its recipe changes | bytes | sha256 |
ROWS = {
    cells[0].removesuffix(".safetensors"): cells
    for line in SOURCES.splitlines()
    if ".safetensors |" in line
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}
SAMPLE = 300  # pictures
LARGEST = 40_000_000  # bytes, all together


def test_all_are_listed_and_small() -> None:
    assert set(ROWS) == set(weights.shipped())
    assert sum(path.stat().st_size for path in weights.SHIPPED.iterdir()) < LARGEST


@pytest.mark.parametrize("name", weights.shipped())
def test_it_is_what_is_said(name: str) -> None:
    path, cells = weights.SHIPPED / f"{name}.safetensors", ROWS[name]
    facts = weights.describe(f"shipped:{name}")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == cells[-1]
    accuracy = "none" if facts.accuracy is None else f"{facts.accuracy:.2%}"
    assert [accuracy, str(facts.epoch)] == cells[3:5]
    loaded = zoo.load(weights.specimen_of(f"shipped:{name}"))
    logits = loaded.model(torch.zeros(1, facts.channels, facts.size, facts.size))
    assert logits.shape == (1, len(loaded.labels))
    assert logits.isfinite().all()
    known = data.DATASETS.get(facts.data)
    assert known is None or loaded.labels == known.classes


def test_convolutional_ones_know_most_of_cifar10() -> None:
    """About four of five pictures; attention wants more pictures than these (see the preset), and longer."""
    learnt = {name: weights.describe(f"shipped:{name}").accuracy or 0 for name in ROWS if "cifar10" in name}
    slow = ("vit_cifar10", "swin_cifar10", "convnext_cifar10")  # ConvNeXt is built for attention's recipes
    assert all(accuracy >= 0.78 for name, accuracy in learnt.items() if name not in slow), learnt
    assert len(learnt) == 11


@pytest.mark.parametrize("name", [name for name, cells in ROWS.items() if cells[3] != "none"])
def test_it_is_as_good_as_is_said(name: str) -> None:
    """Pictures go the way that a reader's would: as an image, through the preprocessing that it brings."""
    specimen = weights.specimen_of(f"shipped:{name}")
    loaded, facts = zoo.load(specimen), weights.describe(specimen.weights)
    try:
        known = data.dataset(facts.data)
        pictures = data.load(
            facts.data, images=len(known.classes), validation=SAMPLE, size=known.size,
            channels=known.channels, seed=0,
        ).validation  # fmt: skip
    except ValueError as error:
        pytest.skip(str(error))
    images = torch.cat([loaded.preprocess(to_pil_image(image)) for image in pictures.images])
    with torch.inference_mode():
        right = (loaded.model(images).argmax(1) == pictures.labels).double().mean().item()
    assert facts.accuracy is not None
    spread = math.sqrt(facts.accuracy * (1 - facts.accuracy) / SAMPLE)
    assert right == pytest.approx(facts.accuracy, abs=4 * spread + 0.01)
