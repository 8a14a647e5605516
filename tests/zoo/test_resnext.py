"""ResNeXt: the three drawings of figure 3 are one function, and cardinality is free."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.zoo.twins import shake
from zoo.families.resnext import ResNeXtBlock


def normalised(x: Tensor, norm: nn.BatchNorm2d, channels: slice = slice(None)) -> Tensor:
    """Batch norm with the statistics of some of its channels."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    mean, variance = norm.running_mean[channels], norm.running_var[channels]
    return F.batch_norm(x, mean, variance, norm.weight[channels], norm.bias[channels], eps=norm.eps)


def paths(block: ResNeXtBlock, x: Tensor) -> list[tuple[slice, Tensor]]:
    """Every path's 1x1 and 3x3 on its own, with the block's weights: its channels, and what it computes."""
    width = block.conv2.weight.shape[1]
    found = []
    for first in range(0, block.conv2.in_channels, width):
        mine = slice(first, first + width)
        y = F.relu(normalised(F.conv2d(x, block.conv1.weight[mine]), block.norm1, mine))
        y = F.conv2d(y, block.conv2.weight[mine], stride=block.conv2.stride, padding=1)
        found.append((mine, F.relu(normalised(y, block.norm2, mine))))
    return found


@pytest.mark.parametrize(("cin", "stride"), [(64, 1), (32, 2)])
def test_the_three_forms_of_figure_3_are_equal(cin: int, stride: int) -> None:
    block = ResNeXtBlock(cin, 4, 64, cardinality=8, stride=stride, shortcut="projection").double().eval()
    shake(block)
    x = torch.randn(2, cin, 9, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert block.shortcut is not None
    with torch.no_grad():
        branches = paths(block, x)
        assert len(branches) == 8
        last = block.conv3.weight
        form_a = torch.stack([F.conv2d(y, last[:, mine]) for mine, y in branches]).sum(0)  # 1x1, then add
        form_b = F.conv2d(torch.cat([y for _, y in branches], 1), last)  # concatenate, then one 1x1
        for form in (form_a, form_b):
            torch.testing.assert_close(F.relu(normalised(form, block.norm3) + block.shortcut(x)), block(x))


@pytest.mark.parametrize(("cardinality", "path"), [(1, 64), (2, 40), (4, 24), (8, 14), (32, 4)])
def test_cardinality_at_equal_cost(cardinality: int, path: int) -> None:
    """Table 2: each pair makes a block of about 70 thousand weights, by equation 4."""
    block = ResNeXtBlock(256, path, 256, cardinality, stride=1, shortcut="projection")
    weights = sum(c.weight.numel() for c in (block.conv1, block.conv2, block.conv3))
    assert weights == cardinality * (256 * path + 3 * 3 * path * path + path * 256)
    assert weights == pytest.approx(70_000, rel=0.025)
