"""Attribution: what a linear network must give, captum where it is right, and every network of the zoo."""

import pytest
import torch
from torch import nn

import zoo
from viz import attribution


@pytest.mark.parametrize("key", attribution.METHODS)
def test_a_map_of_every_method(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attribution, "MASKS", 20)
    model = zoo.build("resnet_classroom")
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    done: list[float] = []
    found = attribution.METHODS[key].run(model, image, 3, done.append)
    assert found.shape == (32, 32)
    assert found.isfinite().all()
    assert done == sorted(done)
    assert found.min() >= 0 or attribution.METHODS[key].signed
    assert isinstance(model, nn.Module)
