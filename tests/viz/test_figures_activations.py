"""The drawing of activations: solid values, dashed slopes, the point, and a chain whose gradient is gone."""

from viz.activations import ACTIVATIONS
from viz.figures.activations import LOOKS, Chain, Curve, curves, vanishing


def test_every_function_has_a_look_of_its_own() -> None:
    assert list(LOOKS) == list(ACTIVATIONS)
    assert len({colour for colour, _ in LOOKS.values()}) == len({symbol for _, symbol in LOOKS.values()}) == 8


def test_values_solid_slopes_dashed_and_a_marker_on_each() -> None:
    x = [-1.0, 0.0, 1.0]
    curve = Curve(key="relu", name="ReLU", x=x, value=[0, 0, 1], slope=[0, 0, 1], value_here=1, slope_here=1)
    figure = curves([curve], 1.0)
    value, above, slope, below = figure.data
    assert (value.line.dash, slope.line.dash) == ("solid", "dash")
    assert (list(value.y), list(slope.y), value.yaxis, slope.yaxis) == ([0, 0, 1], [0, 0, 1], "y", "y2")
    assert [shape.x0 for shape in figure.layout.shapes] == [1.0, 1.0]
    assert value.name == "ReLU: f = 1.000, f' = 1.000"
    assert (above.x, above.y, below.y) == ((1.0,), (1,), (1,))
    assert value.line.color == slope.line.color == above.marker.color == LOOKS["relu"][0]


def test_a_gradient_of_zero_is_said_in_words() -> None:
    lives = Chain(key="sigmoid", name="sigmoid", slopes=[-0.2, 0.04], steepest=0.25)
    dies = Chain(key="relu", name="ReLU", slopes=[1.0, 0.0], steepest=1.0)
    figure = vanishing([lives, dies])
    drawn, bound, gone, _ = figure.data
    assert figure.layout.yaxis.type == "log"
    assert (drawn.x, drawn.y) == ((1, 2), (0.2, 0.04))
    assert (bound.y, bound.line.dash) == ((0.25, 0.0625), "dot")
    assert gone.y == (1.0, None)
    assert gone.name == "ReLU (exactly 0 from layer 2 on)"
