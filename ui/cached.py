"""Everything the app remembers between reruns: the only place with st.cache_*.

Arguments are names, numbers and asset keys. Every cache is bounded. What takes more than a moment to compute
passes the gate (`heavy`); what is made in a moment, but asks for such, is `patient`. What is cached is shared
by all readers, so it is either data that is copied on every call (`cache_data`) or something that nobody
changes (`cache_resource`).
"""

import atexit
import gc
import json
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from functools import cache, wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray
from PIL.Image import Image
from plotly.graph_objects import Figure
from torch import nn

from training import cluster, schedule
from training.data import load
from training.pool import Pool
from training.recipe import Recipe
from training.runs import Runs, Summary
from ui import catalogue, kept, live, memory, pictures
from ui import samples as always
from ui.apart import Apart
from ui.background import Background
from ui.collection import PictureSet, collect
from ui.errands import Errands
from ui.gate import at_once, gate, heavy, patient
from ui.items import Items
from ui.items import items as items_of
from ui.kept import Kept
from ui.results import Results
from ui.samples import Photo
from ui.shelf import Shelf
from ui.visits import Visit
from viz import (
    activations,
    attribution,
    cam,
    correspondence,
    hierarchy,
    hooks,
    invariance,
    layers,
    scores,
    sight,
    strongest,
)
from viz import figure_one as figures_one
from viz import fusing as fuse
from viz.attention import Captured, capture, lens, relevance
from viz.field import Field
from viz.field import field as field_of
from viz.figures import timeline as figures
from viz.figures.scaling import draw
from viz.hooks import Rule
from viz.operators import OPERATORS, Choice, Walk
from viz.operators.patch import whole
from zoo import Loaded, Specimen, family_of, variant
from zoo import budget as budgets
from zoo import load as load_specimen
from zoo.anatomy import Alignment, Anatomy, Graph, align, dissect, excerpt, graph, smallest_input
from zoo.anatomy import block_graph as block_graph_of
from zoo.blocks import Block, Costs
from zoo.budget import Net
from zoo.ladders import LADDERS, Marks, Step, climb, differences
from zoo.scaling import LAWS, View
from zoo.scaling.attention import over_sides
from zoo.surgery import operate
from zoo.timing import Timing, measure
from zoo.weights import Preprocess

T = TypeVar("T")

_LARGEST, _NEAR = 512, 96  # pixels: how large, and how far around, a search for a size that works goes
results = Results()
_measuring = threading.Lock()  # two measurements at once would measure each other
_REST = 0.4  # seconds for which all readers of a run see the same log, so that it is drawn once for them
_TURN = 180.0  # seconds that a reader waits for the measurements of others

# Records by a word that says all of them: Streamlit would take them apart, for half a millisecond each.
_IN_SHORT: dict[str | type, Callable[[Any], Any]] = {
    Photo: lambda photo: photo.digest, Specimen: repr, "ui.controls.Study": repr
}  # fmt: skip


def _lasting(make: Callable[[], T]) -> Callable[[], T]:
    """What `make` gives, made once for the process, and kept to its end.

    For work under way, which is no cache: a browser may ask Streamlit to clear the caches of everybody.
    """
    made, lock = cache(make), threading.Lock()

    @wraps(make)
    def the_one() -> T:
        with lock:
            return made()

    return the_one


@st.cache_resource(max_entries=1, show_spinner=False, scope="session", on_release=Visit.end)
def visit() -> Visit:
    """The window that asks."""
    return Visit()


@st.cache_resource(max_entries=1, show_spinner=False)
def entries() -> tuple[catalogue.Entry, ...]:
    """The families as the Gallery shows them, in the order of the registry. Frozen records: safe to share."""
    return catalogue.entries()


@st.cache_resource(max_entries=64, show_spinner=False)
def timeline(
    x: str, y: str, size: str, lineage: tuple[tuple[str, str], ...], kin: frozenset[str], front: bool
) -> Figure:
    """All published networks on two axes. A figure that nobody changes: pages send it as it is."""
    points = [point for family in entries() for point in family.points]
    return _still(figures.timeline(points, x, y, size=size, lineage=lineage, kin=kin, with_front=front))


@heavy(st.cache_resource(max_entries=128, show_spinner="Taking the network apart …", hash_funcs=_IN_SHORT))
def anatomy(specimen: Specimen, size: int) -> Anatomy:
    """The network for square images of `size` pixels, taken apart. ValueError where it cannot exist."""
    return dissect(specimen.skeleton(input_size=size), (variant(specimen.variant).channels, size, size))


@heavy(st.cache_resource(max_entries=64, show_spinner=False))
def changed(
    specimen: Specimen,
    size: int,
    activation: str,
    norm: bool,
    dropout: float | None,
    stochastic_depth: float | None,
) -> Anatomy:
    """The same with the changes of `zoo.surgery`. ValueError where there is nothing to change."""
    model = specimen.skeleton(input_size=size)
    operate(model, activation=activation, norm=norm, dropout=dropout, stochastic_depth=stochastic_depth)
    return dissect(model, (variant(specimen.variant).channels, size, size))


@heavy(st.cache_resource(max_entries=128, show_spinner=False, hash_funcs=_IN_SHORT))
def layer_graph(specimen: Specimen, size: int) -> Graph:
    """The same network as the layer graph draws it."""
    return graph(anatomy(specimen, size), variant(specimen.variant).title)


@heavy(st.cache_resource(max_entries=32, show_spinner="Climbing the ladder …"))
def steps(ladder: str, size: int | None) -> tuple[Step, ...]:
    """What the rungs of a ladder cost, each at its own input size or all at `size`. Frozen: safe to share."""
    return climb(LADDERS[ladder].rungs, lambda rung: _rung(rung.variant, size))


@heavy(st.cache_resource(max_entries=256, show_spinner=False))
def step(ladder: str, at: int, size: int | None) -> Step:
    """The same of one rung alone, which is there before the whole ladder has been taken apart."""
    pair = LADDERS[ladder].rungs[max(at - 1, 0) : at + 1]
    return climb(pair, lambda rung: _rung(rung.variant, size))[-1]


@heavy(st.cache_resource(max_entries=256, show_spinner=False))
def block_graph(name: str, size: int | None, path: str) -> Graph:
    """One block of a variant, the module at `path`, as the layer graph draws it."""
    return block_graph_of(_rung(name, size), path, f"{variant(name).title}, {path}")


@heavy(st.cache_resource(max_entries=256, show_spinner=False))
def block_marks(before: tuple[str, str], after: tuple[str, str], size: int | None) -> Marks | None:
    """What is the same, changed or only here in two blocks, each named by variant and path."""
    return differences(*(excerpt(_rung(name, size), path) for name, path in (before, after)))


def _rung(name: str, size: int | None) -> Anatomy:
    return anatomy(Specimen(name), size or variant(name).input_size)


@heavy(st.cache_data(max_entries=128, show_spinner="Looking for a size that works …"))
def working_size(specimen: Specimen, size: int) -> int | None:
    """The side of the image nearest to `size` that the network can read; None where none is near."""

    def fits(side: int) -> None:
        dissect(specimen.skeleton(input_size=side), (variant(specimen.variant).channels, side, side))

    try:
        return smallest_input(fits, _LARGEST)
    except ValueError:  # not too small, but of the wrong measure: patches that do not divide it
        pass
    near = range(max(1, size - _NEAR), size + _NEAR + 1)
    for side in sorted(near, key=lambda side: abs(side - size)):
        with suppress(ValueError):
            fits(side)
            return side
    return None


@st.cache_data(max_entries=256, show_spinner="Measuring on this machine …")
def timing(
    factory: str,
    arguments: str,
    input_size: tuple[int, int, int],
    batch: int = 1,
    training: bool = True,
    by_layer: bool = False,
) -> Timing:
    """What `zoo.timing.measure` finds; `arguments` are JSON. One measurement at a time in the whole server.

    ValueError with a sentence where it fails or the queue is too long.
    """
    if not _measuring.acquire(timeout=_TURN):
        raise ValueError("Others are measuring on this machine. Try again in a minute.")
    try:
        with gate().place():
            return measure(
                factory, json.loads(arguments), input_size, batch=batch, training=training, by_layer=by_layer
            )
    finally:
        _measuring.release()


@heavy(st.cache_resource(max_entries=64, show_spinner=False))
def walk(operator: str, turned: tuple[tuple[str, Choice], ...]) -> Walk:
    """An operator of `viz.operators` on the patch. ValueError with a sentence where that is impossible."""
    return OPERATORS[operator].walk(dict(turned))


@heavy(st.cache_resource(max_entries=32, show_spinner=False))
def figure_one(unit: str, pool: str, rule: Rule) -> figures_one.Walk:
    """ZFNet's figure 1 in numbers; `unit` is row and column as "0.1"."""
    y, x = map(int, unit.split("."))
    return figures_one.walk((y, x), pool, rule)


@st.cache_resource(max_entries=1, show_spinner=False)
def photo() -> bytes:
    """The photo with a frame around what the walks are about, as PNG."""
    return whole()


@st.cache_data(max_entries=16, show_spinner=False)
def activation_facts(name: str) -> activations.Facts:
    """What is said of one of `viz.activations.ACTIVATIONS`."""
    return activations.facts(name)


@heavy(st.cache_data(max_entries=1, show_spinner="Looking through all families …"))
def activation_users() -> dict[str, tuple[tuple[str, str], ...]]:
    """Who uses them: key and variant."""
    return activations.users()


@heavy(st.cache_resource(max_entries=8, show_spinner=False))
def fusing(family: str) -> fuse.Fusing:
    """One of `viz.fusing.BLOCKS`, fused step by step. A frozen record whose arrays nobody changes."""
    return fuse.fusing(family)


@heavy(st.cache_resource(max_entries=1024, show_spinner=False))
def block(record: Block, size: int) -> Costs:
    """A residual block and what it costs on a map of `size` pixels. Counts when it is asked, and once."""
    return Costs(record, size)


@heavy(st.cache_resource(max_entries=32, show_spinner=False))
def affordable(kind: str, width: int, budget: int) -> tuple[Net, ...]:
    """What `zoo.budget.affordable` finds."""
    return budgets.affordable(kind, width, budget)


@heavy(
    st.cache_resource(
        max_entries=128, show_spinner="Laying the networks side by side …", hash_funcs=_IN_SHORT
    )
)
def alignment(networks: tuple[tuple[Specimen, int], ...]) -> Alignment:
    """Networks, each with the side of its image, against the first of them. Frozen: safe to share."""
    return align([anatomy(specimen, size) for specimen, size in networks])


@heavy(st.cache_resource(max_entries=512, show_spinner="Building the real networks and counting …"))
def scaling(
    law: str, turned: tuple[tuple[str, float], ...], quantity: str
) -> tuple[View, tuple[Figure, ...]]:
    """What a scaling law gives where its sliders stand, and its charts drawn, the main one first.

    Frozen records, and figures that nobody changes: safe to share.
    """
    view = LAWS[law].view(dict(turned), quantity)
    return view, tuple(_still(draw(chart, main=chart is view.charts[0])) for chart in view.charts)


@st.cache_resource(max_entries=256, show_spinner=False, hash_funcs=_IN_SHORT)
def figure(what: tuple[object, ...], _draw: Callable[[], Figure]) -> Figure:
    """The figure that `_draw` makes, made once for all readers and changed by nobody.

    `what` says all that it depends on. To draw one takes plotly 10 to 100 ms, in which nobody else's page
    goes on.
    """
    return _still(_draw())


def _still(figure: Figure) -> Figure:
    """The same, to be sent many times: plotly would copy all of it each time, to let the copy be changed."""
    sent = figure.to_dict()
    figure.to_dict = lambda: sent
    return figure


@st.cache_resource(max_entries=64, show_spinner=False)
def attention_cost(specimen: Specimen, size: int) -> Figure:
    """What attention costs in a ViT or Swin over the side of the picture. A figure that nobody changes."""
    return draw(over_sides(specimen, size))


@st.cache_resource(max_entries=1, show_spinner=False)
def logs() -> live.Logs:
    """The logs of runs, each read once for all readers. Safe to share: it locks, and a log never changes."""
    return live.Logs(rest=_REST)


@patient
@st.cache_resource(max_entries=128, show_spinner=False, hash_funcs=_IN_SHORT)
def once(what: tuple[object, ...], _make: Callable[[], T]) -> T:
    """What `_make` gives, made once for all readers of the same moment of a run, and changed by nobody.

    `what` says all that it depends on.
    """
    return _make()


@patient
def found(what: tuple[Hashable, ...], make: Callable[[], T]) -> T:
    """What `make` gives of somebody's picture, kept for as long as there is room, and changed by nobody.

    `what` says all that it depends on.
    """
    return results.get(what, make)


@_lasting
def pool() -> Pool:
    """What trains on this server, for all its readers. Runs that were under way when it last ended go on."""
    made = Pool(Runs(), cluster=cluster.asked_for())
    made.recover()
    atexit.register(made.close)
    return made


@heavy(st.cache_resource(max_entries=4, show_spinner=False))
def held_out(
    data: str, images: int | None, validation: int, size: int, channels: int, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The validation pictures (N, C, H, W) of a run, and their labels. Nobody changes them.

    ValueError with a sentence where the data are not on this disk.
    """
    held = load(
        data, images=images, validation=validation, size=size, channels=channels, seed=seed
    ).validation
    return held.images.numpy(), held.labels.numpy()


@st.cache_resource(max_entries=64, show_spinner=False)
def planned(recipe: Recipe, steps_per_epoch: int) -> tuple[float, ...]:
    """The learning rate of each step, see `training.schedule.planned`."""
    return schedule.planned(recipe, steps_per_epoch)


@heavy(st.cache_resource(max_entries=2, show_spinner=False))
def twin(specimen: Specimen, depth: int) -> nn.Module:
    """The network of a specimen with its first `depth` layers, from the top, drawn anew."""
    return scores.twin(loaded(specimen).model, depth)


@_lasting
def background() -> Background:
    """What is computed beside the pages, for all readers of this server."""
    return _begun(Background())


@_lasting
def quick() -> Background:
    """The same for work of a pass or two, which does not wait for longer work."""
    return _begun(Background())


def _begun(made: Background) -> Background:
    atexit.register(made.close)
    return made


@_lasting
def occlusions() -> Background:
    """The occlusions of all readers, in rounds: a map stands in memory as long as it is under way."""
    apart()  # first, so that it ends last
    return _begun(Background(1, opened=4, patience=20.0))


@_lasting
def apart() -> Apart:
    """What computes them."""
    made = Apart("ui.occlusion_work")
    atexit.register(made.close)
    return made


@_lasting
def errands() -> Errands:
    """The downloads and imports of all readers."""
    return Errands()


@heavy(st.cache_data(max_entries=64, show_spinner="Loading the pictures …"))
def look(
    data: str, version: str, size: int, channels: int, sample: int, first: int, masks: bool
) -> pictures.Look:
    """A data set as one sees it; `version` is that of `training.data.version`. ValueError as for `load`."""
    return pictures.look(data, size, channels, sample=sample, first=first, masks=masks)


@heavy(st.cache_data(max_entries=64, show_spinner=False))
def augmented(
    data: str,
    version: str,
    size: int,
    channels: int,
    kind: str,
    strength: float,
    chosen: tuple[tuple[int, int], ...],
) -> tuple[tuple[pictures.Example, ...], tuple[pictures.Example, ...]]:
    """What an augmentation does to a picture."""
    return pictures.augmented(data, size, channels, kind=kind, strength=strength, pictures=chosen)


@st.cache_resource(max_entries=1, show_spinner=False)
def _shelf() -> Shelf:
    return Shelf(at_once(load_specimen))


@patient
def loaded(specimen: Specimen) -> Loaded:
    """A network with its weights, shared by all readers: nobody hooks or changes it, see `viz.hooks`.

    Those used lately stay in memory, bounded by bytes. ValueError with a sentence where its weights are not
    on this disk, damaged, those of another network, or too large for this machine.
    """
    return _shelf().get(specimen)


@st.cache_data(max_entries=4, ttl=_REST, show_spinner=False)
def kept_runs(root: str) -> tuple[Kept, ...]:
    """The runs in a folder that have checkpoints, the newest first."""
    return kept.runs(Runs(Path(root)))


def listed(runs: Runs) -> tuple[Summary, ...]:
    """All runs as a moment ago, in the order of `Runs.list`; none is missing and none too many."""
    try:
        changed = runs.root.stat().st_mtime_ns  # whenever one comes or goes
    except OSError:
        return runs.list()
    return _listed(str(runs.root), changed)


@st.cache_resource(max_entries=4, ttl=2 * _REST, show_spinner=False)
def _listed(root: str, changed: int) -> tuple[Summary, ...]:
    return Runs(Path(root)).list()


@st.cache_data(max_entries=4, ttl=30.0, show_spinner=False)
def runs_size(root: str) -> int:
    """Bytes that the runs in a folder take on the disk."""
    return Runs(Path(root)).size()


@st.cache_resource(max_entries=1, show_spinner=False)
def samples() -> Mapping[str, Photo]:
    """The sample photos and mosaics by token. Frozen records whose pixels nobody changes: safe to share."""
    return always.samples()


@st.cache_resource(max_entries=1, show_spinner=False)
def thumbnails() -> Mapping[str, str]:
    """The same as small pictures in Markdown."""
    return {token: always.thumbnail(photo) for token, photo in samples().items()}


@heavy(st.cache_resource(max_entries=4, show_spinner="Loading the pictures …"))
def items(data: str, version: str) -> Items:
    """What can be chosen of a data set; `version` is that of `training.data.version`. Nobody changes it.

    ValueError with a sentence where it is unknown or not on this disk.
    """
    return items_of(data)


@heavy(st.cache_resource(max_entries=6, show_spinner="Loading the pictures …"))
def picture_set(token: str, version: str, preprocess: Preprocess) -> PictureSet:
    """A set of pictures for a network; `version` is that of `training.data.version`. Nobody changes it.

    ValueError with a sentence where it is unknown or not on this disk.
    """
    return collect(token, preprocess)


@heavy(st.cache_resource(max_entries=64, show_spinner=False))
def convolutions(specimen: Specimen) -> tuple[layers.Layer, ...]:
    """The layers whose maps the page Features shows. ValueError where there are none."""
    return strongest.convolutional(loaded(specimen).model, _blank(specimen))


@heavy(st.cache_resource(max_entries=256, show_spinner=False))
def field(specimen: Specimen, path: str) -> Field:
    """What the units of a layer see."""
    look = loaded(specimen)
    return field_of(look.model, (look.preprocess.channels, look.preprocess.size, look.preprocess.size), path)


def predicted(
    specimen: Specimen, photo: Photo, pass_: Callable[[], torch.Tensor] | None = None
) -> NDArray[np.float32]:
    """The logits (K,) of a network for a photo, which nobody changes; ValueError as for `loaded`.

    `pass_` gives them too, for who needs more of the same pass.
    """

    def make() -> NDArray[np.float32]:
        logits: NDArray[np.float32] = (pass_() if pass_ else _logits(specimen, photo)).float().numpy()
        return logits

    return found((predicted.__name__, specimen, photo.digest), make)


@at_once
def _logits(specimen: Specimen, photo: Photo) -> torch.Tensor:
    with torch.inference_mode():
        answer: torch.Tensor = loaded(specimen).model(_image(specimen, photo))[0]
    return answer


@heavy(st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=_IN_SHORT))
def cam_layer(specimen: Specimen) -> layers.Best:
    """Where class activation maps of a network look first."""
    look = loaded(specimen)
    return layers.best(family_of(specimen.variant).key, look.model, _blank(specimen))


@heavy(st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=_IN_SHORT))
def cam_layers(specimen: Specimen) -> tuple[layers.Layer, ...]:
    """The layers of a network that class activation maps can look at. ValueError where there are none."""
    return layers.layers(loaded(specimen).model, _blank(specimen))


@heavy(st.cache_resource(max_entries=64, show_spinner=False))
def invariance_layers(specimen: Specimen) -> tuple[tuple[invariance.Output, ...], tuple[str, str]]:
    """The layers whose answers can be compared, and the paths of the first and the top one."""
    found = invariance.outputs(loaded(specimen).model, _blank(specimen))
    return found, invariance.ends(found, family_of(specimen.variant).stages[0])


@patient
@at_once
def part_layers(specimen: Specimen) -> Mapping[str, tuple[int, ...]]:
    """The layers of a network whose numbers can be compared, by depth, with their shapes."""
    return correspondence.outputs(loaded(specimen).model, _blank(specimen))


@heavy(st.cache_resource(max_entries=8, show_spinner=False))
def invariance_measured(path: Path, digest: str) -> Mapping[invariance.Kind, invariance.Curves] | None:
    """Curves that came with the app, if they are of what `digest` names. Nobody changes them."""
    return invariance.read(path, digest)


@results.keep
def crop(preprocess: Preprocess, photo: Photo) -> Image:
    """What a network sees of a photo."""
    return preprocess.crop(photo.image)


def _image(specimen: Specimen, photo: Photo) -> torch.Tensor:
    """The same as numbers (1, C, H, W)."""
    preprocess = loaded(specimen).preprocess
    return preprocess.read(crop(preprocess, photo))


def _blank(specimen: Specimen) -> torch.Tensor:
    row = loaded(specimen).preprocess
    return torch.zeros(1, row.channels, row.size, row.size)


@heavy(results.keep)
def cam_evidence(specimen: Specimen, photo: Photo, target: int, path: str) -> cam.Evidence:
    """What a layer has to say of a class in a picture. Tensors that nobody changes."""
    return cam.evidence(loaded(specimen).model, _image(specimen, photo), target, path)


@heavy(results.keep)
def cam_film(
    specimen: Specimen, photo: Photo, target: int | None, paths: tuple[str, ...], method: str
) -> cam.Film:
    """What one pass says of a class, None: of the prediction. Tensors that nobody changes."""
    return cam.film(loaded(specimen).model, _image(specimen, photo), target, paths, method)


@heavy(results.keep)
def cam_guided(specimen: Specimen, photo: Photo, target: int) -> NDArray[np.float32] | str:
    """Guided Grad-CAM (H, W); a sentence where it is not defined."""
    look, method = loaded(specimen), attribution.METHODS["guided_gradcam"]
    if why := method.undefined(look.model):
        return why
    return method.run(look.model, _image(specimen, photo), target, None).numpy()


@heavy(results.keep)
def maps_of(specimen: Specimen, photo: Photo, path: str) -> torch.Tensor:
    """The maps (c, h, w) of a layer for a photo, which nobody changes."""
    return hooks.up_to(loaded(specimen).model, _image(specimen, photo), path)[0]


@heavy(results.keep)
def rung(specimen: Specimen, photo: Photo, path: str, count: int, rule: Rule) -> hierarchy.Rung:
    """A layer's strongest maps for a photo, sent back to the pixels. ValueError where that is not defined."""
    return hierarchy.rung(loaded(specimen).model, _image(specimen, photo), path, count, rule)


@heavy(results.keep)
def attention(specimen: Specimen, photo: Photo, mask: bool) -> Captured:
    """All attention weights for a photo, which nobody changes. ValueError where there are none."""
    return capture(loaded(specimen).model, _image(specimen, photo), mask=mask)


@heavy(results.keep)
def attention_relevance(specimen: Specimen, photo: Photo, target: int) -> NDArray[np.float32]:
    """How much each patch counts for a class by gradient-weighted attention, (H, W)."""
    return relevance(loaded(specimen).model, _image(specimen, photo), target).numpy()


@heavy(results.keep)
def attention_lens(specimen: Specimen, photo: Photo) -> NDArray[np.float32]:
    """What a ViT would answer after each block: (blocks + 1, K) probabilities."""
    ready = loaded(specimen)
    return lens(ready.model, _image(specimen, photo), range(len(ready.labels))).numpy()


@heavy(st.cache_resource(max_entries=64, show_spinner=False))
def sight_steps(specimen: Specimen) -> tuple[sight.Step, ...]:
    """The depths of a network at which one place can be followed. ValueError where there are none."""
    return sight.steps(loaded(specimen).model, _blank(specimen))


@heavy(results.keep)
def sighting(
    specimen: Specimen, photo: Photo, at: int, point: tuple[float, float], rolled: bool
) -> sight.Sighting:
    """What the place of step number `at` over a point of a photo sees. Tensors that nobody changes.

    `rolled`: by attention rollout, in networks of tokens.
    """
    ready = loaded(specimen)
    step = sight_steps(specimen)[at]
    tokens = sight.of_tokens(ready.model)
    return sight.look(
        ready.model, _image(specimen, photo), step, point,
        None if tokens else field(specimen, step.path),
        attention(specimen, photo, True) if rolled and tokens else None,
    )  # fmt: skip


@heavy(st.cache_data(max_entries=256, show_spinner=False))
def cam_times(specimen: Specimen, path: str) -> tuple[float, float]:
    """Seconds of the evidence of a layer, and of a plain forward pass: in turn, the faster of two each."""
    model, image = loaded(specimen).model, _blank(specimen)

    def plain() -> None:
        with torch.no_grad():
            model(image)

    def evidence() -> None:
        cam.evidence(model, image, 0, path)

    def took(work: Callable[[], None]) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    first, second = ((took(evidence), took(plain)) for _ in range(2))
    return min(first[0], second[0]), min(first[1], second[1])


def free() -> None:
    """Forget all that can be had again: networks, results, figures. Work under way goes on."""
    st.cache_data.clear()
    st.cache_resource.clear()
    forget_pictures()
    apart().free()
    gc.collect()
    memory.trim()


def forget_pictures() -> None:
    """Forget what was computed for readers' pictures. Work under way goes on."""
    results.clear()
    for each in (background(), quick(), occlusions()):
        each.free()
