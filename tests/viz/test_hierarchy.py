"""The ladder of layers: which layers are its rungs, which maps stand on them, and what they answer to."""

import pytest
import torch
from torch import nn

import zoo
from viz.deconvnet import project
from viz.hierarchy import RUNGS, ends, rung
from viz.hooks import UndefinedRuleError
from viz.layers import layers


def paths(name: str) -> list[str]:
    model, row = zoo.build(name), zoo.variant(name)
    image = torch.zeros(1, row.channels, row.input_size, row.input_size)
    return [layer.path for layer in ends(model, layers(model, image))]


def test_a_rung_for_each_part() -> None:
    assert paths("zfnet_classroom") == [f"stages.{i}.relu" for i in range(5)]
    assert paths("alexnet_classroom")[0] == "stages.0.relu"  # and not the response normalisation behind it
    found = paths("resnet_classroom")
    assert found[0].startswith("stem")
    assert len(found) <= RUNGS


def test_a_network_of_tokens_has_none() -> None:
    model = zoo.build("vit_classroom")
    found = [layer for layer in layers(model, torch.zeros(1, 3, 32, 32)) if layer.kind != "maps"]
    with pytest.raises(ValueError, match="no maps"):
        ends(model, found)


def test_the_strongest_maps_by_hand() -> None:
    """Maps x, 3x, -x and 2x of a picture whose brightest pixel is 5."""
    conv = nn.Conv2d(1, 4, 1, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([1.0, 3.0, -1.0, 2.0]).reshape(4, 1, 1, 1))
    model = nn.Sequential(conv, nn.ReLU(), nn.Flatten(), nn.Linear(36, 2)).eval()
    image = torch.arange(9.0).reshape(1, 1, 3, 3)
    image[0, 0, 1, 2] = 20
    found = rung(model, image, "1", 6, "deconvnet")
    assert [unit.channel for unit in found.units] == [1, 3, 0]  # and the one that does not answer is left out
    first = found.units[0].projection
    assert first.activation == 60
    assert first.position == (1, 2)
    assert first.box == (2, 1, 3, 2)
    assert first.image[0, 1, 2] == 180
    assert first.image.count_nonzero() == 1


def test_equal_to_projections_one_by_one() -> None:
    model = zoo.build("zfnet_classroom")
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    found = rung(model, image, "stages.3.relu", 3, "guided")
    assert len(found.units) == 3
    values = [unit.projection.activation for unit in found.units]
    assert values == sorted(values, reverse=True)
    for unit in found.units:
        alone = project(model, image, "stages.3.relu", unit.channel, rule="guided")
        assert unit.projection.position == alone.position
        torch.testing.assert_close(unit.projection.image, alone.image)


def test_what_is_not_defined() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.GELU(), nn.Flatten(), nn.Linear(32, 2)).eval()
    with pytest.raises(UndefinedRuleError, match="Not defined for GELU"):
        rung(model, torch.ones(1, 3, 4, 4), "0", 2, "deconvnet")
