"""ACNet: trained and fused networks compute the same, and the fused one is torchvision's ResNet."""

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

import zoo
from tests.zoo.twins import shake
from zoo.families.acnet import ACBlock, fold_norm, fuse


def block(**options: bool | str) -> ACBlock:
    """Four channels in, six out, two pixels apart."""
    torch.manual_seed(0)
    chosen = {"vertical": True, "horizontal": True, "norm": "branch"} | options
    made = ACBlock(4, 6, 2, **chosen).eval()  # type: ignore[arg-type]
    shake(made)
    return made


@pytest.mark.parametrize(
    "options",
    [{}, {"vertical": False}, {"horizontal": False}, {"norm": "sum"}, {"norm": "sum", "vertical": False}],
    ids=str,
)
def test_a_fused_block_computes_the_same(options: dict[str, bool | str]) -> None:
    made = block(**options)
    x = torch.randn(2, 4, 9, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(made.fuse()(x), made(x), rtol=1e-5, atol=1e-5)


def test_kernels_add_up_on_the_skeleton() -> None:
    """Figure 1: the fused kernel minus the folded square is a cross, the column and the row."""
    made = block()
    square, _ = made.square.folded()
    cross = made.fuse().weight - square
    corners = cross[:, :, [0, 0, 2, 2], [0, 2, 0, 2]]
    torch.testing.assert_close(corners, torch.zeros_like(corners), atol=1e-6, rtol=0)
    assert made.vertical is not None
    assert made.horizontal is not None
    column, _ = fold_norm(made.vertical.conv.weight, made.vertical.norm)
    torch.testing.assert_close(cross[:, :, 0, 1], column[:, :, 0, 0])
    row, _ = fold_norm(made.horizontal.conv.weight, made.horizontal.norm)
    torch.testing.assert_close(cross[:, :, 1, 2], row[:, :, 0, 2])


def test_a_folded_norm_by_hand() -> None:
    """Kernel 3, mean 1, variance 4, gamma 8, beta 5: 8 (3 x - 1) / 2 + 5 = 12 x + 1."""
    norm = nn.BatchNorm2d(1, eps=0).eval()
    for tensor, value in ((norm.weight, 8), (norm.bias, 5), (norm.running_mean, 1), (norm.running_var, 4)):
        assert tensor is not None
        tensor.data.fill_(value)
    kernel, bias = fold_norm(torch.full((1, 1, 1, 1), 3.0), norm)
    assert (kernel.item(), bias.item()) == (12, 1)


def resnet_without_norms(depth: int) -> nn.Module:
    """torchvision's ResNet, in which every 3x3 convolution has a bias and no batch norm behind it."""
    model = torchvision.models.get_model(f"resnet{depth}", weights=None).eval()
    for module in list(model.modules()):
        for name, conv in list(module.named_children()):
            if isinstance(conv, nn.Conv2d) and conv.kernel_size == (3, 3):
                plain = nn.Conv2d(conv.in_channels, conv.out_channels, 3, conv.stride[0], 1)
                setattr(module, name, plain)
                setattr(module, name.replace("conv", "bn"), nn.Identity())
    return model


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_fused_acnet_is_torchvisions_resnet(depth: int) -> None:
    """Its weights, by position, give torchvision's network the outputs of the network as it was trained."""
    ours, twin = zoo.build(f"acnet_resnet{depth}"), resnet_without_norms(depth)
    shake(ours)
    fused = fuse(ours)
    state = fused.state_dict().values()
    assert [t.shape for t in twin.state_dict().values()] == [t.shape for t in state]
    twin.load_state_dict(dict(zip(twin.state_dict(), state, strict=True)))
    image = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        trained, plain, theirs = ours(image), fused(image), twin(image)
    assert trained.std() > 1e-3 * trained.abs().max()
    assert (plain - trained).abs().max() <= 1e-5 * trained.abs().max()
    assert torch.equal(plain, theirs)


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_fusing_leaves_resnets_cost(depth: int) -> None:
    resnet = zoo.VARIANTS[f"resnet{depth}"].published
    assert resnet
    knob, copy = zoo.skeleton(f"acnet_resnet{depth}", fused=True), fuse(zoo.skeleton(f"acnet_resnet{depth}"))
    assert [p.shape for p in knob.parameters()] == [p.shape for p in copy.parameters()]
    with torch.no_grad(), FlopCounterMode(display=False) as count:
        knob(torch.empty(1, 3, 224, 224, device="meta"))
    assert count.get_total_flops() // 2 == resnet.macs
    channels = sum(m.out_channels for m in knob.modules() if isinstance(m, nn.Conv2d) and m.bias is not None)
    params = sum(p.numel() for p in knob.parameters())
    assert params == resnet.params - channels  # of gamma and beta, a bias is left


def test_a_block_is_three_convolutions_with_norms_of_their_own() -> None:
    """Equation by equation of section 3, in torch's functions alone."""
    made = block()
    x = torch.randn(1, 4, 7, 7, generator=torch.Generator().manual_seed(2))
    assert made.vertical is not None
    assert made.horizontal is not None
    total = torch.zeros(1, 6, 4, 4)
    for branch, padding in ((made.square, (1, 1)), (made.vertical, (1, 0)), (made.horizontal, (0, 1))):
        n = branch.norm
        y = F.conv2d(x, branch.conv.weight, stride=2, padding=padding)
        total += F.batch_norm(y, n.running_mean, n.running_var, n.weight, n.bias, eps=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(made(x), total)
