"""What the page Methods side by side computes beside the page: maps, those of twins, and scores."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeAlias

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ui import background, cached
from ui.background import Report, Seen
from ui.photo import Photo
from ui.subject import Subject
from viz import images, methods, scores
from viz.attribution import Method
from viz.figures.methods import Pair
from viz.methods import BASELINES, METHODS, OCCLUSION, Map

PAGE = "methods"
_SIDE = 320  # pixels of a map on a card: sharp where it is shown half as wide
_OPACITY = 0.8
_MISSABLE = 0.9  # of the picture: what fills more of it cannot be missed
_HEAVY = {"integrated", "smoothgrad"}  # tens of passes: begun by themselves, behind those of one or two

Key: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """What all maps are of."""

    subject: Subject
    photo: Photo
    target: int  # class
    image: Tensor  # (1, C, H, W), normalised
    crop: Image.Image  # what the network sees
    truth: NDArray[np.bool_] | None  # (H, W): where the thing is

    def key(self, *parts: object) -> Key:
        """All that a result depends on."""
        return (PAGE, self.subject.specimen, self.photo.digest, self.target, *parts)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the controls ask for."""

    keys: tuple[str, ...]  # of METHODS
    order: str
    slow: bool
    scores: bool
    depth: int  # layers of the twin that are drawn anew; 0: no twin


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """A map, as numbers and as a picture."""

    heat: Map
    seconds: float  # of computing
    picture: bytes  # JPEG


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """What taking pixels out and putting them in does, in the order of a map."""

    insertion: scores.Curve
    deletion: scores.Curve

    @property
    def faithful(self) -> float:
        """-1 to 1, the higher, the better."""
        return self.insertion.auc - self.deletion.auc

    @property
    def pair(self) -> Pair:
        """For the figures."""
        one, other = self.insertion, self.deletion
        return Pair(shares=one.shares, insertion=one.probabilities, deletion=other.probabilities)


@dataclass(frozen=True, kw_only=True, eq=False)
class Card:
    """A method and how far each part of its card is; None where that is not asked for."""

    method: Method
    undefined: str | None
    map: Seen | None
    twin: Seen | None
    curves: Seen | None
    rank: float | None  # correlation with occlusion
    change: float | None  # correlation with the twin's map

    @property
    def known(self) -> bool:
        """Whether it knows nothing of the network, as everybody knows."""
        return self.method.key in BASELINES

    @property
    def drawn(self) -> Drawn | None:
        return done(self.map)

    @property
    def other(self) -> Drawn | None:
        """The twin's."""
        return done(self.twin)

    @property
    def scored(self) -> Curves | None:
        return done(self.curves)

    @property
    def under_way(self) -> list[Seen]:
        return [seen for seen in self.asked if seen.alive]

    @property
    def asked(self) -> list[Seen]:
        return [seen for seen in (self.map, self.twin, self.curves) if seen is not None]


def done(seen: Seen | None) -> Any:
    """The whole result of a job, once it is there."""
    return seen.result if seen is not None and seen.state == "done" else None


def truth(chosen: Subject, picture: Photo, target: int) -> NDArray[np.bool_] | None:
    """Where the thing is on what the network sees: its mask, or the boxes of what the class names.

    None where that is not known, and where it is nearly everywhere.
    """
    mask, things = picture.mask, picture.objects
    if mask is None:
        named = things if len(things) == 1 else [thing for thing in things if thing.index == target]
        if not named or (len(things) > 1 and chosen.specimen.weights != "imagenet"):
            return None
        mask = np.zeros(picture.image.size[::-1], np.bool_)
        for thing in named:
            left, top, right, bottom = thing.box
            mask[top:bottom, left:right] = True
    crop = chosen.loaded.preprocess.crop(Image.fromarray(mask.astype(np.uint8) * 255))
    inside: NDArray[np.bool_] = np.asarray(crop.convert("L")) > 127
    return inside if 0 < inside.mean() < _MISSABLE else None


class Desk:
    """Asks for the work of one reader, and knows what of it was begun or cancelled by hand."""

    def __init__(self) -> None:
        self._reader = background.reader()
        self._begun: set[Key] = st.session_state.setdefault(f"{PAGE}.begun", set())
        self._stopped: set[Key] = st.session_state.setdefault(f"{PAGE}.stopped", set())

    def ask(
        self,
        key: Key,
        work: Callable[[Report], object],
        *,
        quick: bool = False,
        wanted: bool = True,
        last: bool = False,
    ) -> Seen | None:
        """How far it is, begun if it is wanted; None where it stands still. `last`: see `Background.submit`.

        Raises ValueError with a sentence where the queue is full.
        """
        pool = cached.quick() if quick else cached.background()
        if key in self._stopped or not (wanted or key in self._begun):
            return pool.result(key)
        seen = pool.look(key, self._reader)
        failed = seen is not None and seen.state == "failed"
        return seen if failed else pool.submit(key, work, self._reader, last=last)

    def wait(self, key: Key, seconds: float) -> None:
        """For quick work."""
        cached.quick().wait(key, self._reader, seconds)

    def begin(self, key: Key) -> None:
        self._begun.add(key)
        self._stopped.discard(key)

    def stop(self, key: Key) -> None:
        self._stopped.add(key)
        for pool in (cached.quick(), cached.background()):
            pool.cancel(key, self._reader)


def quick(method: Method) -> bool:
    """Whether it takes a pass or two."""
    return not method.slow and method.key not in _HEAVY


def map_key(study: Study, method: Method) -> Key:
    return study.key("map", method.key)


def cards(study: Study, wish: Wish, desk: Desk) -> list[Card]:
    """All methods as they stand now; what is wanted is begun. ValueError as in `Desk.ask`."""
    occlusion: Drawn | None = done(_map(study, OCCLUSION, wish, desk))
    shown = [*(METHODS[key] for key in wish.keys), *BASELINES.values()]
    return [_card(study, method, wish, desk, occlusion) for method in shown]


def _card(study: Study, method: Method, wish: Wish, desk: Desk, occlusion: Drawn | None) -> Card:
    undefined = method.undefined(study.subject.loaded.model)
    seen = _map(study, method, wish, desk) if undefined is None else None
    drawn: Drawn | None = done(seen)
    twin = curves = rank = change = None
    if drawn is not None:
        if wish.depth and method.key not in BASELINES:
            work = partial(_draw, study, method, wish.depth)
            twin = desk.ask(
                study.key("map", method.key, wish.depth), work, quick=quick(method), last=method.slow
            )
        if (other := done(twin)) is not None:
            change = _correlation(drawn, other)
        scoring = partial(_score, study, drawn)
        curves = desk.ask(study.key("curves", method.key), scoring, wanted=wish.scores)
        if occlusion is not None and method is not OCCLUSION:
            rank = _correlation(drawn, occlusion)
    return Card(
        method=method, undefined=undefined, map=seen, twin=twin, curves=curves, rank=rank, change=change
    )


def _map(study: Study, method: Method, wish: Wish, desk: Desk) -> Seen | None:
    # Occlusion is what the others are compared with, so scores ask for it as well.
    wanted = not method.slow or wish.slow or (wish.scores and method is OCCLUSION)
    work = partial(_draw, study, method, 0)
    last = method.slow and method is not OCCLUSION
    return desk.ask(map_key(study, method), work, quick=quick(method), wanted=wanted, last=last)


def _draw(study: Study, method: Method, depth: int, report: Report) -> Drawn:
    """A method's map, of the network or of its twin with `depth` layers drawn anew."""
    model = cached.twin(study.subject.specimen, depth) if depth else study.subject.loaded.model
    start = time.thread_time()  # others work beside it, and it does not wait for its own threads
    heat = methods.draw(method, model, study.image, study.target, lambda share: report(share, None))
    seconds = time.thread_time() - start
    laid = images.overlay(study.crop, methods.legible(heat), opacity=_OPACITY)
    laid.thumbnail((_SIDE, _SIDE))
    return Drawn(heat=heat, seconds=seconds, picture=images.jpeg(laid))


def _score(study: Study, drawn: Drawn, report: Report) -> Curves:
    model = study.subject.loaded.model
    insertion = scores.insertion(model, study.image, drawn.heat, study.target)
    report(0.5, None)
    deletion = scores.deletion(model, study.image, drawn.heat, study.target)
    return Curves(insertion=insertion, deletion=deletion)


@lru_cache(maxsize=256)
def _correlation(one: Drawn, other: Drawn) -> float:
    return scores.rank_correlation(one.heat, other.heat)
