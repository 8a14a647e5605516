"""Figures of parts and ablations: what they draw, and in which order."""

import numpy as np

from viz.figures import ablation, parts
from viz.figures.ablation import PLACES, Errors
from viz.figures.parts import Bar

BARS = [
    Bar(name="A tip", delta=0.1, error=0.02, chance=0.3, changed=0.4, colour="#e69f00"),
    Bar(name="random parts", delta=0.2, error=float("nan"), chance=0.3, changed=0.4, colour="#7d8894"),
]


def test_a_bar_a_part_its_error_and_chance() -> None:
    figure = parts.consistency(BARS, title="conv5", most=0.4)
    bars, chance = figure.data
    assert list(bars.x) == [0.1, 0.2]
    assert list(bars.y) == list(chance.y) == ["A tip", "random parts"]
    np.testing.assert_array_equal(bars.error_x.array, [0.02, np.nan])
    assert list(chance.x) == [0.3, 0.3]
    assert figure.layout.xaxis.range == (0, 0.4)


def test_one_axis_holds_all_bars_errors_and_chances() -> None:
    assert parts.ceiling([BARS]) == 1.08 * 0.3
    tall = Bar(name="", delta=0.5, error=0.2, chance=0.3, changed=1, colour="")
    assert parts.ceiling([BARS, [tall]]) == 1.08 * 0.7
    nothing = Bar(name="", delta=0.0, error=float("nan"), chance=0.0, changed=0, colour="")
    assert parts.ceiling([[nothing]]) > 0


def test_whiskers_only_where_there_are_several_trainings() -> None:
    one = [Errors(name="whole", mean=40.5, least=40.5, largest=40.5, base=True)]
    several = [*one, Errors(name="less", mean=2.0, least=1.5, largest=3.0, base=False)]
    (bars,) = ablation.errors(one, title="", axis="").data
    assert bars.error_x.visible is False
    (bars,) = ablation.errors(several, title="", axis="").data
    assert bars.error_x.visible
    np.testing.assert_allclose(bars.error_x.array, [0, 1.0])
    np.testing.assert_allclose(bars.error_x.arrayminus, [0, 0.5])


def test_parameters_are_stacked_by_place() -> None:
    figure = ablation.parameters({"whole": {"fc6, fc7": 90, "classes": 10}, "less": {"classes": 5}}, title="")
    assert [trace.name for trace in figure.data] == list(PLACES)
    assert figure.layout.barmode == "stack"
    held = {trace.name: list(trace.x) for trace in figure.data}
    assert held["fc6, fc7"] == [90, 0]
    assert held["classes"] == [10, 5]
    (share,) = {each[1] for each in figure.data[2].customdata if each[0] == "90"}
    assert share == 0.9
