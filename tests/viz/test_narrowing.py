"""What is left of maps on the way up to one unit: counted by hand."""

import torch
from torch import Tensor, nn

from viz import hooks
from viz.field import field
from viz.narrowing import Narrowing

seen: list[tuple[int, ...]] = []  # sizes of what has passed


class Watched(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        seen.append(tuple(x.shape[2:]))
        return x * 1


def convolution(kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(1, 1, kernel, stride, kernel // 2, bias=False)


def passed(model: nn.Sequential, at: tuple[int, int]) -> list[tuple[int, ...]]:
    """The sizes of what passes through a network while one unit of its last layer is computed."""
    model.double()
    image = torch.randn(1, 1, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    last = str(len(model) - 1)
    expected = model(image)[0, 0, at[0], at[1]]
    sight = field(model, (1, 64, 64), last)
    left, top, right, bottom = sight.crop(*at)
    narrowing = Narrowing(sight, [(*at, 0)])
    seen.clear()
    maps = hooks.up_to(model, image[:, :, top:bottom, left:right], last, narrowing.changed)
    ((y, x),) = narrowing.places
    torch.testing.assert_close(maps[0, 0, y, x], expected)
    return list(seen)


def test_three_convolutions() -> None:
    """3 x 3 each: a unit needs 3 x 3 of the last one's input, 5 x 5 of the one's before, 7 x 7 pixels."""
    model = nn.Sequential(Watched(), convolution(3), Watched(), convolution(3), Watched(), convolution(3))
    assert passed(model, (20, 30)) == [(7, 7), (5, 5), (3, 3)]
    assert passed(model, (0, 30)) == [(4, 7), (3, 5), (2, 3)]  # the border has cut the rest off
    assert passed(model, (63, 1)) == [(4, 5), (3, 4), (2, 3)]


def test_strides_keep_their_places() -> None:
    """Unit 6 of the second sees 11 to 13 of the first, and these pixels 21 to 27; even ones begin."""
    model = nn.Sequential(Watched(), convolution(3, 2), Watched(), convolution(3, 2))
    (first, _), (second, _) = passed(model, (6, 6))
    assert first == 27 - 20 + 1
    assert second == 13 - 10 + 1
