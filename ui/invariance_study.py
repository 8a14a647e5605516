"""What the page Invariance asks of a network, computed beside the pages and once for all readers."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ui import background, cached
from ui.background import Report, Seen
from ui.photo import Photo
from viz import invariance, strongest
from viz.invariance import Curves, Fill, Kind
from zoo import Loaded, Specimen

PAGE = "invariance"
MEASURED = Path(__file__).parents[1] / "assets" / "measured"
EVERY = 0.4  # seconds between looks at work under way
_PATIENCE = 1.0  # seconds that a page waits for the first curves,
_COARSE = 0.2  # until so much of them is there,
_GLIMPSE = 0.05  # looking so often


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """One network, the pictures it is shown, and the two layers that are compared."""

    specimen: Specimen
    loaded: Loaded
    photos: tuple[Photo, ...]
    fill: Fill
    paths: tuple[str, str]  # the first layer and the top one

    @property
    def side(self) -> int:
        """Pixels a side of what the network sees."""
        return self.loaded.preprocess.size

    @property
    def targets(self) -> tuple[int | None, ...]:
        """The class that each picture is known to show; None where the network has no such class."""
        return tuple(_class(photo, self.loaded) for photo in self.photos)

    def followed(self, curves: Curves, at: int) -> str:
        """The class whose probability is followed in a picture, and why."""
        why = "what we call it" if self.photos[at].ours else "the label"
        if self.targets[at] is None:
            why = "the network's own answer"
        return f"{self.loaded.labels[curves.targets[at]]}, {why}"

    def pictures(self) -> Tensor:
        """What the network sees, (N, C, H, W) from 0 to 1."""
        return torch.cat([_pixels(self.loaded, photo.image) for photo in self.photos])

    def shown(self, kind: Kind, amount: float) -> list[Image.Image]:
        """The changed pictures, as the network sees them."""
        mean = self.loaded.preprocess.mean
        changed = invariance.transformed(self.pictures(), kind, amount, self.fill, mean)
        pixels = (255 * changed).round().byte().expand(-1, 3, -1, -1).permute(0, 2, 3, 1)
        return [Image.fromarray(each.numpy()) for each in pixels.contiguous()]

    def key(self, kind: Kind) -> tuple[object, ...]:
        """All that the curves of a change depend on."""
        photos = tuple(photo.digest for photo in self.photos)
        return PAGE, self.specimen, photos, self.targets, self.fill, self.paths, kind

    def measured(self) -> Mapping[Kind, Curves] | None:
        """Curves that came with the app; None where there are none of exactly this."""
        path = self.file()
        return cached.invariance_measured(path, self.digest()) if path.exists() else None

    def file(self) -> Path:
        """Where such curves lie, by the name of the network, or of the checkpoint that came with the app."""
        kind, _, name = self.specimen.weights.partition(":")
        return MEASURED / f"invariance_{name if kind == 'shipped' else self.specimen.variant}.safetensors"

    def digest(self) -> str:
        """A name for all that the curves depend on, the numbers of the network included."""
        rest = self.key("vertical")[2:-1]
        return hashlib.sha256(f"{strongest.digest(self.loaded.model)} {rest!r}".encode()).hexdigest()[:32]

    def look(self, kind: Kind, *, last: bool = False) -> Seen:
        """How far the curves of a change are; they are begun once. `last`: other work comes first.

        What came with the app, and is of this very network and these pictures, is there at once.
        """
        if (measured := self.measured()) is not None:
            done = measured[kind]
            return Seen(state="done", share=1.0, result=done, place=0, seconds=0.0, why="")
        jobs, reader, key = cached.background(), background.reader(), self.key(kind)
        seen = jobs.look(key, reader)
        if seen is not None and seen.state != "cancelled":
            return seen
        try:
            return jobs.submit(key, partial(self._measure, kind), reader, last=last)
        except ValueError as error:
            return Seen(state="failed", share=0.0, result=None, place=0, seconds=0.0, why=str(error))

    def first_look(self, kind: Kind) -> Seen:
        """The same, after waiting a little for a coarse curve: what is quick comes without a flicker."""
        seen, until = self.look(kind), time.monotonic() + _PATIENCE
        while seen.alive and seen.share < _COARSE and time.monotonic() < until:
            seen = cached.background().wait(self.key(kind), background.reader(), _GLIMPSE) or seen
        return seen

    def _measure(self, kind: Kind, report: Report) -> Curves:
        for found in invariance.measure(
            self.loaded.model, self.pictures(), self.loaded.preprocess, kind, self.paths, fill=self.fill,
            targets=self.targets,
        ):  # fmt: skip
            report(found.done, found)
        return found


def short(photo: Photo) -> str:
    """A name for the legend of a chart: of an item of a data set, its class."""
    return photo.label if ":" in photo.token and photo.label else photo.title


def _pixels(loaded: Loaded, image: Image.Image) -> Tensor:
    row = loaded.preprocess
    pixels = np.asarray(row.crop(image), dtype=np.float32).reshape(row.size, row.size, row.channels)
    return torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255


def _class(photo: Photo, loaded: Loaded) -> int | None:
    return loaded.labels.index(photo.label) if photo.label in loaded.labels else None
