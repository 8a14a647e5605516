"""The page What one place sees: one place of a picture in three kinds of networks, at one depth."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
import streamlit as st
from PIL import Image

from ui import bound, cached, evidence, photo, prose, state, subject
from ui.components.one_place import Panel, one_place
from ui.photo import Photo
from viz import images, sight
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
_OPACITY = 0.7


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A network, the depth, and what its place sees there."""

    kind: str
    specimen: Specimen
    loaded: Loaded
    steps: tuple[Step, ...]
    at: int  # number of the step
    sighting: Sighting

    @property
    def step(self) -> Step:
        return self.steps[self.at]


def render() -> None:
    picture = photo.choose(PAGE)
    with st.sidebar:
        chosen = {kind: _network(kind) for kind in _KINDS}
    _places(picture, chosen)


@st.fragment
def _places(picture: Photo, chosen: Mapping[str, Specimen]) -> None:
    words = prose.words(PAGE)
    depth = bound.slider("Depth", _DEPTH, _DEPTHS, 50, words=lambda share: f"{share} %", help=words["depth"])
    place = _place()
    found: dict[str, Shown | str] = {}
    for kind, specimen in chosen.items():
        try:
            found[kind] = _shown(kind, specimen, picture, place, depth / 100)
        except ValueError as error:
            found[kind] = str(error)
    pictures = {kind: drawn(each, picture) for kind, each in found.items() if isinstance(each, Shown)}
    panels = [_panel(kind, chosen[kind], found[kind], pictures.get(kind)) for kind in chosen]
    one_place(panels, side=_SIDE, at=place, key=_KEY, on_move=_moved)
    st.html(evidence.scale(signed=False, most="moves the place most", middle="not at all"))
    st.caption(words["figure"])
    if any(specimen.weights == "random" for specimen in chosen.values()):
        st.info(words["untrained"], icon=":material/info:")
    with st.container(horizontal=True):
        for kind, made in pictures.items():
            evidence.save(
                f"{_KINDS[kind][0]} (PNG)", partial(images.png, made), f"zoolens-sees-{kind}.png",
                "image/png", key=f"{PAGE}.png.{kind}", icon="image",
            )  # fmt: skip


def _shown(kind: str, specimen: Specimen, picture: Photo, place: tuple[int, int], share: float) -> Shown:
    loaded = cached.loaded(specimen)
    steps = cached.sight_steps(specimen)
    at = sight.at(steps, share)
    return Shown(
        kind=kind, specimen=specimen, loaded=loaded, steps=steps, at=at,
        sighting=cached.sighting(specimen, picture, at, _point(place)),
    )  # fmt: skip


def _point(place: tuple[int, int]) -> tuple[float, float]:
    """The middle of a place in shares of the picture."""
    return (place[0] + 0.5) / _SIDE, (place[1] + 0.5) / _SIDE


def drawn(shown: Shown, picture: Photo) -> Image.Image:
    """What is seen on what the network saw, and a line around what can be seen."""
    values = np.sqrt(images.scaled(shown.sighting.felt.numpy()))
    laid = images.overlay(shown.loaded.preprocess.crop(picture.image), values, opacity=_OPACITY, smooth=False)
    return images.edged(laid, shown.sighting.reach.numpy())


def _panel(kind: str, specimen: Specimen, found: Shown | str, picture: Image.Image | None) -> Panel:
    title = f"{_KINDS[kind][0]}: {subject.title(specimen).partition(', epoch')[0]}"
    if isinstance(found, str) or picture is None:
        return Panel(title=title, picture="", layer="", can="–", does="–", note=str(found))
    height, width = found.step.shape
    row, column = found.sighting.unit
    return Panel(
        title=title,
        picture=images.uri(picture),
        layer=f"{found.step.title} ({found.at} of {len(found.steps) - 1}): "
        f"row {row + 1}, column {column + 1} of {height} × {width}.",
        can=f"{found.sighting.can:.1%}",
        does=f"{found.sighting.does:.1%}",
        note="",
    )


def _network(kind: str) -> Specimen:
    """The network of a kind that the address names, with a list to choose another that is ready."""
    key = f"{PAGE}.{kind}"
    title, first, plain = _KINDS[kind]
    wanted = state.query().get(key) or subject.token(first)
    try:
        specimen, problem = subject.parse(wanted), ""
        if _kind(specimen) != kind:
            raise ValueError(f"{subject.title(specimen)} is not for the panel of {title}.")
        cached.loaded(specimen)
    except ValueError as error:
        specimen, problem = first, str(error)
    listed = {word: words for word, words in subject.choices().items() if _kind(subject.parse(word)) == kind}
    listed |= {subject.token(each): subject.title(each) for each in (Specimen(plain), specimen)}
    drawn = state.shows(f"{key}.list", subject.token(specimen))
    st.selectbox(
        title, list(listed), format_func=lambda word: listed.get(word, word), key=drawn,
        on_change=lambda: state.put(key, st.session_state[drawn]), help=prose.words(PAGE)["network"],
    )  # fmt: skip
    if problem:
        st.warning(prose.literal(problem), icon=":material/link_off:")
    return specimen


def _kind(specimen: Specimen) -> str:
    return _FAMILIES.get(family_of(specimen.variant).key, "cnn")


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
