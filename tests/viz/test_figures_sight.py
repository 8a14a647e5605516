"""The chart of the page What one place sees: pairs of lines, what is not known yet, and the mark."""

from viz.figures.sight import Network, over_depth
from viz.figures.style import COLOURS


def test_a_pair_of_lines_for_each_network() -> None:
    networks = [
        Network(name="CNN", steps=3, can=[0.1, 0.5, 1], does=[0.1, 0.2, 0.3]),
        Network(name="ViT", steps=5, can=[0.1, 1], does=[0.1, 0.6]),
    ]
    figure = over_depth(networks, 0.25)
    assert [trace.name for trace in figure.data] == [
        "CNN: can, dashed",
        "CNN: does",
        "ViT: can, dashed",
        "ViT: does",
    ]
    assert [trace.line.color for trace in figure.data] == [COLOURS[0], COLOURS[0], COLOURS[1], COLOURS[1]]
    assert [trace.line.dash for trace in figure.data[:2]] == ["dash", "solid"]
    assert list(figure.data[0].x) == [0, 50, 100]
    assert list(figure.data[2].x) == [0, 25]
    (mark,) = figure.layout.shapes
    assert mark.x0 == mark.x1 == 25
