"""Whether this machine answers faster in bfloat16: measured, as without its instructions it is far slower."""

import time
from functools import cache

import torch
from torch.nn import functional as F

_WORTH_IT = 1.2  # times as fast
_RUNS = 3
_CHANNELS, _SIDE, _IMAGES = 64, 28, 4  # of a convolution in the middle of a network, a few milliseconds


@cache
def gains() -> bool:
    """Whether convolutions in bfloat16 are worth it; measured once, on a core."""
    exact = _seconds(torch.float32)
    return _seconds(torch.bfloat16, enough=exact) * _WORTH_IT < exact


def _seconds(dtype: torch.dtype, enough: float = float("inf")) -> float:
    """The quickest of a few runs, after one that warms up, which is the only one if far from `enough`."""
    maps = torch.ones(_IMAGES, _CHANNELS, _SIDE, _SIDE, dtype=dtype)
    weights = torch.ones(_CHANNELS, _CHANNELS, 3, 3, dtype=dtype)
    maps, weights = (each.to(memory_format=torch.channels_last) for each in (maps, weights))
    took: list[float] = []
    with torch.inference_mode():
        for _ in range(1 + _RUNS):
            start = time.perf_counter()
            F.conv2d(maps, weights)
            took.append(time.perf_counter() - start)
            if took[-1] > 20 * enough:
                return took[-1]
    return min(took[1:])
