"""The page Hierarchy: what the strongest maps of each part of a network answer to in one picture."""

from collections.abc import Sequence
from functools import partial

import streamlit as st
from PIL import Image

from ui import bound, cached, evidence, export, hierarchy_sheet, photo, prose, rules, state, subject
from ui.components.tile_ladder import tile_ladder
from ui.evidence import Plate
from ui.hierarchy_sheet import EACH, Study, number
from ui.rules import TITLES
from viz import hierarchy, images, tiles
from viz.hierarchy import Rung, Unit
from viz.hooks import Rule

PAGE = "hierarchy"
_KEY = f"{PAGE}.ladder"
_TILE = f"{PAGE}.tile"  # of the address: a layer's path and the number of a map, "stages.2.relu:17"
_PHOTO, _SIDE, _ZOOM = 352, 132, 320  # pixels: of a rung's picture, of a tile, of an opened part


def render() -> None:
    chosen = subject.choose(PAGE, first=subject.LABORATORY)
    picture = photo.choose(PAGE)
    rule, stretch = _look()
    try:
        ends = hierarchy.ends(chosen.loaded.model, cached.cam_layers(chosen.specimen))
        rungs = _rungs(chosen, picture, [layer.path for layer in ends], rule)
    except ValueError as error:
        st.info(prose.literal(str(error)), icon=":material/block:")
        return
    if not chosen.trained:
        st.info(prose.words(PAGE)["random"], icon=":material/shuffle:")
    crop = chosen.loaded.preprocess.crop(picture.image).convert("RGB")
    study = Study(
        subject=chosen, photo=picture, crop=crop, layers=tuple(ends), rungs=rungs, rule=rule, stretch=stretch
    )
    asked = _asked(study)
    key = (PAGE, chosen.specimen, picture.digest, rule, stretch)
    tile_ladder(cached.once(key, partial(_drawn, study)), key=_KEY, on_open=_opened)
    st.caption(prose.words(PAGE)["stretched" if stretch else "shared"])
    _take_away(study)
    if asked is not None:
        _show(study, *asked)


def _look() -> tuple[Rule, bool]:
    words = prose.words(PAGE)
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
    with left:
        rule = rules.choose(f"{PAGE}.rule", words["rule"])
    with right:
        stretch = bound.switch("Stretch contrast", f"{PAGE}.stretch", default=True, help=words["stretch"])
    return rule, stretch


def _rungs(
    chosen: subject.Subject, picture: photo.Photo, paths: Sequence[str], rule: Rule
) -> tuple[Rung, ...]:
    """A rung for each layer. Large networks take seconds, so it is said how far it is."""
    made: list[Rung] = []
    with st.spinner("Sending units back to the pixels …"):
        for path in paths:
            made.append(cached.rung(chosen.specimen, picture, path, EACH, rule))
    return tuple(made)


def _drawn(study: Study) -> list[dict[str, object]]:
    """For `ui.components.tile_ladder`."""
    photo = images.uri(images.jpeg(tiles.fitted(study.crop, _PHOTO)))
    width, height = study.crop.size
    made: list[dict[str, object]] = []
    for at, rung in enumerate(study.rungs):
        drawn = []
        for unit, part, patch in study.pairs(at):
            left, top, right, bottom = unit.projection.box
            value = number(unit.projection.activation)
            drawn.append(
                {
                    "name": f"{rung.path}:{unit.channel}",
                    "says": f"{study.title(at)}: map {unit.channel} answers {value}. Show it large",
                    "caption": f"map {unit.channel} · {value}",
                    "box": (left / width, top / height, (right - left) / width, (bottom - top) / height),
                    "above": images.uri(images.jpeg(tiles.fitted(part, _SIDE))),
                    "below": images.uri(images.jpeg(tiles.fitted(patch, _SIDE))),
                }
            )
        alt = f"{study.photo.title} with what the {len(drawn)} units see of it"
        made.append(
            {"title": study.title(at), "note": study.note(at), "photo": photo, "alt": alt, "tiles": drawn}
        )
    return made


def _opened() -> None:
    state.put(_TILE, st.session_state[_KEY]["opened"])


def _asked(study: Study) -> tuple[int, Unit] | None:
    """The rung and the unit that the address names. Warns where they are not here."""
    word = state.query().get(_TILE)
    if word is None:
        return None
    for at, rung in enumerate(study.rungs):
        for unit in rung.units:
            if word == f"{rung.path}:{unit.channel}":
                return at, unit
    sentence = f"The address asks for {word[:40]!r}, which is not among the strongest maps of this picture."
    st.warning(prose.literal(sentence), icon=":material/link_off:")
    return None


def _show(study: Study, at: int, unit: Unit) -> None:
    """A dialog about a unit."""

    @st.dialog(f"{study.title(at)}, map {unit.channel}", width="large", on_dismiss=_closed)
    def opened() -> None:
        _inside(study, at, unit)

    opened()


def _closed() -> None:
    state.drop(_TILE)


def _inside(study: Study, at: int, unit: Unit) -> None:
    evidence.style()
    whole, part = study.drawn(at, unit)
    left, top, right, bottom = box = unit.projection.box
    framed = [
        Plate(
            title="The picture", picture=_framed(study.crop, box), alt="The picture with what the unit sees"
        ),
        Plate(
            title=f"Its projection: {TITLES[study.rule]}", picture=_framed(whole, box), alt="The projection"
        ),
        Plate(title="What the unit sees", picture=tiles.fitted(study.crop.crop(box), _ZOOM), alt="The part"),
        Plate(title="What it answers to", picture=tiles.fitted(part, _ZOOM), alt="The part's projection"),
    ]
    evidence.plates(framed, least=260)
    y, x = unit.projection.position
    st.caption(
        prose.words(PAGE)["tile"].format(
            value=number(unit.projection.activation), row=y, column=x, left=left, top=top, right=right,
            bottom=bottom,
        )
    )  # fmt: skip
    evidence.save(
        "PNG", lambda: hierarchy_sheet.one(study, at, unit),
        f"{study.name}-{study.rungs[at].path}-{unit.channel}.png", "image/png", key=f"{PAGE}.tile.png",
        icon="image",
    )  # fmt: skip
    st.page_link(
        "pages/deconvnet.py", label="Step by step, on the page Deconvnet", icon=":material/low_priority:",
        query_params=study.address(at, unit),
    )  # fmt: skip


def _framed(picture: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    large = images.shown(picture)
    scale = large.width / picture.width
    left, top, right, bottom = (edge * scale for edge in box)
    return images.framed(large, (left, top, right, bottom))


def _take_away(study: Study) -> None:
    with st.container(horizontal=True, gap="small"):
        evidence.save(
            "All of it (PNG)", lambda: images.png(hierarchy_sheet.printed(study)), f"{study.name}.png",
            "image/png", key=f"{PAGE}.png", icon="image",
        )  # fmt: skip
        evidence.save(
            "One page (PDF)", lambda: images.pdf(hierarchy_sheet.printed(study), study.heading),
            f"{study.name}.pdf", "application/pdf", key=f"{PAGE}.pdf", icon="picture_as_pdf",
        )  # fmt: skip
        evidence.save(
            "Numbers (CSV)", lambda: export.as_csv(hierarchy_sheet.table(study)), f"{study.name}.csv",
            "text/csv", key=f"{PAGE}.csv", icon="table",
        )  # fmt: skip
