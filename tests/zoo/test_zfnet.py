"""ZFNet's printed map sizes, what sets it apart from AlexNet, and what the deconvnet needs of it."""

import torch
from pytorchcv.model_provider import get_model
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


def test_the_network_for_photos_is_the_peer_with_batch_norm_and_without_hidden_layers() -> None:
    peer = get_model("zfnet").features
    for unit in [module for module in peer.modules() if isinstance(getattr(module, "conv", None), nn.Conv2d)]:
        unit.conv, unit.use_lrn = nn.Sequential(unit.conv, nn.BatchNorm2d(unit.conv.out_channels)), False
    peer = nn.Sequential(peer, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 1000)).eval()
    generator = torch.Generator().manual_seed(0)
    for name, tensor in peer.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=generator)
        elif name.endswith("running_mean"):
            tensor.normal_(0, 0.1, generator=generator)
    ours = zoo.build("zfnet_photos")
    ours.load_state_dict(dict(zip(ours.state_dict(), peer.state_dict().values(), strict=True)))
    assert sum(parameter.numel() for parameter in ours.parameters()) == 3_986_216
    image = torch.randn(1, 3, 224, 224, generator=generator)
    with torch.inference_mode():
        torch.testing.assert_close(ours(image), peer(image))


def test_pools_of_the_classroom_network_halve_and_can_give_switches() -> None:
    """A deconvnet needs max-pool modules; rounding down would leave 15, 7 and 3 rows."""
    model = zoo.build("zfnet_classroom")
    for i, side in ((0, 32), (1, 16), (4, 8)):
        pool = model.get_submodule(f"stages.{i}.pool")
        assert isinstance(pool, nn.MaxPool2d)
        x = torch.randn(1, 1, side, side, generator=torch.Generator().manual_seed(0))
        assert pool(x).shape[-1] == side // 2
