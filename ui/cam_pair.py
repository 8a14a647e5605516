"""Two classes beside each other on the page Class-activation maps: why this one and not that one."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import streamlit as st

from ui import bound, cached, evidence, predictions, prose
from ui.cam_study import FREE, PAGE, TITLES, Raw, Study, View, drawn, told, verdict
from ui.evidence import Plate

_LINEAR = ("gradcam", "hirescam", "xgradcam", "cam")  # of a difference of scores: the difference of the maps
_NEXT = "next"  # whichever the network holds for likeliest but for the one asked about


@st.fragment
def render(study: Study, method: str, path: str, view: View) -> None:
    words = prose.words(PAGE)
    st.header("Why this and not that")
    method = method if method in FREE or method == "cam" else "gradcam"
    logits = cached.predicted(study.subject.specimen, study.photo)
    order = [each for each in predictions.ranked(logits) if each != study.target]
    if not order:
        return
    named = _named(study.subject.loaded.labels)
    names = {_NEXT: "The likeliest other class"} | dict(named[each] for each in order)
    left, _ = st.columns([1, 1])
    with left:
        chosen = bound.picker("The other class", f"{PAGE}.other", names, help=words["other"])
    other = order[0] if chosen == _NEXT else int(chosen)
    first, second = (study.map(method, path, each) for each in (study.target, other))
    if isinstance(first, str) or isinstance(second, str):
        st.info(prose.literal(f"{first}"), icon=":material/block:")
        return
    st.markdown(
        words["pair"].format(
            one=prose.literal(study.label(study.target)), other=prose.literal(study.label(other)),
            gap=float(logits[study.target] - logits[other]), method=TITLES[method],
        )
    )  # fmt: skip

    def make() -> str:
        both = max(_top(first, view), _top(second, view))
        shown = [
            Plate(
                title=study.label(each), picture=drawn(study.crop, raw, view, most=both or None),
                alt=f"{TITLES[method]} for {study.label(each)}: {told(raw)}",
                note=f"Score {logits[each]:.2f}. {verdict(raw) or f'Highest: {raw.max():.3g}.'}",
            )
            for each, raw in ((study.target, first), (other, second))
        ]  # fmt: skip
        if method in _LINEAR:
            gap = first - second
            title = f"{study.label(study.target)} rather than {study.label(other)}"
            both_halves = replace(view, look="cells" if view.look == "cells" else "overlay", signed=True)
            shown.append(
                Plate(
                    title=title, picture=drawn(study.crop, gap, both_halves),
                    alt=f"{title}: {told(gap)}", note=words["gap"],
                )
            )  # fmt: skip
        return evidence.row(shown, least=240)

    st.html(cached.found(study.key("pair", method, path, view, other), make))
    if method in _LINEAR:
        ends = {"least": f"for {study.label(other)}", "most": f"for {study.label(study.target)}"}
        st.html(evidence.scale(signed=True, **ends))
    else:
        st.caption(words["no gap"].format(method=TITLES[method]))


@lru_cache(maxsize=8)
def _named(labels: tuple[str, ...]) -> list[tuple[str, str]]:
    """Index and name of each class: one copy for all readers, of whom each holds a thousand."""
    return [(f"{index}", f"{label} ({index})") for index, label in enumerate(labels)]


def _top(raw: Raw, view: View) -> float:
    """What gets the strongest colour of a scale that two maps share."""
    return float(np.abs(raw).max() if view.signed or raw.max() <= 0 else raw.max())
