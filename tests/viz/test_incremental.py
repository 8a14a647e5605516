"""Incremental inference gives the answers of the whole network, whatever the network is made of."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import zoo
from tests.viz.test_occlusion import picture
from viz import hooks
from viz.incremental import Incremental, NotLocalError, record
from viz.incremental.groups import Work
from viz.occlusion import Occluder, occlude
from zoo import precision

CLASSROOM = [row.name for row in zoo.VARIANTS.values() if row.name.endswith("_classroom")]
PLAIN = {"mobilenet_v3_classroom", "vit_classroom", "swin_classroom", "swin_v2_classroom"}


def lively(model: nn.Module, side: int, channels: int = 3) -> nn.Module:
    """The network with batch norms that know its maps; else some answer always the same."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    model.train()
    with torch.no_grad(), torch.random.fork_rng():
        model(torch.cat([picture(side, channels, seed) for seed in range(8)]))
    return model.eval()


def agree(model: nn.Module, image: Tensor, size: int, stride: int) -> Occluder:
    """Both engines give the same at every position; returns the one at work."""
    occluder = Occluder(model, image, 0, size=size, stride=stride)
    *_, quick = occluder.rounds()
    slow = Occluder(model, image, 0, size=size, stride=stride)
    slow._quick = None
    *_, plain = slow.rounds()
    most = np.abs(plain.whole_logits - plain.logits).max()
    assert np.abs(quick.logits - plain.logits).max() < 3e-4 * most
    assert (quick.label == plain.label).all()
    np.testing.assert_allclose(quick.activation, plain.activation, rtol=1e-4, atol=1e-5)
    return occluder


@pytest.mark.parametrize("name", CLASSROOM)
def test_every_family(name: str) -> None:
    row = zoo.VARIANTS[name]
    model = lively(zoo.build(name), row.input_size, row.channels)
    occluder = agree(model, picture(row.input_size, row.channels), size=8, stride=7)
    assert occluder.how.startswith("The whole network" if name in PLAIN else "Only what"), occluder.how


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18", "vgg16"])
def test_full_size(name: str) -> None:
    model = lively(zoo.build(name), 64) if name != "vgg16" else zoo.build(name)
    agree(model, picture(224), size=32, stride=64)


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "3x3": lambda: nn.Conv2d(4, 6, 3, padding=1),
    "strided, not padded": lambda: nn.Conv2d(4, 6, 3, stride=2),
    "1x1 strided": lambda: nn.Conv2d(4, 6, 1, stride=3),
    "dilated": lambda: nn.Conv2d(4, 6, 3, padding=2, dilation=2),
    "not square": lambda: nn.Conv2d(4, 6, (1, 5), stride=(1, 2), padding=(0, 2)),
    "grouped": lambda: nn.Conv2d(4, 6, 3, groups=2),
    "padded by name": lambda: nn.Conv2d(4, 6, 3, padding="same"),
    "max pool": lambda: nn.MaxPool2d(3, 2, padding=1),
    "max pool that hangs over": lambda: nn.MaxPool2d(3, 2, ceil_mode=True),
    "average pool": lambda: nn.AvgPool2d(3, 1, padding=1),
    "average pool without padding": lambda: nn.AvgPool2d(3, 1, padding=1, count_include_pad=False),
    "average pool that hangs over": lambda: nn.AvgPool2d(2, 2, ceil_mode=True),
    "sum pool": lambda: nn.AvgPool2d(2, divisor_override=1),
    "padding at one side": lambda: nn.ZeroPad2d((0, 2, 1, 0)),
    "cropping": lambda: nn.ZeroPad2d((-1, 0, -2, 0)),
    "local response norm": lambda: nn.LocalResponseNorm(3),
    "channel shuffle": lambda: nn.ChannelShuffle(2),
    "batch norm": lambda: nn.BatchNorm2d(4),
    "prelu": lambda: nn.PReLU(4),
    "relu6": nn.ReLU6,
}


class Around(nn.Module):
    """A layer between a convolution and an average of all maps."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.before = nn.Conv2d(3, 4, 3, padding=1)
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(self.before(x))
        return y.mean((2, 3)) + y.amax((2, 3))


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("side", [13, 16])
def test_layers(kind: str, side: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Around(LAYERS[kind]()).eval()
    assert agree(model, picture(side), size=3, stride=2).how.startswith("Only what")


class Branching(nn.Module):
    """A map that is cut, added, multiplied, joined and permuted."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.wide = nn.Conv2d(4, 4, 5, padding=2)
        self.norm = nn.LayerNorm(4)
        self.strided = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.stem(x).chunk(2, 1)
        right = self.norm(self.wide(right).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        y = torch.cat((left * torch.sigmoid(right), right - 0.5 * left), 1)
        y = self.strided(F.pad(y[:, :, 1::2, ::2], (0, 1, 0, 0)))
        return F.relu(y).mean((2, 3))


def test_branches() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Branching()
    assert agree(model, picture(24), size=4, stride=3).how.startswith("Only what")


def test_one_convolution_by_hand() -> None:
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    nn.init.ones_(conv.weight)
    model = nn.Sequential(conv, nn.Flatten())
    image = torch.ones(1, 1, 5, 5)
    engine = Incremental(record(model, image, "0"), "maps", 0, (1, 1), [0, 2], [0, 2])
    logits, total = engine.answers(torch.zeros(2, 1, 1, 1), [0, 2], [0, 2])
    # The five windows along a side see 2 + 3 + 3 + 3 + 2 = 13. Four see the corner, nine the middle.
    whole = model(image).reshape(5, 5)
    assert total.tolist() == [169 - 4, 169 - 9]
    corner = whole.clone()
    corner[:2, :2] -= 1
    middle = whole.clone()
    middle[1:4, 1:4] -= 1
    torch.testing.assert_close(logits.reshape(2, 5, 5), torch.stack((corner, middle)))


class InPlace(Around):
    def forward(self, x: Tensor) -> Tensor:
        return self.before(x).mul_(2).mean((2, 3))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (InPlace(nn.Identity()), "in place"),
        (Around(nn.AdaptiveAvgPool2d(1)), "almost all"),
    ],
)
def test_what_is_not_local(model: nn.Module, said: str) -> None:
    with pytest.raises(NotLocalError, match=said):
        Incremental(record(model.eval(), picture(16), "before"), "maps", 0, (14, 14), [0], [0])


def test_another_answer_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    model, image = zoo.build("resnet_classroom"), picture()
    occluder = Occluder(model, image, 0, size=8, stride=8)
    assert occluder._quick is not None
    answers = occluder._quick.answers
    monkeypatch.setattr(
        occluder._quick, "answers", lambda *squares: tuple(2 * part for part in answers(*squares))
    )
    *_, found = occluder.rounds()
    assert "another answer" in occluder.how
    np.testing.assert_allclose(
        found.logits[0, 0], hooks.observe(model, occluder.covered(0, 0)).logits[0], atol=1e-5
    )


def test_memory_is_bounded() -> None:
    recording = record(zoo.build("resnet18"), picture(224), "stages.3")
    engine = Incremental(recording, "maps", 0, (32, 32), [0, 96], [96])
    assert 8 < engine.batch < 64


@pytest.mark.parametrize("name", ["resnet_classroom", "efficientnet_classroom", "convnext_classroom"])
def test_preview_is_near(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "gains", lambda: True)
    torch.manual_seed(0)  # of random networks some are as near as 0.991
    row = zoo.VARIANTS[name]
    model, image = lively(zoo.build(name), row.input_size), picture(row.input_size)
    exact = occlude(model, image, 0, size=8, stride=4)
    occluder = Occluder(model, image, 0, size=8, stride=4, preview=True)
    *_, near = occluder.rounds()
    assert not occluder.exact
    assert "approximation" in occluder.how
    assert np.corrcoef(near.score.ravel(), exact.score.ravel())[0, 1] > 0.99
    assert not np.array_equal(near.score, exact.score)


def test_no_preview_where_the_processor_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "gains", lambda: False)
    occluder = Occluder(zoo.build("resnet_classroom"), picture(), 0, size=8, stride=8, preview=True)
    assert occluder.exact
    assert "This processor is no faster" in occluder.how


@pytest.mark.parametrize(
    ("again", "most", "expected"),
    [
        (2, 9, [[0], [1, 2]]),  # 2 + 1 and 2 + 2 x 4 are less than 2 + 3 x 4
        (5, 9, [[0, 1, 2]]),  # 5 + 1 and 5 + 2 x 4 are more than 5 + 3 x 4
        (5, 1, [[0], [1], [2]]),
    ],
)
def test_groups_by_hand(again: float, most: int, expected: list[list[int]]) -> None:
    """Boxes of 1 x 1, 4 x 1 and 4 x 1 units, one multiplication for each."""
    work = Work(
        heights=np.array([[4, 1]]),
        widths=np.array([[1]]),
        units=np.array([100]),
        each=np.array([1.0]),
        again=again,
    )
    groups = work.groups(np.array([1, 0, 0]), np.array([0, 0, 0]), most)
    assert sorted(group.tolist() for group in groups) == expected
