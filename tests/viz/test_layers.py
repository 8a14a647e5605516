"""Layers that know where: the advised one of every family has a gradient, and more than one position."""

import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.untouched import untouched
from viz import cam, layers

# Where the papers and their users look.
KNOWN = {
    "resnet18": "stages.3.1.relu2",
    "vgg11": "stages.4.relu2",
    "alexnet": "stages.4.relu",
    "googlenet": "stages.5",
    "densenet121": "relu",
    "squeezenet1_1": "relu",
    "mobilenet_v2": "last.act",
    "efficientnet_lite0": "last.act",
    "vit_ti_16": "stages.11.norm1",
    "swin_t": "stages.3.block1.norm2",
    "convnext_tiny": "stages.3.blocks.2",
}


def noise(side: int, channels: int = 3) -> Tensor:
    return torch.randn(1, channels, side, side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("family", zoo.FAMILIES.values(), ids=lambda family: family.key)
def test_the_advised_layer_of_every_family(family: zoo.Family) -> None:
    row = family.classroom
    model, image = zoo.build(row.name), noise(row.input_size, row.channels)
    with untouched(model):
        found = layers.layers(model, image)
        best = layers.best(family.key, model, image)
        target = int(model(image).argmax())
        evidence = cam.evidence(model, image, target, best.path)
    assert best == layers.best(None, model, image)
    assert best.reason.endswith(".")
    assert len({layer.path for layer in found}) == len(found)
    layer = next(layer for layer in found if layer.path == best.path)
    assert not layer.pools
    assert tuple(evidence.activation.shape) == tuple(evidence.gradient.shape) == layer.shape
    assert layer.shape[1] == layer.shape[2] > 1
    assert evidence.gradient.abs().max() > 0
    expected = {
        "vit": {"maps", "tokens"},
        "swin": KINDS,
        "swin_v2": KINDS,
        "convnext": {"maps", "channels last"},
    }
    assert {each.kind for each in found} == expected.get(family.key, {"maps"})


KINDS = {"maps", "channels last", "tokens"}  # tokens: windows, where one window is the whole map


@pytest.mark.parametrize("family", zoo.FAMILIES.values(), ids=lambda family: family.key)
def test_every_layer_of_every_family_lies_over_the_picture(family: zoo.Family) -> None:
    """The activation as the module gives it, turned to maps, has the shape that the layer states."""
    row = family.classroom
    model, image = zoo.build(row.name), noise(row.input_size, row.channels)
    found = layers.layers(model, image)
    for layer, evidence in zip(
        found, cam.evidences(model, image, 0, [layer.path for layer in found]), strict=True
    ):
        assert tuple(evidence.activation.shape) == layer.shape
        assert evidence.gradient.isfinite().all()
        assert layer.path in layer.title


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_the_published_networks_at_their_size(name: str) -> None:
    row = zoo.VARIANTS[name]
    model, image = zoo.build(name), noise(row.input_size)
    best = layers.best(zoo.family_of(name).key, model, image)
    layer = next(layer for layer in layers.layers(model, image) if layer.path == best.path)
    assert KNOWN[name] in (layer.path, *layer.ends)
    assert cam.evidence(model, image, 0, best.path).gradient.abs().max() > 0


def test_behind_the_last_attention_no_patch_has_a_gradient() -> None:
    model, image = zoo.build("vit_classroom"), noise(32)
    *_, last, behind = cam.evidences(model, image, 1, ["stages.2.norm1", "stages.2.norm2"])
    assert last.gradient.abs().max() > 0
    assert behind.gradient.abs().max() == 0


@pytest.mark.parametrize("class_token", [0, 1])
def test_tokens_are_patches_in_rows(class_token: int) -> None:
    maps = torch.arange(2 * 3 * 3.0).reshape(1, 2, 3, 3)
    tokens = torch.cat((torch.full((1, class_token, 2), -1.0), maps.flatten(2).transpose(1, 2)), 1)
    assert torch.equal(layers.as_maps(tokens, "tokens"), maps)
    assert torch.equal(layers.as_maps(maps.permute(0, 2, 3, 1), "channels last"), maps)
    assert torch.equal(layers.as_maps(maps, "maps"), maps)


def test_tokens_that_fill_no_square_are_said() -> None:
    with pytest.raises(ValueError, match="7 tokens fill no square"):
        layers.as_maps(torch.zeros(1, 7, 2), "tokens")


def test_as_many_channels_as_rows() -> None:
    """A map of 8 channels and 8 x 8 positions could lie either way: the network says which."""

    class Mixer(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + 1

    image = noise(8)
    last = nn.Sequential(
        nn.Conv2d(3, 8, 1), ToLast(), nn.LayerNorm(8), Mixer(), ToFirst(), Pool(), nn.Linear(8, 2)
    )
    found = {layer.path: layer for layer in layers.layers(last, image)}
    assert found["2"].kind == found["3"].kind == "channels last"
    first = nn.Sequential(nn.Conv2d(3, 8, 1), Mixer(), Pool(), nn.Linear(8, 2))
    found = {layer.path: layer for layer in layers.layers(first, image)}
    assert found["0"].kind == found["1"].kind == "maps"
    with torch.no_grad():
        expected = first[1](first[0](image))[0]
    assert torch.equal(cam.evidence(first, image, 1, "1").activation, expected)
    with torch.no_grad():
        expected = last[3](last[2](last[1](last[0](image))))[0].permute(2, 0, 1)
    assert torch.equal(cam.evidence(last, image, 1, "3").activation, expected)


class ToLast(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1)


class ToFirst(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 3, 1, 2)


class Pool(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def test_pictures_that_are_no_squares() -> None:
    model = zoo.build("resnet_classroom")
    image = torch.randn(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    assert {layer.shape[1:] for layer in layers.layers(model, image)} >= {(32, 48), (8, 12)}
    assert cam.cam(model, image, 0).shape == (32, 48)


def test_a_layer_without_positions_is_said() -> None:
    model, image = zoo.build("resnet_classroom"), noise(32)
    with pytest.raises(ValueError, match="'pool' says nothing about where"):
        cam.evidence(model, image, 0, "pool")
    with pytest.raises(ValueError, match="No layer of this network says where"):
        layers.layers(nn.Sequential(nn.Flatten(), nn.Linear(3, 2)), noise(1))
