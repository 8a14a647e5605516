"""Scaling laws: formulas as lines, real networks as points on them, and the reader's own."""

from collections.abc import Iterable

import plotly.graph_objects as go

from viz.figures.style import LINE, RIM, TALL, count, framed
from zoo.scaling import Chart, Series

_COLOURS = ("#0072b2", "#d55e00")  # of the two of everything that a chart may show
_YOURS, _PUBLISHED = "#cc79a7", "#009e73"
_FEW, _MANY = (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)  # marks within a factor of ten
_LABELLED = 8  # points that can carry their names without covering each other's
_BESIDE = 400  # px: the height of the smaller figures, with room for a legend in many lines


def draw(chart: Chart, *, main: bool = False) -> go.Figure:
    """The chart; the main one of a page is taller."""
    figure = go.Figure()
    for series in chart.series:
        if series.kind == "mark":
            figure.add_vline(x=series.x[0], line={"color": _YOURS, "width": 2, "dash": "dot"})
            figure.add_scatter(
                x=[None], y=[None], mode="lines", name=series.name,
                line={"color": _YOURS, "width": 2, "dash": "dot"},
            )  # fmt: skip
        elif chart.bars:
            figure.add_bar(
                x=series.x, y=series.y, name=series.name,
                marker={"color": _YOURS if series.kind == "chosen" else _COLOURS[0],
                        "pattern": {"shape": "/" if series.kind == "formula" else ""}},
                hovertemplate="%{y:,}<extra>%{fullData.name}</extra>",
            )  # fmt: skip
        else:
            figure.add_trace(_trace(series))
    logarithmic = {"type": "log", "zeroline": False}
    plain = {"zeroline": False, "rangemode": "normal"}
    figure.update_xaxes(
        title=chart.x, **(logarithmic | _ticks(_values(chart, "x")) if chart.log_x else plain)
    )
    figure.update_yaxes(
        title=chart.y, **(logarithmic | _ticks(_values(chart, "y")) if chart.log_y else plain)
    )
    if chart.bars:
        figure.update_xaxes(dtick=1)
        figure.update_yaxes(rangemode="tozero")
    figure = framed(figure, TALL if main else _BESIDE, legend=0.2 if main else 0.28)
    return figure.update_layout(title={"text": chart.title, "font": {"size": 15}}, margin={"t": 48})


def _trace(series: Series) -> go.Scatter:
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


def _ticks(values: Iterable[float]) -> dict[str, object]:
    """Where a logarithmic axis has its marks, and how they are written: three digits from 10,000 on."""
    known = [value for value in values if value > 0]
    low, high = min(known), max(known)
    steps = _MANY if high < 10 * low else _FEW if high < 5000 * low else (1.0,)
    places = [m * 10.0**e for e in range(-3, 13) for m in steps if low / 2 <= m * 10.0**e <= 2 * high]
    return {"tickvals": places, "ticktext": [count(p) if p >= 1e4 else f"{p:g}" for p in places]}
