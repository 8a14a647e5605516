"""Is our occlusion faster than captum's, and as exact? Both in one run, captum at its best batch.

    python -m benchmarks.occlusion                     # five minutes on a quiet machine
    python -m benchmarks.occlusion efficientnet_lite0  # one network

A picture of 224 px, a square of 32, a stride of 16: 169 positions. Seconds of processor time at one thread,
the least of a few rounds in turns, because others' work on the machine can only add to it. Ours includes all
that comes before the first position. Error: the largest difference of the two maps as a part of the largest
value of captum's. EfficientNet-Lite0 has its ImageNet weights, the others random ones.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from operator import itemgetter

import numpy as np
import torch
from captum.attr import Occlusion
from torch import Tensor, nn

import zoo
from viz.occlusion import Occluder
from zoo import imagenet, precision
from zoo.specimen import Specimen

# The ratios demanded: exact, and of the preview.
NETWORKS = {"resnet18": (2.9, 10.0), "efficientnet_lite0": (6.5, 9.0), "vgg16": (6.6, 25.0)}
SIZE, STRIDE = 32, 16
TARGET = 281  # tabby cat
Timed = tuple[float, Tensor]  # seconds, and the map (H, W)


def spent(map: Callable[[nn.Module, Tensor], Tensor], model: nn.Module, image: Tensor) -> Timed:
    start = time.process_time()
    found = map(model, image)
    return time.process_time() - start, found


def ours(model: nn.Module, image: Tensor, preview: bool = False) -> Tensor:
    *_, found = Occluder(model, image, TARGET, size=SIZE, stride=STRIDE, preview=preview).rounds()
    return torch.from_numpy(found.averaged())


def captums(batch: int) -> Callable[[nn.Module, Tensor], Tensor]:
    def map(model: nn.Module, image: Tensor) -> Tensor:
        with torch.inference_mode():
            found: Tensor = Occlusion(model).attribute(
                image,
                sliding_window_shapes=(3, SIZE, SIZE),
                strides=(3, STRIDE, STRIDE),
                target=TARGET,
                perturbations_per_eval=batch,
            )
        return found[0, 0]

    return map


def main() -> None:
    parser = argparse.ArgumentParser(description="Our occlusion against captum's.")
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--batches", type=int, nargs="+", default=[4, 16], help="captum's, of which the best")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'':20}{'captum s':>10}{'batch':>7}{'ours s':>9}{'ratio':>8}{'demanded':>10}{'error':>10}")
    for name in asked.networks:
        weights = "imagenet" if imagenet.available(name) else "random"
        model = zoo.load(Specimen(name, weights=weights)).model
        image = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
        mine, quick, theirs = list[Timed](), list[Timed](), list[tuple[float, int, Tensor]]()
        for _ in range(asked.rounds):
            mine.append(spent(ours, model, image))
            if precision.gains():
                quick.append(spent(partial(ours, preview=True), model, image))
            for batch in asked.batches:
                seconds, map = spent(captums(batch), model, image)
                theirs.append((seconds, batch, map))
        least, map = min(mine, key=itemgetter(0))
        best, batch, expected = min(theirs, key=itemgetter(0))
        error = float((map - expected).abs().max() / expected.abs().max())
        bar, preview_bar = NETWORKS.get(name, (0.0, 0.0))
        print(
            f"{name:20}{best:10.2f}{batch:7}{least:9.2f}{best / least:8.2f}{bar:10.1f}{error:10.1e}",
            flush=True,
        )
        if quick:
            least, map = min(quick, key=itemgetter(0))
            alike = np.corrcoef(map.numpy().ravel(), expected.numpy().ravel())[0, 1]
            said = f"{least:9.2f}{best / least:8.2f}{preview_bar:10.1f}"
            print(f"{'    preview':20}{'':17}{said}  correlation {alike:.4f}", flush=True)


if __name__ == "__main__":
    main()
