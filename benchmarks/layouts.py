"""What the layout of pictures and weights in memory does to the speed of a training step on one core.

    python -m benchmarks.layouts              # every family's classroom network
    python -m benchmarks.layouts resnet vit   # these families

Images a second of the core's own time, forward, backward and SGD in batches of 64: channel by channel, as
PyTorch does without being told, and with a pixel's channels beside each other. The star marks the layout that
`training.network` chooses.
"""

import argparse
import time

import torch
from torch.nn import functional as F

import zoo
from training.network import is_quicker_channels_last

BATCH, STEPS = 64, 6


def images_per_second(name: str, layout: torch.memory_format) -> float:
    """Of a classroom network, in this process."""
    network = zoo.build(name).train().to(memory_format=layout)
    images = torch.randn(BATCH, zoo.variant(name).channels, 32, 32).contiguous(memory_format=layout)
    labels = torch.arange(BATCH) % zoo.variant(name).num_classes
    optimiser = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9)
    for step in range(STEPS + 1):
        if step == 1:  # the first one warms up
            started = time.process_time()
        optimiser.zero_grad()
        F.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return STEPS * BATCH / (time.process_time() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description="Training speed by memory layout.")
    parser.add_argument("families", nargs="*", default=list(zoo.FAMILIES), metavar="family")
    torch.set_num_threads(1)
    print(f"{'images a second':34}{'channels first':>16}{'channels last':>16}{'ratio':>8}")
    for key in parser.parse_args().families:
        name = zoo.FAMILIES[key].classroom.name
        first = images_per_second(name, torch.contiguous_format)
        last = images_per_second(name, torch.channels_last)
        chosen = is_quicker_channels_last(zoo.build(name))
        print(
            f"{name:34}{first:15,.0f}{' ' if chosen else '*'}{last:15,.0f}{'*' if chosen else ' '}"
            f"{last / first:8.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
