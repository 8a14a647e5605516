"""What both halves of the page Many share: a network's glance with its maps drawn, made beside the pages."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from training import data
from ui import background, cached, evidence
from ui.background import Report, Seen
from viz import images
from viz.glance import Glance, positive
from zoo import Specimen, weights

EVERY = 0.6  # seconds between looks at what is under way
AT_ONCE = 0.4  # seconds that a page waits, so that what is quick comes without a flicker
SIDE = 320  # pixels of a map on the screen
_STYLE = Path(__file__).with_name("many.css")
_PHOTOS = ("cifar10", "imagenette")  # data sets of photos


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """A glance, and its maps as JPEG inside the page."""

    glance: Glance
    labels: tuple[str, ...]  # of the network's classes
    map: str  # Grad-CAM
    fall: str = ""  # the map of the occlusion, with a frame around its lowest square


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """What a network has learnt from, for those who ask it about something else."""

    words: str
    photos: bool  # whether it was photos of all sorts


def learnt(specimen: Specimen) -> Learnt:
    """What the weights of a specimen have learnt from."""
    if specimen.weights == "random":
        return Learnt(words="nothing yet", photos=False)
    if specimen.weights == "imagenet":
        return Learnt(words="ImageNet", photos=True)
    key = weights.describe(specimen.weights).data
    title = data.DATASETS[key].title if key in data.DATASETS else key.removeprefix(data.OWN)
    return Learnt(words=title, photos=key.removeprefix(data.OWN) in _PHOTOS)


def style() -> None:
    """The look of both halves."""
    st.html(_STYLE)
    evidence.style()


def job(key: tuple[object, ...], work: Callable[[Report], Any], *, quick: bool = False) -> Seen:
    """How far work is; it is begun once, and what has failed stays so. `quick`: it takes a pass or two."""
    jobs, reader = cached.quick() if quick else cached.background(), background.reader()
    seen = jobs.look(key, reader)
    if seen is not None and seen.state != "cancelled":
        return seen
    try:
        return jobs.submit(key, work, reader)
    except ValueError as error:
        return Seen(state="failed", share=0.0, result=None, place=0, seconds=0.0, why=str(error))


def overlaid(glance: Glance, values: NDArray[np.floating]) -> Image.Image:
    """What speaks for a class, on what the network saw."""
    return images.overlay(glance.seen, positive(values))


def uri(picture: Image.Image) -> str:
    small = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return images.uri(images.jpeg(small))


def figure(source: str, alt: str, caption: str) -> str:
    """A picture with words below, which are HTML."""
    return f'<figure><img src="{source}" alt="{escape(alt)}"><figcaption>{caption}</figcaption></figure>'
