"""The maps of an occlusion for the browser, and all of it to take away: pictures, numbers, code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st
import torch
from PIL import Image
from torch import Tensor

from ui import code, evidence, export, photo, prose
from ui.photo import Photo
from ui.subject import Subject
from viz import hooks, images, occlusion
from viz.deconvnet import Projection
from viz.figures import occlusion as figures
from viz.figures.occlusion import Panel
from viz.occlusion import Occluder, Occlusion, Values

_TOP = 5  # most probable labels of one place


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """What the reader looks at, apart from the numbers."""

    subject: Subject
    photo: Photo
    target: int  # class
    view: str  # "centre" or "averaged"
    fill: str

    @property
    def name(self) -> str:
        """The class in words."""
        return self.subject.loaded.labels[self.target]


def sheet(
    found: Occlusion, projection: Projection | str | None, image: Tensor, shown: Shown
) -> Mapping[str, object]:
    """What `ui.components.sliding_square` draws."""
    loaded = shown.subject.loaded
    picture = loaded.preprocess.crop(shown.photo.image)
    whole = _shares(found.whole_logits)
    first = int(whole.argmax())
    shares = _shares(found.logits)
    label = found.label.ravel()
    return {
        "title": "(a) The picture with the square",
        "alt": f"{shown.photo.title}, as the network sees it",
        "photo": images.uri(images.jpeg(images.shown(picture))),
        "side": found.shape,
        "size": found.size,
        "ys": found.ys,
        "xs": found.xs,
        **_cover(found, image, picture, shown),
        "target": shown.name,
        "whole": {"says": loaded.labels[first]},
        "says": [None if each < 0 else loaded.labels[each] for each in label],
        "top": [None if np.isnan(each) else round(float(each), 4) for each in shares.max(-1).ravel()],
        "panels": [panel.data() for panel in panels(found, projection, shown)],
    }


def panels(found: Occlusion, projection: Projection | str | None, shown: Shown) -> tuple[Panel, ...]:
    """The maps (b) to (f)."""
    words, name = prose.words("occlusion"), shown.name
    labels = found.spread(np.where(found.label < 0, np.nan, found.label))
    drawn = found.averaged if shown.view == "averaged" else found.centred
    probability = float(_shares(found.whole_logits)[found.target])
    score = float(found.whole_logits[found.target])
    return (
        figures.level(
            "activation", f"(b) Activation of map {found.channel}", words["activation"], found.activation,
            found.whole_activation - drawn("activation"), whole=found.whole_activation, unit="", floor=None,
        ),
        _projected(found, projection, words["projection"]),
        figures.level(
            "probability", f"(d) Probability of {name}", words["probability"], found.probability,
            probability - drawn("probability"), whole=probability, unit="share", floor=0.0,
        ),
        figures.labels(
            "label", "(e) Most probable label", words["label"], found.label,
            found.at_centres(labels), whole=int(found.whole_logits.argmax()),
            names=shown.subject.loaded.labels,
        ),
        figures.difference(
            "score", f"Score of {name}", words["score"], found.score, drawn("score"), whole=score, unit="",
            most=float(np.nanmax(np.abs(found.drop("score")), initial=0)),
        ),
    )  # fmt: skip


def _projected(found: Occlusion, projection: Projection | str | None, note: str) -> Panel:
    """The watched map, sent back to the pixels; or why not."""
    title = f"(c) What map {found.channel} answers to"
    if isinstance(projection, Projection):
        pixels = figures.stretched(projection.image.numpy())
        return Panel(key="projection", title=title, note=note, pixels=pixels, below=False)
    why = "Follows the first look." if projection is None else projection
    return Panel(key="projection", title=title, note="", pixels=None, why=why)


def answer(found: Occlusion, place: tuple[int, int], image: Tensor, shown: Shown) -> Mapping[str, object]:
    """What the network says with the square at this place: from the maps, or asked now."""
    logits = found.logits[place]
    if np.isnan(logits[0]):
        logits = _asked(found, place, image, shown)
    now, before = _shares(logits), _shares(found.whole_logits)
    labels = shown.subject.loaded.labels
    return {
        "at": (found.ys[place[0]], found.xs[place[1]]),
        "target": float(now[found.target]),
        "rows": [
            {"name": labels[each], "now": float(now[each]), "before": float(before[each])}
            for each in np.argsort(-now)[:_TOP]
        ],
    }


def _asked(found: Occlusion, place: tuple[int, int], image: Tensor, shown: Shown) -> Values:
    occluder = Occluder(
        shown.subject.loaded.model, image, 0, size=found.size, stride=found.stride, fill=shown.fill,
        layer=found.layer, preprocess=shown.subject.loaded.preprocess,
    )  # fmt: skip
    logits = hooks.observe(shown.subject.loaded.model, occluder.covered(*place)).logits
    return logits[0].numpy()


def _cover(found: Occlusion, image: Tensor, picture: Image.Image, shown: Shown) -> dict[str, object]:
    """What fills the square on screen: one colour, a colour for each place, or another picture beneath."""
    preprocess = shown.subject.loaded.preprocess
    if shown.fill == "local":
        pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)
        return {"cover": None, "tints": figures.tints(pixels, found.ys, found.xs, found.size)}
    cover = occlusion.covering(image, shown.fill, preprocess)[0]
    mean, deviation = (
        torch.tensor(each).reshape(-1, 1, 1) for each in (preprocess.mean, preprocess.deviation)
    )
    pixels = (255 * (cover * deviation + mean)).clamp(0, 255).round().byte().permute(1, 2, 0).numpy()
    pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    if shown.fill in ("mean", "black"):
        return {"cover": None, "tints": ["#" + bytes(pixels[0, 0]).hex()]}
    return {
        "cover": images.uri(images.jpeg(Image.fromarray(np.ascontiguousarray(pixels)))),
        "tints": None,
    }


def take_away(found: Occlusion, projection: Projection | str | None, shown: Shown) -> None:
    """Pictures, numbers and code."""
    found = found.toward(shown.target)
    name = f"zoolens-occlusion-{shown.subject.specimen.variant}"
    picture = shown.subject.loaded.preprocess.crop(shown.photo.image)

    def drawn() -> tuple[Panel, ...]:
        first = Panel(key="picture", title="(a) The picture", note="", pixels=None)
        return first, *panels(found, projection, shown)

    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        evidence.save(
            "All maps (PNG)", lambda: images.png(figures.sheet(picture, drawn(), footer(found, shown))),
            f"{name}.png", "image/png", key="occlusion.png", icon="image",
        )  # fmt: skip
        evidence.save(
            "Numbers (CSV)", lambda: export.as_csv(table(found, shown)), f"{name}.csv", "text/csv",
            key="occlusion.csv", icon="table",
        )  # fmt: skip
        with st.popover("One map (PNG)", icon=":material/image:", key="occlusion.one"):
            for panel in panels(found, projection, shown):
                if panel.pixels is not None:
                    evidence.save(
                        panel.title, partial(_card, picture, panel), f"{name}-{panel.key}.png", "image/png",
                        key=f"occlusion.one.{panel.key}", icon="image",
                    )  # fmt: skip
    with st.expander("Code that repeats it", key="occlusion.code"):
        st.code(script(found, shown), wrap_lines=True)
        code.show(code.excerpt(occlusion.occlude))


def _card(picture: Image.Image, panel: Panel) -> bytes:
    return images.png(figures.card(picture, panel))


def footer(found: Occlusion, shown: Shown) -> str:
    """What was done, in a line."""
    return (
        f"{shown.subject.title}; {shown.photo.title}; square of {found.size} px every {found.stride} px, "
        f"filled: {shown.fill}; layer {found.layer}; {found.done:.0%} of {found.score.size} places"
    )


def table(found: Occlusion, shown: Shown) -> list[dict[str, object]]:
    """A row for each place of the square."""
    labels = shown.subject.loaded.labels
    columns: dict[str, Sequence[object]] = {
        "most_probable": [None if each < 0 else labels[each] for each in found.label.ravel()],
        "its_probability": _cells(_shares(found.logits).max(-1)),
        "probability_of_class": _cells(found.probability),
        "score_of_class": _cells(found.score),
        "score_taken_away": _cells(found.drop("score")),
        "activation_of_map": _cells(found.activation),
    }
    return figures.table(found.ys, found.xs, columns)


def _cells(values: Values) -> list[float | None]:
    return [None if np.isnan(each) else each for each in values.ravel().tolist()]


def script(found: Occlusion, shown: Shown) -> str:
    """Python that finds the same numbers, run in the project's folder."""
    specimen = shown.subject.specimen
    file = f"assets/photos/{shown.photo.token}.jpg"
    known = shown.photo.token in photo.samples()
    return f"""\
from PIL import Image

import zoo
from viz.occlusion import occlude

specimen = zoo.Specimen.from_query({specimen.to_query()})
loaded = zoo.load(specimen)
image = loaded.preprocess(Image.open({file if known else "your-picture.jpg"!r}))
found = occlude(
    loaded.model, image, {found.target}, size={found.size}, stride={found.stride}, fill={shown.fill!r},
    layer={found.layer!r}, preprocess=loaded.preprocess,
)  # class {found.target}: {shown.name}
print(found.probability)  # a row and a column for each place
print(found.label, found.activation)
print(found.averaged("score"))  # what the squares over each pixel take away, on the average
"""


def _shares(logits: Values) -> Values:
    """Softmax over the last axis."""
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)
