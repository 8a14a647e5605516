"""Laying two networks beside each other: `zoo.anatomy.align` against difflib, the standard library's matcher.

    python -m benchmarks.aligning

difflib matches the same layers by the same signatures, without stages, scores, marks or counterparts. CPU
time of one core, median of RUNS; the networks are taken apart before.
"""

import difflib
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch

import zoo
from zoo.anatomy import Anatomy, align, dissect

PAIRS = (
    ("vgg16", "resnet34"),
    ("resnet50", "convnext_tiny"),
    ("vit_b_16", "swin_t"),
    ("densenet201", "resnet50"),
    ("densenet201", "nasnet_a_large"),
    ("densenet201", "inception_resnet_v2"),
)
RUNS = 5


def anatomy(name: str) -> Anatomy:
    row = zoo.variant(name)
    return dissect(zoo.skeleton(name), (row.channels, row.input_size, row.input_size))


def peer(one: Anatomy, other: Anatomy) -> object:
    def words(network: Anatomy) -> list[tuple[object, ...]]:
        return [(layer.kind, layer.label, *(shape for _, shape in layer.weights)) for layer in network.layers]

    return difflib.SequenceMatcher(None, words(one), words(other), autojunk=False).get_matching_blocks()


def milliseconds(run: Callable[[], object]) -> float:
    took = []
    for _ in range(RUNS):
        start = time.process_time()
        run()
        took.append(1e3 * (time.process_time() - start))
    return statistics.median(took)


def main() -> None:
    torch.set_num_threads(1)
    print(f"{'networks':<40} {'layers':>11} {'align':>8} {'difflib':>8} {'ratio':>6}")
    for names in PAIRS:
        one, other = map(anatomy, names)
        ours, theirs = milliseconds(partial(align, [one, other])), milliseconds(partial(peer, one, other))
        layers = f"{len(one.layers)}, {len(other.layers)}"
        print(f"{' / '.join(names):<40} {layers:>11} {ours:5.1f} ms {theirs:5.1f} ms {ours / theirs:6.2f}")


if __name__ == "__main__":
    main()
