"""Several networks under the same change, and things that look the same when they are turned."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from ui import bound, cached, evidence, export, invariance_photos, looking, prose, rows, state, subject
from ui.invariance_study import EVERY, PAGE, Study
from ui.photo import Photo
from viz.figures import invariance as figures
from viz.figures.invariance import Line
from viz.figures.style import GLYPHS
from viz.invariance import CHANGES, Curves, Fill, Kind, Values, mean_change
from zoo import Specimen, family_of, imagenet, weights

_NETS = f"{PAGE}.nets"
_MOST = 4  # networks
_COUNTS = (8, 16, 24, 40)  # pictures of a data set
_TURNED = 6  # pictures of each class of shapes
_SMALL = "lenet"  # of the networks that have learnt shapes, the one that has not learnt every pose
_PAPER = 224  # pixels a side of the paper's pictures


def render(study: Study, kind: Kind, source: str) -> None:
    words = prose.words(PAGE)
    st.header("Several networks")
    st.markdown(words["networks"])
    chosen = _choose(study.specimen)
    photos = study.photos
    if source != invariance_photos.SAMPLES:
        count = bound.slider("Pictures, of all classes", f"{PAGE}.count", _COUNTS, _COUNTS[1])
        photos = invariance_photos.pool(source, count)
    studies = [_study(each, photos, study.fill) for each in chosen]
    under_way = any([each.look(kind, last=True).alive for each in studies])

    @looking.again(EVERY if under_way else None)
    def live() -> None:
        seen = [each.look(kind, last=True) for each in studies]
        alive = sum(each.alive for each in seen)
        if alive:
            share = sum(each.share for each in seen) / len(seen)
            st.progress(share, f"{len(photos)} pictures, {len(studies)} networks: {share:.0%}")
        for each in seen:
            if each.state == "failed":
                st.error(prose.literal(each.why), icon=":material/error:")
        done = [(each, job.result) for each, job in zip(studies, seen, strict=True) if job.state == "done"]
        if done and not alive:
            _compare(done, kind)
        if under_way and not alive:
            st.rerun()

    live()


def _choose(own: Specimen) -> list[Specimen]:
    """The networks that the address names, else those that know the same classes; a list to choose others."""
    offered = {word: subject.parse(word) for word in subject.choices()}
    asked = state.query().get(_NETS)
    chosen: dict[str, Specimen] = {}
    if asked is None:
        alike = [each for each in offered.values() if _alike(own, each)]
        chosen = {subject.token(each): each for each in [own, *alike]}
    for word in filter(None, (asked or "").split(state.BETWEEN)):
        try:
            specimen = subject.parse(word)
            cached.loaded(specimen)
        except ValueError as error:
            st.warning(prose.literal(str(error)), icon=":material/link_off:")
        else:
            chosen[subject.token(specimen)] = specimen
    chosen = dict(list(chosen.items())[:_MOST])
    titles = {word: subject.title(each) for word, each in (offered | chosen).items()}
    key = state.shows(f"{_NETS}.list", list(chosen))
    st.multiselect(
        f"Networks, up to {_MOST}", list(titles), key=key, max_selections=_MOST,
        on_change=lambda: state.put(_NETS, state.BETWEEN.join(st.session_state[key])),
        format_func=lambda word: titles.get(word, word), placeholder="Choose networks",
        help=prose.words(PAGE)["nets"],
    )  # fmt: skip
    return list(chosen.values())


def _alike(own: Specimen, other: Specimen) -> bool:
    """Whether another network, that came with the app or was trained here, knows the same classes."""
    if other.weights == "imagenet" and other != subject.FIRST:  # large ones wait until they are asked for
        return False
    return _classes(own) == _classes(other)


def _classes(specimen: Specimen) -> tuple[str, ...]:
    """By name, without loading the network; none of a network that has learnt nothing."""
    if specimen.weights == "random":
        return ()
    return imagenet.labels() if specimen.weights == "imagenet" else weights.describe(specimen.weights).classes


def _study(specimen: Specimen, photos: Sequence[Photo], fill: Fill) -> Study:
    _, paths = cached.invariance_layers(specimen)
    return Study(
        specimen=specimen, loaded=cached.loaded(specimen), photos=tuple(photos), fill=fill, paths=paths
    )


def _compare(done: Sequence[tuple[Study, Curves]], kind: Kind) -> None:
    """Means over the pictures, a line and a band for each network, and a row of numbers."""
    words, change = prose.words(PAGE), CHANGES[kind]
    axis = change.axis
    if kind in ("vertical", "horizontal"):
        axis = f"{axis} of {_PAPER}"
    drawn = [
        ("First layers", "distance / length of f(x)", False, [_relative(*each, 0) for each in done]),
        ("Top layers", "distance / length of f(x)", False, [_relative(*each, 1) for each in done]),
        ("Probability of the class", "probability", True, [curves.probability for _, curves in done]),
    ]  # fmt: skip
    for number, (column, (title, y, shares, values)) in enumerate(
        zip(st.columns(3, gap="medium"), drawn, strict=True)
    ):
        lines = [
            Line(
                name=name, x=_amounts(study, curves), y=each.mean(1), low=np.quantile(each, 0.25, axis=1),
                high=np.quantile(each, 0.75, axis=1),
            )
            for name, (study, curves), each in zip(_names(done), done, values, strict=True)
        ]  # fmt: skip
        figure = figures.curves(lines, title=title, axis=axis, y=y, shares=shares)
        with column:
            st.plotly_chart(
                figure, key=f"{PAGE}.networks.{number}", config=export.picture(f"zoolens-{PAGE}-networks"),
                alt=f"{title}: mean over the pictures for each network",
            )  # fmt: skip
    st.caption(words["band"])
    found = table(done)
    rows.table(found, "The networks")
    st.caption(words["network numbers"])
    evidence.save(
        "Networks as CSV", lambda: export.as_csv(found), f"zoolens-{PAGE}-networks-{kind}.csv", "text/csv",
        key=f"{PAGE}.networks.csv", icon="download",
    )  # fmt: skip


def _names(done: Sequence[tuple[Study, Curves]]) -> list[str]:
    titles = [subject.title(study.specimen) for study, _ in done]
    short = [title.split(" · ")[0] for title in titles]
    return short if len(set(short)) == len(short) else titles


def _relative(study: Study, curves: Curves, at: int) -> Values:
    return curves.drawn(study.paths[at], relative=True)


def _amounts(study: Study, curves: Curves) -> Values:
    """Shifts in the paper's pixels, so that networks of other sizes can be compared."""
    shift = curves.kind in ("vertical", "horizontal")
    return np.array(curves.amounts) * (_PAPER / study.side if shift else 1)


def table(done: Sequence[tuple[Study, Curves]]) -> list[dict[str, str]]:
    """A row for each network, over all pictures."""
    found = []
    for at, (study, curves) in enumerate(done):
        targets = np.array(curves.targets)
        falls = curves.probability < curves.probability[curves.still] / 2
        found.append(
            {
                "Network": f"{GLYPHS[at]} {subject.title(study.specimen)}",
                "Layers": f"{study.paths[0]}, {study.paths[1]}",
                "First layer, mean change": f"{np.nanmean(mean_change(curves, study.paths[0])):.2f}",
                "Top layer, mean change": f"{np.nanmean(mean_change(curves, study.paths[1])):.2f}",
                "Says the class, untouched": f"{(curves.said[curves.still] == targets).mean():.0%}",
                "over the range": f"{(curves.said == targets).mean():.0%}",
                "Keep half of P all the way": f"{(~falls.any(0)).mean():.0%}",
            }
        )
    return found


def turned(fill: Fill) -> None:
    """Things of `shapes` turned all the way round: which of them a network still names."""
    words = prose.words(PAGE)
    st.header("Things that look the same")
    st.markdown(words["rings"])
    known = {f"shipped:{name}": weights.describe(f"shipped:{name}") for name in weights.shipped()}
    drawn = [name for name, facts in known.items() if facts.data == "shapes"]
    drawn.sort(key=lambda name: family_of(known[name].variant).key != _SMALL)
    titles = {name: subject.title(weights.specimen_of(name)) for name in drawn}
    name = bound.picker("Network that has learnt shapes", f"{PAGE}.turned", titles)
    photos = invariance_photos.pool("shapes", _TURNED * len(known[name].classes))
    study = _study(weights.specimen_of(name), photos, fill)
    under_way = study.look("rotation", last=True).alive

    @looking.again(EVERY if under_way else None)
    def live() -> None:
        seen = study.look("rotation", last=True)
        if seen.alive:
            st.progress(seen.share, f"{len(photos)} pictures: {seen.share:.0%}")
        elif seen.result is not None:
            _stable(study, seen.result)
        if under_way and not seen.alive:
            st.rerun()

    live()


def _stable(study: Study, curves: Curves) -> None:
    classes = study.loaded.labels
    stable = shares(curves, len(classes))
    figure = figures.bars(
        classes, stable, title="Named rightly, of all turns", axis="share of pictures and angles"
    )
    st.plotly_chart(
        figure, key=f"{PAGE}.turned.chart", config=export.picture(f"zoolens-{PAGE}-turned"),
        alt="For each class of shapes, how often the network names it, over all turns",
    )  # fmt: skip
    order = sorted(range(len(classes)), key=lambda at: -stable[at])
    ring = order.index(classes.index("ring")) + 1
    st.caption(
        f"Measured here: most stable **{classes[order[0]]}** ({stable[order[0]]:.0%}), least "
        f"**{classes[order[-1]]}** ({stable[order[-1]]:.0%}). The ring, which looks the same however it is "
        f"turned, comes in place {ring} of {len(classes)}. Each class is {_TURNED} pictures at "
        f"{len(curves.amounts)} angles; of the untouched ones the network names "
        f"{(curves.said[curves.still] == np.array(curves.targets)).mean():.0%}."
    )


def shares(curves: Curves, classes: int) -> list[float]:
    """Of each class, how often it is named, over its pictures and all amounts of the change."""
    targets = np.array(curves.targets)
    right = curves.said == targets
    return [float(right[:, targets == at].mean()) for at in range(classes)]
