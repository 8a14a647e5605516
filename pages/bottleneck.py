"""BasicBlock and Bottleneck: the two blocks of ResNet side by side, their cost, and what a budget buys."""

import streamlit as st

from ui import block_rows, blocks, bound, budgets, export, lesson, prose, shell
from ui.components.block_drawing import block_drawing

shell.guard()

words = prose.words("bottleneck")


@st.fragment
def turned() -> None:
    """The dials and all that they turn. The rest of the page rests meanwhile: that halves the wait."""
    drawn, turning = st.columns([5, 2], gap="medium")  # on a phone the drawing comes first
    with turning:
        dials = blocks.dials()
    pair = blocks.costs(dials)
    with drawn:
        blocks.presets(dials)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            quantity = bound.segments(
                "Show", "bottleneck.show", block_rows.QUANTITIES, help=words["dial show"]
            )
            verdict = st.empty()
        measured = blocks.clock(pair) if quantity == "time" else None
        verdict.markdown(blocks.verdict(pair, quantity, measured))
        blocks.adjusted(dials)
        block_drawing(
            block_rows.sides(pair, quantity, measured),
            block_rows.COLOURS,
            rev=f"{quantity} {measured is not None} {dials}",
            key="bottleneck.drawing",
        )
        left, right = st.columns([3, 1], gap="medium")
        left.caption(f"{words['drawing']} {measured.machine if measured else ''}")
        right.download_button(
            "Save as CSV", lambda: export.as_csv(block_rows.table(pair)), "blocks.csv", "text/csv",
            key="bottleneck.rows", icon=":material/download:", on_click="ignore", width="stretch",
        )  # fmt: skip
    st.header("Cost against channels")
    blocks.curves(dials, quantity)


st.title("BasicBlock and Bottleneck")
st.markdown(words["lede"])
turned()

st.header("The same budget spent both ways")
budgets.bought()

st.header("Which ResNet uses which block, and why")
budgets.table()
st.markdown(words["why"])

lesson.ending("bottleneck")
