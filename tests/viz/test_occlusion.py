"""Occlusion: against captum, by hand, at the edges, and nothing left behind."""

import threading

import numpy as np
import pytest
import torch
from captum.attr import Occlusion as Captum
from torch import Tensor, nn

import zoo
from viz import occlusion
from viz.occlusion import Occluder, occlude
from zoo.weights import Preprocess


def picture(side: int = 32, channels: int = 3, seed: int = 0) -> Tensor:
    return torch.randn(1, channels, side, side, generator=torch.Generator().manual_seed(seed))


class Linear(nn.Module):
    """Two scores: the sum of all pixels of the first channel times 1, 2, 3, ..., and minus that."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.maps = nn.Identity()
        self.weight = nn.Parameter(torch.arange(1.0, side * side + 1).reshape(1, side, side))

    def forward(self, x: Tensor) -> Tensor:
        score = (self.maps(x)[:, 0] * self.weight).sum((1, 2))
        return torch.stack((score, -score), 1)


def test_linear_by_hand() -> None:
    image = torch.ones(1, 1, 4, 4)
    found = occlude(Linear(4), image, 0, size=2, stride=2)
    # Rows 1..4, 5..8, 9..12, 13..16; hiding the upper left square takes away 1 + 2 + 5 + 6.
    assert found.drop().tolist() == [[14, 22], [46, 54]]
    assert found.score.tolist() == [[136 - 14, 136 - 22], [136 - 46, 136 - 54]]
    assert found.activation.tolist() == [[12, 12], [12, 12]]
    assert found.whole_activation == 16
    assert found.label.tolist() == [[0, 0], [0, 0]]
    assert found.toward(1).drop().tolist() == [[-14, -22], [-46, -54]]
    assert found.averaged()[0].tolist() == [14, 14, 22, 22]
    assert found.centred().tolist() == found.averaged().tolist()


def test_stride_that_does_not_divide_hangs_over() -> None:
    found = occlude(Linear(4), torch.ones(1, 1, 4, 4), 0, size=2, stride=3)
    assert (found.ys, found.xs) == ((0, 3), (0, 3))
    assert found.drop().tolist() == [[14, 4 + 8], [13 + 14, 16]]
    assert found.averaged()[3, [0, 1, 3]].tolist() == [27, 27, 16]
    assert np.isnan(found.averaged()[3, 2])  # no square hides this column


def test_starts() -> None:
    assert occlusion.starts(224, 32, 16)[-1] == 192
    assert occlusion.starts(10, 4, 3) == (0, 3, 6)
    assert occlusion.starts(10, 4, 4) == (0, 4, 8)
    assert occlusion.starts(4, 1, 5) == (0,)  # the next would begin outside
    assert occlusion.starts(4, 9, 2) == (0,)


def test_square_larger_than_the_picture_hides_it() -> None:
    found = occlude(Linear(4), torch.ones(1, 1, 4, 4), 0, size=9, stride=2)
    assert found.score.tolist() == [[0]]
    assert found.averaged().tolist() == [[136] * 4] * 4


@pytest.mark.parametrize(("size", "stride"), [(8, 4), (8, 5), (7, 7), (12, 9)])
def test_as_captum(size: int, stride: int) -> None:
    model, image = zoo.build("resnet_classroom").eval(), picture()
    target = 3
    found = occlude(model, image, target, size=size, stride=stride)
    theirs = Captum(model).attribute(
        image, sliding_window_shapes=(3, size, size), strides=(3, stride, stride), target=target
    )[0, 0]
    torch.testing.assert_close(torch.from_numpy(found.averaged()), theirs, atol=1e-5, rtol=1e-4)


def test_coarse_first_stopped_and_gone_on_with() -> None:
    model, image = zoo.build("resnet_classroom"), picture()
    occluder = Occluder(model, image, 0, size=8, stride=2)
    first = next(iter(occluder.rounds()))
    assert 0 < first.done < 1
    assert np.isnan(first.score).any()
    assert (first.label == -1).sum() == np.isnan(first.score).sum()
    assert occluder.seconds() > 0
    assert not [p for p, m in model.named_modules() if m._forward_hooks]
    *_, last = occluder.rounds()
    assert last.done == 1
    assert occluder.seconds() == 0
    assert not np.isnan(last.averaged()).any()
    known = ~np.isnan(first.score)
    np.testing.assert_allclose(first.score[known], last.score[known])
    spread = first.spread(first.score)
    assert not np.isnan(spread[: spread.shape[0] // 4, :4]).any()


def test_fills() -> None:
    image = picture() * 2 + 1
    preprocess = Preprocess(size=32, channels=3, mean=(0.5, 0.5, 0.25), deviation=(0.5, 0.25, 0.25))
    model = zoo.build("resnet_classroom")

    def hidden(fill: str) -> Tensor:
        occluder = Occluder(model, image, 0, size=8, stride=8, fill=fill, preprocess=preprocess)
        covered = occluder.covered(1, 2)
        outside = torch.ones(32, 32, dtype=torch.bool)
        outside[8:16, 16:24] = False
        assert torch.equal(covered[..., outside], image[..., outside])
        return covered[0, :, 8:16, 16:24]

    here = image[0, :, 8:16, 16:24]
    assert (hidden("mean") == 0).all()
    assert torch.equal(hidden("black")[:, 0, 0], torch.tensor([-1.0, -2.0, -1.0]))
    torch.testing.assert_close(hidden("local"), here.mean((1, 2), keepdim=True).expand_as(here))
    assert hidden("blur").std() < here.std() / 2
    assert torch.equal(hidden("noise"), hidden("noise"))
    with pytest.raises(ValueError, match="preprocessing"):
        Occluder(model, image, 0, size=8, stride=8, fill="black")
    with pytest.raises(ValueError, match="noise"):
        Occluder(model, image, 0, size=8, stride=8, fill="pink")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"target": 10}, "classes 0 to 9"),
        ({"size": 0}, "at least 1"),
        ({"stride": 0}, "at least 1"),
        ({"layer": "nowhere"}, "no layer"),
        ({"layer": "head"}, "says nothing"),
        ({"image": torch.zeros(2, 3, 32, 32)}, "at a time"),
    ],
)
def test_what_cannot_be(changed: dict[str, object], said: str) -> None:
    given = {"image": picture(), "target": 0, "size": 8, "stride": 8} | changed
    with pytest.raises(ValueError, match=said):
        Occluder(zoo.build("resnet_classroom"), **given)  # type: ignore[arg-type]


def test_eight_threads_share_a_network() -> None:
    model = zoo.build("resnet_classroom")
    images = [picture(seed=seed) for seed in range(8)]
    alone = [occlude(model, image, 1, size=16, stride=8).score for image in images]
    together: dict[int, np.ndarray] = {}

    def work(i: int) -> None:
        together[i] = occlude(model, images[i], 1, size=16, stride=8).score

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(8):
        np.testing.assert_allclose(together[i], alone[i], atol=1e-5)
