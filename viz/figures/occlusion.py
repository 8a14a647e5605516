"""ZFNet's figure 7 for one picture: what a square does to a network's answer at each of its places.

All maps have one meaning of colour, that of `viz.images`: what glows warm is what the square takes away, so
what hides there speaks for the class. Black is a place where the square changes nothing.

H x W pixels of the picture, ny x nx places of the square, K classes.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from viz import images
from viz.figures.style import ink

Values = NDArray[np.floating]
Pixels = NDArray[np.uint8]

KINDS = ("#c9ced4", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
OTHER = "#5f6973"  # all labels for which no colour is left
_ORDINARY = 0.998  # of the values of a projection
_LETTERS = "-ABCDEFGH"
_SIDE, _GAP, _ROOM = 336, 24, 118  # pixels of a picture in a sheet to take away, around it, below it


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One label of the categorical map."""

    letter: str
    colour: str
    name: str
    share: float  # of the places


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """One map of the figure."""

    key: str
    title: str
    note: str  # what to know of it
    pixels: Pixels | None  # (h, w, 3 or 4), drawn over the whole picture; clear where nothing is known
    why: str = ""  # in place of pixels, why there are none
    below: bool = True  # the picture shows through
    values: Values | None = None  # (ny, nx), NaN: not known yet
    whole: float = 0.0  # the value without the square
    unit: str = ""  # "share", or that of a score or an activation
    ends: tuple[str, str] | None = None  # of the scale, from left to right
    signed: bool = False  # both halves of the scale
    mark: float | None = None  # where on the scale the value without the square stands, 0..1
    kinds: NDArray[np.integer] | None = None  # (ny, nx): number in `legend`, -1: not known yet
    legend: tuple[Kind, ...] = ()

    def data(self) -> dict[str, object]:
        """The panel for the browser."""
        return {
            "key": self.key,
            "title": self.title,
            "note": self.note,
            "alt": f"{self.title}. {self.note}",
            "image": None if self.pixels is None else images.uri(images.png(self.pixels)),
            "why": self.why,
            "below": self.below,
            "values": None if self.values is None else _rounded(self.values),
            "whole": self.whole,
            "unit": self.unit,
            "bar": None
            if self.ends is None
            else {"colours": images.gradient(signed=self.signed), "ends": self.ends, "whole": self.mark},
            "kinds": None if self.kinds is None else self.kinds.ravel().tolist(),
            "legend": [
                {
                    "letter": kind.letter,
                    "colour": kind.colour,
                    "ink": ink(kind.colour),
                    "name": kind.name,
                    "share": f"{kind.share:.0%}",
                }
                for kind in self.legend
            ],
        }


def level(
    key: str,
    title: str,
    note: str,
    values: Values,
    spread: Values,
    *,
    whole: float,
    unit: str,
    floor: float | None,
) -> Panel:
    """A quantity per place: the lower it gets, the brighter; black is the highest.

    `spread`: the same drawn out to pixels, (H, W). `floor`: where the scale ends; None: the lowest value.
    """
    high = max(whole, float(np.nanmax(values, initial=whole)))
    low = float(np.nanmin(values, initial=whole)) if floor is None else floor
    room = max(high - low, 1e-12)
    return Panel(
        key=key, title=title, note=note, pixels=_clear((high - spread) / room, spread),
        values=values, whole=whole, unit=unit, ends=(_numeral(high, unit), _numeral(low, unit)),
        mark=(high - whole) / room,
    )  # fmt: skip


def difference(
    key: str, title: str, note: str, values: Values, drop: Values, *, whole: float, unit: str, most: float
) -> Panel:
    """What the square takes away, warm, or brings, cool: `drop` (H, W), with `most` at the scale's ends."""
    most = max(most, 1e-12)
    return Panel(
        key=key, title=title, note=note, pixels=_clear(drop / most, drop), values=values, whole=whole,
        unit=unit, ends=(f"+{_numeral(most, unit)}", f"−{_numeral(most, unit)}"), signed=True, mark=0.5,
    )  # fmt: skip


def labels(
    key: str,
    title: str,
    note: str,
    found: NDArray[np.integer],
    spread: Values,
    *,
    whole: int,
    names: Sequence[str],
) -> Panel:
    """The most probable label per place, (ny, nx), -1 where it is not known; `spread` the same in pixels.

    The label without the square is grey; of the others the most frequent get a colour and a letter each.
    """
    known = found[found >= 0]
    counts = np.bincount(known, minlength=len(names))
    others = [int(each) for each in np.argsort(-counts, kind="stable") if counts[each] and each != whole]
    shown = [whole, *others[: len(KINDS) - 1]]
    number = np.full(len(names) + 1, len(shown))  # the last one, -1, stands for what is not known
    number[shown] = np.arange(len(shown))
    number[-1] = -1
    kinds = number[found]
    total = max(len(known), 1)
    legend = [
        Kind(letter=_LETTERS[i], colour=KINDS[i], name=names[each], share=counts[each] / total)
        for i, each in enumerate(shown)
    ]
    if rest := others[len(KINDS) - 1 :]:
        name = f"{len(rest)} other labels" if len(rest) > 1 else names[rest[0]]
        share = float(sum(counts[each] for each in rest) / total)
        legend.append(Kind(letter=_LETTERS[len(KINDS)], colour=OTHER, name=name, share=share))
    colours = np.array([_rgb(each) for each in (*KINDS[: len(shown)], OTHER)], np.uint8)
    at = number[np.nan_to_num(spread, nan=-1).astype(int)]
    alpha = np.where(at < 0, 0, 255).astype(np.uint8)
    return Panel(
        key=key, title=title, note=note, pixels=np.dstack([colours[at], alpha]), kinds=kinds,
        legend=tuple(legend),
    )  # fmt: skip


def stretched(values: Values) -> Pixels:
    """A projection (C, H, W) as a picture: zero is grey, the largest magnitudes are black or white.

    The few that lie far above all others do not count: they would leave nothing to see of the rest.
    """
    most = max(float(np.quantile(np.abs(values), _ORDINARY)), 1e-12)
    scaled = 127.5 + 127.5 * np.clip(values / most, -1, 1)
    pixels = scaled.round().astype(np.uint8).transpose(1, 2, 0)
    return pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)


def sheet(photo: Image.Image, panels: Sequence[Panel], footer: str) -> Image.Image:
    """All panels and the picture with its square on white, three in a row, to be taken away."""
    across = min(3, len(panels))
    rows = -(-len(panels) // across)
    cell = (_SIDE + _GAP, _SIDE + _ROOM + _GAP)
    made = Image.new("RGB", (across * cell[0] + _GAP, rows * cell[1] + 2 * _GAP), "white")
    for number, panel in enumerate(panels):
        row, column = divmod(number, across)
        made.paste(card(photo, panel), (_GAP + column * cell[0], _GAP + row * cell[1]))
    ImageDraw.Draw(made).text((_GAP, made.height - 1.3 * _GAP), plain(footer), "#4a545f", _font(13))
    return made


def card(photo: Image.Image, panel: Panel) -> Image.Image:
    """One panel on white: its title, the map on the picture, its scale or its legend."""
    made = Image.new("RGB", (_SIDE, _SIDE + _ROOM), "white")
    draw = ImageDraw.Draw(made)
    title = plain(panel.title)
    draw.text((0, 0), title, "black", _font(min(16, 16 * _SIDE / max(_font(16).getlength(title), 1))))
    ground = photo.convert("L").convert("RGB").resize((_SIDE, _SIDE))
    if panel.pixels is not None:
        top = Image.fromarray(panel.pixels).convert("RGBA").resize((_SIDE, _SIDE), Image.Resampling.NEAREST)
        share = 0.75 if panel.below else 1.0
        top.putalpha(top.getchannel("A").point(lambda alpha: round(share * alpha)))
        ground.paste(top, mask=top)
    made.paste(ground, (0, 24))
    y = _SIDE + 30
    if panel.ends is not None:
        strip = images.colours(np.linspace(-1 if panel.signed else 0, 1, _SIDE)[None].repeat(10, 0))
        made.paste(Image.fromarray(strip), (0, y))
        if panel.mark is not None:
            x = panel.mark * (_SIDE - 1)
            draw.rectangle((x - 2, y - 3, x + 2, y + 12), fill="white", outline="black")
        left, right = map(plain, panel.ends)
        draw.text((0, y + 15), left, "black", _font(13))
        draw.text((_SIDE, y + 15), right, "black", _font(13), anchor="ra")
        draw.text((0, y + 32), "The mark: without the square", "#4a545f", _font(12))
    for number, kind in enumerate(panel.legend):
        row, column = divmod(number, 2)
        x, line = column * _SIDE // 2, y + row * 17
        draw.rectangle((x, line, x + 14, line + 13), fill=kind.colour)
        words = f"{plain(kind.name)[:18]} {kind.share:.0%}"
        draw.text((x + 19, line), words, "black", _font(12))
    return made


def tints(picture: Values, ys: Sequence[int], xs: Sequence[int], size: int) -> list[str]:
    """The mean colour of what the square hides of a picture (H, W, 3) of 0..255, at each place."""
    means = [picture[y : y + size, x : x + size].mean((0, 1)) for y in ys for x in xs]
    return ["#" + bytes(mean.round().astype(np.uint8)).hex() for mean in means]


def table(
    ys: Sequence[int], xs: Sequence[int], columns: Mapping[str, Sequence[object]]
) -> list[dict[str, object]]:
    """A row for each place of the square: its upper left pixel, and the columns (ny * nx each)."""
    places = [(y, x) for y in ys for x in xs]
    return [
        {"row_px": y, "column_px": x} | {name: values[number] for name, values in columns.items()}
        for number, (y, x) in enumerate(places)
    ]


_PLAIN: Mapping[int, str] = MappingProxyType({ord("−"): "-", ord("–"): "-", ord("×"): "x"})


def plain(text: str) -> str:
    """Text in the letters of Pillow's own font."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    return "".join(each for each in decomposed if each.isascii() and each.isprintable())


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _clear(strength: Values, known: Values) -> Pixels:
    """Strengths from -1 to 1 in colours, clear where nothing is known: (H, W, 4)."""
    alpha = np.where(np.isnan(known), 0, 255).astype(np.uint8)
    return np.dstack([images.colours(strength), alpha])


def _rgb(colour: str) -> Sequence[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def _numeral(value: float, unit: str) -> str:
    if unit == "share":
        return f"{value:.1%}".replace("%", " %")
    return f"{value:.3g}".replace("-", "−")


def _rounded(values: Values) -> list[float | None]:
    """Five digits are enough for a screen; None is what is not known."""
    return [None if np.isnan(value) else float(f"{value:.5g}") for value in values.ravel().tolist()]
