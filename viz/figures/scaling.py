"""Scaling laws: formulas as lines, real networks as points on them, and the reader's own."""

from collections.abc import Collection

import plotly.graph_objects as go

from viz.figures.style import LINE, RIM, TALL, count, framed
from zoo.scaling import Chart, Series

_COLOURS = ("#0072b2", "#d55e00")  # of the two of everything that a chart may show
_YOURS, _PUBLISHED = "#cc79a7", "#009e73"
_MARK = {"color": _YOURS, "width": 2, "dash": "dot"}
_FEW, _MANY = (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)  # marks within a factor of ten
_LABELLED = 8  # points that can carry their names without covering each other's
_BESIDE = 400  # px: the height of the smaller figures, with room for a legend in many lines


def draw(chart: Chart, *, main: bool = False) -> go.Figure:
    """The chart; the main one of a page is taller."""
    figure = go.Figure(  # in one piece: every later change of a figure costs plotly as much as a trace
        [_bar(series) if chart.bars else _trace(series) for series in chart.series],
        {
            "title": {"text": chart.title, "font": {"size": 15}},
            "xaxis": {"title": chart.x, **_axis(_values(chart, "x") if chart.log_x else ()), **_whole(chart)},
            "yaxis": {"title": chart.y, **_axis(_values(chart, "y") if chart.log_y else ())}
            | ({"rangemode": "tozero"} if chart.bars else {}),
            "shapes": [
                {"type": "line", "yref": "y domain", "y0": 0, "y1": 1, "x0": mark.x[0], "x1": mark.x[0],
                 "line": _MARK}
                for mark in chart.series
                if mark.kind == "mark"
            ],
        },
    )  # fmt: skip
    return framed(figure, TALL if main else _BESIDE, legend=0.2 if main else 0.28)


def _whole(chart: Chart) -> dict[str, object]:
    """Stages are counted, one by one."""
    return {"dtick": 1} if chart.bars else {}


def _bar(series: Series) -> go.Bar:
    colour = _YOURS if series.kind == "chosen" else _COLOURS[0]
    return go.Bar(
        x=series.x,
        y=series.y,
        name=series.name,
        marker={"color": colour, "pattern": {"shape": "/" if series.kind == "formula" else ""}},
        hovertemplate="%{y:,}<extra>%{fullData.name}</extra>",
    )


def _trace(series: Series) -> go.Scatter:
    if series.kind == "mark":  # the line itself is a shape; this is its place in the legend
        return go.Scatter(x=[None], y=[None], mode="lines", name=series.name, line=_MARK)
    colour = _COLOURS[series.group]
    hover = {"hovertext": series.texts, "hoverinfo": "text"} if series.texts else {}
    shared = {"x": series.x, "y": series.y, "name": series.name, **hover}
    if series.kind in ("formula", "leading", "line"):
        line = {
            "formula": {"color": colour, "width": 2.5},
            "leading": {"color": colour if series.group else LINE, "width": 2, "dash": "dash"},
            "line": {"color": LINE, "width": 2, "dash": "dot"},
        }[series.kind]
        if series.stairs:
            line |= {"shape": "hvh"}
        return go.Scatter(mode="lines", line=line, **shared)
    if series.kind == "networks":
        marker = {"size": 9, "color": colour, "line": RIM}
        return go.Scatter(mode="markers", marker=marker, **shared)
    if series.kind == "chosen":
        symbol = "circle-open" if series.group == 0 else "square-open"
        marker = {"size": 19, "symbol": symbol, "color": _YOURS, "line": {"width": 4}}
        return go.Scatter(mode="markers", marker=marker, **shared)
    joined = series.kind == "published line"
    labels = series.labels if len(series.labels) <= _LABELLED else ()
    own = colour if joined or series.group else _PUBLISHED
    return go.Scatter(
        mode="+".join(["lines"] * joined + ["markers"] + ["text"] * bool(labels)),
        marker={"size": 11, "symbol": "diamond", "color": own, "line": RIM},
        line={"color": own, "width": 1.5},
        text=labels,
        textposition="top left" if series.group and joined else "bottom right",
        textfont={"size": 11},
        cliponaxis=False,
        **shared,
    )


def _values(chart: Chart, axis: str) -> list[float]:
    return [v for series in chart.series if series.kind != "mark" for v in getattr(series, axis)]


def _axis(values: Collection[float]) -> dict[str, object]:
    """A logarithmic axis for these values, written in three digits from 10,000 on; a plain one for none."""
    if not values:
        return {"zeroline": False}
    known = [value for value in values if value > 0]
    low, high = min(known), max(known)
    steps = _MANY if high < 10 * low else _FEW if high < 5000 * low else (1.0,)
    places = [m * 10.0**e for e in range(-3, 13) for m in steps if low / 2 <= m * 10.0**e <= 2 * high]
    text = [count(p) if p >= 1e4 else f"{p:g}" for p in places]
    return {"type": "log", "zeroline": False, "tickvals": places, "ticktext": text}
