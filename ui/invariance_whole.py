"""All of figure 5 for the pictures of the page, beside what the paper saw, and all of it to take away."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
from plotly.graph_objects import Figure

from ui import cached, evidence, export, looking, prose, rows
from ui.invariance_study import EVERY, PAGE, Study, short
from viz import images, plots
from viz.figures import invariance as figures
from viz.figures.invariance import Line
from viz.invariance import CHANGES, Curves, Kind, Values, mean_change, onset, reach, straightness

_LONG = 30.0  # seconds of work that begin only when they are asked for
_STRAIGHT = 0.8  # r squared from which a curve is called nearly a line

Found = Mapping[Kind, Curves]


def render(study: Study, kind: Kind, relative: bool) -> None:
    words = prose.words(PAGE)
    st.header("All of figure 5")
    st.markdown(words["whole"])
    first = study.look(kind)
    if first.state == "failed":
        return
    asked = st.session_state.setdefault(f"{PAGE}.asked", set())
    expected = 3 * first.seconds / max(first.share, 0.01)
    if expected > _LONG and study.key(kind) not in asked and not _all_done(study):
        st.button(
            f"Measure the other changes, too (about {expected / 60:.0f} min)" if expected >= 90
            else f"Measure the other changes, too (about {expected:.0f} s)",
            icon=":material/play_arrow:", key=f"{PAGE}.all", on_click=asked.add, args=(study.key(kind),),
        )  # fmt: skip
        return
    others = [each for each in CHANGES if each != kind]
    under_way = first.alive or any([study.look(each, last=True).alive for each in others])

    @looking.again(EVERY if under_way else None)
    def live() -> None:
        seen = {each: study.look(each, last=each != kind) for each in CHANGES}
        alive = [each for each in seen.values() if each.alive]
        if alive:
            share = sum(each.share for each in seen.values()) / len(seen)
            st.progress(share, f"Four changes: {share:.0%}")
        found: Found = {each: job.result for each, job in seen.items() if job.state == "done"}
        if found:
            rows.table(table(study, found), "The four changes")
            st.caption(words["numbers"])
        if len(found) == len(CHANGES):
            st.subheader("What the paper saw, and what is measured here")
            rows.table(observations(study, found), "The paper and what is measured")
            st.caption(words["paper"])
        if under_way and not alive:
            st.rerun()

    live()
    if not under_way:
        _take_away(study, {each: study.look(each).result for each in CHANGES}, relative)


def _all_done(study: Study) -> bool:
    if study.measured() is not None:
        return True
    return all(cached.background().result(study.key(kind)) is not None for kind in CHANGES)


def table(study: Study, found: Found) -> list[dict[str, str]]:
    """A row for each change, means over the pictures."""
    first, top = study.paths
    return [
        {
            "Change": CHANGES[kind].title,
            "First layer, mean change": f"{_mean(mean_change(curves, first)):.2f}",
            "Top layer, mean change": f"{_mean(mean_change(curves, top)):.2f}",
            "Smallest step brings, first": f"{_mean(onset(curves, first)):.0%}",
            "top": f"{_mean(onset(curves, top)):.0%}",
            "Straightness, first": f"{_mean(straightness(curves, first)):.2f}",
            "at the top": f"{_mean(straightness(curves, top)):.2f}",
            "Keep half of P all the way": _keepers(curves),
        }
        for kind, curves in found.items()
    ]


def observations(study: Study, found: Found) -> list[dict[str, str]]:
    """Three sentences of the paper, each beside the numbers measured here and what they say to it."""
    first, top = study.paths
    straight = {kind: _mean(straightness(found[kind], top)) for kind in CHANGES if kind != "rotation"}
    bends = {kind: _mean(straightness(found[kind], first)) for kind in straight}
    starts = {kind: (_mean(onset(found[kind], first)), _mean(onset(found[kind], top))) for kind in CHANGES}
    moved = [kind for kind in straight if _keeping(found[kind]) * 2 > len(study.photos)]
    turned = _keeping(found["rotation"])
    words = prose.words(PAGE)
    sentences = [
        (
            "paper first",
            "; ".join(
                f"{CHANGES[kind].title.lower()}: {one:.0%} of its largest distance at the first layer, "
                f"{other:.0%} at the top" for kind, (one, other) in starts.items()
            ),
            all(one > other for one, other in starts.values()),
        ),
        (
            "paper top",
            "; ".join(
                f"{CHANGES[kind].title.lower()}: r² {straight[kind]:.2f}, first layer {bends[kind]:.2f}"
                for kind in straight
            ),
            all(straight[kind] >= _STRAIGHT for kind in straight),
        ),
        (
            "paper stable",
            "; ".join(f"{CHANGES[kind].title.lower()}: {_keepers(found[kind])}" for kind in straight),
            len(moved) == len(straight),
        ),
        ("paper turned", f"rotation: {_keepers(found['rotation'])}", 2 * turned < len(study.photos)),
    ]  # fmt: skip
    return [
        {"The paper saw": words[name], "Measured here": said, "Agrees": "yes" if agrees else "not here"}
        for name, said, agrees in sentences
    ]


def _mean(values: Values) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _keeping(curves: Curves) -> int:
    """How many pictures keep at least half of their probability over the whole range."""
    falls = curves.probability < curves.probability[curves.still] / 2
    return int((~falls.any(0)).sum())


def _keepers(curves: Curves) -> str:
    return f"{_keeping(curves)} of {curves.probability.shape[1]}"


def charts(study: Study, found: Found, relative: bool) -> list[list[Figure]]:
    """Figure 5: a row for each change; the first layer, the top layer, the probability."""
    y = "distance / length of f(x)" if relative else "Euclidean distance"
    drawn_rows = []
    for kind, curves in found.items():
        values = [curves.drawn(path, relative=relative) for path in study.paths]
        titles = [f"First layer, {study.paths[0]}: {y}", f"Top layer, {study.paths[1]}: {y}"]
        drawn = [*zip(titles, values, (False, False), strict=True), ("Probability", curves.probability, True)]
        drawn_rows.append(
            [
                figures.curves(
                    _lines(study, curves.amounts, numbers), title=title, y="", shares=shares,
                    axis=f"{CHANGES[kind].title.lower()}: {CHANGES[kind].axis}",
                )
                for title, numbers, shares in drawn
            ]
        )  # fmt: skip
    return drawn_rows


def _lines(
    study: Study, amounts: Sequence[float], values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> list[Line]:
    return [Line(name=short(photo), x=amounts, y=values[:, at]) for at, photo in enumerate(study.photos)]


def numbers(study: Study, found: Found) -> Sequence[Mapping[str, object]]:
    """Every measured number: a row for each picture and amount."""
    first, top = study.paths
    labels = study.loaded.labels
    return [
        {
            "change": kind, "amount": amount, "unit": CHANGES[kind].unit, "fill": study.fill,
            "picture": photo.title, "first_layer": first, "first_distance": curves.distances[first][row, at],
            "first_length": curves.lengths[first][at], "top_layer": top,
            "top_distance": curves.distances[top][row, at], "top_length": curves.lengths[top][at],
            "class": labels[curves.targets[at]], "class_is": "label" if known is not None else "prediction",
            "probability": curves.probability[row, at], "says": labels[curves.said[row, at]],
            "its_probability": curves.confidence[row, at],
        }
        for kind, curves in found.items()
        for at, (photo, known) in enumerate(zip(study.photos, study.targets, strict=True))
        for row, amount in enumerate(curves.amounts)
    ]  # fmt: skip


def _take_away(study: Study, found: Found, relative: bool) -> None:
    name = f"zoolens-{PAGE}-{study.specimen.variant}"
    title = f"Invariance, {study.specimen.variant}, border: {study.fill}"
    with st.container(horizontal=True, gap="small"):
        evidence.save(
            "Figure as PNG", lambda: images.png(plots.page(charts(study, found, relative), title)),
            f"{name}.png", "image/png", key=f"{PAGE}.png", icon="image",
        )  # fmt: skip
        evidence.save(
            "As PDF", lambda: images.pdf(plots.page(charts(study, found, relative), title), title),
            f"{name}.pdf", "application/pdf", key=f"{PAGE}.pdf", icon="picture_as_pdf",
        )  # fmt: skip
        evidence.save(
            "Numbers as CSV", lambda: export.as_csv(numbers(study, found)), f"{name}.csv", "text/csv",
            key=f"{PAGE}.csv", icon="download",
        )  # fmt: skip


def reaches(study: Study, curves: Curves) -> list[dict[str, str]]:
    """A row for each picture, the numbers of its curves."""
    first, top = study.paths
    change = CHANGES[curves.kind]
    far = reach(curves)
    return [
        {
            "Picture": short(photo),
            "Class followed": study.followed(curves, at),
            "P, untouched": f"{curves.probability[curves.still, at]:.0%}",
            "Keeps half of it up to": f"{far[at]:g}{'°' if change.unit == '°' else f' {change.unit}'}",
            "Mean change, first layer": f"{mean_change(curves, first)[at]:.2f}",
            "top layer": f"{mean_change(curves, top)[at]:.2f}",
        }
        for at, photo in enumerate(study.photos)
    ]
