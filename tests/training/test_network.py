"""The network of a recipe, and what there is in it to watch."""

import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.training.test_loop import RESNET, recipe
from training.network import as_maps, build, layout, outline


def weight(initialisation: str) -> Tensor:
    """Of a convolution that reads 16 x 3 x 3 numbers and writes 16 maps."""
    network = build(recipe(specimen=zoo.Specimen("resnet_classroom"), initialisation=initialisation), 4)
    return network.get_parameter("stages.0.0.conv2.weight").detach()


@pytest.mark.parametrize(
    ("initialisation", "deviation"),
    [("he", (2 / 144) ** 0.5), ("xavier", (2 / (144 + 144)) ** 0.5), ("normal", 0.01), ("zero", 0.0)],
)
def test_initialisations_have_the_deviation_of_their_paper(initialisation: str, deviation: float) -> None:
    drawn = weight(initialisation)
    assert drawn.std().item() == pytest.approx(deviation, rel=0.05)
    assert drawn.mean().item() == pytest.approx(0, abs=4 * deviation / 48 + 1e-12)
    assert torch.equal(drawn, weight(initialisation))


def test_biases_become_zero_and_norms_stay() -> None:
    network = build(recipe(specimen=RESNET, initialisation="he"), 4)
    assert not network.get_parameter("head.bias").any()
    assert (network.get_parameter("stem.norm1.weight") == 1).all()


def test_another_seed_draws_other_weights() -> None:
    one, other = (build(recipe(initialisation="he", seed=seed), 4) for seed in (0, 1))
    assert not torch.equal(one.get_parameter("head.weight"), other.get_parameter("head.weight"))


def test_the_outline_of_a_small_resnet() -> None:
    found = outline(zoo.build("resnet_classroom"), ("stem", "stages", "pool", "head"), 32, 3)
    assert found.macs == 12_501_632
    assert found.layers[:3] == ("stem.conv1", "stages.0.0.conv1", "stages.0.0.conv2")
    assert found.layers[-1] == "head"
    assert len(found.layers) == 1 + 3 * 2 + 2 + 1
    assert found.stages == ("stem", "stages.0", "stages.1", "stages.2")
    assert found.activations["stem.relu1"] == 1
    assert found.convolution == "stem.conv1"


@pytest.mark.parametrize("name", ["vit_classroom", "swin_classroom", "convnext_classroom"])
def test_units_behind_a_linear_layer_lie_in_the_last_axis(name: str) -> None:
    network, family = zoo.build(name), zoo.family_of(name)
    found = outline(network, family.stages, 32, 3)
    assert found.activations
    for path, axis in found.activations.items():
        assert isinstance(network.get_submodule(path), nn.GELU)
        assert axis == (2 if name == "vit_classroom" else 3), path


def test_looking_leaves_nothing_behind() -> None:
    network = zoo.build("googlenet_classroom")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    outline(network, zoo.family_of("googlenet_classroom").stages, 32, 3)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 16, 8, 8), "CHW"),
        ((1, 8, 8, 96), "HWC"),
        ((1, 64, 1, 1), ""),
        ((1, 64, 32), "NC"),
        ((1, 65, 32), "1NC"),
        ((1, 60, 32), ""),
        ((1, 10), ""),
    ],
)
def test_layouts(shape: tuple[int, ...], expected: str) -> None:
    assert layout(shape) == expected


def test_maps_of_every_layout_are_the_same_maps() -> None:
    maps = torch.randn(5, 4, 4)
    tokens = maps.flatten(1).T
    for output in (maps, maps.permute(1, 2, 0), tokens, torch.cat([torch.zeros(1, 5), tokens])):
        assert torch.equal(as_maps(output[None]), maps)
