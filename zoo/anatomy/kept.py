"""What training keeps of a forward pass for the way back: asked of autograd itself, on the meta device."""

import copy
from itertools import chain

import torch
from torch import Tensor, nn


def kept(model: nn.Module, input_size: tuple[int, int, int]) -> dict[str, int]:
    """Bytes that the backward pass of one image (C, H, W) needs, by the path of the module that asks first.

    In training mode and float32, parameters and buffers left out, as they are there anyway. What two modules
    need, such as the output of a ReLU that the next convolution reads, is kept once. The input counts too: in
    the midst of a network it is an activation like any other. Operations that a module does itself, such as
    a sum, stand under its own path. The model is left as it is.
    """
    shell = copy.deepcopy(model).to("meta").train()
    seen = {_storage(tensor) for tensor in chain(shell.parameters(), shell.buffers())}
    found: dict[str, int] = {}
    running: list[str] = []
    alive: list[Tensor] = []  # a storage keeps its number as long as it lives

    def pack(tensor: Tensor) -> Tensor:
        if _storage(tensor) not in seen:
            seen.add(_storage(tensor))
            alive.append(tensor)
            found[running[-1]] = found.get(running[-1], 0) + tensor.untyped_storage().nbytes()
        return tensor

    def watch(path: str, module: nn.Module) -> None:
        module.register_forward_pre_hook(lambda *_: running.append(path))
        module.register_forward_hook(lambda *_: _leave(running))

    for path, module in shell.named_modules():
        watch(path, module)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        shell(torch.empty(1, *input_size, device="meta", requires_grad=True))
    return found


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _leave(running: list[str]) -> None:
    running.pop()
