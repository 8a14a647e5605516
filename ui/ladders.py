"""The controls of Ladders, and what a rung shows: its edit, what that costs, the blocks before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from ui import cached, controls, export, prose, state
from ui.components.layer_graph import layer_graph
from ui.headline import amount
from viz.figures.ladder import signed
from zoo import variant
from zoo.ladders import LADDERS, Ladder, Rung, Step

_STYLE = Path(__file__).with_name("ladders.css")
_FIRST = 1  # the rung to begin with: at the foot, nothing has been edited yet
_SAME = 224  # pixels for all, on demand
_SIZES = {"own": "Each at its own size", str(_SAME): f"All at {_SAME} px"}


@dataclass(frozen=True)
class View:
    """What the page shows: a ladder, the position of a rung, and the side of all images in pixels.

    Where `size` is None, each network reads the size it was published for.
    """

    ladder: Ladder
    at: int
    size: int | None

    @property
    def rung(self) -> Rung:
        return self.ladder.rungs[self.at]

    @property
    def below(self) -> Rung | None:
        return self.ladder.rungs[self.at - 1] if self.at else None

    @property
    def sizes_differ(self) -> bool:
        return len({variant(rung.variant).input_size for rung in self.ladder.rungs}) > 1


def choose() -> View:
    """The ladder and its rungs, as the address says; each turn of a control is a step of the history."""
    st.html(_STYLE)
    titles = {key: ladder.title for key, ladder in LADDERS.items()}
    ladder = LADDERS[controls.segments("Ladder", "ladder", titles, page="ladders", resets=("rung", "size"))]
    st.markdown(ladder.idea)
    names = {rung.slug: rung.name for rung in ladder.rungs}
    at = list(names).index(controls.known("rung", names, list(names)[_FIRST])[0])

    def chosen() -> None:
        state.write(rung=st.session_state["ladders.rung"])

    st.pills(
        "Rung",
        list(names),
        format_func=lambda slug: names.get(slug, slug),
        required=True,
        key=state.shows("ladders.rung", ladder.rungs[at].slug),
        on_change=chosen,
        help="Each rung is a network of its own, made out of the one before by one edit.",
    )
    with st.container(horizontal=True, key="ladders.steps"):
        for name, by, icon in (("Previous", -1, "arrow_back"), ("Next", 1, "arrow_forward")):
            to = at + by
            inside = 0 <= to < len(names)
            st.button(
                f"{name}: {ladder.rungs[to].name}" if inside else name,
                key=f"ladders.{name.lower()}",
                icon=f":material/{icon}:",
                icon_position="left" if by < 0 else "right",
                type="primary" if by > 0 else "secondary",
                disabled=not inside,
                on_click=_step,
                args=(by,),
                shortcut="Shift+Right" if by > 0 else "Shift+Left",
            )
    return View(ladder, at, None)


def sizes(view: View) -> View:
    """The same view, where networks read different sizes with a choice of one size for all."""
    if not view.sizes_differ:
        return view
    words = prose.words("ladders")
    chosen = controls.segments("Images", "size", _SIZES, help=words["sizes"], page="ladders")
    return View(view.ladder, view.at, None if chosen == "own" else int(chosen))


def headline(view: View, step: Step) -> None:
    """The edit in a sentence, what the network costs after it, and ways into Compare and Inspect."""
    rung, below = view.rung, view.below
    st.header(f"{view.at + 1} of {len(view.ladder.rungs)}: {rung.name}")
    st.markdown(rung.edit)
    with st.container(horizontal=True, gap="large", key="ladders.headline"):
        for label, value, more, unit in (
            ("Parameters", step.params, step.more_params, ""),
            ("MACs", step.macs, step.more_macs, "MACs"),
        ):
            st.metric(
                label,
                amount(value, unit),
                None if more is None else f"{signed(more)} against {below.name if below else ''}",
                delta_color="off",
                delta_arrow="off",
                help=f"Exactly {value:,}, for one image of {step.size} × {step.size} px."
                if unit
                else f"Exactly {value:,}" + (f"; {step.auxiliary:,} more in heads that only training uses."
                                             if step.auxiliary else "."),
                width="content",
            )  # fmt: skip
        st.metric("Image", f"{step.size} px", help="Height and width of the image.", width="content")
        known = step.accuracy
        st.metric(
            "Published top-1",
            f"{known.top1:.1f} %" if known else "–",
            help=prose.literal(f"ImageNet validation. {known.source}.") if known
            else "Nobody has published an accuracy of this network.",
            width="content",
        )  # fmt: skip
    with st.container(horizontal=True, key="ladders.ways"):
        if below and below.variant != rung.variant:
            st.page_link(
                "pages/compare.py", label=f"Compare {below.name} and {rung.name}", icon=":material/compare:",
                query_params={"nets": f"{below.variant};{rung.variant}"},
            )  # fmt: skip
        for name in dict.fromkeys(one.variant for one in (below, rung) if one):
            st.page_link(
                "pages/inspect.py", label=f"Inspect {variant(name).title}", icon=":material/account_tree:",
                query_params={"variant": name},
            )  # fmt: skip


def blocks(view: View) -> None:
    """The block that shows the edit: before it, in the network below, and after it."""
    rung, below = view.rung, view.below
    words = prose.words("ladders")
    after = (rung.variant, rung.block)
    if not below:
        _block(after, view.size, "after", "The block", None)
        st.caption(words["blocks"])
        return
    before = (below.variant, rung.before or rung.block)
    marks = cached.block_marks(before, after, view.size)
    with st.container(key="ladders.blocks"):  # its columns are stacked where the page is narrow
        left, right = st.columns(2, gap="medium")
        with left:
            _block(before, view.size, "before", "Before", marks and marks[0])
        with right:
            _block(after, view.size, "after", "After", marks and marks[1])
    st.caption(f"{words['blocks']} {words['differences' if marks else 'no differences']}")


def _block(
    block: tuple[str, str], size: int | None, place: str, title: str, marks: Mapping[str, str] | None
) -> None:
    name, path = block
    graph = cached.block_graph(name, size, path)
    params = sum(node["params"] for node in graph["nodes"])
    macs = sum(node["macs"] or 0 for node in graph["nodes"])
    st.markdown(f"**{title}**: `{path}` of {variant(name).title}  \n{params:,} parameters, {macs:,} MACs")
    layer_graph(graph, key=f"ladders.{place}", selected=None, height=600, on_select=lambda: None, marks=marks)


def table(view: View, steps: Sequence[Step]) -> None:
    """The ladder as rows, to read and to save."""
    rows = ladder_rows(steps)
    grouped = st.column_config.NumberColumn(format="localized")
    changed = st.column_config.NumberColumn(format="%+,d")
    st.dataframe(
        rows,
        key="ladders.table",
        hide_index=True,
        placeholder="–",
        height="content",
        column_config={
            "Rung": st.column_config.TextColumn(pinned=True, width=120),
            "Parameters": grouped,
            "MACs": grouped,
            "Parameters, change": changed,
            "MACs, change": changed,
            "Top-1, %": st.column_config.NumberColumn(format="%.1f"),
            "Image, px": st.column_config.NumberColumn(format="%d"),
        },
        alt=f"The rungs of the ladder {view.ladder.title}, from its foot up.",
    )
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.caption(prose.words("ladders")["table"])
    right.download_button(
        "Save as CSV", export.as_csv(rows), f"ladder-{view.ladder.key}.csv", "text/csv", key="ladders.csv",
        icon=":material/download:", on_click="ignore", width="stretch",
    )  # fmt: skip


def ladder_rows(steps: Sequence[Step]) -> list[dict[str, object]]:
    return [
        {
            "Rung": step.rung.name,
            "Network": variant(step.rung.variant).title,
            "Image, px": step.size,
            "Parameters": step.params,
            "Parameters, change": step.more_params,
            "MACs": step.macs,
            "MACs, change": step.more_macs,
            "Top-1, %": known.top1 if (known := step.accuracy) else None,
            "Source of the top-1": known.source if known else None,
            "Edit": step.rung.edit,
        }
        for step in steps
    ]


def _step(by: int) -> None:
    """One rung up or down from where the address is now: quick clicks go on from each other."""
    query = state.query()
    rungs = LADDERS[query.get("ladder", next(iter(LADDERS)))].rungs
    slugs = [rung.slug for rung in rungs]
    now = slugs.index(query["rung"]) if query.get("rung") in slugs else _FIRST
    state.write(rung=slugs[min(max(now + by, 0), len(slugs) - 1)])
