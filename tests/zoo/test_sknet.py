"""SKNet: what the branches see, what the softmax does, and how many units choose."""

import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.zoo.twins import shake
from zoo.families.sknet import SelectiveKernel
from zoo.layers import ConvNormAct


def kernel(branches: int = 3, *, shared: bool = False) -> SelectiveKernel:
    unit = SelectiveKernel(
        6, 4, stride=1, branches=branches, groups=1, reduction=2, least=2, shared=shared
    ).eval()
    shake(unit)
    return unit


@pytest.mark.parametrize("branch", [0, 1, 2])
def test_the_branches_see_3_5_and_7_pixels_with_nine_weights(branch: int) -> None:
    part = kernel().branches[branch]
    assert isinstance(part, ConvNormAct)
    x = torch.zeros(1, 6, 15, 15, requires_grad=True)
    part.conv(x)[0, 0, 7, 7].backward()
    assert x.grad is not None
    rows = x.grad[0].abs().sum((0, 2)).nonzero().flatten() - 7
    gap = branch + 1
    assert rows.tolist() == [-gap, 0, gap]


def test_attention_sums_to_one_over_the_branches() -> None:
    """In every unit of a whole network, for every image and every channel; and it depends on the image."""
    model = zoo.build("sknet_classroom", branches=4)
    shake(model)
    seen: list[Tensor] = []
    for module in model.modules():
        if isinstance(module, nn.Softmax):
            module.register_forward_hook(lambda m, i, out: seen.append(out))
    with torch.no_grad():
        model(torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert [tuple(a.shape) for a in seen] == [(2, 4, channels, 1, 1) for channels in (32, 32, 64, 64)]
    for attention in seen:
        torch.testing.assert_close(attention.sum(1), torch.ones_like(attention[:, 0]))
        assert attention.std(1).min() > 0
        assert not torch.allclose(attention[0], attention[1])


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("branch", [0, 1, 2])
def test_a_sure_choice_is_that_branch_alone(branch: int, shared: bool) -> None:
    unit = kernel(shared=shared)
    x = torch.randn(2, 6, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert unit.fc1.norm.bias is not None
        unit.fc1.norm.weight.zero_()  # the two layers now say the same of every picture
        unit.fc1.norm.bias.fill_(1)
        unit.fc2.weight.zero_()
        unit.fc2.weight[branch * 4 : branch * 4 + 4] = 50
        part = x[:, 2 * branch : 2 * branch + 2] if shared else x
        torch.testing.assert_close(unit(x), unit.branches[branch](part))


@pytest.mark.parametrize(("name", "units"), [("sknet50", [32, 32, 32, 64]), ("skresnet18", [16, 16, 32, 64])])
def test_units_that_choose(name: str, units: list[int]) -> None:
    """Equation 4, max(C/r, L): 128 to 1024 channels with r = 16, L = 32; 64 to 512 with r = 8, L = 16."""
    model = zoo.skeleton(name)
    firsts = [m for path, m in model.named_modules() if isinstance(m, SelectiveKernel) and ".0.tr" in path]
    assert [m.fc1.conv.out_channels for m in firsts] == units


def test_shares_have_to_be_equal() -> None:
    with pytest.raises(ValueError, match=r"64 channels .* 3 branches; 2 or 4 would work\."):
        zoo.skeleton("skresnet18", branches=3)
    zoo.skeleton("skresnet18", branches=3, width=96)
