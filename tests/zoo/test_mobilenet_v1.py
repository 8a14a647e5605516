"""MobileNet: table 1 row by row, the cost of a separable convolution, and what tables 2 to 5 print."""

import pytest
import timm
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import zoo
from tests.zoo.twins import assert_same_logits, load_by_position, picture, shake
from zoo.anatomy import Anatomy, dissect
from zoo.families.mobilenet_v1 import DepthwiseSeparable

# Table 1, the lines in pairs: stride of the depthwise convolution, shape of the 1x1's filters, and the side
# of the map that comes in. The last stride is printed as 2, which its own map sizes contradict.
TABLE_1 = [
    (1, (32, 64), 112), (2, (64, 128), 112), (1, (128, 128), 56), (2, (128, 256), 56), (1, (256, 256), 28),
    (2, (256, 512), 28), *[(1, (512, 512), 14)] * 5, (2, (512, 1024), 14), (1, (1024, 1024), 7),
]  # fmt: skip


def macs_of(module: nn.Module, *shape: int) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as count:
        module.to("meta")(torch.empty(shape, device="meta"))
    return count.get_total_flops() // 2


def anatomy_of(name: str, **knobs: int | float | str | bool) -> Anatomy:
    size = zoo.VARIANTS[name].input_size
    return dissect(zoo.skeleton(name, **knobs), (3, size, size))  # type: ignore[arg-type]


def test_rows_of_table_1() -> None:
    model = zoo.skeleton("mobilenet_v1")
    blocks = [m for m in model.modules() if isinstance(m, DepthwiseSeparable)]
    x = model.get_submodule("stem")(torch.empty(1, 3, 224, 224, device="meta"))
    for block, (stride, (cin, cout), side) in zip(blocks, TABLE_1, strict=True):
        assert x.shape == (1, cin, side, side)
        assert block.depthwise.conv.stride == (stride, stride)
        assert block.depthwise.conv.groups == cin
        x = block(x)
        assert x.shape[1] == cout
    assert x.shape == (1, 1024, 7, 7)
    assert 1 + 2 * len(blocks) + 1 == 28  # layers, as section 3.2 counts them


@pytest.mark.parametrize(("m", "n", "side"), [(32, 64, 112), (512, 512, 14), (64, 10, 9)])
def test_cost_formulas_of_section_3_1(m: int, n: int, side: int) -> None:
    """D_K D_K M D_F D_F + M N D_F D_F against D_K D_K M N D_F D_F: 1/N + 1/D_K^2 of it."""
    separable = macs_of(DepthwiseSeparable(m, n, 1, nn.ReLU), 1, m, side, side)
    full = macs_of(nn.Conv2d(m, n, 3, padding=1, bias=False), 1, m, side, side)
    assert separable == 9 * m * side**2 + m * n * side**2
    assert separable / full == pytest.approx(1 / n + 1 / 9)


# Table 3: a layer of 512 channels at 14x14, in millions of mult-adds and of parameters.
@pytest.mark.parametrize(
    ("layer", "channels", "side", "mult_adds", "params"),
    [
        (nn.Conv2d(512, 512, 3, padding=1, bias=False), 512, 14, 462, 2.36),
        (DepthwiseSeparable(512, 512, 1, nn.ReLU), 512, 14, 52.3, 0.27),
        (DepthwiseSeparable(384, 384, 1, nn.ReLU), 384, 14, 29.6, 0.15),  # alpha = 0.75
        (DepthwiseSeparable(384, 384, 1, nn.ReLU), 384, 10, 15.1, 0.15),  # and rho = 0.714
    ],
)
def test_table_3(layer: nn.Module, channels: int, side: int, mult_adds: float, params: float) -> None:
    assert macs_of(layer, 1, channels, side, side) / 1e6 == pytest.approx(mult_adds, abs=0.5)
    weights = sum(p.numel() for p in layer.parameters() if p.ndim > 1)
    assert round(weights / 1e6, 2) == params


def test_table_2_where_the_cost_is() -> None:
    """Per cent of mult-adds and of weights for each kind of layer. For the 3x3 the paper prints 1.19 % of the
    mult-adds, which leaves 0.71 % to nobody: two digits changed places."""
    layers = anatomy_of("mobilenet_v1").layers
    shares: dict[str, tuple[float, float]] = {}
    for kind, label in (("1x1", "Conv 1×1"), ("dw", "Depthwise"), ("3x3", "Conv 3×3"), ("fc", "Linear")):
        mine = [layer for layer in layers if layer.label.startswith(label)]
        weights = sum(layer.params - (1000 if kind == "fc" else 0) for layer in mine)
        shares[kind] = (sum(layer.macs or 0 for layer in mine), weights)
    total = [sum(share[i] for share in shares.values()) for i in (0, 1)]
    per_cent = {k: tuple(round(100 * v[i] / total[i], 2) for i in (0, 1)) for k, v in shares.items()}
    assert per_cent == {"1x1": (94.86, 74.59), "dw": (3.06, 1.06), "3x3": (1.91, 0.02), "fc": (0.18, 24.33)}


@pytest.mark.parametrize(
    ("knobs", "mult_adds", "params"),
    [({"separable": False}, 4866e6, 29.3e6), ({"depths.3": 1}, 307e6, 2.9e6)],
)
def test_tables_4_and_5(knobs: dict[str, bool | int], mult_adds: float, params: float) -> None:
    """The network with full convolutions, and the shallow one without its five layers of 14x14x512.

    The first is 1.3 million above the print, about the classifier's share.
    """
    anatomy = anatomy_of("mobilenet_v1", **knobs)
    assert anatomy.macs == pytest.approx(mult_adds, abs=1.5e6)
    assert anatomy.params == pytest.approx(params, abs=0.05e6)


@pytest.mark.parametrize(("rho", "row"), [(0.857, "r192"), (0.714, "r160"), (0.571, "r128")])
def test_the_multiplier_rho_costs_what_a_smaller_picture_does(rho: float, row: str) -> None:
    assert anatomy_of("mobilenet_v1", resolution=rho).macs == anatomy_of(f"mobilenet_v1_{row}").macs


@pytest.mark.parametrize("act", ["relu", "relu6"])
@pytest.mark.parametrize("name", ["mobilenet_v1_r192", "mobilenet_v1_r160", "mobilenet_v1_r128"])
def test_logits_equal_timms_with_either_activation(name: str, act: str) -> None:
    """timm has ReLU6 unless it is told otherwise; pixels and weights are scaled up so that six is reached."""
    reference = timm.create_model("mobilenetv1_100", act_layer=act).eval()
    shake(reference)
    ours = zoo.build(name, act=act)
    load_by_position(ours, reference.state_dict().values())
    image = 30 * picture(zoo.VARIANTS[name].input_size)
    expected = assert_same_logits(ours, reference, image)
    other = zoo.build(name, act={"relu": "relu6", "relu6": "relu"}[act])
    other.load_state_dict(ours.state_dict())
    with torch.no_grad():
        assert (other(image) - expected).abs().max() > 1e-3 * expected.abs().max()
