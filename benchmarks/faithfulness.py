"""Whether maps can be believed: every method's scores, beside those of maps that know nothing.

    python -m benchmarks.faithfulness photos.zip                             # the table
    python -m benchmarks.faithfulness photos.zip --save                      # and keep it in assets/measured
    python -m benchmarks.faithfulness photos.zip --save --methods gradcam    # one row of it

photos.zip holds photos of ImageNet's classes whose names begin with the number of their class, such as
0281_tabby.jpg. Used are those that EfficientNet-Lite0 names right with a probability of at least CONFIDENT,
in an order drawn from seed 0. What is scored, by viz/scores.py:

- deletion, insertion: areas under the curves, PHOTOS photos;
- grid, peak: MOSAICS mosaics of 2x2 photos of four classes, at twice the network's size, with a map for each
  class: the share of its positive evidence in the right quarter, and how often its peak lies there. Chance is
  0.25. Methods that ask the network hundreds of times are left out;
- pointing: how often the peak lies on the object, SHAPES pictures of `shapes` and the ResNet that has learnt
  them, no tolerance;
- occlusion: rank correlation with the occlusion map (squares of 32 px every 16), OCCLUDED photos;
- twin: rank correlation with the map of the twin whose weights are all drawn anew, TWINS photos.

Methods of many passes get FEWER times fewer pictures; the columns ending in _n say how many, those in _se
give the standard error of the mean.
"""

import argparse
import csv
import io
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

import zoo
from training import shapes
from viz import attribution, scores
from viz.hooks import observe
from viz.occlusion import occlude
from zoo import Loaded, Specimen, weights

PHOTOS, MOSAICS, SHAPES, OCCLUDED, TWINS = 16, 8, 200, 8, 8
FEWER = 4
CONFIDENT = 0.9
COLUMNS = ("deletion", "insertion", "grid", "peak", "pointing", "occlusion", "twin")
TABLE = Path(__file__).parents[1] / "assets" / "measured" / "faithfulness.csv"

Map = NDArray[np.floating]
Draw = Callable[[nn.Module, Tensor, int], Map]
Row = dict[str, str]


@dataclass(frozen=True, kw_only=True, eq=False)
class Method:
    """What draws a map, and how many passes of the network that takes: 1 for a few, 2 for dozens, 3: more."""

    key: str
    title: str
    draw: Draw
    passes: int = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """What methods are tried on: normalised images (1, C, H, W), and what is known of them."""

    network: nn.Module
    photos: Sequence[tuple[Tensor, int]]  # with their class
    mosaics: Sequence[tuple[Tensor, tuple[int, ...]]]  # with the classes of the quarters in reading order
    occluded: Sequence[Map]  # of the first photos
    other: nn.Module  # which has learnt shapes
    shapes: Sequence[tuple[Tensor, int, NDArray[np.bool_]]]  # with their class and where the object is


def methods() -> Mapping[str, Method]:
    """Everything that draws a map, what knows nothing last."""
    found = [
        Method(
            key=key,
            title=method.title,
            draw=partial(attributed, method),
            passes=3 if method.slow else 2 if key in ("integrated", "smoothgrad") else 1,
        )
        for key, method in attribution.METHODS.items()
    ]
    found += [
        Method(key="occlusion", title="Occlusion", draw=occlusion, passes=2),
        Method(
            key="random", title="Random", draw=lambda _, image, __: scores.random(_size(image), _seed(image))
        ),
        Method(
            key="centred", title="Centred Gaussian", draw=lambda _, image, __: scores.centred(_size(image))
        ),
    ]
    return {method.key: method for method in found}


def attributed(method: attribution.Method, model: nn.Module, image: Tensor, target: int) -> Map:
    return method.run(model, image, target, None).numpy()


def occlusion(model: nn.Module, image: Tensor, target: int) -> Map:
    side = max(2, min(image.shape[2:]) // 7)
    return occlude(model, image, target, size=side, stride=side // 2).averaged()


def _size(image: Tensor) -> tuple[int, int]:
    return image.shape[2], image.shape[3]


def _seed(image: Tensor) -> int:
    """Another one for every picture."""
    return int(image.double().abs().sum())


def material(path: Path) -> Material:
    loaded = zoo.load(Specimen("efficientnet_lite0", weights="imagenet"))
    photos = read(path, loaded)
    mosaics = []
    for start in range(0, 4 * MOSAICS, 4):
        images, labels = zip(*photos[start : start + 4], strict=True)
        mosaics.append((torch.cat([torch.cat(images[:2], 3), torch.cat(images[2:], 3)], 2), labels))
    other = zoo.load(weights.specimen_of("shipped:resnet_shapes"))
    drawn, classes, masks = shapes.draw(SHAPES, other.preprocess.size, seed=0, stream=1)
    pictures = other.preprocess.normalise(torch.from_numpy(drawn).float() / 255)
    return Material(
        network=loaded.model,
        photos=photos[:PHOTOS],
        mosaics=mosaics,
        occluded=[occlusion(loaded.model, *each) for each in photos[:OCCLUDED]],
        other=other.model,
        shapes=list(zip(torch.split(pictures, 1), classes.tolist(), masks, strict=True)),
    )


def read(path: Path, loaded: Loaded) -> list[tuple[Tensor, int]]:
    """Photos that the network names right and confidently, of different classes each."""
    found: dict[int, Tensor] = {}
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        for i in np.random.default_rng(0).permutation(len(names)):
            with Image.open(io.BytesIO(archive.read(names[i]))) as picture:
                image = loaded.preprocess(picture)
            label = int(Path(names[i]).name[:4])
            answer = observe(loaded.model, image).logits.softmax(1)[0]
            if answer.argmax() == label and answer[label] >= CONFIDENT:
                found.setdefault(label, image)
            if len(found) == max(PHOTOS, 4 * MOSAICS):
                return [(image, label) for label, image in found.items()]
    raise SystemExit(f"Only {len(found)} of these photos are named right; {4 * MOSAICS} are needed.")


def measure(method: Method, given: Material) -> Row:
    """The scores of a method."""
    part = 1 if method.passes == 1 else FEWER
    photos = given.photos[: PHOTOS // part]
    begun = time.process_time()
    maps = [method.draw(given.network, *photo) for photo in photos]
    took = (time.process_time() - begun) / len(photos)
    mosaics = given.mosaics[: MOSAICS // part] if method.passes < 3 else ()
    found = {
        name: [
            curve(given.network, image, heat, label).auc
            for (image, label), heat in zip(photos, maps, strict=True)
        ]
        for name, curve in (("deletion", scores.deletion), ("insertion", scores.insertion))
    }
    found["grid"], found["peak"] = in_quarters(method.draw, given.network, mosaics)
    found["pointing"] = [
        scores.pointing(method.draw(given.other, image, label), mask)
        for image, label, mask in given.shapes[: SHAPES // part]
    ]
    found["occlusion"] = [
        scores.rank_correlation(*pair)
        for pair in zip(maps, given.occluded, strict=False)
        if method.key != "occlusion"
    ]
    strange = scores.twin(given.network)
    found["twin"] = [
        scores.rank_correlation(heat, method.draw(strange, image, label))
        for (image, label), heat in list(zip(photos, maps, strict=True))[: TWINS // part]
    ]
    return {"method": method.key, "title": method.title, "seconds": f"{took:.3f}"} | {
        column: text for name in COLUMNS for column, text in told(name, found[name]).items()
    }


def in_quarters(
    draw: Draw, network: nn.Module, mosaics: Iterable[tuple[Tensor, tuple[int, ...]]]
) -> tuple[list[float], list[float]]:
    """Of every part of every mosaic: the share of evidence in it, and whether the peak is."""
    shares, peaks = [], []
    for image, labels in mosaics:
        for cell, label in enumerate(labels):
            heat = draw(network, image, label)
            right = np.zeros(heat.shape, np.bool_)
            right[scores.quarter(heat.shape, cell)] = True
            shares.append(scores.grid_share(heat, cell))
            peaks.append(scores.pointing(heat, right))
    return shares, peaks


def told(name: str, values: Iterable[float]) -> Row:
    """Mean, its standard error, and of how many values; empty where none. Flat maps do not count."""
    kept = np.array([value for value in values if not np.isnan(value)])
    mean = f"{kept.mean():.4f}" if len(kept) else ""
    error = f"{kept.std(ddof=1) / len(kept) ** 0.5:.4f}" if len(kept) > 1 else ""
    return {name: mean, f"{name}_se": error, f"{name}_n": str(len(kept))}


def keep(row: Row) -> None:
    """Put a row into the table, in the place of the same method's."""
    rows = {}
    if TABLE.exists():
        with TABLE.open() as file:
            rows = {each["method"]: each for each in csv.DictReader(file)}
    rows[row["method"]] = row
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerows(rows[key] for key in methods() if key in rows)


def main() -> None:
    known = methods()
    parser = argparse.ArgumentParser(description="Scores of all methods that draw maps.")
    parser.add_argument("photos", type=Path, help="zip of photos of ImageNet's classes")
    parser.add_argument("--methods", nargs="+", choices=known, default=list(known), metavar="METHOD")
    parser.add_argument("--save", action="store_true", help=f"put the rows into {TABLE.name}")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    given = material(asked.photos)
    print(f"{'':24}{'seconds':>8}" + "".join(f"{name:>20}" for name in COLUMNS))
    for key in asked.methods:
        row = measure(known[key], given)
        cells = [f"{row[name]:>11} ±{row[f'{name}_se']:>7}" for name in COLUMNS]
        print(f"{row['title']:24}{row['seconds']:>8}" + "".join(cells), flush=True)
        if asked.save:
            keep(row)


if __name__ == "__main__":
    main()
