"""Figure 5 of the sample photos, measured once so that its page opens with all four changes at once.

    python -m benchmarks.invariance            # how long each change takes
    python -m benchmarks.invariance --save     # and keeps the curves in assets/measured

Seconds of processor time at one thread, EfficientNet-Lite0 with its ImageNet weights: five photos, a black
border. The file says which weights and pictures it is of, and the page measures anew where they differ.
"""

import argparse
import time

import torch

import zoo
from ui import samples, subject
from ui.invariance_study import MEASURED, Study
from viz import invariance
from viz.invariance import CHANGES
from zoo import family_of

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
    asked, found = study(subject.FIRST), {}
    for kind in CHANGES:
        start = time.process_time()
        *_, found[kind] = invariance.measure(
            asked.loaded.model, asked.pictures(), asked.loaded.preprocess, kind, asked.paths,
            fill=asked.fill, targets=asked.targets,
        )  # fmt: skip
        print(
            f"{kind:10} {len(found[kind].amounts):3} steps {time.process_time() - start:6.1f} s", flush=True
        )
    if save:
        path = MEASURED / f"invariance_{asked.specimen.variant}.safetensors"
        invariance.save(path, found, asked.digest())
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
