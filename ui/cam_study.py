"""What the maps of the page Class-activation maps are of, and how they are drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """A network, a picture and a class."""

    subject: Subject
    photo: Photo
    target: int
    crop: Image.Image  # what the network sees
    layers: tuple[Layer, ...]
    advised: str  # the path of one of them

    def key(self, *parts: object) -> tuple[object, ...]:
        """All that a result depends on."""
        return (PAGE, self.subject.specimen, self.photo.digest, self.target, *parts)

    def label(self, target: int) -> str:
        return self.subject.loaded.labels[target]

    def layer(self, path: str) -> Layer:
        return next(layer for layer in self.layers if layer.path == path)

    def evidence(self, path: str, target: int | None = None) -> cam.Evidence:
        wanted = self.target if target is None else target
        return cached.cam_evidence(self.subject.specimen, self.photo, wanted, path)

    def map(self, method: str, path: str, target: int | None = None) -> Raw | str:
        """The raw map of one of STRIP; a sentence where it is not defined."""
        if method == "cam":
            wanted = self.target if target is None else target
            return cached.cam_itself(self.subject.specimen, self.photo, wanted, path)
        return numbers(self.evidence(path, target), method)


def numbers(evidence: cam.Evidence, method: str) -> Raw:
    """The raw map of one of FREE."""
    found: Raw = cam.coarse(evidence, method).numpy()
    return found


def drawn(crop: Image.Image, raw: Raw, view: View, *, most: float | None = None) -> Image.Image:
    """A map on what the network sees; `most` is what gets the strongest colour, else its own largest value.

    Where nothing speaks for the class, what speaks against it is shown, never a black picture.
    """
    shown = raw if view.signed or raw.max() <= 0 else np.maximum(raw, 0)
    values = shown / most if most else images.scaled(shown)
    if view.look == "contour":
        found = images.located(images.enlarged(values, crop.size, smooth=True))
        ground = images.shown(crop)
        return images.outlined(ground, found) if found is not None else ground
    return images.overlay(crop, values, opacity=view.opacity, smooth=view.look == "overlay")


def small(picture: Image.Image) -> Image.Image:
    """A picture that stands among others."""
    return picture.resize((_THUMB, _THUMB), Image.Resampling.BILINEAR)


def thumb(title: str, study: Study, raw: Raw | str, view: View, *, chosen: bool, note: str = "") -> Plate:
    """A map among others, or the sentence that stands for it."""
    if isinstance(raw, str):
        return Plate(title=title, picture=raw, chosen=chosen)
    return Plate(
        title=title, picture=small(drawn(study.crop, raw, view)), alt=f"{title}: {told(raw)}",
        note=note or verdict(raw), chosen=chosen,
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
