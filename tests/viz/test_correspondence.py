"""Correspondence: a case worked by hand, the plain double loop, chance, and real parts of real pictures."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.untouched import untouched
from viz import correspondence
from viz.correspondence import RANDOM, Box, Consistency, consistency, correspond, outputs, signs, without


def test_two_pictures_and_three_units_by_hand() -> None:
    """Of three units the first goes up in both, the second does in one only, the third goes up and down."""
    found = consistency(torch.tensor([[1, 1, 1], [1, 0, -1]]))
    assert found.delta == pytest.approx(2 / 3)
    assert found.changed == pytest.approx(5 / 6)
    # Up, none, down: 1, 0, 0 in one picture and a third each in the other: a third of all units would agree.
    assert found.chance == pytest.approx(2 / 3)
    assert np.isnan(found.error)


def test_the_difference_a_part_makes_by_hand() -> None:
    """A layer of one unit a column: without the left column one falls or rises, and the other stays."""

    class Sums(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.columns = nn.AvgPool2d((2, 1))
            self.last = nn.AdaptiveAvgPool2d(1)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.columns(x)).flatten(1)

    images = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]], [[[-1.0, 2.0], [-3.0, 4.0]]]])  # (2, 1, 2, 2)
    left: list[Box] = [(0, 0, 1, 2)] * 2
    found = correspond(Sums(), images, {"left": left}, ["columns"], cover=torch.zeros(1))["columns"]["left"]
    assert found.distances.tolist() == [[0, 0.5], [0.5, 0]]  # up in one picture, down in the other; right: no


@pytest.fixture
def some_signs() -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randint(-1, 2, (5, 40), generator=generator).to(torch.int8)


def test_it_is_the_plain_double_loop(some_signs: Tensor) -> None:
    count, units = some_signs.shape
    total = 0.0
    for i, j in itertools.product(range(count), repeat=2):
        if i != j:
            total += sum(int(some_signs[i, u]) != int(some_signs[j, u]) for u in range(units)) / units
    assert consistency(some_signs).delta == pytest.approx(total / (count * (count - 1)))


def test_the_error_leaves_out_one_picture_at_a_time(some_signs: Tensor) -> None:
    rest = [consistency(some_signs[[j for j in range(5) if j != i]]).delta for i in range(5)]
    expected = np.sqrt(4 / 5 * np.sum((np.array(rest) - np.mean(rest)) ** 2))
    assert consistency(some_signs).error == pytest.approx(expected)


def test_independent_signs_are_at_chance() -> None:
    """Coins differ half of the time, and three equal signs two times out of three."""
    generator = torch.Generator().manual_seed(0)
    coins = 2 * torch.randint(0, 2, (6, 20_000), generator=generator) - 1
    found = consistency(coins)
    assert found.delta == pytest.approx(0.5, abs=0.01)
    assert found.chance == pytest.approx(0.5, abs=0.001)
    three = consistency(torch.randint(-1, 2, (6, 20_000), generator=generator))
    assert three.delta == pytest.approx(2 / 3, abs=0.01)
    rare = consistency((torch.rand(6, 20_000, generator=generator) < 0.05).long())
    assert rare.delta == pytest.approx(2 * 0.05 * 0.95, abs=0.01)  # few units change, so few can differ
    assert rare.delta == pytest.approx(rare.chance, abs=0.002)


def test_alike_is_nothing() -> None:
    found = consistency(torch.tensor([[1, 0, -1]]).repeat(4, 1))
    assert (found.delta, found.error) == (0, 0)
    assert found.chance == pytest.approx(2 / 3)


def test_rounding_is_no_change() -> None:
    whole = torch.tensor([[100.0, 1.0, 0.0]])
    assert signs(whole, whole + torch.tensor([[1e-5, -1e-3, 0.0]])).tolist() == [[0, 1, 0]]


def test_a_part_is_replaced_and_nothing_else() -> None:
    images = torch.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    hidden = without(images, [(1, 2, 3, 4), (0, 0, 5, 1)], torch.full((1,), -7.0))
    assert (hidden[0, :, 2:4, 1:3] == -7).all()
    assert (hidden[1, :, :1] == -7).all()
    assert (hidden != images).sum() == 3 * (4 + 5)
    assert images.min() == 0


def pictures() -> tuple[nn.Module, Tensor, dict[str, list[Box]]]:
    loaded = zoo.load(zoo.weights.specimen_of("shipped:lenet_shapes"))
    row = loaded.preprocess
    images = torch.randn(
        4, row.channels, row.size, row.size, generator=torch.Generator().manual_seed(1)
    )  # as many as a careful reader marks
    return loaded.model, images, {"one": [(2, 3, 9, 10)] * 4, "other": [(i, 12, i + 7, 19) for i in range(4)]}


def test_on_a_network_as_by_hand() -> None:
    """The eps of one layer, picture by picture, with a plain forward hook on a network of its own."""
    model, images, parts = pictures()
    path = list(outputs(model, images[:1]))[-2]
    kept: list[Tensor] = []
    with untouched(model):
        found = correspond(model, images, parts, [path], cover=torch.zeros(1))[path]
    model.get_submodule(path).register_forward_hook(lambda module, inputs, output: kept.append(output[0]))
    eps = []
    for image, (left, top, right, bottom) in zip(images, parts["other"], strict=True):
        hidden = image.clone()
        hidden[:, top:bottom, left:right] = 0
        with torch.no_grad():
            model(image[None]), model(hidden[None])
        eps.append((kept[-2] - kept[-1]).flatten().sign())
    expected = consistency(torch.stack(eps))
    np.testing.assert_allclose(found["other"].distances, expected.distances, atol=0.02)  # of rounding
    assert list(found) == ["one", "other", RANDOM]


def test_random_parts_are_drawn_again_from_their_seed_and_stay_in_their_rooms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, images, parts = pictures()
    seen: list[Box] = []

    def watched(images: Tensor, boxes: list[Box], cover: Tensor) -> Tensor:
        seen.extend(boxes)
        return without(images, boxes, cover)

    monkeypatch.setattr(correspondence, "without", watched)
    path = next(iter(outputs(model, images[:1])))
    room = (4, 6, 20, 18)
    told: list[float] = []

    def run(seed: int) -> Consistency:
        return correspond(
            model, images, parts, [path], cover=torch.zeros(1), rooms=[room] * 4, draws=3, seed=seed,
            report=told.append,
        )[path][RANDOM]  # fmt: skip

    first, again, other = run(0), run(0), run(1)
    assert first.delta == again.delta != other.delta
    assert told == sorted(told[:6]) * 3
    assert told[-1] == 1
    random = seen[8:20]
    assert len(set(random)) > 6
    for left, top, right, bottom in random:
        assert (right - left, bottom - top) == (7, 7)
        assert left >= 4
        assert top >= 6
        assert right <= 20
        assert bottom <= 18


def test_layers_that_can_be_compared_come_by_depth_and_end_with_the_classes() -> None:
    model = zoo.load(zoo.weights.specimen_of("shipped:zfnet_shapes")).model
    found = outputs(model, torch.zeros(1, 3, 64, 64))
    paths = list(found)
    assert paths[0] == "stages.0.conv"
    assert paths[-2:] == ["head.relu7", "head.fc8"]
    assert found["head.fc8"] == (8,)
    assert not [path for path in paths if "drop" in path]


def test_what_cannot_be_compared_says_so() -> None:
    model, images, parts = pictures()
    path = next(iter(outputs(model, images[:1])))
    with pytest.raises(ValueError, match="marked on 1 of 4 pictures"):
        correspond(model, images, {"one": parts["one"][:1]}, [path], cover=torch.zeros(1))
    with pytest.raises(ValueError, match="outside of a picture, or an empty one"):
        correspond(model, images, {"one": [(2, 3, 2, 10)] * 4}, [path], cover=torch.zeros(1))
    with pytest.raises(ValueError, match="One picture has nothing"):
        consistency(torch.zeros(1, 3))
