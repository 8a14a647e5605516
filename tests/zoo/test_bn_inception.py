"""BN-Inception: figure 5 row by row, what batch norm does and undoes, the cost of the first convolution."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import zoo
from zoo.families.bn_inception import Inception, Row, batch_norm, convolution

# Figure 5: side and channels of the map behind each row, as its widths make them.
OUTPUTS = {
    "stem": (28, 192),
    "stages.3.a": (28, 256),
    "stages.3.b": (28, 320),
    "stages.3.c": (14, 576),
    "stages.4.a": (14, 576),
    "stages.4.b": (14, 576),
    "stages.4.c": (14, 608),
    "stages.4.d": (14, 608),
    "stages.4.e": (7, 1056),
    "stages.5.a": (7, 1024),
    "stages.5.b": (7, 1024),
}


def test_maps_of_figure_5() -> None:
    model = zoo.skeleton("bn_inception")
    seen: dict[str, tuple[int, int]] = {}

    def note(path: str, module: nn.Module) -> None:
        module.register_forward_hook(lambda m, i, out: seen.update({path: (out.shape[2], out.shape[1])}))

    for path in OUTPUTS:
        note(path, model.get_submodule(path))
    model(torch.empty(1, 3, 224, 224, device="meta"))
    assert seen == OUTPUTS


def test_without_the_redundant_biases() -> None:
    """The counts of the original network and of both peers: 10,016 filters, each with a useless bias."""
    parameters = [zoo.skeleton("bn_inception", bias=bias).parameters() for bias in (False, True)]
    assert [sum(p.numel() for p in some) for some in parameters] == [11_285_224, 11_285_224 + 10_016]


def test_batch_norm_is_algorithm_1() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(5).train()
    nn.init.uniform_(norm.weight, 0.5, 1.5)
    nn.init.normal_(norm.bias)
    x = 3 + 2 * torch.randn(4, 5, 6, 7)
    torch.testing.assert_close(batch_norm(x, norm.weight, norm.bias), norm(x))


def test_gamma_and_beta_can_undo_the_norm() -> None:
    """Section 3: with the deviation as gamma and the mean as beta, nothing has happened."""
    x = 3 + 2 * torch.randn(4, 5, 6, 7, generator=torch.Generator().manual_seed(0))
    gamma = torch.sqrt(x.var((0, 2, 3), correction=0) + 1e-5)
    torch.testing.assert_close(batch_norm(x, gamma, x.mean((0, 2, 3))), x)


@pytest.mark.parametrize(("norm", "changes"), [("batch", False), ("none", True)])
def test_batch_norm_takes_scale_and_bias_of_the_convolution_away(norm: str, changes: bool) -> None:
    """Sections 3.2 and 3.3: BN(aWu + b) = BN(Wu)."""
    torch.manual_seed(0)
    layers = convolution(3, 4, 3, norm=norm, bias=True, act="sigmoid").train()
    x = torch.randn(8, 3, 9, 9)
    before = layers(x)
    conv = layers.get_submodule("conv")
    assert isinstance(conv, nn.Conv2d)
    with torch.no_grad():
        conv.weight.mul_(7)
        assert conv.bias is not None
        conv.bias.add_(5)
    assert torch.allclose(layers(x), before, atol=1e-3) is not changes


def test_the_separable_stem_costs_what_googlenets_table_1_prints() -> None:
    """Its first row has 2.7 K parameters and 34 M ops; a plain 7x7 has 9.4 k and 118 M."""
    cost = {}
    for kind, layers in (("separable", 2), ("7x7", 1)):
        stem = zoo.skeleton("bn_inception", stem=kind).get_submodule("stem")
        first = nn.Sequential(*list(stem.children())[:layers])
        with torch.no_grad(), FlopCounterMode(display=False) as count:
            assert first(torch.empty(1, 3, 224, 224, device="meta")).shape == (1, 64, 112, 112)
        weights = sum(p.numel() for p in first.parameters() if p.ndim > 1)
        cost[kind] = (weights, round(count.get_total_flops() / 2e6))
    assert cost == {"separable": (2_712, 34), "7x7": (9_408, 118)}


def test_two_3x3_see_as_far_as_a_5x5() -> None:
    """The gradient of one output cell reaches 5x5 pixels through the third branch, 3x3 through the second."""

    def plain(cin: int, cout: int, kernel: int, stride: int = 1) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(cin, cout, kernel, stride, padding=kernel // 2))

    module = Inception(2, Row(1, 2, 1, 2, 1, 1, "avg"), plain)
    reached = {}
    for name, branch in module.items():
        x = torch.randn(1, 2, 11, 11, requires_grad=True)
        (gradient,) = torch.autograd.grad(branch(x)[0, 0, 5, 5], x)
        rows = gradient.abs().sum((0, 1, 3)).nonzero()
        reached[name] = int(rows.max() - rows.min()) + 1
    assert reached == {"1x1": 1, "3x3": 3, "3x3_3x3": 5, "pool": 3}


def test_a_halving_module_passes_the_pooled_map_through() -> None:
    """Rows 3c and 4e, "max + pass through": the last channels are the input's, pooled."""
    model = zoo.build("bn_inception_classroom")
    halving = model.get_submodule("stages.3.b")
    x = torch.randn(1, 64, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        out = halving(x)
    assert torch.equal(out[:, -64:], nn.functional.max_pool2d(x, 3, 2, ceil_mode=True))
    assert out.shape == (1, 40 + 24 + 64, 8, 8)


def test_more_modules_than_the_table_has_repeat_its_last_row() -> None:
    deeper = zoo.skeleton("bn_inception", **{"depths.1": 6}).get_submodule("stages.4")
    shapes = [[p.shape for p in module.parameters()] for module in deeper.children()]
    assert len(shapes) == 7
    assert shapes[3][2:4] == shapes[4][2:4]
    assert shapes[4] == shapes[5]
