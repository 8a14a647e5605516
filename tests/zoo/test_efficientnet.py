"""EfficientNet: table 1, the law of compound scaling, and what scaling does to a real network."""

import pytest
import torch
from torch import nn

import zoo
from zoo.anatomy import dissect
from zoo.families.efficientnet import TABLE_1, compound
from zoo.families.mnasnet import MBConv

# Table 1: resolution and channels that enter each row of MBConv, and its operator as printed.
TABLE = [
    (112, 32, "MBConv1, k3x3", 1),
    (112, 16, "MBConv6, k3x3", 2),
    (56, 24, "MBConv6, k5x5", 2),
    (28, 40, "MBConv6, k3x3", 3),
    (14, 80, "MBConv6, k5x5", 3),
    (14, 112, "MBConv6, k5x5", 4),
    (7, 192, "MBConv6, k3x3", 1),
]


def test_b0_is_table_1() -> None:
    model = zoo.skeleton("efficientnet_b0")
    x = model.get_submodule("stem")(torch.empty(1, 3, 224, 224, device="meta"))
    for stage, row, (side, channels, operator, depth) in zip(
        model.get_submodule("stages").children(), TABLE_1, TABLE, strict=True
    ):
        assert x.shape == (1, channels, side, side)
        assert (f"MBConv{row.t}, k{row.k}x{row.k}", len(list(stage.children()))) == (operator, depth)
        for block in stage.children():
            assert isinstance(block, MBConv)
            assert not hasattr(block.branch.get_submodule("project"), "act")  # the narrow end is linear
            squeeze = block.branch.get_submodule("se.fc1")
            assert isinstance(squeeze, nn.Conv2d)
            assert squeeze.in_channels == row.t * channels
            assert squeeze.out_channels == channels // 4
            channels = row.c
        x = stage(x)
    assert model.get_submodule("last")(x).shape == (1, 1280, 7, 7)


def test_the_papers_proportion_doubles_the_cost() -> None:
    """Section 3.3: alpha beta^2 gamma^2 is about 2, so phi counts doublings."""
    assert compound(1).cost == pytest.approx(2, abs=0.1)
    for phi in (0, 1, 2.5, 7):
        assert compound(phi).cost == pytest.approx(compound(1).cost ** phi)
    assert compound(0) == (1, 1, 1)


@pytest.mark.parametrize("proportion", [(1.2, 1.1, 1.15), (2.0, 1.0, 1.0), (1.0, 1.4, 1.0), (1.0, 1.0, 1.4)])
def test_a_scaled_network_costs_what_the_law_says(proportion: tuple[float, float, float]) -> None:
    """Within the rounding of channels and blocks, which is small for a large network."""
    base = dissect(zoo.skeleton("efficientnet_b5"), (3, 224, 224)).macs
    alpha, beta, gamma = proportion
    turned = zoo.skeleton("efficientnet_b5", phi=1.0, alpha=alpha, beta=beta, gamma=gamma)
    expected = base * compound(1, *proportion).cost
    assert dissect(turned, (3, 224, 224)).macs == pytest.approx(expected, rel=0.1)


def test_stochastic_depth_rises_along_the_network() -> None:
    """Blocks with a shortcut are left out more and more often, up to almost 0.2; the others never."""
    model = zoo.build("efficientnet_b0")
    chances = [getattr(block.branch, "drop", None) for block in model.modules() if isinstance(block, MBConv)]
    found = [(i, chance.p) for i, chance in enumerate(chances) if chance is not None]
    assert found == [(i, pytest.approx(0.2 * i / 16)) for i in (2, 4, 6, 7, 9, 10, 12, 13, 14)]
