"""What a budget buys: the paper's networks lie on the way, and sums equal what is taken apart."""

from itertools import islice

import pytest

from zoo import variant
from zoo.budget import PATTERN, affordable, deeper, layers, measure


def test_the_papers_networks_lie_on_the_way() -> None:
    """Sixteen blocks are (3, 4, 6, 3), with the parameters and MACs of the registry."""
    assert PATTERN in list(islice(deeper(), 13))
    for kind, name, depth in (("basic", "resnet34", 34), ("bottleneck", "resnet50", 50)):
        known = variant(name).published
        assert known is not None
        net = affordable(kind, 64, known.params)[-1]
        assert (net.depths, net.params, net.macs, net.depth) == (PATTERN, known.params, known.macs, depth)
        assert affordable(kind, 64, known.params - 1)[-1].depth < depth


def test_a_stage_never_loses_a_block() -> None:
    for before, after in zip(deeper(), islice(deeper(), 1, 60), strict=False):
        assert sum(after) == sum(before) + 1
        assert all(b <= a for b, a in zip(before, after, strict=True))


@pytest.mark.parametrize(("kind", "width"), [("basic", 64), ("bottleneck", 16), ("bottleneck", 64)])
def test_sums_equal_the_networks_themselves(kind: str, width: int) -> None:
    nets = affordable(kind, width, 20_000_000)
    for net in (nets[0], nets[len(nets) // 2]):
        assert (net.params, net.macs) == measure(kind, width, net.depths)
        assert net.depth == layers(kind, net.depths)


def test_a_budget_too_small_buys_nothing() -> None:
    assert affordable("basic", 64, 1_000_000) == ()
