"""Several pictures through one network: a sheet of Grad-CAM maps with what the network says of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from training import data
from ui import background, bound, cached, evidence, export, glances, looking, photo, prose, subject
from ui.background import Report
from ui.glances import Drawn
from ui.predictions import percent
from viz.glance import look
from zoo import Specimen, load

PAGE = "many"
_SAMPLES = "samples"
_COUNTS = (8, 16, 24, 32, 48)


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """Pictures to show to one network."""

    key: str  # of the data set, or _SAMPLES
    pictures: tuple[tuple[str, Image.Image, str | None], ...]  # title, picture, label where it is known


def render() -> None:
    """One network, many pictures."""
    chosen = subject.choose(PAGE)
    glances.style()
    try:
        source = _source()
    except ValueError as error:
        st.error(prose.literal(str(error)), icon=":material/error:")
        return
    key = ("many", "sheet", chosen.specimen, source.key, len(source.pictures), data_version(source.key))
    work = partial(_look_at_all, chosen.specimen, source.pictures)
    first_seen = glances.job(key, work)
    if first_seen.alive:
        first_seen = cached.background().wait(key, background.reader(), glances.AT_ONCE) or first_seen
    under_way = first_seen.alive
    labels = chosen.loaded.labels

    @looking.again(glances.EVERY if under_way else None)
    def shown() -> None:
        seen = glances.job(key, work)
        if seen.alive:
            st.progress(seen.share, f"{len(source.pictures)} pictures: {background.told(seen)}")
        if seen.state == "failed":
            st.error(prose.literal(seen.why), icon=":material/error:")
        found: Sequence[Drawn] = seen.result or ()
        st.html(sheet(source, found, labels))
        if under_way and not seen.alive:
            st.rerun()

    shown()
    seen = glances.job(key, work)
    found: Sequence[Drawn] = seen.result or ()
    if seen.state == "done":
        _score(source, found, labels)
        evidence.save(
            "Answers as CSV", lambda: export.as_csv(sheet_table(source, found, labels)),
            f"zoolens-{chosen.specimen.variant}-{source.key.replace(':', '-')}.csv", "text/csv",
            key="many.sheet.csv", icon="download",
        )  # fmt: skip


def data_version(key: str) -> str:
    return "" if key == _SAMPLES else data.version(key)


def _source() -> Source:
    """The pictures that the reader has chosen."""
    titles = {_SAMPLES: "Sample photos and mosaics"}
    titles |= {key: known.title for key, known in data.DATASETS.items() if data.ready(key)}
    titles |= {data.OWN + name: data.OWN + name for name in data.store.owned()}
    left, right = st.columns([3, 2], gap="medium")
    with left:
        key = bound.picker("Pictures", "many.source", titles)
    if key == _SAMPLES:
        return Source(
            key=key,
            pictures=tuple((each.title, each.image, each.label) for each in photo.samples().values()),
        )
    known = data.dataset(key)
    with right:
        count = bound.slider("How many", "many.count", _COUNTS, 16, help="Equal shares of every class.")
    pixels, labels = cached.held_out(key, len(known.classes), count, known.size, known.channels, 0)
    order = np.argsort(labels[:count], kind="stable")
    return Source(
        key=key,
        pictures=tuple(
            (f"Number {i + 1}", _image(pixels[i]), known.classes[labels[i]]) for i in order.tolist()
        ),
    )


def _image(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)).convert("RGB")


def _look_at_all(
    specimen: Specimen, shown: Sequence[tuple[str, Image.Image, str | None]], report: Report
) -> tuple[Drawn, ...]:
    loaded, found = load(specimen), list[Drawn]()
    for _, picture, _ in shown:
        glance = look(loaded, picture)
        drawn = glances.uri(glances.overlaid(glance, glance.map))
        found.append(Drawn(glance=glance, labels=loaded.labels, map=drawn))
        report(len(found) / len(shown), tuple(found))
    return tuple(found)


def sheet(source: Source, found: Sequence[Drawn], labels: Sequence[str]) -> str:
    """The pictures looked at so far, with what the network says, as HTML."""
    figures = []
    for (title, _, label), drawn in zip(source.pictures, found, strict=False):
        at, share = drawn.glance.top(1)[0]
        said = labels[at]
        if label is None:
            verdict = escape(title)
        elif label not in labels:
            verdict = f"{escape(label)}, none of its classes"
        else:
            mark, kind = ("✓", "right") if said == label else ("✗", "wrong")
            verdict = f'<span class="{kind}">{mark} {escape(label)}</span>'
        figures.append(
            f'<figure><img src="{drawn.map}" alt="{escape(f"{title}: {said}")}">'
            f"<figcaption><b>{escape(said)}</b> {percent(share)}<br>{verdict}"
            "</figcaption></figure>"
        )
    return f'<div class="zl-many-sheet">{"".join(figures)}</div>'


def _score(source: Source, found: Sequence[Drawn], labels: Sequence[str]) -> None:
    """How many the network has right, of those whose label it knows."""
    told = [
        labels[drawn.glance.target] == label
        for (_, _, label), drawn in zip(source.pictures, found, strict=True)
        if label in labels
    ]
    if told:
        st.markdown(
            f"**{sum(told)} of {len(told)} right**, of the pictures whose label is one of its classes."
        )
    else:
        st.markdown(prose.words(PAGE)["no labels"])


def sheet_table(source: Source, found: Sequence[Drawn], labels: Sequence[str]) -> list[dict[str, object]]:
    """A row for each picture."""
    return [
        {
            "picture": title, "label": label, "answer": labels[drawn.glance.target],
            "probability": drawn.glance.top(1)[0][1], "layer": drawn.glance.layer,
        }
        for (title, _, label), drawn in zip(source.pictures, found, strict=True)
    ]  # fmt: skip
