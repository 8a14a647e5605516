"""AlexNet's printed sizes, its split over two GPUs, and the constants of its normalisation."""

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.families.alexnet import make_norm


def shapes_of(name: str, size: int) -> dict[str, tuple[int, ...]]:
    """The output of every module for one picture of `size` pixels, without the batch."""
    found: dict[str, tuple[int, ...]] = {}
    model = zoo.skeleton(name)
    for path, module in model.named_modules():

        def keep(m: nn.Module, inputs: tuple[Tensor], output: Tensor, path: str = path) -> None:
            found[path] = tuple(output.shape[1:])

        module.register_forward_hook(keep)
    model(torch.empty(1, 3, size, size, device="meta"))
    return found


def test_maps_of_figure_2() -> None:
    """Two towers of 48, 128, 192, 192 and 128 maps, their sides, and what fc6 to fc8 return."""
    shapes = shapes_of("alexnet_2gpu", 227)
    assert [shapes[f"stages.{i}.conv"] for i in range(5)] == [
        (2 * 48, 55, 55),
        (2 * 128, 27, 27),
        (2 * 192, 13, 13),
        (2 * 192, 13, 13),
        (2 * 128, 13, 13),
    ]
    assert shapes["stages.4.pool"] == shapes["pool"] == (256, 6, 6)
    assert [shapes[f"head.fc{i}"] for i in (6, 7, 8)] == [(4096,), (4096,), (1000,)]
    assert shapes_of("alexnet_2gpu", 224)["stages.0.conv"][-1] == 54  # the size the paper prints does not fit


def test_neurons_are_counted_as_in_section_3_5() -> None:
    """The paper prints 253,440 - 186,624 - 64,896 - 64,896 - 43,264 - 4096 - 4096 - 1000.

    The first is not 55 x 55 x 96 = 290,400; the others agree.
    """
    shapes = shapes_of("alexnet_2gpu", 227)
    neurons = [torch.Size(shapes[f"stages.{i}.conv"]).numel() for i in range(5)]
    assert neurons == [290_400, 186_624, 64_896, 64_896, 43_264]
    assert sum(neurons) + 4096 + 4096 + 1000 == 659_272  # "650,000 neurons"


def test_each_gpu_sees_its_own_half_but_in_layer_3() -> None:
    model = zoo.build("alexnet_classroom")
    for i, alone in enumerate((False, True, False, True, True)):
        stage = model.get_submodule(f"stages.{i}.conv")
        assert isinstance(stage, nn.Conv2d)
        x = torch.randn(1, stage.in_channels, 7, 7, requires_grad=True)
        first_tower = stage(x)[:, : stage.out_channels // 2]
        (gradient,) = torch.autograd.grad(first_tower.abs().sum(), x)
        other_half = gradient[:, -(-stage.in_channels // 2) :]
        assert bool((other_half == 0).all()) is alone, f"layer {i + 1}"


@pytest.mark.parametrize(("kind", "alpha"), [("printed", 1e-4), ("divided", 1e-4 / 5)])
def test_response_norm_is_the_equation_of_section_3_3(kind: str, alpha: float) -> None:
    """b_i = a_i / (2 + alpha sum of a_j^2 over j from i - 2 to i + 2, clipped to the maps there are)^0.75"""
    a = 100 * torch.randn(1, 8, 2, 2, generator=torch.Generator().manual_seed(0))
    expected = torch.empty_like(a)
    for i in range(8):
        squares = a[:, max(0, i - 2) : i + 3].square().sum(1)
        expected[:, i] = a[:, i] / (2 + alpha * squares) ** 0.75
    torch.testing.assert_close(make_norm(kind)(a), expected)


def test_pooling_overlaps_and_half_of_fc6_and_fc7_is_dropped_in_training() -> None:
    model = zoo.build("alexnet_classroom").train()
    pools = [m for m in model.modules() if isinstance(m, nn.MaxPool2d)]
    assert [(p.kernel_size, p.stride) for p in pools] == [(3, 2)] * 3
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [0.5, 0.5]
    ones = torch.ones(1, 10_000)
    for name in ("drop6", "drop7"):
        dropped = model.get_submodule(f"head.{name}")(ones)
        assert (dropped == 0).float().mean() == pytest.approx(0.5, abs=0.05)
