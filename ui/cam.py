"""The page Class-activation maps: one map large, all methods, all depths, two classes, and the sum."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import numpy as np
import streamlit as st

from ui import bound, cached, cam_away, cam_pair, cam_score, cam_sum, evidence, predictions, prose, state
from ui.cam_study import FREE, PAGE, STRIP, TITLES, Raw, Study, View, drawn, thumb, told, verdict
from ui.photo import Photo
from ui.subject import Subject
from viz import attribution, cam, images
from viz.layers import Layer

_LOOKS = {"overlay": "Overlay", "cells": "Raw cells", "contour": "Contour and box"}
_HALVES = {"for": "For the class", "both": "For and against"}
_OPACITIES = range(0, 101, 10)
_FRAMES = 12  # of the film at most


def ahead(subject: Subject, photo: Photo) -> None:
    """What the network predicts, from the pass that its maps need as well: most readers want just these."""
    with suppress(ValueError):  # said where they are shown
        frames = _frames(subject)
        if f"{PAGE}.class" not in state.query():
            cached.predicted(
                subject.specimen, photo,
                lambda: cached.cam_film(subject.specimen, photo, None, frames, _filmed()).logits,
            )  # fmt: skip


def study(subject: Subject, photo: Photo, target: int) -> Study:
    """What the page is about. The page ends here where no layer knows of places."""
    try:
        layers = cached.cam_layers(subject.specimen)
        frames = _frames(subject)
    except ValueError as error:
        st.info(prose.literal(str(error)), icon=":material/block:")
        st.stop()
    first = predictions.ranked(cached.predicted(subject.specimen, photo))[0]
    return Study(
        subject=subject, photo=photo, target=target, first=first, layers=layers, frames=frames,
        method=_filmed(),
    )  # fmt: skip


def _frames(subject: Subject) -> tuple[str, ...]:
    """Of the film. ValueError where no layer knows of places."""
    return stages(cached.cam_layers(subject.specimen), cached.cam_layer(subject.specimen).path)


def _filmed() -> str:
    """The method of the film: the chosen one, of those that need one pass."""
    chosen = st.session_state.get(f"{PAGE}.method")
    return chosen if chosen in FREE else FREE[0]


def controls(study: Study) -> tuple[str, str, View]:
    """Method, path of the layer and view that the reader has chosen."""
    words = prose.words(PAGE)
    method = bound.picker("Method", f"{PAGE}.method", TITLES)
    st.caption(_what(method))
    path = study.advised
    if method != "guided_gradcam":
        others = [layer.path for layer in study.layers if layer.path != study.advised]
        path = bound.picker(
            f"Layer, the advised one of {len(study.layers)} first", layer_key(study),
            {each: each for each in (study.advised, *others)}, help=words["layer"],
        )  # fmt: skip
    st.caption(_where(study, path))
    look = bound.segments("Draw as", f"{PAGE}.look", _LOOKS, help=words["look"])
    half = bound.segments("Show", f"{PAGE}.half", _HALVES, help=words["half"])
    opacity = bound.slider(
        "Opacity of the map", f"{PAGE}.opacity", _OPACITIES, 60, words=lambda share: f"{share} %",
        disabled=look == "contour",
    )  # fmt: skip
    return method, path, View(look=look, signed=half == "both", opacity=opacity / 100)


def layer_key(study: Study) -> str:
    """The key of the control for the layer: networks have layers of their own."""
    return f"{PAGE}.layer.{study.subject.specimen.variant}"


def _what(method: str) -> str:
    if method in cam.METHODS:
        told = cam.METHODS[method]
        return f"{told.what} {prose.literal(told.formula)}. {told.paper}"
    guided = attribution.METHODS[method]
    return f"{guided.what} {guided.paper}"


def _where(study: Study, path: str) -> str:
    channels, height, width = study.layer(path).shape
    size = f"**{path}**: {channels:,} maps of {height} × {width}."
    if path == study.advised:
        return f"{size} Advised: {cached.cam_layer(study.subject.specimen).reason}"
    return f"{size} Not the advised layer, which is {study.advised}."


def large(study: Study, method: str, path: str, view: View) -> None:
    """The chosen map, and what has to be said of it."""
    words = prose.words(PAGE)
    if not study.subject.trained:
        st.info(words["random"], icon=":material/shuffle:")
    raw = _raw(study, method, path)
    if raw is None:  # not asked for yet
        return
    if isinstance(raw, str):
        st.info(prose.literal(raw), icon=":material/block:")
        return
    if verdict(raw):
        st.warning(words["empty" if raw.any() else "zero"], icon=":material/visibility_off:")
    title = f"{TITLES[method]}: {study.label(study.target)}"
    evidence.picture(
        study.key("large", raw.tobytes(), view), lambda: drawn(study.crop, raw, view),
        title=title, alt=f"{title}; {told(raw)}", name=f"zoolens-{method}", key=f"{PAGE}.png",
        scale=scale(raw, view),
    )  # fmt: skip
    st.caption(_said(study, method, raw, view))


def _raw(study: Study, method: str, path: str) -> Raw | str | None:
    if method == "scorecam":
        return cam_score.score_cam(study, path)
    if method == "guided_gradcam":
        return cached.cam_guided(study.subject.specimen, study.photo, study.target)
    return study.map(method, path)


def scale(raw: Raw, view: View) -> str:
    """What the colours of a map mean, with its numbers; nothing where only lines are drawn."""
    if view.look == "contour":
        return ""
    most = float(abs(raw).max())
    if view.signed or raw.max() <= 0:
        return evidence.scale(signed=True, least=f"against, −{most:.3g}", most=f"for the class, {most:.3g}")
    return evidence.scale(signed=False, middle="0, nothing", most=f"for the class, {raw.max():.3g}")


def _said(study: Study, method: str, raw: Raw, view: View) -> str:
    """The line below the map."""
    words = prose.words(PAGE)
    parts = [f"{told(raw).capitalize()}."]
    if view.look == "contour" and raw.max() > 0:
        found = images.located(images.enlarged(np.maximum(raw, 0), study.crop.size, smooth=True))
        if found is not None:
            left, top, right, bottom = found.box
            share = found.mask.mean()
            parts = [words["contour"].format(left=left, top=top, right=right, bottom=bottom, share=share)]
    if method in ("eigencam", "guided_gradcam"):
        parts.append(words[method])
    return " ".join(parts)


def below(study: Study, method: str, path: str, view: View) -> None:
    """The parts of the page that are as wide as it is."""
    _strip(study, method, path, view)
    _film(study, method if method in FREE else "gradcam", path, view)
    cam_pair.render(study, method, path, view)
    cam_sum.render(study, method, path, view)
    cam_away.render(study, method, path)


def _strip(study: Study, method: str, path: str, view: View) -> None:
    """All methods that one pass is enough for."""
    words = prose.words(PAGE)
    st.header("The methods at a glance")
    st.markdown(words["strip"])

    shown = [
        thumb(
            TITLES[each], study, each, path, view, partial(study.map, each, path), chosen=each == method
        )
        for each in STRIP
    ]  # fmt: skip
    evidence.plates(shown, least=118)
    st.caption(words["own scale"])


def _film(study: Study, method: str, path: str, view: View) -> None:
    """A method's map at every stage, from the picture to the classes."""
    words = prose.words(PAGE)
    st.header("Through the depth")
    st.markdown(words["film"].format(method=TITLES[method]))
    places = [layer.path for layer in study.layers]
    before = [frame for frame in study.frames if places.index(frame) <= places.index(path)]
    slider = state.shows(f"{PAGE}.depth", before[-1] if before else study.frames[0])

    def jump() -> None:
        st.session_state[layer_key(study)] = st.session_state[slider]

    st.select_slider(
        "Depth: the layer of all maps on this page", study.frames, key=slider, on_change=jump,
        help=words["depth"],
    )  # fmt: skip

    def raw(frame: str) -> Raw:
        found: Raw = study.film(method).maps[frame].numpy()
        return found

    shown = [
        thumb(
            _part(each), study, method, each, view, partial(raw, each),
            chosen=each == path,
            note="{:,} maps of {} × {}".format(*study.layer(each).shape),
        )
        for each in study.frames
    ]  # fmt: skip
    evidence.plates(shown, least=96)


def stages(layers: Sequence[Layer], advised: str) -> tuple[str, ...]:
    """Paths of a layer from each part of a network, by depth; the advised one is the last.

    A part is a child of the network, or of its stages; its layer is the last, or where tokens or channels
    last are advised, the last that is called as the advised one: no other is read. Of many parts some are
    left out, evenly.
    """
    end = next(layer for layer in layers if layer.path == advised)
    last: dict[str, str] = {}
    for layer in layers[: layers.index(end) + 1]:
        alike = end.kind == "maps" or layer.path.rpartition(".")[2] == advised.rpartition(".")[2]
        if alike and not layer.pools:
            last.pop(_part(layer.path), None)  # a part counts where it ends
            last[_part(layer.path)] = layer.path
    found = list(last.values())
    steps = min(_FRAMES, len(found))
    return tuple(found[round(i * (len(found) - 1) / max(1, steps - 1))] for i in range(steps))


def _part(path: str) -> str:
    """`stages.2` of `stages.2.1.relu2`, `stem` of `stem.act`."""
    names = path.split(".")
    return ".".join(names[:2]) if names[0] == "stages" else names[0]
