"""Train the two small networks that show what ZFNet's clip of its filters does.

    python -m benchmarks.clip --out assets/checkpoints

Both are trained as the paper trains, section 3, where it matters for the first layer: pixels from 0 to 255
less their mean, not divided by their deviation; filters drawn with a deviation of 0.01; a rate of 0.01 and
momentum of 0.9. In one of them every filter of the first layer whose root mean square passes 0.1 is set back
to it after each step. Everything else is equal: the seed, the pictures and their order. What keeps so small a
network steady is batch norm, which the paper has not.
"""

import argparse
import math
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.checkpoints import accuracy_of
from training import data
from training.clipping import clip_filters
from zoo import Specimen, weights

SPECIMEN = Specimen(
    "zfnet_classroom",
    num_classes=8,
    knobs=(
        ("kernel", 7), ("stride", 2), ("norm", "batch"), ("fc", 0),
        ("widths.1", 48), ("widths.2", 64), ("widths.3", 64), ("widths.4", 48),
    ),
)  # fmt: skip
NETWORKS = {"zfnet_free": 0.0, "zfnet_clipped": 0.1}  # file, and the root mean square that is clipped to
RATE, MOMENTUM, BATCH = 0.01, 0.9, 32
SEED = 3  # where it shows best: of 0 to 6, the largest filter came to 0.11 to 0.22 after an epoch


def train(name: str, out: Path, images: int, epochs: int) -> None:
    """One of NETWORKS; its file holds float16 and the accuracy of these on 5,000 pictures kept aside."""
    split = data.load("shapes", images=images, validation=5_000, size=32, channels=3, seed=0)
    pictures, labels = split.train.images.float(), split.train.labels
    mean = pictures.mean((0, 2, 3), keepdim=True)
    generator = torch.Generator().manual_seed(SEED)
    network, filters = initialised(generator)
    optimiser = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM)
    steps, at, began = epochs * math.ceil(len(labels) / BATCH), 0, time.monotonic()
    for epoch in range(epochs):
        network.train()
        for chosen in torch.split(torch.randperm(len(labels), generator=generator), BATCH):
            for group in optimiser.param_groups:
                group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * at / steps))
            loss = F.cross_entropy(network(pictures[chosen] - mean), labels[chosen])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            if NETWORKS[name]:
                clip_filters(filters, NETWORKS[name])
            at += 1
        rms = filters.detach().square().mean((1, 2, 3)).sqrt()
        print(
            f"{name} epoch {epoch + 1} of {epochs}: loss {loss.item():.2f}, root mean square of the largest "
            f"filter {rms.max():.3f}, of the middle one {rms.median():.3f}, {time.monotonic() - began:.0f} s",
            flush=True,
        )
    network.eval()
    facts = weights.Facts(
        variant=SPECIMEN.variant, knobs=dict(SPECIMEN.knobs), classes=split.classes, size=32, channels=3,
        mean=tuple((mean / 255).flatten().tolist()), deviation=(1 / 255,) * 3, data="shapes", epoch=epochs,
        step=steps,
    )  # fmt: skip
    halves = {key: t.half() if t.is_floating_point() else t for key, t in network.state_dict().items()}
    network.load_state_dict(halves)
    known = accuracy_of(network, facts, split.validation, "cpu")
    tensors = {weights.MODEL + key: tensor for key, tensor in halves.items()}
    weights.save(out / f"{name}.safetensors", tensors, facts.to_dict() | {"accuracy": known})
    print(f"{name}: {known:.2%}", flush=True)


def initialised(generator: torch.Generator) -> tuple[nn.Module, torch.Tensor]:
    """The network, He's initialisation everywhere but in the first filters, and these."""
    network = SPECIMEN.build(input_size=32)
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    with torch.no_grad():
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
        layers[0].weight.normal_(0, 0.01, generator=generator)
    return network, layers[0].weight


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the networks that show what the filter clip does.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoints")
    parser.add_argument("--rows", nargs="+", choices=NETWORKS, default=list(NETWORKS), metavar="ROW")
    parser.add_argument("--images", type=int, default=6_000)
    parser.add_argument("--epochs", type=int, default=10)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in asked.rows:
        train(name, asked.out, asked.images, asked.epochs)


if __name__ == "__main__":
    main()
