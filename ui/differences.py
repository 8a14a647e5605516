"""What networks beside each other differ in: figures, selected parts, costs, measurements, and a table."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st
from plotly.graph_objects import Figure

from ui import cached, controls, export, prose
from ui.controls import Study
from viz.figures import compare as figures
from viz.figures import cost, style
from zoo import memory, timing
from zoo.anatomy import Alignment, Anatomy, Block, Layer, profile, scale_title
from zoo.anatomy.align import CHANGED, ONLY, SAME
from zoo.timing import Timing

BATCHES = {"1": "1", "8": "8", "32": "32"}
FORMATS = {"csv": "CSV", "markdown": "Markdown", "latex": "LaTeX"}
_ENDINGS = {"csv": "csv", "markdown": "md", "latex": "tex"}
_FACTS = ("Part", "Mark", "Operation", "Weights", "Output", "Parameters", "MACs", "Receptive field")
_MARKS = {SAME: "= same", CHANGED: "≠ changed", ONLY: "! only here"}  # as in the layer graph


@dataclass(frozen=True)
class Compared:
    """The networks of the page, the first of which the others are held against."""

    studies: tuple[Study, ...]
    titles: tuple[str, ...]
    anatomies: tuple[Anatomy, ...]
    alignment: Alignment


@dataclass(frozen=True)
class _Figure:
    label: str  # with its unit, for tables that are taken away
    unit: str
    of: Callable[[Study, Anatomy], int | float | None]


def _field(study: Study, anatomy: Anatomy) -> int | None:
    field = anatomy.features.reach.largest
    return field.y.size if field and anatomy.features.reach.kind == "local" else None


def _top1(study: Study, anatomy: Anatomy) -> float | None:
    published = study.variant.published
    return published.top1 if published and study == study.untouched else None


_FIGURES = (
    _Figure("Input, px", " px", lambda study, anatomy: study.size),
    _Figure("Parameters", "", lambda study, anatomy: anatomy.params),
    _Figure("MACs", "", lambda study, anatomy: anatomy.macs),
    _Figure("Activations", "", lambda study, anatomy: anatomy.activations),
    _Figure("Weight file, bytes", "B", lambda study, anatomy: anatomy.weight_bytes),
    _Figure("Depth, layers", "", lambda study, anatomy: anatomy.depth),
    _Figure("Receptive field, px", " px", _field),
    _Figure("Published top-1, %", " %", _top1),
)


def headline(compared: Compared) -> None:
    """Every figure of every network, and what the first makes of it: difference and ratio."""
    rows: dict[str, list[str]] = {"": [figure.label for figure in _FIGURES]}
    for number, title in enumerate(compared.titles):
        cells = []
        for figure in _FIGURES:
            value, first = (figure.of(compared.studies[n], compared.anatomies[n]) for n in (number, 0))
            cells.append(_against(value, first, figure.unit) if number else _amount(value, figure.unit))
        rows[prose.literal(title)] = cells
    st.table(rows, border="horizontal")
    st.caption(prose.words("compare")["figures"])
    _recipes(compared)


def _amount(value: int | float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == " %":
        return f"{value:.1f} %"
    return f"{value:,}{unit}" if value < 1000 or unit == " px" else f"{style.count(value)}{unit}"


def _against(value: int | float | None, first: int | float | None, unit: str) -> str:
    """The value, and beside it its difference from the first and its ratio to it."""
    text = f"**{_amount(value, unit)}**"
    if value is None or first is None:
        return text
    if value == first:
        return f"{text} · the same"
    change, sign = abs(value - first), "+" if value > first else "−"
    if unit == " %":
        return f"{text} · {sign}{change:.1f} points"
    return f"{text} · {sign}{_amount(change, unit)} · {_ratio(value, first)}"


def _ratio(value: float, first: float) -> str:
    ratio = value / first
    return f"×{ratio:,.1f}" if ratio >= 10 else f"×{ratio:.2f}" if ratio >= 1 else f"×{ratio:.3f}"


def _recipes(compared: Compared) -> None:
    """Where the accuracies come from; a warning where the recipes differ."""
    sources = {
        title: study.variant.published.accuracy_source
        for title, study in zip(compared.titles, compared.studies, strict=True)
        if study.variant.published and _top1(study, compared.anatomies[0]) is not None
    }
    if not sources:
        return
    recipes = {source.partition(": ")[2] or source for source in sources.values()}
    lines = [f"{title}: {source}." for title, source in sources.items()]
    st.caption("  \n".join(map(prose.literal, lines)))
    if len(recipes) > 1:
        st.warning(prose.words("compare")["recipes"], icon=":material/science:")


def selected(compared: Compared, number: int, part: str) -> None:
    """What has changed between the selected part and its counterparts."""
    ids = compared.alignment.counterparts(number, part)
    parts = [_part(anatomy, id) if id else None for anatomy, id in zip(compared.anatomies, ids, strict=True)]
    rows: dict[str, list[str]] = {"": list(_FACTS)}
    for n, (title, id) in enumerate(zip(compared.titles, ids, strict=True)):
        facts = {}
        if id:
            mark = compared.alignment.marks[n][id]
            facts = _facts(compared.anatomies[n], id, mark, parts[0] if n else None)
        rows[prose.literal(title)] = [facts.get(fact, "–") for fact in _FACTS]
    st.table(rows, border="horizontal")
    own = compared.alignment.marks[number][part]
    if own == ONLY:
        sentence = f"{part} is only in {compared.titles[number]}."
        if any(id for n, id in enumerate(ids) if n != number):
            sentence += " Beside it stands the block that its own block corresponds to."
        st.caption(prose.literal(sentence))


def _facts(anatomy: Anatomy, id: str, mark: str, first: Layer | Block | None) -> dict[str, str]:
    """What there is to say of a part, costs beside those of the `first` network's; of the image little."""
    part = _part(anatomy, id)
    if part is None:
        sizes = " × ".join(map(str, anatomy.input_size))
        return {"Part": "the image", "Mark": _MARKS[mark], "Output": sizes}
    last = part if isinstance(part, Layer) else list(part.layers())[-1]
    if isinstance(part, Layer):
        operation, weights = part.label, " + ".join("×".join(map(str, shape)) for _, shape in part.weights)
    else:
        inner = list(part.layers())
        operation = f"{part.cls}{f' × {part.repeat}' if part.repeat > 1 else ''}, {len(inner)} operations"
        weights = f"in {sum(bool(layer.weights) for layer in inner)} layers"
    return {
        "Part": prose.literal(id),
        "Mark": _MARKS[mark],
        "Operation": prose.literal(operation),
        "Weights": weights or "none",
        "Output": " × ".join(map(str, last.shape)),
        "Parameters": _cost(part.params, first.params if first else None),
        "MACs": _cost(part.macs or 0, first.macs if first else None),
        "Receptive field": str(last.reach),
    }


def _cost(value: int, first: int | None) -> str:
    return f"{value:,} · {_ratio(value, first)}" if value and first and value != first else f"{value:,}"


def _part(anatomy: Anatomy, id: str) -> Layer | Block | None:
    """The layer or block called `id`; None for the image."""
    layer = next((layer for layer in anatomy.layers if layer.id == id), None)
    return layer or _inside(anatomy.tree, id)


def _inside(block: Block, id: str) -> Block | None:
    for child in block.children:
        if isinstance(child, Block):
            found = child if child.id == id else _inside(child, id)
            if found:
                return found
    return None


@st.fragment
def spending(compared: Compared) -> None:
    """Costs at each resolution, one network against the other."""
    quantity = controls.segments("Count", "count", cost.QUANTITIES, page="compare")
    scales = compared.alignment.scales
    spent = [
        figures.Spending(
            title,
            {
                stage.scale: sum(getattr(anatomy.layers[i], quantity) or 0 for i in stage.layers)
                for stage in stages
            },
        )
        for title, anatomy, stages in zip(
            compared.titles, compared.anatomies, compared.alignment.stages, strict=True
        )
    ]
    st.plotly_chart(
        cached.figure(("bars", compared.studies, quantity), lambda: figures.bars(spent, scales, quantity)),
        key="compare.bars",
        config=export.picture(f"compare-{quantity}"),
        alt=f"{cost.QUANTITIES[quantity]} at each resolution of {', '.join(compared.titles)}; most at "
        + ", ".join(_most(one) for one in spent),
    )
    st.caption(prose.words("compare")["bars"])


def _most(spent: figures.Spending) -> str:
    scale = max(spent.by_scale, key=lambda scale: spent.by_scale[scale])
    return f"{scale_title(scale)} in {spent.title}"


@st.fragment
def along_depth(compared: Compared) -> None:
    """Receptive field and resolution, overlaid."""
    measure = controls.segments(
        "Depth", "depth", {"layers": "in layers", "share": "as a share"}, page="compare",
        help="As a share, networks of unlike depth lie over each other.",
    )  # fmt: skip

    def drawn() -> Figure:
        seen = zip(compared.titles, compared.studies, compared.anatomies, strict=True)
        courses = [figures.Course(title, study.size, profile(anatomy)) for title, study, anatomy in seen]
        return figures.courses(courses, share=measure == "share")

    st.plotly_chart(
        cached.figure(("courses", compared.studies, measure), drawn),
        key="compare.courses",
        config=export.picture("compare-depth"),
        alt=f"Receptive field and resolution along the depth of {', '.join(compared.titles)}",
    )
    st.caption(prose.words("compare")["courses"])


@st.fragment
def measured(compared: Compared) -> None:
    """Time and memory on this machine, when a reader asks for them."""
    words = prose.words("compare")
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    with row:
        batch = int(controls.segments("Images at once", "batch", BATCHES, page="compare"))
    wanted = [one.token for one in compared.studies], batch

    def ask() -> None:
        st.session_state["compare.measured"] = wanted

    row.button("Measure", icon=":material/timer:", type="primary", key="compare.measure", on_click=ask)
    if st.session_state.get("compare.measured") != wanted:
        st.caption(words["not measured"])
        return
    free, found = timing.free(), []
    for study, title, anatomy in zip(compared.studies, compared.titles, compared.anatomies, strict=True):
        needed = memory.needed(anatomy, batch, training=True)
        if free is not None and needed > free:
            st.warning(
                prose.literal(
                    f"{title} was not tried: training on {batch} images needs at least {_bytes(needed)} of "
                    f"memory, and {_bytes(free)} are free. Choose fewer images."
                ),
                icon=":material/memory:",
            )
            continue
        try:
            found.append((title, _time(study, batch)))
        except ValueError as error:
            st.warning(prose.literal(f"{title}: {error}"), icon=":material/timer_off:")
    if found:
        _timings(found)
        st.caption(words["measured"])


def _time(study: Study, batch: int) -> Timing:
    specimen = study.specimen
    arguments = {
        "name": specimen.variant, "num_classes": specimen.num_classes, "input_size": study.size,
        **dict(specimen.knobs),
    }  # fmt: skip
    size = (study.variant.channels, study.size, study.size)
    return cached.timing("zoo:build", json.dumps(arguments), size, batch)


def _timings(found: Sequence[tuple[str, Timing]]) -> None:
    first = found[0][1]
    rows: dict[str, list[str]] = {
        "": ["Forward, ms", "Images per second", "Training step, ms", "Peak memory, forward",
             "Peak memory, training", "Runs measured"]
    }  # fmt: skip
    for title, took in found:

        def against(value: float | None, other: float | None, text: str, it: Timing = took) -> str:
            return f"**{text}** · {_ratio(value, other)}" if it is not first and value and other else text

        rows[prose.literal(title)] = [
            against(took.forward_s, first.forward_s, f"{1e3 * took.forward_s:,.1f}"),
            f"{took.batch / took.forward_s:,.1f}",
            against(took.training_s, first.training_s, _milliseconds(took.training_s)),
            against(took.peak_bytes, first.peak_bytes, _bytes(took.peak_bytes)),
            against(took.training_peak_bytes, first.training_peak_bytes, _bytes(took.training_peak_bytes)),
            f"{took.repeats}",
        ]
    st.table(rows, border="horizontal")
    machines = {f"{took.machine}, {took.threads} thread{'s' * (took.threads > 1)}" for _, took in found}
    images = f"{first.batch} image{'s' * (first.batch > 1)} at once"
    st.caption(prose.literal(f"Measured here: {'; '.join(sorted(machines))}; {images}, float32."))


def _milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{1e3 * seconds:,.1f}"


def _bytes(count: int | None) -> str:
    return "–" if count is None else f"{style.count(count)}B"


@st.fragment
def slides(compared: Compared) -> None:
    """All figures as a table to take away."""
    kind = controls.segments("Format", "format", FORMATS, page="compare")
    rows = table(compared)
    text = {"csv": export.as_csv, "markdown": export.as_markdown, "latex": export.as_latex}[kind](rows)
    st.code(text, language=None if kind == "csv" else kind, wrap_lines=True)
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.caption(prose.words("compare")["slides"])
    right.download_button(
        f"Save as {FORMATS[kind]}", text, f"compare.{_ENDINGS[kind]}", "text/plain", key="compare.save",
        icon=":material/download:", on_click="ignore", width="stretch",
    )  # fmt: skip


def table(compared: Compared) -> list[dict[str, object]]:
    """A row of figures for each network."""
    return [
        {"Network": title} | {figure.label: figure.of(study, anatomy) for figure in _FIGURES}
        for title, study, anatomy in zip(compared.titles, compared.studies, compared.anatomies, strict=True)
    ]
