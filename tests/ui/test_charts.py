"""A plotly figure of curves, read for the library that changes a chart in place."""

import numpy as np

from ui.charts import option
from viz.figures.training import LOOKS, Axis, Curve, Mark, progress, rates

INK = "#4a545f"
STEPS = Axis(title="Steps", unit="step")


def curve(y: list[float], look: str) -> Curve:
    return Curve(name=look, x=np.arange(1.0, len(y) + 1), y=np.array(y), look=LOOKS[look])


def test_curves_axes_and_the_moment_looked_at() -> None:
    figure = progress(
        [curve([1, 0.5], "train"), curve([0.4], "ema")], title="Loss", axis=STEPS, y="nats", at=2
    )
    drawn = option(figure, INK)
    assert (drawn["title"]["text"], drawn["xAxis"]["name"], drawn["yAxis"]["name"]) == (
        "Loss",
        "Steps",
        "nats",
    )
    assert drawn["yAxis"]["axisLabel"]["color"] == drawn["legend"]["textStyle"]["color"] == INK
    assert ["icon" in each for each in drawn["legend"]["data"]] == [True, False]
    first, second = drawn["series"]
    assert (first["type"], first["showSymbol"], first["lineStyle"]["type"]) == ("line", False, "solid")
    assert (second["showSymbol"], second["symbol"], second["lineStyle"]["type"]) == (
        True,
        "diamond",
        "dashed",
    )
    assert [first["datasetIndex"], second["datasetIndex"]] == [0, 1]
    np.testing.assert_allclose(drawn["dataset"][0]["source"], np.array([[1.0, 1.0], [2.0, 0.5]]))
    (line,) = first["markLine"]["data"]
    assert (line["xAxis"], line["lineStyle"]["type"]) == (2, "dotted")


def test_shares_are_sent_in_per_cent() -> None:
    figure = progress([curve([0.25, 1], "raw")], title="Accuracy", axis=STEPS, y="share", shares=True)
    figure.update_xaxes(range=(0, 9)).update_yaxes(range=(0, 0.5)).add_shape(
        type="line", x0=0, x1=1, y0=0.4, y1=0.4
    )
    drawn = option(figure, INK)
    np.testing.assert_allclose(drawn["dataset"][0]["source"]["y"], [25, 100])
    assert drawn["yAxis"]["axisLabel"]["formatter"] == "{value}%"
    assert (drawn["yAxis"]["min"], drawn["yAxis"]["max"]) == (0, 50)
    assert (drawn["xAxis"]["min"], drawn["xAxis"]["max"]) == (0, 9)
    assert drawn["series"][0]["markLine"]["data"][0]["yAxis"] == 40


def test_a_logarithmic_axis_leaves_out_what_has_no_logarithm() -> None:
    figure = progress([curve([0, 0.1], "train")], title="Loss", axis=STEPS, y="nats", logarithmic=True)
    drawn = option(figure, INK)
    assert drawn["yAxis"]["type"] == "log"
    np.testing.assert_allclose(drawn["dataset"][0]["source"]["y"], [np.nan, 0.1])


def test_the_planned_rate_is_dashed_and_a_turn_is_a_triangle() -> None:
    figure = rates([curve([0.1, 0.1], "planned")], [Mark(x=1, y=0.02, words="turned")], axis=STEPS)
    planned, turned = option(figure, INK)["series"]
    assert planned["lineStyle"]["type"] == "dashed"
    assert (turned["type"], turned["symbol"]) == ("scatter", "triangle")
