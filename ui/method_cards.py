"""The cards of the page Methods side by side, what they say together, and the scores over many pictures."""

import csv
import io
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType

import streamlit as st
from PIL import Image

from ui import background, bound, evidence, export, prose
from ui.background import Seen
from ui.method_work import PAGE, Card, Desk, Drawn, Study, Wish, map_key
from viz import methods, scores, sheets
from viz.figures import methods as figures
from viz.figures.style import LINE

ORDERS = {
    "listed": "By kind", "faithful": "Insertion − deletion", "occlusion": "ρ with occlusion",
    "twin": "Change with the weights", "time": "Time",
}  # fmt: skip

_ACROSS = 3  # cards beside each other
_STYLE = Path(__file__).with_name("methods.css")
_MEASURED = Path(__file__).parents[1] / "assets" / "measured" / "faithfulness.csv"
_QUANTITIES: Mapping[str, tuple[str, str, float | None]] = MappingProxyType(  # title, axis, chance
    {
        "insertion": ("Insertion", "area under the curve, higher is better", None),
        "deletion": ("Deletion", "area under the curve, lower is better", None),
        "grid": ("Share in the right quarter", "share of the positive evidence, higher is better", 0.25),
        "peak": ("Peak in the right quarter", "share of the maps, higher is better", 0.25),
        "pointing": ("Peak on the object", "share of the maps, higher is better", None),
        "occlusion": ("Agreement with occlusion", "rank correlation ρ", 0.0),
        "twin": ("Unchanged by new weights", "rank correlation ρ with the twin, lower is better", 0.0),
    }
)


def draw(study: Study, wish: Wish, found: Sequence[Card], desk: Desk) -> None:
    """All cards in their order, and what follows from them."""
    _status(found)
    st.html(_STYLE)
    lines = (
        (f"3px solid {figures.INSERTION}", "insertion"),
        (f"3px dashed {figures.DELETION}", "deletion"),
        (f"1px solid {LINE}", "the same for maps that know nothing"),
    )
    drawn = "".join(f'<span><i style="border-top:{line}"></i>{word}</span>' for line, word in lines)
    st.html(
        evidence.scale(signed=True, least="against the class", most="for the class")
        + (f'<div class="zl-curves">{drawn}</div>' if any(card.scored for card in found) else "")
    )
    st.caption(prose.words(PAGE)["card"])
    baselines = [curves.pair for card in found if card.known and (curves := card.scored)]
    shown = sorted(found, key=partial(rank, wish.order))
    for row in range(0, len(shown), _ACROSS):
        for column, card in zip(st.columns(_ACROSS, gap="small"), shown[row : row + _ACROSS], strict=False):
            with column:
                _card(study, card, baselines, desk)
    _verdict(found)
    _closer(study, found)
    _take_away(study, found, wish)


def rank(order: str, card: Card) -> tuple[bool, float]:
    """Where a card stands: those without the value come last, in the order of the table."""
    value: float | None = 0.0
    if order == "faithful":
        value = -card.scored.faithful if card.scored else None
    elif order == "occlusion":
        value = None if card.rank is None else -card.rank
    elif order == "twin":
        value = card.change
    elif order == "time":
        value = card.drawn.seconds if card.drawn and not card.known else None
    if value is None or value != value:
        return True, 0.0
    return False, value


def _status(found: Sequence[Card]) -> None:
    """How much of what was asked for is there."""
    asked = [seen for card in found for seen in card.asked]
    under_way = [seen for seen in asked if seen.alive]
    if not under_way:
        return
    share = sum(seen.share if seen.alive else 1.0 for seen in asked) / len(asked)
    st.progress(
        share, f"Under way: {len(asked) - len(under_way)} of {len(asked)} maps, twins and scores are there"
    )


def _card(study: Study, card: Card, baselines: Sequence[figures.Pair], desk: Desk) -> None:
    method, drawn = card.method, card.drawn
    with st.container(border=True, key=f"{PAGE}-card-{method.key}"):
        if card.undefined is not None:
            st.markdown(f"**{method.title}** :orange-badge[Not defined for this network]")
            st.markdown(prose.literal(card.undefined))
        elif drawn is None:
            st.markdown(f"**{method.title}**")
            _pending(card.map, desk, map_key(study, method), f"{PAGE}.{method.key}")
        else:
            st.markdown(f"**{method.title}**" + ("" if card.known else f" · {_seconds(drawn.seconds)}"))
            _pictures(card, drawn)
            _curves(card, baselines)
            _numbers(study, card, drawn)
        st.caption(f"{method.what} {method.paper}".strip())


def _pictures(card: Card, drawn: Drawn) -> None:
    title, twin = card.method.title, card.twin
    with st.container(horizontal=True, wrap=False, gap="small", key=f"{PAGE}-pair-{card.method.key}"):
        st.image(drawn.picture, width="stretch", alt=f"{title}: its map on the picture")
        if card.other is not None:
            st.image(card.other.picture, width="stretch", alt=f"{title}: its map of the twin")
    if twin is not None and twin.alive:
        st.caption(f"Twin: {background.told(twin)}")
    elif twin is not None and twin.state == "failed":
        st.caption(prose.literal(f"No twin: {twin.why}"))


def _pending(seen: Seen | None, desk: Desk, key: tuple[object, ...], name: str) -> None:
    """A map that is not there: under way, failed, or not begun."""
    if seen is not None and seen.alive:
        background.bar(seen, "Map", f"{name}.cancel", partial(desk.stop, key))
    elif seen is not None and seen.state == "failed":
        st.error(prose.literal(seen.why), icon=":material/block:")
    else:
        st.button(
            "Compute", icon=":material/play_arrow:", key=f"{name}.go", on_click=desk.begin, args=(key,),
            help="Many passes through the network, beside the page.",
        )  # fmt: skip


def _curves(card: Card, baselines: Sequence[figures.Pair]) -> None:
    curves = card.scored
    if curves is not None:
        put, taken = curves.insertion.auc, curves.deletion.auc
        st.image(
            figures.small(curves.pair, baselines), width="stretch",
            alt=f"Insertion curve with area {put:.2f}, deletion curve with area {taken:.2f}",
        )  # fmt: skip
        st.markdown(f"insertion {put:.2f} − deletion {taken:.2f} = **{signed(curves.faithful)}**")
    elif card.curves is not None and card.curves.alive:
        st.caption(f"Scores: {background.told(card.curves)}")


def _numbers(study: Study, card: Card, drawn: Drawn) -> None:
    said = []
    if card.rank is not None:
        said.append(f"ρ with occlusion **{signed(card.rank)}**")
    if card.change is not None:
        said.append(f"ρ with its twin **{signed(card.change)}**")
    if study.truth is not None:
        hit = scores.pointing(drawn.heat, study.truth) > 0.5
        said.append(f"peak on the thing: **{'yes' if hit else 'no'}**")
        said.append(f"evidence inside **{methods.inside(drawn.heat, study.truth):.0%}**")
    if said:
        st.markdown(" · ".join(said))


def signed(value: float) -> str:
    """+0.31, −0.20; a dash where a map was flat."""
    return "–" if value != value else f"{value:+.2f}".replace("-", "−")


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 0.9995 else f"{value:.1f} s"


def _verdict(found: Sequence[Card]) -> None:
    """Which maps do not care what the network has learnt."""
    known = [(card.method.title, card.change) for card in found if card.change is not None]
    if not known:
        return
    stay = [f"{title} ({signed(change)})" for title, change in known if change >= scores.STAYS]
    st.subheader("Whose map does not change with the weights?")
    if stay:
        st.markdown(
            "With these layers drawn anew, the network has forgotten what they had learnt. Some maps hardly "
            f"change: **{', '.join(stay)}**. They show the picture more than the network."
        )
    else:
        st.markdown("With these layers drawn anew, every map here becomes another one.")
    st.caption(prose.words(PAGE)["verdict"].format(stays=scores.STAYS))


def _closer(study: Study, found: Sequence[Card]) -> None:
    """The curves of one method, large."""
    titles = {card.method.key: card.method.title for card in found if not card.known}
    if not titles or not any(card.scored for card in found):
        return
    st.subheader("The curves of one map")
    key = bound.picker("Method", f"{PAGE}.closer", titles)
    card = next(card for card in found if card.method.key == key)
    if card.scored is None:
        st.caption("Its scores are not there yet.")
        return
    label = study.subject.loaded.labels[study.target]
    baselines = {each.method.title: curves.pair for each in found if each.known and (curves := each.scored)}
    figure = figures.curves(f"{card.method.title}: probability of {label}", card.scored.pair, baselines)
    name = f"zoolens-methods-{key}"
    st.plotly_chart(
        figure, key=f"{PAGE}.closer.chart", config=export.picture(name), alt=figure.layout.title.text
    )
    st.caption(prose.words(PAGE)["closer"])


def _take_away(study: Study, found: Sequence[Card], wish: Wish) -> None:
    drawn = [card for card in found if card.drawn is not None]
    if not drawn:
        return
    name = f"zoolens-methods-{study.photo.token}"
    with st.container(horizontal=True, gap="small"):
        evidence.save(
            "All maps as PNG", lambda: sheet(drawn), f"{name}.png", "image/png", key=f"{PAGE}.png",
            icon="image",
        )  # fmt: skip
        evidence.save(
            "Scores as CSV", lambda: export.as_csv(table(study, found, wish.depth)), f"{name}.csv",
            "text/csv", key=f"{PAGE}.csv", icon="download",
        )  # fmt: skip


def sheet(found: Sequence[Card]) -> bytes:
    """The maps and their twins as one PNG."""
    cells = []
    for card in found:
        pictures = [Image.open(io.BytesIO(each.picture)) for each in (card.drawn, card.other) if each]
        note = f", insertion − deletion {signed(card.scored.faithful)}" if card.scored else ""
        cells.append((f"{card.method.title}{note}", pictures))
    return sheets.titled(cells, _ACROSS)


def table(study: Study, found: Sequence[Card], depth: int) -> list[dict[str, object]]:
    """A row for each method: what it came to on this picture; None where that is not known or not defined."""
    here = study.truth
    rows: list[dict[str, object]] = []
    for card in found:
        drawn, curves = card.drawn, card.scored
        rows.append(
            {
                "method": card.method.title,
                "paper": card.method.paper,
                "not_defined": card.undefined,
                "seconds": round(drawn.seconds, 4) if drawn else None,
                "insertion_auc": curves.insertion.auc if curves else None,
                "deletion_auc": curves.deletion.auc if curves else None,
                "insertion_minus_deletion": curves.faithful if curves else None,
                "rank_correlation_with_occlusion": card.rank,
                "rank_correlation_with_twin": card.change,
                "twin_layers_drawn_anew": depth if card.change is not None else None,
                "peak_on_thing": scores.pointing(drawn.heat, here) if drawn and here is not None else None,
                "evidence_inside": methods.inside(drawn.heat, here) if drawn and here is not None else None,
                "thing_share_of_picture": None if here is None else float(here.mean()),
            }
        )
    return rows


@cache
def _rows() -> Sequence[Mapping[str, str]]:
    with _MEASURED.open(encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


def measured() -> None:
    """The scores over many pictures, one at a time, as they were measured before."""
    words = prose.words(PAGE)
    st.header("Over many pictures")
    st.markdown(words["measured"])
    titles = {name: title for name, (title, _, _) in _QUANTITIES.items()}
    name = bound.segments("Score", f"{PAGE}.measured", titles)
    title, axis, chance = _QUANTITIES[name]
    figure = figures.measured(
        [
            figures.Measured(
                name=row["title"], value=float(row[name]), error=float(row[f"{name}_se"] or 0),
                baseline=row["method"] in methods.BASELINES,
            )
            for row in _rows() if row[name]
        ],
        title=title, axis=axis, chance=chance, ascending=name not in ("deletion", "twin"),
    )  # fmt: skip
    st.plotly_chart(
        figure, key=f"{PAGE}.measured.chart", config=export.picture(f"zoolens-methods-{name}"),
        alt=f"{title} of every method with its standard error",
    )  # fmt: skip
    counts = sorted({int(row[f"{name}_n"]) for row in _rows() if row[name]})
    st.caption(
        f"{words[f'measured {name}']} Over {' or '.join(map(str, counts))} maps a method. {words['source']}"
    )
    evidence.save(
        "All of them as CSV", _MEASURED.read_bytes, _MEASURED.name, "text/csv", key=f"{PAGE}.measured.csv",
        icon="download",
    )  # fmt: skip
