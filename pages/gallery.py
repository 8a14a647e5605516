"""The front page: the architectures and their history at a glance, and a card for each."""

import streamlit as st

from ui import cached, cards, catalogue, export, legends, prose, shell
from viz.figures.history import challenge
from viz.figures.timeline import AXES, diameter, drawn

shell.guard()

words = prose.words("gallery")
families = cached.entries()
points = [point for family in families for point in family.points]
years = [int(point.at["year"]) for point in points]

cards.prepare()
with st.container(key="gallery-hero"):
    st.title(words["hero"])
    st.markdown(
        words["lede"].format(families=len(families), variants=len(points), first=min(years), last=max(years))
    )

for sentence in cards.misread(families):
    st.warning(prose.literal(sentence), icon=":material/link_off:")

st.header("The story in one picture")
with st.container(horizontal=True, vertical_alignment="bottom", key="gallery-axes"):
    x, y, size = cards.axes()
    lineage, kin = cards.lineage(families)
front = st.toggle("Pareto front", key="gallery.front", bind="query-params", help=words["front"])
chosen = st.plotly_chart(
    cached.timeline(x, y, size, tuple(lineage), frozenset(kin), front),
    key="gallery.timeline",
    on_select="rerun",
    selection_mode="points",
    config=export.picture("zoolens-timeline"),
    alt=f"{AXES[y].title} against {AXES[x].title}, one point for each published network",
)
if chosen["selection"]["points"]:
    (variant,) = chosen["selection"]["points"][0]["customdata"]
    cards.follow(variant)
if x == y:
    st.caption(words["same"])
shown = drawn(points, x, y)
legends.areas(AXES[size].name, max(point.at[size] for point in shown), diameter)
if hidden := len(points) - len(shown):
    st.caption(words["hidden"].format(hidden=hidden, variants=len(points)))
with st.container(key="gallery-figures"):
    left, right = st.columns(2, gap="large")
with left:
    st.markdown(words["timeline"])
    cards.table(families)
with right:
    st.subheader("The challenge")
    st.plotly_chart(
        cached.figure(("challenge",), lambda: challenge(catalogue.winners(), catalogue.HUMAN)),
        key="gallery.challenge",
        config=export.picture("zoolens-challenge"),
        alt="Top-5 error of the winners of the ImageNet challenge from 2012 to 2017, and of one person",
    )
    st.markdown(words["challenge"])

st.header("The families")
found = cards.search(families)
if found:
    st.markdown(f"{len(found)} of {len(families)} families. {words['cards']}")
    legends.blocks()
    cards.grid(found)
else:
    cards.nothing_found(families)
