"""ShuffleNet: the shuffle as a permutation, who hears from whom, the cost of a unit, and tables 1 and 3."""

import pytest
import torch
from pytorchcv.models.shufflenet import ShuffleNet as PytorchcvShuffleNet
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import zoo
from tests.zoo.twins import assert_same_logits, load_by_position, picture, shake
from zoo.families.shufflenet_v1 import TABLE_1, ChannelShuffle, ShuffleUnit


def channels(n: int) -> Tensor:
    """A map of one pixel whose channels hold their own numbers."""
    return torch.arange(n).reshape(1, n, 1, 1)


def test_shuffle_by_hand() -> None:
    """Figure 1: three groups of four channels; each new group has channels of all three."""
    assert ChannelShuffle(3)(channels(12)).flatten().tolist() == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]


@pytest.mark.parametrize(("n", "groups"), [(12, 3), (60, 3), (68, 4), (96, 8), (50, 2), (7, 1)])
def test_shuffle_is_a_permutation_with_an_inverse_that_treats_groups_equally(n: int, groups: int) -> None:
    x = channels(n)
    y = ChannelShuffle(groups)(x)
    assert sorted(y.flatten().tolist()) == list(range(n))
    assert torch.equal(ChannelShuffle(n // groups)(y), x)
    assert torch.equal(y, nn.ChannelShuffle(groups)(x.float()).long())
    if n % groups**2 == 0:  # every new group takes an equal number from each old one
        origins = y.reshape(groups, -1) // (n // groups)
        assert all(row.bincount(minlength=groups).unique().numel() == 1 for row in origins)


@pytest.mark.parametrize("shuffle", [True, False])
def test_groups_hear_from_each_other_only_by_the_shuffle(shuffle: bool) -> None:
    """What reaches the first group of channels through one unit: a third of the input, or all of it."""
    unit = ShuffleUnit(36, 36, 1, 3, shuffle=shuffle).eval()
    shake(unit)
    for module in unit.modules():  # linear, so that no path is closed
        if hasattr(module, "act"):
            module.act = nn.Identity()
    unit.relu = nn.Identity()  # type: ignore[assignment]
    x = torch.randn(1, 36, 3, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()
    (gradient,) = torch.autograd.grad(unit(x)[0, :12, 1, 1].sum(), x)
    heard = gradient[0].abs().sum((1, 2)).nonzero().flatten().tolist()
    assert heard == list(range(36 if shuffle else 12))


@pytest.mark.parametrize(("c", "g"), [(240, 3), (384, 8), (144, 1)])
def test_cost_of_a_unit_is_that_of_section_3_2(c: int, g: int) -> None:
    """hw (2cm/g + 9m) for c channels and a bottleneck of m = c/4."""
    m, side = c // 4, 28
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as count:
        ShuffleUnit(c, c, 1, g).eval()(torch.empty(1, c, side, side))
    assert count.get_total_flops() // 2 == side * side * (2 * c * m // g + 9 * m)


@pytest.mark.parametrize("groups", TABLE_1)
def test_table_1_counts_without_the_classifier(groups: int) -> None:
    name = f"shufflenet_v1_g{groups}_x1_0"
    published, head = zoo.VARIANTS[name].published, zoo.skeleton(name).get_submodule("head")
    assert published
    assert isinstance(head, nn.Linear)
    assert abs(published.macs - head.weight.numel() - TABLE_1[groups]) < 0.51e6


@pytest.mark.parametrize(("stage", "side", "units"), [(0, 28, 4), (1, 14, 8), (2, 7, 4)])
@pytest.mark.parametrize("groups", TABLE_1)
def test_rows_of_table_1(groups: int, stage: int, side: int, units: int) -> None:
    printed = {1: (144, 288, 576), 2: (200, 400, 800), 3: (240, 480, 960), 4: (272, 544, 1088)}
    printed[8] = (384, 768, 1536)
    model = zoo.skeleton(f"shufflenet_v1_g{groups}_x1_0")
    x = model.get_submodule("stem")(torch.empty(1, 3, 224, 224, device="meta"))
    assert x.shape == (1, 24, 56, 56)
    stages = list(model.get_submodule("stages").children())
    for part in stages[: stage + 1]:
        x = part(x)
    assert x.shape == (1, printed[groups][stage], side, side)
    assert len(list(stages[stage].children())) == units


def test_the_shuffle_is_free() -> None:
    whole, without = (zoo.skeleton("shufflenet_v1_g3_x1_0", shuffle=on) for on in (True, False))
    assert [p.shape for p in whole.parameters()] == [p.shape for p in without.parameters()]


@pytest.mark.parametrize(("name", "stem"), [("shufflenet_v1_g3_x1_5", 24), ("shufflenet_v1_g3_x2_0", 48)])
def test_logits_equal_those_of_pytorchcvs_units_at_the_authors_widths(name: str, stem: int) -> None:
    factor = {24: 3, 48: 4}[stem]  # of half the widths of table 1
    widths = [[120 * factor << stage] * depth for stage, depth in enumerate((4, 8, 4))]
    reference = PytorchcvShuffleNet(widths, stem, groups=3)
    reference.output = nn.Linear(widths[-1][0], 1000, bias=False)
    reference.eval()
    shake(reference)
    ours = zoo.build(name)
    load_by_position(ours, reference.state_dict().values())
    assert_same_logits(ours, reference, picture(224))


def test_groups_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^The 12 channels .* 8 equal groups; 16 channels can\.$"):
        zoo.skeleton("shufflenet_v1_g3_x0_5", groups=8)
