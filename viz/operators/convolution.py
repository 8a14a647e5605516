"""Convolutions on the patch: a kernel that moves, and the ways to make it cheaper."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from viz.operators.board import Board, cost
from viz.operators.patch import COLOURS, fill, maps, patch, weights
from viz.operators.records import Choice, Cost, Operator, Turn, Walk, number
from zoo.families.inception_v3 import split
from zoo.families.mobilenet_v1 import DepthwiseSeparable
from zoo.families.nin import MLPConv
from zoo.families.resnext import ResNeXtBlock
from zoo.families.vgg import Stage
from zoo.layers import ConvNormAct

GROUP = "Convolution"
KERNELS = ("edges", "blur", "sharpen", "random")


def kernel(kind: str, side: int) -> Tensor:
    """(side, side): readable numbers that do something that can be seen."""
    middle = (side - 1) // 2
    blur = torch.full((side, side), {2: 0.25, 3: 0.1, 5: 0.04}[side])
    if side == 3:
        blur[1, 1] = 0.2
    if kind == "blur":
        return blur
    if kind == "sharpen":  # twice the picture, less its blur
        sharp = -blur
        sharp[middle, middle] += 2
        return sharp
    if kind == "edges":  # right minus left
        return (torch.arange(side) - (side - 1) / 2).sign().expand(side, side).clone()
    return weights((side, side), seed=side)


def _convolution(turned: Mapping[str, Choice]) -> Walk:
    size, stride, padding = int(turned["size"]), int(turned["stride"]), int(turned["padding"])
    dilation, colours = int(turned["dilation"]), turned["channels"] == 3
    side = 6 if colours else 8
    span = dilation * (size - 1) + 1
    if span > side + 2 * padding:
        raise ValueError(
            f"A {size} × {size} kernel with dilation {dilation} spans {span} pixels; the patch with its "
            "padding "
            f"has {side + 2 * padding}. Take a smaller kernel, less dilation or more padding."
        )
    x = patch(side, colours)
    channels = x.shape[1]
    conv = nn.Conv2d(channels, 1, size, stride, padding, dilation, bias=False)
    conv.weight.data = kernel(str(turned["kernel"]), size).expand(1, channels, size, size).clone()
    board = Board()
    title = f"Picture, {side} × {side}" + (f", in {padding} of zeros" if padding else "")
    source = board.show(title, x[0], "input", names=COLOURS if colours else (), pad=padding)
    out = board.convolve("Convolve", conv, source, "Output")
    after = out.values.shape[-1]
    divided = f"({side} + 2 × {padding} − {span}) / {stride}"
    remark = (
        f"Output: ⌊{divided}⌋ + 1 = {after} pixels a side"
        f"{f', as the kernel spans {dilation} × ({size} − 1) + 1 = {span} pixels' if dilation > 1 else ''}."
    )
    return board.walk([cost("This convolution", conv, (channels, side, side))], remark)


def _pointwise(turned: Mapping[str, Choice]) -> Walk:
    cin, cout = int(turned["inputs"]), int(turned["outputs"])
    x, names = maps(cin, 5)
    conv = nn.Conv2d(cin, cout, 1, bias=False)
    fill(conv, seed=11)
    full = nn.Conv2d(cin, cout, 3, padding=1, bias=False)
    board = Board()
    source = board.show("Input maps", x[0], "input", names=names)
    board.convolve(
        "Mix the channels of each pixel", conv, source, "Output maps", kernels="Weights, a row per output"
    )
    costs = [cost("1 × 1", conv, (cin, 5, 5)), cost("3 × 3 instead", full, (cin, 5, 5))]
    times = f"{costs[1].macs / costs[0].macs:g} times"
    remark = f"Every pixel by itself: {cin} numbers in, {cout} out. A 3 × 3 would cost {times} as much."
    return board.walk(costs, remark)


def _grouped(turned: Mapping[str, Choice]) -> Walk:
    groups, side = int(turned["groups"]), 5
    x, names = maps(4, side)
    conv, full = (nn.Conv2d(4, 4, 3, padding=1, groups=g, bias=False) for g in (groups, 1))
    fill(conv, seed=21)
    board = Board()
    source = board.show("Input maps", x[0], "input", names=names, pad=1)
    board.convolve("Convolve, each group by itself", conv, source, "Output maps")
    shape = (4, side, side)
    costs = [cost(f"{groups} group{'s' * (groups > 1)}", conv, shape), cost("Without groups", full, shape)]
    each = 4 // groups
    words = "every output reads all 4 maps" if groups == 1 else f"an output reads {each} of the 4 maps"
    kind = " This is a depthwise convolution." if groups == 4 else ""
    share = f", 1/{groups} of the cost" if groups > 1 else ""
    remark = f"{words[0].upper()}{words[1:]}: {costs[0].params} of {costs[1].params} weights{share}.{kind}"
    return board.walk(costs, remark)


def _separable(turned: Mapping[str, Choice]) -> Walk:
    cin, cout, side = int(turned["inputs"]), int(turned["outputs"]), 5
    block = DepthwiseSeparable(cin, cout, 1, nn.ReLU)
    fill(block, seed=770)
    depthwise, pointwise = block.depthwise.conv, block.pointwise.conv
    x, names = maps(cin, side)
    board = Board()
    source = board.show("Input maps", x[0], "input", names=names, pad=1)
    between = board.convolve(
        "Depthwise: filter each map by itself",
        depthwise,
        source,
        "Filtered maps",
        relu=True,
        kernels="One 3 × 3 kernel per map",
        names=names,
    )
    board.convolve(
        "Pointwise: mix the maps",
        pointwise,
        between,
        "Output maps",
        relu=True,
        kernels="1 × 1, a row per output",
    )
    pair, full = nn.Sequential(depthwise, pointwise), nn.Conv2d(cin, cout, 3, padding=1, bias=False)
    shape = (cin, side, side)
    costs = [cost("Depthwise and pointwise", pair, shape), cost("One full 3 × 3", full, shape)]
    remark = (
        f"1/N + 1/Dk² = 1/{cout} + 1/9 = {1 / cout + 1 / 9:.3f}, with N = {cout} output maps and kernels "
        "Dk = 3 "
        f"wide. Counted: {costs[0].macs:,} / {costs[1].macs:,} = {costs[0].macs / costs[1].macs:.3f} of "
        "the MACs."
    )
    return board.walk(costs, remark)


def _two_in_one_place(turned: Mapping[str, Choice]) -> Walk:
    channels, between = int(turned["channels"]), bool(turned["relu"])
    first, second, wide = (nn.Conv2d(1, 1, k, bias=False) for k in (3, 3, 5))
    first.weight.data = kernel("blur", 3)[None, None]
    second.weight.data = kernel("edges", 3)[None, None]
    pair = nn.Sequential(*(nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2)))
    single = nn.Conv2d(channels, channels, 5, padding=2, bias=False)
    costs = [cost("Two 3 × 3", pair, (channels, 8, 8)), cost("One 5 × 5", single, (channels, 8, 8))]
    words = (
        f"With {channels} channel{'s' * (channels > 1)} in and out: {costs[0].params:,} instead of "
        f"{costs[1].params:,} weights, 18/25 = {costs[0].params / costs[1].params:.2f} of them."
    )
    return _in_a_row(first, second, wide, between, costs, words)


def _asymmetric(turned: Mapping[str, Choice]) -> Walk:
    n, between = int(turned["n"]), bool(turned["relu"])
    first, second = nn.Conv2d(1, 1, (1, n), bias=False), nn.Conv2d(1, 1, (n, 1), bias=False)
    wide = nn.Conv2d(1, 1, n, bias=False)
    first.weight.data = (torch.arange(n) - (n - 1) / 2).sign().reshape(1, 1, 1, n)  # an edge
    second.weight.data = torch.full((1, 1, n, 1), {3: 0.3, 5: 0.2, 7: 0.1}[n])  # smeared downwards
    pair, single = nn.Sequential(first, second), wide
    costs = [cost(f"1 × {n} and {n} × 1", pair, (1, 8, 8)), cost(f"One {n} × {n}", single, (1, 8, 8))]
    words = f"{2 * n} instead of {n * n} weights: 2/n = {costs[0].params / costs[1].params:.2f} of them."
    return _in_a_row(first, second, wide, between, costs, words)


def _in_a_row(
    first: nn.Conv2d, second: nn.Conv2d, wide: nn.Conv2d, relu: bool, costs: list[Cost], words: str
) -> Walk:
    """Two convolutions one behind the other, and the single one that does the same if nothing is between."""
    board = Board()
    source = board.show("Picture, 8 × 8", patch(8)[0], "input")
    side = wide.kernel_size[0]
    name1, name2, name = (" × ".join(map(str, conv.kernel_size)) for conv in (first, second, wide))
    middle = board.convolve(
        f"First, {name1}", first, source, "In between", kernels=f"First kernel, {name1}", relu=relu
    )
    board.convolve(
        f"Then, {name2}", second, middle, "Output", kernels=f"Second kernel, {name2}", reach=(source, side)
    )
    if relu:
        words += " With the ReLU between them no single kernel does the same: the pair can express more."
        return board.walk(costs, words)
    down, across = first.weight.data[0, 0].shape
    padded = nn.functional.pad(second.weight.data, (across - 1, across - 1, down - 1, down - 1))
    wide.weight.data = nn.functional.conv2d(padded, first.weight.data.flip(2, 3))
    board.convolve(
        f"The same at once, {name}", wide, source, f"Output of one {name}", kernels=f"One kernel, {name}"
    )
    largest = number(float(wide.weight.data.abs().max()))
    words += f" Nothing between them, they are one {name} kernel with weights up to {largest}, drawn last."
    return board.walk(costs, words)


OPERATORS = (
    Operator(
        key="conv",
        title="Convolution",
        group=GROUP,
        idea=(
            "A small window of weights moves over the picture; under it, products are added up to one number."
        ),
        turns=(
            Turn(
                name="kernel",
                title="Kernel",
                choices=KERNELS,
                default="edges",
                meaning="The weights. Edges: "
                "right minus left. Sharpen: twice the picture less its blur. Random: from a seed.",
            ),
            Turn(
                name="size",
                title="Size",
                choices=(2, 3, 5),
                default=3,
                meaning="Height and width of the kernel.",
            ),
            Turn(
                name="stride",
                title="Stride",
                choices=(1, 2, 3),
                default=1,
                meaning="By how many pixels the window moves.",
            ),
            Turn(
                name="padding",
                title="Padding",
                choices=(0, 1, 2),
                default=0,
                meaning="Rows and columns of zeros around the picture.",
            ),
            Turn(
                name="dilation",
                title="Dilation",
                choices=(1, 2, 3),
                default=1,
                meaning=(
                    "Distance of the pixels that the kernel reads: 1 is next to each other, 2 leaves one out."
                ),
            ),
            Turn(
                name="channels",
                title="Picture",
                choices=(1, 3),
                default=1,
                words=("brightness", "colours"),
                meaning="One map of brightness, or three of colour: the products of all three are added up.",
            ),
        ),
        walk=_convolution,
        code=ConvNormAct,
        families=("lenet", "alexnet", "zfnet", "vgg", "resnet", "sknet"),
    ),
    Operator(
        key="pointwise",
        title="1 × 1 convolution",
        group=GROUP,
        idea="A window of one pixel: it sees no neighbours, and mixes the channels.",
        turns=(
            Turn(
                name="inputs",
                title="Input maps",
                choices=(2, 3, 4, 6),
                default=3,
                meaning="Channels that come in.",
            ),
            Turn(
                name="outputs",
                title="Output maps",
                choices=(1, 2, 3, 4),
                default=2,
                meaning="Channels that go out; each has a row of weights.",
            ),
        ),
        walk=_pointwise,
        code=MLPConv,
        families=("nin", "googlenet", "resnet", "squeezenet", "mobilenet_v1", "densenet"),
    ),
    Operator(
        key="grouped",
        title="Grouped convolution",
        group=GROUP,
        idea="The channels stand in groups, and no window looks beyond its own.",
        turns=(
            Turn(
                name="groups",
                title="Groups",
                choices=(1, 2, 4),
                default=2,
                meaning="Of 4 maps in and 4 maps out. As many groups as maps is a depthwise convolution.",
            ),
        ),
        walk=_grouped,
        code=ResNeXtBlock,
        families=("alexnet", "resnext", "shufflenet_v1", "igc", "regnet", "resnest"),
    ),
    Operator(
        key="separable",
        title="Depthwise separable convolution",
        group=GROUP,
        idea="First a kernel for every map alone, then a 1 × 1 that mixes the maps.",
        turns=(
            Turn(
                name="inputs",
                title="Input maps, M",
                choices=(2, 3, 4),
                default=3,
                meaning="Channels that come in; the ratio of costs does not depend on them.",
            ),
            Turn(
                name="outputs",
                title="Output maps, N",
                choices=(1, 2, 4, 8),
                default=4,
                meaning="Channels that go out. The more, the larger the saving.",
            ),
        ),
        walk=_separable,
        code=DepthwiseSeparable,
        families=("mobilenet_v1", "mobilenet_v2", "mobilenet_v3", "mnasnet", "efficientnet", "shufflenet_v2"),
    ),
    Operator(
        key="stacked",
        title="Two 3 × 3 for a 5 × 5",
        group=GROUP,
        idea="Two small windows one behind the other see as far as a large one.",
        turns=(
            Turn(
                name="relu",
                title="ReLU between",
                choices=(False, True),
                default=False,
                meaning="Without it the two are one 5 × 5 kernel, which is drawn as well.",
            ),
            Turn(
                name="channels",
                title="Channels, for the cost",
                choices=(1, 16, 64, 256),
                default=64,
                meaning="In and out, in a network. The walk below has one.",
            ),
        ),
        walk=_two_in_one_place,
        code=Stage,
        families=("vgg", "inception_v3", "resnet"),
    ),
    Operator(
        key="asymmetric",
        title="1 × n and n × 1",
        group=GROUP,
        idea="A row of weights, then a column: together they see a square.",
        turns=(
            Turn(
                name="n",
                title="n",
                choices=(3, 5, 7),
                default=3,
                meaning="Length of the row and of the column.",
            ),
            Turn(
                name="relu",
                title="ReLU between",
                choices=(False, True),
                default=False,
                meaning="Without it the two are one n × n kernel, which is drawn as well.",
            ),
        ),
        walk=_asymmetric,
        code=split,
        families=("inception_v3", "inception_v4", "inception_resnet", "acnet"),
    ),
)
