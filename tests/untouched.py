"""Whether somebody who looked into a network left it as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Fails where a hook, a gradient, another mode or another number stays behind, also after an error."""
    before = _state(model)
    numbers = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    try:
        yield
    finally:
        assert _state(model) == before
        for name, tensor in model.state_dict().items():
            assert torch.equal(tensor, numbers[name]), name
        assert all(parameter.grad is None for parameter in model.parameters())


def _state(model: nn.Module) -> list[object]:
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return [
        [(name, id(module), module.training, [len(getattr(module, kind)) for kind in hooks])
         for name, module in model.named_modules()],
        [(name, id(p), p.requires_grad, p.data_ptr(), p._version) for name, p in model.named_parameters()],
        [(name, id(b), b.data_ptr(), b._version) for name, b in model.named_buffers()],
    ]  # fmt: skip
