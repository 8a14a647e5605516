"""Pre-activation ResNet: the clean path from block to block, and the shortcuts the paper rejects."""

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.anatomy import dissect
from zoo.families.preresnet import PreBasicBlock, PreBottleneck


@pytest.mark.parametrize(
    ("name", "depth"),
    [("preresnet50", 50), ("preresnet101", 101), ("preresnet152", 152), ("preresnet200", 200)],
)
def test_depth_is_the_number_in_the_name(name: str, depth: int) -> None:
    assert dissect(zoo.skeleton(name), (3, 224, 224)).depth == depth


def chain(block: type[PreBasicBlock] | type[PreBottleneck], shortcut: str) -> nn.Sequential:
    torch.manual_seed(0)
    width = 16 // block.expansion
    return nn.Sequential(*(block(16, width, 1, shortcut, "1x1") for _ in range(4))).double().eval()


@pytest.mark.parametrize("block", [PreBasicBlock, PreBottleneck])
def test_equation_4_the_output_is_the_input_plus_what_the_blocks_add(
    block: type[PreBasicBlock] | type[PreBottleneck],
) -> None:
    """x_L = x_l + the sum of all F(x_i). A ReLU behind the sums, as in ResNet, would break it."""
    blocks = chain(block, "identity")
    residuals: list[Tensor] = []
    for unit in blocks:
        last = unit.get_submodule("conv2" if block is PreBasicBlock else "conv3")
        last.register_forward_hook(lambda m, i, out: residuals.append(out))
    x = torch.randn(2, 16, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        out = blocks(x)
    assert len(residuals) == 4
    torch.testing.assert_close(out, x + torch.stack(residuals).sum(0))
    assert (out < 0).any()


@pytest.mark.parametrize(("shortcut", "left"), [("identity", 1.0), ("half", 0.5**4)])
def test_what_shortcuts_leave_of_the_gradient(shortcut: str, left: float) -> None:
    """Equations 5 and 8: where the blocks add nothing, the gradient arrives whole, or times 0.5 a block."""
    blocks = chain(PreBasicBlock, shortcut)
    for unit in blocks:
        nn.init.zeros_(unit.get_parameter("conv2.weight"))
    x = torch.randn(1, 16, 4, 4, dtype=torch.float64).requires_grad_()
    blocks(x).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, torch.full_like(x, left))


def test_a_projection_shares_the_first_norm_and_relu() -> None:
    block = PreBasicBlock(4, 8, 2, "identity", "1x1").eval()
    nn.init.zeros_(block.conv2.weight)
    nn.init.constant_(block.norm1.bias, -100.0)  # nothing passes the first ReLU
    with torch.no_grad():
        assert block(torch.randn(1, 4, 6, 6)).abs().sum() == 0
