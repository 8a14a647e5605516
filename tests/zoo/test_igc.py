"""IGC: the crossing of the groups, what it costs, and the layers of the authors' networks."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import zoo
from tests.zoo.twins import shake
from zoo.families.igc import IdentUnit, InterleavedGroupConv

# Weights of the stem, then G, L and M of each stage: from table 1 and the authors' symbol files.
NETWORKS = {
    "igc_l24m2_d38_cifar10": (27 * 48, [(48, 24, 2), (96, 24, 4), (192, 24, 8)]),
    "igc_l24m2_ident_d38_cifar10": (27 * 48, [(48, 24, 2), (96, 24, 4), (192, 24, 8)]),
    "igc_l4m32_ident_imagenet": (147 * 128, [(128, 4, 32), (256, 4, 64), (512, 4, 128), (1024, 4, 256)]),
    "igc_l16m16_ident_imagenet": (
        147 * 256,
        [(256, 16, 16), (512, 16, 32), (1024, 16, 64), (2048, 16, 128)],
    ),
    "igc_l100m2_ident_imagenet": (
        147 * 100,
        [(200, 100, 2), (400, 200, 2), (800, 400, 2), (1600, 800, 2)],
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_of_the_authors_networks(name: str) -> None:
    stem, stages = NETWORKS[name]
    model = zoo.skeleton(name)
    plain, cifar = name == "igc_l24m2_d38_cifar10", name.endswith("cifar10")
    late = name == "igc_l24m2_ident_d38_cifar10"  # the first block of a stage has the M of the stage before
    (conv,) = (m for m in model.get_submodule("stem").modules() if isinstance(m, nn.Conv2d))
    assert conv.weight.numel() == stem
    cin, before = conv.out_channels, stages[0][2]
    for stage, (width, primary, secondary) in zip(
        model.get_submodule("stages").children(), stages, strict=True
    ):
        assert width == primary * secondary
        blocks = [m for m in stage.modules() if isinstance(m, InterleavedGroupConv)]
        assert len(blocks) == (12 if cifar else 4)
        for i, block in enumerate(blocks):
            entering, groups = (cin, before if late else secondary) if i == 0 else (width, secondary)
            assert block.primary.groups == primary
            assert block.primary.weight.numel() == 9 * entering * width // primary
            assert block.secondary.groups == groups
            assert block.secondary.weight.numel() == width * width // groups
        shortcuts = [u.shortcut for u in stage.modules() if isinstance(u, IdentUnit)]
        projections = [m for s in shortcuts for m in s.modules() if isinstance(m, nn.Conv2d)]
        expected = [cin * width // primary] if cin != width and not plain else []
        assert [m.weight.numel() for m in projections] == expected
        cin, before = width, secondary


@pytest.mark.parametrize(("primary", "secondary"), [(24, 2), (4, 8), (1, 16), (16, 1)])
def test_parameters_of_section_3_2(primary: int, secondary: int) -> None:
    """G^2 (S/L + 1/M), with S = 9 pixels and G = L M."""
    g = primary * secondary
    block = InterleavedGroupConv(g, g, 1, primary, secondary, act=True)
    weights = block.primary.weight.numel() + block.secondary.weight.numel()
    assert weights == round(g * g * (9 / primary + 1 / secondary))


def test_wider_than_a_full_convolution_of_as_many_weights() -> None:
    """The condition of section 3.2, L / (L - 1) < M S, seen at the network that the paper compares."""
    block = InterleavedGroupConv(48, 48, 1, 24, 2, act=True)
    full = nn.Conv2d(16, 16, 3, bias=False)
    assert block.primary.weight.numel() + block.secondary.weight.numel() < full.weight.numel()


@pytest.mark.parametrize(("primary", "secondary"), [(24, 2), (4, 8), (3, 5)])
def test_each_secondary_partition_has_one_channel_of_every_primary_one(primary: int, secondary: int) -> None:
    block = InterleavedGroupConv(primary * secondary, primary * secondary, 1, primary, secondary, act=False)
    x = torch.arange(primary * secondary).reshape(1, -1, 1, 1)
    mixed = block.interleave(x)
    assert sorted(mixed.flatten().tolist()) == list(range(primary * secondary))
    partitions = mixed.reshape(secondary, primary) // secondary  # the primary partition of each channel
    assert all(row.tolist() == list(range(primary)) for row in partitions)
    assert torch.equal(block.back(mixed), x)


@pytest.mark.parametrize("crossed", [True, False])
def test_crossed_groups_connect_all_channels(crossed: bool) -> None:
    block = InterleavedGroupConv(12, 12, 1, 4, 3, act=False).eval()
    shake(block)
    if not crossed:
        block.interleave = block.back = nn.Identity()  # type: ignore[assignment]
    x = torch.randn(1, 12, 3, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (gradient,) = torch.autograd.grad(block(x)[0, 0, 1, 1], x)
    assert len(gradient[0].abs().sum((1, 2)).nonzero()) == (12 if crossed else 6)


def test_a_block_is_one_full_convolution() -> None:
    """Without a ReLU between its two convolutions; the kernel that equals them is computed here directly."""
    primary, secondary = 3, 4
    block = InterleavedGroupConv(12, 12, 1, primary, secondary, act=False).double().eval()
    shake(block)
    kernel = torch.zeros(12, 12, 3, 3, dtype=torch.double)
    spatial, point = block.primary.weight, block.secondary.weight[..., 0, 0]
    for out in range(12):
        partition, place = out % secondary, out // secondary  # channel l M + m: primary l, secondary m
        for middle in range(primary):
            row = point[partition * primary + place, middle]
            for m in range(secondary):
                kernel[out, middle * secondary + m] = row * spatial[middle * secondary + partition, m]
    x = torch.randn(1, 12, 6, 6, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(block(x), block.norm(F.conv2d(x, kernel, padding=1)))


@pytest.mark.parametrize(
    ("name", "millions", "what"),
    [
        ("igc_l4m32_ident_imagenet", 11.207, "convolutions"),
        ("igc_l16m16_ident_imagenet", 11.441, "convolutions"),
        ("igc_l100m2_ident_imagenet", 8.608, "convolutions and classifier"),
    ],
)
def test_what_the_authors_count(name: str, millions: float, what: str) -> None:
    """The reasons beside the README's parameters."""
    kinds = (nn.Conv2d, nn.Linear) if "classifier" in what else (nn.Conv2d,)
    counted = [m for m in zoo.skeleton(name).modules() if isinstance(m, kinds)]
    assert round(sum(p.numel() for m in counted for p in m.parameters()) / 1e6, 3) == millions


def test_an_odd_split_is_refused() -> None:
    with pytest.raises(ValueError, match=r"even number of secondary partitions, not 1\.$"):
        zoo.skeleton("igc_l100m2_ident_imagenet", secondary=1)
