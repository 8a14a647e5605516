"""ZFNet's printed map sizes, what sets it apart from AlexNet, and what the deconvnet needs of it."""

import torch
from torch import Tensor, nn

import zoo


def test_maps_of_figure_3() -> None:
    """Layer by layer: 96 maps of 110, pooled to 55; 256 of 26, pooled to 13; 13, 13, 13, pooled to 6."""
    model, found = zoo.skeleton("zfnet"), []
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.Linear):

            def keep(m: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
                found.append(tuple(output.shape[1:3]))  # maps and side, or units

            module.register_forward_hook(keep)
    model(torch.empty(1, 3, 224, 224, device="meta"))
    maps = [(96, 110), (96, 55), (256, 26), (256, 13), (384, 13), (384, 13), (256, 13), (256, 6)]
    assert found == [*maps, (4096,), (4096,), (1000,)]


def test_only_the_first_two_layers_differ_from_alexnet_on_one_gpu() -> None:
    ours, alexnet = (dict(zoo.skeleton(name).named_modules()) for name in ("zfnet", "alexnet_1tower"))
    assert list(ours) == list(alexnet)
    layers = [path for path, module in ours.items() if isinstance(module, nn.Conv2d | nn.Linear)]
    differ = {path for path in layers if repr(ours[path]) != repr(alexnet[path])}
    assert differ == {"stages.0.conv", "stages.1.conv"}


def test_pools_of_the_classroom_network_halve_and_can_give_switches() -> None:
    """A deconvnet needs max-pool modules; rounding down would leave 15, 7 and 3 rows."""
    model = zoo.build("zfnet_classroom")
    for i, side in ((0, 32), (1, 16), (4, 8)):
        pool = model.get_submodule(f"stages.{i}.pool")
        assert isinstance(pool, nn.MaxPool2d)
        x = torch.randn(1, 1, side, side, generator=torch.Generator().manual_seed(0))
        assert pool(x).shape[-1] == side // 2
