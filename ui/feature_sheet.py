"""What the page Features shows of a layer: projections beside patches, on the page and to be taken away."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ui.background import Report
from ui.collection import PictureSet
from ui.rules import TITLES
from ui.subject import Subject
from viz import deconvnet, hooks, images, tiles
from viz.deconvnet import Projection
from viz.field import Box, Field
from viz.figures.occlusion import plain
from viz.hooks import Rule
from viz.layers import Layer
from viz.strongest import Strongest, Top
from viz.tiles import Pixels

AT_ONCE = 16  # maps
_SIDE = 60  # pixels of a tile on the page
_PRINTED = 96  # in a file
_FEW = 3  # classes that are named of a map
_INK, _QUIET = "#1a1a1a", "#4a545f"


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """What all tiles are of."""

    subject: Subject
    pictures: PictureSet
    layer: Layer
    title: str  # of the layer
    field: Field
    index: Strongest

    @property
    def top(self) -> Top:
        return self.index.layers[self.layer.path]

    @property
    def maps(self) -> int:
        return self.layer.shape[0]

    def key(self, *parts: object) -> tuple[object, ...]:
        """All that a result depends on."""
        return ("features", self.subject.specimen, self.pictures.digest, self.layer.path, *parts)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One of the strongest activations of a map."""

    channel: int
    rank: int  # from 1, the strongest
    value: float
    picture: int  # its number in the set
    label: str  # what is on it
    position: tuple[int, int]  # row and column in the map
    box: Box  # the pixels that the unit sees

    @property
    def name(self) -> str:
        """In the address."""
        return f"{self.channel}.{self.rank}"

    @property
    def says(self) -> str:
        return f"{self.rank}: {self.label}, {number(self.value)}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """A map: its tiles, and grids of them as JPEG."""

    channel: int
    tiles: tuple[Tile, ...]
    patches: bytes
    stretched: bytes | None  # projections, each with its own contrast; None: not defined
    shared: bytes | None  # with one contrast for all of the map


def tiles_of(study: Study, channel: int) -> tuple[Tile, ...]:
    """The strongest activations of a map."""
    top = study.top
    found = []
    for rank, picture in enumerate(top.pictures[channel].tolist(), 1):
        if picture >= 0:
            y, x = (int(each) for each in top.positions[channel, rank - 1])
            found.append(
                Tile(
                    channel=channel, rank=rank, value=float(top.values[channel, rank - 1]), picture=picture,
                    label=study.pictures.label(picture), position=(y, x), box=study.field.box(y, x, channel),
                )
            )  # fmt: skip
    return tuple(found)


def blocks(study: Study, first: int, rule: Rule | None, report: Report) -> tuple[Block, ...]:
    """AT_ONCE maps from map number `first`, as the work of `ui.background`; None: patches alone."""
    found: tuple[Block, ...] = ()
    channels = range(first, min(first + AT_ONCE, study.maps))
    for channel in channels:
        found = (*found, block(study, channel, rule, _SIDE))
        report(len(found) / len(channels), found)
    return found


def block(study: Study, channel: int, rule: Rule | None, side: int) -> Block:
    """One map, with tiles of `side` pixels."""
    shown = tiles_of(study, channel)
    grid = partial(_grid, side=side)
    sent = [seen(each) for each in projections(study, shown, rule)] if rule else []
    most = max(map(tiles.strength, sent), default=1.0)
    return Block(
        channel=channel,
        tiles=shown,
        patches=grid([study.pictures.image(tile.picture).crop(tile.box) for tile in shown]),
        stretched=grid([tiles.picture(each) for each in sent]) if rule else None,
        shared=grid([tiles.picture(each, False, most) for each in sent]) if rule else None,
    )


def projections(study: Study, shown: Sequence[Tile], rule: Rule) -> list[Projection]:
    """What the units of these tiles answer to."""
    if not shown:
        return []
    pictures = torch.cat([study.pictures.tensor(tile.picture) for tile in shown])
    return deconvnet.project_many(
        study.subject.loaded.model, pictures, study.layer.path, [tile.channel for tile in shown],
        [tile.position for tile in shown], rule,
    )  # fmt: skip


def seen(projection: Projection) -> Tensor:
    """The part of a projection that its unit sees: (C, h, w). All else is zero."""
    left, top, right, bottom = projection.box
    return projection.image[:, top:bottom, left:right]


def _grid(shown: Sequence[Image.Image | Pixels], side: int) -> bytes:
    empty = Image.new("RGB", (1, 1), (128, 128, 128))
    grid = tiles.grid([*shown, *[empty] * (9 - len(shown))], side)
    made = Image.new("RGB", grid.size, "white")
    made.paste(grid, mask=grid)
    return images.jpeg(made)


def cards(
    study: Study, shown: Sequence[Block], why: str, stretch: bool, marked: int | None
) -> list[dict[str, object]]:
    """For `ui.components.tile_sheet`. `why` there are no projections, in a sentence; "" if there are."""
    made: list[dict[str, object]] = []
    for each in shown:
        projected = each.stretched if stretch else each.shared
        made.append(
            {
                "name": str(each.channel),
                "title": f"Map {each.channel}",
                "aside": _range(each.tiles),
                "note": summary(each.tiles),
                "chosen": each.channel == marked,
                "tiles": [tile.says for tile in each.tiles],
                "grids": [
                    {"title": "Projections", "uri": _uri(projected), "why": why},
                    {"title": "Patches", "uri": _uri(each.patches), "why": ""},
                ],
            }
        )
    return made


def _uri(jpeg: bytes | None) -> str | None:
    return None if jpeg is None else images.uri(jpeg)


def _range(shown: Sequence[Tile]) -> str:
    if not shown or shown[0].value <= 0:
        return "asleep"
    return f"{number(shown[0].value)} to {number(shown[-1].value)}"


def summary(shown: Sequence[Tile]) -> str:
    """What the pictures of a map show: "star 6, arrow 2, disc 1"."""
    if not shown or shown[0].value <= 0:
        return "No picture of this set excites this map."
    found = Counter(tile.label for tile in shown).most_common()
    words = [f"{label} {count}" for label, count in found[:_FEW]]
    more = sum(count for _, count in found[_FEW:])
    return ", ".join(words) + (f", others {more}" if more else "")


def number(value: float) -> str:
    """Three digits that count."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def printed(study: Study, first: int, rule: Rule | None, stretch: bool) -> Image.Image:
    """The same maps on white with titles, four in a row, to be taken away."""
    side, gap, room = _PRINTED, 26, 58
    wide = 2 * (3 * side + 4) + 10
    cell = (wide + gap, 3 * side + 4 + room)
    channels = range(first, min(first + AT_ONCE, study.maps))
    rows = -(-len(channels) // 4)
    made = Image.new("RGB", (4 * cell[0] + gap, rows * cell[1] + 150), "white")
    draw = ImageDraw.Draw(made)
    draw.text((gap, 22), plain(f"{study.subject.title}, {study.title}".replace(" ·", ",")), _INK, _font(34))
    draw.text((gap, 70), plain(footer(study, rule, stretch)), _QUIET, _font(20))
    for at, channel in enumerate(channels):
        x, y = gap + at % 4 * cell[0], 125 + at // 4 * cell[1]
        each = block(study, channel, rule, side)
        draw.text((x, y), f"Map {channel}", _INK, _font(20))
        draw.text((x + 90, y), plain(f"{_range(each.tiles)}: {summary(each.tiles)}")[:60], _QUIET, _font(17))
        grids = [each.stretched if stretch else each.shared, each.patches]
        for column, jpeg in enumerate(grids):
            if jpeg is not None:
                made.paste(images.opened(jpeg), (x + column * (3 * side + 14), y + 28))
    return made


def footer(study: Study, rule: Rule | None, stretch: bool) -> str:
    """What was done, in a line."""
    what = "patches" if rule is None else f"left: projections ({TITLES[rule]}), right: patches"
    how = "each tile has its own contrast" if stretch else "the tiles of a map share their contrast"
    return (
        f"The nine strongest activations over {study.pictures.count:,} pictures of {study.pictures.title}; "
        f"{what}{f'; {how}' if rule else ''}"
    )


def table(study: Study) -> list[dict[str, object]]:
    """A row for each of the strongest activations of the layer."""
    return [
        {
            "map": tile.channel,
            "rank": tile.rank,
            "value": tile.value,
            "picture": tile.picture,
            "class": tile.label,
            "row": tile.position[0],
            "column": tile.position[1],
            "left": tile.box[0],
            "top": tile.box[1],
            "right": tile.box[2],
            "bottom": tile.box[3],
        }
        for channel in range(study.maps)
        for tile in tiles_of(study, channel)
    ]


def undefined(study: Study, rule: Rule) -> str:
    """Why there are no projections by a rule, in a sentence; "" where there are."""
    return "" if rule == "gradient" else hooks.undefined(study.subject.loaded.model) or ""


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
