"""The page What one place sees: one place of a picture in three kinds of networks, at one depth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
import streamlit as st
from PIL import Image

from ui import background, bound, cached, charts, evidence, export, looking, photo, prose, state, subject
from ui.background import Report
from ui.components.one_place import Panel, one_place
from ui.photo import Photo
from viz import images, sight
from viz.figures.sight import Network, over_depth
from viz.sight import Sighting, Step
from zoo import Loaded, Specimen, family_of, weights

PAGE = "sees"
_KEY = f"{PAGE}.places"
_PLACE, _DEPTH = f"{PAGE}.place", f"{PAGE}.depth"  # of the address; row and column from 0
_SIDE = 32  # places of the picture along a side
_PLACES = tuple(map(str, range(_SIDE)))
_FIRST = (14, 14)
_DEPTHS = tuple(range(0, 101, 10))  # per cent
_KINDS: Mapping[str, tuple[str, Specimen, str]] = MappingProxyType(  # title, shown first, untrained on offer
    {
        "cnn": ("CNN", weights.specimen_of("shipped:resnet_cifar10"), "resnet50"),
        "vit": ("ViT", weights.specimen_of("shipped:vit_cifar10"), "vit_b_16"),
        "swin": ("Swin", weights.specimen_of("shipped:swin_cifar10"), "swin_t"),
    }
)  # fmt: skip
_FAMILIES: Mapping[str, str] = MappingProxyType({"vit": "vit", "swin": "swin", "swin_v2": "swin"})
_WAYS = {"gradient": "gradient", "rollout": "attention rollout"}
_OPACITY = 0.7
_SMALL = 64  # pixels a side: the networks whose depths are all measured unasked
_AT_ONCE = 0.1  # seconds that the page waits for them
_EVERY = 0.5  # seconds between looks


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A network, the depth, and what its place sees there."""

    kind: str
    specimen: Specimen
    loaded: Loaded
    steps: tuple[Step, ...]
    at: int  # number of the step
    sighting: Sighting
    rolled: bool  # and not measured by the gradient

    @property
    def step(self) -> Step:
        return self.steps[self.at]


def render() -> None:
    picture = photo.choose(PAGE)
    with st.sidebar:
        ready = subject.choices()
        chosen = {kind: _network(kind, ready) for kind in _KINDS}
    _places(picture, chosen)


def _places(picture: Photo, chosen: Mapping[str, Specimen]) -> None:
    words = prose.words(PAGE)
    left, right = st.columns([3, 2], gap="large")
    with left:
        depth = bound.slider(
            "Depth", _DEPTH, _DEPTHS, 50, words=lambda share: f"{share} %", help=words["depth"]
        )
    with right:
        rolled = bound.segments("Seen by", f"{PAGE}.by", _WAYS, help=words["by"]) == "rollout"
    place = _place()
    found: dict[str, Shown | str] = {}
    for kind, specimen in chosen.items():
        try:
            found[kind] = _shown(kind, specimen, picture, place, depth / 100, rolled)
        except ValueError as error:
            found[kind] = str(error)
    pictures = {kind: drawn(each, picture) for kind, each in found.items() if isinstance(each, Shown)}
    panels = [_panel(kind, chosen[kind], found[kind], pictures.get(kind), rolled) for kind in chosen]
    one_place(panels, side=_SIDE, at=place, key=_KEY, on_move=_moved)
    most = "reaches the place most" if rolled else "moves the place most"
    st.html(evidence.scale(signed=False, most=most, middle="not at all"))
    st.caption(words["rollout" if rolled else "figure"])
    if any(specimen.weights == "random" for specimen in chosen.values()):
        st.info(words["untrained"], icon=":material/info:")
    with st.container(horizontal=True):
        for kind, made in pictures.items():
            evidence.save(
                f"{_KINDS[kind][0]} (PNG)", partial(images.png, made), f"zoolens-sees-{kind}.png",
                "image/png", key=f"{PAGE}.png.{kind}", icon="image",
            )  # fmt: skip
    networks = [each for each in found.values() if isinstance(each, Shown)]
    _over_depth(networks, picture, place, depth / 100, rolled)


def _shown(
    kind: str, specimen: Specimen, picture: Photo, place: tuple[int, int], share: float, rolled: bool
) -> Shown:
    loaded = cached.loaded(specimen)
    steps = cached.sight_steps(specimen)
    at = sight.at(steps, share)
    return Shown(
        kind=kind, specimen=specimen, loaded=loaded, steps=steps, at=at,
        sighting=cached.sighting(specimen, picture, at, _point(place), rolled),
        rolled=rolled and sight.of_tokens(loaded.model),
    )  # fmt: skip


def _point(place: tuple[int, int]) -> tuple[float, float]:
    """The middle of a place in shares of the picture."""
    return (place[0] + 0.5) / _SIDE, (place[1] + 0.5) / _SIDE


def _over_depth(
    networks: Sequence[Shown], picture: Photo, place: tuple[int, int], depth: float, rolled: bool
) -> None:
    """The same numbers at all depths, measured beside the page; of large networks when they are asked for."""
    words = prose.words(PAGE)
    jobs, reader = cached.background(), background.reader()
    key = (PAGE, tuple(each.specimen for each in networks), picture.digest, place, rolled)
    jobs.leave(reader, but=key)
    st.subheader("At all depths")
    large = any(each.loaded.preprocess.size > _SMALL for each in networks)
    if (
        large
        and key not in jobs
        and not st.button(
            "Measure all depths", key=f"{PAGE}.all", icon=":material/play_arrow:", help=words["all"]
        )
    ):
        return
    seen = jobs.submit(key, partial(_measured, networks, picture, place, rolled), reader)
    if not large:
        seen = jobs.wait(key, reader, _AT_ONCE) or seen
    under_way = seen.alive

    @looking.again(_EVERY if under_way else None)
    def live() -> None:
        now = jobs.look(key, reader) or seen
        if now.state == "failed":
            st.error(prose.literal(now.why), icon=":material/error:")
            return
        if now.alive:
            st.progress(now.share, f"All depths: {background.told(now)}")
        _chart(networks, now.result or {}, depth, rolled)
        if under_way and not now.alive:
            st.rerun()

    live()


def _measured(
    networks: Sequence[Shown], picture: Photo, place: tuple[int, int], rolled: bool, report: Report
) -> Mapping[str, Sequence[Sighting]]:
    """What the place sees at all depths: by kind. The panels find it in the cache, too."""
    found: dict[str, list[Sighting]] = {each.kind: [] for each in networks}
    todo = [(each, at) for each in networks for at in range(len(each.steps))]
    for done, (each, at) in enumerate(todo):
        report(done / len(todo), {kind: tuple(known) for kind, known in found.items()})
        found[each.kind].append(cached.sighting(each.specimen, picture, at, _point(place), rolled))
    return found


def _chart(
    networks: Sequence[Shown], found: Mapping[str, Sequence[Sighting]], depth: float, rolled: bool
) -> None:
    words = prose.words(PAGE)
    lines = [
        Network(
            name=_KINDS[each.kind][0],
            steps=len(each.steps),
            can=[sighting.can for sighting in found.get(each.kind, ())],
            does=[sighting.does for sighting in found.get(each.kind, ())],
        )
        for each in networks
    ]
    charts.steady(over_depth(lines, depth), f"{PAGE}.chart", name="zoolens-sees", alt=words["chart alt"])
    st.caption(words["chart rollout" if rolled else "chart"])
    rows = [
        {
            "network": subject.title(each.specimen), "by": _by(each), "step": at, "layer": step.title,
            "rows": step.shape[0], "columns": step.shape[1], "can": sighting.can, "does": sighting.does,
        }
        for each in networks
        for at, (step, sighting) in enumerate(zip(each.steps, found.get(each.kind, ()), strict=False))
    ]  # fmt: skip
    if rows:
        evidence.save(
            "Numbers (CSV)", lambda: export.as_csv(rows), "zoolens-sees.csv", "text/csv",
            key=f"{PAGE}.csv", icon="table",
        )  # fmt: skip


def drawn(shown: Shown, picture: Photo) -> Image.Image:
    """What is seen on what the network saw, and a line around what can be seen."""
    values = np.sqrt(images.scaled(shown.sighting.felt.numpy()))
    laid = images.overlay(shown.loaded.preprocess.crop(picture.image), values, opacity=_OPACITY, smooth=False)
    return images.edged(laid, shown.sighting.reach.numpy())


def _by(shown: Shown) -> str:
    return "rollout" if shown.rolled else "gradient"


def _panel(
    kind: str, specimen: Specimen, found: Shown | str, picture: Image.Image | None, rolled: bool
) -> Panel:
    title = f"{_KINDS[kind][0]}: {subject.title(specimen)}"
    if isinstance(found, str) or picture is None:
        return Panel(title=title, picture="", layer="", can="–", does="–", by="gradient", note=str(found))
    height, width = found.step.shape
    row, column = found.sighting.unit
    return Panel(
        title=title,
        picture=images.uri(images.jpeg(picture)),
        layer=f"{found.step.title} ({found.at} of {len(found.steps) - 1}): "
        f"row {row + 1}, column {column + 1} of {height} × {width}.",
        can=f"{found.sighting.can:.1%}",
        does=f"{found.sighting.does:.1%}",
        by=_by(found),
        note="No attention to roll out here: by gradient." if rolled and not found.rolled else "",
    )


def _network(kind: str, ready: Mapping[str, str]) -> Specimen:
    """The network of a kind that the address names, with a list to choose another of those that are `ready`.

    They are `ui.subject.choices`: all their words begin with a variant.
    """
    key = f"{PAGE}.{kind}"
    title, first, plain = _KINDS[kind]
    wanted = state.query().get(key) or subject.token(first)
    try:
        specimen, problem = subject.parse(wanted), ""
        if _kind(specimen.variant) != kind:
            raise ValueError(f"{subject.title(specimen)} is not for the panel of {title}.")
        cached.loaded(specimen)
    except ValueError as error:
        specimen, problem = first, str(error)
    listed = {word: words for word, words in ready.items() if _kind(word.partition(",")[0]) == kind}
    listed |= {subject.token(each): subject.title(each) for each in (Specimen(plain), specimen)}
    drawn = state.shows(f"{key}.list", subject.token(specimen))
    st.selectbox(
        title, list(listed), format_func=lambda word: listed.get(word, word), key=drawn,
        on_change=lambda: state.put(key, st.session_state[drawn]), help=prose.words(PAGE)["network"],
    )  # fmt: skip
    if problem:
        st.warning(prose.literal(problem), icon=":material/link_off:")
    return specimen


def _kind(variant: str) -> str:
    return _FAMILIES.get(family_of(variant).key, "cnn")


def _place() -> tuple[int, int]:
    """Row and column that the address names."""
    asked = state.query().get(_PLACE)
    if asked is None:
        return _FIRST
    row, _, column = asked.partition(",")
    if all(part in _PLACES for part in (row, column)):
        return int(row), int(column)
    st.warning(prose.literal(f"There is no place {asked[:40]!r}."), icon=":material/link_off:")
    return _FIRST


def _moved() -> None:
    row, column = (int(each) for each in st.session_state[_KEY]["at"])
    state.put(_PLACE, f"{row},{column}")
