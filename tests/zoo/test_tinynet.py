"""TinyNet: the cube's three factors as printed, and how its rounding differs from EfficientNet's."""

import math

import pytest
from torch import nn

import zoo
from zoo.anatomy import dissect
from zoo.families.efficientnet import compound
from zoo.families.mnasnet import MBConv
from zoo.families.tinynet import CUBE

# Blocks in each stage, worked by hand: the nearest number to 1, 2, 2, 3, 3, 4, 1 times d.
BLOCKS = {
    "tinynet_a": (1, 2, 2, 4, 4, 5, 1),
    "tinynet_b": (1, 2, 2, 3, 3, 4, 1),
    "tinynet_c": (1, 2, 2, 3, 3, 3, 1),
    "tinynet_d": (1, 1, 1, 2, 2, 3, 1),
    "tinynet_e": (1, 1, 1, 2, 2, 2, 1),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_are_rounded_and_both_ends_stay(name: str) -> None:
    model = zoo.skeleton(name)
    stages = model.get_submodule("stages").children()
    assert tuple(len(list(stage.children())) for stage in stages) == BLOCKS[name]
    stem, head = model.get_submodule("stem.conv"), model.get_submodule("head")
    assert isinstance(stem, nn.Conv2d)
    assert isinstance(head, nn.Linear)
    assert (stem.out_channels, head.in_features) == (32, 1280)
    blocks = [m for m in model.modules() if isinstance(m, MBConv)]
    assert not any(hasattr(b.branch.get_submodule("project"), "act") for b in blocks)


@pytest.mark.parametrize(("name", "r"), [("tinynet_b", 0.84), ("tinynet_d", 0.68), ("tinynet_e", 0.475)])
def test_resolution_as_a_knob_equals_resolution_as_input_size(name: str, r: float) -> None:
    """224 pixels, rescaled by r inside the network, cost what the variant costs at its own size."""
    published = zoo.VARIANTS[name].published
    assert published
    turned = dissect(zoo.skeleton(name, resolution=r), (3, 224, 224))
    assert (turned.params, turned.macs) == (published.params, published.macs)


@pytest.mark.parametrize("letter", "bcde")
def test_width_falls_first(letter: str) -> None:
    """Against EfficientNet's rule, run backwards to the same cost: deeper, narrower, and larger but for E."""
    tiny = CUBE[letter]
    giant = compound(math.log(tiny.cost) / math.log(compound(1).cost))
    assert giant.cost == pytest.approx(tiny.cost)
    assert tiny.depth > 1.3 * giant.depth
    assert tiny.width < 0.9 * giant.width
    assert tiny.resolution > giant.resolution or letter == "e"
