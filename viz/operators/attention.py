"""Attention on the patch: to channels, to branches, and between pieces of the picture."""

from collections.abc import Mapping
from math import exp

import torch
from torch import Tensor, nn

from viz.operators.board import Board, cost, fold, positions
from viz.operators.patch import COLOURS, fill, maps, patch, weights
from viz.operators.records import Choice, Operator, Panel, Taken, Turn, Walk, number
from zoo.families.resnest import SplitAttention
from zoo.families.senet import SqueezeExcite, squeeze_excite
from zoo.families.sknet import SelectiveKernel
from zoo.families.vit import Attention, ViT

GROUP = "Attention"
_STRONG = 4.0  # how much larger than usual the last weights in front of a softmax are, so that it decides


def _excite(turned: Mapping[str, Choice]) -> Walk:
    channels, side = 4, 4
    reduction = int(turned["reduction"])
    module = squeeze_excite(channels, reduction)
    fill(module, seed=71)
    module.fc2.weight.data *= _STRONG
    x, names = maps(channels, side)
    board = Board()
    source = board.show("Input maps", x[0], "input", names=names)
    squeezed = board.average("Squeeze: each map's average", source, "Squeezed, z")
    hidden = board.linear(
        "Excite: first layer, ReLU",
        module.fc1.weight[:, :, 0, 0],
        module.fc1.bias,
        squeezed,
        "Hidden",
        relu=True,
        kernels="First layer",
    )
    scores = board.linear(
        "Excite: second layer",
        module.fc2.weight[:, :, 0, 0],
        module.fc2.bias,
        hidden,
        "Scores",
        kernels="Second layer",
    )
    factors = _gate(board, scores, "Factors, s")
    out = board.show("Output maps", module(x)[0], "add", names=names)
    for c, i, j in positions(module(x)[0]):
        cell, at = source.at(c, i, j), factors.at(0, 0, c)
        _multiply(
            board, "Scale each map by its factor", [(source, cell), (factors, at)], out, out.at(c, i, j)
        )
    each = max(1, channels // reduction)
    words = (
        f"{each} hidden number{'s' * (each > 1)} for {channels} maps. One factor per map, the same at "
        "every pixel."
    )
    return board.walk([cost("This block", module, (channels, side, side))], words)


def _split(turned: Mapping[str, Choice]) -> Walk:
    channels, side = 2, 4
    radix = int(turned["radix"])
    module = SplitAttention(channels, stride=1, radix=radix, cardinality=1, reduction=4)
    fill(module, seed=290)
    x, names = maps(channels, side)
    board = Board()
    source = board.show("Input maps", x[0], "input", names=names, pad=1)
    labels = [f"split {r + 1}, map {c + 1}" for r in range(radix) for c in range(channels)]
    splits = board.convolve(
        "Convolve, each split its part",
        module.conv.conv,
        source,
        "Splits",
        relu=True,
        names=labels,
        kernels="Kernels",
    )
    _choose(board, splits, radix, [module.fc1, module.fc2], module(x)[0], "split")
    words = (
        f"For each of {channels} maps a softmax over {radix} splits: shares that add up to 1."
        if radix > 1
        else "One split has nothing to be weighed against: a sigmoid, as in squeeze and excitation."
    )
    words += " The hidden layer has 32 units, the least that ResNeSt allows."
    return board.walk([cost("Split attention", module, (channels, side, side))], words)


def _selective(turned: Mapping[str, Choice]) -> Walk:
    channels, side = 2, 5
    branches = int(turned["branches"])
    module = SelectiveKernel(
        channels, channels, stride=1, branches=branches, groups=1, reduction=16, least=2, shared=False
    )
    fill(module, seed=1650)
    module.fc2.weight.data *= _STRONG
    x, names = maps(channels, side)
    board = Board()
    source = board.show("Input maps", x[0], "input", names=names, pad=branches)
    labels = [f"{2 * m + 3} × {2 * m + 3}, map {c + 1}" for m in range(branches) for c in range(channels)]
    convs = [branch.get_submodule("conv") for branch in module.branches]
    with torch.no_grad():
        every = torch.cat([branch(x) for branch in module.branches], 1)[0]
    views = board.show("Views", every, "conv", names=labels)
    for m, conv in enumerate(convs):
        assert isinstance(conv, nn.Conv2d)
        seen = 2 * m + 3
        board.convolve(
            f"Split: look at {seen} × {seen} pixels",
            conv,
            source,
            "",
            relu=True,
            into=(views, m * channels),
            kernels=f"Kernels over {seen} × {seen}",
        )
    _choose(board, views, branches, [module.fc1.conv, module.fc2], module(x)[0], "view")
    words = (
        "Both kernels have nine weights; the wider one leaves pixels out (dilation). The picture "
        "decides which counts."
    )
    return board.walk([cost("Selective kernel", module, (channels, side, side))], words)


def _choose(board: Board, views: Panel, count: int, layers: list[nn.Conv2d], out: Tensor, word: str) -> None:
    """Sum of all views, squeeze, two layers, a softmax over the views, and their weighted sum."""
    channels = len(views.values) // count
    apart = torch.from_numpy(views.values).reshape(count, channels, *views.values.shape[1:])
    total = views
    if count > 1:
        total = board.show("Sum", apart.sum(0), "add")
        for c, i, j in positions(apart[0]):
            cells = tuple(views.at(m * channels + c, i, j) for m in range(count))
            values = views.of(cells)
            board.note(
                f"Fuse: add the {word}s",
                [Taken("", "of each", views.index, cells, (1, 1, count))],
                total,
                [total.at(c, i, j)],
                [values.sum()],
                f"{' + '.join(map(number, values))} = {number(values.sum())}",
            )
    squeezed = board.average("Fuse: each map's average", total, "Squeezed")
    first, second = layers
    hidden = board.linear(
        "Fuse: first layer, ReLU",
        first.weight[:, :, 0, 0],
        first.bias,
        squeezed,
        "Hidden",
        relu=True,
        kernels="First layer",
    )
    scores = board.linear(
        f"Select: scores of the {word}s",
        second.weight[:, :, 0, 0],
        second.bias,
        hidden,
        "Scores",
        kernels="Second layer",
    )
    if count > 1:
        along = [[(0, 0, m * channels + c) for m in range(count)] for c in range(channels)]
        shares = board.softmax(f"Select: shares of the {word}s", scores, "Shares", along)
    else:
        shares = _gate(board, scores, "Shares")
    target = board.show("Output maps", out, "add")
    for c, i, j in positions(out):
        pairs = [(views.at(m * channels + c, i, j), shares.at(0, 0, m * channels + c)) for m in range(count)]
        board.dot(
            f"Mix the {word}s by their shares",
            Taken("", "of each", views.index, tuple(a for a, _ in pairs), (1, 1, count)),
            Taken("×", "shares", shares.index, tuple(b for _, b in pairs), (1, 1, count)),
            target,
            target.at(c, i, j),
        )


def _gate(board: Board, source: Panel, title: str) -> Panel:
    """A sigmoid of every number of a row."""
    y = torch.from_numpy(source.values).sigmoid()
    target = board.show(title, y, "act")
    for c, i, j in positions(y):
        cell = source.at(c, i, j)
        value = float(source.of((cell,))[0])
        result = 1 / (1 + exp(-value))
        words = f"1 / (1 + e^{number(-value)}) = {number(result)}"
        board.note(
            "Sigmoid",
            [Taken("", "score", source.index, (cell,), (1, 1, 1))],
            target,
            [target.at(c, i, j)],
            [result],
            words,
        )
    return target


def _multiply(board: Board, stage: str, factors: list[tuple[Panel, int]], target: Panel, cell: int) -> None:
    (left, a), (right, b) = factors
    first, second = float(left.of((a,))[0]), float(right.of((b,))[0])
    board.note(
        stage,
        [
            Taken("", "number", left.index, (a,), (1, 1, 1)),
            Taken("×", "factor", right.index, (b,), (1, 1, 1)),
        ],
        target,
        [cell],
        [first * second],
        f"{number(first)} × {number(second)} = {number(first * second)}",
    )


def _embedding(turned: Mapping[str, Choice]) -> Walk:
    side, width = 8, int(turned["width"])
    size, colours = int(turned["patch"]), turned["channels"] == 3
    x = patch(side, colours)
    channels = x.shape[1]
    conv = nn.Conv2d(channels, width, size, size)
    fill(conv, seed=101)
    board = Board()
    source = board.show("Picture, 8 × 8", x[0], "input", names=COLOURS if colours else ())
    made = board.convolve("Multiply each patch by the weights", conv, source, "Map", kernels="Weights")
    with torch.no_grad():
        tokens = Patches(conv)(x)[0].double()
    target = board.show("Tokens, a row each", tokens, "reshape")
    per_row = side // size
    for token in range(len(tokens)):
        cells = tuple(made.at(d, token // per_row, token % per_row) for d in range(width))
        board.note(
            "Write each place as a row",
            [Taken("", "all maps here", made.index, cells, (1, 1, width))],
            target,
            [target.at(0, token, d) for d in range(width)],
            list(made.of(cells)),
            f"token {token + 1} of {len(tokens)}: the {width} numbers of one patch",
        )
    words = (
        f"{per_row} × {per_row} = {per_row**2} tokens of {width} numbers, each from "
        f"{channels * size * size} pixel values."
    )
    return board.walk([cost("This embedding", Patches(conv), (channels, side, side))], words)


class Patches(nn.Module):
    """ViT's first two lines: (B, C, H, W) -> (B, N, D)."""

    def __init__(self, stem: nn.Module) -> None:
        super().__init__()
        self.stem = stem

    def forward(self, x: Tensor) -> Tensor:
        return self.stem(x).flatten(2).transpose(1, 2)


def _attention(turned: Mapping[str, Choice]) -> Walk:
    width, heads, tokens = 4, int(turned["heads"]), 4
    head = width // heads
    module = Attention(width, heads)
    fill(module, seed=110)
    module.qkv.weight.data = weights((3 * width, width), seed=110, scale=1.5)
    x = patch(4)[0, 0].reshape(2, 2, 2, 2).permute(0, 2, 1, 3).reshape(tokens, width)  # four pieces of 2 x 2
    board = Board()
    source = board.show("Tokens: the 2 × 2 pixels of a quarter of the eye, a row each", x, "input")
    names = ("Queries", "Keys", "Values")
    ws, bs = module.qkv.weight.chunk(3), module.qkv.bias.chunk(3)
    q, k, v = (
        board.linear(f"{name} of every token", w, b, source, name, kernels=f"To {name.lower()}")
        for name, w, b in zip(names, ws, bs, strict=True)
    )
    queries, keys = (
        torch.from_numpy(p.values[0]).reshape(tokens, heads, head).transpose(0, 1) for p in (q, k)
    )  # each (h, N, D/h)
    labels = [f"head {h + 1}" for h in range(heads)] if heads > 1 else []
    scores = board.show(
        "Scores, row: who asks", queries @ keys.transpose(1, 2) * head**-0.5, "matmul", names=labels
    )
    for h in range(heads):
        for a in range(tokens):
            for b in range(tokens):
                board.dot(
                    "Scores: query times key",
                    Taken(
                        "", "query", q.index, tuple(q.at(0, a, h * head + d) for d in range(head)), fold(head)
                    ),
                    Taken(
                        "×", "key", k.index, tuple(k.at(0, b, h * head + d) for d in range(head)), fold(head)
                    ),
                    scores,
                    scores.at(h, a, b),
                    factor=head**-0.5,
                )
    along = [[(h, a, b) for b in range(tokens)] for h in range(heads) for a in range(tokens)]
    shares = board.softmax("Softmax: each row adds up to 1", scores, "Shares", along)
    weighted = torch.from_numpy(shares.values) @ torch.from_numpy(v.values[0]).reshape(
        tokens, heads, head
    ).transpose(0, 1)
    mixed = board.show("Gathered", weighted.transpose(0, 1).reshape(tokens, width), "matmul")
    for a in range(tokens):
        for d in range(width):
            h = d // head
            board.dot(
                "Gather: shares times values",
                Taken(
                    "", "shares", shares.index, tuple(shares.at(h, a, b) for b in range(tokens)), fold(tokens)
                ),
                Taken("×", "values", v.index, tuple(v.at(0, b, d) for b in range(tokens)), fold(tokens)),
                mixed,
                mixed.at(0, a, d),
            )
    board.linear(
        "Project the heads together",
        module.proj.weight,
        module.proj.bias,
        mixed,
        "Output tokens",
        kernels="Projection",
    )
    words = f"Scores are multiplied by 1 / √{head} = {head**-0.5:.2f}, with {head} numbers in a head."
    whole = nn.Sequential(Patches(nn.Identity()), module)
    return board.walk([cost("This attention", whole, (width, 2, 2))], words)


OPERATORS: tuple[Operator, ...] = (
    Operator(
        key="se",
        title="Squeeze and excitation",
        group=GROUP,
        idea="Average every map, let two small layers decide how much each counts, and multiply.",
        turns=(
            Turn(
                name="reduction",
                title="Reduction, r",
                choices=(1, 2, 4),
                default=2,
                meaning="How many times fewer hidden numbers than maps. The paper takes 16.",
            ),
        ),
        walk=_excite,
        code=SqueezeExcite,
        families=("senet", "mobilenet_v3", "mnasnet", "efficientnet", "regnet", "ghostnet"),
    ),
    Operator(
        key="sk",
        title="Selective kernel",
        group=GROUP,
        idea="Look through a small and a wide kernel, and let the picture choose between them for each map.",
        turns=(
            Turn(
                name="branches",
                title="Branches, M",
                choices=(2, 3),
                default=2,
                meaning="Kernels to choose from.",
            ),
        ),
        walk=_selective,
        code=SelectiveKernel,
        families=("sknet",),
    ),
    Operator(
        key="split",
        title="Split attention",
        group=GROUP,
        idea="Parts of the channels are convolved apart, and attention mixes what they give.",
        turns=(
            Turn(
                name="radix",
                title="Splits, R",
                choices=(1, 2),
                default=2,
                meaning="Versions of each map to mix. One alone gets a sigmoid.",
            ),
        ),
        walk=_split,
        code=SplitAttention,
        families=("resnest",),
    ),
    Operator(
        key="patches",
        title="Patch embedding",
        group=GROUP,
        idea="The picture is cut into squares, and one linear layer turns each of them into a token.",
        turns=(
            Turn(
                name="patch",
                title="Patch, P",
                choices=(2, 4, 8),
                default=4,
                meaning="Height and width, in pixels.",
            ),
            Turn(name="width", title="Width, D", choices=(2, 4), default=4, meaning="Numbers of a token."),
            Turn(
                name="channels",
                title="Picture",
                choices=(1, 3),
                default=1,
                words=("brightness", "colours"),
                meaning="One map of brightness, or three of colour.",
            ),
        ),
        walk=_embedding,
        code=ViT,
        families=("vit", "swin", "convnext"),
    ),
    Operator(
        key="attention",
        title="Self-attention",
        group=GROUP,
        idea="Every token asks all tokens, and gathers most from those whose keys fit its query.",
        turns=(
            Turn(
                name="heads",
                title="Heads, h",
                choices=(1, 2, 4),
                default=1,
                meaning="Each head works with its part of a token's numbers.",
            ),
        ),
        walk=_attention,
        code=Attention,
        families=("vit", "swin", "swin_v2"),
    ),
)
