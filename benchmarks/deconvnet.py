"""Are our projections faster than captum's, and equal? Both in one run.

    python -m benchmarks.deconvnet                # a few minutes on a quiet machine
    python -m benchmarks.deconvnet alexnet        # one network

The strongest units of 16 maps in each of 9 pictures of 224 px: 144 tiles, as in Zeiler and Fergus, figure 2.
captum's NeuronDeconvolution does one at a time, the whole network and the whole picture; a few tiles are
timed and taken sixteen times. Seconds of processor time at one thread, the least of a few rounds in turns,
because others' work on the machine can only add to it. Ours includes finding what the units see. Error: the
largest difference as a part of the largest value. Random weights.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from captum.attr import NeuronDeconvolution
from torch import Tensor, nn

import zoo
from viz import hooks
from viz.deconvnet import Projection, project_many
from zoo.specimen import Specimen

# Network -> layer -> the ratio demanded
DEMANDED: Mapping[str, Mapping[str, float]] = {
    "resnet18": {"stages.0": 30, "stages.1": 5, "stages.2": 1.3},
    "alexnet": {"stages.1.relu": 30, "stages.2.relu": 8, "stages.4.relu": 3},
}
MAPS, PICTURES = 16, 9


class Unit(NamedTuple):
    picture: int
    channel: int
    y: int
    x: int


def strongest(model: nn.Module, pictures: Tensor, layer: str) -> list[Unit]:
    """The strongest unit of the first maps in each picture."""
    maps = hooks.observe(model, pictures, [layer]).outputs[layer][:, :MAPS]
    at = maps.flatten(2).argmax(2)
    return [
        Unit(picture, channel, *divmod(int(at[picture, channel]), maps.shape[-1]))
        for channel in range(MAPS)
        for picture in range(PICTURES)
    ]


def ours(model: nn.Module, layer: str, images: Tensor, units: Sequence[Unit]) -> list[Projection]:
    channels, positions = [unit.channel for unit in units], [(unit.y, unit.x) for unit in units]
    return project_many(model, images, layer, channels, positions)


def captums(model: nn.Module, layer: str, images: Tensor, units: Sequence[Unit]) -> list[Tensor]:
    """captum sends back one instead of the activation."""
    method = NeuronDeconvolution(model, model.get_submodule(layer))
    at = [(unit.channel, unit.y, unit.x) for unit in units]
    return [method.attribute(images[i : i + 1], unit)[0].detach() for i, unit in enumerate(at)]


def error(tiles: Sequence[Projection], expected: Sequence[Tensor]) -> float:
    pairs = [(tile.image, tile.activation * theirs) for tile, theirs in zip(tiles, expected, strict=True)]
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs if b.any())


def measured(name: str, layer: str, rounds: int, tiles: int) -> tuple[float, float, float]:
    """Seconds of captum and of ours for all tiles, and the error."""
    model = zoo.load(Specimen(name, weights="random")).model
    pictures = torch.randn(PICTURES, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    units = strongest(model, pictures, layer)
    images = pictures[[unit.picture for unit in units]]
    few = slice(None, None, len(units) // tiles)
    mine, theirs = list[float](), list[float]()
    for _ in range(rounds):
        start = time.process_time()
        found = ours(model, layer, images, units)
        middle = time.process_time()
        expected = captums(model, layer, images[few], units[few])
        mine.append(middle - start)
        theirs.append((time.process_time() - middle) * len(units) / len(expected))
    return min(theirs), min(mine), error(found[few], expected)


def main() -> None:
    parser = argparse.ArgumentParser(description="Our projections against captum's.")
    parser.add_argument("networks", nargs="*", default=list(DEMANDED))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tiles", type=int, default=9, help="how many of the 144 captum draws")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'':28}{'captum s':>10}{'ours s':>9}{'ratio':>8}{'demanded':>10}{'error':>10}")
    for name in asked.networks:
        for layer, demanded in DEMANDED[name].items():
            theirs, mine, off = measured(name, layer, asked.rounds, asked.tiles)
            numbers = f"{theirs:10.2f}{mine:9.2f}{theirs / mine:8.1f}{demanded:10.1f}{off:10.0e}"
            print(f"{name + ' ' + layer:28}{numbers}", flush=True)


if __name__ == "__main__":
    main()
