"""The Gallery's entries against the registry, and searches with known answers."""

import re
from dataclasses import replace

import pytest

from ui import catalogue
from ui.catalogue import ORDERS, Entry, matching
from zoo import FAMILIES, VARIANTS

ENTRIES = catalogue.entries()


def test_every_family_and_every_published_variant_is_there() -> None:
    assert [e.key for e in ENTRIES] == list(FAMILIES)
    points = [p.name for e in ENTRIES for p in e.points]
    assert sorted(points) == sorted(name for name, v in VARIANTS.items() if v.published)


def test_resnet50_as_torchvision_prints_it() -> None:
    (point,) = (p for e in ENTRIES for p in e.points if p.name == "resnet50")
    assert point.at == {"year": 2015, "params": 25_557_032, "macs": 4_089_184_256, "top1": 76.13}
    assert point.accuracy.startswith("Top-1 76.13 %, top-5 92.86 %: torchvision ResNet50_Weights")


def test_what_nobody_measured_has_no_place_and_says_so() -> None:
    (point,) = (p for e in ENTRIES for p in e.points if p.name == "resnet20_cifar10")
    assert "top1" not in point.at
    assert point.accuracy == "No accuracy on ImageNet was published."


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.key)
def test_a_card_opens_a_variant_of_its_family(entry: Entry) -> None:
    assert VARIANTS[entry.opens] in FAMILIES[entry.key].variants
    assert entry.smallest <= entry.largest


def found(**choice: object) -> list[str]:
    return [e.key for e in matching(ENTRIES, **choice)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("resnet50_v1", "resnet"),
        ("ResNet-50-D", "resnet"),
        ("  girshick   aggregated ", "resnext"),
        ("simonyan", "vgg"),
        ("Karen Simonyan", "vgg"),
        ("dollar", "resnext"),
        ("2012", "alexnet"),
        ("depthwise convolutions budgets", "mobilenet_v2"),
    ],
)
def test_search_finds_names_titles_papers_authors_years_and_kinds(text: str, key: str) -> None:
    assert key in found(text=text)
    assert len(found(text=text)) <= len(FAMILIES) // 2


def test_search_needs_every_word() -> None:
    assert found(text="simonyan resnet") == []
    assert found(text="") == list(FAMILIES)


def test_a_first_name_is_left_out_and_said() -> None:
    """He is an author of some families; the letters stand in many words, and no record has first names."""
    assert found(text="Kaiming He") == found(text="he")
    assert found(text="he") == [k for k, f in FAMILIES.items() if "He" in re.findall(r"\w+", f.authors)]
    assert catalogue.unknown(ENTRIES, "Kaiming He") == ["Kaiming"]
    assert catalogue.unknown(ENTRIES, "") == []
    assert found(text="perpetuum") == []


@pytest.mark.parametrize(
    ("text", "variant"),
    [
        ("resnet152", "resnet152"),
        ("ResNet-152", "resnet152"),
        ("resnet 152", "resnet152"),
        ("resnet152_v1", "resnet152_v1"),
        ("vgg19", "vgg19"),
        ("ViT-L/16", "vit_l_16"),
        ("convnext tiny", "convnext_tiny"),
        ("Simonyan", "vgg16"),
        ("vgg", "vgg16"),
    ],
)
def test_a_card_found_by_a_name_opens_what_was_named(text: str, variant: str) -> None:
    (entry,) = (e for e in matching(ENTRIES, text=text) if variant in e.names)
    assert entry.opens == variant


@pytest.mark.parametrize(
    ("family", "variant"),
    [
        ("lenet", "lenet5"),
        ("alexnet", "alexnet_2gpu"),
        ("zfnet", "zfnet"),
        ("googlenet", "googlenet"),
        ("vgg", "vgg16"),
        ("resnet", "resnet50"),
        ("resnext", "resnext50_32x4d"),
        ("densenet", "densenet121"),
        ("mobilenet_v2", "mobilenet_v2"),
        ("vit", "vit_b_16"),
    ],
)
def test_a_family_begins_with_the_network_that_people_know(family: str, variant: str) -> None:
    assert catalogue.representative(FAMILIES[family]).name == variant


def test_filters_by_hand() -> None:
    assert "resnet" in found(kinds=["shortcuts"], years=(2015, 2015))
    assert "resnet" not in found(kinds=["plain", "attention"])
    assert "resnet" not in found(years=(2016, 2030))
    assert "resnet" in found(params=(2.7e5, 2.8e5)), "ResNet-20 has 272,474"
    assert "vgg" not in found(params=(0, 1e8)), "no VGG has fewer than 132 million"
    assert "lenet" in found(params=(0, 1e6))
    small = matching([replace(ENTRIES[0], points=ENTRIES[0].points[:1])], params=(0, ENTRIES[0].smallest))
    assert len(small) == 1, "a range includes its ends"


def test_orders() -> None:
    by = {name: sorted(ENTRIES, key=key) for name, key in ORDERS.items()}
    assert [e.year for e in by["Oldest first"]] == sorted(e.year for e in ENTRIES)
    assert [e.year for e in by["Newest first"]] == sorted((e.year for e in ENTRIES), reverse=True)
    assert by["By name"][0].title == min((f.title for f in FAMILIES.values()), key=str.casefold)
    assert by["Fewest parameters"][0].smallest == min(e.smallest for e in ENTRIES)
    assert by["Most accurate"][0].best == max(e.best or 0 for e in ENTRIES)


def test_descent_is_the_parents_of_the_registry() -> None:
    pairs = catalogue.descent(ENTRIES)
    assert ("ResNet", "ResNeXt") in pairs
    assert len(pairs) == sum(parent in FAMILIES for f in FAMILIES.values() for parent in f.parents)


def test_kin_are_all_ancestors_and_the_children() -> None:
    pairs = [("a", "b"), ("b", "c"), ("x", "c"), ("c", "d"), ("d", "e"), ("a", "y"), ("b", "z")]
    assert catalogue.kin(pairs, "c") == [("a", "b"), ("b", "c"), ("x", "c"), ("c", "d")]
    assert catalogue.kin(pairs, "a") == [("a", "b"), ("a", "y")]
    assert catalogue.kin(pairs, "lonely") == []


def test_the_challenge_was_won_with_fewer_errors_every_year() -> None:
    winners = catalogue.winners()
    assert [w.year for w in winners] == [2012, 2013, 2014, 2015, 2016, 2017]
    assert [w.error for w in winners] == [16.42, 11.74, 6.66, 3.57, 2.99, 2.25]
