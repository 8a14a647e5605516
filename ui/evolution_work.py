"""What the page Evolution computes, beside the page: a look through the pictures for every epoch, then tiles.

Everything is known by value: by the digest of an epoch's weights and the name of the set of pictures. So what
one reader waited for is there for all, and a run that goes on only adds to it.
"""

import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.data import dataset, version
from ui import background, cached
from ui.background import Background, Report, Seen
from ui.evolution_runs import ANSWERS, EVOLUTIONS, Watched
from viz import evolution, hooks
from viz.deconvnet import Projection, project_many
from viz.evolution import Answers, Stage
from viz.field import field
from zoo import variant, weights
from zoo.weights import Loaded

_BATCH = 60  # pictures at once
_AT_ONCE = 4  # projections between two reports


@dataclass(frozen=True, kw_only=True, eq=False)
class Pictures:
    """The pictures that every epoch looks through: of those that the run was not trained on."""

    token: str  # names them for good
    title: str
    images: NDArray[np.uint8]  # (N, C, H, W)
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def name(self, number: int) -> str:
        """A picture in words."""
        return f"{self.classes[int(self.labels[number])]}, picture {number + 1}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Moment:
    """An epoch, looked through."""

    digest: str  # of its weights
    layers: tuple[Stage, ...]
    answers: Mapping[str, Answers]  # by the path of the layer


@dataclass(frozen=True, kw_only=True, eq=False)
class Tile:
    """A map at an epoch: the picture with its strongest unit, what that unit saw, and its projection."""

    picture: int  # number in the set; -1: the map answers to none
    activation: float
    box: tuple[int, int, int, int]  # of what the unit saw: left, top, right, bottom
    patch: NDArray[np.uint8] | None  # (C, h, w), the picture inside the box
    projection: Tensor | None  # (C, h, w) inside the box, raw; None where there is none


@dataclass(frozen=True, kw_only=True, eq=False)
class Column:
    """An epoch as it stands: waited for, known, or why it will not come."""

    epoch: int
    seen: Seen | None  # of the work that it waits for
    moment: Moment | None
    why: str = ""  # a sentence


def pictures(watched: Watched, count: int) -> Pictures:
    """`count` pictures kept aside from the data of a run. ValueError where the data are not on this disk."""
    recipe = watched.recipe
    channels = variant(recipe.specimen.variant).channels
    images, labels = cached.held_out(recipe.data, 1, count, recipe.size, channels, 0)
    known = dataset(recipe.data)
    return Pictures(
        token=f"{recipe.data} {version(recipe.data)} {len(images)} of {recipe.size}x{channels}",
        title=f"{len(images):,} pictures of {known.title} that no run is trained on",
        images=images, labels=labels, classes=known.classes,
    )  # fmt: skip


def columns(watched: Watched, shown: Pictures) -> tuple[Column, ...]:
    """Every epoch of a run that is kept, begun where it is not known yet."""
    return tuple(_column(watched, epoch, shown) for epoch in watched.epochs)


def _column(watched: Watched, epoch: int, shown: Pictures) -> Column:
    path = watched.path(epoch)
    try:
        known = digest(path)
        if watched.source is EVOLUTIONS and (moment := _recorded(path, known, shown.token)):
            return Column(epoch=epoch, seen=None, moment=moment)
        key = ("evolution", known, shown.token)
        seen = _asked(cached.background(), key, partial(look, path, known, shown))
    except ValueError as error:
        return Column(epoch=epoch, seen=None, moment=None, why=str(error))
    if seen.state == "done":
        return Column(epoch=epoch, seen=None, moment=seen.result)
    return Column(epoch=epoch, seen=seen, moment=None, why=seen.why)


def _asked(where: Background, key: Hashable, work: Callable[[Report], object]) -> Seen:
    """Work, begun unless it is known; what has failed would fail again. ValueError for a full queue."""
    seen = where.look(key, background.reader())
    if seen is None or seen.state == "cancelled":
        return where.submit(key, work, background.reader())
    return seen


def digest(path: Path) -> str:
    """SHA-256 of a file, read once. ValueError where it is not there any more."""
    try:
        stat = path.stat()
        what = ("digest", str(path), stat.st_mtime_ns, stat.st_size)
        return cached.once(what, lambda: hashlib.sha256(path.read_bytes()).hexdigest())
    except OSError:
        raise ValueError(f"The checkpoint of epoch {int(path.stem)} is no longer there.") from None


def _recorded(path: Path, digest: str, token: str) -> Moment | None:
    """What came with the app, where it is of these very weights and pictures."""

    def made() -> Moment | None:
        tensors, _ = weights.read(path)

        def filters(conv: str) -> NDArray[np.float32]:
            return tensors[f"{weights.MODEL}{conv}.weight"].flatten(1).float().numpy()

        found = evolution.read(path.parents[1] / ANSWERS, digest, token, filters)
        return Moment(digest=digest, layers=found[0], answers=found[1]) if found else None

    return cached.once(("evolution recorded", digest, token), made)


def look(path: Path, digest: str, shown: Pictures, report: Report) -> Moment:
    """The work of an epoch: one pass over the pictures."""
    loaded = weights.load_file(path)
    _, channels, height, width = shown.images.shape
    layers = evolution.stages(loaded.model, torch.zeros(1, channels, height, width))
    batches = torch.split(torch.from_numpy(shown.images), _BATCH)
    normal = (_normal(loaded, batch) for batch in batches)
    answers: Mapping[str, Answers] = {}
    for done, known in enumerate(evolution.watch(loaded.model, normal, layers), 1):
        report(done / len(batches), None)
        answers = known
    return Moment(digest=digest, layers=layers, answers=answers)


def _normal(loaded: Loaded, images: Tensor) -> Tensor:
    """uint8 as the network wants them."""
    return loaded.preprocess.normalise(images / 255)


def tiles(
    watched: Watched, column: Column, shown: Pictures, layer: Stage, maps: tuple[int, ...]
) -> Seen | None:
    """The tiles of an epoch, by map, or a sentence; None for an epoch that is not known yet."""
    if column.moment is None:
        return None
    work = partial(made, watched.path(column.epoch), column.moment.answers[layer.path], shown, layer, maps)
    return _asked(cached.quick(), _key(column.moment, shown, layer, maps), work)


def wait(column: Column, shown: Pictures, layer: Stage, maps: tuple[int, ...], seconds: float) -> Seen | None:
    """The same work, after waiting for it a little; None for an epoch that is not known yet."""
    if column.moment is None:
        return None
    return cached.quick().wait(_key(column.moment, shown, layer, maps), background.reader(), seconds)


def _key(moment: Moment, shown: Pictures, layer: Stage, maps: tuple[int, ...]) -> Hashable:
    return ("evolution tiles", moment.digest, shown.token, layer.path, maps)


def made(
    path: Path, answers: Answers, shown: Pictures, layer: Stage, maps: tuple[int, ...], report: Report
) -> Mapping[int, Tile]:
    """The work of an epoch's tiles, by map."""
    loaded = weights.load_file(path)
    lit = [channel for channel in maps if answers.winners[channel] >= 0]
    known = {channel: _silent(answers, channel) for channel in maps}
    sight = field(loaded.model, (shown.images.shape[1], *shown.images.shape[2:]), layer.path)
    sent = hooks.undefined(loaded.model) is None
    for start in range(0, len(lit), _AT_ONCE):
        some = lit[start : start + _AT_ONCE]
        pixels = shown.images[answers.winners[some]]
        found: Sequence[Projection | None] = [None] * len(some)
        if sent:
            images = _normal(loaded, torch.from_numpy(pixels))
            found = project_many(loaded.model, images, layer.path, some, answers.places[some])
        for channel, picture, projection in zip(some, pixels, found, strict=True):
            y, x = (int(each) for each in answers.places[channel])
            left, top, right, bottom = box = sight.box(y, x, channel)
            seen = (slice(None), slice(top, bottom), slice(left, right))
            known[channel] = Tile(
                picture=int(answers.winners[channel]),
                activation=float(answers.strongest[channel]),
                box=box,
                patch=picture[seen],
                projection=None if projection is None else projection.patch,
            )
        report((start + len(some)) / len(lit), None)
    return known


def _silent(answers: Answers, channel: int) -> Tile:
    activation = float(answers.strongest[channel])
    return Tile(picture=-1, activation=activation, box=(0, 0, 0, 0), patch=None, projection=None)
