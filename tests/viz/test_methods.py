"""All methods in one table: how maps are drawn, and the ones that this table adds."""

import numpy as np
import pytest
import torch
from torch import nn

from viz import layers, methods
from viz.methods import BASELINES, METHODS, OCCLUSION


class Corner(nn.Module):
    """Its first class is the sum of the upper left quarter of a picture of 14 pixels a side."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        score = x[:, :, :7, :7].sum((1, 2, 3))
        return torch.stack([score, -score], 1)


def test_occlusion_finds_what_a_network_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    best = layers.Best(path="maps", reason="it is the only one")
    monkeypatch.setattr("viz.layers.best", lambda family, model, image: best)
    model = nn.Sequential()
    model.add_module("maps", nn.Identity())
    model.add_module("sum", Corner())
    heat = methods.draw(OCCLUSION, model, torch.ones(1, 3, 14, 14), 0, told.append)
    assert heat.shape == (14, 14)
    assert heat[:7, :7].min() > 0
    assert np.abs(heat[8:, 8:]).max() == 0
    assert told[-1] == 1.0


def test_baselines_know_nothing_of_the_network() -> None:
    image = torch.zeros(1, 3, 20, 30)
    for method in BASELINES.values():
        one, other = (methods.draw(method, model, image, 0, print) for model in (Corner(), nn.Identity()))
        assert one.shape == (20, 30)
        np.testing.assert_array_equal(one, other)


def test_colours_leave_room_for_all_but_a_few_values() -> None:
    heat = np.linspace(-1, 1, 10_000, dtype=np.float32).reshape(100, 100)
    heat[0, 0] = 1000
    drawn = methods.legible(heat)
    assert drawn[0, 0] == drawn.max() == 1
    assert np.abs(drawn[50:] - heat[50:]).max() < 0.01
    flat = np.zeros((3, 3), np.float32)
    np.testing.assert_array_equal(methods.legible(flat), flat)


def test_evidence_inside() -> None:
    heat = np.array([[3, 1], [-5, 0]], np.float32)
    assert methods.inside(heat, np.array([[True, False], [True, False]])) == 0.75
    assert methods.inside(-np.abs(heat), np.ones((2, 2), np.bool_)) == 0


def test_the_table_tells_what_each_shows() -> None:
    for method in METHODS.values():
        assert method.paper
        assert method.what.endswith(".")
