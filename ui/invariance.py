"""The page Invariance: figure 5 of Zeiler and Fergus, one change under a slider, then all of them."""

from collections.abc import Mapping

import numpy as np
import streamlit as st
from PIL import Image

from ui import (
    background,
    bound,
    cached,
    charts,
    evidence,
    invariance_networks,
    invariance_photos,
    invariance_whole,
    looking,
    prose,
    rows,
    state,
    subject,
)
from ui.evidence import Plate
from ui.invariance_study import EVERY, PAGE, Study, short
from ui.predictions import percent
from ui.subject import Subject
from viz import invariance
from viz.figures import invariance as figures
from viz.figures.invariance import Line
from viz.figures.style import COLOURS
from viz.invariance import CHANGES, FILLS, Curves, Kind

_FILLS = {"black": "Black", "mean": "Mean", "edge": "Edge", "reflect": "Mirror", "wrap": "Wrap around"}
_DISTANCES = {"relative": "Relative", "absolute": "Absolute"}
_SIDE = 256  # pixels a side of a changed picture on the screen


def render() -> None:
    chosen = subject.choose(PAGE)
    source, photos = invariance_photos.choose(chosen.specimen)
    words = prose.words(PAGE)
    if not chosen.trained:
        st.info(words["random"], icon=":material/shuffle:")
    kind = _kind()
    left, right = st.columns(2, gap="large")
    with left:
        help_of = "\n".join(f"- **{_FILLS[key]}**: {what}" for key, what in FILLS.items())
        fill = bound.segments(
            "Border filled with", f"{PAGE}.fill", _FILLS, help=f"{words['fill']}\n{help_of}"
        )
    with right:
        distance = bound.segments("Distances", f"{PAGE}.distance", _DISTANCES, help=words["distance"])
    study = Study(
        specimen=chosen.specimen,
        loaded=chosen.loaded,
        photos=photos,
        paths=_layers(chosen),
        fill=next(each for each in FILLS if each == fill),
    )
    relative = distance == "relative"
    _watch(study, kind, relative)
    invariance_whole.render(study, kind, relative)
    invariance_networks.render(study, kind, source)
    invariance_networks.turned(study.fill)


def _kind() -> Kind:
    titles: Mapping[str, str] = {kind: change.title for kind, change in CHANGES.items()}
    chosen = bound.segments("Change", f"{PAGE}.change", titles)
    return next(kind for kind in CHANGES if kind == chosen)


def _layers(chosen: Subject) -> tuple[str, str]:
    """The two layers; `invariance.first` and `invariance.top` in the address."""
    found, (first, top) = cached.invariance_layers(chosen.specimen)
    model = chosen.loaded.model
    offered = {
        layer.path: f"{layer.path}: {' × '.join(map(str, layer.shape))}"
        + (", the class token" if invariance.of_class_token(model, layer.path) else "")
        for layer in found
    }
    columns = st.columns(2, gap="large")
    picked = []
    for column, name, title, own in zip(
        columns, ("first", "top"), ("First layer", "Top layer"), (first, top), strict=True
    ):
        asked = state.query().get(f"{PAGE}.{name}", own)
        key = state.shows(f"{PAGE}.{name}.list", asked if asked in offered else own)
        with column:
            st.selectbox(
                title, list(offered), format_func=lambda each: offered.get(each, each), key=key,
                on_change=_pick, args=(name, key, offered), help=prose.words(PAGE)[name],
            )  # fmt: skip
        picked.append(asked if asked in offered else own)
    if any(invariance.of_class_token(model, path) for path in picked):
        st.caption(prose.words(PAGE)["class token"])
    return picked[0], picked[1]


def _pick(name: str, key: str, offered: Mapping[str, str]) -> None:
    if st.session_state[key] in offered:  # and no line of the last network's list, sent by a slow browser
        state.put(f"{PAGE}.{name}", st.session_state[key])


def _watch(study: Study, kind: Kind, relative: bool) -> None:
    """The change under the slider: pictures, and three charts that grow while the network answers."""
    under_way = study.first_look(kind).alive

    @looking.again(EVERY if under_way else None)
    def live() -> None:
        seen = study.look(kind)
        if seen.state == "failed":
            st.error(prose.literal(seen.why), icon=":material/error:")
            return
        if seen.alive:
            st.progress(seen.share, f"{CHANGES[kind].title}: {background.told(seen)}")
        at = _slider(study, kind)
        curves: Curves | None = seen.result
        _pictures(study, kind, at, curves)
        if curves is not None:
            _charts(study, curves, at, relative)
        if under_way and not seen.alive:
            st.rerun()

    live()


def _slider(study: Study, kind: Kind) -> float:
    """How far the change goes; `invariance.at.<change>` in the address."""
    change, steps = CHANGES[kind], invariance.amounts(kind, study.side)
    name = f"{PAGE}.at.{kind}"
    asked = state.query().get(name, "")
    wanted = steps[(steps.index(change.still) + len(steps)) // 2]
    try:
        wanted = float(asked) if asked else wanted
    except ValueError:
        st.warning(
            prose.literal(f"The address asks for {asked[:40]!r}, which is no number."),
            icon=":material/link_off:",
        )
    at = min(steps, key=lambda step: abs(step - wanted)) if np.isfinite(wanted) else change.still
    key = state.shows(f"{name}.slider", at)

    def put() -> None:
        if st.session_state[key] in steps:
            state.put(name, f"{st.session_state[key]:g}")

    st.select_slider(
        f"{change.title}: {change.axis}", steps, key=key, format_func=lambda step: amount(kind, step),
        on_change=put,
    )  # fmt: skip
    return at


def amount(kind: Kind, step: float) -> str:
    """An amount of a change in words: −15 px, 1.25 ×, 90°."""
    unit = CHANGES[kind].unit
    return f"{step:g}".replace("-", "−") + (unit if unit == "°" else f" {unit}")


def _pictures(study: Study, kind: Kind, at: float, curves: Curves | None) -> None:
    """The pictures as the network sees them there, and what it says."""
    plates = []
    for number, (photo, picture) in enumerate(zip(study.photos, study.shown(kind, at), strict=True)):
        note = "" if curves is None else _answer(study, curves, curves.amounts.index(at), number)
        plates.append(
            Plate(
                title=short(photo), colour=COLOURS[number], picture=_large(picture), note=note,
                alt=f"{photo.title}, {CHANGES[kind].title.lower()} {amount(kind, at)}",
            )
        )  # fmt: skip
    evidence.plates(plates, least=130)


def _large(picture: Image.Image) -> Image.Image:
    how = Image.Resampling.NEAREST if picture.width <= 64 else Image.Resampling.BICUBIC
    return picture.resize((_SIDE, _SIDE), how)


def _answer(study: Study, curves: Curves, row: int, number: int) -> str:
    said = curves.said[row, number]
    if said < 0:
        return "…"
    labels, target = study.loaded.labels, curves.targets[number]
    words = f"{labels[said]} {percent(curves.confidence[row, number])}"
    if said != target:
        words += f"; {labels[target]} {percent(curves.probability[row, number])}"
    return words


def _charts(study: Study, curves: Curves, at: float, relative: bool) -> None:
    """Distances at the two layers and the probability, with a mark where the slider stands."""
    words, change = prose.words(PAGE), CHANGES[curves.kind]
    y = "distance / length of f(x)" if relative else "Euclidean distance"
    first, top = study.paths
    drawn = [
        ("first", f"First layer, {first}", curves.drawn(first, relative=relative), y, False),
        ("top", f"Top layer, {top}", curves.drawn(top, relative=relative), y, False),
        ("probability", "Probability of the class", curves.probability, "probability", True),
    ]
    for column, (name, title, values, axis, shares) in zip(st.columns(3, gap="medium"), drawn, strict=True):
        lines = [
            Line(name=short(photo), x=curves.amounts, y=values[:, i]) for i, photo in enumerate(study.photos)
        ]
        figure = figures.curves(lines, title=title, axis=change.axis, y=axis, shares=shares, here=at)
        with column:
            charts.steady(
                figure, f"{PAGE}.chart.{name}", name=f"zoolens-{PAGE}-{name}",
                alt=f"{title} over the {change.title.lower()}, a curve for each picture",
            )  # fmt: skip
            st.caption(words[f"{name} chart"])
    if curves.done == 1:
        rows.table(invariance_whole.reaches(study, curves), "The numbers of each curve")
        st.caption(words["curve numbers"])
    else:
        st.caption(_followed(study, curves))


def _followed(study: Study, curves: Curves) -> str:
    """Whose probability the third chart shows."""
    known = [f"{photo.title}: {study.followed(curves, at)}" for at, photo in enumerate(study.photos)]
    return prose.literal("The class whose probability is drawn. " + "; ".join(known) + ".")
