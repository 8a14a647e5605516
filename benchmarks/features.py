"""How long figure 2 takes: the index of a classroom ZFNet, and the projections of sixteen maps.

    python -m benchmarks.features

The bars: 2,000 pictures in under 20 s, 9 x 16 tiles in under 2 s, on two cores. Beside the seconds on the
clock stand those of the processor, which do not count what else the machine does.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch

from ui import collection, feature_sheet, indices
from ui.collection import PHOTOS
from ui.feature_sheet import Study
from ui.subject import Subject
from viz import strongest
from viz.field import field
from viz.strongest import Strongest
from zoo import load, weights

T = TypeVar("T")

NETWORKS = (("zfnet_shapes", "shapes"), ("zfnet_photos", PHOTOS))


def timed(what: str, work: Callable[[], T]) -> T:
    wall, used = time.perf_counter(), time.process_time()
    found = work()
    wall, used = time.perf_counter() - wall, time.process_time() - used
    print(f"{what:<64} {wall:6.2f} s {used:6.2f} s of processor")
    return found


def main() -> None:
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for name, token in NETWORKS:
        specimen = weights.specimen_of(f"shipped:{name}")
        loaded = load(specimen)
        what = f"{name}: the pictures of {token}"
        pictures = timed(what, partial(collection.collect, token, loaded.preprocess))
        side, channels = loaded.preprocess.size, loaded.preprocess.channels
        layers = strongest.convolutional(loaded.model, torch.zeros(1, channels, side, side))
        paths = [layer.path for layer in layers]
        index: Strongest = timed(
            f"{name}: index of {pictures.count:,} pictures, {len(paths)} layers",
            partial(indices.build, loaded.model, pictures, paths, lambda share, part: None),
        )
        for layer in layers:
            study = Study(
                subject=Subject(specimen, loaded, name, True), pictures=pictures, layer=layer,
                title=layer.title, field=field(loaded.model, (channels, side, side), layer.path), index=index,
            )  # fmt: skip
            work = partial(feature_sheet.blocks, study, 0, "deconvnet", lambda share, part: None)
            timed(f"{name}: 9 x 16 tiles of {layer.path}, drawn", work)


if __name__ == "__main__":
    main()
