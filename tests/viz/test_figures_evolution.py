"""Curves over the epochs of a run."""

import math

from viz.figures.evolution import curves


def test_epochs_stand_at_even_distances_and_gaps_stay_gaps() -> None:
    figure = curves(
        [0, 1, 50], {"layer 1": [math.nan, 0.5, 1.0]}, title="Answers", y="Correlation", shares=True
    )
    (line,) = figure.data
    assert list(line.x) == ["0", "1", "50"]
    assert list(line.y) == [None, 0.5, 1.0]
    assert figure.layout.xaxis.type == "category"
    assert figure.layout.yaxis.range[1] > 1


def test_every_layer_looks_different() -> None:
    lines = {f"layer {depth}": [0.0, 1.0] for depth in range(12)}
    figure = curves([0, 1], lines, title="Answers", y="Correlation", at=1)
    looks = {(each.line.color, each.line.dash, each.marker.symbol) for each in figure.data}
    assert len(looks) == 12
    assert len(figure.layout.shapes) == 1
