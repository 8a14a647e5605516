"""The page Features: the strongest activations of the maps of a layer, sixteen maps at once."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from ui import (
    background,
    bound,
    cached,
    code,
    evidence,
    export,
    feature_sheet,
    feature_tile,
    indices,
    looking,
    picture_sets,
    prose,
    state,
    subject,
)
from ui.background import Report, Seen
from ui.components.tile_sheet import tile_sheet
from ui.feature_sheet import AT_ONCE, Block, Study
from ui.picture_sets import PictureSet
from ui.rules import TITLES
from ui.subject import Subject
from viz import deconvnet, images, strongest
from viz.hooks import Rule
from viz.layers import Layer
from viz.strongest import Strongest

PAGE = "features"
_LAYER, _MAP, _TILE = f"{PAGE}.layer", f"{PAGE}.map", f"{PAGE}.tile"  # of the address
_SHEET = f"{PAGE}.sheet"
_PATIENCE = 1.2  # seconds that the page waits before it shows a bar
_REST = 0.4  # seconds between two looks at work under way
_RULES: dict[str, str] = {rule: title for rule, title in TITLES.items()}


def render() -> None:
    chosen = subject.choose(PAGE, first=subject.LABORATORY)
    pictures = picture_sets.choose(PAGE, chosen)
    try:
        layers = cached.convolutions(chosen.specimen)
    except ValueError as error:
        st.info(prose.literal(str(error)), icon=":material/block:")
        return
    layer, title = _layer(layers)
    index = _index(chosen, pictures, layers)
    if index is None:
        return
    study = Study(
        subject=chosen, pictures=pictures, layer=layer, title=title, index=index,
        field=cached.field(chosen.specimen, layer.path),
    )  # fmt: skip
    first, marked = _maps(study)
    rule, stretch = _look()
    if not chosen.trained:
        st.info(prose.words(PAGE)["random"], icon=":material/shuffle:")
    _sheet(study, first, marked, rule, stretch)
    _take_away(study, first, rule, stretch)
    _tile(study, rule, stretch)


def _layer(layers: Sequence[Layer]) -> tuple[Layer, str]:
    """The layer that the address names, and its title; at first the second, which is past mere edges."""
    titles = {each.path: layer_title(number, each) for number, each in enumerate(layers, 1)}
    asked = state.query().get(_LAYER, "")
    path = asked if asked in titles else layers[min(1, len(layers) - 1)].path
    key = state.shows(f"{_LAYER}.list", path)

    def pick() -> None:
        if st.session_state[key] is not None:
            state.drop(_MAP)
            state.put(_LAYER, st.session_state[key])

    st.selectbox(
        "Layer", list(titles), format_func=lambda each: titles.get(each, each), key=key, on_change=pick,
        help=prose.words(PAGE)["layer"],
    )  # fmt: skip
    return next(each for each in layers if each.path == path), titles[path]


def layer_title(number: int, layer: Layer) -> str:
    """A layer for readers: "Layer 2: 64 maps of 15 × 15 (stages.1.relu)"."""
    maps, height, width = layer.shape
    return f"Layer {number}: {maps} maps of {height} × {width} ({layer.path})"


def _index(chosen: Subject, pictures: PictureSet, layers: Sequence[Layer]) -> Strongest | None:
    """The index; while it is made, a bar, and None."""
    paths = [layer.path for layer in layers]
    key = (PAGE, "index", chosen.specimen, pictures.digest)
    seen = _asked(key, partial(_indexed, chosen, pictures, paths), f"{PAGE}.index")
    if seen is None:
        return None
    if seen.alive:
        what = f"Looking for what excites each map, in {pictures.count:,} pictures"
        _wait(key, what, f"{PAGE}.index")
        return None
    found: Strongest = seen.result
    return found


def _indexed(chosen: Subject, pictures: PictureSet, paths: Sequence[str], report: Report) -> Strongest:
    model = chosen.loaded.model
    found = indices.find(chosen.specimen, model, pictures, paths)
    if found is None:
        found = indices.build(model, pictures, paths, report)
        indices.keep(model, pictures, found)
    return found


def _asked(key: tuple[object, ...], work: Callable[[Report], object], name: str) -> Seen | None:
    """How far work is, begun if need be; None, and a way on, where it failed or the reader cancelled it."""
    pool, reader = cached.background(), background.reader()
    stopped: set[object] = st.session_state.setdefault(f"{PAGE}.stopped", set())
    seen = pool.look(key, reader)
    failed = seen is not None and seen.state == "failed"
    if key not in stopped and not failed:
        try:
            pool.submit(key, work, reader)
        except ValueError as error:
            st.error(prose.literal(str(error)), icon=":material/hourglass_disabled:")
            return None
        seen = pool.wait(key, reader, _PATIENCE)
        failed = seen is not None and seen.state == "failed"
    if seen is not None and failed:
        st.error(prose.literal(seen.why), icon=":material/error:")
    elif key not in stopped:
        return seen
    if st.button("Start again", key=f"{name}.again", icon=":material/replay:"):
        stopped.discard(key)
        pool.submit(key, work, reader)
        st.rerun()
    return None


def _wait(key: tuple[object, ...], what: str, name: str) -> None:
    """A bar that moves by itself; the page runs again when the work has ended."""

    @looking.again(_REST)
    def live() -> None:
        _bar(key, what, name)

    live()


def _bar(key: tuple[object, ...], what: str, name: str) -> Seen | None:
    pool, reader = cached.background(), background.reader()
    seen = pool.look(key, reader)
    if seen is None or not seen.alive:
        st.rerun()

    def cancel() -> None:
        st.session_state[f"{PAGE}.stopped"].add(key)
        pool.cancel(key, reader)

    background.bar(seen, what, f"{name}.stop", cancel)
    return seen


def _maps(study: Study) -> tuple[int, int | None]:
    """The first of the maps to show, and the one that the reader asked for."""
    asked = state.query().get(_MAP, "")
    known = asked.isascii() and asked.isdigit() and int(asked) < study.maps
    if asked and not known:
        sentence = f"This layer has maps 0 to {study.maps - 1}, and no map {asked[:20]!r}."
        st.warning(prose.literal(sentence), icon=":material/link_off:")
    marked = int(asked) if known else None
    first = (marked or 0) // AT_ONCE * AT_ONCE
    last = min(first + AT_ONCE, study.maps) - 1
    to = state.shows(f"{_MAP}.number", marked if marked is not None else first)

    def go(map: int) -> None:
        state.put(_MAP, str(map))

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.button(
            f"Previous {AT_ONCE}", key=f"{PAGE}.previous", icon=":material/chevron_left:",
            disabled=first == 0, on_click=go, args=(max(0, first - AT_ONCE),),
        )  # fmt: skip
        st.button(
            f"Next {AT_ONCE}", key=f"{PAGE}.next", icon=":material/chevron_right:",
            disabled=last == study.maps - 1, on_click=go, args=(min(first + AT_ONCE, study.maps - 1),),
        )  # fmt: skip
        st.number_input(
            f"Go to map, 0 to {study.maps - 1}", 0, study.maps - 1, key=to, width=150,
            on_change=lambda: go(st.session_state[to]),
        )  # fmt: skip
        st.markdown(f"**Maps {first} to {last}** of {study.maps}")
    return first, marked if marked != first else None


def _look() -> tuple[Rule, bool]:
    words = prose.words(PAGE)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        rule = bound.segments("Projected by", f"{PAGE}.rule", _RULES, help=words["rules"])
        stretch = bound.switch("Stretch contrast", f"{PAGE}.stretch", default=True, help=words["stretch"])
    return next(each for each in TITLES if each == rule), stretch


def _sheet(study: Study, first: int, marked: int | None, rule: Rule, stretch: bool) -> None:
    """The sixteen maps, as they come."""
    words = prose.words(PAGE)
    why = feature_sheet.undefined(study, rule)
    if why:
        st.info(prose.literal(f"{why} {words['patches alone']}"), icon=":material/block:")
    used = None if why else rule
    key = study.key(first, used)
    st.caption(words["stretched" if stretch else "shared"].format(side=_seen(study)))
    seen = _asked(key, partial(feature_sheet.blocks, study, first, used), f"{PAGE}.work")
    if seen is None:
        return
    draw = partial(_draw, study, marked=marked, why=why, stretch=stretch)
    if not seen.alive:
        draw(seen.result)
        return

    @looking.again(_REST)
    def live() -> None:
        now = _bar(key, "Projecting", f"{PAGE}.work")
        if now is not None:
            draw(now.result or ())

    live()


def _seen(study: Study) -> str:
    """How much of a picture a unit sees, in words."""
    height, width = study.layer.shape[1:]
    left, top, right, bottom = study.field.box(height // 2, width // 2)
    side = study.pictures.preprocess.size
    whole = (right - left, bottom - top) == (side, side)
    return "the whole picture" if whole else f"{right - left} × {bottom - top} of {side} × {side} pixels"


def _draw(study: Study, shown: Sequence[Block], *, marked: int | None, why: str, stretch: bool) -> None:
    alone = "Not defined here." if why else ""
    tile_sheet(
        feature_sheet.cards(study, shown, alone, stretch, marked), label=f"Maps of {study.title}", key=_SHEET,
        on_open=lambda: state.put(_TILE, st.session_state[_SHEET]["opened"]),
    )  # fmt: skip


def _tile(study: Study, rule: Rule, stretch: bool) -> None:
    """What the address names in full, over the page."""
    asked = state.query().get(_TILE)
    if asked is None:
        return
    tile = feature_tile.named(study, asked)
    if tile is None:
        st.warning(
            prose.literal(f"There is no activation {asked[:20]!r} in this layer."), icon=":material/link_off:"
        )
        return

    def close() -> None:
        state.drop(_TILE)

    feature_tile.show(study, rule, stretch, f"Map {tile.channel} of {study.title}", _TILE, close)


def _take_away(study: Study, first: int, rule: Rule, stretch: bool) -> None:
    """Pictures, numbers and code."""
    used = None if feature_sheet.undefined(study, rule) else rule
    name = f"zoolens-features-{study.subject.specimen.variant}-{study.layer.path}-{first}"
    printed = partial(feature_sheet.printed, study, first, used, stretch)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        evidence.save(
            "PNG", lambda: images.png(printed()), f"{name}.png", "image/png", key=f"{PAGE}.png", icon="image"
        )
        evidence.save(
            "One page (PDF)", lambda: images.pdf(printed(), study.title), f"{name}.pdf", "application/pdf",
            key=f"{PAGE}.pdf", icon="picture_as_pdf",
        )  # fmt: skip
        evidence.save(
            "All maps of the layer (CSV)", lambda: export.as_csv(feature_sheet.table(study)),
            f"zoolens-features-{study.subject.specimen.variant}-{study.layer.path}.csv", "text/csv",
            key=f"{PAGE}.csv", icon="table",
        )  # fmt: skip
    with st.expander("Code that does it", key=f"{PAGE}.code"):
        code.show(code.excerpt(strongest.scan))
        code.show(code.excerpt(deconvnet.project_many))
