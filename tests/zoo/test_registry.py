"""The registry and the specimen: names, knobs, links; what a reader may type and what comes of it."""

import inspect
import threading

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo.anatomy import dissect


def test_families_are_named_after_their_files_and_know_their_parents() -> None:
    from zoo import families

    for key, family in zoo.FAMILIES.items():
        assert family.model.__module__ == f"{families.__name__}.{key}"
        assert set(family.parents) <= set(zoo.FAMILIES), f"{key} has a parent that is not in the zoo"
        assert all(zoo.FAMILIES[p].year <= family.year for p in family.parents)
        assert family.kind in zoo.KINDS
        assert family.link.startswith("https://")
        assert len(family.idea) <= 110
        assert family.idea.endswith(".")
        assert all(len(part) >= 60 for part in vars(family.story).values())
        assert inspect.getsource(family.lesson)
        assert family.classroom
    names = [v.name for f in zoo.FAMILIES.values() for v in f.variants]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", [n for n, v in zoo.VARIANTS.items() if v.weights])
def test_torchvision_says_the_same_of_its_weights(name: str) -> None:
    variant = zoo.VARIANTS[name]
    assert variant.published
    enum, _, member = variant.weights.partition(".")
    weights = torchvision.models.get_weight(f"{enum}.{member}")
    accuracy = weights.meta["_metrics"]["ImageNet-1K"]
    assert (variant.published.top1, variant.published.top5) == (accuracy["acc@1"], accuracy["acc@5"])
    (crop,) = weights.transforms().crop_size
    macs = variant.published.macs
    if crop != variant.input_size:  # measured on larger pictures than the paper's: so the source has to say
        assert f"{crop} crop" in variant.published.accuracy_source
        macs = dissect(zoo.skeleton(name), (variant.channels, crop, crop)).macs
    assert macs / 1e9 == pytest.approx(weights.meta["_ops"], abs=6e-4)


@pytest.mark.parametrize("name", [n for n, v in zoo.VARIANTS.items() if v.published and v.published.printed])
def test_a_printed_figure_without_a_reason_is_ours_rounded(name: str) -> None:
    published = zoo.VARIANTS[name].published
    assert published
    ours = {"params": published.params, "macs": published.macs, "flops": 2 * published.macs}
    for printed in published.printed:
        digits = len(str(int(printed.value)).rstrip("0"))
        same = float(f"{ours[printed.quantity]:.{digits}g}") == printed.value
        assert same or printed.reason, (
            f"{printed.source}: {printed.value:,} against {ours[printed.quantity]:,}"
        )


@pytest.mark.parametrize("key", zoo.FAMILIES)
def test_every_knob_turns(key: str) -> None:
    """Each end of a knob's scale builds or refuses with a sentence; and no knob is there for nothing.

    On some variant of the family, one end has to build another network.
    """
    alive: dict[str, bool] = {}
    refusals: list[str] = []
    for variant in zoo.FAMILIES[key].variants:
        image = (variant.channels, variant.input_size, variant.input_size)
        for name, (knob, default) in zoo.knobs(variant.name).items():
            assert default in knob.choices
            assert len(set(knob.choices)) == len(knob.choices)
            if alive.get(name):
                continue
            model, alive[name] = zoo.skeleton(variant.name), False
            plain = dissect(model, image).layers
            for value in {knob.choices[0], knob.choices[-1]} - {default}:
                try:
                    turned = zoo.skeleton(variant.name, **{name: value})  # type: ignore[arg-type]
                    layers = dissect(turned, image).layers
                except ValueError as error:
                    refusals.append(str(error))
                else:  # what only training sees shows in the description: FractalNet's drop-path
                    alive[name] |= layers != plain or str(turned) != str(model)
    assert alive == dict.fromkeys(alive, True)
    assert all(refusal.endswith(".") for refusal in refusals)


@pytest.mark.parametrize("name", zoo.VARIANTS)
def test_any_combination_of_knobs_builds_or_says_why_not(name: str) -> None:
    """Knobs turned at random, all at once: a network that takes its own image, or a sentence."""
    variant, knobs = zoo.VARIANTS[name], zoo.knobs(name)
    image = (variant.channels, variant.input_size, variant.input_size)
    turned = {key: st.sampled_from(knob.choices) for key, (knob, _) in knobs.items()}

    @settings(max_examples=4, deadline=None, derandomize=True, database=None)
    @given(st.fixed_dictionaries({}, optional=turned))
    def check(values: dict[str, int | float | str | bool]) -> None:
        try:
            anatomy = dissect(zoo.skeleton(name, **values), image)  # type: ignore[arg-type]
        except ValueError as error:
            if not str(error).endswith("."):
                raise AssertionError(f"{error} is no sentence") from error
        else:
            assert anatomy.layers[-1].shape == (variant.num_classes,)
            assert not anatomy.not_counted

    check()


def test_same_seed_same_weights_in_any_thread() -> None:
    expected = zoo.build("resnet_classroom", seed=3).state_dict()
    found: list[bool] = []

    def build() -> None:
        state = zoo.build("resnet_classroom", seed=3).state_dict()
        found.append(all(torch.equal(state[k], v) for k, v in expected.items()))

    threads = [threading.Thread(target=build) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8


def test_building_leaves_the_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    zoo.build("resnet_classroom", seed=1)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"variant": "resnet5O"}, "Did you mean resnet50?"),
        ({"variant": "resnet50", "knobs": "depth.2:4"}, "Did you mean depths.2?"),
        ({"variant": "resnet50", "knobs": "width:__import__('os')"}, "it can be 8"),
        ({"variant": "resnet50", "classes": "-3"}, "whole number"),
        ({"variant": "resnet50", "classes": "0"}, "between 1 and"),
        ({"variant": "resnet50", "classes": "9" * 5000}, "whole number"),
        ({"variant": "resnet50", "classes": "٣"}, "whole number"),
        ({"variant": "resnet50", "weights": "../../etc/passwd"}, "no weights called"),
        ({}, "no variant called ''"),
    ],
)
def test_a_wrong_link_gets_a_sentence(query: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence.replace("?", r"\?")):
        zoo.Specimen.from_query(query)


def test_a_specimen_survives_its_link() -> None:
    specimen = zoo.Specimen("resnet50", num_classes=7, knobs=(("width", 32), ("depths.2", 4)))
    assert specimen.to_query() == {"variant": "resnet50", "classes": "7", "knobs": "depths.2:4,width:32"}
    assert zoo.Specimen.from_query(specimen.to_query()) == specimen
    assert zoo.Specimen("resnet50", num_classes=1000, knobs=(("width", 64),)) == zoo.Specimen("resnet50")
    assert len(list(specimen.skeleton().get_submodule("stages.2").children())) == 4
    assert sum(p.numel() for p in specimen.build().parameters()) == sum(
        p.numel() for p in specimen.skeleton().parameters()
    )
