"""Figure 5 of the sample photos, measured once so that its page opens with all four changes at once.

    python -m benchmarks.invariance            # how long each change takes
    python -m benchmarks.invariance --save     # and keeps the curves in assets/measured

Seconds of processor time at one thread: five photos, a black border. EfficientNet-Lite0 has its ImageNet
weights, the others are checkpoints that come with the app. A file says which weights and pictures it is of,
and the page measures anew where they differ.
"""

import argparse
import time

import torch

import zoo
from ui import samples, subject
from ui.invariance_study import Study
from viz import invariance
from viz.invariance import CHANGES
from zoo import family_of, weights

PHOTOS = ("zfnet_photos", "alexnet_photos")  # checkpoints that know the same classes
FIVE = ("cat", "cup", "cameraman", "rocket", "astronaut")


def study(specimen: zoo.Specimen) -> Study:
    loaded, photos = zoo.load(specimen), samples.samples()
    blank = torch.zeros(1, loaded.preprocess.channels, loaded.preprocess.size, loaded.preprocess.size)
    paths = invariance.ends(invariance.outputs(loaded.model, blank), family_of(specimen.variant).stages[0])
    return Study(
        specimen=specimen,
        loaded=loaded,
        photos=tuple(photos[name] for name in FIVE),
        fill="black",
        paths=paths,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--save", action="store_true")
    save = parser.parse_args().save
    torch.set_num_threads(1)
    for specimen in (subject.FIRST, *(weights.specimen_of(f"shipped:{name}") for name in PHOTOS)):
        asked, found = study(specimen), {}
        for kind in CHANGES:
            start = time.process_time()
            *_, found[kind] = invariance.measure(
                asked.loaded.model, asked.pictures(), asked.loaded.preprocess, kind, asked.paths,
                fill=asked.fill, targets=asked.targets,
            )  # fmt: skip
            took = time.process_time() - start
            title = asked.file().stem.removeprefix("invariance_")
            print(f"{title:18} {kind:10} {len(found[kind].amounts):3} steps {took:6.1f} s", flush=True)
        if save:
            invariance.save(asked.file(), found, asked.digest())
            print(f"{asked.file().name}: {asked.file().stat().st_size:,} bytes", flush=True)


if __name__ == "__main__":
    main()
