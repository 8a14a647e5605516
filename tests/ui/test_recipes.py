"""A recipe in the address: there and back, half right, and from a file that somebody has made up."""

import json
from dataclasses import fields

import pytest

from training.recipe import ACCEPTED, LIMITS, Recipe
from ui import recipe_form, recipes
from zoo import Specimen

# Every field at a value of its own.
TURNED = Recipe(
    specimen=Specimen("vgg_classroom", knobs=(("norm", "none"),)),
    data="fashion-mnist", images=None, validation=500, size=28, seed=3, epochs=7, batch=128, workers=4,
    optimiser="adamw", rate=1e-05, momentum=0.95, linear_scaling=True, schedule="step", warm_up=0.5,
    step_every=2, step_factor=0.25, weight_decay=0.0, initialisation="he", activation="tanh", norm=False,
    dropout=0.25, stochastic_depth=0.1, label_smoothing=0.1, auxiliary=0.5, flip=True, crop=True, colour=0.2,
    randaugment=9, mixup=0.2, cutmix=1.0, progressive=True, ema=0.98, patience=3, clip=1.0, agc=0.01,
    filter_clip=0.1, precision="bfloat16",
)  # fmt: skip


def test_every_field_there_and_back() -> None:
    assert [f.name for f in fields(Recipe) if getattr(TURNED, f.name) == getattr(Recipe(), f.name)] == ["swa"]
    draft = recipes.read(recipes.to_query(TURNED))
    assert draft.recipe == TURNED
    assert not draft.problems
    assert recipes.to_query(TURNED)["train.rate"] == "0.00001"
    assert recipes.read(recipes.to_query(Recipe(swa=0.75))).recipe == Recipe(swa=0.75)


def test_the_default_says_nothing() -> None:
    assert recipes.to_query(Recipe()) == {}
    assert recipes.read({"other.page": "1", "train.run": "abc"}).recipe == Recipe()


def test_what_is_wrong_stands_beside_what_is_right() -> None:
    draft = recipes.read(
        {
            "train.epochs": "3",
            "train.warm_up": "5",
            "train.rate": "fast",
            "train.batch": "128",
            "train.optimiser": "adamm",
            "train.flip": "perhaps",
            "train.images": "9" * 5000,
        }
    )
    assert draft.recipe == Recipe(epochs=3, batch=128)
    assert draft.problems["warm_up"] == "A warm-up of 5 epochs leaves nothing of 3."
    assert "from 0 to 100, not 'fast'" in draft.problems["rate"]
    assert "Did you mean adam" in draft.problems["optimiser"]
    assert set(draft.problems) == {"warm_up", "rate", "optimiser", "flip", "images"}


@pytest.mark.parametrize("word", ["nan", "inf", "-1", "1e999", "0x10", ""])
def test_numbers_that_are_none(word: str) -> None:
    draft = recipes.read({"train.epochs": word, "train.rate": word})
    assert 1 <= draft.recipe.epochs <= 1000
    assert 0 <= draft.recipe.rate <= 100


def test_a_network_that_there_is_not() -> None:
    draft = recipes.read({"train.variant": "resnet_classrom", "train.epochs": "3"})
    assert "Did you mean resnet_classroom" in draft.problems["specimen"]
    assert draft.recipe == Recipe(epochs=3)


def test_every_field_has_a_control_and_words() -> None:
    controls = {*recipe_form.FIRST} | {field.name for group in recipe_form.GROUPS for field in group.fields}
    assert controls | {"specimen", "data"} == {field.name for field in fields(Recipe)}
    for name in controls:
        field = recipe_form.FIRST.get(name) or recipe_form.field(name)
        assert bool(field.offered) == (name in LIMITS), name
        for number in field.offered:
            words = recipes.text(number)
            draft = recipes.read({"train.epochs": "100", f"train.{name}": words})
            assert not draft.problems, (name, number)
            assert getattr(draft.recipe, name) == number
        for value, words in ACCEPTED.get(name, {}).items():
            assert field.words(value) == words


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not text"),
        (b"[" * 19_000, "not JSON"),
        (b" " * 30_000, "longer than"),
        (b"null", "holds no fields"),
        (b'{"epochs": 1e999}', "epochs must be"),
        (b'{"epochs": ' + b"9" * 9000 + b"}", "not JSON"),
        (b'{"epochs": true}', "epochs must be"),
        (b'{"optimiser": []}', "no optimiser"),
        (b'{"optimiser": {"a": 1}}', "no optimiser"),
        (b'{"flip": 1}', "either on or off"),
        (b'{"data": ["a"]}', "named by a word"),
        (b'{"specimen": "resnet50"}', "specimen of a recipe"),
        (b'{"specimen": {"variant": "__import__"}}', "__import__"),
        (b'{"specimen": {"variant": "resnet_classroom", "weights": "run:../x"}}', "weights"),
        (b'{"__class__": 1}', "no field called"),
    ],
)
def test_files_that_are_no_recipe(content: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        recipe_form.checked(content)


def test_a_file_that_is_one() -> None:
    assert recipe_form.checked(TURNED.to_json().encode()) == TURNED
    assert recipe_form.checked(json.dumps({"epochs": 3}).encode()) == Recipe(epochs=3)


def test_linear_scaling_shows_what_it_did() -> None:
    assert recipe_form.scaled(Recipe(batch=256, linear_scaling=True)).endswith("0.05 × 256 / 64 = **0.2**.")
