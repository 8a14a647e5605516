"""Whether this machine answers faster in bfloat16: measured, as without its instructions it is far slower."""

import time
from functools import cache

import torch
from torch.nn import functional as F

_WORTH_IT = 1.2  # times as fast
_RUNS = 3
_CHANNELS, _SIDE, _IMAGES = 64, 28, 4  # of a convolution in the middle of a network, about a millisecond


@cache
def gains() -> bool:
    """Whether convolutions in bfloat16 are worth it; measured once, on a core."""
    return _seconds(torch.bfloat16) * _WORTH_IT < _seconds(torch.float32)


def _seconds(dtype: torch.dtype) -> float:
    """The quickest of a few runs, after one that warms up."""
    maps = torch.ones(_IMAGES, _CHANNELS, _SIDE, _SIDE, dtype=dtype)
    weights = torch.ones(_CHANNELS, _CHANNELS, 3, 3, dtype=dtype)
    maps, weights = (each.to(memory_format=torch.channels_last) for each in (maps, weights))
    took: list[float] = []
    with torch.inference_mode():
        for _ in range(1 + _RUNS):
            start = time.perf_counter()
            F.conv2d(maps, weights)
            took.append(time.perf_counter() - start)
    return min(took[1:])
