"""Networks with other activations, without norms, with more dropout or stochastic depth."""

import copy

import pytest
import torch
from torch import nn

import zoo
from zoo.families.stochastic_depth import StochasticBlock
from zoo.surgery import ACTIVATIONS, operate

IMAGES = torch.randn(64, 3, 32, 32, generator=torch.Generator().manual_seed(0))
DEEP = ["resnet_classroom", "senet_classroom", "convnext_classroom", "stochastic_depth_classroom"]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_parameters_keep_their_names(activation: str) -> None:
    model = zoo.build("resnet_classroom")
    names = list(model.state_dict())
    operate(model, activation=activation, dropout=0.5)
    assert list(model.state_dict()) == names


def test_without_norms_there_are_none() -> None:
    model = operate(zoo.build("resnet_classroom"), norm=False)
    assert not [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    with torch.no_grad():
        assert model(IMAGES).shape == (64, 10)


@pytest.mark.parametrize("name", DEEP)
def test_stochastic_depth_acts_in_training_only(name: str) -> None:
    model = operate(zoo.build(name), stochastic_depth=0.5)
    plain = zoo.build(name)
    names = list(plain.state_dict())
    assert list(model.state_dict()) == names
    operate(plain, stochastic_depth=0.0)
    with torch.no_grad():
        if name != "stochastic_depth_classroom":  # which weighs its blocks by their chances afterwards
            torch.testing.assert_close(model(IMAGES), plain(IMAGES))
        model.train()
        assert not torch.equal(model(IMAGES), model(IMAGES))


def test_the_chance_rises_in_a_line_to_the_last_block() -> None:
    """At 0.6 over three blocks: 0.2, 0.4, 0.6 of the images keep only their shortcut."""
    model = operate(zoo.build("resnet_classroom"), stochastic_depth=0.6)
    torch.manual_seed(0)
    dropped = []
    blocks = [model.get_submodule(f"stages.{i}.0.norm2") for i in range(3)]
    for norm, width in zip(blocks, (16, 32, 64), strict=True):
        norm.training = True
        ones = torch.randn(4_000, width, 2, 2)
        dropped.append((norm(ones).flatten(1).abs().sum(1) == 0).float().mean().item())
    assert dropped == pytest.approx([0.2, 0.4, 0.6], abs=0.03)


def test_the_family_of_stochastic_depth_keeps_its_own_coin() -> None:
    model = operate(zoo.build("stochastic_depth_classroom"), stochastic_depth=0.6)
    survival = [each.survival for each in model.modules() if isinstance(each, StochasticBlock)]
    assert survival == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])


def test_a_copy_drops_too() -> None:
    """As averages of the weights are copies."""
    model = copy.deepcopy(operate(zoo.build("resnet_classroom"), stochastic_depth=0.9)).train()
    with torch.no_grad():
        assert not torch.equal(model(IMAGES), model(IMAGES))


@pytest.mark.parametrize("name", ["vgg_classroom", "plain18"])
def test_no_branch_no_stochastic_depth(name: str) -> None:
    with pytest.raises(ValueError, match="no branch"):
        operate(zoo.build(name), stochastic_depth=0.5)
