"""The picture that a page looks at: one picker for all pages, whose choice stands in the address."""

from collections.abc import Mapping

import streamlit as st

from ui import bound, cached
from ui.samples import Photo, Thing

__all__ = ["Photo", "Thing", "choose", "samples"]


def samples() -> Mapping[str, Photo]:
    """All sample photos and mosaics by token."""
    return cached.samples()


def choose(page: str) -> Photo:
    """The picture that the reader has chosen, by controls in the sidebar; `<page>.photo` in the address."""
    known = samples()
    with st.sidebar:
        token = bound.picker("Picture", f"{page}.photo", {key: photo.title for key, photo in known.items()})
        chosen = known[token]
        st.image(chosen.image, width="stretch", alt=chosen.title)
    return chosen
