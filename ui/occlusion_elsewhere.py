"""The map that an occlusion watches, on other pictures: figure 7 (c) shows its projections there, too."""

from collections.abc import Sequence

import streamlit as st
from PIL import Image

from training.data import version
from ui import cached, evidence, items, prose
from ui.collection import PHOTOS
from ui.occlusion_work import Elsewhere, Pictures
from ui.photo import Photo
from viz import images, tiles
from viz.occlusion import Occlusion
from zoo.weights import Preprocess

_ITEMS = 60  # of a data set that are looked through
_SIDE = 150  # pixels of a tile
_GROUND = "#808080"


def pictures(photo: Photo, preprocess: Preprocess) -> Pictures:
    """What is looked through: items of the same data set, or the sample photos, each without its own one."""
    if ":" not in photo.token:
        parts = cached.picture_set(PHOTOS, "", preprocess)
        first = {parts.label(i): parts.pictures[i] for i in reversed(range(parts.count))}
        return [(title, image) for title, image in first.items() if title != photo.title]
    name, *_ = items.parse(photo.token)
    known = cached.items(name, version(name))
    each = max(1, _ITEMS // len(known.classes))
    found = [
        known.photo(label, number)
        for label in range(len(known.classes))
        for number in range(min(each, known.count(label)))
    ]
    return [(other.label or other.title, other.image) for other in found if other.digest != photo.digest]


def show(elsewhere: Sequence[Elsewhere], found: Occlusion) -> None:
    """What they see above what the map answers to there."""
    st.markdown(f"**(c) Map {found.channel} on other pictures**")
    if not elsewhere:
        st.caption("It answers to none of the other pictures at hand.")
        return
    made = drawn(elsewhere)
    named = ", ".join(f"{each.title} ({each.projection.activation:.3g})" for each in elsewhere)
    st.image(made, alt=f"What map {found.channel} sees in other pictures, and its projections there: {named}")
    words = prose.words("occlusion")["elsewhere"]
    st.caption(prose.literal(f"From the left, with the activation: {named}. {words}"))
    evidence.save(
        "Map on other pictures (PNG)", lambda: images.png(made), f"zoolens-map-{found.channel}.png",
        "image/png", key="occlusion.elsewhere.png", icon="image",
    )  # fmt: skip


def drawn(elsewhere: Sequence[Elsewhere]) -> Image.Image:
    """A row of patches above a row of projections, each stretched to its own range."""
    shown = [each.patch for each in elsewhere] + [tiles.picture(each.projection.patch) for each in elsewhere]
    grid = tiles.grid(shown, _SIDE, across=len(elsewhere))
    made = Image.new("RGB", grid.size, _GROUND)
    made.paste(grid, mask=grid.getchannel("A"))
    return made
