"""The figures of scaling laws: every series is drawn, axes are what the chart says, marks are readable."""

import pytest

from viz.figures.scaling import draw
from zoo.scaling import LAWS, Chart, Series
from zoo.scaling.records import Kind


def chart(*series: Series, log: bool = False, bars: bool = False) -> Chart:
    return Chart(
        key="c", title="Title", x="side, px", y="MACs", series=series, log_x=log, log_y=log, bars=bars,
        note="n",
    )  # fmt: skip


def series(kind: Kind, *y: float) -> Series:
    return Series(name=kind, kind=kind, x=tuple(float(i) for i in range(1, len(y) + 1)), y=y)


def test_points_and_lines() -> None:
    figure = draw(chart(series("formula", 1, 2), series("networks", 1, 2), series("chosen", 1), log=True))
    assert [trace.mode for trace in figure.data] == ["lines", "markers", "markers"]
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("side, px", "MACs")


def test_bars_stand_on_zero() -> None:
    figure = draw(chart(series("networks", 3, 4), series("chosen", 3, 5), bars=True))
    assert [trace.type for trace in figure.data] == ["bar", "bar"]
    assert figure.layout.yaxis.rangemode == "tozero"


def test_a_mark_is_a_line_across_and_in_the_legend() -> None:
    figure = draw(chart(series("published line", 3, 4), series("mark", 0)))
    assert len(figure.layout.shapes) == 1
    assert figure.data[1].name == "mark"


def test_a_crowd_of_published_points_goes_without_names() -> None:
    many = tuple(float(i) for i in range(1, 13))
    crowd = Series(name="p", kind="published line", x=many, y=many, labels=tuple(map(str, many)))
    assert draw(chart(crowd)).data[0].mode == "lines+markers"
    few = Series(name="p", kind="published", x=many[:3], y=many[:3], labels=("a", "b", "c"))
    assert draw(chart(few)).data[0].mode == "markers+text"


def test_marks_of_a_logarithmic_axis() -> None:
    axis = draw(chart(series("networks", 96, 1024, 3e9), log=True)).layout.yaxis
    assert "1 G" in axis.ticktext
    short = draw(chart(series("networks", 96, 400), log=True)).layout.yaxis
    assert list(short.ticktext) == ["50", "70", "100", "150", "200", "300", "400", "500", "700"]


@pytest.mark.parametrize("key", ["regnet", "attention"])
def test_a_laws_charts(key: str) -> None:
    law = LAWS[key]
    for one in law.view(law.defaults, next(iter(law.quantities))).charts:
        figure = draw(one, main=True)
        assert figure.layout.title.text == one.title
        assert len(figure.data) == len(one.series)
