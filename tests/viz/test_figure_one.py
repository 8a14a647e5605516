"""Figure 1 in numbers: the walk ends where the backward pass does, and its steps can be checked by hand."""

from itertools import product

import pytest
import torch

from viz.deconvnet import project
from viz.figure_one import FIRST, POOLS, SECOND, UNITS, Step, Walk, network, picture, turned, walk
from viz.hooks import RULES, Rule

DOWN = 5  # the first panel on the way down: back in pixels


def stage(walk: Walk, name: str) -> list[Step]:
    return [step for step in walk.steps if step.stage == name]


@pytest.mark.parametrize(("unit", "pool", "rule"), list(product(UNITS, POOLS, RULES)))
def test_it_ends_where_the_backward_pass_does(unit: tuple[int, int], pool: str, rule: Rule) -> None:
    made = walk(unit, pool, rule)
    found = project(network(pool), picture(), "4", 0, unit, rule)
    assert torch.equal(made.values(DOWN), found.image[0])
    outputs, value = [picture()], picture()
    for layer in network(pool):
        value = layer(value)
        outputs.append(value)
    for panel, output in enumerate((0, 1, 2, 3, 5)):
        assert torch.equal(made.values(panel), outputs[output][0, 0]), made.panels[panel].title


def test_by_hand() -> None:
    """The upper left unit: 13·1 + 13·2 + 9·1 − 9·2 + 9·1 = 39, sent down through switches at (2, 2), ..."""
    made = walk((0, 0), "3", "deconvnet")
    assert made.values(9).tolist() == [[39, 0], [0, 0]]
    assert made.values(8).tolist() == [[39, 0, 0, 0], [0, 78, 39, 0], [-78, 39, 39, 0], [0, 0, 0, 0]]
    unpooled = {(2, 2): 39 + 78, (2, 4): 39, (5, 2): 39 - 78, (4, 4): 39}
    held = made.values(7)
    assert {tuple(place): held[tuple(place)].item() for place in held.nonzero().tolist()} == unpooled
    kept = {place: value for place, value in unpooled.items() if value > 0}
    expected = torch.zeros(10, 10)
    for (y, x), value in kept.items():
        expected[y : y + 3, x : x + 3] += value * torch.tensor(FIRST)
    assert torch.equal(made.values(DOWN), expected[1:9, 1:9])


def test_the_rules_differ_where_they_should() -> None:
    kept = {rule: walk((0, 0), "3", rule).values(6) for rule in RULES}
    assert kept["deconvnet"][4, 4] == 39  # positive, where the activation was not
    assert kept["guided"][4, 4] == kept["gradient"][4, 4] == 0
    assert kept["gradient"][5, 2] == -39  # negative, where the activation was positive
    assert kept["guided"][5, 2] == kept["deconvnet"][5, 2] == 0
    (step,) = stage(walk((0, 0), "3", "guided"), "ReLU on the signal")
    assert {divmod(cell, 8) for cell in step.dropped} == {(4, 4), (5, 2)}


def test_switches_point_at_the_largest_and_accumulate() -> None:
    made = walk((0, 0), "3", "deconvnet")
    rectified, pooled = made.values(2).flatten(), made.values(3).flatten()
    every = stage(made, "Pool")[-1]
    assert len(every.links) == 16
    assert all(rectified[link.at] == pooled[link.cell] for link in every.links)
    assert any("on top of the 39 there: 117" in step.words for step in stage(made, "Unpool"))
    apart = walk((0, 0), "2", "deconvnet")
    places = [link.at for link in stage(apart, "Pool")[-1].links]
    assert len(set(places)) == len(places)


def test_filters_are_turned_and_the_last_pixel_is_summed_up() -> None:
    assert turned(SECOND) == ((1, 1, -2), (1, 2, 0), (0, 0, 1))
    step = stage(walk((0, 0), "3", "deconvnet"), "Filter back to pixels")[-2]
    terms, _, total = step.words.replace("−", "-").rpartition(", ")[2].partition(" = ")
    factors = [tuple(map(int, term.split(" × "))) for term in terms.split(" + ")]
    assert sum(a * b for a, b in factors) == int(total) == step.values[0]


def test_no_such_unit() -> None:
    with pytest.raises(ValueError, match="2 x 2 units"):
        walk((2, 0), "3", "deconvnet")
