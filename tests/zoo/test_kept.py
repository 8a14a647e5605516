"""What the backward pass needs: worked by hand, and what autograd keeps on a real device."""

import pytest
import torch
from torch import nn

from zoo.anatomy.kept import kept
from zoo.blocks import Dials, ResidualBlock

FLOAT = 4  # bytes


def test_by_hand() -> None:
    """A convolution keeps its input, a norm its input and two numbers per channel, a ReLU its output.

    The second convolution's input is the ReLU's output, which is there already.
    """
    net = nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 7, 1), nn.ReLU()
    )
    assert kept(net, (2, 6, 6)) == {
        "0": FLOAT * 2 * 36,
        "1": FLOAT * (5 * 36 + 2 * 5),
        "2": FLOAT * 5 * 36,
        "4": FLOAT * 7 * 36,
    }


def test_the_model_is_left_as_it_is() -> None:
    net = nn.Sequential(nn.Conv2d(2, 5, 3), nn.BatchNorm2d(5)).eval()
    kept(net, (2, 6, 6))
    assert not net.training
    assert net[0].weight.device.type == "cpu"
    assert not net[0]._forward_hooks
    assert not net[0]._forward_pre_hooks


@pytest.mark.parametrize(
    "dials",
    [Dials(channels=32, size=14), Dials(channels=32, size=14, ratio=2, stride=2, excite=True, order="pre")],
    ids=["plain", "all"],
)
def test_autograd_keeps_as_much_with_real_numbers(dials: Dials) -> None:
    for block in dials.blocks:
        net = ResidualBlock(block).train()
        own = {t.untyped_storage().data_ptr() for t in (*net.parameters(), *net.buffers())}
        real: dict[int, int] = {}

        def pack(tensor: torch.Tensor, real: dict[int, int] = real) -> torch.Tensor:
            real[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            out = net(torch.randn(1, block.cin, 14, 14, requires_grad=True))
        found = sum(size for address, size in real.items() if address not in own)
        assert out.grad_fn is not None
        assert sum(kept(net, (block.cin, 14, 14)).values()) == found
