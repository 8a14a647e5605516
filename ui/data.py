"""The page Data: which pictures there are, what they look like, and what augmentation makes of them."""

import os
import re
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from training import data, own
from training.data import DATASETS, OWN, Dataset, store
from training.owners import mark
from ui import bound, browser, cached, downloads, export, prose, rights, uploads
from ui.pictures import COLUMNS, KINDS, ROWS, Example, Look
from viz import images
from viz.figures.data import balance

_STYLE = Path(__file__).with_suffix(".css")
_SIZES = (8, 16, 28, 32, 48, 64, 96, 128)  # pixels
_FIRST_SIZE = "as stored"
_PICTURES = 12  # of a class to try an augmentation on
_SET = "data.set"


def choose() -> Dataset:
    """The data set that the address names."""
    st.html(_STYLE)
    arrived = st.session_state.pop("data.arrived", None)
    if arrived:
        st.session_state[_SET] = arrived
    titles = {key: known.title for key, known in DATASETS.items()}
    titles |= {OWN + name: OWN + name for name in store.owned()}
    chosen = bound.segments("Data set", _SET, titles)
    leaving = st.session_state.pop("data.leaving", None)
    if leaving:  # only now, when the address has let go of its name
        own.delete(leaving)
        st.rerun()
    return data.dataset(chosen)


def passport(known: Dataset) -> bool:
    """What is known of it, and a way to it; whether its pictures are here."""
    there = data.ready(known.key)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown(f"**{prose.literal(known.title)}.** {known.note}")
        colours = "colour" if known.channels == 3 else "grey"
        apart = f"{known.test:,} to test" if known.test else "a fifth is kept aside to test"
        size = "any size, drawn when asked for" if known.key == "shapes" else f"{known.size} px, {colours}"
        st.markdown(
            f"{known.images:,} pictures to train, {apart} · {len(known.classes)} classes · {size}  \n"
            f"From: {known.source} · Licence: {known.licence}"
        )
    with right:
        if there:
            st.badge(
                "On this disk" if known.key != "shapes" else "Always here",
                icon=":material/check:",
                color="green",
            )
            st.page_link(
                "pages/train.py", label="Train on this", icon=":material/model_training:",
                query_params={"train.data": known.key},
            )  # fmt: skip
        else:
            _fetch(known)
        if known.key.startswith(OWN):
            _yours(known)
    return there


def _fetch(known: Dataset) -> None:
    """A button to download it, and then how far that is."""
    st.badge("Not on this disk", icon=":material/cloud_download:", color="gray")
    if _under_way(known.key):
        return
    downloads.refusal("data", known.key, "cloud_off")
    st.button(
        f"Download {known.download / 1e6:.0f} MB",
        icon=":material/download:",
        key="data.download",
        on_click=downloads.start,
        args=("data", known.key, "download", known.key),
        help="From its makers' server. Checked against its checksum, then kept on the disk of this machine.",
    )


def _under_way(name: str) -> bool:
    """Show how far a download or an import is. Where it has come to a good end, its data set is opened."""

    def arrived() -> None:
        st.session_state["data.arrived"] = name if name in DATASETS else OWN + name

    return downloads.under_way("data", name, arrived)


def _yours(known: Dataset) -> None:
    """What became of the files, where they are, and a way to be rid of them."""
    name = known.title
    facts = store.facts(store.own(name))
    lines = [f"Packed as {store.own(name)}."]
    if facts["broken"]:
        lines.append(f"{facts['broken']:,} pictures could not be read and were left out:")
        lines += [f"- {each}" for each in facts["named"]]
    if facts["ignored"]:
        lines.append(f"{facts['ignored']:,} files are no pictures or lie in no class; they were ignored.")
    st.caption("  \n".join(map(prose.literal, lines)))
    with st.popover("Delete these pictures", icon=":material/delete:", key="data.delete"):
        may = rights.may_delete(name)
        st.markdown(prose.words("data")["delete"] if may else rights.why("pictures"))
        st.button(
            "Delete for good", type="primary", key="data.delete for good", on_click=_delete, args=(name,),
            disabled=not may,
        )  # fmt: skip


def _delete(name: str) -> None:
    if not rights.may_delete(name):  # whatever was drawn when the button was pressed
        return
    st.session_state["data.leaving"] = name
    st.session_state[_SET] = next(iter(DATASETS))


def upload() -> None:
    """A zip becomes a data set."""
    words = prose.words("data")
    with st.expander("Your own pictures", icon=":material/upload:", key="data.own"):
        left, right = st.columns([3, 2], gap="large")
        with right:
            st.markdown(words["layout"])
            st.caption(words["privacy"].replace("FOLDER", prose.literal(str(store.own("*").parent))))
        with left:
            file = st.file_uploader("A zip with a folder for each class", "zip", key="data.upload")
            name = st.text_input(
                "Name", _name(file.name) if file else "", key=f"data.name.{file.file_id if file else ''}",
                max_chars=40, help="Small letters, digits, - and _. It stands in addresses.",
            )  # fmt: skip
            if _under_way(name):
                return
            st.button(
                "Check and pack", icon=":material/inventory_2:", key="data.pack", disabled=file is None,
                on_click=_pack, args=(file, name),
            )  # fmt: skip
            downloads.refusal("data", name, "block")


def _pack(zipped: UploadedFile, name: str) -> None:
    """Hand a zip to a process of its own, which deletes it when it has been read."""
    cached.errands().forget(name)
    try:
        if own.checked(name).exists():
            raise ValueError(f"There are already pictures called {name}. Delete them or take another name.")
        place = store.folder()
        place.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(dir=place, prefix=".upload-", suffix=".writing")
        with os.fdopen(handle, "wb") as file:
            file.write(zipped.getbuffer())
    except OSError as error:
        st.session_state["data.refused"] = f"The zip cannot be kept: {error.strerror}."
        uploads.told(zipped, refused=st.session_state["data.refused"])
    except ValueError as error:
        st.session_state["data.refused"] = str(error)
        uploads.told(zipped, refused="its name")
    else:
        uploads.told(zipped)
        owner = mark(browser.secret(), OWN + name)
        downloads.start("data", name, "import", path, "--name", name, "--owner", owner, "--consume")


def _name(file: str) -> str:
    """A name for data out of that of a file."""
    return re.sub(r"[^a-z0-9]+", "-", Path(file).stem.lower()).strip("-")[:40] or "mine"


@st.fragment
def samples(known: Dataset) -> None:
    """Pictures of each class, what they have in common, and how many there are."""
    words = prose.words("data")
    size, channels, sample, masks = _view(known)
    first = 0
    if len(known.classes) > ROWS:
        starts = list(range(0, len(known.classes), ROWS))
        first = bound.slider("Classes from", "data.from", starts, 0, words=lambda at: str(at + 1))
    look = cached.look(known.key, data.version(known.key), size, channels, sample, first, masks)
    file = f"zoolens-{known.key.replace(':', '-')}"
    st.header("Pictures")
    _sheet(look)
    st.caption(words["sheet"])
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("How many of each class")
        train, test = data.counts(known.key)
        st.plotly_chart(
            balance(known.classes, train, test), key="data.balance", config=export.picture(f"{file}-balance"),
            alt=f"Pictures of each class: {min(train):,} to {max(train):,} to train",
        )  # fmt: skip
        st.caption(words["balance"])
    with right:
        st.subheader("What the network is told")
        channel = ("red", "green", "blue") if channels == 3 else ("grey",)
        rows = [f"| {look.studied:,} pictures to train | mean | deviation |", "|:--|--:|--:|"]
        for name, mean, deviation in zip(channel, look.mean, look.deviation, strict=True):
            rows.append(f"| {name} | {mean:.3f} | {deviation:.3f} |")
        st.markdown("\n".join(rows))
        st.caption(words["moments"])
        st.download_button(
            "The sheet as PNG", look.sheet, f"{file}.png", "image/png",
            icon=":material/download:", on_click="ignore", key="data.sheet",
        )  # fmt: skip


def _view(known: Dataset) -> tuple[int, int, int, bool]:
    """Size and channels as a network would read the pictures, number of the sample, objects shown or not."""
    left, middle, right = st.columns([3, 2, 2], gap="medium", vertical_alignment="bottom")
    with left:
        steps = [_FIRST_SIZE, *map(str, _SIZES)]
        chosen = bound.slider(
            "Size, pixels", "data.size", steps, _FIRST_SIZE, help="Networks read pictures of one size."
        )
    with middle:
        sample = bound.slider(
            "Sample", "data.sample", range(10), 0, help="Other pictures of the same classes."
        )
    with right:
        grey = known.channels == 3 and bound.switch("Grey", "data.grey")
        masks = known.key == "shapes" and bound.switch("Show where the objects are", "data.masks")
    size = known.size if chosen == _FIRST_SIZE else int(chosen)
    return size, 1 if grey or known.channels == 1 else 3, sample, masks


@st.fragment
def augmentation(known: Dataset) -> None:
    """One picture, and what a network would see instead of it."""
    words = prose.words("data")
    st.header("Augmentation")
    st.markdown(words["augmentation"])
    kind = bound.segments(
        "What is done", "data.augmentation", {key: each.title for key, each in KINDS.items()}
    )
    chosen = KINDS[kind]
    classes = {str(at): name for at, name in enumerate(known.classes)}
    with st.container(horizontal=True, gap="large", vertical_alignment="bottom"):
        strength = 0.0
        if chosen.strengths:
            strength = bound.slider(
                chosen.unit,
                f"data.{kind}",
                chosen.strengths,
                chosen.default,
                words=lambda value: f"{value:g}",
            )
        label = int(_key(classes, bound.picker("Picture of", "data.class", classes)))
        number = bound.slider("Number", "data.picture", range(1, _PICTURES + 1), 1)
        pictures = [(label, number - 1)]
        if chosen.mixes:
            others = {key: name for key, name in classes.items() if int(key) != label}
            pictures.append((int(_key(others, bound.picker("Mixed with", "data.other", others))), number - 1))
    size, channels = known.size, known.channels
    before, after = cached.augmented(
        known.key, data.version(known.key), size, channels, kind, strength, tuple(pictures)
    )
    left, right = st.columns([1, 4], gap="medium")
    with left:
        st.markdown("**As it is**" if len(before) == 1 else "**As they are**")
        _pictures(before)
    with right:
        st.markdown("**What the network sees, each time anew**")
        _pictures(after)
    st.caption(words[kind])


def _key(choices: dict[str, str], chosen: str) -> str:
    return chosen if chosen in choices else next(iter(choices))


def _sheet(look: Look) -> None:
    """A row of pictures for each class, with its name."""
    names = "".join(f"<span>{escape(name)}</span>" for name in look.classes)
    alt = f"For each class the mean of its pictures, their deviation, and {COLUMNS} of them"
    heads = "".join(f"<span>{name}</span>" for name in ("mean", "deviation", *[""] * COLUMNS))
    st.html(
        f'<div class="zl-sheet"><div class="crop"><div class="heads" aria-hidden="true">{heads}</div></div>'
        f'<div class="names">{names}</div>'
        f'<div class="crop"><img src="{images.uri(look.sheet)}" alt="{alt}"></div></div>'
    )


def _pictures(examples: Sequence[Example]) -> None:
    figures = "".join(
        f'<figure><img src="{images.uri(each.picture)}" alt="">'
        f"<figcaption>{escape(each.label)}</figcaption></figure>"
        for each in examples
    )
    st.html(f'<div class="zl-pictures">{figures}</div>')
