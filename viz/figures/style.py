"""What all figures share: colours, markers, heights and how numbers are written.

Colours are Okabe and Ito's, which every kind of colour vision tells apart. Meaning never rests on colour
alone: layers carry their name, families a marker of their own. Everything here can be seen on white and on
near-black ground, because a figure does not know the reader's theme.
"""

from collections.abc import Mapping
from types import MappingProxyType

import plotly.graph_objects as go

# Kinds of operations, the same in the layer graph, the bars of cost and the miniatures.
LAYER_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "conv": "#0072b2",
        "linear": "#cc79a7",
        "matmul": "#d55e00",
        "softmax": "#d55e00",
        "norm": "#7a7a7a",
        "act": "#e69f00",
        "pool": "#009e73",
        "add": "#f0e442",
        "concat": "#f0e442",
        "reshape": "#c9ced4",
        "input": "#56b4e9",
        "dropout": "#b9b9b9",
        "other": "#b9b9b9",
    }
)

LAYER_WORDS: Mapping[str, str] = MappingProxyType(  # the same as in the layer graph's legend
    {
        "input": "input",
        "conv": "convolution",
        "linear": "linear",
        "matmul": "matrix product",
        "softmax": "softmax",
        "norm": "normalisation",
        "act": "activation",
        "pool": "pooling",
        "add": "add or multiply",
        "concat": "concatenation",
        "reshape": "reshape",
        "dropout": "dropout",
        "other": "other",
    }
)

# Kinds of families (zoo.KINDS).
KIND_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "plain": "#0072b2",
        "branches": "#e69f00",
        "shortcuts": "#009e73",
        "mobile": "#cc79a7",
        "attention": "#d55e00",
    }
)
KIND_SYMBOLS: Mapping[str, str] = MappingProxyType(  # plotly's names
    {
        "plain": "circle",
        "branches": "square",
        "shortcuts": "diamond",
        "mobile": "triangle-up",
        "attention": "star",
    }
)
KIND_GLYPHS: Mapping[str, str] = MappingProxyType(  # the same markers in text
    {"plain": "●", "branches": "■", "shortcuts": "◆", "mobile": "▲", "attention": "★"}
)

LINE = "#7d8894"  # lines and small marks: at least 3.5:1 on white and on #0f1419
FAINT = "rgba(125, 136, 148, 0.45)"  # lines that must not compete with the data
FRONT = "#56b4e9"

# Things side by side in a chart, in this order: Okabe and Ito's colours, markers for those who do not see
# them, and the same markers in text.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#7a7a7a")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "triangle-down", "circle", "square")
GLYPHS = ("●", "◆", "■", "▲", "▼", "○", "□")

TALL, MEDIUM, LOW = 460, 320, 240  # heights of figures, px


RIM = {"width": 1, "color": "rgba(255, 255, 255, 0.75)"}  # around points, so that each shows among others


def framed(figure: go.Figure, height: int, legend: float) -> go.Figure:
    """A figure of points: room for plotly's buttons above, and a legend `legend` of its height below."""
    return figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 36, "b": 8},
        legend={"orientation": "h", "y": -legend, "yanchor": "top", "x": 0, "itemsizing": "constant"},
        hoverlabel={"align": "left"},
        dragmode=False,
    )


def ink(colour: str) -> str:
    """Black or white, whichever has more contrast with `colour` (#rrggbb) by the formula of WCAG 2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "#ffffff"


def count(value: float) -> str:
    """A count in three digits: 60 k, 25.6 M, 4.09 G."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= 0.9995 * size:
            scaled = value / size
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            text = f"{scaled:.{digits}f}"
            return (text.rstrip("0").rstrip(".") if "." in text else text) + letter
    return f"{value:.0f}"


MORE, LESS = "#d55e00", "#0072b2"  # what one network costs more or less than another
