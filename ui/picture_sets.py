"""Sets of pictures that a whole network is run over: what excites a map most, what moves an answer.

In an address a set is one word: the key of a data set (`shapes`), or `photos`, the parts of the sample
photos. Of a data set they are pictures that no network of this app was trained on.
"""

from collections.abc import Mapping

import streamlit as st

from training.data import version
from ui import cached, items, state
from ui.collection import PARTS, PHOTOS, PictureSet
from ui.subject import Subject
from zoo import limits, weights

__all__ = ["PictureSet", "choose", "offered"]

_SMALL = 64  # pixels: a network that reads less sees nothing of a photo


def offered(subject: Subject) -> Mapping[str, str]:
    """The sets that are at hand for a network, token and title, the one to begin with first."""
    titles = items.ready() | {PHOTOS: PARTS}
    learnt = _learnt(subject)
    first = PHOTOS if subject.loaded.preprocess.size >= _SMALL else "shapes"
    if learnt in titles:
        first = learnt
        titles[learnt] += ", which it learnt; pictures kept aside"
    return {first: titles[first]} | titles


def choose(page: str, subject: Subject) -> PictureSet:
    """The set that the address of a page names, with a list in the sidebar to choose another."""
    key = f"{page}.set"
    listed = offered(subject)
    asked = state.query().get(key, "")
    now = asked if asked in listed else next(iter(listed))
    shown = state.shows(f"{key}.list", now)
    with st.sidebar:
        st.selectbox(
            "Pictures", list(listed), format_func=lambda token: listed.get(token, token), key=shown,
            on_change=lambda: state.put(key, st.session_state[shown]),
            help=f"What the network is run over: of data sets up to {limits.COLLECTION.value:,} pictures "
            "that it did not learn from. More, and your own pictures, are to be had on the page Data.",
        )  # fmt: skip
        if asked and asked != now:
            st.warning("The pictures of this link are not on this disk.", icon=":material/link_off:")
    return cached.picture_set(now, version(now) if now != PHOTOS else "", subject.loaded.preprocess)


def _learnt(subject: Subject) -> str:
    """The data set that the network was trained on; "" where it was not, or elsewhere."""
    words = subject.specimen.weights
    if words in ("random", "imagenet"):
        return ""
    return weights.describe(words).data
