"""The plumbing: stochastic depth keeps the mean, the resolution multiplier meets the papers' sizes."""

import pytest
import torch
from torch import nn

from zoo.layers import ConvNormAct, Rescale, StochasticDepth


def test_stochastic_depth_keeps_the_mean_and_drops_whole_images() -> None:
    drop = StochasticDepth(0.25)
    x = torch.ones(20_000, 3, 2, 2)
    torch.manual_seed(0)
    y = drop.train()(x)
    assert y.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert torch.equal(y.amin((1, 2, 3)), y.amax((1, 2, 3)))  # an image is left out as a whole
    assert y.mean().item() == pytest.approx(1, abs=0.015)  # three deviations of the mean
    assert torch.equal(drop.eval()(x), x)
    with pytest.raises(ValueError, match=r"not 1\."):
        StochasticDepth(1.0)


@pytest.mark.parametrize(("factor", "side"), [(6 / 7, 192), (5 / 7, 160), (4 / 7, 128), (0.86, 193)])
def test_resolutions_of_mobilenet(factor: float, side: int) -> None:
    """Section 3.4 of MobileNet: 192, 160 and 128 from 224 pixels. A flat image stays flat."""
    y = Rescale(factor)(torch.full((1, 3, 224, 224), 0.5))
    assert y.shape == (1, 3, side, side)
    torch.testing.assert_close(y, torch.full_like(y, 0.5))


@pytest.mark.parametrize("stride", [2, 3])
@pytest.mark.parametrize("kernel", [3, 5])
def test_tensorflow_pads_less_before_the_map_than_after_it(kernel: int, stride: int) -> None:
    """ceil(n / stride) windows; the first one starts half the padding, rounded down, before the map."""
    layer = ConvNormAct(1, 1, kernel, stride=stride, padding="same")
    nn.init.ones_(layer.conv.weight)
    for n in range(4, 12):
        out = -(-n // stride)
        before = max((out - 1) * stride + kernel - n, 0) // 2
        starts = [i * stride - before for i in range(out)]
        windows = [set(range(start, start + kernel)) & set(range(n)) for start in starts]
        image = torch.arange(float(n)).expand(1, 1, n, n)  # every pixel says in which column it lies
        expected = [[float(len(rows) * sum(columns)) for columns in windows] for rows in windows]
        assert layer.conv(layer.pad(image))[0, 0].tolist() == expected
