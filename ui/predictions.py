"""What a network says of a picture: its five first classes, and the class that a page asks about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from ui import cached, prose, state
from ui.samples import Photo
from ui.subject import Subject
from zoo import imagenet, nearest

Logits = NDArray[np.float32]  # (K,)

TOP = 5
_STYLE = Path(__file__).with_suffix(".css")
_PREDICTION = -1  # in the list of classes: whichever is first


@dataclass(frozen=True, kw_only=True)
class Row:
    """A class and what the network gives it."""

    place: int  # 1: the prediction
    name: str
    probability: float  # 0..1
    logit: float
    mark: str  # why it stands out
    chosen: bool


def panel(page: str, subject: Subject, photo: Photo) -> int:
    """Draw the panel; the index of the class that the reader has chosen, else of the prediction.

    The choice stands in the address as `<page>.class`.
    """
    logits = cached.predicted(subject.specimen, photo)
    named = subject.loaded.labels
    order = ranked(logits)
    asked = state.query().get(f"{page}.class", "")
    chosen = named.index(asked) if asked in named else order[0]
    words = prose.words("predictions")
    st.html(_STYLE)
    st.html(table(rows(logits, named, chosen, known(photo, named)), _title(len(named))))
    if sentence := verdict(logits, named, photo):
        st.markdown(sentence)
    if not subject.trained:
        st.info(words["untrained"], icon=":material/casino:")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _place(f"{page}.class", named, order, chosen)
        _picker(f"{page}.class", named, chosen if asked in named else _PREDICTION)
        with st.popover("What the numbers mean", icon=":material/help:"):
            st.markdown(words["numbers"])
    if asked and asked not in named:
        sentence = f"The link asks about {asked[:40]!r}, which is no class of this network."
        st.caption(prose.literal(f"{sentence} {nearest(asked, named)} Shown is the prediction."))
    return chosen


def ranked(logits: Logits) -> list[int]:
    """The classes, the most probable first."""
    order: list[int] = np.argsort(-logits, kind="stable").tolist()
    return order


def probabilities(logits: Logits) -> NDArray[np.float64]:
    """Softmax: (K,) to shares of 1."""
    powers = np.exp(logits.astype(np.float64) - logits.max())
    shares: NDArray[np.float64] = powers / powers.sum()
    return shares


def known(photo: Photo, named: Sequence[str]) -> dict[str, str]:
    """What is known to be in a picture: name of a class -> how a row says so."""
    found = {}
    if len(photo.objects) > 1 and tuple(named) == imagenet.labels():
        found = {named[thing.index]: "in the picture" for thing in photo.objects if thing.index is not None}
    if photo.label is not None and photo.label in named:
        found[photo.label] = "our name for it" if photo.ours else "the label"
    return found


def rows(logits: Logits, named: Sequence[str], chosen: int, said: Mapping[str, str]) -> list[Row]:
    """The first five, and below them the chosen class where it is none of these."""
    shares, order = probabilities(logits), ranked(logits)
    shown = order[:TOP] if chosen in order[:TOP] else [*order[:TOP], chosen]
    return [
        Row(
            place=order.index(at) + 1,
            name=named[at],
            probability=float(shares[at]),
            logit=float(logits[at]),
            mark=said.get(named[at], ""),
            chosen=at == chosen,
        )
        for at in shown
    ]


def verdict(logits: Logits, named: Sequence[str], photo: Photo) -> str:
    """Whether the prediction is right, in Markdown; "" where it is not known what the picture shows."""
    if photo.label is None:
        return ""
    label = prose.literal(photo.label)
    if photo.label not in named:
        none = f"is none of the {len(named):,} classes. One has to come first all the same."
        return f"What the picture shows, **{label}**, {none}"
    at = named.index(photo.label)
    place = ranked(logits).index(at) + 1
    if place == 1:
        said = f"We call it **{label}**, too" if photo.ours else f"The picture is labelled **{label}**"
        return f":material/check: **Right.** {said}."
    share = percent(probabilities(logits)[at])
    if photo.ours:
        none = "No data set has labelled this picture, so a name near it is not wrong."
        return f"We call it **{label}**, which comes in place {place:,} with {share}. {none}"
    return f":material/close: The label, **{label}**, comes in place {place:,} with {share}."


def percent(share: float) -> str:
    """A share of 1 with the digits that matter."""
    if share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


def table(shown: Sequence[Row], title: str) -> str:
    """The rows as HTML."""
    lines = "".join(map(_line, shown))
    return (
        f'<table class="zl-top"><caption>{title}</caption><thead><tr><th scope="col">Class</th>'
        '<th scope="col" class="bar">Probability</th><th scope="col">Logit</th></tr></thead>'
        f"<tbody>{lines}</tbody></table>"
    )


def _title(classes: int) -> str:
    return f"The first {TOP} of {classes:,} classes" if classes > TOP else f"All {classes} classes"


def _line(row: Row) -> str:
    mark = f'<span class="mark">{escape(row.mark)}</span>' if row.mark else ""
    place = f'<span class="place">{row.place:,}</span>'
    chosen = ' class="chosen" aria-current="true"' if row.chosen else ""
    logit = f"{row.logit:.2f}".replace("-", "−")
    return (
        f'<tr{chosen}><th scope="row">{place}<span class="name">{escape(row.name)} {mark}</span></th>'
        f'<td class="bar"><i style="--share:{row.probability:.4f}"></i>'
        f"<b>{escape(percent(row.probability))}</b></td><td>{logit}</td></tr>"
    )


def _place(key: str, named: Sequence[str], order: Sequence[int], chosen: int) -> None:
    """One of the first five classes, with a click."""
    places = range(1, min(TOP, len(order)) + 1)
    now = order.index(chosen) + 1
    shown = state.shows(f"{key}.place", now if now in places else None)

    def put() -> None:
        place = state.turned(shown, places)
        if place in (None, 1):  # the prediction is where a page begins
            state.drop(key)
        else:
            state.put(key, named[order[place - 1]])

    st.segmented_control("Ask about place", places, key=shown, on_change=put)


def _picker(key: str, named: Sequence[str], chosen: int) -> None:
    """All classes, behind the prediction itself.

    The same list for every picture: so a browser is sent it once, and not 20 to 50 KiB with each.
    """
    shown = state.shows(f"{key}.list", chosen)
    offered = _offered(len(named))

    def put() -> None:
        at = state.turned(shown, offered)
        if at == _PREDICTION:
            state.drop(key)
        elif at is not None:
            state.put(key, named[at])

    st.selectbox(
        "Class to ask about", offered, key=shown, on_change=put,
        format_func=lambda at: "The prediction" if at == _PREDICTION else named[at],
        help="Type a part of a name to search all classes. The prediction is the class in place 1, in every "
        "picture another.",
    )  # fmt: skip


@lru_cache(maxsize=8)
def _offered(classes: int) -> list[int]:
    """The prediction and all classes: the same numbers for all readers, of whom each holds a thousand."""
    return list(range(_PREDICTION, classes))
