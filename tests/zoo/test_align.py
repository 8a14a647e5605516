"""Networks beside each other: resolutions and marks checked by hand, and what must hold for any pair."""

from collections import Counter
from functools import cache

import pytest
from torch import Tensor, nn

import zoo
from ui.compare import PRESETS
from zoo.anatomy import Anatomy, align, dissect, profile, scale_title, stages
from zoo.anatomy.align import CHANGED, ONLY, SAME, blocks

PAIRS = sorted({(preset[0], other) for preset in PRESETS for other in preset[1:]})
SMALL = [("resnet_classroom", family.classroom.name) for family in zoo.FAMILIES.values()]


@cache
def anatomy(name: str, size: int | None = None) -> Anatomy:
    variant = zoo.VARIANTS[name]
    side = size or variant.input_size
    return dissect(zoo.skeleton(name, input_size=side), (variant.channels, side, side))


def scales(name: str, size: int | None = None) -> str:
    return " ".join(scale_title(stage.scale) for stage in stages(anatomy(name, size)))


def marks(first: str, second: str) -> tuple[Counter[str], Counter[str]]:
    """How many layers of each network have which mark."""
    pair = anatomy(first), anatomy(second)
    found = align(pair).marks
    one, other = (Counter(m[layer.id] for layer in a.layers) for a, m in zip(pair, found, strict=True))
    return one, other


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("vgg16", None, "1/1 1/2 1/4 1/8 1/16 1/32 head"),  # table 1: five pools after convolutions at 224
        ("resnet34", None, "1/2 1/4 1/8 1/16 1/32 head"),  # table 1: 112, 56, 28, 14, 7
        ("inception_v3", None, "1/2 1/4 1/8 1/16 1/32 head"),  # 299: 149, 73, 35, 17, 8, no padding
        ("alexnet", None, "1/4 1/8 1/16 1/32 head"),  # 55, 27, 13, 6
        ("vit_b_16", None, "1/16 head"),
        ("swin_t", None, "1/4 1/8 1/16 1/32 head"),
        ("lenet5", None, "1/1 1/2 1/4 head"),  # 32: 28, 14 and 10, 5; C5 sees all of it
        ("resnet20_cifar10", None, "1/1 1/2 1/4 head"),  # 32, 16, 8
        ("mobilenet_v3_large", None, "1/2 1/4 1/8 1/16 1/32 head"),  # gates look at 1 × 1 in between
        ("resnet50", 32, "1/2 1/4 1/8 1/16 1/32 head"),  # down to a map of a single unit
    ],
)
def test_resolutions_by_hand(name: str, size: int | None, expected: str) -> None:
    assert scales(name, size) == expected


def test_a_block_that_halves_its_map_is_not_torn_apart() -> None:
    """conv1 of ResNet-50's first block at 28 px still runs on 56, and belongs to what it prepares."""
    found = anatomy("resnet50")
    (stage,) = (stage for stage in stages(found) if stage.scale == 3)
    ids = [found.layers[i].id for i in stage.layers]
    assert ids[0] == "stages.1.0.conv1"
    assert ids[-1].startswith("stages.1.3.")


def test_plain_and_residual_differ_by_shortcuts_alone() -> None:
    plain, residual = marks("plain34", "resnet34")
    assert set(plain) == {SAME}
    assert residual == {SAME: plain[SAME], ONLY: 16 + 2 * 3}  # sums; projections with their norms
    found = align([anatomy("plain34"), anatomy("resnet34")])
    only = {layer.kind for layer in anatomy("resnet34").layers if found.marks[1][layer.id] == ONLY}
    assert only == {"add", "conv", "norm"}


def test_resnext_is_resnet_with_other_numbers() -> None:
    """Table 1 of ResNeXt: every block keeps its input and output, the 3×3 inside is twice as wide."""
    found = align([anatomy("resnet50"), anatomy("resnext50_32x4d")]).marks[1]
    assert ONLY not in found.values()
    for part in ("conv1", "norm1", "conv2", "norm2", "conv3"):
        assert found[f"stages.1.0.{part}"] == CHANGED
    assert found["stages.1.0.norm3"] == found["stages.1.0.shortcut"] == found["stem"] == found["head"] == SAME
    assert found["stages.1.0"] == CHANGED


def test_unlike_families_share_little() -> None:
    vgg, resnet = marks("vgg16", "resnet34")
    assert (vgg[SAME], vgg[CHANGED]) == (
        resnet[SAME],
        resnet[CHANGED],
    )  # pairs
    assert vgg[ONLY] >= 4  # the layers at 224 px
    (first,) = (stage for stage in stages(anatomy("vgg16")) if stage.scale == 0)
    found = align([anatomy("vgg16"), anatomy("resnet34")]).marks[0]
    assert {found[anatomy("vgg16").layers[i].id] for i in first.layers} == {ONLY}


def test_ResNet_18_and_34_begin_alike() -> None:
    found = align([anatomy("resnet18"), anatomy("resnet34")])
    assert found.counterparts(0, "stages.1.0") == ("stages.1.0", "stages.1.0")
    assert found.marks[0]["stages.1.0"] == found.marks[0]["stages.1.1"] == SAME
    assert found.marks[1]["stages.1.3"] == ONLY
    assert found.counterparts(1, "stages.1.3.conv1") == (
        "stages.1.1",
        "stages.1.3.conv1",
    )  # the repeat


def test_networks_meet_where_they_work_on_the_same_share_of_the_image() -> None:
    """The same network for 160 px: every layer is the same, as the map's size is no part of it."""
    pair = [anatomy("resnet50"), anatomy("resnet50", 160)]
    found = align(pair)
    assert {found.marks[1][layer.id] for layer in pair[1].layers} == {SAME}
    assert found.marks[1]["input"] == CHANGED


@pytest.mark.parametrize(("first", "second"), [*PAIRS, *SMALL])
def test_every_layer_has_one_mark_and_counterparts_go_both_ways(first: str, second: str) -> None:
    pair = anatomy(first), anatomy(second)
    found, back = align(pair), align(pair[::-1])
    assert found.marks == back.marks[::-1]  # from both sides the same
    for number in (0, 1):
        ids = [layer.id for layer in pair[number].layers] + [block.id for block in blocks(pair[number].tree)]
        assert set(found.marks[number]) == {"input", *ids}
        assert set(found.marks[number].values()) <= {SAME, CHANGED, ONLY}
        for layer in pair[number].layers:
            other = found.counterparts(number, layer.id)[1 - number]
            if found.marks[number][layer.id] == ONLY:
                continue
            assert other is not None
            assert found.counterparts(1 - number, other)[number] == layer.id
            assert found.marks[1 - number][other] == found.marks[number][layer.id]
        every = [i for stage in found.stages[number] for i in stage.layers]
        assert sorted(every) == list(range(len(pair[number].layers)))


@pytest.mark.parametrize("name", sorted({name for preset in PRESETS for name in preset}))
def test_a_network_against_itself_is_the_same(name: str) -> None:
    found = align([anatomy(name), anatomy(name)])
    assert set(found.marks[0].values()) == set(found.marks[1].values()) == {SAME}
    for layer in anatomy(name).layers:
        assert found.counterparts(0, layer.id) == (layer.id, layer.id)


def test_of_several_each_is_held_against_the_first() -> None:
    trio = [anatomy("plain34"), anatomy("resnet34"), anatomy("resnet18")]
    found = align(trio)
    assert found.marks[1] == align(trio[:2]).marks[1]
    assert found.marks[2] == align([trio[0], trio[2]]).marks[1]
    assert found.marks[0]["stages.0.0.conv1"] == SAME  # in both
    assert found.marks[0]["stages.0.2.conv1"] == CHANGED  # in ResNet-34 the same, in ResNet-18 missing
    assert found.counterparts(2, "stages.0.0.conv1") == ("stages.0.0.conv1",) * 3


class Pair(nn.Module):
    """Two layers, worked out by hand below."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3, 2, 1)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.conv(x))


def test_a_small_pair_by_hand() -> None:
    """A ReLU between convolutions of other widths has no parameters, but other channels: changed."""
    found = align([dissect(Pair(width), (3, 8, 8)) for width in (4, 6)])
    assert found.marks == ({"input": SAME, "conv": CHANGED, "act": CHANGED},) * 2
    assert [stage.scale for stage in found.stages[0]] == [1]


def test_resolution_and_receptive_field_along_the_depth() -> None:
    """VGG-16: thirteen 3×3 convolutions and five pools see 212 px before the last pool, by hand."""
    steps = profile(anatomy("vgg16"))
    assert [step.depth for step in steps] == list(range(1, 17))
    assert (steps[0].field, steps[1].field) == (3, 6)  # 5 by the convolution, 6 by the pool behind it
    assert max(step.field or 0 for step in steps[:13]) == 212
    assert [step.side for step in steps[:4]] == [224, 112, 112, 56]
    gated = profile(anatomy("mobilenet_v3_large"))
    assert min(step.side for step in gated[:-3]) == 7
    assert next(step for step in gated if step.reach != "local").layer.startswith("stages.2.0")
