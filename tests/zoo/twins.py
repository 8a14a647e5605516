"""How a network is held against its twin: the same random weights by position, the same picture, logits."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def shake(model: nn.Module) -> None:
    """Random weights of unit scale and BN statistics far from their start, so that no part can hide."""
    generator = torch.Generator().manual_seed(7)
    for module in model.modules():
        for name, p in module.named_parameters(recurse=False):
            if isinstance(module, nn.BatchNorm2d | nn.LayerNorm | nn.GroupNorm) and name == "weight":
                p.data.uniform_(0.8, 1.2, generator=generator)
            elif p.ndim > 1:
                p.data.normal_(0, p[0].numel() ** -0.5, generator=generator)
            else:
                p.data.uniform_(-0.2, 0.2, generator=generator)
        if isinstance(module, nn.BatchNorm2d):
            buffers = dict(module.named_buffers())
            buffers["running_mean"].uniform_(-0.2, 0.2, generator=generator)
            buffers["running_var"].uniform_(0.5, 1.5, generator=generator)


def load_by_position(ours: nn.Module, tensors: Iterable[Tensor]) -> None:
    """A twin's tensors into our network, in the order of both; every shape has to fit."""
    tensors = list(tensors)
    assert [t.shape for t in ours.state_dict().values()] == [t.shape for t in tensors]
    ours.load_state_dict(dict(zip(ours.state_dict(), tensors, strict=True)))


def picture(size: int, *, images: int = 1, channels: int = 3) -> Tensor:
    return torch.randn(images, channels, size, size, generator=torch.Generator().manual_seed(1))


def assert_same_logits(ours: nn.Module, reference: nn.Module, image: Tensor) -> Tensor:
    """Equal to a hundred-thousandth of the largest; gives them back."""
    with torch.no_grad():
        expected, got = reference(image), ours(image)
    assert expected.std() > 1e-3 * expected.abs().max(), (
        "logits that do not depend on the image prove nothing"
    )
    assert (got - expected).abs().max() <= 1e-5 * expected.abs().max()
    return expected
