"""Charts of curves side by side as one picture, for paper.

What is drawn is a plotly figure of lines, from viz/figures, so that paper and screen show the same. Drawn
larger and made smaller, which smooths the lines.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from plotly.graph_objects import Figure

WIDTH, HEIGHT = 380, 250  # pixels of a chart
_FINER = 3  # times as large while it is drawn
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 12, 30, 40  # pixels around the curves
_TICKS = 5
_INK, _RULE = "#000000", "#c8c8c8"


def page(rows: Sequence[Sequence[Figure]], title: str) -> Image.Image:
    """Rows of charts on white, with one legend, that of the first chart, below them."""
    across = max(map(len, rows))
    names = [(trace.name, trace.line.color) for trace in rows[0][0].data if trace.name]
    lines = _broken(names, across * WIDTH)
    height = 44 + len(rows) * HEIGHT + 24 * len(lines) + 12
    canvas = Image.new("RGB", (_FINER * across * WIDTH, _FINER * height), "white")
    draw = ImageDraw.Draw(canvas)
    _write(draw, (12, 22), title, 17, "lm")
    for row, charts in enumerate(rows):
        for column, chart in enumerate(charts):
            _chart(draw, chart, column * WIDTH, 44 + row * HEIGHT)
    for number, line in enumerate(lines):
        y = 44 + len(rows) * HEIGHT + 24 * number + 12
        for x, (name, colour) in line:
            _line(draw, [(x, y), (x + 20, y)], colour, 3)
            _write(draw, (x + 26, y), name, 13, "lm")
    return canvas.resize((across * WIDTH * 2, height * 2), Image.Resampling.LANCZOS)


def _broken(names: Sequence[tuple[str, str]], width: int) -> list[list[tuple[int, tuple[str, str]]]]:
    """The entries of a legend with the place of each, in as many lines as they need."""
    lines: list[list[tuple[int, tuple[str, str]]]] = [[]]
    x = 12
    for name in names:
        needed = 44 + int(_font(13).getlength(name[0]) / _FINER)
        if lines[-1] and x + needed > width:
            lines.append([])
            x = 12
        lines[-1].append((x, name))
        x += needed
    return lines


def _chart(draw: ImageDraw.ImageDraw, figure: Figure, left: int, top: int) -> None:
    layout = figure.layout
    x0, x1 = left + _LEFT, left + WIDTH - _RIGHT
    y0, y1 = top + HEIGHT - _BOTTOM, top + _TOP
    (least_x, most_x), (least_y, most_y) = layout.xaxis.range, layout.yaxis.range
    shares = bool(layout.yaxis.tickformat)

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            x0 + (x - least_x) / (most_x - least_x) * (x1 - x0),
            y0 + (y - least_y) / (most_y - least_y) * (y1 - y0),
        )

    _write(draw, (x0, top + 15), layout.title.text, 13, "lm")
    for value in _steps(least_y, most_y):
        _, y = at(least_x, value)
        _line(draw, [(x0, y), (x1, y)], _RULE, 1)
        _write(draw, (x0 - 6, y), f"{value:.0%}" if shares else f"{value:.3g}", 11, "rm")
    for value in _steps(least_x, most_x):
        x, _ = at(value, least_y)
        _line(draw, [(x, y0), (x, y0 + 4)], _INK, 1)
        _write(draw, (x, y0 + 13), f"{value:.3g}", 11, "mm")  # the font has no minus
    _write(draw, ((x0 + x1) / 2, y0 + 29), layout.xaxis.title.text, 11, "mm")
    _line(draw, [(x0, y1), (x0, y0), (x1, y0)], _INK, 1)
    for trace in figure.data:
        points = [at(x, y) for x, y in zip(trace.x, trace.y, strict=True) if np.isfinite(y)]
        if trace.fill or len(points) < 2:
            continue
        _line(draw, points, trace.line.color, 2)
        for x, y in points:
            box = [_FINER * edge for edge in (x - 2.2, y - 2.2, x + 2.2, y + 2.2)]
            draw.ellipse(box, fill=trace.line.color)


def _steps(least: float, most: float) -> list[float]:
    """Round numbers between two ends, about as many as _TICKS."""
    rough = (most - least) / _TICKS
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= rough * 0.999)
    first = np.ceil(least / step - 1e-6)
    return [float(round(step * n, 10)) for n in range(int(first), int(np.floor(most / step + 1e-6)) + 1)]


def _line(draw: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], ink: str, width: int) -> None:
    scaled = [(_FINER * x, _FINER * y) for x, y in points]
    draw.line(scaled, fill=ink, width=_FINER * width, joint="curve")


def _write(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, anchor: str) -> None:
    place = (_FINER * at[0], _FINER * at[1])
    draw.text(place, text, fill=_INK, font=_font(size), anchor=anchor)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(_FINER * size)
