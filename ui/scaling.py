"""The page Scaling: the choice of a law, its sliders, the numbers they make, and ways to other pages."""

from collections.abc import Sequence

import streamlit as st
from plotly.graph_objects import Figure

from ui import bound, export, prose, state
from ui.controls import Study
from viz.figures.style import count
from zoo import variant
from zoo.anatomy.records import FLOAT_BYTES
from zoo.scaling import LAWS, Chart, Check, Law, Net, View, measured


def law() -> Law:
    """The law that the address names."""
    titles = {key: law.title for key, law in LAWS.items()}
    return LAWS[bound.segments("Law", "scaling.law", titles)]


def formulas(law: Law) -> None:
    """What is turned and the paper's equations: inline, so that a narrow page breaks them."""
    equations = "&emsp; ".join(f"$\\displaystyle {one}$" for one in law.formulas)
    st.markdown(f"{prose.words('scaling')[law.key]}\n\n{equations}&emsp; ({law.source})")


def sliders(law: Law) -> tuple[tuple[str, float], ...]:
    """Where the law's sliders stand, by their names."""
    return tuple(
        (
            slider.name,
            bound.slider(
                slider.label, _key(law, slider.name), slider.steps, slider.default, words=_digits,
                help=f"{slider.meaning[0].upper()}{slider.meaning[1:]}.",
            ),
        )
        for slider in law.sliders
    )  # fmt: skip


def presets(law: Law) -> None:
    """A list of published networks; choosing one sets the sliders to it."""
    key, known = "scaling.preset", {preset.title: preset for preset in law.presets}
    if not known:
        return

    def chosen() -> None:
        if (title := st.session_state[key]) is not None:
            for name, value in known[title].turned:
                st.session_state[_key(law, name)] = float(value)
            st.session_state[key] = None

    st.selectbox(
        "Set the sliders to", list(known), index=None, key=key, on_change=chosen,
        placeholder="a published network", width=260,
    )  # fmt: skip


def quantity(law: Law) -> str:
    return bound.segments("Axis", f"scaling.{law.key}.axis", law.quantities)


def facts(view: View) -> None:
    """The law's own numbers, then the size of every network that the sliders make."""
    with st.container(horizontal=True, gap="medium", key="scaling.facts"):
        for fact in view.facts:
            st.metric(
                fact.label, fact.value, fact.change or None, delta_color="off", delta_arrow="off",
                help=fact.meaning, width="content",
            )  # fmt: skip
        found = [measured(net) for net in view.nets]
        for label, values, unit, meaning in (
            ("Parameters", [one.params for one in found], "", "Counted in the real network."),
            ("MACs", [one.macs for one in found], "", "Multiply-accumulates for one image, as counted."),
            ("Weight file", [FLOAT_BYTES * one.params for one in found], "B", "Parameters in float32."),
        ):
            shown = " / ".join(count(value) + unit for value in values)
            exact = "; ".join(
                f"{variant(net.variant).title if len(found) > 1 else 'exactly'} {value:,}"
                for net, value in zip(view.nets, values, strict=True)
            )
            st.metric(label, shown, help=f"{meaning} {exact[0].upper()}{exact[1:]}.", width="content")


def checks(law: Law, view: View) -> None:
    """Formula and network beside each other, their difference in words."""
    lines = (
        f"- {check.what}: {round(check.formula):,} by the formula, {round(check.real):,} in the network, "
        f"**{_difference(check)}**"
        for check in view.checks
    )
    st.markdown("\n".join(lines))
    st.caption(prose.words("scaling")[f"{law.key} why"])


def _difference(check: Check) -> str:
    if round(check.formula) == round(check.real):
        return "the same"
    share = abs(check.difference)
    amount = f"{100 * share:.1f} %" if share >= 0.0005 else "less than 0.1 %"
    promise = "formula" if check.exact else "leading order"
    return f"{amount} {'more' if check.difference > 0 else 'fewer'} than the {promise} says"


def main_figure(view: View, figure: Figure) -> None:
    _figure(view.charts[0], figure, "main")


def figures_beside(view: View, figures: Sequence[Figure]) -> None:
    """The figures beside the main one, in a row; a caption that they share stands once, below."""
    charts = view.charts[1:]
    shared = len({chart.note for chart in charts}) == 1
    for column, chart, figure in zip(st.columns(len(charts), gap="medium"), charts, figures, strict=True):
        with column:
            _figure(chart, figure, chart.key, captioned=not shared)
    if shared:
        st.caption(prose.words("scaling")[charts[0].note])


def _figure(chart: Chart, figure: Figure, place: str, *, captioned: bool = True) -> None:
    named = ", ".join(f"{series.name} ({len(series.x)})" for series in chart.series)
    st.plotly_chart(
        figure,
        key=f"scaling.figure.{place}",
        config=export.picture(f"zoolens-scaling-{chart.key.replace(' ', '-')}"),
        alt=f"{chart.title}: {chart.y} over {chart.x}. Series and their numbers of points: {named}.",
    )
    if captioned:
        st.caption(prose.words("scaling")[chart.note])


def ways(view: View) -> None:
    """Links to the same networks elsewhere, and all points of the figures as CSV."""
    links = [study for net in view.nets if (study := _study(net))]
    beside = [study for net in view.beside if (study := _study(net)) and study not in links]
    sentences = [
        f"Open in Inspect: [{_words(one)}]({state.address('inspect', **one.to_query())})" for one in links
    ]
    if len(links) < len(view.nets):
        sentences.append(prose.words("scaling")["between steps"])
    elif len(both := [*links, *beside]) > 1:
        address = state.address("compare", nets=";".join(one.token for one in both))
        sentences.append(f"[Compare {' with '.join(map(_words, both))}]({address})")
    rows = [
        {"figure": chart.title, "series": series.name, "x": x, "y": y, "x is": chart.x, "y is": chart.y}
        for chart in view.charts
        for series in chart.series
        for x, y in zip(series.x, series.y, strict=True)
    ]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(" · ".join(sentences))
        st.download_button(
            "Save the points as CSV", export.as_csv(rows), "zoolens-scaling.csv", "text/csv",
            key="scaling.csv", icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def _study(net: Net) -> Study | None:
    specimen = net.specimen()
    return Study(specimen, net.size) if specimen else None


def _words(study: Study) -> str:
    knobs = [f"{name} {value}" for name, value in study.specimen.knobs]
    size = f"{study.size} px" if study.size != study.variant.input_size else ""
    return ", ".join(filter(None, [study.title, *knobs, size]))


def _key(law: Law, name: str) -> str:
    return f"scaling.{law.key}.{name}"


def _digits(value: float) -> str:
    return f"{value:g}"
