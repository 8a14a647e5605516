"""The figures a network is known by, each beside what others have published for it."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from ui import controls, prose
from ui.controls import Study
from viz.figures.style import count
from zoo import Printed
from zoo.anatomy import Anatomy

BATCHES = {"1": "1", "32": "32", "128": "128", "256": "256"}
COUNTS = {"macs": "MACs", "flops": "FLOPs"}
_STYLE = Path(__file__).with_name("inspect.css")
_WORDS = {"params": "parameters", "macs": "MACs", "flops": "FLOPs"}


@dataclass(frozen=True)
class Comparison:
    """A count of ours beside a rounded one that somebody printed."""

    printed: Printed
    ours: int

    def __str__(self) -> str:
        share = self.printed.value / self.ours - 1
        text = f"Printed ({self.printed.source}): {count(self.printed.value)} {_WORDS[self.printed.quantity]}"
        if not self.printed.reason:
            return f"{text}, rounded."
        return f"{text}, {abs(share):.1%} {'more' if share > 0 else 'less'} than here: {self.printed.reason}."


@dataclass(frozen=True)
class Figure:
    """One of the headline figures, and the same of the variant as published."""

    label: str
    value: int
    before: int
    unit: str
    meaning: str

    def draw(self) -> None:
        change = self.value - self.before
        sign = "+" if change > 0 else "−"
        unit = " bytes" if self.unit == "B" else ""
        exact = f"Exactly {self.value:,}{unit}. " if self.value >= 1000 else ""
        st.metric(
            self.label,
            amount(self.value, self.unit),
            f"{sign}{amount(abs(change), self.unit)}" if change else None,
            delta_color="off",
            delta_arrow="off",
            help=exact + self.meaning,
            width="content",
        )


def render(study: Study, anatomy: Anatomy, untouched: Anatomy) -> None:
    """Seven figures, where they come from, and two switches; `untouched` is the variant as published."""
    st.html(_STYLE)
    place = st.container(horizontal=True, gap="medium", key="inspect.headline")
    sources, switches = st.columns([5, 3], gap="medium")
    with switches, st.container(horizontal=True):
        counted = controls.segments(
            "Arithmetic in", "count", COUNTS, help="A MAC is one multiply and one add: 2 FLOPs."
        )
        batch = int(
            controls.segments("Images at once", "batch", BATCHES, help="For the memory of the activations.")
        )
    with place:
        for figure in _figures(anatomy, untouched, counted, batch):
            figure.draw()
        _receptive_field(anatomy, untouched)
        _accuracy(study)
    with sources:
        _say(_sources(study, anatomy, counted))
    _say(_differences(study, anatomy))


def comparisons(study: Study, anatomy: Anatomy) -> list[Comparison]:
    """Our counts beside those that papers and libraries print."""
    ours = {"params": anatomy.params, "macs": anatomy.macs, "flops": 2 * anatomy.macs}
    published = study.variant.published
    return [Comparison(one, ours[one.quantity]) for one in published.printed] if published else []


def amount(value: int, unit: str) -> str:
    """A number in three digits with its unit: 25.6 M, 4.09 GMACs, 50 layers."""
    if unit in ("layers", "px"):
        return f"{value:,} {unit}"
    short = count(value)
    return f"{short}{'' if short[-1].isalpha() else ' '}{unit}".strip()


def _figures(anatomy: Anatomy, untouched: Anatomy, counted: str, batch: int) -> list[Figure]:
    factor = 2 if counted == "flops" else 1
    images = f"{batch} images" if batch > 1 else "one image"
    return [
        Figure("Parameters", anatomy.params, untouched.params, "", "Trainable, auxiliary heads included."),
        Figure(COUNTS[counted], factor * anatomy.macs, factor * untouched.macs, COUNTS[counted],
               "For one image: convolutions, linear layers and matrix products, attention included."),
        Figure("Activations", anatomy.activation_bytes(batch), untouched.activation_bytes(batch), "B",
               f"All outputs for {images} in float32: roughly what training keeps in memory."),
        Figure("Weight file", anatomy.weight_bytes, untouched.weight_bytes, "B",
               "All parameters in float32."),
        Figure("Depth", anatomy.depth, untouched.depth, "layers",
               "Convolutions and linear layers on the longest way from the image to the scores."),
    ]  # fmt: skip


def _receptive_field(anatomy: Anatomy, untouched: Anatomy) -> None:
    """The side of the largest field before the head; in words where attention has made it another thing."""
    last, first = anatomy.features, next((a for a in anatomy.layers if a.reach.kind != "local"), None)
    field, before = last.reach.largest, untouched.features.reach.largest
    if field:
        meaning = f"Of `{last.id}`, the last layer that sees less than all, without the image's border."
        Figure("Receptive field", field.y.size, before.y.size if before else 0, "px", meaning).draw()
        return
    value, meaning = "by windows", "Attention inside windows: what a unit sees depends on where it sits."
    if last.reach.kind == "global":
        value, meaning = "whole image", "Every unit depends on every pixel."
    since = f" From `{first.id}` on." if first else ""
    st.metric("Receptive field", value, help=meaning + since, width="content")


def _accuracy(study: Study) -> None:
    published = study.variant.published
    known = [top for top in (published.top1, published.top5) if top] if published else []
    st.metric(
        "Published top-1 / top-5" if len(known) != 1 else "Published top-1",
        f"{' / '.join(f'{top:.1f}' for top in known)} %" if known else "–",
        help=f"ImageNet validation. {published.accuracy_source}." if known and published
        else "No accuracy has been published for this network.",
        width="content",
    )  # fmt: skip


def _sources(study: Study, anatomy: Anatomy, counted: str) -> list[str]:
    """The exact counts, and the published ones."""
    row, published = study.variant, study.variant.published
    arithmetic = 2 * anatomy.macs if counted == "flops" else anatomy.macs
    lines = [
        f"{anatomy.params:,} parameters, {arithmetic:,} {COUNTS[counted]} for an image of "
        f"{study.size} × {study.size} px."
    ]
    if not published:
        return [*lines, "No published figures: this network is sized for the classroom."]
    theirs = f"{published.params:,} parameters, {published.macs:,} MACs"
    if study != study.untouched:
        lines.append(
            f"Published for {row.title} untouched ({row.num_classes:,} classes, {row.input_size} px), with "
            f"which the small figures compare: {theirs} ({published.source})."
        )
    elif (anatomy.params, anatomy.macs) == (published.params, published.macs):
        lines.append(f"Published ({published.source}): the same.")
    else:
        lines.append(f"Published ({published.source}): {theirs}.")
    if published.top1:
        lines.append(f"Accuracy: {published.accuracy_source}.")
    return lines


def _differences(study: Study, anatomy: Anatomy) -> list[str]:
    """What is printed elsewhere and why it differs; what no image passes through; what is not counted."""
    lines = list(map(str, comparisons(study, anatomy))) if study == study.untouched else []
    if anatomy.unused:
        parts = ", ".join(f"{path} ({params:,})" for path, params in anatomy.unused)
        lines.append(f"Parameters that only training uses: {parts}.")
    if anatomy.not_counted:
        names = ", ".join(f"{layer.id} ({layer.label})" for layer in anatomy.not_counted)
        lines.append(f"Not counted, as the anatomy does not know these operations: {names}.")
    return lines


def _say(lines: list[str]) -> None:
    if lines:
        st.caption("  \n".join(map(prose.literal, lines)))
