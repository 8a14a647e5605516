"""The picture that a page looks at: one picker for all pages, whose choice stands in the address.

In an address it is one word: a sample (`cat`), an item of a data set as in `ui.items`, or, for a picture of
one's own, `upload` or `camera`: it stays in the memory of this visit.
"""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from training.data import version
from ui import cached, items, prose, state, uploads
from ui.samples import Photo, Thing
from viz import images
from zoo import limits, nearest

__all__ = ["Photo", "Thing", "choose", "samples"]

FIRST = "cat"
_KINDS = {"sample": "Samples", "own": "Mine", "data": "Data set"}
_STARTS = {"sample": FIRST, "own": "upload", "data": items.token("shapes", 0, 0)}
_OWN = {"upload": ":material/upload: File", "camera": ":material/photo_camera: Camera"}
_PREVIEW = 160  # pixels
_STYLE = Path(__file__).with_suffix(".css")


def samples() -> Mapping[str, Photo]:
    """All sample photos and mosaics by token."""
    return cached.samples()


def choose(page: str) -> Photo:
    """The picture that the address of a page names, with controls in the sidebar to choose another.

    Where it cannot be had, the page goes on with the cat, and the sidebar says why.
    """
    key = f"{page}.photo"
    token = state.query().get(key) or FIRST
    kind = _kind(token)
    found, problem = None, ""
    try:
        found = _found(token)
    except ValueError as error:
        problem = str(error)
    with st.sidebar:
        st.html(_STYLE)
        shown = state.shows(f"{key}.kind", kind)
        st.segmented_control(
            "Picture", list(_KINDS), format_func=_KINDS.__getitem__, required=True, key=shown,
            on_change=lambda: state.put(key, _STARTS.get(st.session_state[shown])),
        )  # fmt: skip
        {"sample": _samples, "own": _own, "data": _items}[kind](key, token)
        if problem:
            sentence = f"{problem} For now the page shows the cat."
            st.warning(prose.literal(sentence), icon=":material/image_not_supported:")
        elif found is not None and kind != "sample":
            st.image(_preview(found), prose.literal(found.title), width=_PREVIEW, alt=found.title)
    return found or samples()[FIRST]


def _preview(photo: Photo) -> str:
    """As large as it is shown, in an address of its own: one to fetch may be gone when a slow browser asks.

    To make it anew in each rerun would take a fifth of its time.
    """

    def make() -> str:
        image = photo.image.copy()
        image.thumbnail((_PREVIEW, image.height))
        return images.uri(images.jpeg(image))

    return cached.found(("preview", photo.digest), make)


def _kind(token: str) -> str:
    if token in _OWN:
        return "own"
    return "data" if ":" in token else "sample"


def _found(token: str) -> Photo:
    """The photo that a token names; ValueError with a sentence where there is none."""
    if token in _OWN:
        own: Photo | str = st.session_state.get(_kept(token)) or prose.words("photo")[f"no {token}"]
        if isinstance(own, str):
            raise ValueError(own)
        return own
    if ":" in token:
        name, label, number = items.parse(token)
        known = _known(name)
        if label not in range(len(known.classes)) or number not in range(known.count(label)):
            raise ValueError(f"{known.title} has no picture {token.removeprefix(name)[1:]!r}.")
        return known.photo(label, number)
    if token not in samples():
        raise ValueError(f"There is no picture called {token[:40]!r}. {nearest(token, samples())}")
    return samples()[token]


def _known(name: str) -> items.Items:
    return cached.items(name, version(name))


def _samples(key: str, token: str) -> None:
    """Thumbnails to choose from."""
    shown = state.shows(f"{key}.sample", token if token in samples() else None)
    st.pills(
        "Sample", list(samples()), format_func=cached.thumbnails().__getitem__, required=True, key=shown,
        on_change=lambda: state.put(key, st.session_state[shown]), label_visibility="collapsed", wrap=True,
    )  # fmt: skip


def _own(key: str, token: str) -> None:
    """A file or, once it is asked for, the camera."""
    words = prose.words("photo")
    shown = state.shows(f"{key}.from", token)
    st.segmented_control(
        "From", list(_OWN), format_func=_OWN.__getitem__, required=True, key=shown,
        on_change=lambda: state.put(key, st.session_state[shown]), label_visibility="collapsed",
    )  # fmt: skip
    taken = f"{key}.{token}"
    if token == "camera":
        st.camera_input("Camera", key=taken, on_change=_take, args=(taken, token))
    else:
        mib, megapixels = limits.UPLOAD_MIB.value, limits.PICTURE_MEGAPIXELS.value
        st.file_uploader(
            "Picture", key=taken, on_change=_take, args=(taken, token),
            max_upload_size=mib, help=words["file"].format(mib=mib, megapixels=megapixels),
        )  # fmt: skip
    st.caption(words["privacy"])
    if said := st.session_state.get(f"{_kept(token)}.said"):
        st.caption(prose.literal(said))


def _take(widget: str, token: str) -> None:
    """Keep the picture in the memory of this visit, for all pages, or why there is none."""
    file = st.session_state[widget]
    kept = _kept(token)
    st.session_state.pop(f"{kept}.said", None)
    if file is None:
        st.session_state.pop(kept, None)
        return
    try:
        title = "From the camera" if token == "camera" else file.name
        photo, said = uploads.photo(file.getvalue(), token, title)
    except ValueError as error:
        st.session_state[kept] = str(error)
        uploads.told(file, refused=str(error))
    else:
        st.session_state[kept], st.session_state[f"{kept}.said"] = photo, said
        uploads.told(file, pixels=photo.image.width * photo.image.height)


def _kept(token: str) -> str:
    return f"photo.{token}"


def _items(key: str, token: str) -> None:
    """Any item of a data set: which set, which class, which of its pictures."""
    try:
        name, label, number = items.parse(token)
        known = _known(name)
    except ValueError:
        name, label, number = items.parse(_STARTS["data"])
        known = _known(name)
    label = min(max(label, 0), len(known.classes) - 1)
    sets, classes, numbers = (f"{key}.{part}" for part in ("set", "class", "number"))
    ready = items.ready()

    def first_of(wanted: str | None, label: int | None) -> None:
        if wanted is not None and label is not None:
            state.put(key, items.token(wanted, label, 0))

    st.selectbox(
        "Data set", list(ready), format_func=ready.__getitem__, key=state.shows(sets, name),
        help=prose.words("photo")["set"],
        on_change=lambda: first_of(state.turned(sets, ready), 0),
    )  # fmt: skip
    st.selectbox(
        "Class", range(len(known.classes)), format_func=known.classes.__getitem__,
        key=state.shows(classes, label),
        on_change=lambda: first_of(name, state.turned(classes, range(len(known.classes)))),
    )  # fmt: skip
    count = known.count(label)
    if count > 1:
        st.number_input(
            "Number", 1, count, key=state.shows(numbers, min(max(number + 1, 1), count)),
            on_change=lambda: state.put(key, items.token(name, label, st.session_state[numbers] - 1)),
        )  # fmt: skip
