"""NIN: the perceptron in a filter, the classes' maps, and the ImageNet network's layer list."""

import torch
from torch import Tensor, nn

import zoo
from zoo.families.nin import MLPConv


def test_an_mlpconv_is_one_perceptron_on_every_patch() -> None:
    layer = MLPConv(2, 5, 4, 3, kernel=3)
    perceptron = nn.Sequential(
        nn.Linear(2 * 3 * 3, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3), nn.ReLU()
    )
    state = zip(perceptron.state_dict().items(), layer.state_dict().values(), strict=True)
    perceptron.load_state_dict({name: weights.reshape(own.shape) for (name, own), weights in state})
    x = torch.randn(1, 2, 6, 6)
    patches = nn.functional.unfold(x, 3, padding=1).transpose(1, 2)  # (1, 36, 18)
    expected = perceptron(patches).transpose(1, 2).reshape(1, 3, 6, 6)
    torch.testing.assert_close(layer(x), expected)


def test_a_score_is_the_mean_of_its_classs_map() -> None:
    model = zoo.build("nin_classroom")
    found: list[Tensor] = []
    model.get_submodule("head").register_forward_hook(lambda m, i, out: found.append(out))
    with torch.no_grad():
        logits = model(torch.randn(2, 3, 32, 32))
    (maps,) = found
    assert maps.shape == (2, 10, 8, 8)
    torch.testing.assert_close(logits, maps.mean((2, 3)))
    assert not [m for m in model.modules() if isinstance(m, nn.Linear)]


def test_layer_list_of_the_imagenet_network() -> None:
    """Caffe's blobs, batch aside: conv1 with cccp1 and cccp2, pool1, ...; its pools round sizes up."""
    model, found = zoo.skeleton("nin_imagenet"), []
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AdaptiveAvgPool2d):

            def keep(m: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
                found.append(tuple(output.shape[1:3]))  # maps and side

            module.register_forward_hook(keep)
    model(torch.empty(1, 3, 224, 224, device="meta"))
    assert found == [
        *[(96, 54)] * 3,
        (96, 27),
        *[(256, 27)] * 3,
        (256, 13),
        *[(384, 13)] * 3,
        (384, 6),
        *[(1024, 6)] * 2,
        (1000, 6),
        (1000, 1),
    ]
    stage = model.get_submodule("stages.2")
    assert [type(part) for part in stage.children()] == [MLPConv, nn.MaxPool2d, nn.Dropout]
    assert len([m for m in model.modules() if isinstance(m, nn.Dropout)]) == 1
