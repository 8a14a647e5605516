"""Maps and pictures on the pages that look inside: title, what the colours mean, and PNG to take away.

Pictures travel inside the text as JPEG of the size they are looked at, a few tens of kB each.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import streamlit as st
from PIL import Image

from ui import cached, prose
from viz import images

_STYLE = Path(__file__).with_name("evidence.css")


@dataclass(frozen=True, kw_only=True, eq=False)
class Plate:
    """A picture, or in its place a sentence that says why there is none."""

    title: str
    picture: Image.Image | bytes | str  # bytes: JPEG
    alt: str = ""  # what it shows, in words
    note: str = ""  # below it
    chosen: bool = False  # stands out among others
    colour: str = ""  # #rrggbb of a mark before the title: that of its curve in a chart


def style() -> None:
    """The look of plates and scales; once on a page, before the first of them."""
    st.html(_STYLE)


def plates(shown: Sequence[Plate], *, least: int) -> None:
    """Pictures side by side, each at least `least` pixels wide; they break into rows where room is short."""
    st.html(row(shown, least=least))


def row(shown: Sequence[Plate], *, least: int) -> prose.Markup:
    """The same as HTML, for who keeps it."""
    return prose.Markup(
        f'<div class="zl-plates" style="--least:{least}px">{"".join(map(_figure, shown))}</div>'
    )


def picture(
    what: tuple[Hashable, ...], make: Callable[[], Image.Image], *, title: str, alt: str, name: str, key: str,
    scale: str = "",
) -> None:  # fmt: skip
    """One picture as wide as its column, its scale (of `scale`), and a button that saves it as `name`.png.

    `what` says all that the picture depends on: it is made once for all readers.
    """

    def drawn() -> str:
        plate = Plate(title=title, picture=make(), alt=alt)
        return f'<div class="zl-plates" style="--least:100%">{_figure(plate)}</div>'

    st.html(prose.Markup(cached.found((*what, title, alt), drawn) + scale))
    save("PNG", lambda: images.png(make()), f"{name}.png", "image/png", key=key, icon="image")


def save(label: str, make: Callable[[], bytes | str], file: str, mime: str, *, key: str, icon: str) -> None:
    """A button that makes a file when it is pressed, and does not run the page again."""
    st.download_button(
        label, make, file, mime, key=key, icon=f":material/{icon}:", on_click="ignore",
    )  # fmt: skip


def scale(*, signed: bool, most: str, least: str = "", middle: str = "0") -> str:
    """What the colours mean: the ends in words; `middle` is the middle of a signed scale, else its start."""
    ends = (least, middle, most) if signed else (middle, "", most)
    words = "".join(f"<span>{escape(word)}</span>" for word in ends)
    return f'<div class="zl-scale"><i style="background:{images.gradient(signed=signed)}"></i>{words}</div>'


def _figure(plate: Plate) -> str:
    if isinstance(plate.picture, str):
        body = f'<div class="none">{escape(plate.picture)}</div>'
    else:
        coded = plate.picture if isinstance(plate.picture, bytes) else images.jpeg(plate.picture)
        source = images.uri(coded)
        body = f'<img src="{source}" alt="{escape(plate.alt)}">'
    note = f'<figcaption class="note">{escape(plate.note)}</figcaption>' if plate.note else ""
    mark = f'<i style="background:{escape(plate.colour)}"></i>' if plate.colour else ""
    title = f'<div class="title">{mark}{escape(plate.title)}</div>'
    chosen = ' class="chosen"' if plate.chosen else ""
    return f"<figure{chosen}>{title}{body}{note}</figure>"
