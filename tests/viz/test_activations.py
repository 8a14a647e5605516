"""Activations: the printed formulas against torch, facts against what is known of them, chains, users."""

import math

import pytest
import torch
from torch import nn

from viz import activations
from viz.activations import ACTIVATIONS, chain, evaluate, facts
from zoo import FAMILIES, skeleton
from zoo.anatomy import dissect

POINTS = [-7.3, -3.5, -2.9, -1.0, -0.2, 0.4, 1.0, 2.7, 3.4, 5.9, 6.5]


def by_hand(name: str, x: float) -> float:
    """The formula that the page prints, computed by Python."""
    text = ACTIVATIONS[name].formula.replace("·", "*").replace("−", "-").replace("√2", "sqrt(2)")
    known = {"exp": math.exp, "erf": math.erf, "sqrt": math.sqrt, "max": max, "min": min, "x": x}
    return float(eval(text, known | {"sigmoid": lambda x: 1 / (1 + math.exp(-x))}))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_formula_is_what_torch_computes(name: str) -> None:
    values, slopes = evaluate(name, POINTS)
    step = 1e-6
    for x, value, slope in zip(POINTS, values, slopes, strict=True):
        assert value == pytest.approx(by_hand(name, x), abs=1e-7)  # torch keeps 1/6 in float32
        between = (by_hand(name, x + step) - by_hand(name, x - step)) / (2 * step)
        assert slope == pytest.approx(between, abs=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_modules_compute_the_function(name: str) -> None:
    """The first is torch's; LeNet's tanh is stretched in both directions: A tanh(2x/3)."""
    x = torch.tensor(POINTS)
    first, *others = ACTIVATIONS[name].modules
    torch.testing.assert_close(first()(x), ACTIVATIONS[name].function(x))
    for module in others:
        expected = 1.7159 * torch.tanh(2 / 3 * x) if name == "tanh" else ACTIVATIONS[name].function(x)
        torch.testing.assert_close(module()(x), expected)


def test_facts_that_are_known() -> None:
    sigmoid, tanh, relu, relu6 = map(facts, ("sigmoid", "tanh", "relu", "relu6"))
    assert (sigmoid.steepest, sigmoid.steepest_from, sigmoid.steepest_to) == (0.25, 0, 0)
    assert (sigmoid.lowest, sigmoid.highest, sigmoid.dead_below) == (0, 1, None)
    # s (1 - s) = 0.01 has the solution s = (1 + sqrt(0.96)) / 2
    edge = (1 + math.sqrt(0.96)) / 2
    assert sigmoid.flat_above == pytest.approx(math.log(edge / (1 - edge)), abs=2e-3)
    assert sigmoid.flat_below == pytest.approx(-math.log(edge / (1 - edge)), abs=2e-3)
    assert tanh.flat_above == pytest.approx(math.atanh(math.sqrt(0.99)), abs=2e-3)  # 1 - tanh² = 0.01
    assert (tanh.lowest, tanh.highest, tanh.steepest) == (-1, 1, 1)
    assert (relu.lowest, relu.highest, relu.steepest, relu.dead_below) == (0, None, 1, 0)
    assert (relu6.highest, relu6.flat_below, relu6.flat_above) == (6, 0, 6)
    swish, gelu, h_swish, h_sigmoid = map(facts, ("swish", "gelu", "h_swish", "h_sigmoid"))
    assert swish.lowest == pytest.approx(-0.278465, abs=1e-6)  # -W(1/e), Lambert's function
    assert swish.steepest == pytest.approx(1.0998, abs=1e-4)
    assert gelu.steepest == pytest.approx(1.1289, abs=1e-4)
    assert gelu.steepest_from == pytest.approx(math.sqrt(2), abs=2e-3)  # GELU'' = 0 there
    assert (swish.dead_below, gelu.dead_below) == (None, None)
    assert (h_swish.lowest, h_swish.dead_below, h_swish.flat_above) == (-0.375, -3, None)  # -1.5 x 1.5 / 6
    assert h_swish.steepest == pytest.approx(1.5, abs=1e-3)
    assert (h_sigmoid.flat_below, h_sigmoid.flat_above) == (-3, 3)
    assert h_sigmoid.steepest == pytest.approx(1 / 6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_chains_gradient_is_the_product_of_its_slopes(name: str) -> None:
    x, product, expected = 0.8, 1.0, []
    for _ in range(12):
        (value,), (slope,) = evaluate(name, [x])
        x, product = value, product * slope
        expected.append(product)
    assert chain(name, 0.8, 12) == pytest.approx(expected, rel=1e-6)


def test_gradients_vanish_or_not() -> None:
    assert chain("relu", 1.0, 50) == [1.0] * 50
    assert chain("relu", -1.0, 3) == [0.0] * 3
    sigmoid = chain("sigmoid", 0.0, 20)
    assert sigmoid[0] == 0.25
    assert 0 < sigmoid[-1] < 0.25**20


@pytest.fixture(scope="module")
def users() -> dict[str, tuple[tuple[str, str], ...]]:
    return activations.users()


def test_users_by_the_anatomy(users: dict[str, tuple[tuple[str, str], ...]]) -> None:
    """A peer of the walk over modules: what really runs, as the anatomy records it."""
    labels = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "ReLU", "relu6": "ReLU6", "swish": "SiLU",
              "gelu": "GELU"}  # fmt: skip
    ran: dict[str, set[str]] = {}
    for key, family in FAMILIES.items():
        row = next(v for v in family.variants if not v.published)
        size = row.input_size
        anatomy = dissect(skeleton(row.name), (row.channels, size, size))
        ran[key] = {layer.label for layer in anatomy.layers if layer.kind == "act"}
    ran["swin_v2"].remove("Sigmoid")  # no module: it bounds the position bias, not what the layers say
    for name, label in labels.items():
        assert {key for key, _ in users[name]} == {key for key in ran if label in ran[key]}, name
    gates = {key for key in ran if "Hardsigmoid" in ran[key]}
    assert gates == {key for name in ("h_swish", "h_sigmoid") for key, _ in users[name]}


def test_users_that_papers_name(users: dict[str, tuple[tuple[str, str], ...]]) -> None:
    found = {name: {key for key, _ in families} for name, families in users.items()}
    assert "lenet" in found["tanh"]
    assert {"resnet", "alexnet", "mobilenet_v1"} <= found["relu"]
    assert "mobilenet_v1" not in found["relu6"]  # ReLU by its paper; ReLU6 only in the released code
    assert "mobilenet_v2" in found["relu6"]
    assert "efficientnet" in found["swish"]
    assert {"mobilenet_v3"} == found["h_swish"]
    assert {"vit", "swin", "convnext"} <= found["gelu"]


def test_what_is_inside_a_match_is_not_counted_again() -> None:
    outer = nn.Sequential(ACTIVATIONS["h_swish"].modules[1]())
    assert activations._used(outer) == {"h_swish"}
