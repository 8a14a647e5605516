"""The Gallery's networks to search and open: the controls, a card for each family, and the table of all."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

import pandas as pd
import streamlit as st

from ui import cached, catalogue, export, prose, state
from ui.catalogue import Entry
from viz.figures import style
from viz.figures.timeline import AXES, SIZES
from zoo import KINDS, nearest

_STYLE = Path(__file__).with_name("gallery.css")
_LINKS = Path(__file__).with_name("gallery.js")
NOBODY, EVERYBODY = "Not drawn", "Of all families"
_STEPS = (0.0, 1e6, 5e6, 1e7, 2.5e7, 5e7, 1e8, 2e8, float("inf"))  # parameters


def prepare() -> None:
    """The look of the page, and links that the back button undoes in one step."""
    st.html(_STYLE)
    st.html(f"<script>{_LINKS.read_text(encoding='utf-8')}</script>", unsafe_allow_javascript=True)


def misread(entries: Sequence[Entry]) -> list[str]:
    """Sentences about the values in the address that no control has.

    To be asked before the controls are made: they take what they do not know out of the address.
    """
    axes, switch = [axis.name for axis in AXES.values()], ["true", "false"]
    known = {
        "x": axes,
        "y": axes,
        "area": [AXES[size].name for size in SIZES],
        "lineage": [NOBODY, EVERYBODY, *(entry.title for entry in entries)],
        "front": switch,
        "kind": list(KINDS),
        "order": list(catalogue.ORDERS),
        "params": [_step(step) for step in _STEPS],
    }
    sentences = [
        f"The address asks for gallery.{name}={value}, which there is not. {nearest(value, choices)}"
        for name, choices in known.items()
        for value in st.query_params.get_all(f"gallery.{name}")
        if value and value not in choices
    ]
    asked = st.query_params.get_all("gallery.years")
    first, last = entries[0].year, max(e.year for e in entries)
    if asked and not (len(asked) == 2 and all(year in map(str, range(first, last + 1)) for year in asked)):
        nearer = f"gallery.years={first}&gallery.years={last}"
        sentences.append(
            f"The address asks for gallery.years={' and '.join(asked)}, but the families lie between {first} "
            f"and {last}. Did you mean {nearer}?"
        )
    return sentences


def search(entries: Sequence[Entry]) -> list[Entry]:
    """The controls, and the entries that they leave, in order. What is chosen stands in the address."""
    first, last = entries[0].year, max(e.year for e in entries)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    text = left.text_input(
        "Search",
        key="gallery.search",
        bind="query-params",
        placeholder="An idea, a name, a surname, a year: shortcut, resnet50, He, 2015",
        icon=":material/search:",
        live=True,
    )
    order = right.selectbox("Order", list(catalogue.ORDERS), key="gallery.order", bind="query-params")
    left, middle, right = st.columns([2, 1, 1], gap="medium")
    kinds = left.pills(
        "Kind",
        list(KINDS),
        selection_mode="multi",
        key="gallery.kind",
        bind="query-params",
        wrap=True,
        help="  \n".join(f"**{kind}**: {meaning}" for kind, meaning in KINDS.items()),
    )
    years = middle.slider("Years", first, last, (first, last), key="gallery.years", bind="query-params")
    params = right.select_slider(
        "Parameters",
        _STEPS,
        (_STEPS[0], _STEPS[-1]),
        format_func=_step,
        key="gallery.params",
        bind="query-params",
        help="Families with at least one published variant in this range.",
    )
    if left_out := catalogue.unknown(entries, text or ""):
        st.caption(f"No family has {prose.literal(', '.join(left_out))}.")
    found = catalogue.matching(entries, text=text or "", kinds=kinds, years=years, params=params)
    return sorted(found, key=catalogue.ORDERS[order])


def axes() -> tuple[str, str, str]:
    """What the timeline draws across, up and as area. Choosing the same twice moves the other axis away."""

    def choice(label: str, parameter: str, names: Sequence[str], other: str | None = None) -> str:
        return st.selectbox(
            label,
            names,
            format_func=lambda axis: AXES[axis].name,
            key=parameter,
            bind="query-params",
            on_change=apart,
            args=(parameter, other),
        )

    def apart(turned: str, other: str | None) -> None:
        taken = st.session_state[turned]
        if other and st.session_state[other] == taken:
            st.session_state[other] = next(axis for axis in upwards if axis != taken)

    upwards = tuple(reversed(list(AXES)))
    return (
        choice("Across", "gallery.x", tuple(AXES), "gallery.y"),
        choice("Up", "gallery.y", upwards, "gallery.x"),
        choice("Area", "gallery.area", SIZES),
    )


def lineage(entries: Sequence[Entry]) -> tuple[list[tuple[str, str]], set[str]]:
    """Who grew from whom, of all families or around the chosen one, and who then stands out."""
    chosen = st.selectbox(
        "Who grew from whom",
        [NOBODY, EVERYBODY, *sorted((entry.title for entry in entries), key=str.casefold)],
        key="gallery.lineage",
        bind="query-params",
        help="Choose a family, or type its name: all that led to it, and what grew from it next.",
    )
    pairs = catalogue.descent(entries)
    if chosen in (NOBODY, EVERYBODY):
        return (pairs if chosen == EVERYBODY else []), set()
    around = catalogue.kin(pairs, chosen)
    return around, {chosen, *(title for pair in around for title in pair)}


def follow(variant: str) -> None:
    """Open a variant in Inspect as a click on its card would; st.switch_page is two steps in the history."""
    address = json.dumps(state.address("inspect", variant=variant))
    st.html(f"<script>document.zoolensOpen({address})</script>", unsafe_allow_javascript=True)


def nothing_found(entries: Sequence[Entry]) -> None:
    """Says so, and offers the way back."""
    first, last = entries[0].year, max(e.year for e in entries)

    def reset() -> None:
        st.session_state.update(
            {
                "gallery.search": "",
                "gallery.kind": [],
                "gallery.years": (first, last),
                "gallery.params": (_STEPS[0], _STEPS[-1]),
            }
        )

    st.info("No family fits all of this.", icon=":material/search_off:")
    st.button("Show all families", on_click=reset, key="gallery.reset", type="primary")


def table(entries: Sequence[Entry]) -> None:
    """The timeline's networks as rows, for those who work with the keyboard; sent only when opened."""
    folded = st.expander("The same as a table", key="gallery.table", on_change="rerun")
    if not folded.open:
        return
    rows, grouped = catalogue.rows(entries), st.column_config.NumberColumn(format="localized")
    with folded:
        st.dataframe(
            pd.DataFrame(rows),
            key="gallery.rows",
            placeholder="–",
            hide_index=True,
            column_config={
                "Network": st.column_config.LinkColumn(display_text="variant=(.*)"),
                "Year": st.column_config.NumberColumn(format="%d"),
                "Parameters": grouped,
                "MACs": grouped,
            },
            alt="All published networks: year, parameters, MACs and accuracy with its source.",
        )
        st.download_button(
            "Save as CSV", export.as_csv(rows), "zoolens.csv", "text/csv", key="gallery.csv",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def grid(entries: Sequence[Entry]) -> None:
    """The cards, as many beside each other as there is room for, all of one row equally high.

    All of them are one element: as elements of Streamlit's own, fifty cards would take ten times as long.
    """

    def drawn() -> prose.Markup:
        return prose.Markup(f'<ul class="zl-cards" role="list">{"".join(map(_card, entries))}</ul>')

    st.html(cached.once(("cards", *(entry.key for entry in entries)), drawn))


def _step(params: float) -> str:
    return "any" if params == _STEPS[-1] else style.count(params)


def _card(entry: Entry) -> str:
    colour, glyph = style.KIND_COLOURS[entry.kind], style.KIND_GLYPHS[entry.kind]
    sizes = dict.fromkeys((style.count(entry.smallest), style.count(entry.largest)))
    number = len(entry.points)
    return (
        f'<li class="zl-card" id="card-{entry.key}">'
        f'<img src="{entry.picture}" alt="" width="240" height="112" decoding="async">'
        f'<a href="{state.address("inspect", variant=entry.opens)}">{escape(entry.title)}</a>'
        f'<p class="when">{entry.year}'
        f'<span><i aria-hidden="true" style="color:{colour}">{glyph}</i> {entry.kind}</span></p>'
        f'<p class="idea">{escape(entry.idea)}</p><p class="who">{escape(entry.authors)}</p>'
        f'<p class="numbers">{number} {"variant" if number == 1 else "variants"}, '
        f"{' to '.join(sizes)} parameters</p></li>"
    )
