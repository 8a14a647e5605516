"""The part of the page Deconvnet that goes down in a real network: which unit, each step, and the rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path

import streamlit as st
from PIL import Image
from torch import Tensor

from ui import bound, cached, descent_sheet, evidence, export, photo, prose, state, subject
from ui.components import player
from ui.components.descent import descent as descent_component
from ui.evidence import Plate
from ui.photo import Photo
from ui.rules import TITLES
from ui.subject import Subject
from viz import deconvnet, hierarchy, hooks, images, tiles
from viz import descent as numbers
from viz.deconvnet import Projection
from viz.descent import Tally
from viz.field import Box
from viz.hooks import Rule

PAGE = "deconvnet"
_LAYER, _UNIT, _DOWN = f"{PAGE}.layer", f"{PAGE}.unit", f"{PAGE}.down"  # of the address
_KEY = f"{PAGE}.descent"
_MAP = 132  # pixels
_STYLE = Path(__file__).with_suffix(".css")


@dataclass(frozen=True, kw_only=True, eq=False)
class Unit:
    """The unit that is sent down."""

    subject: Subject
    photo: Photo
    image: Tensor  # (1, C, H, W)
    layer: str
    maps: Tensor  # (c, h, w)
    channel: int
    position: tuple[int, int]

    def key(self, *parts: object) -> tuple[object, ...]:
        """All that a result depends on."""
        return (
            PAGE,
            self.subject.specimen,
            self.photo.digest,
            self.layer,
            self.channel,
            self.position,
            *parts,
        )

    @property
    def word(self) -> str:
        """In the address: map, row and column."""
        return f"{self.channel}.{self.position[0]}.{self.position[1]}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Sent:
    """What came of sending the unit down by a rule."""

    projection: Projection | str  # or why there is none
    tallies: tuple[Tally, ...]  # of each step; none where there are no steps
    why: str  # there are no steps


def render(rule: Rule) -> None:
    words = prose.words(PAGE)
    st.html(_STYLE)
    chosen = subject.choose(PAGE, first=subject.LABORATORY)
    picture = photo.choose(PAGE)
    st.markdown(words["real"])
    try:
        unit = _choose(chosen, picture)
    except ValueError as error:
        st.info(prose.literal(str(error)), icon=":material/block:")
        return
    if not chosen.trained:
        st.info(words["random"], icon=":material/shuffle:")
    with st.spinner("Going down …"):
        sent = {each: cached.once(unit.key("sent", each), partial(_sent, unit, each)) for each in TITLES}
    if sent[rule].why:
        st.info(prose.literal(sent[rule].why), icon=":material/block:")
    else:
        _played(unit, rule, sent[rule].tallies)
    _rules(unit, sent, rule)


def _choose(chosen: Subject, picture: Photo) -> Unit:
    """Layer, map and place that the address names; at first the strongest unit of a late layer.

    ValueError, with a sentence, where the network has no maps.
    """
    layers = cached.cam_layers(chosen.specimen)
    titles = {
        layer.path: layer.title for layer in layers if layer.kind == "maps" and min(layer.shape[1:]) > 1
    }
    ends = hierarchy.ends(chosen.loaded.model, layers)
    asked = state.query().get(_LAYER, "")
    path = asked if asked in titles else ends[max(0, len(ends) - 2)].path
    image = chosen.loaded.preprocess(picture.image)
    controls, seen = st.columns([3, 2], gap="large")
    with controls:
        shown = state.shows(f"{_LAYER}.list", path)

        def pick() -> None:
            if st.session_state[shown] is not None:
                state.write(**{_LAYER: st.session_state[shown], _UNIT: None, _DOWN: None})

        st.selectbox(
            "Layer", list(titles), format_func=lambda each: titles.get(each, each), key=shown, on_change=pick,
            help=prose.words(PAGE)["layer"],
        )  # fmt: skip
        maps = cached.maps_of(chosen.specimen, picture, path)
        channel, position = _named(state.query().get(_UNIT, ""), maps)
        _place(maps, channel, position)
    unit = Unit(
        subject=chosen, photo=picture, image=image, layer=path, maps=maps, channel=channel, position=position
    )
    with seen:
        st.html(cached.once(unit.key("seen", picture.title), partial(_seen, unit)))
    return unit


def _named(word: str, maps: Tensor) -> tuple[int, tuple[int, int]]:
    """Map and place of a word of the address, "17.3.4" or "17"; else the strongest unit of all."""
    count, height, width = maps.shape
    parts = word.split(".")
    strongest = int(maps.flatten(1).amax(1).argmax())
    if all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts) and len(parts) in (1, 3):
        channel, *place = map(int, parts)
        if channel < count and (not place or (place[0] < height and place[1] < width)):
            return channel, (place[0], place[1]) if place else _best(maps[channel])
    if word:
        sentence = f"There is no unit {word[:40]!r} in this layer. The page shows the strongest one."
        st.warning(prose.literal(sentence), icon=":material/link_off:")
    return strongest, _best(maps[strongest])


def _best(own: Tensor) -> tuple[int, int]:
    y, x = divmod(int(own.argmax()), own.shape[1])
    return y, x


def _place(maps: Tensor, channel: int, position: tuple[int, int]) -> None:
    """Controls for the map and the place in it."""
    count, height, width = maps.shape
    keys = [f"{_UNIT}.{name}" for name in ("map", "row", "column")]

    def turned(*, strongest: bool) -> None:
        number, y, x = (st.session_state[key] for key in keys)
        if None not in (number, y, x):
            state.write(**{_UNIT: f"{number}" if strongest else f"{number}.{y}.{x}", _DOWN: None})

    columns = st.columns(3, gap="small")
    labels = ("Map", "Row", "Column")
    for at, (column, label, value, most) in enumerate(
        zip(columns, labels, (channel, *position), (count, height, width), strict=True)
    ):
        with column:
            st.number_input(
                f"{label}, 0 to {most - 1}", 0, most - 1, key=state.shows(keys[at], value),
                on_change=partial(turned, strongest=at == 0),
            )  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Strongest place of this map", icon=":material/my_location:", key=f"{_UNIT}.best",
            on_click=lambda: state.write(**{_UNIT: str(channel), _DOWN: None}),
            disabled=position == _best(maps[channel]),
        )  # fmt: skip
        st.button(
            "Strongest map", icon=":material/bolt:", key=f"{_UNIT}.first",
            on_click=lambda: state.write(**{_UNIT: None, _DOWN: None}), disabled=not state.query().get(_UNIT),
        )  # fmt: skip


def _seen(unit: Unit) -> str:
    """HTML: the picture with what the unit sees, and its map with the unit marked."""
    own = unit.maps[unit.channel]
    value = float(own[unit.position])
    most = float(own.abs().max()) or 1.0
    size = images.SHOWN
    drawn = images.heat((own / most).numpy(), (size, size))
    high, wide = size / own.shape[0], size / own.shape[1]
    y, x = unit.position
    crop = unit.subject.loaded.preprocess.crop(unit.photo.image)
    return evidence.row(
        [
            Plate(
                title="What the unit sees", picture=framed(crop, _box(unit)), note=unit.photo.title,
                alt="The picture, with a frame around what the unit sees",
            ),
            Plate(
                title=f"Map {unit.channel}", alt="The map, with a frame around the unit",
                picture=images.framed(drawn, (x * wide, y * high, (x + 1) * wide, (y + 1) * high)),
                note=f"The unit answers {value:.3g}.",
            ),
        ],
        least=_MAP,
    )  # fmt: skip


def _box(unit: Unit) -> Box:
    return cached.field(unit.subject.specimen, unit.layer).box(*unit.position, unit.channel)


def framed(picture: Image.Image, box: Box) -> Image.Image:
    """A picture, large, with dashes around a box in its own pixels."""
    large = images.shown(picture)
    scale = large.width / picture.width
    left, top, right, bottom = (edge * scale for edge in box)
    return images.framed(large, (left, top, right, bottom))


def _sent(unit: Unit, rule: Rule) -> Sent:
    """The unit sent down step by step; where there are no steps, all at once."""
    try:
        steps = _steps(unit, rule)
    except ValueError as error:
        return Sent(projection=_at_once(unit, rule), tallies=(), why=str(error))
    left, top, right, bottom = box = _box(unit)
    pixels = steps[-1].after
    projection = Projection(
        patch=pixels[:, top:bottom, left:right], activation=float(unit.maps[(unit.channel, *unit.position)]),
        position=unit.position, box=box, size=(pixels.shape[1], pixels.shape[2]),
    )  # fmt: skip
    return Sent(projection=projection, tallies=tuple(map(numbers.tally, steps)), why="")


def _at_once(unit: Unit, rule: Rule) -> Projection | str:
    try:
        return deconvnet.project(
            unit.subject.loaded.model, unit.image, unit.layer, unit.channel, unit.position, rule
        )
    except ValueError as error:
        return str(error)


def _steps(unit: Unit, rule: Rule) -> tuple[deconvnet.Step, ...]:
    return deconvnet.descend(
        unit.subject.loaded.model, unit.image, unit.layer, unit.channel, unit.position, rule
    )


@st.fragment
def _played(unit: Unit, rule: Rule, tallies: Sequence[Tally]) -> None:
    """The stepper, and the steps to take away."""
    words = prose.words(PAGE)
    steps = cached.once(unit.key("drawn", rule), lambda: descent_sheet.drawn(_steps(unit, rule)))
    subject_ = str(unit.key())
    descent_component(
        steps, key=_KEY, subject=subject_, rev=f"{subject_} {rule}", step=player.asked(_DOWN, len(steps)),
        on_step=_stepped,
    )  # fmt: skip
    st.caption(words["descent"])
    name = f"zoolens-deconvnet-{unit.subject.specimen.variant}-{unit.layer}-{unit.word}"
    with st.container(horizontal=True, gap="small"):
        evidence.save(
            "All steps (PNG)", lambda: descent_sheet.printed(_steps(unit, rule)), f"{name}.png", "image/png",
            key=f"{PAGE}.png", icon="image",
        )  # fmt: skip
        evidence.save(
            "Numbers (CSV)", lambda: export.as_csv([vars(each) for each in tallies]), f"{name}.csv",
            "text/csv", key=f"{PAGE}.csv", icon="table",
        )  # fmt: skip


def _stepped() -> None:
    state.put(_DOWN, str(int(st.session_state[_KEY]["step"]) + 1))


def _rules(unit: Unit, sent: Mapping[Rule, Sent], rule: Rule) -> None:
    """The same unit by all rules, and what each rectifier lets through."""
    words = prose.words(PAGE)
    st.header("Three rules, one unit")
    st.markdown(words["rules"])
    stretch = bound.switch("Stretch contrast", f"{PAGE}.stretch", default=True, help=words["stretch"])
    found = {each: made.projection for each, made in sent.items()}
    most = max((tiles.strength(p.patch) for p in found.values() if isinstance(p, Projection)), default=1.0)

    def plate(each: Rule) -> Plate:
        projection, title, note = found[each], TITLES[each], f"It {hooks.RULES[each]}."
        if isinstance(projection, str):
            return Plate(title=title, picture=projection, note=note)
        full = tiles.strength(projection.patch) if stretch else most
        whole = Image.fromarray(tiles.picture(projection.image, False, full))
        picture = framed(whole, projection.box)
        return Plate(title=title, picture=picture, alt=f"Projection: {title}", note=note, chosen=each == rule)

    key = unit.key("plates", rule, stretch)
    st.html(cached.once(key, lambda: evidence.row([plate(each) for each in TITLES], least=240)))
    st.caption(words["stretched" if stretch else "shared"])
    if table := kept_table({each: made.tallies for each, made in sent.items() if made.tallies}):
        st.html(table)


def kept_table(told: Mapping[Rule, tuple[Tally, ...]]) -> str:
    """HTML: a row for each rectifier, of the numbers that arrive how many go on, by each rule."""
    rectifiers = {rule: [each for each in steps if each.kind == "rectify"] for rule, steps in told.items()}
    paths = [each.path for each in next(iter(rectifiers.values()), [])]
    if not paths:
        return ""
    head = "".join(f"<th>{TITLES[rule]}</th>" for rule in rectifiers)
    rows = []
    for at, path in enumerate(paths):
        cells = ""
        for steps in rectifiers.values():
            each = steps[at]
            share = each.after / each.before if each.before else 1.0
            cells += f"<td>{each.kept:,} of {each.arrived:,}<br>{share:.0%} of Σ|signal|</td>"
        rows.append(f"<tr><th>{escape(path)}</th>{cells}</tr>")
    table = f"<table><tr><th>Rectifier, from above</th>{head}</tr>{''.join(rows)}</table>"
    return f'<div class="zl-kept" tabindex="0" role="region" aria-label="What rectifiers keep">{table}</div>'
