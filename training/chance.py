"""Chance that needs no memory: every draw follows from numbers that say where in the run it falls.

So a run that was interrupted draws the same again, without any state of a generator having been kept.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def mixed(*numbers: int | str) -> int:
    """One seed from several numbers and words, 0 .. 2**63 - 1; other numbers, another seed."""
    digest = hashlib.blake2b(repr(numbers).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@contextmanager
def drawn_from(device: torch.device, *numbers: int | str) -> Iterator[None]:
    """Inside, torch's default generators start from these numbers; afterwards they stand where they stood."""
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        # not torch.manual_seed: on a machine with CUDA it costs a stack trace each time
        torch.default_generator.manual_seed(mixed(*numbers))
        if on_gpu:
            torch.cuda.manual_seed(mixed(*numbers))
        yield


def order(images: int, *numbers: int | str) -> torch.Tensor:
    """The pictures 0 .. `images` - 1 shuffled, int64."""
    return torch.randperm(images, generator=torch.Generator().manual_seed(mixed(*numbers)))
