"""What a network makes of its pictures at one epoch: the panels below the curves of a run.

Only the panel that is open is drawn. Pictures go to the browser as PNG inside the text, a few kB each.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from training.recipe import Recipe
from ui import bound, cached, charts, prose
from ui.live import Log
from viz import images
from viz.figures import sheets
from viz.figures.snapshot import confusion
from viz.figures.training import Strip, heat

Arrays = Mapping[str, NDArray[Any]]

_STYLE = Path(__file__).with_name("run_view.css")
_PAIRS = 5  # of classes, that are named
_BARS = 10  # classes of which a picture shows a bar
_SHEET = 56  # px: about the side of a filter or map on its sheet
_QUANTITIES = {"gradient": "Gradient norm", "change": "Weight change", "dead": "Dead units"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Moment:
    """A run after one epoch, with the pictures that it is judged by where this disk has them."""

    run: tuple[str, str]  # the folder of all runs, and the id
    log: Log
    classes: tuple[str, ...]
    handful: tuple[int, ...]
    stages: tuple[str, ...]
    epoch: int
    arrays: Arrays
    first: Arrays  # before the first step
    images: NDArray[np.uint8] | None  # (N, C, H, W)
    labels: NDArray[np.int64] | None
    why: str  # there are no pictures
    page: str  # prefix of the keys


def panels(moment: Moment) -> None:
    """The choice of a panel, and that panel."""
    st.html(_STYLE)
    names = {name: title for name, (title, _) in _PANELS.items()}
    chosen = bound.segments("Look at", f"{moment.page}.look", names)
    _PANELS[chosen][1](moment)


def pictures(recipe: Recipe, channels: int) -> tuple[NDArray[np.uint8] | None, NDArray[np.int64] | None, str]:
    """The validation pictures and their labels; or neither, and why in a sentence."""
    try:
        images, labels = cached.held_out(
            recipe.data, recipe.images, recipe.validation, recipe.size, channels, recipe.seed
        )
    except ValueError as error:
        return None, None, str(error)
    return images, labels, ""


def _words(name: str, **values: object) -> str:
    return prose.words("run")[name].format(**values)


def _unseen(moment: Moment) -> None:
    if moment.images is None:
        st.info(_words("unseen", why=prose.literal(moment.why)), icon=":material/hide_image:")


def _html(moment: Moment, name: str, make: Callable[[Moment], str]) -> None:
    """A panel made of words and pictures, made once for all who look at this moment."""
    what = (name, *moment.run, moment.epoch, moment.images is None)
    st.html(cached.once(what, lambda: make(moment)))


# Predictions


def _predictions(moment: Moment) -> None:
    _unseen(moment)
    _html(moment, "predictions", cards)
    st.caption(_words("predictions"))


def cards(moment: Moment) -> str:
    """The handful: each picture with the probability of every class, or of the likeliest of many."""
    found = []
    for index, row in zip(moment.handful, moment.arrays["probabilities"].astype(float), strict=True):
        true = None if moment.labels is None else int(moment.labels[index])
        shown = [*range(len(row))]
        if len(row) > _BARS:
            shown = sorted(np.argsort(-row, kind="stable")[: _BARS // 2].tolist())
            shown += [true] if true is not None and true not in shown else []
        bars = "".join(_bar(moment.classes[each], row[each], each == true) for each in shown)
        image = _picture(moment, index)
        found.append(f'<div class="zl-card">{image}<dl class="zl-bars">{bars}</dl></div>')
    return f'<div class="zl-cards" data-epoch="{moment.epoch}">{"".join(found)}</div>'


def _bar(name: str, probability: float, true: bool) -> str:
    mark = " true" if true else ""
    return (
        f'<dt class="{mark}" title="{escape(name)}">{escape(name)}</dt>'
        f'<dd class="zl-bar{mark}"><i style="width:{probability:.1%}"></i></dd>'
        f'<dd class="zl-number{mark}">{probability:.0%}</dd>'
    )


def _picture(moment: Moment, index: int) -> str:
    """A validation picture, or its number where the picture is not here."""
    if moment.images is None or moment.labels is None:
        return f'<span class="zl-blank">No. {index}</span>'
    png = sheets.sheet(sheets.photos(moment.images[index : index + 1]), columns=1, side=1)
    name = moment.classes[int(moment.labels[index])]
    return _image(png, f"Validation picture {index}: {name}")


def _image(png: bytes, alt: str) -> str:
    return f'<img src="{images.uri(png)}" alt="{escape(alt)}">'


# Confusion


def _confusion(moment: Moment) -> None:
    counts = moment.arrays["confusion"]
    right = int(np.trace(counts))
    what = ("confusion", *moment.run, moment.epoch)
    figure = cached.once(what, lambda: confusion(counts, moment.classes))
    left, beside = st.columns([3, 2], gap="large")
    with left:
        charts.steady(
            figure, f"{moment.page}.confusion", name="zoolens-confusion",
            alt=f"Confusion matrix after epoch {moment.epoch}: {right} of {counts.sum()} are right",
        )  # fmt: skip
    with beside:
        st.markdown(f"**{right:,} of {int(counts.sum()):,} are right.** Most often confused:")
        st.markdown(pairs(counts, moment.classes))
        st.caption(_words("confusion"))


def pairs(counts: NDArray[np.integer], classes: Sequence[str]) -> str:
    """The largest numbers off the diagonal, as a list."""
    wrong = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    worst = np.argsort(-wrong, axis=None, kind="stable")[:_PAIRS]
    rows = []
    for true, said in zip(*np.unravel_index(worst, wrong.shape), strict=True):
        if wrong[true, said]:
            names = f"{prose.literal(classes[true])} taken for {prose.literal(classes[said])}"
            rows.append(f"- {names}: {wrong[true, said]} of {counts[true].sum()}")
    return "\n".join(rows) or "- nothing"


# Filters and maps


def _filters(moment: Moment) -> None:
    if "filters" not in moment.arrays:
        st.info(_words("nothing"), icon=":material/hide_image:")
        return
    _html(moment, "filters", _filter_sheets)
    _, largest, words = sheets.filters(moment.arrays["filters"])
    st.caption(_words("filters", words=words, largest=largest))


def _filter_sheets(moment: Moment) -> str:
    drawn = []
    for title, arrays in (
        (f"After epoch {moment.epoch}", moment.arrays),
        ("Before the first step", moment.first),
    ):
        shown, _, _ = sheets.filters(arrays["filters"])
        kind = f"{len(shown)} filters of {shown.shape[1]} × {shown.shape[2]}"
        drawn.append((title, shown, 8, f"{title}: {kind}"))
    return _sheets(*drawn)


def _maps(moment: Moment) -> None:
    _unseen(moment)
    _html(moment, "maps", _map_sheets)
    st.caption(_words("maps"))


def _map_sheets(moment: Moment) -> str:
    drawn = []
    if moment.images is not None:
        index = moment.handful[0]
        photo = sheets.photos(moment.images[index : index + 1])
        drawn.append(("The picture", photo, 1, f"Validation picture {index}"))
    for number, stage in enumerate(moment.stages):
        maps = moment.arrays[f"activation.{number}"]
        title = f"{stage}, {len(maps)} maps of {maps.shape[1]} × {maps.shape[2]}"
        drawn.append((title, maps, 8, f"{title}, after epoch {moment.epoch}"))
    return _sheets(*drawn)


def _sheets(*drawn: tuple[str, sheets.Pixels, int, str]) -> str:
    """Sheets beside each other, each with its title, its pictures, how many stand in a row, and in words."""
    parts = []
    for title, shown, columns, alt in drawn:
        png = sheets.sheet(shown, columns=columns, side=_SHEET if columns > 1 else 2 * _SHEET)
        parts.append(f"<figure><figcaption>{escape(title)}</figcaption>{_image(png, alt)}</figure>")
    return f'<div class="zl-sheets">{"".join(parts)}</div>'


# Layers by epochs


def _layers(moment: Moment) -> None:
    quantity = bound.segments("Of each layer", f"{moment.page}.quantity", _QUANTITIES)
    found = strip(moment.log, quantity)
    if found is None:
        st.info(_words("deathless" if quantity == "dead" else "early"), icon=":material/hourglass_empty:")
        return
    what = ("layers", *moment.run, quantity, len(found.epochs), moment.epoch)
    figure = cached.once(what, lambda: heat(found, moment.epoch))
    charts.steady(
        figure, f"{moment.page}.layers", name=f"zoolens-{quantity}",
        alt=f"{found.title}: {len(found.layers)} layers over {len(found.epochs)} epochs",
    )  # fmt: skip
    st.caption(f"{_words('layers')} {_words(quantity)}")


def strip(log: Log, quantity: str) -> Strip | None:
    """A quantity of every layer at every epoch so far; None where there is none."""
    if log.started is None:
        return None
    if quantity == "dead":
        rows: Sequence[Sequence[float]] = log.dead
        layers, epochs, unit = log.started.activations, log.seen, "of the units are dead"
    else:
        rows = [each.gradient if quantity == "gradient" else each.change for each in log.epochs]
        layers, epochs = log.started.layers, tuple(each.epoch for each in log.epochs)
        unit = "norm of the gradient" if quantity == "gradient" else "of the weights' norm"
    if not rows or not layers:
        return None
    return Strip(
        title=_QUANTITIES[quantity], unit=unit, layers=layers, epochs=epochs, values=np.array(rows).T,
        shares=quantity == "dead",
    )  # fmt: skip


# The most wrong pictures


def _wrong(moment: Moment) -> None:
    _unseen(moment)
    if not len(moment.arrays["wrong.index"]):
        st.success(_words("right"), icon=":material/check:")
        return
    _html(moment, "wrong", mistakes)
    st.caption(_words("wrong"))


def mistakes(moment: Moment) -> str:
    """The worst mistakes, the worst first: truth, prediction and how sure it was."""
    columns = (
        moment.arrays[f"wrong.{name}"].tolist() for name in ("index", "predicted", "probability", "loss")
    )
    found = []
    for index, predicted, probability, loss in zip(*columns, strict=True):
        true = "" if moment.labels is None else f"<b>{escape(moment.classes[moment.labels[index]])}</b><br>"
        words = f"{true}taken for {escape(moment.classes[predicted])} {probability:.0%}<br>loss {loss:.2f}"
        found.append(
            f'<figure class="zl-card">{_picture(moment, index)}<figcaption>{words}</figcaption></figure>'
        )
    return f'<div class="zl-cards small" data-epoch="{moment.epoch}">{"".join(found)}</div>'


_PANELS: Mapping[str, tuple[str, Callable[[Moment], None]]] = MappingProxyType(
    {
        "predictions": ("Predictions", _predictions),
        "confusion": ("Confusion", _confusion),
        "filters": ("First filters", _filters),
        "maps": ("Activation maps", _maps),
        "layers": ("Layers × epochs", _layers),
        "wrong": ("Most wrong", _wrong),
    }
)
