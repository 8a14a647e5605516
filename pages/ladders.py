"""An architecture as a list of edits: rung by rung, what changed and what it cost."""

import streamlit as st

from ui import cached, export, ladders, lesson, prose, shell
from viz.figures import ladder as figures

shell.guard()

words = prose.words("ladders")
st.title("Ladders")
st.markdown(words["what this is"])

view = ladders.sizes(ladders.choose())
ladders.headline(view, cached.step(view.ladder.key, view.at, view.size))
ladders.blocks(view)

st.header("The whole ladder")
steps = cached.steps(view.ladder.key, view.size)
drawn = {quantity: figures.waterfall(steps, quantity, view.at) for quantity in figures.QUANTITIES}
drawn["top1"] = figures.accuracies(steps, view.at)
with st.container(key="ladders.costs"):  # its columns are stacked where the page is narrow
    for column, (quantity, figure) in zip(st.columns(len(drawn)), drawn.items(), strict=True):
        with column:
            st.plotly_chart(
                figure,
                key=f"ladders.{quantity}",
                config=export.picture(f"ladder-{view.ladder.key}-{quantity}"),
                alt=f"{figure.layout.title.text}; the table below holds the numbers.",
            )
st.caption(words["waterfall"])

ladders.table(view, steps)
lesson.ending("ladders")
