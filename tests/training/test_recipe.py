"""Recipes: what they refuse, and that nothing of them is lost on the way through JSON."""

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from training.recipe import ACCEPTED, LIMITS, REFERENCE_BATCH, WHOLE, Recipe, by_the_rule
from zoo import Specimen

PLAIN = Specimen("resnet20_cifar10", knobs=(("shortcut", "none"),))


def test_json_keeps_every_field() -> None:
    wanted = Recipe(
        specimen=PLAIN, data="fashion-mnist", images=None, seed=7, epochs=3, batch=32, optimiser="adamw",
        rate=0.002, schedule="one-cycle", dropout=0.1, flip=True, mixup=0.2, ema=0.99, norm=False,
    )  # fmt: skip
    assert Recipe.from_json(wanted.to_json()) == wanted
    assert json.loads(wanted.to_json()).keys() == {each.name for each in fields(Recipe)}


def test_the_default_is_the_empty_recipe() -> None:
    assert Recipe.from_json("{}") == Recipe()


def test_one_and_one_point_nought_are_the_same_recipe() -> None:
    """torch's CutMix takes a float and nothing else; a link or a file may hold either."""
    assert isinstance(Recipe(cutmix=1).cutmix, float)
    assert Recipe(cutmix=1).to_json() == Recipe(cutmix=1.0).to_json()


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name: str) -> None:
    least, most = LIMITS[name]
    values = {field.name for field in fields(Recipe)}
    assert name in values
    kind = int if name in WHOLE else float
    room: dict[str, Any] = {"epochs": 1_000} if name == "warm_up" else {}
    for allowed in (least, most):
        if name == "warm_up" and allowed == most:  # a warm-up ends before the run does
            continue
        Recipe(**room | {name: kind(allowed)})
    for wrong in (most + 1, least - 1, "1", True, float("nan")):
        with pytest.raises(ValueError, match=name):
            Recipe(**room | {name: wrong})


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_word_that_is_none_gets_the_nearest(name: str) -> None:
    known = list(ACCEPTED[name])[1]
    with pytest.raises(ValueError, match=f"There is no {name} called .* Did you mean {known}"):
        Recipe(**{name: f"{known}x"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not JSON"),
        ("[]", "holds no fields"),
        ('{"epoch": 3}', "no field called 'epoch'. Did you mean epochs"),
        ('{"epochs": 1e400}', "whole number"),
        ('{"rate": "fast"}', "rate must be a number"),
        ('{"flip": 1}', "either on or off"),
        ('{"data": 3}', "named by a word"),
        ('{"optimiser": ["sgd"]}', "no optimiser called"),
        ('{"specimen": "resnet50"}', "variant with its knobs"),
        ('{"specimen": {"variant": "resnet51"}}', "no variant called"),
        ('{"specimen": {"variant": "resnet50", "weights": "imagenet"}}', "weights"),
        ('{"warm_up": 15, "epochs": 15}', "leaves nothing"),
        ('{"schedule": "one-cycle", "warm_up": 1}', "warms up by itself"),
        ('{"ema": 0.9, "swa": 0.5}', "choose one"),
    ],
)
def test_a_text_that_is_no_recipe(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Recipe.from_json(text)


def test_linear_scaling() -> None:
    """Goyal et al. 2017: the rate grows with the batch."""
    base = Recipe(rate=0.05, batch=REFERENCE_BATCH)
    assert replace(base, linear_scaling=True).peak == base.peak == 0.05
    assert replace(base, batch=4 * REFERENCE_BATCH).peak == 0.05
    assert replace(base, batch=4 * REFERENCE_BATCH, linear_scaling=True).peak == pytest.approx(0.2)


def test_the_rule_for_workers() -> None:
    """k workers: k times the rate of one, whatever its batch, after at most a third of the run; only once."""
    one = Recipe(rate=0.1, batch=32, epochs=15)
    followed = by_the_rule(replace(one, workers=4))
    assert (followed.global_batch, followed.warm_up) == (128, 5)
    assert followed.peak == pytest.approx(0.4)
    assert by_the_rule(followed) == followed
    assert by_the_rule(replace(followed, workers=8)).peak == pytest.approx(0.8)
    assert by_the_rule(replace(one, epochs=90)).warm_up == 5
    assert by_the_rule(replace(one, epochs=1)).warm_up == pytest.approx(0.3)
    assert by_the_rule(replace(one, schedule="one-cycle")).warm_up == 0
    with pytest.raises(ValueError, match="rate must be"):
        by_the_rule(Recipe(rate=50, batch=1, workers=2))


def test_the_data_decide_on_the_number_of_classes() -> None:
    assert Recipe(specimen=Specimen("resnet_classroom", num_classes=3)) == Recipe()
