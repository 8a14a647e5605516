"""DenseNet: who reads what, how the channels grow, and the rows whose peer has to be put together by hand."""

from collections import OrderedDict
from typing import Any

import pytest
import torch
from pytorchcv.models.common.conv import conv3x3
from pytorchcv.models.densenet import DenseUnit, TransitionBlock
from pytorchcv.models.densenet_cifar import DenseSimpleUnit
from pytorchcv.models.preresnet import PreResActivation
from torch import Tensor, nn
from torchvision.models import DenseNet as TorchvisionDenseNet
from torchvision.models import densenet as torchvision_densenet

import zoo
from tests.zoo.twins import assert_same_logits, load_by_position, picture, shake
from zoo.families.densenet import DenseBlock, DenseNet


@pytest.mark.parametrize("bottleneck", [True, False])
def test_layer_l_reads_k0_plus_k_times_l_minus_1_channels_of_all_layers_before_it(bottleneck: bool) -> None:
    k0, k, depth = 10, 4, 5
    block = DenseBlock(k0, depth, k, bottleneck)
    made: list[Tensor] = [torch.randn(2, k0, 6, 6)]
    read: list[tuple[Tensor, ...]] = []

    def called(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        read.append(inputs)
        made.append(output)

    for layer in block.layers:
        layer.register_forward_hook(called)
    whole = block(made[0])
    for index, inputs in enumerate(read):  # l = index + 1
        assert [id(x) for x in inputs] == [id(x) for x in made[: index + 1]]
        assert sum(x.shape[1] for x in inputs) == k0 + k * index
    assert sum(map(len, read)) == depth * (depth + 1) // 2  # the connections of the abstract: L(L+1)/2
    assert torch.equal(whole, torch.cat(made, 1))


def test_compression_rounds_down() -> None:
    net = DenseNet(depths=(3, 2), growth_rate=5, stem_width=8, compression=0.5, num_classes=2)
    transition = net.get_submodule("stages.0.transition.conv")
    assert isinstance(transition, nn.Conv2d)
    assert (transition.in_channels, transition.out_channels) == (8 + 3 * 5, 11)
    assert net.head.in_features == 11 + 2 * 5


def of_torchvision(config: dict[str, Any]) -> nn.Module:
    """torchvision's blocks with any compression; its own class always halves."""
    k, channels = config["growth_rate"], config["stem_width"]
    net = TorchvisionDenseNet(k, config["depths"], channels)
    features = OrderedDict(list(net.features.named_children())[:4])  # the stem: conv, norm, relu, pool
    for i, depth in enumerate(config["depths"]):
        features[f"block{i}"] = torchvision_densenet._DenseBlock(depth, channels, 4, k, drop_rate=0.0)
        channels += depth * k
        if i < len(config["depths"]) - 1:
            kept = int(channels * config.get("compression", 0.5))
            features[f"transition{i}"] = torchvision_densenet._Transition(channels, kept)
            channels = kept
    features["norm5"] = nn.BatchNorm2d(channels)
    net.features = nn.Sequential(features)
    net.classifier = nn.Linear(channels, 1000)
    return net


def of_pytorchcv(config: dict[str, Any]) -> nn.Module:
    """pytorchcv's CIFAR units without compression; its own class always halves."""
    k, channels = config["growth_rate"], config["stem_width"]
    net = nn.Sequential(conv3x3(3, channels))
    for i, depth in enumerate(config["depths"]):
        if i > 0:
            net.append(TransitionBlock(channels, channels))
        for _ in range(depth):
            unit = DenseUnit if config["bottleneck"] else DenseSimpleUnit
            net.append(unit(channels, channels + k, dropout_rate=0.0))
            channels += k
    return net.extend([PreResActivation(channels), nn.AvgPool2d(8), nn.Flatten(), nn.Linear(channels, 10)])


@pytest.mark.parametrize(
    "name",
    [
        "densenet264",
        "densenet121_b",
        "densenet40_k12_cifar10",
        "densenet40_k12_b_cifar10",
        "densenet100_k12_cifar10",
    ],
)
def test_logits_equal_those_of_the_peers_parts(name: str) -> None:
    variant = zoo.VARIANTS[name]
    parts = of_pytorchcv if name.endswith("cifar10") else of_torchvision
    reference = parts(dict(variant.config)).eval()
    shake(reference)
    ours = zoo.build(name)
    load_by_position(ours, reference.state_dict().values())
    assert_same_logits(ours, reference, picture(variant.input_size))
