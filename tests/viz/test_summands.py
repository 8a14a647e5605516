"""The channels of a map add up to the map."""

import pytest
import torch

from viz import cam, summands


@pytest.fixture
def evidence() -> cam.Evidence:
    draw = torch.Generator().manual_seed(0)
    activation, gradient = torch.randn(2, 6, 3, 4, generator=draw)
    return cam.Evidence(
        path="last", target=0, activation=activation, gradient=gradient, logits=torch.zeros(2)
    )  # fmt: skip


@pytest.mark.parametrize("method", summands.METHODS)
def test_they_add_up(evidence: cam.Evidence, method: str) -> None:
    found = summands.summands(evidence, method)
    torch.testing.assert_close(found.terms.sum(0), cam.coarse(evidence, method))
    strength = found.terms.abs().sum((1, 2))
    assert (strength.diff() <= 0).all()
    assert sorted(found.channels) == list(range(6))


def test_by_hand() -> None:
    activation = torch.tensor([[[1.0, 1.0]], [[0.0, 8.0]]])
    gradient = torch.tensor([[[1.0, 3.0]], [[-1.0, -1.0]]])
    evidence = cam.Evidence(
        path="last", target=0, activation=activation, gradient=gradient, logits=torch.zeros(1)
    )  # fmt: skip
    found = summands.summands(evidence, "gradcam")
    assert found.channels == (1, 0)
    assert found.weights.tolist() == [-1, 2]
    assert found.activations.tolist() == [4, 1]
    assert found.terms.tolist() == [[[0, -8]], [[2, 2]]]


def test_others_are_no_sums(evidence: cam.Evidence) -> None:
    with pytest.raises(ValueError, match="not a sum over channels"):
        summands.summands(evidence, "eigencam")
