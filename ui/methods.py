"""The page Methods side by side: its controls, and the cards as they fill."""

import time
from collections.abc import Mapping
from types import MappingProxyType

import streamlit as st

from ui import bound, evidence, looking, method_cards, photo, predictions, prose, subject
from ui.method_work import PAGE, Desk, Study, Wish, cards, map_key, quick, truth
from viz import scores
from viz.methods import METHODS

_FIRST = 1.2  # seconds that the page waits for quick maps
_REST = 0.6  # seconds between two looks at work under way

_NO_TWIN = "no twin"
DEPTHS: Mapping[str, float] = MappingProxyType(  # shares of the layers
    {_NO_TWIN: 0.0, "classifier": 0.0, "1/8": 1 / 8, "1/4": 1 / 4, "1/2": 1 / 2, "3/4": 3 / 4, "all": 1.0}
)


def render() -> None:
    chosen = subject.choose(PAGE)
    picture = photo.choose(PAGE)
    target = predictions.panel(PAGE, chosen, picture)
    preprocess = chosen.loaded.preprocess
    study = Study(
        subject=chosen, photo=picture, target=target, image=preprocess(picture.image),
        crop=preprocess.crop(picture.image), truth=truth(chosen, picture, target),
    )  # fmt: skip
    evidence.style()
    _watch(study, _controls(study))
    method_cards.measured()


def depth_of(share: str, layers: int) -> int:
    """How many layers, from the top, a position of the slider means."""
    return max(1, round(DEPTHS[share] * layers)) if share != _NO_TWIN else 0


def _controls(study: Study) -> Wish:
    words = prose.words(PAGE)
    titles = {method.key: method.title for method in METHODS.values()}
    st.header("The maps")
    with st.container(horizontal=True, gap="large", vertical_alignment="center"):
        slow = bound.switch("Slow ones too", f"{PAGE}.slow", help=words["slow"])
        scored = bound.switch("Score them", f"{PAGE}.scores", help=words["scores"])
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
    with left:
        order = bound.segments("Order", f"{PAGE}.order", method_cards.ORDERS, help=words["order"])
    with right:
        share = bound.slider(
            "Twin: layers drawn anew, from the top", f"{PAGE}.twin", list(DEPTHS), "1/2", help=words["twin"]
        )
    with st.expander("Which methods", key=f"{PAGE}.which", icon=":material/tune:"):
        keys = bound.several("Methods", f"{PAGE}.show", titles, list(titles))
        if not keys:
            st.info("Choose a method. Shown are the maps that know nothing.", icon=":material/touch_app:")
    depth = depth_of(share, len(scores.layers(study.subject.loaded.model)))
    return Wish(keys=tuple(keys), order=order, slow=slow, scores=scored, depth=depth)


def _watch(study: Study, wish: Wish) -> None:
    """The cards, looked at again and again while something of them is under way."""
    desk = Desk()
    try:
        deadline = time.monotonic() + _FIRST
        for card in cards(study, wish, desk):
            if card.map is not None and card.map.alive and quick(card.method):
                desk.wait(map_key(study, card.method), max(0.0, deadline - time.monotonic()))
        armed = any(card.under_way for card in cards(study, wish, desk))
    except ValueError as error:  # the queue is full
        st.error(prose.literal(str(error)), icon=":material/hourglass_disabled:")
        return

    @looking.again(_REST if armed else None)
    def live() -> None:
        try:
            found = cards(study, wish, desk)
        except ValueError as error:
            st.error(prose.literal(str(error)), icon=":material/hourglass_disabled:")
            return
        with st.container(key=f"{PAGE}-live"):
            method_cards.draw(study, wish, found, desk)
        if any(card.under_way for card in found) != armed:
            st.rerun()

    live()
