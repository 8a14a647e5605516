"""The timeline: what the Pareto front is, where points stand, and what each of them tells."""

import pytest

from viz.figures.style import FRONT
from viz.figures.timeline import Point, diameter, drawn, front, pareto, timeline


def point(name: str, *, family: str = "A", kind: str = "plain", **at: float) -> Point:
    at = {"year": 2015.0, "params": 1e6, "macs": 1e9} | at
    return Point(name=name, title=name.upper(), family=family, kind=kind, at=at, accuracy="nobody measured")


def test_pareto_front_by_hand() -> None:
    """(3, 1), (2, 2) and (1, 3) are each best at something; (2, 1) loses to the first two, (1, 1) to all."""
    scores = [(3, 1), (2, 1), (2, 2), (1, 1), (1, 3)]
    assert pareto(scores) == [0, 2, 4]


def test_equal_scores_do_not_beat_each_other() -> None:
    assert pareto([(1, 1), (1, 1)]) == [0, 1]
    assert pareto([(1, 1), (1, 1), (1, 2)]) == [2]


def test_front_knows_which_way_is_better() -> None:
    """Fewer MACs and more accuracy: b costs more than a for less, d as much as c for less."""
    points = [
        point("a", macs=1e9, top1=70),
        point("b", macs=2e9, top1=65),
        point("c", macs=4e9, top1=76),
        point("d", macs=4e9, top1=75),
        point("cheap", macs=5e8, top1=60),
    ]
    assert [p.name for p in front(points, "macs", "top1")] == ["cheap", "a", "c"]
    assert [p.name for p in front(points, "top1", "macs")] == ["cheap", "a", "c"]


def test_front_is_drawn_as_the_stairs_that_were_reached() -> None:
    """Between two networks one has to make do with the cheaper: flat to the right, then up."""
    figure = timeline(
        [point("a", macs=1, top1=60), point("b", macs=2, top1=70)], "macs", "top1", with_front=True
    )
    (line,) = (trace for trace in figure.data if trace.name == "Pareto front")
    assert (line.x, line.y, line.line.shape, line.line.color) == ((1, 2), (60, 70), "hv", FRONT)
    figure = timeline(
        [point("a", macs=1, top1=60), point("b", macs=2, top1=70)], "top1", "macs", with_front=True
    )
    (line,) = (trace for trace in figure.data if trace.name == "Pareto front")
    assert (line.x, line.y, line.line.shape) == ((60, 70), (1, 2), "vh")


def test_points_without_a_figure_are_left_out() -> None:
    points = [point("measured", top1=70), point("not")]
    assert [p.name for p in drawn(points, "year", "top1")] == ["measured"]
    assert [p.name for p in drawn(points, "year", "params")] == ["measured", "not"]


def test_area_grows_with_the_amount() -> None:
    assert diameter(100, 100) / diameter(25, 100) == pytest.approx(2)
    assert diameter(1, 1e9) == diameter(2, 1e9) > 0, "the smallest can still be pointed at"


def test_points_bear_their_names_and_kinds() -> None:
    figure = timeline([point("a"), point("b", family="B", kind="mobile")], "params", "macs")
    traces = {trace.name: trace for trace in figure.data if trace.customdata is not None}
    assert {name: trace.customdata for name, trace in traces.items()} == {
        "Plain": (["a"],),
        "Mobile": (["b"],),
    }
    assert traces["Plain"].marker.symbol != traces["Mobile"].marker.symbol
    assert traces["Plain"].hovertext == (
        "<b>A</b><br>A, 2015<br>1 M parameters, 1 G MACs<br>nobody measured",
    )
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")
    assert timeline([point("a")], "year", "macs").layout.xaxis.type is None


def test_text_cannot_become_markup() -> None:
    bold = Point(name="a", title="<b>", family="<i>", kind="plain", at=point("a").at, accuracy="<a href=x>")
    (card,) = timeline([bold], "year", "params").data[0].hovertext
    assert card.count("<b>") == 1
    assert "<i>" not in card
    assert "<a" not in card


def test_families_of_a_year_stand_side_by_side() -> None:
    points = [
        point("a", family="A"),
        point("a2", family="A"),
        point("b", family="B"),
        point("c", year=2016.0),
    ]
    (dots, *_) = timeline(points, "year", "params").data
    at = {name: x for (name,), x in zip(dots.customdata, dots.x, strict=True)}
    assert at["a"] == at["a2"] < 2015 < at["b"]
    assert at["a"] + at["b"] == pytest.approx(2 * 2015)
    assert at["c"] == 2016, "alone in its year"


def test_lineage_joins_the_first_of_each_family() -> None:
    points = [
        point("old", family="Parent", params=10.0),
        point("late", family="Parent", params=90.0, year=2018.0),
        point("young", family="Child", params=20.0, year=2016.0),
        point("best", family="Child", params=30.0, year=2016.0),
    ]
    figure = timeline(points, "year", "params", lineage=[("Parent", "Child"), ("Nobody", "Child")])
    (arrows,) = (trace for trace in figure.data if trace.name == "Grew from")
    assert arrows.x == (2015, 2016, None)
    assert arrows.y == (10, 30, None)
    assert arrows.marker.size[1] > arrows.marker.size[0] == 0, "the head is at the child"
    assert arrows.marker.standoff[1] > 0, "and stops before its point"


def test_names_do_not_cover_each_other() -> None:
    """Ten families in the same spot: at most eight find room around it, each on another side."""
    points = [point(str(i), family=f"Family {i}") for i in range(10)]
    narrow, wide = timeline(points, "macs", "params").data[-2:]
    assert narrow.name == wide.name == "Names"
    assert 1 <= len(narrow.text) <= len(wide.text) <= 8
    far = [point(str(i), family=f"Family {i}", params=10.0**i, macs=10.0**i) for i in range(5)]
    assert len(timeline(far, "macs", "params").data[-1].text) == 5


def test_all_but_kin_fades_and_loses_its_name() -> None:
    points = [point(name, family=name.upper(), year=2000.0 + i) for i, name in enumerate("abc")]
    dots, *_, names = timeline(points, "year", "params", kin=["A", "C"]).data
    strength = dict(zip((name for (name,) in dots.customdata), dots.marker.opacity, strict=True))
    assert strength["a"] == strength["c"] > 0.8
    assert strength["b"] < 0.2
    assert set(names.text) == {"A", "C"}
    assert timeline(points, "year", "params").data[0].marker.opacity == 0.85


def test_nothing_to_draw() -> None:
    assert timeline([point("a")], "year", "top1", lineage=[("A", "B")], with_front=True).data == ()
