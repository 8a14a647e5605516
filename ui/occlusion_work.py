"""What the page Occlusion has computed for it in a process of its own, so without Streamlit."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from PIL import Image
from torch import Tensor, nn

from ui.shelf import Shelf
from viz import deconvnet
from viz.deconvnet import Projection
from viz.occlusion import Answers, Occluder, Occlusion
from zoo import Specimen, load
from zoo.weights import Preprocess

_LOOK = 1  # batches after the first with which the coarse map of long work is whole
_MOST = 6  # other pictures shown

Pictures = Sequence[tuple[str, Image.Image]]  # title, and the picture as stored


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What slides over the picture, and what is watched."""

    size: int  # pixels
    stride: int
    fill: str
    layer: str  # path
    preview: bool  # half the precision


@dataclass(frozen=True, kw_only=True, eq=False)
class Elsewhere:
    """The strongest unit of the map in another picture."""

    title: str
    patch: Image.Image  # what it sees, as the network sees it
    projection: Projection


@dataclass(frozen=True, kw_only=True, eq=False)
class Progress:
    """What is known so far."""

    found: Occlusion
    left: float  # seconds of work
    total: float  # seconds of work that were expected for all of it
    how: str
    exact: bool
    projection: Projection | str | None  # or a sentence why there is none; None: still to come
    elsewhere: tuple[Elsewhere, ...] | None = None  # None: still to come, or there is none
    besides: float = 0.0  # seconds of work that went into what is no place of the square

    def after(self, _: "Progress | None") -> "Progress":
        """All of it, whatever was known before."""
        return self


@dataclass(frozen=True, kw_only=True, eq=False)
class More:
    """What is new since the last word: all that is known would be tens of MB each time."""

    answers: Answers | None = None
    left: float = 0.0
    projection: Projection | str | None = None
    elsewhere: tuple[Elsewhere, ...] | None = None
    besides: float = 0.0

    def after(self, known: Progress | None) -> Progress:
        """All of it, with what was known before."""
        assert known is not None, "the first word is all that is known"
        return replace(
            known,
            found=known.found if self.answers is None else known.found.told(self.answers),
            left=self.left,
            projection=self.projection or known.projection,
            elsewhere=self.elsewhere,
            besides=known.besides + self.besides,
        )


def rounds(
    specimen: Specimen, image: Tensor, settings: Settings, others: Pictures, most: float | None
) -> Iterator[Progress | More]:
    """All places, coarse first, and the map on other pictures: first all that is known, then what is new.

    `image`: (1, C, H, W). `most`: seconds of work beyond which it looks at no more places after the first
    look. ValueError where the network cannot be loaded, or does not take this.
    """
    start = time.monotonic()
    loaded = _networks().get(specimen)
    besides = time.monotonic() - start
    model = loaded.model
    occluder = Occluder(
        model, image, 0, size=settings.size, stride=settings.stride, fill=settings.fill,
        layer=settings.layer, preprocess=loaded.preprocess, preview=settings.preview,
    )  # fmt: skip
    left = occluder.seconds()
    yield Progress(
        found=occluder.found(), left=left, total=left, how=occluder.how, exact=occluder.exact,
        projection=None, besides=besides,
    )  # fmt: skip
    projection = _projection(model, image, occluder.found())
    yield More(left=left, projection=projection)
    for number, answers in enumerate(occluder.batches(), start=1):
        yield More(answers=answers, left=occluder.seconds())
        if most is not None and left > most and number == _LOOK:
            break
    if isinstance(projection, Projection):
        start = time.monotonic()
        elsewhere = look_elsewhere(model, loaded.preprocess, others, occluder.found())
        yield More(left=occluder.seconds(), elsewhere=elsewhere, besides=time.monotonic() - start)


@cache
def _networks() -> Shelf:
    """The network looked into last, and those that are still at work."""
    return Shelf(load, most=0)


def _projection(model: nn.Module, image: Tensor, found: Occlusion) -> Projection | str:
    try:
        return deconvnet.project(model, image, found.layer, found.channel)
    except ValueError as error:
        return str(error)


def look_elsewhere(
    model: nn.Module, preprocess: Preprocess, others: Pictures, found: Occlusion
) -> tuple[Elsewhere, ...]:
    """The pictures that the watched map answers to most, the strongest first. ValueError as of `project`."""
    strongest = deconvnet.project_strongest(
        model, [preprocess(image) for _, image in others], found.layer, found.channel, _MOST
    )
    return tuple(
        Elsewhere(
            title=others[at][0],
            patch=preprocess.crop(others[at][1]).convert("RGB").crop(projection.box),
            projection=projection,
        )
        for at, projection in strongest
    )
