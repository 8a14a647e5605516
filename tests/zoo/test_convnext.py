"""ConvNeXt: what a block sees, what a fresh block does, and how stochastic depth rises."""

import pytest
import torch
from torch import nn
from torchvision import ops
from torchvision.models import convnext_tiny

from tests.zoo.twins import shake
from zoo import build
from zoo.families.convnext import ChannelNorm, ConvNeXtBlock
from zoo.layers import StochasticDepth


@pytest.mark.parametrize("kernel", [3, 7])
def test_a_block_sees_kernel_x_kernel_pixels_and_all_channels(kernel: int) -> None:
    """Had the norm looked at other pixels, or the convolution at other channels, the change would differ."""
    block = ConvNeXtBlock(6, kernel, expansion=4, drop=0.0).double().eval()
    shake(block)
    x = torch.randn(1, 6, 15, 15, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    poked = x.clone()
    poked[0, 2, 7, 7] += 1
    mixed = (block.conv(poked) != block.conv(x))[0]  # (C, H, W)
    changed = (block(poked) != block(x))[0]
    window = torch.zeros(15, 15, dtype=torch.bool)
    window[7 - kernel // 2 : 8 + kernel // 2, 7 - kernel // 2 : 8 + kernel // 2] = True
    assert torch.equal(mixed, window & (torch.arange(6) == 2)[:, None, None])
    assert torch.equal(changed, window.expand(6, 15, 15))


def test_a_fresh_block_hands_its_input_on() -> None:
    block = ConvNeXtBlock(16, 7, expansion=4, drop=0.0).eval()
    x = torch.randn(2, 16, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        change = (block(x) - x).abs().max()
    assert 0 < change < 1e-5


def test_channel_norm_is_layer_norm_of_every_pixel() -> None:
    norm = ChannelNorm(5)
    shake(norm)
    x = torch.randn(2, 5, 3, 4, generator=torch.Generator().manual_seed(1))
    pixel = nn.functional.layer_norm(x[1, :, 2, 3], (5,), norm.weight, norm.bias, norm.eps)
    torch.testing.assert_close(norm(x)[1, :, 2, 3], pixel)


def test_stochastic_depth_rises_from_zero_as_in_torchvision() -> None:
    """Logits in evaluation mode cannot show it."""
    ours, theirs = (
        [m.p for m in net.modules() if isinstance(m, StochasticDepth | ops.StochasticDepth)]
        for net in (build("convnext_tiny"), convnext_tiny(weights=None))
    )
    assert ours == pytest.approx(theirs)
    assert (ours[0], ours[-1]) == (0.0, 0.1)
