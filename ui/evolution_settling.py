"""How soon the layers of a run settle: each epoch compared with the newest, or with the one before."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from ui import bound, cached, export, prose
from ui.evidence import save
from ui.evolution_film import Film
from ui.evolution_work import Column
from viz import evolution
from viz.evolution import Likeness
from viz.figures import evolution as figures

_BY = {"answers": "Answers", "filters": "Filters", "winners": "Winners"}
_WITH = {"newest": "The newest epoch", "before": "The epoch before"}
LEAST = 0.9  # of a correlation from which on a layer counts as settled


@dataclass(frozen=True, kw_only=True)
class Settling:
    """A layer over the epochs."""

    depth: int
    to_newest: tuple[Likeness, ...]  # of each epoch
    to_before: tuple[Likeness, ...]  # from the second epoch on
    jumps: float  # winners that changed from one epoch to the next, a map, on average

    def values(self, by: str, other: str) -> list[float]:
        """One measure over the epochs; NaN where there is no epoch before."""
        rows = self.to_newest if other == "newest" else self.to_before
        found = [float(getattr(each, by)) for each in rows]
        return found if other == "newest" else [float("nan"), *found]

    def settled(self, epochs: Sequence[int], by: str) -> int | None:
        """The first epoch from which on it is at least LEAST alike to the newest; None: not before it."""
        at = evolution.settled(self.values(by, "newest"), LEAST)
        return None if at is None else epochs[at]


def measured(known: Sequence[Column], token: str) -> tuple[Settling, ...]:
    """Of every layer, over the epochs that are known. Kept by the digests of their weights."""
    moments = [column.moment for column in known if column.moment]

    def made() -> tuple[Settling, ...]:
        found = []
        for layer in moments[-1].layers:
            answers = [moment.answers[layer.path] for moment in moments]
            pairs = list(zip(answers[1:], answers[:-1], strict=True))
            moved = sum(int((one.winners != other.winners).sum()) for one, other in pairs)
            found.append(
                Settling(
                    depth=layer.depth,
                    to_newest=tuple(evolution.likeness(each, answers[-1]) for each in answers),
                    to_before=tuple(evolution.likeness(*pair) for pair in pairs),
                    jumps=moved / layer.maps,
                )
            )
        return tuple(found)

    return cached.once(("evolution settling", tuple(moment.digest for moment in moments), token), made)


def render(film: Film, known: Sequence[Column]) -> None:
    words = prose.words("evolution")
    st.header("How soon each layer settles")
    with st.container(horizontal=True, gap="large"):
        by = bound.segments("Compare", "evolution.by", _BY, help=words["by"])
        other = bound.segments("With", "evolution.with", _WITH)
    epochs = [column.epoch for column in known]
    layers = measured(known, film.pictures.token)
    share = by == "winners"
    figure = figures.curves(
        epochs, {f"layer {each.depth}": each.values(by, other) for each in layers},
        title=f"{_BY[by]} against {_WITH[other].lower()}",
        y="Share of maps with the same winner" if share else "Correlation", shares=True,
    )  # fmt: skip
    st.plotly_chart(
        figure, key="evolution.settling", config=export.picture("zoolens-evolution-settling"),
        alt=f"{_BY[by]} of {len(layers)} layers compared with {_WITH[other].lower()}, at epochs {epochs}",
    )  # fmt: skip
    st.caption(words[f"by {by}"])
    st.markdown(verdict(layers, epochs))
    rows = _table(layers, epochs)
    st.dataframe(rows, hide_index=True, key="evolution.settled")
    save(
        "Likeness (CSV)", lambda: export.as_csv(_likeness(layers, epochs)), "zoolens-evolution-settling.csv",
        "text/csv", key="evolution.settling.csv", icon="table",
    )  # fmt: skip


def verdict(layers: Sequence[Settling], epochs: Sequence[int]) -> str:
    """What was measured, in a sentence: the first and the last layer."""
    first, last = (_since(each, epochs) for each in (layers[0], layers[-1]))
    return (
        f"**Measured on this run:** the answers of layer {layers[0].depth} are at least {LEAST:g} alike to "
        f"those of epoch {epochs[-1]} {first}, those of layer {layers[-1].depth} {last}. Between the "
        f"{len(epochs)} epochs kept, a map's winner changed {layers[0].jumps:.1f} times in layer "
        f"{layers[0].depth} and {layers[-1].jumps:.1f} times in layer {layers[-1].depth}, on average."
    )


def _since(layer: Settling, epochs: Sequence[int]) -> str:
    epoch = layer.settled(epochs, "answers")
    return "at no earlier epoch that was kept" if epoch is None else f"from epoch {epoch} on"


def _table(layers: Sequence[Settling], epochs: Sequence[int]) -> list[dict[str, object]]:
    return [
        {
            "Layer": each.depth,
            "Answers settled from epoch": _epoch(each.settled(epochs, "answers")),
            "Filters settled from epoch": _epoch(each.settled(epochs, "filters")),
            "Answers, first epoch to newest": round(each.to_newest[0].answers, 2),
            "Filters, first epoch to newest": round(each.to_newest[0].filters, 2),
            "Jumps a map": round(each.jumps, 2),
        }
        for each in layers
    ]


def _epoch(epoch: int | None) -> str:
    return "–" if epoch is None else str(epoch)


def _likeness(layers: Sequence[Settling], epochs: Sequence[int]) -> list[dict[str, object]]:
    """A row for each layer and epoch."""
    return [
        {"layer": layer.depth, "epoch": epoch}
        | {f"{by}_to_{other}": layer.values(by, other)[at] for by in _BY for other in _WITH}
        for layer in layers
        for at, epoch in enumerate(epochs)
    ]
