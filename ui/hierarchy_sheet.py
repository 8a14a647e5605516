"""What the page Hierarchy shows, with its words, and how it is taken away."""

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from ui import subject
from ui.photo import Photo
from ui.rules import TITLES
from ui.subject import Subject
from viz import images, sheets, tiles
from viz.hierarchy import Rung, Unit
from viz.hooks import Rule
from viz.layers import Layer

EACH = 6  # maps of a layer
_SIDE, _GAP, _HEAD = 150, 14, 120  # pixels on a sheet
_INK, _QUIET = "#1a1a1a", "#4a545f"


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """One picture in one network, its rungs, and how they are drawn."""

    subject: Subject
    photo: Photo
    crop: Image.Image  # what the network sees of it, RGB
    layers: tuple[Layer, ...]
    rungs: tuple[Rung, ...]
    rule: Rule
    stretch: bool  # each projection with its own contrast; otherwise those of a layer share one

    @property
    def name(self) -> str:
        """Of files."""
        return f"zoolens-hierarchy-{self.subject.specimen.variant}"

    @property
    def heading(self) -> str:
        return f"{self.photo.title} in {self.subject.title}"

    def title(self, at: int) -> str:
        return f"Layer {at + 1} of {len(self.rungs)}: {self.layers[at].path}"

    def note(self, at: int) -> str:
        """Its size, and how much a unit sees."""
        channels, height, width = self.layers[at].shape
        boxes = [unit.projection.box for unit in self.rungs[at].units]
        if not boxes:
            return f"{channels:,} maps of {height} × {width}; none of them answers to this picture"
        high = max(bottom - top for _, top, _, bottom in boxes)
        wide = max(right - left for left, _, right, _ in boxes)
        return f"{channels:,} maps of {height} × {width}; a unit sees {high} × {wide} pixels"

    def drawn(self, at: int, unit: Unit) -> tuple[Image.Image, Image.Image]:
        """A projection as a picture, whole and the part that the unit sees."""
        alike = (unit,) if self.stretch else self.rungs[at].units
        most = max(tiles.strength(each.projection.patch) for each in alike)
        whole, part = (
            Image.fromarray(tiles.picture(pixels, False, most))
            for pixels in (unit.projection.image, unit.projection.patch)
        )
        return whole, part

    def pairs(self, at: int) -> Iterator[tuple[Unit, Image.Image, Image.Image]]:
        """Of each unit of a rung the projection and the patch, as far as the unit sees."""
        for unit in self.rungs[at].units:
            yield unit, self.drawn(at, unit)[1], self.crop.crop(unit.projection.box)

    def address(self, at: int, unit: Unit) -> dict[str, str]:
        """Of the page Deconvnet, stepping down from this unit."""
        y, x = unit.projection.position
        return {
            "deconvnet.net": subject.token(self.subject.specimen),
            "deconvnet.photo": self.photo.token,
            "deconvnet.layer": self.rungs[at].path,
            "deconvnet.unit": f"{unit.channel}.{y}.{x}",
        }


def printed(study: Study) -> Image.Image:
    """The whole ladder on white."""
    step = 2 * _SIDE + 62
    width = _GAP + (_SIDE + 2 * _GAP) * 2 + EACH * (_SIDE + _GAP)
    made = Image.new("RGB", (width, _HEAD + len(study.rungs) * step + _GAP), "white")
    draw = ImageDraw.Draw(made)
    draw.text((_GAP, 18), study.heading, _INK, ImageFont.load_default(32))
    how = "each with its own contrast" if study.stretch else "those of a layer with one contrast"
    line = f"Strongest maps of each layer: projections ({TITLES[study.rule]}, {how}) above patches"
    draw.text((_GAP, 66), line, _QUIET, ImageFont.load_default(19))
    for at in range(len(study.rungs)):
        top = _HEAD + at * step
        draw.text((_GAP, top), f"{study.title(at)}. {study.note(at)}", _INK, ImageFont.load_default(18))
        photo = study.crop
        boxed = images.shown(photo)
        scale = boxed.width / photo.width
        for unit in study.rungs[at].units:
            left, upper, right, lower = (edge * scale for edge in unit.projection.box)
            boxed = images.framed(boxed, (left, upper, right, lower))
        made.paste(tiles.fitted(boxed, 2 * _SIDE), (_GAP, top + 28))
        for column, (unit, part, patch) in enumerate(study.pairs(at)):
            x = 2 * (_SIDE + _GAP) + _GAP + column * (_SIDE + _GAP)
            made.paste(tiles.fitted(part, _SIDE), (x, top + 28))
            made.paste(tiles.fitted(patch, _SIDE), (x, top + 30 + _SIDE))
            words = f"map {unit.channel} · {number(unit.projection.activation)}"
            draw.text((x, top + 33 + 2 * _SIDE), words, _QUIET, ImageFont.load_default(16))
    return made


def one(study: Study, at: int, unit: Unit) -> bytes:
    """A unit's picture, projection and parts as PNG."""
    whole, part = study.drawn(at, unit)
    box = unit.projection.box
    shown = [tiles.fitted(each, 3 * _SIDE) for each in (study.crop, whole, study.crop.crop(box), part)]
    heading = f"{study.title(at)}, map {unit.channel}"
    return sheets.titled([(heading, shown[:2]), ("What the unit sees, and answers to", shown[2:])], 1)


def table(study: Study) -> list[dict[str, object]]:
    """A row for each unit."""
    return [
        {
            "layer": rung.path,
            "map": unit.channel,
            "activation": unit.projection.activation,
            "row": unit.projection.position[0],
            "column": unit.projection.position[1],
            **dict(zip(("left", "top", "right", "bottom"), unit.projection.box, strict=True)),
        }
        for rung in study.rungs
        for unit in rung.units
    ]


def number(value: float) -> str:
    """Three digits that count."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
