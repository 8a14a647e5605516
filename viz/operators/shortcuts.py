"""Ways around a layer, and ways to put the outputs of several together."""

from collections.abc import Mapping

import torch
from torch import nn

from viz.operators.board import Board, cost, positions
from viz.operators.convolution import kernel
from viz.operators.patch import fill, maps, patch
from viz.operators.records import Choice, Operator, Panel, Taken, Turn, Walk, number
from zoo.families.densenet import DenseBlock, DenseLayer
from zoo.families.ghostnet import GhostModule
from zoo.families.shufflenet_v1 import ChannelShuffle
from zoo.families.squeezenet import Fire
from zoo.layers import Residual

GROUP = "Shortcuts and channels"
_WIDE = 480  # channels of a late layer, for which a saving is counted as well


def _residual(turned: Mapping[str, Choice]) -> Walk:
    side = 6
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    conv.weight.data = kernel(str(turned["kernel"]), 3)[None, None] * float(turned["strength"])
    block = Residual(conv, nn.Identity()).requires_grad_(False)
    x = patch(side)
    board = Board()
    source = board.show("Input, x", x[0], "input", pad=1)
    branch = board.convolve("Transform", conv, source, "F(x)", kernels="Kernel of F")
    out = board.show("Output", block(x)[0], "add")
    for c, i, j in positions(block(x)[0]):
        a, b = source.at(c, i, j), branch.at(c, i, j)
        first, second = float(source.of((a,))[0]), float(branch.of((b,))[0])
        total = first + second
        board.note(
            "Add, then ReLU",
            [
                Taken("", "x", source.index, (a,), (1, 1, 1)),
                Taken("+", "F(x)", branch.index, (b,), (1, 1, 1)),
            ],
            out,
            [out.at(c, i, j)],
            [max(total, 0.0)],
            f"{number(first)} {'−' if second < 0 else '+'} {number(abs(second))} = {number(total)}, "
            f"ReLU: {number(max(total, 0.0))}",
        )
    words = "The sum itself has no weights. Where F gives zero, the block passes its input on as it is."
    return board.walk([cost("F and the sum", block, (1, side, side))], words)


def _dense(turned: Mapping[str, Choice]) -> Walk:
    growth, depth, side, cin = int(turned["growth"]), int(turned["layers"]), 4, 2
    block = DenseBlock(cin, depth, growth, bottleneck=False)
    fill(block, seed=330)
    x, names = maps(cin, side)
    y = block(x)[0]
    every = [*names, *(f"layer {i + 1}" for i in range(depth) for _ in range(growth))]
    board = Board()
    source = board.show("Input maps", x[0], "input", names=names)
    stock = board.show("The block's maps, behind ReLU", y.relu(), "concat", names=every, pad=1)
    for c in range(cin):
        _copy(board, "The input goes first", source, c, stock, c)
    for i, layer in enumerate(block.layers):
        conv = layer.get_submodule("conv1")
        assert isinstance(conv, nn.Conv2d)
        board.convolve(
            f"Layer {i + 1} reads {cin + growth * i} maps",
            conv,
            stock,
            "",
            relu=True,
            into=(stock, cin + growth * i),
            kernels=f"Kernels of layer {i + 1}",
        )
    words = (
        f"k0 + k × layers = {cin} + {growth} × {depth} = {cin + growth * depth} maps leave the block. "
        "Nothing is "
        f"added up: what a layer has made stays as it is, and each layer reads all maps before it."
    )
    return board.walk([cost("The block", block, (cin, side, side))], words)


def _shuffle(turned: Mapping[str, Choice]) -> Walk:
    groups, count, side = int(turned["groups"]), 8, 3
    shuffle = ChannelShuffle(groups)
    x, _ = maps(count, side)
    each = count // groups
    names = [f"{c + 1}, group {c // each + 1}" for c in range(count)]
    order = shuffle(torch.arange(count).reshape(1, count, 1, 1).float()).flatten().int().tolist()
    board = Board()
    source = board.show(f"Before: {groups} groups of {each} maps", x[0], "input", names=names)
    target = board.show("After", shuffle(x)[0], "reshape", names=[names[c] for c in order])
    for to, c in enumerate(order):
        words = f"place {to + 1} gets map {c + 1}: number {c % each + 1} of group {c // each + 1}"
        _copy(board, "Deal the maps out", source, c, target, to, words)
    words = (
        f"A table of {groups} rows with {each} maps each, read column by column. No weights, no "
        "arithmetic; a "
        f"shuffle with {each} groups undoes it."
    )
    return board.walk([cost("This shuffle", shuffle, (count, side, side))], words)


def _ghost(turned: Mapping[str, Choice]) -> Walk:
    cin, cout, side = 3, 4, 5
    ratio, cheap_size = int(turned["ratio"]), int(turned["cheap"])
    module = GhostModule(cin, cout, ratio, cheap_size, nn.ReLU)
    fill(module, seed=1380)
    x, names = maps(cin, side)
    intrinsic = module.primary.conv.out_channels
    every = [f"intrinsic {i + 1}" for i in range(intrinsic)]
    every += [f"ghost of {i // (ratio - 1) + 1}" for i in range(cout - intrinsic)]
    board = Board()
    source = board.show("Input maps", x[0], "input", names=names)
    out = board.show("Output maps", module(x)[0], "concat", names=every, pad=cheap_size // 2)
    board.convolve(
        "Primary: a 1 × 1 makes the intrinsic maps",
        module.primary.conv,
        source,
        "",
        relu=True,
        into=(out, 0),
        kernels="1 × 1, a row per map",
    )
    if module.cheap is not None:
        board.convolve(
            "Cheap: each ghost from one map alone",
            module.cheap.conv,
            out,
            "",
            relu=True,
            into=(out, intrinsic),
            kernels="Cheap kernels",
        )
    plain = nn.Conv2d(cin, cout, 1, bias=False)
    real, whole = nn.Sequential(module.primary.conv), (cin, side, side)
    if module.cheap is not None:
        real.append(module.cheap.conv)
    costs = [cost("Ghost module", real, whole), cost("1 × 1 for all maps", plain, whole)]
    wide, same = GhostModule(_WIDE, _WIDE, ratio, cheap_size, None), nn.Conv2d(_WIDE, _WIDE, 1, bias=False)
    large = [cost("", module, (_WIDE, side, side)).macs for module in (wide, same)]
    words = (
        f"{intrinsic} of {cout} maps are paid for by reading all {cin} maps; a ghost costs {cheap_size}² = "
        f"{cheap_size**2} products per pixel however many maps come in. Here that makes "
        f"{costs[0].macs / costs[1].macs:.2f} of the MACs of a 1 × 1; from {_WIDE} maps to {_WIDE} it makes "
        f"{large[0] / large[1]:.2f} of them (1/s = {1 / ratio:.2f})."
        if ratio > 1
        else "With a ratio of 1 there are no ghosts: all maps are made by the 1 × 1."
    )
    return board.walk(costs, words)


def _fire(turned: Mapping[str, Choice]) -> Walk:
    cin, squeeze, side = 4, int(turned["squeeze"]), 5
    module = Fire(cin, squeeze, 2, 2, bypass="none", norm="none")
    fill(module, seed=1020)
    x, names = maps(cin, side)
    small, one, three = (
        part.get_submodule("conv") for part in (module.squeeze, module.expand1x1, module.expand3x3)
    )
    assert isinstance(small, nn.Conv2d)
    assert isinstance(one, nn.Conv2d)
    assert isinstance(three, nn.Conv2d)
    board = Board()
    source = board.show("Input maps", x[0], "input", names=names)
    between = board.convolve(
        "Squeeze: a 1 × 1 to few maps", small, source, "Squeezed maps", relu=True, kernels="Squeeze", pad=1
    )
    out = board.show(
        "Output maps", module(x)[0], "concat", names=["by 1 × 1", "by 1 × 1", "by 3 × 3", "by 3 × 3"]
    )
    board.convolve("Expand by 1 × 1", one, between, "", relu=True, into=(out, 0), kernels="Expand 1 × 1")
    board.convolve("Expand by 3 × 3", three, between, "", relu=True, into=(out, 2), kernels="Expand 3 × 3")
    plain = nn.Conv2d(cin, 4, 3, padding=1)
    shape = (cin, side, side)
    words = (
        f"The nine weights per map of the 3 × 3 are paid for {squeeze} squeezed, not for all {cin} "
        "maps that come in."
    )
    return board.walk([cost("Fire module", module, shape), cost("One 3 × 3", plain, shape)], words)


def _copy(
    board: Board, stage: str, source: Panel, channel: int, target: Panel, to: int, words: str = ""
) -> None:
    """A step that takes a whole map over."""
    _, height, width = source.values.shape
    places = [(i, j) for i in range(height) for j in range(width)]
    cells = tuple(source.at(channel, i, j) for i, j in places)
    board.note(
        stage,
        [Taken("", "map", source.index, cells, (1, height, width))],
        target,
        [target.at(to, i, j) for i, j in places],
        list(source.of(cells)),
        words or f"map {channel + 1} is taken over as it is",
    )


OPERATORS = (
    Operator(
        key="residual",
        title="Residual sum",
        group=GROUP,
        idea=(
            "The input goes around the layers and is added to what they give: they learn the difference only."
        ),
        turns=(
            Turn(
                name="kernel",
                title="F is",
                choices=("edges", "blur", "sharpen", "random"),
                default="edges",
                meaning="The transformation beside the shortcut; in a network two or three convolutions.",
            ),
            Turn(
                name="strength",
                title="times",
                choices=(-1.0, -0.5, 0.0, 0.5, 1.0),
                default=0.5,
                meaning="Factor on the weights of F; with 0 the block is the identity.",
            ),
        ),
        walk=_residual,
        code=Residual,
        families=("resnet", "preresnet", "resnext", "mobilenet_v2", "convnext", "vit"),
    ),
    Operator(
        key="dense",
        title="Dense concatenation",
        group=GROUP,
        idea="Each layer reads all maps made before it, and puts a few of its own beside them.",
        turns=(
            Turn(
                name="growth",
                title="Growth rate, k",
                choices=(1, 2),
                default=1,
                meaning="New maps of each layer.",
            ),
            Turn(name="layers", title="Layers", choices=(1, 2, 3), default=2, meaning="Of the block."),
        ),
        walk=_dense,
        code=DenseLayer,
        families=("densenet", "dpn"),
    ),
    Operator(
        key="shuffle",
        title="Channel shuffle",
        group=GROUP,
        idea=(
            "The maps of every group are dealt out to all groups, so that the next grouped layer sees "
            "them all."
        ),
        turns=(
            Turn(name="groups", title="Groups, g", choices=(1, 2, 4, 8), default=2, meaning="Of 8 maps."),
        ),
        walk=_shuffle,
        code=ChannelShuffle,
        families=("shufflenet_v1", "igc", "shufflenet_v2"),
    ),
    Operator(
        key="ghost",
        title="Ghost module",
        group=GROUP,
        idea=(
            "A convolution makes some of the maps, and cheap filters make the others from these, one by one."
        ),
        turns=(
            Turn(
                name="ratio",
                title="Ratio, s",
                choices=(1, 2, 4),
                default=2,
                meaning="One in s maps is made by the convolution. With 1 there are no ghosts.",
            ),
            Turn(
                name="cheap",
                title="Cheap kernel, d",
                choices=(1, 3, 5),
                default=3,
                meaning="Height and width of the cheap filters.",
            ),
        ),
        walk=_ghost,
        code=GhostModule,
        families=("ghostnet",),
    ),
    Operator(
        key="fire",
        title="Fire module",
        group=GROUP,
        idea="Squeeze to a few maps, then expand by 1 × 1 and 3 × 3 side by side.",
        turns=(
            Turn(
                name="squeeze",
                title="Squeezed maps",
                choices=(1, 2, 3),
                default=2,
                meaning="Between the two layers.",
            ),
        ),
        walk=_fire,
        code=Fire,
        families=("squeezenet",),
    ),
)
