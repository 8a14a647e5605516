"""The charts of attention say what they were given."""

import numpy as np

from viz.figures import attention


def test_heads_stand_side_by_side_around_their_block() -> None:
    figure = attention.distances(["Block 1", "Block 2"], [np.array([1.0, 3.0]), np.array([5.0])], 32)
    heads, mean = figure.data
    np.testing.assert_allclose(heads.x, [0.7, 1.3, 2.0])
    assert list(heads.y) == [1, 3, 5]
    assert heads.hovertext[1] == "Block 1, head 2: 3.0 px"
    assert list(mean.y) == [2, 5]


def test_a_curve_for_each_class() -> None:
    figure = attention.lens(np.array([[0.1, 0.9], [0.7, 0.3]]), ["cat", "dog"])
    assert [trace.name for trace in figure.data] == ["cat", "dog"]
    assert list(figure.data[0].y) == [0.1, 0.7]
