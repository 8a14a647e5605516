"""What happens to pictures before the network sees them."""

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from training.augmentation import augmented, examples, per_batch, per_picture
from training.recipe import Recipe

GENERATOR = torch.Generator().manual_seed(0)
PICTURES = torch.randint(0, 256, (8, 3, 32, 32), generator=GENERATOR, dtype=torch.uint8)
LABELS = torch.arange(8) % 4


def test_nothing_asked_nothing_done() -> None:
    assert per_picture(Recipe()) is None
    assert per_batch(Recipe(), 4) is None
    assert augmented(PICTURES, None) is PICTURES


def test_a_flip_is_for_each_picture_alone() -> None:
    torch.manual_seed(0)
    flipped = augmented(PICTURES, per_picture(Recipe(flip=True)))
    sides = [torch.equal(new, old.flip(-1)) for new, old in zip(flipped, PICTURES, strict=True)]
    assert all(s or torch.equal(new, old) for s, new, old in zip(sides, flipped, PICTURES, strict=True))
    assert 0 < sum(sides) < 8


def test_a_crop_moves_by_at_most_an_eighth() -> None:
    """A white dot in the middle of 32 pixels ends within 4 pixels of it, at several places."""
    picture = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    picture[..., 16, 16] = 255
    torch.manual_seed(0)
    moved = augmented(picture.expand(50, -1, -1, -1), per_picture(Recipe(crop=True)))
    places = moved[:, 0].nonzero()[:, 1:]
    assert moved.shape == (50, 3, 32, 32)
    assert len(places) == 50
    assert (places - 16).abs().max() == 4
    assert len(torch.unique(places, dim=0)) > 20


@pytest.mark.parametrize("changes", [{"mixup": 0.4}, {"cutmix": 1.0}])
def test_mixed_pictures_have_mixed_labels(changes: dict[str, Any]) -> None:
    """Each pixel of a mixture lies between those of the two pictures, in the shares that the label tells."""
    mix = per_batch(Recipe(**changes), 4)
    assert mix is not None
    torch.manual_seed(0)
    flat = LABELS.float().view(-1, 1, 1, 1).expand(-1, 3, 32, 32).clone()  # the picture is its class
    images, shares = mix(flat, LABELS)
    assert shares.shape == (8, 4)
    torch.testing.assert_close(shares.sum(1), torch.ones(8))
    torch.testing.assert_close(images.mean((1, 2, 3)), shares @ torch.arange(4.0))
    assert shares.max() < 1


def test_torch_takes_shares_as_it_takes_classes() -> None:
    """The loss of mixed labels is the mixture of the losses, also with label smoothing."""
    logits = torch.randn(8, 4, generator=GENERATOR)
    one, other = F.one_hot(LABELS, 4).float(), F.one_hot(LABELS.roll(1), 4).float()
    for smoothing in (0.0, 0.1):
        mixed = F.cross_entropy(logits, 0.3 * one + 0.7 * other, label_smoothing=smoothing)
        parts = [F.cross_entropy(logits, y, label_smoothing=smoothing) for y in (LABELS, LABELS.roll(1))]
        torch.testing.assert_close(mixed, 0.3 * parts[0] + 0.7 * parts[1])


@pytest.mark.parametrize(
    "changes",
    [{"flip": True}, {"crop": True}, {"colour": 0.4}, {"randaugment": 9}, {"mixup": 0.4}, {"cutmix": 1.0}],
)
@pytest.mark.parametrize("planes", [1, 3])
def test_examples_are_pictures_the_same_for_one_seed(changes: dict[str, Any], planes: int) -> None:
    pictures, recipe = PICTURES[:4, :planes], Recipe(**changes)
    drawn, shares = examples(pictures, LABELS[:4], 4, recipe, 6, seed=1)
    assert drawn.shape == (6, planes, 32, 32)
    assert drawn.dtype == torch.uint8
    assert torch.equal(drawn, examples(pictures, LABELS[:4], 4, recipe, 6, seed=1)[0])
    torch.testing.assert_close(shares.sum(1), torch.ones(6))
    if planes == 3 or "colour" not in changes:
        assert len(torch.unique(drawn, dim=0)) > 1


def test_examples_leave_the_generator_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    examples(PICTURES, LABELS, 4, Recipe(flip=True, mixup=0.2), 3, seed=0)
    assert torch.equal(before, torch.get_rng_state())
