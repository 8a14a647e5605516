"""The Gallery's networks to search and open: the controls, a card for each family, and the table of all."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import pandas as pd
import streamlit as st

from ui import catalogue, export
from ui.catalogue import Entry
from viz.figures import style
from zoo import KINDS

STYLE = Path(__file__).with_name("gallery.css")
_STEPS = (0.0, 1e6, 5e6, 1e7, 2.5e7, 5e7, 1e8, 2e8, float("inf"))  # parameters


def search(entries: Sequence[Entry]) -> list[Entry]:
    """The controls, and the entries that they leave, in order. What is chosen stands in the address."""
    first, last = entries[0].year, max(e.year for e in entries)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    text = left.text_input(
        "Search",
        key="gallery.search",
        bind="query-params",
        placeholder="An idea, a name, an author: shortcut, resnet50, Simonyan",
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
        format_func=lambda p: "any" if p == _STEPS[-1] else style.count(p),
        key="gallery.params",
        bind="query-params",
        help="Families with at least one published variant in this range.",
    )
    found = catalogue.matching(entries, text=text or "", kinds=kinds, years=years, params=params)
    return sorted(found, key=catalogue.ORDERS[order])


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
    """The cards, as many beside each other as there is room for, all of one row equally high."""
    cells = st.grid("auto", min_column_width=250, gap="small")
    for entry in entries:
        with cells.container(border=True, height="stretch", gap=None, key=f"card-{entry.key}"):
            st.html(f'<img src="{entry.picture}" alt="" width="240" height="112">')
            st.page_link("pages/inspect.py", label=entry.title, query_params={"variant": entry.opens})
            st.html(_words(entry))


def _words(entry: Entry) -> str:
    colour, glyph = style.KIND_COLOURS[entry.kind], style.KIND_GLYPHS[entry.kind]
    sizes = dict.fromkeys((style.count(entry.smallest), style.count(entry.largest)))
    number = len(entry.points)
    return (
        f'<div class="zl-facts"><p class="when">{entry.year}'
        f'<span><i aria-hidden="true" style="color:{colour}">{glyph}</i> {entry.kind}</span></p>'
        f'<p class="idea">{escape(entry.idea)}</p><p class="who">{escape(entry.authors)}</p>'
        f'<p class="numbers">{number} {"variant" if number == 1 else "variants"}, '
        f"{' to '.join(sizes)} parameters</p></div>"
    )
