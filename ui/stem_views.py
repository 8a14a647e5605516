"""The ways in which the page First layers examines filters; one is shown at a time."""

from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st
from plotly.graph_objects import Figure
from torch import Tensor

from ui import background, bound, evidence, export, looking, picture_sets, prose
from ui.background import Seen
from ui.stem_study import PAGE, SIDE, STRIDES, Study
from ui.subject import Subject
from ui.subject import title as title_of
from viz import images, stems, tiles
from viz.figures import stems as figures
from viz.figures.stems import Pixels, Profile
from viz.stems import CLIP, PICTURES

BANDS = (1 / 16, 1 / 8, 1 / 4)  # edges, cycles per pixel
_PICTURES = {"zone": "Zone plate", "chirp": "Chirp", "stripes": "Stripes", "noise": "Noise as in photos"}
_THRESHOLDS = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
_FILTERS = 12  # from which one can be chosen for the answers
_EVERY = 0.6  # seconds between looks at what is under way
_FIRST = 0.5  # seconds that the page waits for it
_TILE = 84  # pixels of a projection
_ACROSS = 4


def spectrum(studies: Sequence[Study]) -> None:
    """What frequencies and directions the filters answer to."""
    words = prose.words(PAGE)
    alike = bound.switch("Each filter counts the same", "stems.alike", help=words["alike"])
    found = [study.spectrum(alike=alike) for study in studies]
    _said("spectrum", _spectrum_said(studies, alike))
    most = max(float(each.power.max()) for each in found)
    planes = [figures.spectrum(each.power.numpy(), most=most) for each in found]
    pictures(
        [
            figure(study, plane, f"Mean spectrum of the filters of {study.name}", words["plane"])
            for study, plane in zip(studies, planes, strict=True)
        ],
        least=200, most=22,
    )  # fmt: skip
    scale = figures.heat_scale()
    st.html(f'<div class="zl-scale"><i style="background:{scale}"></i><span>0</span><span></span>'
            f'<span>{most:.1f} times white noise; lightness is its square root</span></div>')  # fmt: skip
    rows = list(zip(studies, found, strict=True))
    radial = figures.radial(
        [
            Profile(look=s.look, x=e.radius.numpy(), y=e.radial.numpy(), mark=0.5 / s.stem.stride)
            for s, e in rows
        ]
    )
    oriented = figures.oriented(
        [Profile(look=s.look, x=e.angle.numpy(), y=e.oriented.numpy()) for s, e in rows]
    )
    preferred = figures.preferred([(s.look, e.peak.numpy()) for s, e in rows])
    left, right = st.columns(2, gap="large")
    with left:
        chart(radial, "radial", "Power of the filters of each network over frequency", words["radial"])
    with right:
        chart(oriented, "oriented", "Power of the filters over the direction of stripes", words["oriented"])
    chart(preferred, "preferred", "The frequency that each filter answers to most", words["preferred"])
    with st.container(horizontal=True, gap="small"):
        evidence.save(
            "Spectra (PNG)", lambda: images.png(figures.beside(planes)), "zoolens-spectra.png", "image/png",
            key="stems.spectrum.png", icon="image",
        )  # fmt: skip
        evidence.save(
            "Profiles (CSV)", lambda: export.as_csv(_profiles(studies, alike)), "zoolens-spectra.csv",
            "text/csv", key="stems.spectrum.csv", icon="table",
        )  # fmt: skip


def _spectrum_said(studies: Sequence[Study], alike: bool) -> str:
    rows: list[dict[str, object]] = []
    middle: list[tuple[float, Study]] = []
    edges = ("below 1/16", "1/16 to 1/8", "1/8 to 1/4", "above 1/4")
    for study in studies:
        found = study.spectrum(alike=alike)
        shares = stems.bands(found, BANDS)
        beyond = stems.folded(len(found.power), study.stem.stride)
        lost = float(found.power[beyond].sum() / found.power.sum())
        row: dict[str, object] = {"": study.name}
        row |= {words: _percent(share) for words, share in zip(edges, shares, strict=True)}
        rows.append(row | {"finer than its stride holds": _percent(lost)})
        middle.append((sum(shares[1:3]), study))
    told = _contrast(middle, "of its power lies in the middle, from 1/16 to 1/4")
    return f"{told}\n\n{export.as_markdown(rows)}"


def _profiles(studies: Sequence[Study], alike: bool) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for study in studies:
        found = study.spectrum(alike=alike)
        for what, at, power in (
            ("cycles per pixel", found.radius, found.radial), ("degrees", found.angle, found.oriented),
        ):  # fmt: skip
            rows += [
                {"network": study.name, "over": what, "at": x, "power": y}
                for x, y in zip(at.tolist(), power.tolist(), strict=True)
            ]
    return rows


def aliasing(studies: Sequence[Study]) -> None:
    """A picture of all frequencies, answered at every pixel and at every few."""
    words = prose.words(PAGE)
    left, middle, right = st.columns([3, 2, 2], gap="medium", vertical_alignment="bottom")
    with left:
        kind = bound.segments("Picture", "stems.picture", _PICTURES, help=words["pictures"])
    with middle:
        own = {"own": "Its own"} | {str(stride): str(stride) for stride in STRIDES}
        chosen = bound.segments("Stride", "stems.stride", own, help=words["stride"])
    with right:
        rank = bound.slider(
            "Filter, by what it loses", "stems.filter", list(range(1, _FILTERS + 1)), 1, help=words["filter"]
        )
    found = [study.aliasing(kind) for study in studies]
    _said("aliasing", _aliasing_said(studies, kind))
    picture = PICTURES[kind](SIDE).float()
    shown: list[str] = [figure(None, _grey(picture - 0.5), f"The picture: {_PICTURES[kind]}", words[kind])]
    taken: list[Pixels] = [_grey(picture - 0.5)]
    for study in studies:
        stride = study.stem.stride if chosen == "own" else int(chosen)
        number = _losing(study, kind, rank)
        answer = stems.answer(study.grey[number], picture[None])
        answer = answer - answer.mean()
        most = float(answer.abs().max())
        lost = float(study.aliasing(kind).get(stride, study.aliasing(kind)[study.stem.stride]).each[number])
        for step in dict.fromkeys((1, stride)):
            pixels = figures.answer(answer[::step, ::step].numpy(), size=1, most=most)
            taken.append(pixels)
            every = "at every pixel" if step == 1 else f"at every {_ordinal(step)} pixel"
            note = f"Filter {number} {every}" + (f": {_percent(lost)} of it aliased" if step > 1 else "")
            shown.append(figure(study, pixels, f"Answer of filter {number} of {study.name} {every}", note))
    pictures(shown, least=220, most=26)
    st.caption(words["answers"])
    strides = figures.lost(
        [
            (study.look, list(each), [one.share for one in each.values()], study.stem.stride)
            for study, each in zip(studies, found, strict=True)
        ]
    )
    chart(strides, "lost", "The aliased share of the filters' answers over the stride", words["lost"])
    with st.container(horizontal=True, gap="small"):
        evidence.save(
            "Answers (PNG)", lambda: images.png(figures.beside(taken)), "zoolens-aliasing.png", "image/png",
            key="stems.aliasing.png", icon="image",
        )  # fmt: skip
        evidence.save(
            "Shares (CSV)", lambda: export.as_csv(_shares(studies, kind)), "zoolens-aliasing.csv", "text/csv",
            key="stems.aliasing.csv", icon="table",
        )  # fmt: skip


def _losing(study: Study, kind: str, rank: int) -> int:
    """The filter that loses the `rank`-th most energy by its network's stride; without a stride, has most."""
    found = study.aliasing(kind)[study.stem.stride]
    lost = found.energy * found.each
    order = (lost if study.stem.stride > 1 else found.energy).argsort(descending=True, stable=True)
    return int(order[min(rank, len(order)) - 1])


def _aliasing_said(studies: Sequence[Study], kind: str) -> str:
    rows: list[dict[str, object]] = []
    for study in studies:
        found = study.aliasing(kind)
        row: dict[str, object] = {"": study.name}
        row["aliased by its own stride"] = _percent(found[study.stem.stride].share)
        row |= {f"by {stride}": _percent(found[stride].share) for stride in STRIDES[1:]}
        rows.append(row)
    shares = [(study.aliasing(kind)[study.stem.stride].share, study) for study in studies]
    return f"{_contrast(shares, 'of its answers is aliased by its own stride')}\n\n{export.as_markdown(rows)}"


def _contrast(shares: Sequence[tuple[float, Study]], what: str) -> str:
    """Who has most and who has least of something, in a sentence; "" where there is nothing to compare."""
    if len(shares) < 2:
        return ""
    (least, low), (most, high) = (pick(shares, key=lambda each: each[0]) for pick in (min, max))
    if most == least:
        return f"All alike: {_percent(most)} {what}."
    names = [prose.literal(study.name) for study in (high, low)]
    return f"**{names[0]}**: {_percent(most)} {what}. **{names[1]}**: {_percent(least)}."


def _shares(studies: Sequence[Study], kind: str) -> list[dict[str, object]]:
    return [
        {
            "network": study.name, "picture": kind, "stride": stride, "own": stride == study.stem.stride,
            "aliased_share": found.share,
        }
        for study in studies
        for stride, found in study.aliasing(kind).items()
    ]  # fmt: skip


def silent(studies: Sequence[Study]) -> None:
    """Maps that no picture of a set gets to answer."""
    words = prose.words(PAGE)
    token = _set(studies)
    threshold = bound.slider(
        "Silent is what reaches at most this share of the loudest map", "stems.threshold", _THRESHOLDS, 0.01,
        words=lambda share: f"{share:.1%}".replace(".0%", "%"), help=words["threshold"],
    )  # fmt: skip
    seen = _scans(studies, token)
    armed = any(each.alive for each in seen)

    @looking.again(_EVERY if armed else None)
    def live() -> None:
        now = _scans(studies, token)
        _said("silent", _silent_said(_shares_of(studies, now, threshold)))
        _progress(studies, now)
        if armed and not any(each.alive for each in now):
            st.rerun()

    live()
    shares = _shares_of(studies, seen, threshold)
    if armed or not shares:
        return
    known = [(study, each.result) for study, each in zip(studies, seen, strict=True) if each.result]
    left, right = st.columns(2, gap="large")
    with left:
        bars = figures.silent([(study.look, paths, layers) for study, paths, layers, _ in shares])
        chart(bars, "silent", "The share of silent maps in each layer of each network", words["layers"])
    with right:
        curves = figures.levels(
            [
                (study.look, next(iter(index.layers.values())).values[:, 0].clamp_min(0).numpy())
                for study, index in known
            ],
            threshold,
        )
        chart(curves, "levels", "The loudest activation of each map of layer 1, sorted", words["levels"])
    rows = [
        {"network": study.name, "layer": path, "map": at, "largest_activation": value}
        for study, index in known
        for path, top in index.layers.items()
        for at, value in enumerate(top.values[:, 0].tolist())
    ]
    evidence.save(
        "Largest activations (CSV)", lambda: export.as_csv(rows), "zoolens-silent-maps.csv", "text/csv",
        key="stems.silent.csv", icon="table",
    )  # fmt: skip


Silent = tuple[Study, list[str], list[float], int]  # layers, the share of silent maps of each, pictures


def _shares_of(studies: Sequence[Study], seen: Sequence[Seen], threshold: float) -> list[Silent]:
    """Of those networks of which something is known."""
    return [
        (
            study,
            list(each.result.layers),
            [stems.silent(top.values[:, 0], threshold) for top in each.result.layers.values()],
            each.result.count,
        )
        for study, each in zip(studies, seen, strict=True)
        if each.result is not None
    ]


def _silent_said(rows: Sequence[Silent]) -> str:
    if not rows:
        return ""
    said: list[dict[str, object]] = []
    for study, _, shares, count in rows:
        maps = len(study.stem.weight)
        said.append(
            {
                "": study.name, "pictures": count,
                "silent in layer 1": f"{round(shares[0] * maps)} of {maps}",
                "layers searched": len(shares), "silent in all of them": _percent(sum(shares) / len(shares)),
            }
        )  # fmt: skip
    first = [(shares[0], study) for study, _, shares, _ in rows]
    return f"{_contrast(first, 'of the maps of layer 1 are silent')}\n\n{export.as_markdown(said)}"


def second(studies: Sequence[Study]) -> None:
    """Layer 2 sent back to the pixels."""
    words = prose.words(PAGE)
    token = _set(studies)
    stretch = bound.switch(
        "Stretch the contrast of each tile", "stems.stretch", default=True, help=words["stretch"]
    )
    _said("second", "")
    seen = _seconds(studies, token)
    armed = any(each is not None and each.alive for each in seen)

    @looking.again(_EVERY if armed else None)
    def live() -> None:
        now = _seconds(studies, token)
        shown = []
        for study, each in zip(studies, now, strict=True):
            shown += _projections(study, each, token, stretch)
        pictures([html for html, _ in shown], least=360, most=30)
        if armed and not any(each is not None and each.alive for each in now):
            st.rerun()

    live()
    if armed:
        return
    made = [
        picture
        for study, each in zip(studies, seen, strict=True)
        for _, picture in _projections(study, each, token, stretch)
        if picture is not None
    ]
    if made:
        with st.container(horizontal=True, gap="small"):
            evidence.save(
                "Layer 2 (PNG)", lambda: images.png(figures.beside(made)), "zoolens-layer-2.png", "image/png",
                key="stems.second.png", icon="image",
            )  # fmt: skip
            evidence.save(
                "Layer 2 (PDF)", lambda: images.pdf(figures.beside(made), "Layer 2"), "zoolens-layer-2.pdf",
                "application/pdf", key="stems.second.pdf", icon="picture_as_pdf",
            )  # fmt: skip


def _projections(
    study: Study, seen: Seen | None, token: str, stretch: bool
) -> list[tuple[str, Pixels | None]]:
    """Projections of a network in a grid, and what they are projections of; or why there are none."""
    if study.no_projections is not None:
        return [(figure(study, None, "", study.no_projections), None)]
    if seen is None or seen.result is None or isinstance(seen.result, str):
        doing = "" if seen is None else f": {background.told(seen)}"
        why = (
            seen.why
            if seen is not None and seen.state == "failed"
            else f"Looking for the loudest units{doing}"
        )
        return [(figure(study, None, "", why), None)]
    found = seen.result
    if not found:
        return [(figure(study, None, "", "All maps of layer 2 are silent on these pictures."), None)]
    drawn = study.pictures(token)
    most = max(tiles.strength(each.image) for _, _, each in found)
    cut, patches = [], []
    for _, at, each in found:
        left, top, right, bottom = each.box
        cut.append(tiles.picture(each.image[:, top:bottom, left:right], stretch, most))
        patches.append(drawn.image(at).crop(each.box))
    numbers = ", ".join(str(channel) for channel, _, _ in found)
    sheets = [np.asarray(tiles.grid(each, _TILE, _ACROSS)) for each in (cut, patches)]
    layer = study.stem.layers[1].path
    wide, high = (max(each.box[at + 2] - each.box[at] for _, _, each in found) for at in (0, 1))
    return [
        (
            figure(study, sheets[0], f"Projections of layer 2 of {study.name}", f"{layer}, maps {numbers}"),
            sheets[0],
        ),
        (
            figure(
                study, sheets[1], f"Parts of pictures that they are projections of, {study.name}",
                f"What these units saw: up to {wide} × {high} pixels",
            ),
            sheets[1],
        ),
    ]  # fmt: skip


def clip(studies: Sequence[Study]) -> None:
    """The size of each filter, and the line at which ZFNet's training scales filters back."""
    words = prose.words(PAGE)
    rows: list[dict[str, object]] = []
    for study in studies:
        rms = study.stem.rms
        share = study.stem.weight.square().sum((1, 2, 3))
        rows.append(
            {
                "": study.name, "largest": f"{float(rms.max()):.3f}", "middle": f"{float(rms.median()):.3f}",
                "largest / middle": f"{float(rms.max() / rms.median().clamp_min(1e-12)):.1f}",
                f"above {CLIP:g}": f"{int((rms > CLIP + 1e-4).sum())} of {len(rms)}",
                "energy in the largest": _percent(float(share.max() / share.sum().clamp_min(1e-30))),
            }
        )  # fmt: skip
    _said("clip", export.as_markdown(rows))
    most = max(float(study.stem.rms.max()) for study in studies)
    for at, column in enumerate(st.columns(len(studies) if len(studies) < 3 else 2, gap="large")):
        with column:
            for study in studies[at :: len(studies) if len(studies) < 3 else 2]:
                bars = figures.sizes(study.look, study.stem.rms.numpy(), CLIP, most)
                alt = f"Root mean square of the filters of {study.name}, the largest first"
                chart(bars, f"sizes.{studies.index(study)}", alt, "")
    st.caption(words["sizes"])


def _set(studies: Sequence[Study]) -> str:
    """The pictures that all networks are run over."""
    first = studies[0]
    loaded = Subject(
        first.specimen, first.loaded, title_of(first.specimen), first.specimen.weights != "random"
    )
    return picture_sets.choose(PAGE, loaded).token


def _scans(studies: Sequence[Study], token: str) -> list[Seen]:
    seen = []
    for study in studies:
        if study.stem.layers:
            seen.append(study.scanned(token))
        else:
            why = "No layer of this network says where in the picture something is."
            seen.append(Seen(state="failed", share=0, result=None, place=0, seconds=0, why=why))
    return seen


def _seconds(studies: Sequence[Study], token: str) -> list[Seen | None]:
    """How far the projections of each network are; None where there can be none."""
    found: list[Seen | None] = []
    for study in studies:
        if study.no_projections is not None:
            found.append(None)
            continue
        scan = study.scanned(token)
        if scan.state != "done":
            found.append(
                Seen(
                    state=scan.state,
                    share=scan.share,
                    result=None,
                    place=scan.place,
                    seconds=scan.seconds,
                    why=scan.why,
                )
            )
        else:
            found.append(study.second(token, scan.result))
    return found


def _progress(studies: Sequence[Study], seen: Sequence[Seen]) -> None:
    """What is under way, and what has failed."""
    for study, each in zip(studies, seen, strict=True):
        if each.alive:
            st.progress(each.share, f"{prose.literal(study.name)}: {background.told(each)}")
        elif each.state == "failed":
            st.warning(prose.literal(f"{study.name}: {each.why}"), icon=":material/error:")


def _said(view: str, measured: str) -> None:
    """What the paper saw, and what was measured here, beside each other."""
    words = prose.words(PAGE)
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(f"**The paper.** {words[f'{view} paper']}")
    with right:
        st.markdown(f"**Here.** {words[f'{view} here']}")
        if measured:
            st.markdown(measured)


def figure(study: Study | None, pixels: Pixels | None, alt: str, note: str) -> str:
    """A picture in squares, with a title and a line below; or the line alone, where there is none."""
    title = ""
    if study is not None:
        swatch = f'<span class="swatch" style="background:{study.look.colour}"></span>'
        title = f'<div class="title">{swatch}{escape(study.name)}</div>'
    else:
        title = '<div class="title">The picture</div>'
    if pixels is None:
        return f'<figure>{title}<div class="none">{escape(note)}</div></figure>'
    return (
        f'<figure>{title}<img src="{images.uri(images.png(pixels))}" alt="{escape(alt)}">'
        f"<figcaption>{escape(note)}</figcaption></figure>"
    )


def pictures(shown: Sequence[str], *, least: int, most: int = 34) -> None:
    """Side by side, each at least `least` pixels and at most `most` rem wide."""
    st.html(f'<div class="zl-stems" style="--least:{least}px;--most:{most}rem">{"".join(shown)}</div>')


def chart(drawn: Figure, key: str, alt: str, note: str) -> None:
    """A chart and what to notice in it."""
    st.plotly_chart(drawn, key=f"stems.{key}", config=export.picture(f"zoolens-stems-{key}"), alt=alt)
    if note:
        st.caption(note)


def _grey(values: Tensor) -> Pixels:
    return figures.answer(values.numpy(), size=1)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.0995 or share == 0 else f"{share:.1%}"


def _ordinal(number: int) -> str:
    return {2: "second", 4: "fourth", 8: "eighth", 16: "sixteenth"}.get(number, f"{number}th")
