"""Projections to pixels: a network worked by hand, captum's deconvolution, and what cannot be."""

import pytest
import torch
from captum.attr import NeuronDeconvolution, NeuronGuidedBackprop
from torch import Tensor, nn

from viz.deconvnet import descend, project
from viz.hooks import Rule, UndefinedRuleError


def by_hand(rectifier: nn.Module) -> nn.Sequential:
    """One pixel, two maps -x and 2x, a rectifier, and one map that subtracts the first from the second."""
    first, second = nn.Conv2d(1, 2, 1, bias=False), nn.Conv2d(2, 1, 1, bias=False)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([-1.0, 2.0]).reshape(2, 1, 1, 1))
        second.weight.copy_(torch.tensor([-1.0, 1.0]).reshape(1, 2, 1, 1))
    return nn.Sequential(first, rectifier, second, nn.Flatten())


@pytest.mark.parametrize("rectifier", [nn.ReLU(), nn.ReLU6()])
@pytest.mark.parametrize(
    ("rule", "pixel", "sent"),
    [
        # The unit, at 4 or -2, sends (-1, 1) times that to the rectifiers, which stood at (-x, 2x).
        ("gradient", 2.0, 2.0),  # the second was open
        ("gradient", -2.0, 1.0),  # the first was open: -1 through -1
        ("deconvnet", 2.0, 2.0),  # what is positive goes on
        ("deconvnet", -2.0, 1.0),  # of (2, -2) the first: -1 through -1
        ("guided", 2.0, 2.0),
        ("guided", -2.0, 1.0),  # which was open, too
    ],
)
def test_each_rule_by_hand(rectifier: nn.Module, rule: Rule, pixel: float, sent: float) -> None:
    model = by_hand(rectifier)
    found = project(model, torch.full((1, 1, 1, 1), pixel), "2", 0, rule=rule)
    activation = 4.0 if pixel > 0 else -2.0
    assert found.activation == activation
    assert found.image.item() == activation * sent


def test_a_saturated_rectifier() -> None:
    """ReLU6 at 6 lets nothing through but the deconvnet's rule, which asks for the signal alone."""
    image = torch.full((1, 1, 1, 1), 5.0)
    model = by_hand(nn.ReLU6())
    assert project(model, image, "2", 0, rule="deconvnet").image.item() == 6 * 2
    assert project(model, image, "2", 0, rule="guided").image.item() == 0


def convolutions() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 5, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(5 * 4 * 4, 3),
    ).eval()  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "theirs"), [("deconvnet", NeuronDeconvolution), ("guided", NeuronGuidedBackprop)]
)
@pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU")
def test_equal_to_captum(rule: Rule, theirs: type) -> None:
    model, image = convolutions(), torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    found = project(model, image, "3", 2, rule=rule)
    expected = theirs(model, model[3]).attribute(image.clone().requires_grad_(), (2, *found.position))
    torch.testing.assert_close(found.image, found.activation * expected[0].detach())


def test_the_strongest_unit_or_the_one_asked_for() -> None:
    model, image = convolutions(), torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    maps: Tensor = model[:4](image)[0, 2]
    found = project(model, image, "3", 2)
    assert maps[found.position] == maps.max()
    assert found.activation == pytest.approx(maps.max().item())
    assert project(model, image, "3", 2, (0, 1)).activation == pytest.approx(maps[0, 1].item())


@pytest.mark.parametrize("rule", ["gradient", "deconvnet", "guided"])
@pytest.mark.parametrize("layer", ["0", "1", "2", "4"])
def test_step_by_step_is_the_same(rule: Rule, layer: str) -> None:
    model, image = convolutions(), torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    steps = descend(model, image, layer, 2, rule=rule)
    torch.testing.assert_close(steps[-1].after, project(model, image, layer, 2, rule=rule).image)


def test_what_cannot_be() -> None:
    model, image = convolutions(), torch.zeros(1, 3, 12, 12)
    with pytest.raises(ValueError, match="has 5 maps"):
        project(model, image, "3", 5)
    with pytest.raises(ValueError, match="4 x 4 units"):
        project(model, image, "3", 0, (4, 0))
    with pytest.raises(ValueError, match="no maps"):
        project(model, image, "6", 0)
    with pytest.raises(UndefinedRuleError, match="Not defined for SiLU"):
        project(nn.Sequential(nn.Conv2d(3, 2, 1), nn.SiLU()), image, "1", 0)
