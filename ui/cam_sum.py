"""How a map of the page Class-activation maps is made: the channels it is a sum of, with their numbers."""

from dataclasses import replace

import numpy as np
import streamlit as st
from PIL import Image

from ui import bound, cached, evidence, export, prose
from ui.cam_study import PAGE, TITLES, Raw, Study, View, small
from ui.evidence import Plate
from viz import images, summands
from viz.summands import Summands

_TOP = 5  # channels that are shown one by one
_TILE = 160  # pixels of each
_WRITTEN = 3  # terms of the sum in figures
_START = 10  # channels


@st.fragment
def render(study: Study, method: str, path: str, view: View) -> None:
    words = prose.words(PAGE)
    st.header("How it was computed")
    if method not in summands.METHODS:
        st.markdown(words["other sum"].format(method=TITLES[method]))
        method = "gradcam"

    def found() -> Summands:
        return summands.summands(study.evidence(path), method)

    channels, height, width = study.layer(path).shape
    st.markdown(words[f"sum {method}"].format(z=height * width, h=height, w=width, channels=channels))
    st.markdown(cached.found(study.key("sum", method, path), lambda: arithmetic(found(), method)))
    steps = counts(channels)
    many = bound.slider(
        "Channels in the sum, the strongest first", f"{PAGE}.sum", steps, min(_START, channels),
        words=lambda n: "all" if n == channels else f"{n:,}", help=words["partial"],
    )  # fmt: skip

    def make() -> str:
        terms = found()
        return evidence.row([*_each(terms), *_sums(study, terms, many, view)], least=118)

    st.html(cached.found(study.key("summands", method, path, view, many), make))
    st.caption(words["summands"])
    evidence.save(
        "All channels as CSV", lambda: export.as_csv(table(found())), "zoolens-channels.csv", "text/csv",
        key=f"{PAGE}.channels", icon="table",
    )  # fmt: skip
    _itself(study, path)
    seconds, plain = cached.cam_times(study.subject.specimen, path)
    st.caption(words["time"].format(map=1000 * seconds, plain=1000 * plain, ratio=seconds / plain))


def counts(channels: int) -> list[int]:
    """1, 2, 5, 10, ... and all of them."""
    steps = [digit * 10**power for power in range(5) for digit in (1, 2, 5)]
    return [*(step for step in steps if step < channels), channels]


def arithmetic(found: Summands, method: str) -> str:
    """The mean of the map as a sum in figures: its first terms, and what the rest comes to."""
    amounts = found.terms.mean((1, 2)).tolist()
    first, rest = amounts[:_WRITTEN], sum(amounts[_WRITTEN:])
    terms = []
    for i, amount in enumerate(first):
        product = f"{found.weights[i]:.4g} · {found.activations[i]:.3g}"
        figures = product if method == "gradcam" else f"{amount:.3g}"
        terms.append(f"{figures} (channel {found.channels[i]})")
    if others := len(amounts) - len(first):
        terms.append(f"{rest:.4g} (the other {others:,})")
    sentence = f"Mean of the map: {' + '.join(terms)} = **{sum(amounts):.4g}**"
    return sentence.replace("-", "−").replace("+ −", "− ")


def _each(found: Summands) -> list[Plate]:
    """The strongest channels, each by itself, on one scale."""
    shown = found.terms[:_TOP].numpy()
    most = float(np.abs(shown).max()) or 1.0
    plates = []
    for channel, weight, mean, term in zip(
        found.channels, found.weights.tolist(), found.activations.tolist(), shown, strict=False
    ):
        note = f"α = {weight:.4g}, mean of A = {mean:.3g}".replace("-", "−")
        plates.append(
            Plate(
                title=f"Channel {channel}", picture=_tile(term, most), note=note,
                alt=f"What channel {channel} adds, from {term.min():.3g} to {term.max():.3g}",
            )
        )  # fmt: skip
    return plates


def _tile(term: Raw, most: float) -> Image.Image:
    return images.heat(term / most, (_TILE, _TILE))


def _sums(study: Study, found: Summands, many: int, view: View) -> list[Plate]:
    """The sum of the strongest channels, and of all."""
    part, total = found.terms[:many].sum(0).numpy(), found.terms.sum(0).numpy()
    halves = replace(view, look="overlay" if view.look == "contour" else view.look)
    plates = [
        Plate(
            title="All channels: the map", picture=small(study, total, halves), chosen=True,
            alt="The sum of all channels: the map", note=f"Mean {total.mean():.4g}".replace("-", "−"),
        )
    ]  # fmt: skip
    if many < len(found.channels):
        same = np.corrcoef(part.ravel(), total.ravel())[0, 1] if part.std() and total.std() else float("nan")
        note = f"Mean {part.mean():.4g}; correlation with the map {same:.2f}".replace("-", "−")
        title = f"Sum of the {many} strongest" if many > 1 else "The strongest alone"
        laid = small(study, part, halves)
        plates.insert(0, Plate(title=title, picture=laid, alt=f"{title}. {note}", note=note))
    return plates


def _itself(study: Study, path: str) -> None:
    """CAM and Grad-CAM on one layer: the same up to the number of places, where CAM exists."""
    words = prose.words(PAGE)
    own, gradcam = study.map("cam", path), study.map("gradcam", path)
    st.subheader("CAM and Grad-CAM")
    if isinstance(own, str) or isinstance(gradcam, str):
        st.markdown(words["no cam"])
        return
    difference = float(np.abs(own / own.size - gradcam).max())
    st.markdown(
        words["cam"].format(
            z=own.size, difference=difference, most=float(np.abs(gradcam).max()), cam=float(own.max()),
            gradcam=float(gradcam.max()),
        )
    )  # fmt: skip


def table(found: Summands) -> list[dict[str, object]]:
    """A row for each channel, the strongest first."""
    return [
        {"channel": channel, "alpha": weight, "mean_activation": mean, "adds_on_average": amount}
        for channel, weight, mean, amount in zip(
            found.channels, found.weights.tolist(), found.activations.tolist(),
            found.terms.mean((1, 2)).tolist(), strict=True,
        )
    ]  # fmt: skip
