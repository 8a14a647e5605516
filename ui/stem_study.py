"""Which first layers the page lays beside each other, and what is found in them, once for all readers."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial

import streamlit as st
import torch
from torch import Tensor

from training.data import version
from ui import cached, glances, prose, state, subject
from ui.background import Report, Seen
from ui.collection import PHOTOS, PictureSet
from viz import deconvnet, hooks, stems, strongest
from viz.deconvnet import Projection
from viz.figures import stems as figures
from viz.figures.stems import Look
from viz.stems import Aliasing, Spectrum, Stem
from viz.strongest import Strongest
from zoo import VARIANTS, Loaded, Specimen, variant, weights

PAGE = "stems"
MOST = 4  # networks beside each other
SIDE = 256  # pixels of the pictures that strides are tried on
STRIDES = (1, 2, 4, 8)
LAYERS = 8  # from the picture on, that are searched for silent maps
SHOWN = 16  # maps of layer 2
_SET = 400  # pictures that a network is run over, at most
_BATCH = 16
_NETS = "stems.nets"  # of the address: words of subject.token with BETWEEN between them


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """One network and its first layer."""

    specimen: Specimen
    loaded: Loaded
    stem: Stem
    look: Look
    digest: str  # differs where any weight differs

    @property
    def name(self) -> str:
        """In charts and titles."""
        return self.look.name

    @property
    def grey(self) -> Tensor:
        """The filters as a grey picture meets them, (F, 1, k, k): its channels are divided by deviations."""
        deviation = torch.tensor(self.loaded.preprocess.deviation).reshape(1, -1, 1, 1)
        return (self.stem.weight / deviation).sum(1, keepdim=True)

    def spectrum(self, *, alike: bool) -> Spectrum:
        """Of all filters."""
        make = partial(stems.spectrum, self.stem.weight, alike=alike)
        return cached.once((PAGE, "spectrum", self.digest, alike), make)

    def aliasing(self, picture: str) -> Mapping[int, Aliasing]:
        """On one of stems.PICTURES, by stride: STRIDES and the network's own."""
        strides = tuple(sorted({*STRIDES, self.stem.stride}))

        def make() -> Mapping[int, Aliasing]:
            drawn = stems.PICTURES[picture](SIDE).float()[None]
            return dict(zip(strides, stems.aliasing(self.grey, drawn, strides), strict=True))

        return cached.once((PAGE, "aliasing", self.digest, picture), make)

    def pictures(self, token: str) -> PictureSet:
        """A set of pictures as this network reads them; ValueError where it is not on this disk."""
        stamp = "" if token == PHOTOS else version(token)
        return cached.picture_set(token, stamp, self.loaded.preprocess)

    def scanned(self, token: str) -> Seen:
        """The loudest unit of each map of the first layers, a `Strongest`, as far as it is known."""
        pictures = self.pictures(token)
        paths = [layer.path for layer in self.stem.layers[:LAYERS]]
        key = (PAGE, "scan", self.digest, pictures.digest)
        return glances.job(key, partial(_scan, self, paths, pictures), quick=True)

    def second(self, token: str, found: Strongest) -> Seen:
        """Projections of SHOWN maps of layer 2, each from its loudest unit: (map, picture, `Projection`)."""
        pictures = self.pictures(token)
        key = (PAGE, "second", self.digest, pictures.digest)
        return glances.job(key, partial(_project, self, pictures, found), quick=True)

    @property
    def no_projections(self) -> str | None:
        """Why layer 2 cannot be projected, in a sentence; None where it can."""
        if self.stem.patches and len(self.stem.layers) < 2:
            return (
                "Behind the patches there is no second layer of maps, but attention, which has no "
                "switches and no rectifier to send a signal back through: no deconvnet."
            )
        if len(self.stem.layers) < 2:
            return "This network has no second layer of maps."
        return hooks.undefined(self.loaded.model)


def _scan(study: Study, paths: list[str], pictures: PictureSet, report: Report) -> Strongest:
    count = min(pictures.count, _SET)
    found: Strongest | None = None
    for found in strongest.scan(study.loaded.model, _some(pictures, count), paths, top=1):
        report(found.count / count, found)
    assert found is not None
    return found


def _some(pictures: PictureSet, count: int) -> Iterator[Tensor]:
    """`count` of them, spread evenly over the set."""
    chosen = [at * pictures.count // count for at in range(count)]
    for start in range(0, count, _BATCH):
        yield torch.cat([pictures.tensor(i) for i in chosen[start : start + _BATCH]])


def number(pictures: PictureSet, at: int) -> int:
    """Which picture of the set the one is that a scan saw as number `at`."""
    return at * pictures.count // min(pictures.count, _SET)


Projected = tuple[tuple[int, int, Projection], ...]


def _project(study: Study, pictures: PictureSet, found: Strongest, report: Report) -> Projected:
    layer = study.stem.layers[1].path
    top = found.layers[layer]
    alive = (top.values[:, 0] > 0).nonzero().flatten().tolist()
    chosen = [alive[at * len(alive) // SHOWN] for at in range(SHOWN)] if len(alive) > SHOWN else alive
    made: list[tuple[int, int, Projection]] = []
    for channel in chosen:
        at = number(pictures, int(top.pictures[channel, 0]))
        row, column = top.positions[channel, 0].tolist()
        image = pictures.tensor(at)
        made.append(
            (channel, at, deconvnet.project(study.loaded.model, image, layer, channel, (row, column)))
        )
        report(len(made) / len(chosen), tuple(made))
    return tuple(made)


def pairs() -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """Ready comparisons: title, and the words of their networks. The first is what the page opens on."""
    shipped = {name: subject.token(weights.specimen_of(f"shipped:{name}")) for name in weights.shipped()}
    known = {
        "alexnet": ("AlexNet's stem and ZFNet's", ("alexnet_photos", "zfnet_photos")),
        "clip": ("Without the clip and with it", ("zfnet_free", "zfnet_clipped")),
    }
    found = {
        key: (title, tuple(shipped[name] for name in names))
        for key, (title, names) in known.items()
        if all(name in shipped for name in names)
    }
    imagenet = subject.token(subject.FIRST)
    return found | {
        "imagenet": ("ZFNet's and one that learnt ImageNet", (subject.token(subject.LABORATORY), imagenet)),
        "untrained": ("Both before training", ("zfnet,kernel:11,stride:4,stride2:1", "zfnet")),
    }


def choose() -> list[Study]:
    """The networks that the address names, with ready pairs and a list to choose others."""
    ready = pairs()
    first = next(iter(ready.values()))[1]
    asked = state.query().get(_NETS)
    words = list(first) if asked is None else [word for word in asked.split(state.BETWEEN) if word]
    with st.container(horizontal=True, gap="small"):
        for key, (title, pair) in ready.items():
            st.button(
                title, key=f"stems.pair.{key}", type="primary" if list(pair) == words else "secondary",
                on_click=state.put, args=(_NETS, state.BETWEEN.join(pair)),
            )  # fmt: skip
    specimens: dict[str, Specimen] = {}
    for word in words:
        try:
            specimen = subject.parse(word)
        except ValueError as error:
            st.warning(prose.literal(str(error)), icon=":material/link_off:")
        else:
            specimens[subject.token(specimen)] = specimen
    if len(specimens) > MOST:
        st.warning(f"Shown are the first {MOST} of {len(specimens)} networks.", icon=":material/link_off:")
        specimens = dict(list(specimens.items())[:MOST])
    _list(specimens)
    with st.spinner("Loading the networks …"):
        return studies(list(specimens.values()))


def _list(chosen: Mapping[str, Specimen]) -> None:
    titles = subject.choices() | _untrained()
    titles |= {word: subject.title(specimen) for word, specimen in chosen.items() if word not in titles}
    counts = Counter(titles.values())
    titles = {word: f"{title} ({word})" if counts[title] > 1 else title for word, title in titles.items()}
    key = state.shows(f"{_NETS}.list", list(chosen))

    def put() -> None:
        state.put(_NETS, state.BETWEEN.join(st.session_state[key]))

    st.multiselect(
        f"Networks, up to {MOST}", list(titles), key=key, on_change=put, max_selections=MOST,
        format_func=lambda word: titles.get(word, word), placeholder="Choose networks",
        help="Any network whose first layer is a convolution: trained ones first, then all untrained. "
        "In the address a network may have its knobs turned: `zfnet,kernel:11,stride:4`.",
    )  # fmt: skip


@cache
def _untrained() -> dict[str, str]:
    """All networks with random weights."""
    return {subject.token(Specimen(name)): subject.title(Specimen(name)) for name in VARIANTS}


def studies(specimens: list[Specimen]) -> list[Study]:
    """Each loaded and looked at; who has no such layer, or cannot be had, is named and left out."""
    found: list[tuple[Specimen, Loaded, Stem, str]] = []
    for specimen in specimens:
        try:
            loaded = cached.loaded(specimen)
            row = loaded.preprocess
            digest = strongest.digest(loaded.model)
            blank = torch.zeros(1, row.channels, row.size, row.size)
            stem = cached.once((PAGE, "stem", digest), partial(stems.stem, loaded.model, blank))
        except ValueError as error:
            st.warning(prose.literal(f"{subject.title(specimen)}: {error}"), icon=":material/link_off:")
        else:
            found.append((specimen, loaded, stem, digest))
    drawn = figures.looks(names([(specimen, stem) for specimen, _, stem, _ in found]))
    return [
        Study(specimen=specimen, loaded=loaded, stem=stem, look=look, digest=digest)
        for (specimen, loaded, stem, digest), look in zip(found, drawn, strict=True)
    ]


def names(listed: list[tuple[Specimen, Stem]]) -> list[str]:
    """The network and its first layer: "ZFNet, 7×7 / 2"; those that are alike have their weights with it."""
    titles = [
        f"{variant(specimen.variant).title}, {stem.kernel}×{stem.kernel} / {stem.stride}"
        for specimen, stem in listed
    ]
    return [
        title if titles.count(title) == 1
        else f"{title}, {specimen.weights.removeprefix('shipped:').removeprefix('run:')}"
        for title, (specimen, _) in zip(titles, listed, strict=True)
    ]  # fmt: skip
