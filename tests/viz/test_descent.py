"""What is said of the steps of a deconvnet: counts, maps, arrows and filters, by hand and for real."""

import pytest
import torch
from torch import Tensor, nn

import zoo
from viz.deconvnet import Step, descend
from viz.descent import kernel, links, share, shown, strongest, tally


def step(kind: str, before: Tensor, after: Tensor, **more: Tensor) -> Step:
    return Step(path="relu", kind=kind, title="", before=before, after=after, up=after, **more)  # type: ignore[arg-type]


def test_counts_and_sums_by_hand() -> None:
    before = torch.tensor([[[1.0, -2.0], [0.0, 3.0]]])
    counted = tally(step("rectify", before, before.clamp(min=0)))
    assert (counted.arrived, counted.kept, counted.before, counted.after) == (3, 2, 6, 4)


def test_the_maps_that_carry_the_signal() -> None:
    signal = torch.tensor([0.0, 3.0, -5.0, 1.0]).reshape(4, 1, 1)
    assert strongest(signal, 3) == [2, 1, 3]
    assert strongest(signal, 9) == [2, 1, 3]  # and not the one without any
    assert share(signal, [2, 1]) == pytest.approx(8 / 9)
    assert share(torch.zeros(2, 1, 1), []) == 1
    above, below = shown(step("rectify", signal, signal.clamp(min=0)), 3)
    assert above == below == [1, 3, 2]  # those that go on first, then one that is dropped


def test_arrows_follow_the_switches() -> None:
    before = torch.tensor([[[5.0, -7.0], [0.0, 1.0]]])
    switches = torch.tensor([[[5, 2], [8, 15]]])
    found = links(step("unpool", before, torch.zeros(1, 4, 4), switches=switches), 0, 2)
    assert [(link.start, link.end) for link in found] == [((0, 1), (0, 2)), ((0, 0), (1, 1))]
    assert links(step("rectify", before, before), 0, 2) == ()


def test_filters_of_groups() -> None:
    """Two groups of two: map 3 reads maps 2 and 3, and none of the others."""
    weight = torch.arange(8.0).reshape(4, 2, 1, 1)
    filters = step("filter", torch.ones(4, 1, 1), torch.ones(4, 1, 1), weight=weight)
    assert [kernel(filters, 3, below) for below in (0, 1)] == [None, None]
    assert [float(k) for below in (2, 3) if (k := kernel(filters, 3, below)) is not None] == [6, 7]


def test_a_filter_paints_itself() -> None:
    """One unit of a convolution sends its activation times exactly the filter that is shown."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(27, 2)).eval()
    steps = descend(model, torch.rand(1, 2, 5, 5), "0", 1, (1, 1))
    assert [each.kind for each in steps] == ["unit", "filter"]
    value = float(steps[0].after[1, 1, 1])
    for below in range(2):
        found = kernel(steps[1], 1, below)
        assert found is not None
        torch.testing.assert_close(steps[1].after[below, 1:4, 1:4], value * found)


@pytest.mark.parametrize("name", ["zfnet_classroom", "alexnet_classroom", "vgg_classroom"])
def test_real_descents(name: str) -> None:
    model = zoo.build(name)
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for each in descend(model, image, "stages.2", 1):
        above, below = shown(each, 4)
        assert len(above) <= 4
        assert len(below) <= 4
        counted = tally(each)
        assert counted.kind != "rectify" or counted.kept <= counted.arrived
        for channel in above:
            for link in links(each, channel, 3):
                assert each.after[channel][link.end] != 0 or each.before[channel][link.start] != 0
