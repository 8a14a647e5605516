"""The family behind a network: its story, its code, the paper's table, and where its ideas went."""

import inspect as inspection

import pandas as pd
import streamlit as st

from training.recipe import Recipe
from ui import code, controls, prose, recipes, state
from ui.controls import Study
from viz.figures.style import count
from zoo import FAMILIES, Family, Specimen, Variant, variant


def story(family: Family) -> None:
    """The family in words, its deviations from the paper, and its relatives."""
    st.markdown(f"{family.authors}: [{family.paper}]({family.link}), {family.year}")
    for column, (heading, words) in zip(
        st.columns(4, gap="medium"),
        (
            ("The problem", family.story.problem),
            ("The trick", family.story.trick),
            ("What it cost", family.story.cost),
            ("What came of it", family.story.outcome),
        ),
        strict=True,
    ):
        column.markdown(f"**{heading}**  \n{words}")
    if family.deviations:
        st.markdown("**Where the code departs from the paper**")
        for deviation in family.deviations:
            st.markdown(f"- {deviation.what} *Effect:* {deviation.effect}")
    parents = [FAMILIES[key] for key in family.parents if key in FAMILIES]
    children = [other for other in FAMILIES.values() if family.key in other.parents]
    _relatives("Grew from", parents)
    _relatives("Led to", children)


def compared(study: Study) -> None:
    """A way to the network beside one of the family that its ideas grew from, or that grew from it."""
    near = controls.ancestor(study.family)
    if near:
        other = controls.representative(near)
        st.page_link(
            "pages/compare.py",
            label=f"Compare with {other.title}",
            icon=":material/compare:",
            query_params={"nets": f"{other.token};{study.token}"},
        )


def trained(study: Study) -> None:
    """A way to train this network where it reads small pictures, and otherwise the family's small one."""
    small = study.size <= recipes.SMALL
    specimen, size = study.specimen, study.size
    if not small:
        specimen, size = Specimen(study.family.classroom.name), study.family.classroom.input_size
    try:
        query = recipes.to_query(Recipe(specimen=specimen, size=size))
    except ValueError:  # weights that are no beginning, or an image that is too small to learn from
        return
    st.page_link(
        "pages/train.py",
        label=f"Train {study.title if small else variant(specimen.variant).title}",
        icon=":material/model_training:",
        query_params=query,
    )


def lesson(family: Family) -> None:
    """The block that is the paper's idea, as code."""
    st.markdown(prose.words("inspect")["lesson"])
    code.show(code.excerpt(family.lesson))


def table(study: Study) -> None:
    """The paper's configurations, straight from the registry."""
    family = study.family
    st.dataframe(
        pd.DataFrame(config_rows(family)),
        key="inspect.configs",
        hide_index=True,
        column_config={"Page": st.column_config.LinkColumn(display_text="Inspect", width="small")},
        alt=f"The variants of {family.title} with their arguments and counts.",
    )
    st.caption(
        f"{family.paper}, {family.table}. A row holds what builds the variant, and its counts at "
        "its own input size."
    )


def config_rows(family: Family) -> list[dict[str, str]]:
    """A row for each variant; a column for each argument that some variant sets."""
    parameters = inspection.signature(family.model).parameters
    names = list(dict.fromkeys(name for row in family.variants for name in row.config))
    return [
        {"Variant": row.title}
        | {name.replace("_", " "): _words(row.config.get(name, parameters[name].default)) for name in names}
        | {"input": f"{row.input_size} px", "classes": str(row.num_classes)}
        | _counts(row)
        | {"Page": state.address("inspect", variant=row.name)}
        for row in family.variants
    ]


def _counts(row: Variant) -> dict[str, str]:
    known = row.published
    return {
        "parameters": count(known.params) if known else "–",
        "MACs": count(known.macs) if known else "–",
        "top-1": f"{known.top1:.1f} %" if known and known.top1 else "–",
    }


def _words(value: object) -> str:
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, tuple):
        return ", ".join(map(_words, value))
    return "–" if value is None else str(value)


def _relatives(heading: str, families: list[Family]) -> None:
    if not families:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{heading}**", width="content")
        for family in families:
            st.page_link(
                "pages/inspect.py",
                label=f"{family.title} ({family.year})",
                query_params=controls.representative(family).to_query(),
            )
