"""The indices that come with the app: what excites each map of the laboratory's checkpoints most.

    python -m benchmarks.indices

makes those of assets/indices that are missing or of another checkpoint than the one that lies here, deletes
what belongs to none, and writes SOURCES.md. A set of pictures that is not on this disk is left out.
"""

import hashlib
import time
from collections.abc import Iterator

import torch

from training import data
from ui import collection, indices
from ui.collection import PHOTOS
from viz import strongest
from zoo import Specimen, load, weights

# Checkpoint -> the sets over which its index is shipped: what it learnt, and what is always there.
SETS = {
    "zfnet_shapes": ("shapes",),
    "zfnet_fashion": ("fashion-mnist", "shapes"),
    "zfnet_cifar10": ("shapes",),
    "zfnet_photos": (PHOTOS,),
    "alexnet_photos": (PHOTOS,),
}
_HEAD = """\
# Indices that come with the project

For the page Features: of every map of every convolution of a checkpoint, the nine strongest activations over
a set of pictures: value, number of the picture, row and column in the map (`viz.strongest`). They hold no
pixels. Made by this project with

    python -m benchmarks.indices

from the checkpoints in assets/checkpoints. Each file carries a digest of the network's weights, of the set
and of the layers; where it is not that of what is looked at, the app makes an index of its own.

| file | checkpoint | pictures | layers | maps | bytes | sha256 |
|---|---|---|---|---|---|---|
"""


def wanted() -> Iterator[tuple[Specimen, str]]:
    """The checkpoints that are here, with the sets that are."""
    for name, tokens in SETS.items():
        if name in weights.shipped():
            for token in tokens:
                if token == PHOTOS or data.ready(token):
                    yield weights.specimen_of(f"shipped:{name}"), token


def main() -> None:
    rows, kept = [], set()
    for specimen, token in wanted():
        start = time.perf_counter()
        loaded = load(specimen)
        pictures = collection.collect(token, loaded.preprocess)
        image = torch.zeros(1, loaded.preprocess.channels, pictures.preprocess.size, pictures.preprocess.size)
        paths = [layer.path for layer in strongest.convolutional(loaded.model, image)]
        path = indices.shipped(specimen, token)
        digest = indices.digest(loaded.model, pictures, paths)
        found = strongest.read(path, digest)
        if found is None:
            found = indices.build(loaded.model, pictures, paths, lambda share, part: None)
            strongest.save(path, found, digest)
        kept.add(path)
        content = path.read_bytes()
        maps = sum(len(top.values) for top in found.layers.values())
        rows.append(
            f"| {path.name} | {specimen.weights.removeprefix('shipped:')} | {found.count:,} of {token} "
            f"| {len(found.layers)} | {maps} | {len(content):,} | {hashlib.sha256(content).hexdigest()} |\n"
        )
        print(f"{path.name}: {time.perf_counter() - start:.1f} s", flush=True)
    for path in {*indices.SHIPPED.glob("*.safetensors")} - kept:
        path.unlink()
    (indices.SHIPPED / "SOURCES.md").write_text(_HEAD + "".join(rows))


if __name__ == "__main__":
    main()
