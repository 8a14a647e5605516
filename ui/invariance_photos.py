"""Which pictures the page Invariance changes: sample photos, or items of a data set, a few of them."""

import streamlit as st

from training.data import OWN, version
from ui import bound, cached, items, prose, state
from ui.invariance_study import PAGE
from ui.photo import Photo
from viz.figures.invariance import MOST
from zoo import Specimen, weights

SAMPLES = "samples"
_FIVE = 5  # pictures, as in the paper


def choose(specimen: Specimen) -> tuple[str, tuple[Photo, ...]]:
    """Where the pictures come from and which the address names, with controls in the sidebar; at least one.

    The page ends here where a reader has put all of them away.
    """
    with st.sidebar:
        source = _source(specimen)
        photos = _samples() if source == SAMPLES else _items(source)
        if len(photos) > MOST:
            st.caption(f"Shown are the first {MOST} of {len(photos)}.")
    if not photos:
        st.info("Choose at least one picture in the sidebar.", icon=":material/image:")
        st.stop()
    return source, photos[:MOST]


def pool(source: str, count: int) -> tuple[Photo, ...]:
    """So many pictures of a data set, of all its classes in turn."""
    known = cached.items(source, version(source))
    classes = [at for at in range(len(known.classes)) if known.count(at)]
    turns = [(at, number) for number in range(items.EACH) for at in classes if number < known.count(at)]
    return tuple(known.photo(at, number) for at, number in turns[:count])


def learnt(specimen: Specimen) -> str | None:
    """The data set that a network has learnt from, if its pictures are on this disk."""
    if specimen.weights in ("random", "imagenet"):
        return None
    key = weights.describe(specimen.weights).data
    known = [key, key.removeprefix(OWN)]  # a copy that was imported under the name of the set
    return next((each for each in known if each in items.ready()), None)


def _source(specimen: Specimen) -> str:
    """SAMPLES or a data set, by `invariance.from` in the address, else what the network has learnt from."""
    offered = {SAMPLES: "Sample photos", **items.ready()}
    own = learnt(specimen) or SAMPLES
    asked = state.query().get(f"{PAGE}.from", own)
    if asked not in offered:
        sentence = f"There are no pictures called {asked[:40]!r} on this machine."
        st.warning(prose.literal(sentence), icon=":material/link_off:")
        asked = own
    key = state.shows(f"{PAGE}.from.list", asked)

    def put() -> None:
        if st.session_state[key] in offered:
            state.put(f"{PAGE}.from", st.session_state[key])

    st.selectbox(
        "Pictures", list(offered), format_func=lambda each: offered.get(each, each), key=key,
        on_change=put,
        help=prose.words(PAGE)["pictures"],
    )  # fmt: skip
    return asked


def _samples() -> tuple[Photo, ...]:
    known = cached.samples()
    titles = {token: photo.title for token, photo in known.items()}
    chosen = bound.several("Photos", f"{PAGE}.photos", titles, list(known)[:_FIVE])
    return tuple(known[token] for token in chosen)


def _items(source: str) -> tuple[Photo, ...]:
    known = cached.items(source, version(source))
    names = {str(at + 1): name for at, name in enumerate(known.classes)}
    chosen = bound.several("Classes", f"{PAGE}.classes.{source}", names, list(names)[:_FIVE])
    number = bound.slider(
        "Which picture of each class", f"{PAGE}.number.{source}", range(1, items.EACH + 1), 1
    )
    return tuple(
        known.photo(at, (number - 1) % known.count(at))  # where a class has fewer they begin again
        for at in (int(word) - 1 for word in chosen)
        if known.count(at)
    )
