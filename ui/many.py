"""One picture through several networks: the half of the page Many that it opens with."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from html import escape

import streamlit as st
from PIL import Image

from ui import background, bound, cached, evidence, export, glances, looking, photo, prose, state, subject
from ui.background import Report, Seen
from ui.glances import Drawn, learnt
from ui.photo import Photo
from ui.predictions import percent
from viz import images, sheets
from viz.figures import agreement as figures
from viz.glance import Glance, agreement, look, occluded
from zoo import Specimen, load, variant

PAGE = "many"
MOST = 8  # networks beside each other
TOP = 5
_NETS = "many.nets"  # of the address: words of subject.token with BETWEEN between them


def first(offered: Iterable[Specimen]) -> list[Specimen]:
    """Whom a photo is shown to before the reader chooses: who has learnt photos, or else everybody."""
    known = list(offered)
    seeing = [specimen for specimen in known if learnt(specimen).photos]
    return (seeing if len(seeing) > 1 else known)[:MOST]


def render() -> None:
    """One picture, up to MOST networks."""
    picture = photo.choose(PAGE)
    chosen = _choose()
    if not chosen:
        st.info("Choose a network to begin.", icon=":material/hub:")
        return
    _note(chosen)
    glances.style()
    under_way = any(_alive(each) for each in _advance(chosen, picture, wait=glances.AT_ONCE))

    @looking.again(glances.EVERY if under_way else None)
    def shown() -> None:
        seen = _advance(chosen, picture)
        st.html(
            f'<div class="zl-many">{"".join(map(partial(_card, picture), chosen, names(chosen), seen))}</div>'
        )
        if under_way and not any(map(_alive, seen)):
            st.rerun()

    shown()
    st.html(
        evidence.scale(signed=False, most="most, for its own answer", middle="nothing")
        + '<p class="zl-many-note">Dashes: the square whose hiding costs the answer most.</p>'
    )
    finished = [
        (specimen, each.result) for specimen, each in zip(chosen, _advance(chosen, picture), strict=True)
        if each.result is not None
    ]  # fmt: skip
    if finished and not under_way:
        _take_away(picture, finished)
    if len(finished) > 1:
        _agreement(finished)


def _choose() -> list[Specimen]:
    """The networks that the address names, with a list to choose others."""
    offered = {subject.token(each): each for each in map(subject.parse, subject.choices())}
    asked = state.query().get(_NETS)
    chosen: dict[str, Specimen] = {}
    for word in (asked or "").split(state.BETWEEN):
        try:
            specimen = subject.parse(word) if word else None
        except ValueError as error:
            st.warning(prose.literal(str(error)), icon=":material/link_off:")
        else:
            chosen |= {} if specimen is None else {subject.token(specimen): specimen}
    if asked is None:
        chosen = {subject.token(each): each for each in first(offered.values())}
    if len(chosen) > MOST:
        st.warning(f"Shown are the first {MOST} of {len(chosen)} networks.", icon=":material/link_off:")
        chosen = dict(list(chosen.items())[:MOST])
    titles = _titles(offered | chosen)
    key = state.shows(f"{_NETS}.list", list(chosen))

    def put() -> None:
        state.put(_NETS, state.BETWEEN.join(st.session_state[key]))

    st.multiselect(
        f"Networks, up to {MOST}", list(titles), key=key, on_change=put, max_selections=MOST,
        format_func=lambda word: titles.get(word, word),
        placeholder="Choose networks",
        help="Those whose weights are on this machine. More can be had on the pages that show one network.",
    )  # fmt: skip
    return list(chosen.values())


def _titles(listed: Mapping[str, Specimen]) -> dict[str, str]:
    """Names for the list; those that are alike have their word of the address with them."""
    titles = {word: subject.title(specimen) for word, specimen in listed.items()}
    counts = Counter(titles.values())
    return {word: f"{title} ({word})" if counts[title] > 1 else title for word, title in titles.items()}


def names(chosen: Sequence[Specimen]) -> list[str]:
    """The networks by title; those of one title have the name of their weights, or their word, with it."""
    titles = [variant(each.variant).title for each in chosen]
    return [
        title if titles.count(title) == 1
        else f"{title}: {each.weights.partition(':')[2] or subject.token(each)}"
        for title, each in zip(titles, chosen, strict=True)
    ]  # fmt: skip


def _note(chosen: Sequence[Specimen]) -> None:
    """Who among the chosen has never seen a photo."""
    strangers = [specimen for specimen in chosen if not learnt(specimen).photos]
    if strangers:
        named = "; ".join(
            f"**{prose.literal(variant(each.variant).title)}** has learnt {prose.literal(learnt(each).words)}"
            for each in strangers
        )
        st.caption(f":material/info: {named}. {prose.words(PAGE)['strangers']}")


def _key(what: str, specimen: Specimen, picture: Photo) -> tuple[object, ...]:
    return "many", what, specimen, picture.digest


def _advance(chosen: Sequence[Specimen], picture: Photo, wait: float = 0.0) -> list[Seen]:
    """How far each network is. Begins what has not begun: all answers come before the first occlusion."""
    looks = [
        glances.job(_key("look", each, picture), partial(_look, each, picture.image), quick=True)
        for each in chosen
    ]
    if wait and any(map(_alive, looks)):
        cached.quick().wait(_key("look", chosen[-1], picture), background.reader(), wait)
    found = []
    for specimen, seen in zip(chosen, looks, strict=True):
        if seen.state == "done":
            work = partial(_occlude, specimen, picture.image, seen.result)
            further = glances.job(_key("occlusion", specimen, picture), work)
            seen = replace(further, result=further.result or seen.result)
        found.append(seen)
    return found


def _alive(seen: Seen) -> bool:
    return seen.alive


def _look(specimen: Specimen, picture: Image.Image, report: Report) -> Drawn:
    loaded = load(specimen)
    glance = look(loaded, picture)
    return Drawn(
        glance=glance,
        labels=loaded.labels,
        map=glances.uri(glances.overlaid(glance, glance.map)),
    )


def _occlude(specimen: Specimen, picture: Image.Image, drawn: Drawn, report: Report) -> Drawn:
    glance = drawn.glance
    for glance in occluded(load(specimen), drawn.glance, picture):
        assert glance.occlusion is not None
        report(glance.occlusion.done, None)
    return replace(drawn, glance=glance, fall=glances.uri(falling(glance)))


def falling(glance: Glance) -> Image.Image:
    """What the occlusion took away, and the square that took most."""
    assert glance.occlusion is not None
    assert glance.fall is not None
    drawn = glances.overlaid(glance, glance.occlusion.centred("probability"))
    times = drawn.width / glance.seen.width
    left, top, right, bottom = (times * edge for edge in glance.fall.box)
    return images.framed(drawn, (left, top, right, bottom))


def _card(picture: Photo, specimen: Specimen, name: str, seen: Seen) -> str:
    """A network: what it says, where its evidence lies, what it cannot do without, and how quickly."""
    known = learnt(specimen)
    head = f"<h3>{escape(name)}</h3><p>has learnt {escape(known.words)}</p>"
    drawn: Drawn | None = seen.result
    if drawn is None:
        said = (
            escape(seen.why) if seen.state == "failed" else f"{escape(background.told(seen)).capitalize()} …"
        )
        return f'<article><header>{head}</header><p class="wait">{said}</p></article>'
    glance, labels = drawn.glance, drawn.labels
    word = subject.token(specimen)
    links = " · ".join(
        f'<a href="{escape(state.address(page, **{f"{page}.net": word, f"{page}.photo": picture.token}))}" '
        f'target="_self">{title}</a>'
        for page, title in (("cam", "Its maps"), ("occlusion", "Its occlusion"))
    )
    if drawn.fall:
        assert glance.fall is not None
        then = "" if glance.fall.label == glance.target else f", and it says {labels[glance.fall.label]}"
        before = percent(float(glance.probabilities[glance.target]))
        fall = glances.figure(
            drawn.fall,
            f"Occlusion map of {name} on the picture",
            escape(f"Without the square {before} becomes {percent(glance.fall.probability)}{then}."),
        )
    elif seen.state == "failed":
        fall = f'<p class="wait">{escape(seen.why)}</p>'
    else:
        fall = f'<p class="wait">Occlusion: {escape(background.told(seen))}</p>'
    empty = "" if glance.map.max() > 0 else " Nothing in this layer speaks for its answer."
    sees = glance.seen.width
    times = f"{1e3 * glance.look_s:.0f} ms for the answer, {1e3 * glance.map_s:.0f} ms for Grad-CAM"
    if glance.occlusion is not None:
        times += f", {glance.occlusion_s:.1f} s for {glance.occlusion.label.size} squares"
    return (
        f"<article><header>{head}</header>{answers(glance, labels)}"
        + glances.figure(
            drawn.map,
            f"Grad-CAM of {name} on the picture",
            f"Grad-CAM at {glance.layer}, {glance.map.shape[0]} × {glance.map.shape[1]} cells, "
            f"for {labels[glance.target]}.{empty}",
        )
        + f"{fall}<footer>Sees {sees} × {sees} pixels. {times}.<br>{links}</footer></article>"
    )


def answers(glance: Glance, labels: Sequence[str]) -> str:
    """The first TOP classes with bars, as HTML."""
    lines = "".join(
        f'<li><i style="--share:{share:.4f}"></i><span>{escape(labels[at])}</span>'
        f"<b>{percent(share)}</b></li>"
        for at, share in glance.top(TOP)
    )
    return f"<ol>{lines}</ol>"


def _take_away(picture: Photo, finished: Sequence[tuple[Specimen, Drawn]]) -> None:
    with st.container(horizontal=True):
        name = f"zoolens-many-{picture.token.replace(':', '-')}"
        evidence.save(
            "Answers as CSV", lambda: export.as_csv(table(finished)), f"{name}.csv", "text/csv",
            key="many.csv", icon="download",
        )  # fmt: skip
        evidence.save(
            "Maps as PNG", lambda: _sheet(finished), f"{name}.png", "image/png", key="many.png", icon="image"
        )


def table(finished: Sequence[tuple[Specimen, Drawn]]) -> list[dict[str, object]]:
    """A row for each of a network's first answers; what concerns its maps stands beside the first of them."""
    rows: list[dict[str, object]] = []
    for specimen, drawn in finished:
        glance, labels = drawn.glance, drawn.labels
        fall = glance.fall
        for place, (at, share) in enumerate(glance.top(TOP), 1):
            row: dict[str, object] = {
                "network": subject.token(specimen), "place": place, "class": labels[at], "probability": share,
                "pixels": glance.seen.width, "layer": glance.layer, "answer_ms": 1e3 * glance.look_s,
                "gradcam_ms": 1e3 * glance.map_s, "occlusion_s": glance.occlusion_s or None,
                "square": None if fall is None else " ".join(map(str, fall.box)),
                "probability_without": None if fall is None else fall.probability,
                "says_without": None if fall is None else labels[fall.label],
            }  # fmt: skip
            rows.append(row if place == 1 else dict.fromkeys(row) | dict(list(row.items())[:4]))
    return rows


def _sheet(finished: Sequence[tuple[Specimen, Drawn]]) -> bytes:
    """What each network saw, its Grad-CAM and its occlusion."""
    cells = []
    for specimen, drawn in finished:
        glance = drawn.glance
        shown = [images.shown(glance.seen), glances.overlaid(glance, glance.map)]
        shown += [falling(glance)] if glance.fall is not None else []
        small = [each.resize((glances.SIDE, glances.SIDE)) for each in shown]
        cells.append((subject.title(specimen), small))
    return sheets.titled(cells, 2)


def _agreement(finished: Sequence[tuple[Specimen, Drawn]]) -> None:
    """Rank correlations between the maps."""
    st.header("Do they look at the same places?")
    what = bound.segments("Maps", "many.maps", {"gradcam": "Grad-CAM", "occlusion": "Occlusion"})
    maps, named = [], []
    for name, (_, drawn) in zip(names([each for each, _ in finished]), finished, strict=True):
        glance = drawn.glance
        if what == "gradcam":
            maps.append((glance.map, glance.field))
        elif glance.fall is not None and glance.occlusion is not None:
            maps.append((glance.occlusion.averaged(), glance.field))
        else:
            continue
        named.append(name)
    if len(maps) < 2:
        st.caption("As soon as two of them have finished.")
        return
    values = agreement(maps)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.plotly_chart(
            figures.agreement(named, values), key="many.agreement",
            config=export.picture("zoolens-agreement"),
            alt="Rank correlations between the maps of the networks, each with each",
        )  # fmt: skip
    with right:
        st.markdown(prose.words(PAGE)["agreement"])
        rows = [
            {"network": name} | {f"{i}. {other}": float(values[j, i - 1]) for i, other in enumerate(named, 1)}
            for j, name in enumerate(named)
        ]
        evidence.save(
            "CSV", lambda: export.as_csv(rows), "zoolens-agreement.csv", "text/csv",
            key="many.agreement.csv", icon="download",
        )  # fmt: skip
