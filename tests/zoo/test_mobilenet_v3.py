"""MobileNetV3: tables 1 and 2 as maps, the curves in numbers, and what the new end saves."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import zoo
from zoo.anatomy import dissect
from zoo.families.mobilenet_v3 import TABLE_1, TABLE_2, HardSwish, Row

# The input column of tables 1 and 2: height and channels of the map that enters each row.
INPUTS = {
    "mobilenet_v3_large": "112,16 112,16 56,24 56,24 28,40 28,40 28,40 14,80 14,80 14,80 14,80 14,112 14,112 "
    "7,160 7,160 7,160",
    "mobilenet_v3_small": "112,16 56,16 28,24 28,24 14,40 14,40 14,40 14,48 14,48 7,96 7,96 7,96",
}


@pytest.mark.parametrize(
    ("name", "rows", "last"), [("mobilenet_v3_large", TABLE_1, 960), ("mobilenet_v3_small", TABLE_2, 576)]
)
def test_rows_are_the_tables(name: str, rows: tuple[Row, ...], last: int) -> None:
    """Maps as printed; attention to a quarter of the expanded channels; no activation on the narrow end."""
    model = zoo.skeleton(name)
    blocks = [block for stage in model.get_submodule("stages").children() for block in stage.children()]
    x = model.get_submodule("stem")(torch.empty(1, 3, 224, 224, device="meta"))
    *inputs, end = [tuple(map(int, pair.split(","))) for pair in INPUTS[name].split()]
    for block, row, (side, channels) in zip(blocks, rows, inputs, strict=True):
        assert x.shape == (1, channels, side, side)
        x = block(x)
        depthwise = block.get_submodule("branch.depthwise.conv")
        assert isinstance(depthwise, nn.Conv2d)
        assert depthwise.weight.shape == (row.exp, 1, row.k, row.k)
        curve = HardSwish if row.nl == "HS" else nn.ReLU
        assert isinstance(block.get_submodule("branch.depthwise.act"), curve)
        assert not hasattr(block.get_submodule("branch.project"), "act")
        if row.se:
            squeeze = block.get_submodule("branch.se.fc1")
            assert isinstance(squeeze, nn.Conv2d)
            assert squeeze.out_channels == pytest.approx(row.exp / 4, abs=6)  # to a multiple of 8
            assert squeeze.out_channels % 8 == 0
    assert x.shape == (1, end[1], end[0], end[0])
    assert model.get_submodule("last")(x).shape == (1, last, 7, 7)


def test_hard_swish_in_numbers() -> None:
    x = torch.tensor([-4.0, -3.0, -1.5, 0.0, 1.0, 3.0, 5.0])
    assert HardSwish()(x).tolist() == pytest.approx([0, 0, -1.5 * 1.5 / 6, 0, 4 / 6, 3, 5])
    grid = torch.linspace(-8, 8, 1601)
    gap = (HardSwish()(grid) - F.silu(grid)).abs().max()
    assert 0.1 < gap < 0.15  # the lines leave the curve by at most 0.142, at x = 3 and -3


def test_the_new_end_works_on_one_pixel() -> None:
    """Section 5.1: 30 million MACs less than the end that MnasNet's search had left (figure 5)."""
    layers = dissect(zoo.skeleton("mobilenet_v3_large"), (3, 224, 224)).layers
    end = [layer.macs or 0 for layer in layers if layer.id.split(".")[0] in ("last", "neck", "head")]
    at_7x7 = 160 * 960 + 9 * 960 + 960 * 320 + 320 * 1280  # up, depthwise, down, up
    before = 49 * at_7x7 + 1280 * 1000
    assert 960 * 1280 in end
    assert before - sum(end) == pytest.approx(30e6, rel=0.15)
