"""The figures of a ladder: where bars begin and end, what is off the scale, which accuracies are joined."""

import pytest

from viz.figures import style
from viz.figures.ladder import accuracies, signed, waterfall
from zoo.ladders import Accuracy, Rung, Step


def ladder(*totals: int, top1: tuple[tuple[float, str] | None, ...] = ()) -> list[Step]:
    """Steps with so many parameters, ten times as many MACs, and accuracies by recipe."""
    known = [Accuracy(top1=one[0], source="somebody", recipe=one[1]) if one else None for one in top1]
    known += [None] * (len(totals) - len(known))
    steps: list[Step] = []
    for i, total in enumerate(totals):
        rung = Rung(name=f"rung {i}", variant="nin_cifar10", edit="", block="")
        more = total - totals[i - 1] if i else None
        steps.append(
            Step(
                rung=rung,
                size=32,
                params=total,
                macs=10 * total,
                auxiliary=0,
                accuracy=known[i],
                more_params=more,
                more_macs=None if more is None else 10 * more,
            )
        )
    return steps


def test_bars_span_from_total_to_total() -> None:
    figure = waterfall(ladder(100, 140, 120, 120), "params", chosen=2)
    more, less = (next(t for t in figure.data if str(t.name).startswith(name)) for name in ("more", "less"))
    assert (list(more.x), list(more.base)) == ([40, None, None], [100, 140, 120])
    assert (list(less.x), list(less.base)) == ([None, -20, None], [100, 140, 120])
    assert (more.marker.color, less.marker.color) == (style.MORE, style.LESS)
    assert more.marker.opacity[1] == 1 > more.marker.opacity[0]
    words = next(t for t in figure.data if t.type == "scatter" and t.mode == "text")
    texts = [text.strip() for text in words.text]
    assert texts[:3] == ["+40", "<b> −20</b>", "±0"]
    assert texts[3:] == ["100", "140", "<b>120 </b>", "120"]
    assert list(words.y) == [1, 2, 3, 0, 1, 2, 3]
    low, high = figure.layout.xaxis.range
    assert low < 100 < 140 < high
    assert figure.layout.xaxis.title.text == f"Parameters, from {style.count(low)} on"
    assert list(figure.layout.yaxis.ticktext) == ["rung 0", "rung 1", "<b>rung 2</b>", "rung 3"]


def test_the_other_quantity() -> None:
    figure = waterfall(ladder(100, 140), "macs", chosen=1)
    more = next(t for t in figure.data if str(t.name).startswith("more"))
    assert (list(more.x), list(more.base)) == ([400], [1000])


def test_a_first_rung_far_above_all_others_goes_off_the_scale() -> None:
    figure = waterfall(ladder(1000, 100, 140), "params", chosen=0)
    low, high = figure.layout.xaxis.range
    assert high < 1000
    less = next(t for t in figure.data if str(t.name).startswith("less"))
    assert less.base[0] + less.x[0] == pytest.approx(100)
    assert low < 100 < less.base[0] < high
    start = next(t for t in figure.data if t.name == "where the ladder starts")
    assert (list(start.x), start.text[0].strip()) == ([less.base[0]], "off the scale")


def test_lines_join_accuracies_of_one_recipe() -> None:
    same, other = (70.0, "a"), (75.0, "b")
    figure = accuracies(ladder(1, 2, 3, 4, top1=(same, (71.5, "a"), other, None)), chosen=1)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert lines[0].showlegend
    assert [(list(line.x), list(line.y)) for line in lines] == [([70.0, 71.5, None], [0, 1, None])]
    points = next(trace for trace in figure.data if trace.mode == "markers+text")
    assert (list(points.x), list(points.y)) == ([70.0, 71.5, 75.0], [0, 1, 2])
    unknown = next(trace for trace in figure.data if trace.mode == "text")
    assert (list(unknown.y), unknown.text[0].strip()) == ([3], "– not published")


def test_words_keep_out_of_the_way_of_lines() -> None:
    figure = accuracies(ladder(1, 2, 3, top1=((75.0, "a"), (70.0, "a"), (72.0, "a"))), chosen=1)
    points = next(t for t in figure.data if t.mode == "markers+text")
    assert list(points.textposition) == ["middle right", "middle left", "middle right"]


@pytest.mark.parametrize(("change", "words"), [(0, "±0"), (2_530_992, "+2.53 M"), (-7_552, "−7.55 k")])
def test_changes_in_words(change: int, words: str) -> None:
    assert signed(change) == words
