"""GhostNet: what a ghost knows, what it costs, and the rows of table 1."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import zoo
from tests.zoo.twins import shake
from zoo.families.ghostnet import GhostBottleneck, GhostModule
from zoo.families.senet import SqueezeExcite

# Table 1: side and channels of the input, #exp, #out, SE, stride.
TABLE_1 = [
    (112, 16, 16, 16, 0, 1), (112, 16, 48, 24, 0, 2), (56, 24, 72, 24, 0, 1), (56, 24, 72, 40, 1, 2),
    (28, 40, 120, 40, 1, 1), (28, 40, 240, 80, 0, 2), (14, 80, 200, 80, 0, 1), (14, 80, 184, 80, 0, 1),
    (14, 80, 184, 80, 0, 1), (14, 80, 480, 112, 1, 1), (14, 112, 672, 112, 1, 1), (14, 112, 672, 160, 1, 2),
    (7, 160, 960, 160, 0, 1), (7, 160, 960, 160, 1, 1), (7, 160, 960, 160, 0, 1), (7, 160, 960, 160, 1, 1),
]  # fmt: skip


def test_rows_of_table_1() -> None:
    model = zoo.skeleton("ghostnet_100")
    blocks = [m for m in model.modules() if isinstance(m, GhostBottleneck)]
    x = model.get_submodule("stem")(torch.empty(1, 3, 224, 224, device="meta"))
    for block, (side, cin, exp, out, se, stride) in zip(blocks, TABLE_1, strict=True):
        assert x.shape == (1, cin, side, side)
        assert block.widen(x).shape == (1, exp, side, side)
        assert (block.excite is not None, block.down is not None) == (bool(se), stride == 2)
        x = block(x)
        assert x.shape == (1, out, side // stride, side // stride)
    x = model.get_submodule("last")(x)
    assert x.shape == (1, 960, 7, 7)
    assert model.get_submodule("hidden")(x).shape[1] == 1280


@pytest.mark.parametrize(("s", "d"), [(1, 3), (2, 3), (3, 1), (4, 5)])
def test_parameters_of_section_3_1(s: int, d: int) -> None:
    """n/s c for the intrinsic maps and (s - 1) n/s d d for their ghosts."""
    c, n = 60, 120
    module = GhostModule(c, n, s, d, nn.ReLU)
    weights = sum(m.weight.numel() for m in module.modules() if isinstance(m, nn.Conv2d))
    assert weights == n // s * c + (s - 1) * n // s * d * d


@pytest.mark.parametrize("s", [2, 3, 4])
def test_speed_up_is_equation_4(s: int) -> None:
    """n c over n/s c + (s - 1) n/s d d, which for d d much below c is about s."""
    c, n, d, side = 480, 480, 3, 7
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as count:
        GhostModule(c, n, s, d, nn.ReLU)(torch.empty(1, c, side, side))
    speed_up = n * c * side**2 / (count.get_total_flops() // 2)
    assert speed_up == pytest.approx(n * c / (n / s * c + (s - 1) * n / s * d * d))
    assert 0.94 * s < speed_up < s


@pytest.mark.parametrize(("cout", "ratio"), [(8, 2), (9, 3), (7, 2)])
def test_intrinsic_maps_are_kept_and_each_ghost_comes_from_one_of_them(cout: int, ratio: int) -> None:
    module = GhostModule(5, cout, ratio, 3, None).eval()
    shake(module)
    x = torch.randn(1, 5, 6, 6, generator=torch.Generator().manual_seed(0))
    assert module.cheap is not None
    with torch.no_grad():
        intrinsic = module.primary(x)
        out = module(x)
    count = intrinsic.shape[1]
    assert out.shape[1] == cout
    assert torch.equal(out[:, :count], intrinsic)
    maps = intrinsic.clone().requires_grad_()
    ghosts = module.cheap(maps)
    for i in range(ghosts.shape[1]):
        (gradient,) = torch.autograd.grad(ghosts[0, i].sum(), maps, retain_graph=True)
        parents = gradient[0].abs().sum((1, 2)).nonzero().flatten().tolist()
        assert parents == [i // (ratio - 1)]


def test_the_gate_is_a_hard_sigmoid_and_the_narrow_end_linear() -> None:
    for block in zoo.skeleton("ghostnet_100").modules():
        if isinstance(block, GhostBottleneck):
            acts = {name for name, m in block.named_modules() if isinstance(m, nn.ReLU | nn.Hardsigmoid)}
            inside = {"widen.primary.act", "widen.cheap.act"}
            assert acts == inside | ({"excite.act", "excite.gate"} if block.excite is not None else set())
            if isinstance(block.excite, SqueezeExcite):
                assert isinstance(block.excite.gate, nn.Hardsigmoid)


def test_more_bottlenecks_than_table_1_has_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^Stage 0 of table 1 has 2 bottlenecks, not 5; .*\.$"):
        zoo.skeleton("ghostnet_100", **{"depths.0": 5})
