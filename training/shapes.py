"""Shapes: a data set that draws itself, so that it is there without a network and knows where each object is.

Eight shapes of equal area lie somewhere on a textured ground, turned and coloured at random. Place, size,
angle, colours and ground are drawn without a look at the class: only the outline tells it.

A shape is the set of points with a negative signed distance (Quilez, "2D distance functions",
https://iquilezles.org/articles/distfunctions2d). The distance in pixels also smooths the edge.

n pictures of one class or ground, S pixels a side.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]  # float32

_CHUNK = 256  # pictures at once: their arrays stay in the processor's cache
_SIDES = (0.30, 0.52)  # root of the area, as a share of the picture
_REACH = 0.94  # how far the farthest corner of any shape of area 1 is from its middle
_CONTRAST = 0.22  # least difference in lightness between object and ground, so that grey networks see it too
_GRAIN = 0.018  # deviation of the noise over everything
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def _disc(x: Floats, y: Floats) -> Floats:
    return np.hypot(x, y) - np.float32(0.5642)


def _ring(x: Floats, y: Floats) -> Floats:
    return np.abs(np.hypot(x, y) - np.float32(0.53)) - np.float32(0.15)


def _square(x: Floats, y: Floats) -> Floats:
    return np.maximum(np.abs(x), np.abs(y)) - np.float32(0.5)


def _triangle(x: Floats, y: Floats) -> Floats:
    slope = np.abs(x) * np.float32(0.8660) + y * np.float32(0.5)
    return np.maximum(slope, -y) - np.float32(0.4387)


def _star(x: Floats, y: Floats) -> Floats:
    """Five points. The plane is folded until one edge of one point stands for all ten."""
    x = np.abs(x)
    for sign in (1, -1):
        a, b = np.float32(sign * 0.80902), np.float32(-0.58779)
        beyond = 2 * np.maximum(a * x + b * y, 0)
        x, y = x - beyond * a, y - beyond * b
    return np.abs(x) * np.float32(0.9083) + (y - np.float32(0.8415)) * np.float32(0.4182)


def _cross(x: Floats, y: Floats) -> Floats:
    x, y = np.abs(x), np.abs(y)
    long, short = np.float32(0.69), np.float32(0.2157)
    return np.minimum(np.maximum(x - long, y - short), np.maximum(x - short, y - long))


def _crescent(x: Floats, y: Floats) -> Floats:
    x = x - np.float32(0.2221)
    return np.maximum(
        np.hypot(x, y) - np.float32(0.7323), np.float32(0.5126) - np.hypot(x - np.float32(0.4028), y)
    )


def _arrow(x: Floats, y: Floats) -> Floats:
    x, y = x + np.float32(0.0998), np.abs(y)
    head = np.maximum((x - np.float32(0.85)) * np.float32(0.7071) + y * np.float32(0.7071), -x)
    shaft = np.maximum(np.abs(x + np.float32(0.37)) - np.float32(0.40), y - np.float32(0.18))
    return np.minimum(head, shaft)


# Signed distance to the outline of a shape of area 1 around (0, 0); x and y (n, S, S).
OUTLINES: Mapping[str, Callable[[Floats, Floats], Floats]] = MappingProxyType(
    {
        "disc": _disc,
        "ring": _ring,
        "square": _square,
        "triangle": _triangle,
        "star": _star,
        "cross": _cross,
        "crescent": _crescent,
        "arrow": _arrow,
    }
)
CLASSES = tuple(OUTLINES)

# Middles of parts that one can point at, in the coordinates of the outlines; discs and rings have none. Left,
# right, upper and lower are meant where a shape is UPRIGHT.
PARTS: Mapping[str, Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "square": {"upper left": (-0.40, -0.40), "upper right": (0.40, -0.40), "lower left": (-0.40, 0.40)},
        "triangle": {"tip": (0.0, 0.70), "left foot": (0.60, -0.34), "right foot": (-0.60, -0.34)},
        "star": {"top": (0.0, 0.66), "left foot": (0.388, -0.534), "right foot": (-0.388, -0.534)},
        "cross": {"upper arm": (0.0, -0.58), "left arm": (-0.58, 0.0), "right arm": (0.58, 0.0)},
        "crescent": {"upper horn": (0.58, -0.57), "lower horn": (0.58, 0.57), "belly": (-0.20, 0.0)},
        "arrow": {"tip": (0.62, 0.0), "upper barb": (0.02, -0.64), "tail": (-0.76, 0.0)},
    }
)
UPRIGHT: Mapping[str, float] = MappingProxyType({"triangle": 0.5, "star": 0.5})  # turns; others as they are


def _stripes(x: Floats, y: Floats, pace: Floats, phase: Floats) -> Floats:
    return _edge(np.sin(pace * x + phase), pace)


def _checks(x: Floats, y: Floats, pace: Floats, phase: Floats) -> Floats:
    return _edge(np.sin(pace * x + phase) * np.sin(pace * y + phase), pace)


def _dots(x: Floats, y: Floats, pace: Floats, phase: Floats) -> Floats:
    return _edge(np.sin(pace * x + phase) + np.sin(pace * y + phase) - np.float32(0.9), pace)


def _ripples(x: Floats, y: Floats, pace: Floats, phase: Floats) -> Floats:
    away = np.hypot(x + np.float32(0.2) * phase - np.float32(0.6), y)
    return _edge(np.sin(pace * away), pace)


def _slope(x: Floats, y: Floats, pace: Floats, phase: Floats) -> Floats:
    return np.clip(np.float32(0.5) + x, 0, 1)


def _clouds(x: Floats, y: Floats, pace: Floats, phase: Floats) -> Floats:
    """Waves that bend one another."""
    bend = np.sin(pace * np.float32(0.43) * y + phase)
    waves = np.sin(pace * np.float32(0.61) * x + np.float32(1.3) * bend + phase)
    waves += np.sin(pace * np.float32(0.37) * (x + y) + np.float32(1.7) * bend - phase)
    return np.float32(0.5) + np.float32(0.25) * waves


def _edge(wave: Floats, pace: Floats) -> Floats:
    """From a wave to two tones, with an edge that is as soft at every pace and every size."""
    return np.clip(np.float32(0.5) + wave * np.float32(24) / pace, 0, 1)


# How much of its second colour a ground has where: 0..1, (n, S, S). x and y go from -0.5 to 0.5 before they
# are turned; `pace` is in radians a picture and `phase` in radians, both (n, 1, 1).
GROUNDS: Mapping[str, Callable[[Floats, Floats, Floats, Floats], Floats]] = MappingProxyType(
    {
        "stripes": _stripes,
        "checks": _checks,
        "dots": _dots,
        "ripples": _ripples,
        "slope": _slope,
        "clouds": _clouds,
    }
)

_DRAWN = 18  # numbers that decide a picture, but for its grain


def draw(
    count: int, size: int, *, seed: int, stream: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]:
    """Pictures (N, 3, S, S), classes (N,) that take turns, and where the objects are (N, S, S).

    Fewer pictures of the same seed and stream are the first of more.
    """
    images = np.empty((count, 3, size, size), np.uint8)
    masks = np.empty((count, size, size), np.bool_)
    drawn = np.random.default_rng((seed, stream)).random((count, _DRAWN), np.float32)
    grain = np.random.default_rng((seed, stream, size))
    for start in range(0, count, _CHUNK):
        part = slice(start, min(start + _CHUNK, count))
        images[part], masks[part] = _draw(drawn[part], size, grain)
    return images, np.arange(count, dtype=np.int64) % len(CLASSES), masks


@dataclass(frozen=True, kw_only=True, eq=False)
class Posed:
    """Pictures of one shape, and where its parts are in each."""

    images: NDArray[np.uint8]  # (N, 3, S, S)
    masks: NDArray[np.bool_]  # (N, S, S)
    parts: Mapping[str, NDArray[np.float64]]  # (N, 2): x and y of their middles, as shares of the picture


def posed(name: str, count: int, size: int, *, seed: int, loose: float) -> Posed:
    """Pictures of a shape of PARTS whose pose is known: five stars like five faces from the front.

    loose: how much place, side and angle differ, from 0, all upright in the middle, to 1, as `draw` has them.
    Colours and grounds differ as always. Pictures of fewer are the first of more.
    """
    at, many = CLASSES.index(name), len(CLASSES)
    drawn = np.random.default_rng((seed, at)).random((count * many, _DRAWN), np.float32)
    upright = UPRIGHT.get(name, 0.0)
    for column, middle in enumerate((0.5, 0.5, 0.5, upright)):
        wander = np.float32(loose) * (drawn[:, column] - np.float32(0.5))
        drawn[:, column] = np.float32(middle) + wander
    images, masks = _draw(drawn, size, np.random.default_rng((seed, at, size)))
    x, y, side, angle = drawn[at::many, :4].T.astype(np.float64)
    side = _SIDES[0] + (_SIDES[1] - _SIDES[0]) * side
    room = 0.5 - side * _REACH
    cos, sin = np.cos(2 * np.pi * angle), np.sin(2 * np.pi * angle)
    parts = {
        part: np.stack(
            [
                0.5 + room * (2 * x - 1) + side * (cos * u - sin * v),
                0.5 + room * (2 * y - 1) + side * (sin * u + cos * v),
            ],
            axis=1,
        )
        for part, (u, v) in PARTS[name].items()
    }
    return Posed(images=images[at::many], masks=masks[at::many], parts=parts)


def _draw(
    drawn: Floats, size: int, grain: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Some pictures, the first of which is of the first class."""
    (
        x, y, side, angle, light, spread, hue, hue2, strength, strength2,
        object_light, object_hue, object_strength, kind, pace, turn, phase, lit,
    ) = (column.reshape(-1, 1, 1) for column in drawn.T)  # fmt: skip
    across = ((np.arange(size, dtype=np.float32) + np.float32(0.5)) / size - np.float32(0.5))[None, None]
    down = across.transpose(0, 2, 1)

    light, spread = _within(light, 0.22, 0.78), _within(spread, 0.04, 0.13)
    dark = _colour(light - spread, hue, _within(strength, 0.04, 0.26))
    bright = _colour(light + spread, hue + _within(hue2, -0.18, 0.18), _within(strength2, 0.04, 0.26))
    ground = _ground(across, down, kind, _within(pace, 12, 34), 6.2832 * turn, 6.2832 * phase)
    pixels = dark + (bright - dark) * ground[:, None]  # (n, 3, S, S)

    side = _within(side, *_SIDES)
    room = np.float32(0.5) - side * np.float32(_REACH)
    distance = _distance(across - room * (2 * x - 1), down - room * (2 * y - 1), side, 6.2832 * angle)
    inside = np.clip(np.float32(0.5) - distance * size, 0, 1)
    pixels *= (1 - np.float32(0.22) * np.exp(-np.maximum(distance, 0) * np.float32(22)))[:, None]
    shade = (across + down) * np.float32(0.35) * (np.float32(0.5) + lit)  # lit from the upper left
    face = _colour(
        _apart(object_light, light - spread, light + spread), object_hue, _within(object_strength, 0.1, 0.38)
    )
    pixels += (face - shade[:, None] - pixels) * inside[:, None]
    pixels += grain.standard_normal(pixels.shape, np.float32) * np.float32(_GRAIN)
    return (np.clip(pixels, 0, 1) * 255 + np.float32(0.5)).astype(np.uint8), inside > 0.5


def _within(share: Floats, low: float, high: float) -> Floats:
    return np.float32(low) + np.float32(high - low) * share


def _apart(share: Floats, low: Floats, high: Floats) -> Floats:
    """A lightness that keeps its distance from all between `low` and `high`."""
    below = np.maximum(low - np.float32(_CONTRAST + 0.06), 0)
    above = np.maximum(np.float32(0.94 - _CONTRAST) - high, 0)
    at = share * (below + above)
    return np.where(at < below, np.float32(0.06) + at, high + np.float32(_CONTRAST) + at - below)


def _colour(light: Floats, hue: Floats, strength: Floats) -> Floats:
    """(n, 1, 1) each, hue in turns -> red, green and blue (n, 3, 1, 1) of that lightness."""
    angle = 6.2832 * hue
    red, blue = np.cos(angle), np.sin(angle)
    green = -(red * _LUMA[0] + blue * _LUMA[2]) / _LUMA[1]  # so that lightness stays what it is
    return light[:, None] + np.stack([red, green, blue], 1) * strength[:, None]


def _ground(across: Floats, down: Floats, kind: Floats, pace: Floats, turn: Floats, phase: Floats) -> Floats:
    cos, sin = np.cos(turn), np.sin(turn)
    found = np.empty((len(kind), across.shape[-1], across.shape[-1]), np.float32)
    kinds = (kind.ravel() * len(GROUNDS)).astype(np.int64)
    for at, ground in enumerate(GROUNDS.values()):
        own = kinds == at
        c, s = cos[own], sin[own]
        found[own] = ground(c * across + s * down, c * down - s * across, pace[own], phase[own])
    return found


def _distance(across: Floats, down: Floats, side: Floats, angle: Floats) -> Floats:
    """To the outline, as a share of the picture, negative inside: (n, S, S). Classes take turns."""
    cos, sin = np.cos(angle) / side, np.sin(angle) / side
    found = np.empty(np.broadcast_shapes(across.shape, down.shape), np.float32)
    for at, outline in enumerate(OUTLINES.values()):
        own = slice(at, None, len(OUTLINES))
        x, y, c, s = across[own], down[own], cos[own], sin[own]
        found[own] = outline(c * x + s * y, c * y - s * x) * side[own]
    return found
