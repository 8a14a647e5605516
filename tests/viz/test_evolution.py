"""Maps over epochs: winners against a search by hand, jumps, likeness against numpy, what is kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from tests.untouched import untouched
from viz import evolution
from viz.evolution import Answers, Stage


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3), nn.BatchNorm2d(5), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 2),
    ).eval()  # fmt: skip


def last(model: nn.Module, images: torch.Tensor) -> dict[str, Answers]:
    found: dict[str, Answers] = {}
    for known in evolution.watch(model, torch.split(images, 3), evolution.stages(model, images[:1])):
        found = dict(known)
    return found


def test_layers_are_convolutions_looked_at_behind_their_rectifiers() -> None:
    found = evolution.stages(net(), torch.zeros(1, 3, 12, 12))
    assert [(each.path, each.conv, each.depth, each.maps, each.size) for each in found] == [
        ("1", "0", 1, 4, (10, 10)),
        ("5", "3", 2, 5, (3, 3)),
    ]
    zfnet = evolution.stages(zoo.build("zfnet_classroom", num_classes=8), torch.zeros(1, 3, 32, 32))
    assert [each.path for each in zfnet] == [f"stages.{at}.relu" for at in range(5)]


def test_of_a_deep_network_twelve_layers_from_the_first_to_the_last() -> None:
    found = evolution.stages(zoo.build("resnet18"), torch.zeros(1, 3, 64, 64))
    assert len(found) == 12
    assert (found[0].path, found[0].depth) == ("stem.relu1", 1)
    assert found[-1].depth == 17  # without the convolutions of the shortcuts, which are added to others
    assert all(each.path.split(".")[-1].startswith("relu") for each in found)


def test_a_network_without_convolutions_is_refused() -> None:
    with pytest.raises(ValueError, match="not made of convolutions"):
        evolution.stages(zoo.build("vit_classroom", num_classes=8), torch.zeros(1, 3, 32, 32))


def test_winners_are_those_of_a_search_by_hand() -> None:
    model, images = net(), torch.randn(8, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    with untouched(model):
        found = last(model, images)
    with torch.no_grad():
        maps = model[:6](images)
    answers = found["5"]
    for channel in range(5):
        best = max(
            (float(maps[n, channel, y, x]), n, y, x) for n in range(8) for y in range(3) for x in range(3)
        )
        assert answers.strongest[channel] == pytest.approx(best[0], abs=1e-6)
        if best[0] > 0:
            assert (answers.winners[channel], *answers.places[channel]) == best[1:]
    np.testing.assert_allclose(answers.values, maps.amax((2, 3)).numpy(), atol=1e-6)
    assert answers.filters.shape == (5, 4 * 9)


def test_a_silent_map_has_no_winner() -> None:
    model = net()
    with torch.no_grad():
        model[0].bias[2] = -1e6  # type: ignore[operator]
    answers = last(model, torch.randn(4, 3, 12, 12))["1"]
    assert answers.winners[2] == -1
    assert answers.strongest[2] == 0


def test_jumps() -> None:
    winners = np.array([[3, 7], [3, 8], [4, -1], [4, -1]])
    assert evolution.jumps(winners).tolist() == [[False, False], [False, True], [True, True], [False, False]]


def test_likeness_is_the_mean_correlation_of_the_maps() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 6, 20)).astype(np.float32)
    expected = np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(one, other, strict=True)])
    assert evolution.alike(one, other) == pytest.approx(expected, abs=1e-6)
    assert evolution.alike(one, 3 * one + 1) == pytest.approx(1)
    other[0] = 0  # a silent map says nothing
    rest = np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(one[1:], other[1:], strict=True)])
    assert evolution.alike(one, other) == pytest.approx(rest, abs=1e-6)
    assert np.isnan(evolution.alike(0 * one, one))


@pytest.mark.parametrize(
    ("values", "at"),
    [((0.2, 0.95, 0.97, 1), 1), ((0.95, 0.5, 0.92, 1), 2), ((0.1, 0.2, 1), None), ((1, 1), 0)],
)
def test_settled_from_when_it_never_falls_below_again(values: tuple[float, ...], at: int | None) -> None:
    assert evolution.settled(values, 0.9) == at


def test_what_is_kept_is_of_these_weights_and_pictures_only(tmp_path: Path) -> None:
    model, images = net(), torch.randn(6, 3, 12, 12)
    layers, answers = evolution.stages(model, images[:1]), last(model, images)
    file = tmp_path / "answers.safetensors"
    evolution.save(file, layers, {"abc": answers}, "six")
    filters = {each.conv: answers[each.path].filters for each in layers}.__getitem__
    found = evolution.read(file, "abc", "six", filters)
    assert found is not None
    assert found[0] == layers
    for path, each in found[1].items():
        np.testing.assert_array_equal(each.winners, answers[path].winners)
        np.testing.assert_array_equal(each.places, answers[path].places)
        np.testing.assert_array_equal(each.strongest, answers[path].strongest)
        np.testing.assert_allclose(each.values, answers[path].values, rtol=1e-3)
    assert evolution.read(file, "abd", "six", filters) is None
    assert evolution.read(file, "abc", "seven", filters) is None
    assert evolution.read(tmp_path / "none", "abc", "six", filters) is None
    file.write_bytes(b"damaged")
    assert evolution.read(file, "abc", "six", filters) is None


def test_likeness_of_an_epoch_with_itself() -> None:
    answers = last(net(), torch.randn(6, 3, 12, 12))["1"]
    same = evolution.likeness(answers, answers)
    assert (same.filters, same.answers, same.winners) == pytest.approx((1, 1, 1))
    moved = replace(answers, winners=answers.winners + 1)
    assert evolution.likeness(answers, moved).winners == 0
    assert Stage(path="a", conv="b", depth=1, maps=2, size=(3, 4)).size == (3, 4)
