"""The operators that one steps through: the arithmetic shown is what torch and the zoo's blocks compute."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from viz.operators import OPERATORS, Choice, Made, Panel, Taken, Walk
from viz.operators.attention import Patches
from viz.operators.convolution import kernel
from viz.operators.patch import fill, maps, patch, weights
from zoo import FAMILIES, skeleton
from zoo.anatomy import Anatomy, dissect
from zoo.families import alexnet, bn_inception
from zoo.families.densenet import DenseBlock
from zoo.families.ghostnet import GhostModule
from zoo.families.mobilenet_v1 import DepthwiseSeparable
from zoo.families.resnest import SplitAttention
from zoo.families.senet import SqueezeExcite
from zoo.families.shufflenet_v1 import ChannelShuffle
from zoo.families.sknet import SelectiveKernel
from zoo.families.squeezenet import Fire

MOST = 24  # settings of an operator that are tried


def settings(key: str) -> list[Mapping[str, Choice]]:
    """The defaults, and others drawn by chance from all that can be turned."""
    turns = OPERATORS[key].turns
    every = [
        dict(zip([t.name for t in turns], chosen, strict=True))
        for chosen in product(*(t.choices for t in turns))
    ]
    drawn = random.Random(key).sample(every, min(MOST, len(every)))
    return [{t.name: t.default for t in turns}, *drawn]


def walks(key: str) -> Iterator[Walk]:
    for chosen in settings(key):
        with suppress(ValueError):  # a kernel larger than the patch
            yield OPERATORS[key].walk(chosen)


def walk(key: str, **turned: Choice) -> Walk:
    return OPERATORS[key].walk({t.name: t.default for t in OPERATORS[key].turns} | turned)


def panel(walk: Walk, title: str) -> Panel:
    return next(panel for panel in walk.panels if panel.title.startswith(title))


def values(walk: Walk, title: str) -> Tensor:
    """(C, H, W), or whatever the panel holds."""
    return torch.from_numpy(panel(walk, title).values).float()


@pytest.mark.parametrize("key", OPERATORS)
def test_steps_make_what_the_operator_gave(key: str) -> None:
    """Every number that is computed is written by one step, whose own arithmetic gives the same."""
    for found in walks(key):
        written = [np.zeros(p.framed.size, int) for p in found.panels]
        for step in found.steps:
            expected = found.panels[step.panel].of(step.cells)
            np.testing.assert_allclose(step.result, expected, rtol=1e-5, atol=1e-5)
            written[step.panel][list(step.cells)] += 1
        for p, count in zip(found.panels, written, strict=True):
            inside = count[[p.at(*place) for place in np.ndindex(p.values.shape)]]
            assert set(inside) in ({0}, {1}), f"{p.title}: {set(inside)}"
            assert count.sum() == inside.sum(), "a step writes into the frame"


@pytest.mark.parametrize("key", OPERATORS)
def test_what_a_step_shows_adds_up(key: str) -> None:
    """Products are of the pairs shown, and a step reads only what was there or written before it."""
    for found in walks(key):
        made = {(step.panel, cell): i for i, step in enumerate(found.steps) for cell in step.cells}
        for i, step in enumerate(found.steps):
            for part in step.parts:
                assert len(part.cells if isinstance(part, Taken) else part.values) == np.prod(part.shape)
                if isinstance(part, Taken):
                    assert all(made.get((part.panel, cell), -1) < i for cell in part.cells), step.stage
            if [part.sign for part in step.parts[:3]] == ["", "×", "="]:
                left, right, products = step.parts[:3]
                assert isinstance(left, Taken)
                assert isinstance(right, Taken)
                assert isinstance(products, Made)
                factors = found.panels[left.panel].of(left.cells), found.panels[right.panel].of(right.cells)
                np.testing.assert_allclose(products.values, factors[0] * factors[1])


def test_first_number_of_a_convolution_by_hand() -> None:
    found = walk("conv")
    pixels = patch(8)[0, 0]
    by_hand = sum(float(pixels[row, 2] - pixels[row, 0]) for row in range(3))  # right minus left
    assert found.steps[0].result[0] == pytest.approx(by_hand)
    assert [round(v * 10, 4) % 1 for v in found.panels[0].values.flatten()] == [0] * 64, "tenths"


@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "channels"), [(1, 0, 1, 1), (2, 1, 1, 1), (1, 2, 2, 3), (3, 2, 2, 1)]
)
def test_convolution(stride: int, padding: int, dilation: int, channels: int) -> None:
    found = walk(
        "conv", kernel="random", stride=stride, padding=padding, dilation=dilation, channels=channels
    )
    x = patch(6 if channels == 3 else 8, channels == 3)
    w = kernel("random", 3).expand(1, channels, 3, 3)
    torch.testing.assert_close(values(found, "Output"), F.conv2d(x, w, None, stride, padding, dilation)[0])


def test_a_kernel_that_does_not_fit_says_so() -> None:
    with pytest.raises(ValueError, match="spans 13 pixels; the patch with its padding has 8"):
        walk("conv", size=5, dilation=3)


def test_depthwise_separable_is_mobilenets_block() -> None:
    block = fill(DepthwiseSeparable(3, 4, 1, nn.ReLU), seed=770)
    torch.testing.assert_close(values(walk("separable"), "Output maps"), block(maps(3, 5)[0])[0])


@pytest.mark.parametrize("outputs", [1, 2, 4, 8])
def test_cost_of_depthwise_separable(outputs: int) -> None:
    pair, full = walk("separable", outputs=outputs).costs
    assert pair.macs / full.macs == pytest.approx(1 / outputs + 1 / 9)  # MobileNet, section 3.1
    assert pair.params / full.params == pytest.approx(1 / outputs + 1 / 9)


def test_grouped_convolution() -> None:
    for groups in (1, 2, 4):
        found = walk("grouped", groups=groups)
        w = weights((4, 4 // groups, 3, 3), 21)
        expected = F.conv2d(maps(4, 5)[0], w, padding=1, groups=groups)[0]
        torch.testing.assert_close(values(found, "Output maps"), expected)
        assert found.costs[1].macs == groups * found.costs[0].macs


def test_two_kernels_in_a_row_are_one() -> None:
    found = walk("stacked")
    torch.testing.assert_close(values(found, "Output"), values(found, "Output of one"))
    small, large = found.costs
    assert (small.params, large.params) == (18 * 64**2, 25 * 64**2)
    step = next(step for step in found.steps if step.sees)
    assert step.sees is not None
    assert len(step.sees[1]) == 25, "a 5 × 5 field"
    with_relu = walk("stacked", relu=True)
    assert not any(p.title.startswith("Output of one") for p in with_relu.panels)
    for n in (3, 5, 7):
        found = walk("asymmetric", n=n)
        torch.testing.assert_close(values(found, "Output"), values(found, "Output of one"))
        assert found.costs[0].params / found.costs[1].params == pytest.approx(2 / n)


def test_pooling() -> None:
    x = patch(8)
    overlapping = values(walk("pool"), "Output")
    torch.testing.assert_close(overlapping, F.max_pool2d(x, 3, 2)[0])  # AlexNet, section 3.4
    padded = values(walk("pool", padding=1), "Output")
    torch.testing.assert_close(padded, F.max_pool2d(x, 3, 2, 1)[0])
    average = values(walk("pool", kind="average", size=2, padding=1), "Output")
    torch.testing.assert_close(average, F.avg_pool2d(x, 2, 2, 1)[0])


@pytest.mark.parametrize("reading", ["printed", "divided"])
def test_local_response_normalisation(reading: str) -> None:
    """As AlexNet's file has it, and by the formula of the paper's section 3.3."""
    found = values(walk("lrn", reading=reading), "Output maps")
    x = maps(8, 3)[0]
    torch.testing.assert_close(found, alexnet.make_norm(reading)(x)[0])
    alpha = 1e-4 if reading == "printed" else 1e-4 / 5
    squares = sum(float(x[0, c, 1, 1]) ** 2 for c in range(1, 6))
    assert float(found[3, 1, 1]) == pytest.approx(float(x[0, 3, 1, 1]) / (2 + alpha * squares) ** 0.75)


def test_batch_norm() -> None:
    found = walk("bn", gamma=2.0, beta=-1.0)
    x = values(found, "Batch").reshape(3, 2, 3, 3)
    expected = bn_inception.batch_norm(x, torch.full((2,), 2.0), torch.full((2,), -1.0))
    torch.testing.assert_close(values(found, "Output").reshape(3, 2, 3, 3), expected)
    kept = walk("bn", statistics="running")
    alone = (x - torch.tensor([0.5, 0.4])[:, None, None]) / (
        torch.tensor([0.04, 0.09])[:, None, None] + 1e-5
    ).sqrt()
    torch.testing.assert_close(values(kept, "Output").reshape(3, 2, 3, 3), alone)


def test_dropout() -> None:
    found = walk("dropout", p=0.5)
    factors = set(values(found, "Factors").flatten().tolist())
    assert factors == {0.0, 2.0}
    assert values(found, "Output").equal(values(found, "Input") * values(found, "Factors"))
    other = walk("dropout", p=0.5, seed=1)
    assert not values(other, "Factors").equal(values(found, "Factors"))
    assert values(walk("dropout", mode="test"), "Output").equal(values(found, "Input"))


def test_residual_and_dense() -> None:
    nothing = walk("residual", strength=0.0)
    assert values(nothing, "Output").equal(values(nothing, "Input")), "F gives zero: the identity"
    found = walk("residual")
    x = patch(6)
    expected = (x + F.conv2d(x, kernel("edges", 3)[None, None] * 0.5, padding=1)).relu()[0]
    torch.testing.assert_close(values(found, "Output"), expected)
    block = DenseBlock(2, 3, 2, bottleneck=False)
    fill(block, seed=330)
    maps_of_block = values(walk("dense", growth=2, layers=3), "The block's maps")
    assert len(maps_of_block) == 2 + 2 * 3  # k0 + k l
    torch.testing.assert_close(maps_of_block, block(maps(2, 4)[0])[0].relu())


def test_channels() -> None:
    for groups in (1, 2, 4, 8):
        found = values(walk("shuffle", groups=groups), "After")
        torch.testing.assert_close(found, nn.ChannelShuffle(groups)(maps(8, 3)[0])[0])
    ghost = fill(GhostModule(3, 4, 2, 3, nn.ReLU), seed=1380)
    torch.testing.assert_close(values(walk("ghost"), "Output maps"), ghost(maps(3, 5)[0])[0])
    fire = fill(Fire(4, 2, 2, 2, bypass="none", norm="none"), seed=1020)
    torch.testing.assert_close(values(walk("fire"), "Output maps"), fire(maps(4, 5)[0])[0])


def test_attention_to_channels_and_branches() -> None:
    """Sums and products of what the walk shows, by torch's own functions."""
    found = walk("se")
    x, factors = values(found, "Input maps"), values(found, "Factors")[0, 0]
    torch.testing.assert_close(values(found, "Squeezed")[0, 0], x.mean((1, 2)))
    hidden = F.linear(
        x.mean((1, 2)), values(found, "First layer")[0], values(found, "First layer: bias")[0, 0]
    ).relu()
    scores = F.linear(hidden, values(found, "Second layer")[0], values(found, "Second layer: bias")[0, 0])
    torch.testing.assert_close(factors, scores.sigmoid())
    torch.testing.assert_close(values(found, "Output maps"), x * factors[:, None, None])
    for key, views in (("sk", "Views"), ("split", "Splits")):
        found = walk(key)
        shares = values(found, "Shares")[0, 0].reshape(2, 2)  # views by maps
        torch.testing.assert_close(shares.sum(0), torch.ones(2))
        assert float(shares.min()) < 0.45, "the attention decides something"
        apart = values(found, views)
        mixed = (apart.reshape(2, 2, *apart.shape[1:]) * shares[:, :, None, None]).sum(0)
        torch.testing.assert_close(values(found, "Output maps"), mixed)


def test_tokens_and_their_attention() -> None:
    found = walk("patches", channels=3)
    stem = nn.Conv2d(3, 4, 4, 4)
    fill(stem, seed=101)
    expected = Patches(stem)(patch(8, True))[0]
    torch.testing.assert_close(values(found, "Tokens")[0], expected)
    unfolded = F.unfold(patch(8, True), 4, stride=4)[
        0
    ].T  # the linear layer on every square that ViT's paper has
    torch.testing.assert_close(F.linear(unfolded, stem.weight.flatten(1), stem.bias), expected)
    for heads in (1, 2, 4):
        found = walk("attention", heads=heads)
        tokens = values(found, "Tokens")[0]
        theirs = nn.MultiheadAttention(4, heads, batch_first=True)
        titles = ("To queries", "To keys", "To values")
        theirs.in_proj_weight.data = torch.cat([values(found, title)[0] for title in titles])
        theirs.in_proj_bias.data = torch.cat([values(found, f"{title}: bias")[0, 0] for title in titles])
        theirs.out_proj.weight.data = values(found, "Projection")[0]
        theirs.out_proj.bias.data = values(found, "Projection: bias")[0, 0]
        with torch.no_grad():
            out, shares = theirs(tokens[None], tokens[None], tokens[None], average_attn_weights=False)
        torch.testing.assert_close(values(found, "Shares"), shares[0])
        torch.testing.assert_close(values(found, "Output tokens")[0], out[0])


def modules(*classes: type[nn.Module]) -> Callable[[Anatomy], bool]:
    return lambda anatomy: any(issubclass(cls, classes) for cls in anatomy.classes.values())


def labelled(*parts: str) -> Callable[[Anatomy], bool]:
    """Whether an operation's label has one of these."""
    return lambda anatomy: any(part in layer.label for layer in anatomy.layers for part in parts)


def weighted(fits: Callable[[tuple[int, ...]], bool]) -> Callable[[Anatomy], bool]:
    """Whether a convolution's weight has such a shape."""
    return lambda anatomy: any(
        fits(shape)
        for layer in anatomy.layers
        if layer.kind == "conv"
        for _, shape in layer.weights
        if len(shape) == 4
    )


def grouped(anatomy: Anatomy) -> bool:
    return any(
        layer.kind == "conv" and layer.factors and layer.inputs[0] >= 0
        and anatomy.layers[layer.inputs[0]].shape[0] > layer.weights[0][1][1] > 1
        for layer in anatomy.layers
        if layer.weights
    )  # fmt: skip


USES: Mapping[str, Callable[[Anatomy], bool]] = {
    "conv": weighted(lambda s: s[2] > 1),
    "pointwise": weighted(lambda s: s[2:] == (1, 1)),
    "grouped": grouped,
    "separable": weighted(lambda s: s[1] == 1 and s[0] > 8 and s[2] > 1),
    "stacked": weighted(lambda s: s[2:] == (3, 3)),
    "asymmetric": weighted(lambda s: s[2] != s[3]),
    "pool": modules(nn.MaxPool2d, nn.AvgPool2d),
    "lrn": modules(nn.LocalResponseNorm),
    "bn": modules(nn.BatchNorm2d),
    "dropout": modules(nn.Dropout),
    "residual": labelled("Add"),
    "dense": labelled("Concatenate"),
    "shuffle": modules(ChannelShuffle),
    "ghost": modules(GhostModule),
    "fire": modules(Fire),
    "se": modules(SqueezeExcite),
    "sk": modules(SelectiveKernel),
    "split": modules(SplitAttention),
    "patches": weighted(lambda s: s[2] == s[3] and s[2] >= 4),
    "attention": lambda anatomy: any(layer.kind == "softmax" for layer in anatomy.layers),
}


@pytest.mark.parametrize("key", OPERATORS)
def test_families_said_to_use_it_do(key: str) -> None:
    for family in OPERATORS[key].families:
        anatomies = (
            dissect(skeleton(v.name), (v.channels, v.input_size, v.input_size))
            for v in FAMILIES[family].variants
        )
        assert any(USES[key](anatomy) for anatomy in anatomies), f"{family} has no {key}"
