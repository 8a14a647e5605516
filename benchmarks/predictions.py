"""How many photos a network names right: a check of what is done to a picture before it is looked at.

    python -m benchmarks.predictions PHOTOS.zip                        # EfficientNet-Lite0
    python -m benchmarks.predictions PHOTOS.zip --variant resnet50     # weights that were downloaded

The names of the photos begin with the index of their class (`0281_n02123045_tabby.jpg`), as those of
EliSchwartz/imagenet-sample-images do once they are numbered. They are probably training images: what comes
out says that the preprocessing is right, and is no accuracy. Beside it stands the same network with the mean
and the deviation of ImageNet's pixels, which most networks want.
"""

import argparse
import re
from dataclasses import replace
from io import BytesIO
from zipfile import ZipFile

import torch
from PIL import Image

import zoo
from zoo import Specimen, imagenet

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("photos")
    parser.add_argument("--variant", default=imagenet.PACKAGED)
    asked = parser.parse_args()
    loaded = zoo.load(Specimen(asked.variant, weights="imagenet"))
    ways = {
        "its own preprocessing": loaded.preprocess,
        "ImageNet's mean and deviation": replace(loaded.preprocess, mean=MEAN, deviation=DEVIATION),
    }
    right = {way: [0, 0] for way in ways}
    count = 0
    with ZipFile(asked.photos) as archive:
        for name in archive.namelist():
            found = re.match(r"(?:.*/)?(\d+)_", name)
            if found is None:
                continue
            count += 1
            with Image.open(BytesIO(archive.read(name))) as photo, torch.inference_mode():
                pixels = torch.cat([preprocess(photo) for preprocess in ways.values()])
                first = loaded.model(pixels).topk(5).indices.tolist()
            for way, classes in zip(ways, first, strict=True):
                right[way][0] += classes[0] == int(found[1])
                right[way][1] += int(found[1]) in classes
    for way, (top1, top5) in right.items():
        print(
            f"{zoo.variant(asked.variant).title}, {way}: {count} photos, "
            f"top-1 {top1 / count:.1%}, top-5 {top5 / count:.1%}"
        )


if __name__ == "__main__":
    main()
