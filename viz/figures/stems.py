"""First layers as pictures and charts: ZFNet's figure 6, one network beside another.

Arrays in; plotly figures, or pictures for PNG, out. Zero is mid grey in every filter and every answer.

F filters, C channels, k x k pixels of a filter, N x N frequencies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

from viz.figures.style import LINE, LOW, MEDIUM, RIM, framed

Values = NDArray[np.floating]
Pixels = NDArray[np.uint8]

# Colour, marker and dash of the first, second, third and fourth network, so that colour is never alone.
LOOKS: Sequence[tuple[str, str, str]] = (
    ("#0072b2", "circle", "solid"),
    ("#d55e00", "square", "dash"),
    ("#009e73", "diamond", "dot"),
    ("#cc79a7", "triangle-up", "dashdot"),
)
LIMIT = "#e69f00"  # a line that is not to be crossed
_GROUND = 255  # between tiles
_WIDE = 720  # pixels of a sheet of filters, about
# From nothing to the most: black, blue, green, yellow, white. Lighter all the way, for every colour vision.
_HEAT = np.array(
    [(0, 0, 0), (0, 60, 110), (0, 114, 178), (0, 158, 115), (240, 228, 66), (255, 255, 235)], float
)


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a network is drawn in every chart."""

    name: str
    colour: str
    symbol: str
    dash: str


def looks(names: Sequence[str]) -> tuple[Look, ...]:
    """One for each network, in their order."""
    return tuple(
        Look(name=name, colour=colour, symbol=symbol, dash=dash)
        for name, (colour, symbol, dash) in zip(names, LOOKS, strict=False)
    )


def filters(weight: Values, *, common: bool) -> tuple[Pixels, int]:
    """Filters (F, C, k, k), in the order of the rows, as one sheet, and how many there are a row.

    0 is mid grey. `common`: one contrast for all, set by the largest weight of any; else each its own.
    Three channels are red, green and blue; one is grey.
    """
    most = np.abs(weight).max(axis=(1, 2, 3), keepdims=True)
    most = np.where(most > 0, most, 1)
    scaled = weight / (most.max() if common else most)
    shades = (127.5 + 127.5 * scaled).round().clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    shades = np.broadcast_to(shades, (*shades.shape[:3], 3)) if shades.shape[3] == 1 else shades[..., :3]
    return _tiled(shades)


def _tiled(tiles: Pixels) -> tuple[Pixels, int]:
    """Tiles (F, k, k, 3), each pixel enlarged to a square of several, in rows about as long as high."""
    count, side = len(tiles), tiles.shape[1]
    across = max(1, int(np.ceil(np.sqrt(count * 4 / 3))))
    times = max(1, _WIDE // (across * (side + 1)))
    gap = max(2, times)
    large = tiles.repeat(times, axis=1).repeat(times, axis=2)
    step = side * times + gap
    rows = -(-count // across)
    sheet = np.full((rows * step + gap, across * step + gap, 4), _GROUND, np.uint8)
    sheet[..., 3] = 0
    for at, tile in enumerate(large):
        y, x = gap + at // across * step, gap + at % across * step
        sheet[y : y + side * times, x : x + side * times, :3] = tile
        sheet[y : y + side * times, x : x + side * times, 3] = 255
    return sheet, across


def spectrum(power: Values, size: int = 320, most: float | None = None) -> Pixels:
    """Power (N, N), 0 in the middle, as a picture: black is nothing, white is `most` or the highest.

    The scale is the square root, which is amplitude: else one sees nothing but the highest peak.
    """
    top = most or float(power.max()) or 1.0
    steps = np.linspace(0, 1, len(_HEAT))
    share = np.sqrt(np.clip(power / top, 0, 1))
    pixels = np.stack([np.interp(share, steps, channel) for channel in _HEAT.T], axis=-1)
    return enlarged(pixels.round().astype(np.uint8), size)


def answer(values: Values, size: int = 320, most: float | None = None) -> Pixels:
    """An answer (h, w) as grey, 0 mid grey, `most` or the largest magnitude white or black."""
    top = most or float(np.abs(values).max()) or 1.0
    grey = (127.5 + 127.5 * np.clip(values / top, -1, 1)).round().astype(np.uint8)
    return enlarged(np.stack([grey] * 3, axis=-1), size)


def enlarged(pixels: Pixels, size: int) -> Pixels:
    """A picture (h, w, 3) of which every pixel becomes a square, at least `size` wide."""
    times = max(1, -(-size // pixels.shape[1]))
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def heat_scale() -> str:
    """The colours of `spectrum` as a CSS background, from left to right."""
    return f"linear-gradient(to right,{','.join('#' + bytes(each.astype(np.uint8)).hex() for each in _HEAT)})"


@dataclass(frozen=True, kw_only=True, eq=False)
class Profile:
    """A curve of one network, and a frequency to point at."""

    look: Look
    x: Values
    y: Values
    mark: float | None = None  # where the network's stride ends


def radial(profiles: Sequence[Profile]) -> go.Figure:
    """Power over frequency; upright lines where each network's stride ends."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 0.5], y=[1, 1], mode="lines", name="white noise", hoverinfo="skip",
        line={"color": LINE, "width": 1.4, "dash": "longdash"},
    )  # fmt: skip
    for each in profiles:
        _curve(figure, each, "%{x:.3f} cycles/px: %{y:.2f}")
    for each in profiles:
        if each.mark is not None and each.mark < 0.5:
            figure.add_vline(
                x=each.mark, line={"color": each.look.colour, "width": 2, "dash": each.look.dash},
                annotation={"text": "its stride ends", "font": {"color": LINE}, "textangle": -90},
                annotation_position="top right",
            )  # fmt: skip
    figure.update_xaxes(title="frequency (cycles per pixel of the picture)", range=(0, 0.5), zeroline=False)
    least = min((float(each.y[each.y > 0].min(initial=1)) for each in profiles), default=1.0)
    most = max((float(each.y.max()) for each in profiles), default=1.0)
    span = (np.log10(max(least, 1e-3)) - 0.1, np.log10(max(most, 1.0)) + 0.15)
    figure.update_yaxes(
        title="power (white noise = 1)", type="log", range=span, dtick=1, exponentformat="none"
    )
    return framed(_titled(figure, "Power from slow to fast"), MEDIUM, 0.32)


def oriented(profiles: Sequence[Profile]) -> go.Figure:
    """Power over the direction of stripes: 0 and 180 degrees are the same."""
    figure = go.Figure()
    for each in profiles:
        closed = Profile(look=each.look, x=np.append(each.x, 180.0), y=np.append(each.y, each.y[0]))
        _curve(figure, closed, "%{x:.0f}°: %{y:.2f}")
    figure.update_xaxes(
        title="direction of the stripes (degrees)", range=(-3, 183), zeroline=False,
        tickvals=[0, 45, 90, 135, 180], ticktext=["0<br>lying", "45", "90<br>upright", "135", "180<br>lying"],
    )  # fmt: skip
    figure.update_yaxes(title="power (white noise = 1)", rangemode="tozero")
    return framed(_titled(figure, "Power by direction"), MEDIUM, 0.32)


def preferred(points: Sequence[tuple[Look, Values]]) -> go.Figure:
    """The frequency that each filter answers to most, a point for each, a row for each network."""
    figure = go.Figure()
    for row, (look, peaks) in enumerate(points):
        lifted = np.random.default_rng(0).uniform(-0.3, 0.3, len(peaks))
        figure.add_scatter(
            x=peaks, y=row + lifted, mode="markers", name=look.name, showlegend=False,
            marker={"color": look.colour, "symbol": look.symbol, "size": 8, "line": RIM, "opacity": 0.85},
            text=[f"filter {number}" for number in range(len(peaks))],
            hovertemplate="%{text}: %{x:.3f} cycles/px<extra>" + look.name + "</extra>",
        )  # fmt: skip
    figure.update_xaxes(
        title="preferred frequency (cycles per pixel)", range=(-0.01, 0.72), zeroline=False,
        tickvals=[0, 0.125, 0.25, 0.5, 0.707], ticktext=["0", "1/8", "1/4", "1/2", "0.71"],
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(points))), ticktext=[wrapped(look.name) for look, _ in points],
        range=(len(points) - 0.5, -0.5), zeroline=False, automargin=True,
    )  # fmt: skip
    return framed(_titled(figure, "What each filter likes best"), 130 + 62 * len(points), 0.3)


def silent(rows: Sequence[tuple[Look, Sequence[str], Sequence[float]]]) -> go.Figure:
    """The share of silent maps, layer by layer: `rows` hold a network, its layers and their shares, 0..1."""
    figure = go.Figure()
    for look, paths, shares in rows:
        figure.add_bar(
            x=list(range(1, len(shares) + 1)), y=list(shares), name=look.name,
            marker={"color": look.colour, "pattern": {"shape": _HATCHES[look.symbol], "solidity": 0.25}},
            text=[f"{share:.0%}" for share in shares], textposition="outside", cliponaxis=False,
            customdata=list(paths), hovertemplate="%{customdata}: %{y:.1%}<extra>" + look.name + "</extra>",
        )  # fmt: skip
    most = max((share for _, _, shares in rows for share in shares), default=0.0)
    figure.update_xaxes(title="layer, counted from the picture", dtick=1, zeroline=False)
    figure.update_yaxes(title="silent maps", tickformat=".0%", range=(0, max(0.1, min(1.15, most * 1.2))))
    return framed(_titled(figure, "Maps that stay silent"), MEDIUM, 0.32)


_HATCHES: Mapping[str, str] = MappingProxyType(
    {"circle": "", "square": "/", "diamond": ".", "triangle-up": "x"}
)


def levels(rows: Sequence[tuple[Look, Values]], threshold: float) -> go.Figure:
    """The loudest activation of each map of a layer, sorted, in shares of the loudest map's."""
    figure = go.Figure()
    for look, sizes in rows:
        share = np.sort(sizes / sizes.max())[::-1] if sizes.max() > 0 else sizes
        figure.add_scatter(
            x=np.arange(1, len(share) + 1) / len(share), y=share, name=look.name, mode="lines+markers",
            line={"color": look.colour, "width": 1.6, "dash": look.dash},
            marker={"color": look.colour, "symbol": look.symbol, "size": 6},
            hovertemplate="%{x:.0%} of the maps reach %{y:.3f}",
        )  # fmt: skip
    figure.add_hline(y=threshold, line={"color": LIMIT, "width": 2, "dash": "dot"})
    figure.update_xaxes(title="maps, the loudest first", tickformat=".0%", range=(0, 1.01), zeroline=False)
    figure.update_yaxes(title="share of the loudest map", range=(-0.02, 1.03))
    return framed(_titled(figure, "How loud each map of layer 1 can be"), MEDIUM, 0.32)


def lost(rows: Sequence[tuple[Look, Sequence[int], Sequence[float], int]]) -> go.Figure:
    """The aliased share over the stride; `rows`: network, strides, shares, and its own stride, ringed."""
    figure = go.Figure()
    for look, strides, shares, own in rows:
        figure.add_scatter(
            x=[f"stride {stride}" for stride in strides], y=list(shares), name=look.name,
            mode="lines+markers", line={"color": look.colour, "width": 2, "dash": look.dash},
            marker={
                "color": look.colour, "symbol": look.symbol,
                "size": [17 if stride == own else 8 for stride in strides],
            },
            hovertemplate="%{x}: %{y:.1%}",
        )  # fmt: skip
    figure.update_xaxes(title="every so many pixels", type="category")
    figure.update_yaxes(title="aliased share of the energy", tickformat=".0%", range=(-0.03, 1.05))
    return framed(_titled(figure, "What a stride turns into something else"), MEDIUM, 0.32)


def sizes(look: Look, rms: Values, limit: float, most: float) -> go.Figure:
    """The root mean square of each filter as a bar, the largest first, and the line of the clip.

    `most`: of all networks beside each other, so that their bars are to one scale.
    """
    order = np.argsort(-rms, kind="stable")
    figure = go.Figure(
        go.Bar(
            x=np.arange(1, len(rms) + 1), y=rms[order], name=look.name, showlegend=False,
            marker={"color": look.colour, "pattern": {"shape": _HATCHES[look.symbol], "solidity": 0.25}},
            customdata=order, hovertemplate="filter %{customdata}: %{y:.4f}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_hline(
        y=limit, line={"color": LIMIT, "width": 2.5, "dash": "dot"},
        annotation={"text": f"{limit:g}", "font": {"color": LINE}}, annotation_position="top right",
    )  # fmt: skip
    figure.update_xaxes(title="filters, the largest first", zeroline=False)
    figure.update_yaxes(title="root mean square", range=(0, 1.12 * max(limit, most)))
    return framed(_titled(figure, look.name), LOW + 20, 0.3)


def wrapped(name: str, width: int = 18) -> str:
    """A name for an axis, broken after about so many characters."""
    lines, line = [], ""
    for word in name.split():
        if line and len(line) + len(word) >= width:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return "<br>".join([*lines, line])


def beside(pictures: Sequence[Pixels], height: int = 360) -> Image.Image:
    """Pictures (h, w, 3 or 4) side by side on white, of one height, to take away."""
    drawn = []
    for pixels in pictures:
        image = Image.fromarray(pixels).convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image)
        wide = max(1, round(image.width * height / image.height))
        drawn.append(white.convert("RGB").resize((wide, height), Image.Resampling.NEAREST))
    gap = 16
    sheet = Image.new("RGB", (sum(each.width + gap for each in drawn) + gap, height + 2 * gap), "white")
    left = gap
    for each in drawn:
        sheet.paste(each, (left, gap))
        left += each.width + gap
    return sheet


def _curve(figure: go.Figure, each: Profile, hover: str) -> None:
    look = each.look
    figure.add_scatter(
        x=each.x, y=each.y, name=look.name, mode="lines+markers",
        line={"color": look.colour, "width": 2.4, "dash": look.dash},
        marker={"color": look.colour, "symbol": look.symbol, "size": 7}, hovertemplate=hover,
    )  # fmt: skip


def _titled(figure: go.Figure, title: str) -> go.Figure:
    return figure.update_layout(title={"text": title, "x": 0, "font": {"size": 15}})
