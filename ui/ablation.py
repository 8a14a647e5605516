"""The page Parts and ablations, its second half: networks without some of their layers, trained again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

import streamlit as st

from training.presets import PRESETS
from training.recipe import Recipe
from ui import cached, evidence, export, lanes, outcomes, prose
from ui.part_sets import PAGE
from viz.figures import ablation as figures
from viz.figures.ablation import PLACES, Errors
from viz.figures.style import count
from zoo import Specimen, variant

_RACES = ("ablation", "widening")
_WIDER = "wider conv3 to conv5"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A network of the paper's table 3, and the lane of a race that asks the same."""

    name: str
    published: float  # top-1 error on ImageNet's validation pictures, per cent
    printed: Specimen  # a network of that size with these layers
    lane: str
    base: bool = False


def _without(**turned: int | bool) -> Specimen:
    return Specimen("zfnet", knobs=tuple(turned.items()))


# Zeiler and Fergus 2014, table 3. They took layers from their own AlexNet, whose later layers are ZFNet's.
ROWS = (
    Row(name="AlexNet, whole", published=40.5, printed=_without(), lane="whole", base=True),
    Row(
        name="without conv3, conv4",
        published=45.4,
        printed=_without(middle=False),
        lane="without conv3, conv4",
    ),
    Row(name="without fc7", published=40.0, printed=_without(fc=1), lane="without fc7"),
    Row(name="without fc6, fc7", published=44.8, printed=_without(fc=0), lane="without fc6, fc7"),
    Row(name="without both", published=71.3, printed=_without(middle=False, fc=0), lane="without both"),
    Row(name="ZFNet, whole", published=38.4, printed=_without(), lane="whole", base=True),
    Row(name="ZFNet, wider conv3 to 5", published=37.5, printed=Specimen("zfnet_512"), lane=_WIDER),
)


def render() -> None:
    words = prose.words(PAGE)
    measured = [errors(row) for row in ROWS]
    left, right = st.columns(2, gap="large")
    with left:
        published = [
            Errors(
                name=row.name, mean=row.published, least=row.published, largest=row.published, base=row.base
            )
            for row in ROWS
        ]
        st.plotly_chart(
            figures.errors(published, title="Published", axis="Top-1 error on ImageNet, %"),
            key=f"{PAGE}.published", config=export.picture("zoolens-table-3-published"),
            alt=_told("Published top-1 errors on ImageNet in per cent", published),
        )  # fmt: skip
    with right:
        st.plotly_chart(
            figures.errors(measured, title="Measured here", axis="Error on shapes, %"),
            key=f"{PAGE}.measured", config=export.picture("zoolens-table-3-measured"),
            alt=_told("Errors on shapes in per cent, measured here", measured),
        )  # fmt: skip
    st.caption(words["errors"])
    lanes.table(_markdown(table()), f"{PAGE}.table")
    st.header("Where the parameters are")
    st.markdown(
        words["parameters"].format(printed=_share(ROWS[0].printed), ours=_share(recipe("whole").specimen))
    )
    left, right = st.columns(2, gap="large")
    with left:
        _chart({row.name: held(row.printed) for row in ROWS[:5]}, "At the paper's size", "printed")
    with right:
        ours = {row.name: held(recipe(row.lane).specimen) for row in ROWS[:5]}
        _chart(ours, "At the size measured here", "ours")
    st.markdown(words["differs"])
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for key in _RACES:
            st.page_link(
                "pages/race.py", label=f"Race: {PRESETS[key].title}", icon=":material/flag:",
                query_params={"race.preset": PRESETS[key].title},
            )  # fmt: skip
        evidence.save(
            "Table (CSV)", lambda: export.as_csv(table()), "zoolens-table-3.csv", "text/csv",
            key=f"{PAGE}.table.csv", icon="table",
        )  # fmt: skip


def recipe(lane: str) -> Recipe:
    """What the lane of this name is trained by: one recipe, whichever race it is in."""
    return next(each.recipe for key in _RACES for each in PRESETS[key].race.lanes if each.name == lane)


def errors(row: Row) -> Errors:
    """What its lane got wrong on the pictures kept aside, over all trainings."""
    wrong = [100 * (1 - each.validation) for key in _RACES for each in outcomes.rows(key, row.lane)]
    return Errors(name=row.name, mean=mean(wrong), least=min(wrong), largest=max(wrong), base=row.base)


def held(specimen: Specimen) -> dict[str, int]:
    """Parameters of a ZFNet by the places of `viz.figures.ablation.PLACES`."""
    found = dict.fromkeys(PLACES, 0)
    for layer in cached.anatomy(specimen, variant(specimen.variant).input_size).layers:
        found[_place(layer.path)] += layer.params
    return found


def _place(path: str) -> str:
    if path.startswith(("stages.2", "stages.3")):
        return "conv3, conv4"
    if path.startswith(("head.fc6", "head.fc7")):
        return "fc6, fc7"
    return "classes" if path.startswith("head") else "conv1, conv2, conv5"


def _share(specimen: Specimen) -> float:
    """Of the hidden fully connected layers in all parameters."""
    found = held(specimen)
    return found["fc6, fc7"] / sum(found.values())


def table() -> list[dict[str, object]]:
    """All rows with published and measured errors and the parameters of both networks."""
    found = []
    for row in ROWS:
        ours = errors(row)
        found.append(
            {
                "network": row.name,
                "published_error_percent": row.published,
                "its_parameters": sum(held(row.printed).values()),
                "measured_error_percent": round(ours.mean, 2),
                "least": round(ours.least, 2),
                "largest": round(ours.largest, 2),
                "parameters_here": sum(held(recipe(row.lane).specimen).values()),
            }
        )
    return found


def _markdown(rows: Sequence[Mapping[str, object]]) -> str:
    lines = [
        "| Network | Published: error on ImageNet | Parameters at that size | Measured here: error on shapes "
        "| Parameters here |",
        "|---|---:|---:|---:|---:|",
    ]
    for row, known in zip(rows, ROWS, strict=True):
        ours = errors(known)
        name = f"**{row['network']}**" if known.base else str(row["network"])
        lines.append(
            f"| {name} | {known.published:.1f} % | {count(sum(held(known.printed).values()))} "
            f"| **{ours.mean:.1f} %** ({ours.least:.1f}–{ours.largest:.1f}) "
            f"| {count(sum(held(recipe(known.lane).specimen).values()))} |"
        )
    return "\n".join(lines)


def _chart(rows: Mapping[str, Mapping[str, int]], title: str, name: str) -> None:
    shares = (
        f"{network}: " + ", ".join(f"{place} {count(n)}" for place, n in held.items())
        for network, held in rows.items()
    )
    st.plotly_chart(
        figures.parameters(rows, title=title), key=f"{PAGE}.parameters.{name}",
        config=export.picture(f"zoolens-parameters-{name}"), alt=f"Parameters by layer. {'; '.join(shares)}",
    )  # fmt: skip


def _told(what: str, rows: Sequence[Errors]) -> str:
    return f"{what}: " + ", ".join(f"{row.name} {row.mean:.1f}" for row in rows)
