"""Races: lanes that share what they must, presets as they were measured, and networks of equal cost."""

import json
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from training.events import Step
from training.loop import Trainer
from training.presets import PRESETS
from training.race import SHARED, Lane, Race, apart, cost, matched
from training.recipe import Recipe
from ui import prose
from zoo import Specimen, build
from zoo.anatomy import dissect

MEASURED = json.loads((Path(__file__).parents[2] / "assets/measured/races.json").read_text(encoding="utf-8"))


def recipe(variant: str, **knobs: int | str) -> Recipe:
    return Recipe(specimen=Specimen(variant, knobs=tuple(knobs.items())))


@pytest.mark.parametrize("key", PRESETS)
def test_a_preset_is_a_fair_race_of_networks_that_exist(key: str) -> None:
    lanes = PRESETS[key].race.lanes
    assert 2 <= len(lanes) <= 4
    for field in SHARED:
        assert len({getattr(lane.recipe, field) for lane in lanes}) == 1
    for lane in lanes:
        assert cost(lane.recipe).macs > 0
        assert lane.recipe.data == "shapes", "drawn by this app, so there without a network"


@pytest.mark.parametrize("key", PRESETS)
def test_a_preset_is_still_what_was_measured(key: str) -> None:
    """The words say what these recipes showed; another recipe needs another measurement."""
    lanes = {lane.name: lane.recipe for lane in PRESETS[key].race.lanes}
    measured = MEASURED["recipes"][key]  # without the fields that there were not yet
    assert {name: Recipe.from_json(json.dumps(each)) for name, each in measured.items()} == lanes
    rows = [row for row in MEASURED["rows"] if row["preset"] == key]
    assert {(row["lane"], row["seed"]) for row in rows} == {
        (name, seed) for name in lanes for seed in range(3)
    }


@pytest.mark.parametrize("key", PRESETS)
def test_a_preset_has_its_words(key: str) -> None:
    words = prose.words("presets")
    assert all(words[f"{key} {part}"] for part in ("question", "watch", "paper", "here"))


def test_lanes_of_one_recipe_run_alike() -> None:
    """Same seed, same order, same pictures: a race against oneself is a draw, to the last bit."""
    own = replace(recipe("lenet_classroom"), images=96, validation=16, epochs=1)
    race = Race(lanes=(Lane(name="one", recipe=own), Lane(name="other", recipe=replace(own))))
    one, other = (list(Trainer(lane.recipe)) for lane in race.lanes)
    assert one == other


def test_the_pictures_come_in_one_order_whatever_the_network() -> None:
    """The first batch before any step: two networks that answer alike have the same loss on it."""
    base = replace(Recipe(), images=64, validation=16, epochs=1, initialisation="zero")
    steps = [
        next(
            event
            for event in islice(Trainer(replace(base, specimen=each.specimen)), 5)
            if isinstance(event, Step)
        )
        for each in (recipe("vgg_classroom", norm="none"), recipe("zfnet_classroom"))
    ]
    assert steps[0].loss == pytest.approx(steps[1].loss)
    assert steps[0].accuracy == steps[1].accuracy


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 1}, "share their seed"),
        ({"images": 100}, "share their images"),
        ({"size": 64}, "share their size"),
    ],
)
def test_an_unfair_race_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Race(lanes=(Lane(name="a", recipe=Recipe()), Lane(name="b", recipe=replace(Recipe(), **changes))))


def test_one_lane_five_lanes_or_two_of_a_name_are_no_race() -> None:
    lanes = [Lane(name=str(at), recipe=Recipe()) for at in range(5)]
    with pytest.raises(ValueError, match="two to 4 lanes"):
        Race(lanes=tuple(lanes))
    with pytest.raises(ValueError, match="two to 4 lanes"):
        Race(lanes=(lanes[0],))
    with pytest.raises(ValueError, match="different names"):
        Race(lanes=(lanes[0], lanes[0]))


@pytest.mark.parametrize("name", ["resnet_classroom", "vgg_classroom", "vit_classroom"])
def test_cost_is_that_of_the_real_network(name: str) -> None:
    model = build(name, num_classes=8, input_size=32)
    found = cost(recipe(name))
    assert found.params == sum(p.numel() for p in model.parameters())
    assert found.macs == dissect(model, (3, 32, 32)).macs


def test_cost_without_batch_norms_is_less() -> None:
    own = recipe("vgg_classroom")
    model = build("vgg_classroom", num_classes=8, input_size=32)
    norms = sum(
        p.numel() for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d) for p in m.parameters()
    )
    assert cost(own).params - cost(replace(own, norm=False)).params == norms


@pytest.mark.parametrize("quantity", ["params", "macs"])
@pytest.mark.parametrize("name", ["preresnet_classroom", "densenet_classroom", "nfnet_classroom"])
def test_matching_gets_within_two_per_cent(name: str, quantity: str) -> None:
    like = recipe("resnet_classroom")
    found = matched(recipe(name), like, quantity)
    assert abs(apart(found, like, quantity)) <= 0.02
    assert found.specimen.variant == name
    assert asdict(found) | {"specimen": None} == asdict(recipe(name)) | {"specimen": None}


def test_matching_turns_nothing_where_nothing_is_apart() -> None:
    own = recipe("resnet_classroom")
    assert matched(own, own, "macs") == own


def test_matching_gets_as_near_as_there_are_choices() -> None:
    """LeNet's convolutions have no knob: all that can grow are its two hidden layers."""
    like = recipe("resnet_classroom")
    found = matched(recipe("lenet_classroom"), like, "macs")
    assert dict(found.specimen.knobs) == {"hidden.0": 500, "hidden.1": 500}
    assert apart(recipe("lenet_classroom"), like, "macs") < apart(found, like, "macs") < -0.5


def test_matching_by_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="by params or by macs"):
        matched(Recipe(), Recipe(), "seconds")
