"""The page First layers: filters of several networks, and one way at a time to examine them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import streamlit as st

from ui import bound, evidence, export, prose, stem_views
from ui.stem_study import PAGE, Study, choose
from viz import images, stems
from viz.figures import stems as figures

_STYLE = Path(__file__).with_name("stems.css")
_ORDERS = {"energy": "Strongest first", "hue": "By hue", "stored": "As stored"}
_CONTRAST = {"common": "One for all", "own": "Each its own"}

VIEWS: Mapping[str, tuple[str, Callable[[Sequence[Study]], None]]] = {
    "spectrum": ("Spectrum", stem_views.spectrum),
    "aliasing": ("Aliasing", stem_views.aliasing),
    "silent": ("Silent maps", stem_views.silent),
    "second": ("Layer 2", stem_views.second),
    "clip": ("Size and clip", stem_views.clip),
}


def render() -> None:
    evidence.style()
    st.html(_STYLE)
    studies = choose()
    if not studies:
        st.info("Choose a network with a convolution at its start.", icon=":material/filter_center_focus:")
        return
    _filters(studies)
    st.header("Under examination")
    view = bound.segments("Look at", "stems.view", {key: title for key, (title, _) in VIEWS.items()})
    VIEWS[view][1](studies)


def _filters(studies: Sequence[Study]) -> None:
    """All filters as pictures."""
    words = prose.words(PAGE)
    st.header("The filters")
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        order = bound.segments("Order", "stems.order", _ORDERS, help=words["order"])
        contrast = bound.segments("Contrast", "stems.contrast", _CONTRAST, help=words["contrast"])
    sheets = [_sheet(study, order, contrast) for study in studies]
    stem_views.pictures(
        [
            stem_views.figure(
                study, sheet, f"{len(study.stem.weight)} filters of {study.name}", _facts(study)
            )
            for study, sheet in zip(studies, sheets, strict=True)
        ],
        least=280,
    )
    said = (
        "one contrast for all filters of a network"
        if contrast == "common"
        else "each filter stretched by itself"
    )
    st.caption(f"Grey is zero; {said}. {words['filters']}")
    with st.container(horizontal=True, gap="small"):
        drawn = figures.beside(sheets)
        evidence.save(
            "Filters (PNG)", lambda: images.png(drawn), "zoolens-filters.png", "image/png",
            key="stems.png", icon="image",
        )  # fmt: skip
        evidence.save(
            "Filters (PDF)", lambda: images.pdf(drawn, "; ".join(study.name for study in studies)),
            "zoolens-filters.pdf", "application/pdf", key="stems.pdf", icon="picture_as_pdf",
        )  # fmt: skip
        evidence.save(
            "Every filter (CSV)", lambda: export.as_csv(table(studies)), "zoolens-filters.csv", "text/csv",
            key="stems.csv", icon="table",
        )  # fmt: skip


def _sheet(study: Study, order: str, contrast: str) -> figures.Pixels:
    weight = study.stem.weight
    at = stems.ordered(weight, "hue" if order == "hue" else "energy" if order == "energy" else "stored")
    return figures.filters(weight[at].numpy(), common=contrast == "common")[0]


def _facts(study: Study) -> str:
    """A line below the filters."""
    stem = study.stem
    rms = stem.rms
    across = (
        "beside each other"
        if stem.patches
        else f"every {stem.stride} px"
        if stem.stride > 1
        else "at every px"
    )
    return (
        f"{len(stem.weight)} filters of {stem.kernel} × {stem.kernel} px, {across}; root mean square "
        f"{float(rms.max()):.3f} of the largest, {float(rms.median()):.3f} of the middle one"
    )


def table(studies: Sequence[Study]) -> list[dict[str, object]]:
    """A row for every filter."""
    rows: list[dict[str, object]] = []
    for study in studies:
        found = study.spectrum(alike=False)
        weight = study.stem.weight
        coloured = stems.colours(weight)[0].tolist() if weight.shape[1] == 3 else [0.0] * len(weight)
        lost = study.aliasing("zone")[study.stem.stride].each.tolist()
        columns = (study.stem.rms.tolist(), found.peak.tolist(), found.stripes.tolist(), coloured, lost)
        for at, (rms, peak, stripes, colour, share) in enumerate(zip(*columns, strict=True)):
            rows.append(
                {
                    "network": study.name, "filter": at, "root_mean_square": rms,
                    "preferred_cycles_per_pixel": None if np.isnan(peak) else peak,
                    "stripes_degrees": None if np.isnan(stripes) else stripes,
                    "share_of_colour": colour, "aliased_share_on_the_zone_plate": share,
                }
            )  # fmt: skip
    return rows
