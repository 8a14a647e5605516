"""One architecture: its layers, and what each of them costs."""

import streamlit as st

from ui import cached, controls, costs, headline, layer, paper, prose, shell, state
from ui.components.layer_graph import layer_graph

shell.guard()

study = controls.study()
specimen, size = study.specimen, study.size
words = prose.words("inspect")
st.title(f"Inspect {study.title}")
st.markdown(f"{study.family.idea} {study.variant.note}")
with st.container(horizontal=True, gap="medium"):
    paper.compared(study)
    paper.trained(study)

try:
    anatomy = cached.anatomy(specimen, size)
except ValueError as error:
    controls.impossible(study, error, cached.working_size(specimen, size))
    st.stop()

headline.render(study, anatomy, cached.anatomy(study.untouched.specimen, study.untouched.size))

selected = state.query().get("layer", "")
with st.container(key="inspect.stage"):  # its columns are stacked where the page is narrow
    stage, details = st.columns([5, 3], gap="medium")
with stage:
    layer_graph(
        cached.layer_graph(specimen, size),
        key="inspect.graph",
        selected=selected or None,
        height=720,
        on_select=lambda: controls.select(st.session_state["inspect.graph"]["selected"]),
    )
    st.caption(words["graph"])
with details:
    layer.render(study, anatomy, selected)
layer.source(anatomy, selected)

SECTIONS = {"cost": "Cost", "layers": "Layers", "code": "Code", "paper": "Paper"}
section, place = controls.tabs("section", SECTIONS)
with place:
    if section == "cost":
        costs.render(study, anatomy, selected)
    elif section == "layers":
        costs.table(study, anatomy)
    elif section == "code":
        paper.lesson(study.family)
    else:
        paper.story(study.family)
        paper.table(study)
