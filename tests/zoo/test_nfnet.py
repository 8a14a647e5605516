"""NFNet: weights standardised, the variance of the signal foretold and met, table 1 row by row."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.families.nfnet import GAMMA, NFBlock, NFNet, ScaledConv

# Table 1: depths, dropout, test resolution.
TABLE_1 = {
    "nfnet_f0": ((1, 2, 6, 3), 0.2, 256),
    "nfnet_f1": ((2, 4, 12, 6), 0.3, 320),
    "nfnet_f2": ((3, 6, 18, 9), 0.4, 352),
    "nfnet_f3": ((4, 8, 24, 12), 0.4, 416),
    "nfnet_f4": ((5, 10, 30, 15), 0.5, 512),
    "nfnet_f5": ((6, 12, 36, 18), 0.5, 544),
    "nfnet_f6": ((7, 14, 42, 21), 0.5, 576),
    "nfnet_f7": ((8, 16, 48, 24), 0.5, 608),
}


@pytest.mark.parametrize("name", TABLE_1)
def test_the_rows_of_table_1(name: str) -> None:
    depths, dropout, size = TABLE_1[name]
    model = zoo.skeleton(name)
    stages = list(model.get_submodule("stages").children())
    assert tuple(len(list(stage.children())) for stage in stages) == depths
    last = [stage.get_submodule("0.conv4") for stage in stages]
    assert [c.out_channels for c in last if isinstance(c, ScaledConv)] == [256, 512, 1536, 1536]
    assert {m.p for m in model.modules() if isinstance(m, nn.Dropout)} == {dropout}
    assert zoo.VARIANTS[name].input_size == size
    grouped = {m.weight.shape[1] for m in model.modules() if isinstance(m, ScaledConv) and m.groups > 1}
    assert grouped == {128}


def test_each_size_adds_the_blocks_of_f0_and_f7_lacks_skipinit() -> None:
    """F(n) has n + 1 times the depths of F0, and the stem, transitions and head of one network."""
    counts = [sum(p.numel() for p in zoo.skeleton(name).parameters()) for name in TABLE_1]
    steps = [b - a for a, b in pairwise(counts)]
    assert steps[:-1] == [steps[0]] * 6
    assert steps[0] - steps[-1] == 8 + 16 + 48 + 24


@pytest.mark.parametrize(("cin", "kernel", "groups"), [(16, 1, 1), (3, 3, 1), (32, 3, 4)])
def test_weights_have_mean_zero_and_variance_of_one_over_fan_in(cin: int, kernel: int, groups: int) -> None:
    conv = ScaledConv(cin, 8, kernel, groups=groups)
    nn.init.normal_(conv.weight, mean=3.0, std=2.0)
    conv.gain.data[0] = 5.0
    fan_in = cin // groups * kernel * kernel
    weight = conv.standardised().flatten(1)
    assert weight.shape == (8, fan_in)
    torch.testing.assert_close(weight.sum(1), torch.zeros(8), atol=1e-4, rtol=0)
    squares = weight.square().sum(1)  # fan-in times the variance
    torch.testing.assert_close(squares, torch.tensor([25.0, *[1.0] * 7]), atol=1e-3, rtol=1e-3)
    image = torch.randn(1, cin, 5, 5)
    expected = nn.functional.conv2d(image, conv.standardised(), padding=kernel // 2, groups=groups)
    torch.testing.assert_close(conv(image), expected)


def test_gamma_is_one_over_the_deviation_of_gelu() -> None:
    """E[GELU(z)^2] - E[GELU(z)]^2 over the normal density, by the trapezoid rule."""
    z = torch.linspace(-10, 10, 20_001, dtype=torch.float64)
    density = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
    gelu = z * (1 + torch.erf(z / math.sqrt(2))) / 2
    mean, square = torch.trapezoid(gelu * density, z), torch.trapezoid(gelu.square() * density, z)
    assert float((square - mean.square()).rsqrt()) == pytest.approx(GAMMA, rel=1e-3)  # theirs is from samples


def betas(model: nn.Module) -> list[float]:
    return [1 / b.by_beta.factor for b in model.modules() if isinstance(b, NFBlock)]


def test_the_variance_grows_by_alpha_squared_and_is_reset_by_a_transition() -> None:
    """F0 by hand: a block reads what was left by the one before, 1.04 behind a transition."""
    variances = [1.0, 1.04, 1.04, 1.08, 1.04, 1.08, 1.12, 1.16, 1.20, 1.24, 1.04, 1.08]
    assert [b * b for b in betas(zoo.skeleton("nfnet_f0"))] == pytest.approx(variances)


def test_the_signal_varies_as_foretold() -> None:
    """Fresh weights, every branch let through: from white noise, without any norm, beta is met."""
    torch.manual_seed(0)
    model = NFNet(depths=(8,), widths=(256,), dropout=0.0, skip_gain=1.0, num_classes=2).eval()
    measured: list[float] = []

    def measure(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        measured.append(inputs[0].var((0, 2, 3)).mean().item())

    for block in model.modules():
        if isinstance(block, NFBlock):
            block.register_forward_pre_hook(measure)
    with torch.no_grad():
        model(torch.randn(4, 3, 128, 128))
    expected = [1 + 0.04 * i for i in range(8)]
    assert [b * b for b in betas(model)] == pytest.approx(expected)
    assert measured == pytest.approx(expected, rel=0.15)
    assert [m / measured[0] for m in measured] == pytest.approx(expected, rel=0.05)


def test_skipinit_at_zero_passes_the_input_on() -> None:
    block = NFBlock(16, 16, 1, bottleneck=0.5, group_width=8, beta=1.0, drop_path=0.0, skip_gain=0.0).eval()
    x = torch.randn(1, 16, 4, 4)
    assert torch.equal(block(x), x)
