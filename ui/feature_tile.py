"""One activation in full: the picture with what the unit sees of it, and the rules side by side."""

from collections.abc import Callable
from functools import partial

import streamlit as st
from PIL import Image

from ui import cached, evidence, feature_sheet, prose, state
from ui.evidence import Plate
from ui.feature_sheet import Study, Tile, number
from ui.rules import TITLES
from viz import images, tiles
from viz.deconvnet import Projection
from viz.hooks import Rule

_ZOOM = 320  # pixels of a part of a picture


def named(study: Study, word: str) -> Tile | None:
    """The activation that a word of the address names, "17.3"; None where there is none."""
    parts = word.split(".")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        return None
    channel, rank = map(int, parts)
    if channel >= study.maps:
        return None
    return next((tile for tile in feature_sheet.tiles_of(study, channel) if tile.rank == rank), None)


def show(
    study: Study, rule: Rule, stretch: bool, title: str, parameter: str, close: Callable[[], None]
) -> None:
    """A dialog about the activation that `parameter` of the address names."""

    @st.dialog(prose.literal(title), width="large", on_dismiss=close)
    def opened() -> None:
        tile = named(study, state.query().get(parameter, ""))
        if tile is not None:
            _inside(study, tile, rule, stretch, parameter)

    opened()


def _inside(study: Study, tile: Tile, rule: Rule, stretch: bool, parameter: str) -> None:
    words = prose.words("features")
    last = len(feature_sheet.tiles_of(study, tile.channel))

    def go(rank: int) -> None:
        state.put(parameter, f"{tile.channel}.{rank}")

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Stronger", key="features.stronger", icon=":material/chevron_left:", disabled=tile.rank == 1,
            on_click=go, args=(tile.rank - 1,),
        )  # fmt: skip
        st.button(
            "Weaker", key="features.weaker", icon=":material/chevron_right:", disabled=tile.rank == last,
            on_click=go, args=(tile.rank + 1,),
        )  # fmt: skip
        st.markdown(
            f"**{prose.literal(tile.label)}**, activation **{number(tile.value)}**, number {tile.rank} "
            f"of {last}"
        )
    evidence.style()
    made = partial(_plates, study, tile, rule, stretch)
    st.html(cached.once(study.key("tile", tile.name, rule, stretch), made))
    left, top, right, bottom = tile.box
    st.caption(
        words["tile"].format(
            row=tile.position[0], column=tile.position[1], left=left, top=top, right=right, bottom=bottom,
            picture=tile.picture, set=study.pictures.title,
        )
        + " "
        + words["stretched alone" if stretch else "shared alone"]
    )  # fmt: skip
    evidence.save(
        "PNG", lambda: images.png(_printed(study, tile, rule, stretch)),
        f"zoolens-features-{study.subject.specimen.variant}-{study.layer.path}-{tile.name}.png", "image/png",
        key="features.tile.png", icon="image",
    )  # fmt: skip


def _plates(study: Study, tile: Tile, rule: Rule, stretch: bool) -> str:
    whole, parts = _shown(study, tile, rule, stretch)
    return evidence.row(whole, least=240) + "<br>" + evidence.row(parts, least=130)


def _shown(study: Study, tile: Tile, rule: Rule, stretch: bool) -> tuple[list[Plate], list[Plate]]:
    """The picture and its projection in full; below, what the unit sees, by every rule."""
    picture = study.pictures.image(tile.picture)
    projected: dict[Rule, Projection | str] = {
        each: feature_sheet.undefined(study, each) or feature_sheet.projections(study, [tile], each)[0]
        for each in TITLES
    }
    strengths = [tiles.strength(each.image) for each in projected.values() if isinstance(each, Projection)]
    most = max(strengths, default=1.0)

    def drawn(by: Rule) -> Image.Image | str:
        found = projected[by]
        return found if isinstance(found, str) else Image.fromarray(tiles.picture(found.image, stretch, most))

    def framed(image: Image.Image | str) -> Image.Image | str:
        if isinstance(image, str):
            return image
        large = images.shown(image)
        scale = large.width / image.width
        left, top, right, bottom = (edge * scale for edge in tile.box)
        return images.framed(large, (left, top, right, bottom))

    def part(image: Image.Image | str) -> Image.Image | str:
        return image if isinstance(image, str) else tiles.fitted(image.crop(tile.box), _ZOOM)

    whole = [
        Plate(title="The picture", picture=framed(picture), alt=f"{tile.label}, with what the unit sees"),
        Plate(title=f"Its projection: {TITLES[rule]}", picture=framed(drawn(rule)), alt="The projection"),
    ]
    parts = [Plate(title="What the unit sees", picture=part(picture), alt=f"A part of {tile.label}")]
    parts += [
        Plate(
            title=TITLES[each],
            picture=part(drawn(each)),
            alt=f"Projection: {TITLES[each]}",
            chosen=each == rule,
        )
        for each in TITLES
    ]
    return whole, parts


def _printed(study: Study, tile: Tile, rule: Rule, stretch: bool) -> Image.Image:
    """All of it on white."""
    whole, parts = _shown(study, tile, rule, stretch)
    shown = [(plate.title, plate.picture) for plate in (*whole, *parts)]
    return tiles.titled([(title, picture) for title, picture in shown if isinstance(picture, Image.Image)], 3)
