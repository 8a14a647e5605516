"""What the maps of the page Class-activation maps are of, and how they are drawn."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ui import cached
from ui.evidence import Plate
from ui.photo import Photo
from ui.subject import Subject
from viz import cam, images
from viz.layers import Layer

Raw = NDArray[np.float32]  # a map (h, w), signed

PAGE = "cam"
FREE = ("gradcam", "gradcampp", "hirescam", "layercam", "xgradcam", "eigencam")  # from one pass
STRIP = (*FREE, "cam")
TITLES: Mapping[str, str] = MappingProxyType(
    {key: cam.METHODS[key].title for key in (*STRIP, "scorecam")} | {"guided_gradcam": "Guided Grad-CAM"}
)
_THUMB = 224  # pixels of a picture among others


@dataclass(frozen=True, kw_only=True)
class View:
    """How maps are drawn."""

    look: str  # "overlay", "cells" or "contour"
    signed: bool  # both halves
    opacity: float


@dataclass(frozen=True, kw_only=True)
class Thumb:
    """A map drawn small."""

    picture: bytes  # JPEG
    told: str  # what it shows, in words
    verdict: str  # what one cannot see


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """A network, a picture and a class."""

    subject: Subject
    photo: Photo
    target: int
    first: int  # the class that the network holds for likeliest
    layers: tuple[Layer, ...]
    frames: tuple[str, ...]  # paths of some of them, from each part of the network; the last is the advised
    method: str  # one of FREE: of the maps of the frames

    @property
    def advised(self) -> str:
        """The path of the layer to look at first."""
        return self.frames[-1]

    @property
    def crop(self) -> Image.Image:
        """What the network sees."""
        return cached.crop(self.subject.loaded.preprocess, self.photo)

    @cached_property
    def ground(self) -> Image.Image:
        """The same, grey and as small as maps among others."""
        return images.grey(self.crop, _THUMB)

    def key(self, *parts: Hashable) -> tuple[Hashable, ...]:
        """All that a result depends on."""
        return (PAGE, self.subject.specimen, self.photo.digest, self.target, *parts)

    def label(self, target: int) -> str:
        return self.subject.loaded.labels[target]

    def layer(self, path: str) -> Layer:
        return next(layer for layer in self.layers if layer.path == path)

    def evidence(self, path: str, target: int | None = None) -> cam.Evidence:
        """What a layer has to say of a class, None: of the one that the page is about."""
        wanted = self.target if target is None else target
        if path == self.advised and (found := self.film().ends.get(wanted)):
            return found
        return cached.cam_evidence(self.subject.specimen, self.photo, wanted, path)

    def map(self, method: str, path: str, target: int | None = None) -> Raw | str:
        """The raw map of one of STRIP; a sentence where it is not defined."""
        wanted = self.target if target is None else target
        return cached.found(
            self.key("map", method, path, wanted), lambda: self._computed(method, path, wanted)
        )

    def _computed(self, method: str, path: str, target: int) -> Raw | str:
        seen = self.evidence(path, target)
        if method in FREE:
            found: Raw = cam.coarse(seen, method).numpy()
            return found
        try:
            return cam.class_activation(self.subject.loaded.model, seen).numpy()
        except ValueError as error:
            return str(error)

    def film(self, method: str | None = None) -> cam.Film:
        """The maps of the frames by one of FREE, and what the last of these layers has to say."""
        asked = None if self.target == self.first else self.target
        return cached.cam_film(self.subject.specimen, self.photo, asked, self.frames, method or self.method)


def drawn(crop: Image.Image, raw: Raw, view: View, *, most: float | None = None) -> Image.Image:
    """A map on what the network sees; `most` is what gets the strongest colour, else its own largest value.

    Where nothing speaks for the class, what speaks against it is shown, never a black picture.
    """
    values = _shown(raw, view, most)
    if view.look == "contour":
        found = images.located(images.enlarged(values, crop.size, smooth=True))
        ground = images.shown(crop)
        return images.outlined(ground, found) if found is not None else ground
    return images.overlay(crop, values, opacity=view.opacity, smooth=view.look == "overlay")


def _shown(raw: Raw, view: View, most: float | None = None) -> images.Values:
    """What of a map has colours, from -1 to 1."""
    shown = raw if view.signed or raw.max() <= 0 else np.maximum(raw, 0)
    return shown / most if most else images.scaled(shown)


def small(study: Study, raw: Raw, view: View) -> bytes:
    """The same among others, at the size it has there, as JPEG."""
    if view.look == "contour":  # has lines, which are drawn on something large
        size = (_THUMB, _THUMB)
        return images.jpeg(drawn(study.crop, raw, view).resize(size, Image.Resampling.BILINEAR))
    smooth = view.look == "overlay"
    return images.jpeg(images.laid(study.ground, _shown(raw, view), opacity=view.opacity, smooth=smooth))


def thumb(
    title: str, study: Study, method: str, path: str, view: View, raw: Callable[[], Raw | str], *,
    chosen: bool, note: str = "",
) -> Plate:  # fmt: skip
    """A map among others, or the sentence that stands for it; `raw` makes what is not drawn yet."""

    def make() -> Thumb | str:
        map_ = raw()
        if isinstance(map_, str):
            return map_
        return Thumb(picture=small(study, map_, view), told=told(map_), verdict=verdict(map_))

    found = cached.found(study.key("thumb", method, path, view), make)
    if isinstance(found, str):
        return Plate(title=title, picture=found, chosen=chosen)
    return Plate(
        title=title, picture=found.picture, alt=f"{title}: {found.told}", note=note or found.verdict,
        chosen=chosen,
    )  # fmt: skip


def verdict(raw: Raw) -> str:
    """What one cannot see in a map that is drawn for itself; mostly nothing."""
    if not raw.any():
        return "Zero everywhere: no cell changes the score."
    if raw.max() <= 0:
        return "No cell speaks for the class: what speaks against it is shown."
    return ""


def told(raw: Raw) -> str:
    """A map in words: where it is highest, and how much of it speaks for the class."""
    if raw.max() <= 0:
        return verdict(raw)
    height, width = raw.shape
    y, x = divmod(int(raw.argmax()), width)
    rows, columns = ("top", "middle", "bottom"), ("left", "centre", "right")
    place = f"{rows[3 * y // height]} {columns[3 * x // width]}"
    return f"highest at the {place}; {np.mean(raw > 0):.0%} of the cells speak for the class"
