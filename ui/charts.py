"""Charts that change while one looks at them.

Streamlit takes a plotly chart with one more point for another chart: it is taken down and drawn anew, which
flickers. So curves that grow are drawn by Streamlit's other library, ECharts, which changes a chart in place.
What is drawn is still a plotly figure, from viz/figures: here it is read, and nobody else need know.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from plotly.graph_objects import Figure

from ui import export

_SYMBOLS: Mapping[str, str] = MappingProxyType(  # plotly's names, and ECharts' where they differ
    {"square": "rect", "triangle-up": "triangle", "triangle-down": "triangle", "star": "pin"}
)
_STROKES: Mapping[str, str] = MappingProxyType(  # in the legend, of lines without points
    {
        "solid": "path://M0 4h22v2.5H0z",
        "dotted": "path://M0 4h3v2.5H0zM6 4h3v2.5H6zM12 4h3v2.5H12zM18 4h3v2.5H18z",
        "dashed": "path://M0 4h6v2.5H0zM8 4h6v2.5H8zM16 4h6v2.5H16z",
    }
)
_DASHES: Mapping[str, str] = MappingProxyType({"dash": "dashed", "dot": "dotted"})


def steady(figure: Figure, key: str, *, name: str, alt: str) -> None:
    """Draw a figure whose numbers change: curves in place, everything else by plotly.

    `name` is that of the file a plotly figure is saved as.
    """
    if all(trace.type == "scatter" for trace in figure.data):
        lines(option(figure, ink()), key, alt=alt, height=figure.layout.height)
        return
    picture = {"toImageButtonOptions": {"format": "png", "filename": name, "scale": 2}}
    st.plotly_chart(figure, key=key, config=export.picture(name) | picture, alt=alt)


def ink() -> str:
    """The colour of text in a chart, for the reader's theme: a contrast of at least 7:1 on its ground."""
    return "#c6cdd5" if st.context.theme.type == "dark" else "#4a545f"


def lines(drawn: Mapping[str, Any], key: str, *, alt: str, height: int) -> None:
    """Draw what `option` made. Its toolbar saves it as PNG and fills the screen with it."""
    st.echarts_chart(dict(drawn), key=key, alt=alt, height=height)


def option(figure: Figure, ink: str) -> dict[str, Any]:
    """A plotly figure of lines and points as ECharts draws it: traces, axes, and lines across.

    Shares, whose axis is in per cent, are sent as such, because ECharts cannot multiply.
    """
    layout = figure.layout
    shares = str(layout.yaxis.tickformat or "").endswith("%")
    scale = 100 if shares else 1
    datasets, series = [], []
    for number, trace in enumerate(figure.data):
        y = scale * np.asarray(trace.y, dtype=np.float32)
        if layout.yaxis.type == "log":
            y = np.where(y > 0, y, np.nan).astype(np.float32)
        datasets.append({"source": pd.DataFrame({"x": np.asarray(trace.x, dtype=np.float32), "y": y})})
        series.append(_series(trace, number))
    across = [_across(shape, scale) for shape in layout.shapes]
    if across and series:
        series[0]["markLine"] = {"symbol": "none", "silent": True, "animation": False, "data": across}
    vertical = _axis(layout.yaxis.title.text, ink) | {
        "type": "log" if layout.yaxis.type == "log" else "value", "nameGap": 44,
    }  # fmt: skip
    if shares:
        vertical["axisLabel"] |= {"formatter": "{value}%"}
    horizontal = _axis(layout.xaxis.title.text, ink) | {"type": "value", "nameGap": 26, "max": "dataMax"}
    if layout.xaxis.range is not None:
        horizontal |= dict(zip(("min", "max"), layout.xaxis.range, strict=True))
    if layout.yaxis.range is not None:
        least, most = layout.yaxis.range
        vertical |= {"min": scale * least, "max": scale * most}
    return {
        "animation": False,
        "title": {"text": layout.title.text, "left": 0, "top": 6},
        "legend": {
            "bottom": 0, "left": 0, "itemGap": 12, "itemWidth": 22, "textStyle": {"color": ink},
            "data": [
                {"name": each["name"]}
                | ({} if each.get("showSymbol", True) else {"icon": _STROKES[each["lineStyle"]["type"]]})
                for each in series
            ],
        },
        "grid": {"left": 58, "right": 14, "top": 46, "bottom": 92, "outerBoundsMode": "none"},
        "tooltip": {"trigger": "axis", "valueFormatter": "%.1f %%" if shares else "%.4g", "confine": True},
        "dataset": datasets,
        "xAxis": horizontal,
        "yAxis": vertical,
        "series": series,
    }  # fmt: skip


def _axis(title: str, ink: str) -> dict[str, Any]:
    text = {"color": ink}
    return {"name": title, "nameLocation": "middle", "nameTextStyle": text, "axisLabel": dict(text)}


def _series(trace: Any, number: int) -> dict[str, Any]:
    colour = trace.line.color or trace.marker.color
    if trace.mode == "markers":
        symbol = {"symbol": _SYMBOLS.get(trace.marker.symbol, trace.marker.symbol), "symbolSize": 13}
        drawn: dict[str, Any] = {
            "type": "scatter",
            "symbolRotate": 180,
            "itemStyle": {"color": colour},
        } | symbol
    else:
        points = "markers" in trace.mode
        drawn = {
            "type": "line",
            "showSymbol": points,
            "symbol": _SYMBOLS.get(trace.marker.symbol, trace.marker.symbol) if points else "none",
            "symbolSize": 7,
            "step": "end" if trace.line.shape == "hv" else False,
            "lineStyle": {
                "color": colour, "width": trace.line.width, "type": _DASHES.get(trace.line.dash, "solid"),
            },
        }  # fmt: skip
    return drawn | {
        "itemStyle": {"color": colour},
        "name": trace.name,
        "datasetIndex": number,
        "encode": {"x": "x", "y": "y"},
    }


def _across(shape: Any, scale: int) -> dict[str, Any]:
    """A line through the whole chart: at an x, or at a y where its two ends have the same."""
    upright = shape.x0 == shape.x1
    return {
        "xAxis" if upright else "yAxis": shape.x0 if upright else scale * shape.y0,
        "label": {"show": False},
        "lineStyle": {
            "color": shape.line.color, "width": shape.line.width,
            "type": _DASHES.get(shape.line.dash, "solid"),
        },
    }  # fmt: skip
