"""EfficientNetV2: table 4, what fusing costs, and where it stops."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import zoo
from zoo.anatomy import dissect
from zoo.families.efficientnet_v2 import FusedMBConv
from zoo.families.mnasnet import MBConv

# Table 4, stages 1 to 6 of S: operator, stride, channels, layers; and the resolution of 384 pixels there.
TABLE_4 = [
    ("Fused-MBConv1", 1, 24, 2, 192),
    ("Fused-MBConv4", 2, 48, 4, 96),
    ("Fused-MBConv4", 2, 64, 4, 48),
    ("MBConv4 SE", 2, 128, 6, 24),
    ("MBConv6 SE", 1, 160, 9, 24),
    ("MBConv6 SE", 2, 256, 15, 12),
]


def operator(block: nn.Module, cin: int) -> str:
    """A block in the words of table 4, read off its weights."""
    parts = dict(block.get_submodule("branch").named_children())
    assert "project" not in parts or not hasattr(parts["project"], "act")  # the narrow end is linear
    wide = parts["fused" if isinstance(block, FusedMBConv) else "expand"].get_submodule("conv")
    assert isinstance(wide, nn.Conv2d)
    expansion = wide.out_channels // cin if "project" in parts else 1
    kind = "Fused-MBConv" if isinstance(block, FusedMBConv) else "MBConv"
    return f"{kind}{expansion}" + (" SE" if "se" in parts else "")


def test_s_is_table_4() -> None:
    model = zoo.skeleton("efficientnet_v2_s")
    x = model.get_submodule("stem")(torch.empty(1, 3, 384, 384, device="meta"))
    assert x.shape == (1, 24, 192, 192)
    stages = model.get_submodule("stages").children()
    for stage, (words, stride, channels, layers, side) in zip(stages, TABLE_4, strict=True):
        entering = x.shape[1]
        assert x.shape[2] == side * stride
        assert len(list(stage.children())) == layers
        for block in stage.children():
            assert operator(block, entering) == words
            entering = channels
        x = stage(x)
        assert x.shape == (1, channels, side, side)
    assert model.get_submodule("last")(x).shape == (1, 1280, 12, 12)


@pytest.mark.parametrize(("cin", "cout", "t", "stride"), [(24, 48, 4, 2), (48, 48, 4, 1), (16, 16, 1, 1)])
def test_a_fused_block_costs_nine_times_its_expansion(cin: int, cout: int, t: int, stride: int) -> None:
    """h w t d 9 d for the 3x3 and h w t d d' for the 1x1 after it."""
    side = 12
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as count:
        block = FusedMBConv(cin, cout, expansion=t, stride=stride, padding=None, drop=0.2).eval()
        block(torch.empty(1, cin, side * stride, side * stride))
    project = t * cin * cout if t > 1 else 0
    assert count.get_total_flops() // 2 == side * side * (9 * cin * t * cin + project)


def test_fusing_everything_is_too_dear() -> None:
    """The trend of table 3: a little for the early stages, many times as much for the late ones."""
    counts = [dissect(zoo.skeleton("efficientnet_v2_m", fused=n), (3, 480, 480)) for n in (0, 3, 5, 7)]
    params, macs = [c.params for c in counts], [c.macs for c in counts]
    assert params == sorted(params)
    assert macs == sorted(macs)
    assert params[1] < 1.05 * params[0]  # table 3, on B4: 20.6, 20.0, 43.4 and 132.0 million
    assert params[2] > 1.4 * params[0]
    assert params[3] > 3.5 * params[0]


@pytest.mark.parametrize("fused", [0, 1, 2, 4, 6])
def test_the_first_stages_are_fused_even_where_two_rows_are_equal(fused: int) -> None:
    """At a quarter of S, stages 1 and 2 have the same row."""
    stages = zoo.skeleton("efficientnet_v2_s", fused=fused, width=0.25, depth=0.25).get_submodule("stages")
    kinds = [{type(block) for block in stage.children()} for stage in stages.children()]
    assert kinds == [{FusedMBConv}] * fused + [{MBConv}] * (6 - fused)
