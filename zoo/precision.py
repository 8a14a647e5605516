"""Whether a machine computes faster with bfloat16: measured, as some processors are many times slower."""

import time
from contextlib import nullcontext
from functools import cache

import torch
from torch import nn

_WORTH_IT = 1.1  # times as fast
_RUNS = 3


def speed_up(device: str = "cpu", *, learning: bool = True) -> float:
    """How many times as fast a convolution learns, or only answers, under bfloat16 autocast as in float32."""
    layer = nn.Conv2d(16, 16, 3, padding=1).to(device)
    images = torch.ones(16, 16, 16, 16, device=device)
    return _seconds(layer, images, False, learning) / _seconds(layer, images, True, learning)


@cache
def gains(device: str = "cpu", *, learning: bool = True) -> bool:
    """Whether bfloat16 is worth it on this machine; measured once."""
    return speed_up(device, learning=learning) > _WORTH_IT


def _seconds(layer: nn.Module, images: torch.Tensor, mixed: bool, learning: bool) -> float:
    """The quickest of a few runs, after one that warms up."""
    took = []
    for _ in range(_RUNS + 1):
        if images.is_cuda:
            torch.cuda.synchronize()
        start = time.perf_counter()
        with (
            torch.set_grad_enabled(learning),
            torch.autocast(images.device.type, dtype=torch.bfloat16) if mixed else nullcontext(),
        ):
            loss = layer(images).float().square().mean()
        if learning:
            loss.backward()
        if images.is_cuda:
            torch.cuda.synchronize()
        took.append(time.perf_counter() - start)
    return min(took[1:])
