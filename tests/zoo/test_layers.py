"""The plumbing: stochastic depth keeps the mean, the resolution multiplier meets the papers' sizes."""

import pytest
import torch

from zoo.layers import Rescale, StochasticDepth


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
