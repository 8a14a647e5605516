"""The page Parts and ablations, its second half: networks without some of their layers, trained again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import streamlit as st

from training.data import dataset
from training.presets import PRESETS
from ui import cached, evidence, export, outcomes, prose
from ui.part_sets import PAGE
from viz.figures import ablation as figures
from viz.figures.ablation import PLACES, Errors
from viz.figures.style import count
from zoo import Specimen, variant

_STYLE = Path(__file__).with_suffix(".css")
_RACES = ("ablation", "widening")
_WIDER = "wider conv3 to conv5"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A network of the paper's table 3, and the lane of a race that asks the same."""

    theirs: str
    published: float  # top-1 error on ImageNet's validation pictures, per cent
    printed: Specimen  # a network of that size with these layers
    lane: str  # ours, and what it is called
    base: bool = False  # others are compared with it


def _zfnet(**turned: int | bool) -> Specimen:
    return Specimen("zfnet", knobs=tuple(turned.items()))


_BOTH = {"middle": False, "fc": 0}

# Zeiler and Fergus 2014, table 3. They took layers from their own AlexNet, whose later layers are ZFNet's.
ROWS = (
    Row(theirs="AlexNet, whole", published=40.5, printed=_zfnet(), lane="whole", base=True),
    Row(theirs=(lane := "without conv3, conv4"), published=45.4, printed=_zfnet(middle=False), lane=lane),
    Row(theirs=(lane := "without fc7"), published=40.0, printed=_zfnet(fc=1), lane=lane),
    Row(theirs=(lane := "without fc6, fc7"), published=44.8, printed=_zfnet(fc=0), lane=lane),
    Row(theirs=(lane := "without both"), published=71.3, printed=_zfnet(**_BOTH), lane=lane),
    Row(theirs="ZFNet, whole", published=38.4, printed=_zfnet(), lane="whole", base=True),
    Row(theirs="wider conv3 to 5", published=37.5, printed=Specimen("zfnet_512"), lane=_WIDER),
)
OURS = tuple({row.lane: row for row in ROWS}.values())  # each lane once


def render() -> None:
    words = prose.words(PAGE)
    published = [
        Errors(name=row.theirs, mean=(at := row.published), least=at, largest=at, base=row.base)
        for row in ROWS
    ]
    measured = [errors(row) for row in OURS]
    st.html(_STYLE)
    left, right = st.columns(2, gap="large")
    with left:
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
    st.html(_html())
    st.header("Where the parameters are")
    shares = {"printed": _share(ROWS[0].printed), "ours": _share(trained("whole"))}
    st.markdown(words["parameters"].format(**shares))
    left, right = st.columns(2, gap="large")
    with left:
        _chart({_called(row): held(row.printed) for row in OURS}, "At the paper's size", "printed")
    with right:
        ours = {_called(row): held(trained(row.lane)) for row in OURS}
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


def trained(lane: str) -> Specimen:
    """What the lane of this name trains: one network, whichever race it is in."""
    recipe = next(each.recipe for key in _RACES for each in PRESETS[key].race.lanes if each.name == lane)
    return replace(recipe.specimen, num_classes=len(dataset(recipe.data).classes))


def errors(row: Row) -> Errors:
    """What its lane got wrong on the pictures kept aside, over all trainings."""
    wrong = [100 * (1 - each.validation) for key in _RACES for each in outcomes.rows(key, row.lane)]
    return Errors(name=_called(row), mean=mean(wrong), least=min(wrong), largest=max(wrong), base=row.base)


def _called(row: Row) -> str:
    """Its lane in a chart."""
    return f"ZFNet, {row.lane}" if row.base else row.lane


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
    found: list[dict[str, object]] = []
    for row in ROWS:
        ours = errors(row)
        found.append(
            {
                "published_network": row.theirs,
                "published_error_percent": row.published,
                "parameters_at_that_size": sum(held(row.printed).values()),
                "network_here": ours.name,
                "measured_error_percent": round(ours.mean, 2),
                "least": round(ours.least, 2),
                "largest": round(ours.largest, 2),
                "parameters_here": sum(held(trained(row.lane)).values()),
            }
        )
    return found


def _html() -> str:
    """The same to be looked at; it scrolls by itself where the page is narrow, by keyboard too."""
    lines = []
    for row in ROWS:
        ours = errors(row)
        params = (sum(held(each).values()) for each in (row.printed, trained(row.lane)))
        theirs_count, ours_count = map(count, params)
        lines.append(
            f'<tr{" class=base" if row.base else ""}><th scope="row">{row.theirs}</th>'
            f"<td>{row.published:.1f} %</td><td>{theirs_count}</td><th class=name>{ours.name}</th>"
            f"<td>{ours.mean:.1f} % <small>({ours.least:.1f}–{ours.largest:.1f})</small></td>"
            f"<td>{ours_count}</td></tr>"
        )
    return (
        '<div class="zl-ablation" tabindex="0" role="region" aria-label="Table 3, published and measured">'
        '<table><thead><tr><th scope="colgroup" colspan="3">Published: ImageNet</th>'
        '<th scope="colgroup" colspan="3">Measured here: shapes</th></tr>'
        "<tr><th class=name>Network</th><th>Error</th><th>Parameters</th>"
        "<th class=name>Network</th><th>Error</th><th>Parameters</th></tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _chart(rows: Mapping[str, Mapping[str, int]], title: str, name: str) -> None:
    said = (
        f"{network}: {', '.join(f'{place} {count(number)}' for place, number in places.items())}"
        for network, places in rows.items()
    )
    st.plotly_chart(
        figures.parameters(rows, title=title), key=f"{PAGE}.parameters.{name}",
        config=export.picture(f"zoolens-parameters-{name}"), alt=f"Parameters by layer. {'; '.join(said)}",
    )  # fmt: skip


def _told(what: str, rows: Sequence[Errors]) -> str:
    return f"{what}: " + ", ".join(f"{row.name} {row.mean:.1f}" for row in rows)
