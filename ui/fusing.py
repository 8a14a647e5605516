"""Branches that become one convolution, step by step; whole networks before and after, counted and timed."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from ui import bound, cached, code, export, prose
from viz.figures.fusing import Card, Output, kernels, outputs, signed
from viz.figures.style import count
from viz.fusing import BLOCKS, CHANNELS, CODE, FILTERS, NAMES, STEPS, Fusing, Part, Step, networks
from zoo import FAMILIES, Specimen, variant
from zoo.anatomy import Anatomy

_STYLE = Path(__file__).with_name("fusing.css")
_STEP = "operators.fuse_step"
_FIRST = "repvgg_a0"
_BATCHES = (1, 8)
_DIFFERENCES = ("Difference, float32", "Of the largest output", "Difference, float64")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_UNITS = {"params": "parameters", "macs": "MACs", "flops": "FLOPs"}


def render() -> None:
    st.html(_STYLE)
    _block()
    _networks()


@st.fragment
def _block() -> None:
    """One small block, fused step by step."""
    words = prose.words("fusing")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        family = bound.segments("Block", "operators.fuse", {key: FAMILIES[key].title for key in BLOCKS})
        channel = bound.segments("Input channel", "operators.fuse_in", {name: name for name in CHANNELS})
        number = bound.segments(
            "Filter", "operators.fuse_out", {str(n): str(n) for n in range(1, FILTERS + 1)},
            help="Which channel of the output: each has a kernel for each channel of the input.",
        )  # fmt: skip
    made = cached.fusing(family)
    step = _steps()
    cin, cout = CHANNELS.index(channel), int(number) - 1
    _kernels(made, step, cin, cout)
    st.caption(words[step])
    shown = code.excerpt(CODE.get(step, FAMILIES[family].lesson))
    with st.expander(f"The code that ran: {shown.name}", key="operators.fuse_code"):
        code.show(shown)
    _same(made, step, cout, words)


def _steps() -> str:
    """Which step is shown: a control for all, and one step on or back."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        titles = {name: f"{n}. {title}" for n, (name, title) in enumerate(STEPS.items(), start=1)}
        step = bound.segments("Step", _STEP, titles)
        place = list(STEPS).index(step)
        for label, icon, by in (("Back", "arrow_back", -1), ("Next step", "arrow_forward", 1)):
            st.button(
                label, icon=f":material/{icon}:", key=f"operators.fuse_{icon}", on_click=_go, args=(by,),
                type="primary" if by > 0 else "secondary", disabled=not 0 <= place + by < len(STEPS),
            )  # fmt: skip
    return step


def _go(by: int) -> None:
    """So many steps on from where the reader is by now: of two quick clicks none is lost."""
    names = list(STEPS)
    place = names.index(st.session_state[_STEP]) + by
    st.session_state[_STEP] = names[min(max(place, 0), len(names) - 1)]


def _kernels(made: Fusing, step: str, cin: int, cout: int) -> None:
    shown = made.steps[step]
    cards = [
        _card(part, step, cin, cout, sign="+" if place else "") for place, part in enumerate(shown.parts)
    ]
    if shown.kernel is not None and shown.bias is not None:
        bias = f"bias {signed(shown.bias[cout])}"
        cards.append(Card(title="One convolution", kernel=shown.kernel[cout, cin], lines=[bias], sign="="))
    st.html(kernels(cards, _largest(made, cin, cout)))


def _largest(made: Fusing, cin: int, cout: int) -> float:
    """Of all numbers of these kernels at any step: the colours mean the same in all."""
    steps = made.steps.values()
    every = [step.kernel for step in steps] + [part.kernel for step in steps for part in step.parts]
    return max(float(np.abs(kernel[cout, cin]).max()) for kernel in every if kernel is not None)


def _card(part: Part, step: str, cin: int, cout: int, *, sign: str) -> Card:
    """The kernel between one channel of the input and one of the output, and what stands behind it."""
    norm = part.norm
    gamma, beta, mean, variance = (
        signed(values[cout]) for values in (norm.gamma, norm.beta, norm.mean, norm.variance)
    )
    if part.bias is None:
        lines = ["then a batch norm with", f"γ {gamma}, β {beta}", f"mean μ {mean}, variance σ² {variance}"]
    elif step == "folded":
        factor = signed(norm.factor[cout])
        lines = [
            f"× γ / √(σ² + ε) = {gamma} / √{variance} = {factor}",
            f"bias = β − μ × {factor} = {signed(part.bias[cout])}",
            f"with β {beta}, μ {mean}",
        ]
    else:
        lines = [f"bias {signed(part.bias[cout])}"]
    kernel = None if part.kernel is None else part.kernel[cout, cin]
    return Card(title=NAMES[part.name], kernel=kernel, lines=lines, sign=sign)


def _same(made: Fusing, step: str, cout: int, words: Mapping[str, str]) -> None:
    """What the step makes of the picture, and that it is what the block made before."""
    st.subheader("The same output at every step")
    shown = made.steps[step]
    left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
    with left:
        parts = [Output(title=NAMES[part.name], values=part.output[cout]) for part in shown.parts]
        total = "One convolution" if shown.kernel is not None else "Their sum"
        st.plotly_chart(
            outputs(
                parts, Output(title=total, values=shown.output[cout]),
                Output(title="As trained", values=made.expected[cout]),
            ),
            key="operators.fuse_outputs",
            config=export.picture(f"zoolens-fusing-{step}"),
            alt="Output of each branch on a cat's eye, their sum, the block as trained, and the difference: "
            f"at most {shown.off:.1e}",
        )  # fmt: skip
    with right:
        st.metric(
            "Largest difference from the block as trained", _power(shown.off),
            help="In float32, over all filters and pixels.",
        )  # fmt: skip
        st.markdown(words["outputs"])
        st.markdown(words["differences"].format(off=f"{made.off_training:.1f}"))
    rows = [_row(STEPS[name], one) for name, one in made.steps.items()]
    st.dataframe(
        pd.DataFrame(rows), key="operators.fuse_table", hide_index=True,
        column_config=dict.fromkeys(_DIFFERENCES, st.column_config.NumberColumn(format="%.1e")),
        alt="For each step: convolutions, norms, parameters and the largest difference of the output.",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(words["table"], width="stretch")
        st.download_button(
            "Steps as CSV", export.as_csv(rows), "fusing-steps.csv", "text/csv", key="operators.fuse_csv",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Kernels as CSV", lambda: export.as_csv(kernel_rows(made)), "fusing-kernels.csv", "text/csv",
            key="operators.fuse_kernels", icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def kernel_rows(made: Fusing) -> list[dict[str, object]]:
    """A row for each weight and each bias of every step, in full."""
    rows: list[dict[str, object]] = []
    for name, step in made.steps.items():
        parts = [(NAMES[part.name], part.kernel, part.bias) for part in step.parts]
        for title, kernel, bias in [*parts, ("One convolution", step.kernel, step.bias)]:
            for cout in range(FILTERS):
                place = {"Step": STEPS[name], "Kernel": title, "Filter": cout + 1}
                if kernel is not None:
                    rows += [
                        place | {"Channel": CHANNELS[cin], "Row": y + 1, "Column": x + 1, "Weight": float(w)}
                        for (cin, y, x), w in np.ndenumerate(kernel[cout])
                    ]
                if bias is not None:
                    none = {"Channel": "bias", "Row": None, "Column": None}
                    rows.append(place | none | {"Weight": float(bias[cout])})
    return rows


def _row(title: str, step: Step) -> dict[str, object]:
    return {
        "Step": title,
        "Convolutions": step.convs,
        "Batch norms": step.norms,
        "Parameters": step.params,
        "MACs per pixel": step.macs,
    } | dict(zip(_DIFFERENCES, (step.off, step.relative, step.off_double), strict=True))


def _power(value: float) -> str:
    """A small number as 7.2 × 10⁻⁷."""
    if value == 0:
        return "0"
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits} × 10{str(int(exponent)).translate(_RAISED)}"


@st.fragment
def _networks() -> None:
    """Whole networks, counted, and measured on a click."""
    words = prose.words("fusing")
    st.subheader("Whole networks, before and after")
    st.markdown(words["networks"])
    titles = networks()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        name = bound.picker("Network", "operators.fuse_network", {_FIRST: titles[_FIRST]} | titles)
        batch = bound.segments("Images at once", "operators.fuse_batch", {str(n): str(n) for n in _BATCHES})
        measure = st.button(
            "Measure both on this machine", key="operators.fuse_measure", icon=":material/timer:"
        )
    size = variant(name).input_size
    before = cached.anatomy(Specimen(name), size)
    after = cached.anatomy(Specimen(name, knobs=(("fused", True),)), size)
    _counts(before, after)
    lines = [
        f"{before.params:,} parameters before, {after.params:,} after; {before.macs:,} and {after.macs:,} "
        f"MACs for one image of {size} × {size} px."
    ]
    published = variant(name).published
    if published and published.printed:
        printed = " and ".join(f"{count(p.value)} {_UNITS[p.quantity]}" for p in published.printed)
        lines.append(f"Printed for the fused network ({published.printed[0].source}): {printed}.")
    st.caption(prose.literal(" ".join(lines)))
    if measure:
        st.session_state["operators.fuse_measured"] = name, batch
    if st.session_state.get("operators.fuse_measured") == (name, batch):
        _time(name, size, int(batch))
    st.markdown(words["why"])


def _counts(before: Anatomy, after: Anatomy) -> None:
    with st.container(horizontal=True, gap="medium"):
        for label, old, new in (
            ("Parameters", before.params, after.params),
            ("MACs", before.macs, after.macs),
            ("Convolutions", _kinds(before, "conv"), _kinds(after, "conv")),
            ("Batch norms", _kinds(before, "norm"), _kinds(after, "norm")),
            ("Activations made", before.activations, after.activations),
        ):
            st.metric(
                f"{label}, fused", count(new), f"{new / old - 1:+.1%} of {count(old)}".replace("-", "−"),
                delta_color="off", delta_arrow="off", width="content",
            )  # fmt: skip


def _kinds(anatomy: Anatomy, kind: str) -> int:
    return sum(layer.kind == kind for layer in anatomy.layers)


def _time(name: str, size: int, batch: int) -> None:
    image = (variant(name).channels, size, size)
    try:
        before, after = (
            cached.timing("zoo:build", json.dumps({"name": name, "fused": fused}), image, batch, False)
            for fused in (False, True)
        )
    except ValueError as error:
        st.error(prose.literal(str(error)), icon=":material/timer_off:")
        return
    with st.container(horizontal=True, gap="medium"):
        st.metric("As trained", f"{1000 * before.forward_s:.1f} ms", width="content")
        st.metric("Fused", f"{1000 * after.forward_s:.1f} ms", width="content")
        st.metric("Speed-up", f"{before.forward_s / after.forward_s:.2f} ×", width="content")
        if before.peak_bytes and after.peak_bytes:
            st.metric("Peak memory", f"{count(before.peak_bytes)}B", width="content")
            st.metric("Peak memory, fused", f"{count(after.peak_bytes)}B", width="content")
    st.caption(
        prose.literal(
            f"Measured here: forward pass in evaluation mode, float32, batch of {batch}, medians of "
            f"{before.repeats} and {after.repeats} runs after a warm-up, {before.threads} thread. "
            f"{before.machine}."
        )
    )
