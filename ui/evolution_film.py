"""The film of the page Evolution: what stands in each of its cells, and as one picture to take away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ui.evolution_work import Column, Pictures, Tile
from viz import images, tiles
from viz.evolution import Stage

Pixels = NDArray[np.uint8]

_EXACT = 32  # pixels: smaller tiles are sent without loss, as each pixel is seen as a square
_MOST = 160

# Of the sheet to take away, in pixels.
_SIDE, _GAP, _NAME, _HEAD, _FOOT = 96, 8, 96, 34, 40
_LEAP = "#d55e00"


@dataclass(frozen=True, kw_only=True, eq=False)
class Film:
    """Maps over epochs."""

    layer: Stage
    maps: tuple[int, ...]
    columns: tuple[Column, ...]
    tiles: tuple[Mapping[int, Tile] | None, ...]  # of each column; None: still to come
    states: tuple[str, ...]  # of each column, in a word or two, where its tiles are missing
    notes: tuple[str, ...]  # of each column, such as the accuracy then
    pictures: Pictures
    stretch: bool  # whether each tile uses the whole range from black to white, else each row does
    show: str  # "projections", "patches" or "both"
    undefined: str  # why there are no projections, in a sentence; empty where there are

    def row(self, channel: int) -> tuple[Tile | None, ...]:
        """A map at each epoch."""
        return tuple(None if each is None else each[channel] for each in self.tiles)

    def before(self, channel: int, at: int) -> int | None:
        """The column of the epoch before, as far as it is known; None where there is none."""
        row = self.row(channel)
        return next((i for i in range(at - 1, -1, -1) if row[i] is not None), None)

    def jumped(self, channel: int, at: int) -> bool:
        """Whether another picture was the strongest at the epoch before."""
        row, before = self.row(channel), self.before(channel, at)
        here, there = row[at], None if before is None else row[before]
        return here is not None and there is not None and here.picture != there.picture

    def jumps(self, channel: int) -> int:
        """How often the winning picture changed."""
        return sum(self.jumped(channel, at) for at in range(len(self.columns)))

    def projection(self, tile: Tile, channel: int) -> Pixels | None:
        """A tile's projection as a picture (h, w, 3): zero is grey."""
        if tile.projection is None:
            return None
        if self.stretch:
            return tiles.picture(tile.projection)
        row = (each.projection for each in self.row(channel) if each)
        return tiles.picture(
            tile.projection, False, max(tiles.strength(each) for each in row if each is not None)
        )


def _coloured(pixels: Pixels) -> Pixels:
    """(C, h, w) -> (h, w, 3)."""
    turned = pixels.transpose(1, 2, 0)
    return turned if turned.shape[2] == 3 else np.repeat(turned, 3, axis=2)


def sent(film: Film) -> Mapping[str, object]:
    """What `ui.components.evolution_film` draws."""
    return {
        "show": film.show,
        "epochs": [
            {"epoch": column.epoch, "ready": known is not None, "note": note, "state": state}
            for column, known, note, state in zip(
                film.columns, film.tiles, film.notes, film.states, strict=True
            )
        ],
        "rows": [_row(film, channel) for channel in film.maps],
    }


def _row(film: Film, channel: int) -> Mapping[str, object]:
    jumps = film.jumps(channel)
    return {
        "title": f"Map {channel}",
        "says": f"{jumps} {'jump' if jumps == 1 else 'jumps'}",
        "tiles": [_cell(film, channel, at, tile) for at, tile in enumerate(film.row(channel))],
    }


def _cell(film: Film, channel: int, at: int, tile: Tile | None) -> Mapping[str, object] | None:
    if tile is None:
        return None
    jumped = film.jumped(channel, at)
    projection = film.projection(tile, channel)
    return {
        "value": round(tile.activation, 6),
        "jumped": jumped,
        "before": _before(film, channel, at) if jumped else "",
        "says": film.pictures.name(tile.picture) if tile.picture >= 0 else "answers to no picture",
        "why": "silent" if tile.picture < 0 else "not defined" if projection is None else "",
        "projection": None if projection is None else _sent(projection),
        "patch": None if tile.patch is None else _sent(_coloured(tile.patch)),
    }


def _before(film: Film, channel: int, at: int) -> str:
    """What a map has jumped from, in words."""
    before = film.before(channel, at)
    row = film.row(channel)
    there, here = None if before is None else row[before], row[at]
    if before is None or there is None or here is None:
        return ""
    epoch = film.columns[before].epoch
    if there.picture < 0:
        return f"silent at epoch {epoch}"
    labels, classes = film.pictures.labels, film.pictures.classes
    same = here.picture >= 0 and labels[there.picture] == labels[here.picture]
    name = "same class" if same else classes[int(labels[there.picture])]
    return f"from epoch {epoch}'s picture: {name}"


def _sent(pixels: Pixels) -> str:
    """As a picture for the browser: small ones without loss, in squares."""
    picture = Image.fromarray(pixels)
    longest = max(picture.size)
    if longest > _MOST:
        picture.thumbnail((_MOST, _MOST), Image.Resampling.BICUBIC)
    if longest <= _EXACT:
        return images.uri(images.png(picture))
    return images.uri(images.jpeg(picture))


def sheet(film: Film, title: str) -> Image.Image:
    """All maps and epochs on white: projections above patches, jumps marked by a line and a sign."""
    kinds = {"projections": 1, "patches": 1, "both": 2}[film.show]
    high = kinds * (_SIDE + 2) + _GAP + 18
    wide = _SIDE + _GAP
    made = Image.new(
        "RGB", (_NAME + len(film.columns) * wide + _GAP, _HEAD + 24 + len(film.maps) * high + _FOOT), "white"
    )
    draw = ImageDraw.Draw(made)
    draw.text((_GAP, 8), title, "black", _font(16))
    for at, column in enumerate(film.columns):
        draw.text(
            (_NAME + at * wide + _SIDE / 2, _HEAD + 12), f"epoch {column.epoch}", "black", _font(13), "mm"
        )
    for number, channel in enumerate(film.maps):
        top = _HEAD + 24 + number * high
        draw.text((_GAP, top + 8), f"map {channel}", "black", _font(14))
        draw.text((_GAP, top + 28), f"{film.jumps(channel)} jumps", "#4a545f", _font(12))
        for at, tile in enumerate(film.row(channel)):
            left = _NAME + at * wide
            for kind, pixels in enumerate(_parts(film, tile, channel)):
                place = (left, top + kind * (_SIDE + 2))
                if pixels is not None:
                    made.paste(tiles.fitted(pixels, _SIDE), place)
                else:
                    draw.rectangle((*place, place[0] + _SIDE - 1, place[1] + _SIDE - 1), "#eceff2")
            if tile is not None:
                below = top + kinds * (_SIDE + 2)
                draw.text((left, below), f"{tile.activation:.3g}", "#4a545f", _font(12))
            if film.jumped(channel, at):
                draw.rectangle((left - 5, top, left - 2, top + kinds * (_SIDE + 2) - 3), _LEAP)
                draw.text((left + _SIDE, top + kinds * (_SIDE + 2)), "jump", _LEAP, _font(12), "ra")
    stretch = "each tile stretched to its own range" if film.stretch else "one scale for each row"
    draw.text(
        (_GAP, made.height - 28),
        f"{film.pictures.title}; projections: grey is zero, {stretch}; below, the strongest activation",
        "#4a545f", _font(12),
    )  # fmt: skip
    return made


def _parts(film: Film, tile: Tile | None, channel: int) -> Sequence[Pixels | None]:
    both = [
        None if tile is None else film.projection(tile, channel),
        None if tile is None or tile.patch is None else _coloured(tile.patch),
    ]
    return {"projections": both[:1], "patches": both[1:], "both": both}[film.show]


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def table(film: Film) -> list[dict[str, object]]:
    """A row for each map and epoch."""
    rows: list[dict[str, object]] = []
    for channel in film.maps:
        for at, (column, tile) in enumerate(zip(film.columns, film.row(channel), strict=True)):
            if tile is None:
                continue
            lit = tile.picture >= 0
            rows.append(
                {
                    "layer": film.layer.path,
                    "map": channel,
                    "epoch": column.epoch,
                    "strongest_activation": tile.activation,
                    "picture": tile.picture + 1 if lit else None,
                    "class": film.pictures.classes[int(film.pictures.labels[tile.picture])] if lit else None,
                    "left": tile.box[0] if lit else None,
                    "top": tile.box[1] if lit else None,
                    "right": tile.box[2] if lit else None,
                    "bottom": tile.box[3] if lit else None,
                    "jumped": film.jumped(channel, at),
                }
            )
    return rows
