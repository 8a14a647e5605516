"""Figures of scores: curves small and large, and what was measured with its errors and baselines."""

from xml.etree import ElementTree

import numpy as np

from viz.figures.methods import Measured, Pair, curves, measured, small

PAIR = Pair(
    shares=np.array([0, 0.5, 1]), insertion=np.array([0.1, 0.8, 0.9]), deletion=np.array([0.9, 0.2, 0.0])
)
FLAT = Pair(shares=np.array([0.0, 1]), insertion=np.array([0.1, 0.9]), deletion=np.array([0.9, 0.1]))


def test_the_small_curves_rise_where_the_probability_does() -> None:
    drawing = ElementTree.fromstring(small(PAIR, [FLAT]))
    lines = drawing.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 4  # two of the baseline below the two of the map
    insertion, deletion = lines[2:]
    assert "stroke-dasharray" not in insertion.attrib
    assert "stroke-dasharray" in deletion.attrib
    heights = [float(point.split(",")[1]) for point in insertion.attrib["points"].split()]
    assert heights == sorted(heights, reverse=True)  # an SVG counts downwards


def test_large_curves_stand_beside_those_of_baselines() -> None:
    figure = curves("Grad-CAM", PAIR, {"random": FLAT})
    assert [trace.name for trace in figure.data] == [
        "insertion", "deletion", "insertion, random", "deletion, random",
    ]  # fmt: skip
    assert figure.layout.yaxis.title.text == "probability of the class"


def test_what_was_measured_is_sorted_the_best_on_top() -> None:
    rows = [
        Measured(name="good", value=0.8, error=0.05),
        Measured(name="poor", value=0.3, error=0.02),
        Measured(name="random", value=0.25, error=0.01, baseline=True),
    ]
    figure = measured(rows, title="Insertion", axis="area", chance=0.2)
    points, *lines = figure.data
    assert list(points.y) == ["poor", "good"]
    assert list(points.error_x.array) == [0.02, 0.05]
    assert [(line.name, line.x[0]) for line in lines] == [("random (0.25)", 0.25), ("chance (0.20)", 0.2)]
    turned = measured(rows, title="Deletion", axis="area", ascending=False)
    assert list(turned.data[0].y) == ["good", "poor"]
