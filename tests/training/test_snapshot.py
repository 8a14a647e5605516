"""What a snapshot shows, worked by hand."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from training.network import Outline
from training.snapshot import evaluate, handful, snapshot

LABELS = torch.tensor([0, 1, 0, 1])
# the picture's two numbers are its logits
IMAGES = torch.tensor([[2.0, 0.0], [3.0, 0.0], [0.0, 1.0], [0.0, 4.0]]).view(4, 2, 1, 1)


class Small(nn.Module):
    """Passes a picture of two channels on as its logits, through three ReLUs of which one unit is dead."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 1, bias=False)
        self.conv.weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]).view(3, 2, 1, 1)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.conv(x))[:, :2].mean((2, 3))


OUTLINE = Outline(macs=6, layers=("conv",), activations={"relu": 1}, stages=("conv",), convolution="conv")


def test_evaluation_by_hand() -> None:
    verdict = evaluate(Small(), iter(torch.split(IMAGES, 2)), LABELS, OUTLINE.activations)
    losses = [np.log1p(np.exp(-2)), np.log1p(np.exp(3)), np.log1p(np.exp(1)), np.log1p(np.exp(-4))]
    assert verdict.loss == pytest.approx(np.mean(losses))
    assert verdict.accuracy == 0.5
    assert verdict.dead == pytest.approx((1 / 3,))
    assert torch.equal(verdict.logits, IMAGES.flatten(1))


def test_a_snapshot_by_hand() -> None:
    network = Small()
    verdict = evaluate(network, iter([IMAGES]), LABELS, {})
    first = torch.arange(8.0).view(1, 2, 2, 2)
    arrays = snapshot(network, OUTLINE, verdict, LABELS, (2, 3), first)
    assert arrays["confusion"].tolist() == [[1, 1], [1, 1]]
    assert arrays["probabilities"].dtype == np.float16
    assert arrays["probabilities"][1] == pytest.approx([1 / (1 + np.exp(4)), 1 / (1 + np.exp(-4))], abs=1e-3)
    assert arrays["filters"].shape == (3, 2, 1, 1)
    assert arrays["activation.0"][0].tolist() == [[0, 85], [170, 255]]
    assert arrays["activation.0"][2].tolist() == [[255, 170], [85, 0]]
    assert arrays["wrong.index"].tolist() == [1, 2]
    assert arrays["wrong.predicted"].tolist() == [0, 1]
    assert arrays["wrong.probability"] == pytest.approx(
        [1 / (1 + np.exp(-3)), 1 / (1 + np.exp(-1))], abs=1e-3
    )
    assert arrays["wrong.loss"] == pytest.approx([np.log1p(np.exp(3)), np.log1p(np.exp(1))], abs=1e-2)


def test_the_handful_takes_classes_in_turn() -> None:
    labels = torch.tensor([0, 0, 1, 0, 2, 1])
    assert handful(labels, 3) == (0, 2, 4, 1, 5, 3)
    assert len(handful(torch.arange(100) % 10, 10)) == 12
