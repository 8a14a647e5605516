"""MobileNetV2: table 2 and the block's cost as printed, and what makes bottlenecks linear and inverted."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import zoo
from zoo.families.mobilenet_v2 import TABLE_2, InvertedResidual

# Table 2 for 224 px: the input of each row of bottlenecks, as height and channels.
INPUTS = [(112, 32), (112, 16), (56, 24), (28, 32), (14, 64), (14, 96), (7, 160)]


def test_maps_of_table_2() -> None:
    model = zoo.skeleton("mobilenet_v2")
    stages = model.get_submodule("stages").children()
    x = model.get_submodule("stem")(torch.empty(1, 3, 224, 224, device="meta"))
    for stage, (side, channels), row in zip(stages, INPUTS, TABLE_2, strict=True):
        assert x.shape == (1, channels, side, side)
        assert len(list(stage.children())) == row.n
        x = stage(x)
    assert x.shape == (1, 320, 7, 7)
    assert model.get_submodule("last")(x).shape == (1, 1280, 7, 7)


@pytest.mark.parametrize(("cin", "cout", "t"), [(24, 24, 6), (64, 96, 6), (32, 16, 1)])
def test_a_block_costs_what_section_3_3_says(cin: int, cout: int, t: int) -> None:
    """h w d' t (d' + k^2 + d'') multiply-adds; without the expansion there is no first d'."""
    side = 14
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as count:
        InvertedResidual(cin, cout, 1, t).eval()(torch.empty(1, cin, side, side))
    first = cin if t > 1 else 0
    assert count.get_total_flops() // 2 == side * side * cin * t * (first + 3 * 3 + cout)


def test_ends_are_linear_and_insides_clip_at_six() -> None:
    for block in zoo.skeleton("mobilenet_v2").get_submodule("stages").modules():
        if isinstance(block, InvertedResidual):
            clipped = [name for name, m in block.named_modules() if isinstance(m, nn.ReLU6)]
            assert clipped == (["expand.act"] if block.expand is not None else []) + ["depthwise.act"]
    block = InvertedResidual(8, 8, 1, 6).eval()
    x = torch.randn(1, 8, 5, 5, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert block(x).min() < 0
        block.project.norm.weight.zero_()  # the block learns nothing: what is left is the shortcut
        assert torch.equal(block(x), x)


def test_shortcuts_join_the_narrow_ends_of_equal_blocks() -> None:
    """Ten of the seventeen blocks: all but the first of each row, at the widths of table 2."""
    blocks = [m for m in zoo.skeleton("mobilenet_v2").modules() if isinstance(m, InvertedResidual)]
    joined = [b.project.norm.num_features for b in blocks if b.has_shortcut]
    assert len(blocks) == 17
    assert joined == [24, 32, 32, 64, 64, 64, 96, 96, 160, 160]


@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet_v2_14", "mobilenet_v2_075", "mobilenet_v2_05"])
def test_the_authors_table_counts_without_batch_norm(name: str) -> None:
    """The reason given beside the README's parameters, to their two decimals."""
    model, published = zoo.skeleton(name), zoo.VARIANTS[name].published
    assert published
    norms = [p for m in model.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters()]
    ours = published.params - sum(p.numel() for p in norms)
    (printed,) = [p for p in published.printed if p.quantity == "params" and "README" in p.source]
    assert round(ours / 1e6, 2) == round(printed.value / 1e6, 2)
