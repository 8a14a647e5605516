"""VGG: table 1 as printed against the networks built, and what section 2.3 says of stacked 3x3 kernels."""

import pytest
import torch
from torch import nn

import zoo
from zoo.families.vgg import TABLE_1, TABLE_2, Stage

NAMES = {"A": "vgg11", "A-LRN": "vgg11_lrn", "B": "vgg13", "C": "vgg16_c", "D": "vgg16", "E": "vgg19"}


def printed(layer: nn.Module) -> str:
    """A layer in the words of table 1; ReLU and dropout are not in it."""
    match layer:
        case nn.Conv2d():
            return f"conv{layer.kernel_size[0]}-{layer.out_channels}"
        case nn.LocalResponseNorm():
            return "LRN"
        case nn.MaxPool2d():
            return "maxpool"
        case nn.Linear():
            return f"FC-{layer.out_features}"
    return ""


@pytest.mark.parametrize("letter", TABLE_1)
def test_networks_are_the_columns_of_table_1(letter: str) -> None:
    """Widths, kernels, order and heads; the table also builds the networks, whose depths the counts prove."""
    layers = [printed(m) for m in zoo.skeleton(NAMES[letter]).modules() if printed(m)]
    column = [word for stage in TABLE_1[letter] for word in (*stage.split(), "maxpool")]
    assert layers == [*column, "FC-4096", "FC-4096", "FC-1000"]
    weighted = sum(word not in ("LRN", "maxpool") for word in layers)
    assert weighted == {"A": 11, "A-LRN": 11, "B": 13, "C": 16, "D": 16, "E": 19}[letter]


@pytest.mark.parametrize("letter", TABLE_2)
def test_table_2_rounds_our_parameters(letter: str) -> None:
    published = zoo.VARIANTS[NAMES[letter]].published
    assert published
    assert round(published.params / 1e6) * 1e6 == TABLE_2[letter]


@pytest.mark.parametrize(("depth", "side"), [(1, 3), (2, 5), (3, 7)])
def test_a_stack_of_small_kernels_sees_as_far_as_a_large_one(depth: int, side: int) -> None:
    """Section 2.3: two 3x3 see 5x5, three see 7x7, with 18 of 25 and 27 of 49 weights."""
    stack = nn.Sequential(*list(Stage(1, 1, depth))[:-1])  # without the pool
    for p in stack.parameters():
        nn.init.ones_(p)
    image = torch.zeros(1, 1, 11, 11, requires_grad=True)
    (seen,) = torch.autograd.grad(stack(image)[0, 0, 5, 5], image)
    assert seen[0, 0, 5].count_nonzero() == side
    assert seen.count_nonzero() == side * side
    assert sum(m.weight.numel() for m in stack if isinstance(m, nn.Conv2d)) == 9 * depth


def test_lrn_is_alexnets_formula() -> None:
    """b = a / (2 + 1e-4 times the sum of squares of five neighbouring channels) ** 0.75, by hand."""
    norm = zoo.build("vgg11_lrn").get_submodule("stages.0.norm1")
    a = torch.randn(1, 64, 1, 1, generator=torch.Generator().manual_seed(0)) * 100
    expected = a[0, 7] / (2 + 1e-4 * (a[0, 5:10] ** 2).sum()) ** 0.75
    torch.testing.assert_close(norm(a)[0, 7], expected)
