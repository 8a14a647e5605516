"""Ladders: names and paths exist, counts are the registry's, and what edits cost agrees with arithmetic."""

from functools import cache

import pytest

import zoo
from zoo.anatomy import Anatomy, block_graph, dissect, excerpt
from zoo.ladders import LADDERS, Ladder, Rung, Step, climb, differences


@cache
def anatomy(name: str) -> Anatomy:
    row = zoo.variant(name)
    return dissect(zoo.skeleton(name), (row.channels, row.input_size, row.input_size))


def steps(key: str) -> dict[str, Step]:
    """The steps of a ladder by the slugs of their rungs."""
    climbed = climb(LADDERS[key].rungs, lambda rung: anatomy(rung.variant))
    return {step.rung.slug: step for step in climbed}


def labels(rung: Rung) -> list[str]:
    return [node["label"] for node in block_graph(anatomy(rung.variant), rung.block, "")["nodes"]]


@pytest.mark.parametrize("ladder", LADDERS.values(), ids=LADDERS)
def test_every_rung_is_a_published_network_and_has_its_blocks(ladder: Ladder) -> None:
    slugs = [rung.slug for rung in ladder.rungs]
    assert len(set(slugs)) == len(slugs)
    assert not ladder.rungs[0].before
    for below, rung in zip((None, *ladder.rungs), ladder.rungs, strict=False):
        assert zoo.variant(rung.variant).published
        assert block_graph(anatomy(rung.variant), rung.block, "")["edges"]
        if below:
            assert block_graph(anatomy(below.variant), rung.before or rung.block, "")["edges"]
            assert below.variant != rung.variant
        assert rung.edit.endswith(".")


@pytest.mark.parametrize("key", LADDERS)
def test_counts_are_the_registrys_and_changes_add_up(key: str) -> None:
    climbed = list(steps(key).values())
    for step in climbed:
        published = zoo.variant(step.rung.variant).published
        assert published
        assert step.params + step.auxiliary == published.params
        assert step.macs == published.macs
        assert step.size == zoo.variant(step.rung.variant).input_size
    first, last = climbed[0], climbed[-1]
    assert first.more_params is None
    assert first.more_macs is None
    assert sum(step.more_params or 0 for step in climbed) == last.params - first.params
    assert sum(step.more_macs or 0 for step in climbed) == last.macs - first.macs


def test_shortcuts_cost_their_projections() -> None:
    """Three 1x1 convolutions with their norms, where the width changes: by hand."""
    edit = steps("residual")["resnet-34"]
    widths = ((64, 128, 28), (128, 256, 14), (256, 512, 7))
    assert edit.more_params == sum(cin * cout + 2 * cout for cin, cout, _ in widths) == 173_824
    assert edit.more_macs == sum(cin * cout * side**2 for cin, cout, side in widths)


def test_pre_activation_moves_norms_only() -> None:
    """No multiply-accumulate changes; a scale and a shift for each channel that a norm no longer has."""
    edit = steps("residual")["pre-activation"]
    assert edit.more_macs == 0
    widths, cins = (64, 128, 256, 512), (64, 256, 512, 1024)
    moved = sum(2 * (cin - 4 * width) for width, cin in zip(widths, cins, strict=True))
    projections = sum(2 * 4 * width for width in widths)
    assert edit.more_params == moved - projections + 2 * 2048


def test_one_tower_doubles_three_layers() -> None:
    edit = steps("filters")["one-tower"]
    assert edit.more_params == 48 * 256 * 25 + 192 * 384 * 9 + 192 * 256 * 9


def test_squeeze_and_excitation_by_hand() -> None:
    """Two 1x1 layers with biases in each of 16 blocks, to a sixteenth of the width and back."""
    edit = steps("residual")["se"]
    blocks = ((3, 256), (4, 512), (6, 1024), (3, 2048))
    pairs = sum(n * 2 * c * (c // 16) for n, c in blocks)
    assert edit.more_macs == pairs
    assert edit.more_params == pairs + sum(n * (c // 16 + c) for n, c in blocks)


def test_vgg_to_plain_34_drops_the_arithmetic_as_printed() -> None:
    """The ResNet paper, section 3.3: 3.6 billion FLOPs, 18 % of VGG-19's 19.6 billion."""
    climbed = steps("residual")
    assert climbed["plain-34"].macs / climbed["vgg-19"].macs == pytest.approx(0.18, abs=0.01)


def test_blocks_before_and_after_show_the_edit() -> None:
    basic, bottleneck = (
        labels(Rung(name="", variant=name, edit="", block="stages.1.1"))
        for name in ("resnet34", "resnet50_v1")
    )
    assert [label for label in basic if "Conv" in label] == ["Conv 3×3", "Conv 3×3"]
    assert [label for label in bottleneck if "Conv" in label] == ["Conv 1×1", "Conv 3×3", "Conv 1×1"]
    plain = labels(Rung(name="", variant="plain34", edit="", block="stages.1.1"))
    assert "Add" not in plain
    assert [label for label in basic if label != "Add"] == plain


def test_the_way_to_convnext_costs_what_the_paper_prints() -> None:
    """Section 2 of "A ConvNet for the 2020s" as in its text: GFLOPs (our GMACs) and top-1 in percent."""
    climbed = steps("modern")
    printed = {"width-96": 5.3, "inverted": 4.6, "moved-up": 4.1}
    for slug, gmacs in printed.items():
        assert round(climbed[slug].macs / 1e9, 1) == gmacs
    top1 = [round(step.accuracy.top1, 1) for step in climbed.values() if step.accuracy]
    assert top1[:4] == [76.1, 78.8, 79.4, 79.5]
    assert top1[5:] == [80.5, 80.6, 79.9, 80.6, 80.6, 81.3, 81.4, 81.5, 82.0]
    recipes = [step.accuracy.recipe for step in climbed.values() if step.accuracy]
    assert len(set(recipes[1:])) == 1
    assert recipes[0] != recipes[1]


def test_the_way_to_convnext_by_hand() -> None:
    """Nothing for a recipe, an activation and where it stands; for 7x7, 40 weights more in each channel."""
    climbed = steps("modern")
    for slug in ("recipe", "gelu", "one-activation"):
        assert (climbed[slug].more_params, climbed[slug].more_macs) == (0, 0)
    channels = (
        96 * 3 + 96 + 192 * 2 + 192 + 384 * 8 + 384 + 768 * 2
    )  # the first of a stage reads the one before
    assert climbed["kernel-7-7"].more_params == 40 * channels
    assert climbed["convnext-t"].params == anatomy("convnext_tiny").params
    assert climbed["convnext-t"].macs == anatomy("convnext_tiny").macs


def test_differences_of_blocks() -> None:
    """The 3x3 of three layers is all that a depthwise convolution changes; a new stem shares nothing."""
    names = ("modern_resnet_patchify", "modern_resnet_depthwise")
    marks = differences(*(excerpt(anatomy(name), "stages.1.block1") for name in names))
    assert marks
    for side in marks:
        changed = [id for id, mark in side.items() if mark != "same"]
        assert changed == ["stages.1.block1.branch.conv2", "stages.1.block1.branch"]
    marks = differences(
        *(excerpt(anatomy(name), "stages.1.1") for name in ("resnext50_32x4d", "seresnext50_32x4d"))
    )
    assert marks
    assert set(marks[0].values()) == {"same"}  # nothing goes, though SENet nests its layers otherwise
    added = {id: mark for id, mark in marks[1].items() if mark != "same"}
    assert added.pop("stages.1.1.transform") == "changed"
    assert set(added.values()) == {"only"}
    assert all(id.startswith("stages.1.1.transform.se") for id in added)
    names = ("modern_resnet_ratio", "modern_resnet_patchify")
    assert differences(*(excerpt(anatomy(name), "stem") for name in names)) is None


def test_accuracies_say_whether_they_compare() -> None:
    vgg = [step.accuracy for slug, step in steps("filters").items() if slug.startswith("vgg")]
    assert len({known.recipe for known in vgg if known}) == 1  # torchvision's own training of all four
    residual = [step.accuracy for step in steps("residual").values()]
    recipes = [known.recipe for known in residual if known]
    assert len(set(recipes)) == len(recipes) == len(residual)  # everybody trained another way
    assert "“Deep Residual Learning" in recipes[1]
    assert steps("inception")["inception-v2"].accuracy is None
