"""Pooling, normalisation and dropout on the patch: operators that have no kernels to learn."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from viz.operators.board import Board, cost, positions
from viz.operators.patch import maps, patch
from viz.operators.records import Choice, Made, Operator, Taken, Turn, Walk, number
from zoo.families import alexnet
from zoo.families.bn_inception import batch_norm

GROUP = "Pooling and normalisation"


def _pooling(turned: Mapping[str, Choice]) -> Walk:
    kind, size, stride = str(turned["kind"]), int(turned["size"]), int(turned["stride"])
    padding, side = int(turned["padding"]), 8
    if padding > size // 2:
        raise ValueError(
            f"A padding of {padding} is more than half of a window of {size}: a window could see nothing but "
            f"padding. Take a larger window or no padding."
        )
    x = patch(side)
    largest = kind == "max"
    pool = (nn.MaxPool2d if largest else nn.AvgPool2d)(size, stride, padding)
    y = pool(x)[0]
    board = Board()
    source = board.show(
        f"Picture, {side} × {side}", x[0], "input", pad=padding, fill=-np.inf if largest else 0.0
    )
    target = board.show("Output", y, "pool")
    for c, row, column in positions(y):
        cells = tuple(
            source.at(c, row * stride - padding + i, column * stride - padding + j)
            for i in range(size)
            for j in range(size)
        )
        values = source.of(cells)
        total = float(values.sum())
        result = float(values.max()) if largest else total / len(cells)
        words = (
            f"the largest of {len(cells)} is {number(result)}"
            if largest
            else f"the {len(cells)} numbers sum up to {number(total)}, / {len(cells)} = {number(result)}"
        )
        window = Taken("", "window", source.index, cells, (1, size, size))
        board.note("Pool", [window], target, [target.at(c, row, column)], [result], words)
    shared = size - stride
    overlap = (
        f"Neighbouring windows share {shared} {'row' if shared == 1 else 'rows'}: they overlap."
        if shared > 0
        else "Windows meet without overlap."
        if shared == 0
        else f"Between windows {-shared} pixels are not looked at."
    )
    return board.walk(
        [cost("This pool", pool, (1, side, side))], f"{side} to {y.shape[-1]} pixels a side. {overlap}"
    )


def _response(turned: Mapping[str, Choice]) -> Walk:
    n, alpha, reading = int(turned["n"]), float(turned["alpha"]), str(turned["reading"])
    beta, k, count = 0.75, 2.0, 8
    # torch divides alpha by n, so it gets n times the alpha of the paper
    norm = nn.LocalResponseNorm(n, alpha=alpha * n if reading == "printed" else alpha, beta=beta, k=k)
    x, names = maps(count, 3)
    y = norm(x)[0]
    effective = alpha if reading == "printed" else alpha / n
    board = Board()
    source = board.show("Input maps", x[0], "input", names=names)
    target = board.show("Output maps", y, "norm", names=names)
    for c, i, j in positions(y):
        near = range(max(0, c - n // 2), min(count, c + n // 2 + 1))
        cells = tuple(source.at(d, i, j) for d in near)
        squares = source.of(cells) ** 2
        value, total = float(source.of((source.at(c, i, j),))[0]), float(squares.sum())
        divisor = (k + effective * total) ** beta
        shape = (1, 1, len(cells))
        board.note(
            "Divide by the neighbours",
            [
                Taken("", "neighbours", source.index, cells, shape),
                Made("→", "squared, to add up", tuple(squares), shape),
                Made("→", "(k + α × sum)^β", (divisor,), (1, 1, 1)),
                Taken("divides", "number", source.index, (source.at(c, i, j),), (1, 1, 1)),
            ],
            target,
            [target.at(c, i, j)],
            [value / divisor],
            f"{number(value)} / ({k:g} + {effective:g} × {number(total)})^{beta:g} = "
            f"{number(value)} / {divisor:.4f} = {number(value / divisor)}",
        )
    words = (
        f"k = {k:g}, β = {beta:g}. "
        + (
            f"As printed, the sum is multiplied by α = {alpha:g}."
            if reading == "printed"
            else f"torch and Caffe divide α by n: the sum is multiplied by {alpha:g} / {n} = {effective:g}."
        )
        + " A number alone would be divided by "
        + f"2^0.75 = {k**beta:.3f}."
    )
    return board.walk([cost("This normalisation", norm, (count, 3, 3))], words)


def _batch(turned: Mapping[str, Choice]) -> Walk:
    training, gamma, beta = turned["statistics"] == "batch", float(turned["gamma"]), float(turned["beta"])
    images, channels, side = 3, 2, 3
    x = _crops(images, channels, side)
    norm = nn.BatchNorm2d(channels)
    norm.weight.data.fill_(gamma)
    norm.bias.data.fill_(beta)
    running = torch.tensor([[0.5, 0.4], [0.04, 0.09]])  # mean and variance of two channels
    norm.running_mean, norm.running_var = running[0].clone(), running[1].clone()
    norm.train(training)
    with torch.no_grad():
        y = norm(x)
    colours = ("red", "green")
    names = [f"picture {i + 1}, {colour}" for i in range(images) for colour in colours]
    board = Board()
    source = board.show(f"Batch of {images} pictures", x.flatten(0, 1), "input", names=names)
    if training:
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    else:
        mean, variance = running
    titles = ("Mean", "Variance") if training else ("Running mean", "Running variance")
    kind = "norm" if training else "weights"
    means = board.show(titles[0], mean, kind)
    variances = board.show(titles[1], variance, kind)
    target = board.show("Output", y.flatten(0, 1), "norm", names=names)

    def everywhere(c: int) -> tuple[int, ...]:
        return tuple(
            source.at(image * channels + c, i, j)
            for image in range(images)
            for i in range(side)
            for j in range(side)
        )

    shape = (images, side, side)
    if training:
        for c in range(channels):
            values = source.of(everywhere(c))
            words = f"{len(values)} numbers of all pictures sum up to {number(values.sum())}"
            words += f", / {len(values)} = {number(values.mean())}"
            taken = Taken("", f"all of {colours[c]}", source.index, everywhere(c), shape)
            board.note("Mean of each channel", [taken], means, [means.at(0, 0, c)], [values.mean()], words)
        for c in range(channels):
            values = source.of(everywhere(c))
            squares = (values - values.mean()) ** 2
            parts: list[Taken | Made] = [
                Taken("", f"all of {colours[c]}", source.index, everywhere(c), shape),
                Taken("−", "mean", means.index, (means.at(0, 0, c),), (1, 1, 1)),
                Made("→", "squared", tuple(squares), shape),
            ]
            words = f"squares sum up to {number(squares.sum())}, / {len(values)} = {squares.mean():.3f}"
            board.note(
                "Variance of each channel", parts, variances, [variances.at(0, 0, c)], [squares.mean()], words
            )
    for m, i, j in positions(y.flatten(0, 1)):
        c = m % channels
        cell, at = source.at(m, i, j), (means.at(0, 0, c),)
        value, centre, spread = (
            float(p.of(q)[0]) for p, q in ((source, (cell,)), (means, at), (variances, at))
        )
        result = (value - centre) / (spread + norm.eps) ** 0.5 * gamma + beta
        board.note(
            "Normalise",
            [
                Taken("", "number", source.index, (cell,), (1, 1, 1)),
                Taken("−", "mean", means.index, at, (1, 1, 1)),
                Taken("/ √", "variance", variances.index, at, (1, 1, 1)),
            ],
            target,
            [target.at(m, i, j)],
            [result],
            f"({number(value)} − {number(centre)}) / {(spread + norm.eps) ** 0.5:.3f} × γ {gamma:g} + β "
            f"{beta:g} "
            f"= {number(result)}",
        )
    words = (
        "In training: mean and variance of this batch, so that a picture's numbers depend on its neighbours."
        if training
        else "At test: the means and variances that training has kept, so that every picture stands alone."
    )
    return board.walk([cost("This batch norm", norm, (channels, side, side))], words)


def _crops(images: int, channels: int, side: int) -> Tensor:
    """Neighbouring pieces of the patch as a batch, (images, channels, side, side)."""
    wide = patch(8, True)[0, :channels]
    return torch.stack([wide[:, 3 : 3 + side, 2 * i : 2 * i + side] for i in range(images)])


def _dropout(turned: Mapping[str, Choice]) -> Walk:
    p, seed, training = float(turned["p"]), int(turned["seed"]), turned["mode"] == "training"
    x, side = patch(6), 6
    dropout = nn.Dropout(p).train(training)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        y = dropout(x)[0]
        torch.manual_seed(seed)
        factors = dropout(torch.ones_like(x))[0]
    board = Board()
    source = board.show("Input", x[0], "input")
    mask = board.show("Factors, drawn by chance" if training else "Factors", factors, "weights")
    target = board.show("Output", y, "dropout")
    for c, i, j in positions(y):
        cell = source.at(c, i, j)
        value, factor = (float(panel.of((cell,))[0]) for panel in (source, mask))
        parts = [
            Taken("", "number", source.index, (cell,), (1, 1, 1)),
            Taken("×", "factor", mask.index, (cell,), (1, 1, 1)),
        ]
        words = f"{number(value)} × {number(factor)} = {number(value * factor)}"
        board.note("Drop or scale", parts, target, [cell], [value * factor], words)
    dropped = int((factors == 0).sum())
    words = (
        f"{dropped} of {factors.numel()} numbers are dropped; the others are multiplied by 1 / (1 − {p:g}) = "
        f"{1 / (1 - p):.2f}, so that sums keep their size on average. Mean before {float(x.mean()):.2f}, "
        "after "
        f"{float(y.mean()):.2f}."
        if training
        else "At test nothing is dropped and nothing scaled: dropout is not there."
    )
    return board.walk([cost("This dropout", dropout, (1, side, side))], words)


OPERATORS = (
    Operator(
        key="pool",
        title="Pooling",
        group=GROUP,
        idea="A window moves as in a convolution, but keeps the largest number under it, or the average.",
        turns=(
            Turn(
                name="kind",
                title="Keep the",
                choices=("max", "average"),
                default="max",
                words=("largest", "average"),
                meaning="What of a window goes on.",
            ),
            Turn(
                name="size",
                title="Window",
                choices=(2, 3, 4, 8),
                default=3,
                meaning="Height and width. A window of 8 is the whole picture: global pooling.",
            ),
            Turn(
                name="stride",
                title="Stride",
                choices=(1, 2, 3),
                default=2,
                meaning="By how many pixels the window moves. Smaller than the window: the windows overlap.",
            ),
            Turn(
                name="padding",
                title="Padding",
                choices=(0, 1),
                default=0,
                meaning=(
                    "Around the picture: for the largest minus infinity, which never wins; for the "
                    "average zeros."
                ),
            ),
        ),
        walk=_pooling,
        code=alexnet.Stage,
        families=("lenet", "alexnet", "vgg", "googlenet", "densenet", "resnet"),
    ),
    Operator(
        key="lrn",
        title="Local response normalisation",
        group=GROUP,
        idea=(
            "Each number is divided by what the neighbouring maps say at the same pixel: the loud mute "
            "the others."
        ),
        turns=(
            Turn(
                name="n",
                title="Maps, n",
                choices=(1, 3, 5, 7),
                default=5,
                meaning="Neighbouring maps in the sum.",
            ),
            Turn(
                name="alpha",
                title="α",
                choices=(0.0001, 0.01, 0.1, 1.0),
                default=0.0001,
                meaning="What the sum of squares is multiplied by. AlexNet has 0.0001, for numbers far "
                "larger than these; with 1 one sees what it does here.",
            ),
            Turn(
                name="reading",
                title="α is",
                choices=("printed", "divided"),
                default="printed",
                words=("as printed", "divided by n"),
                meaning="AlexNet's paper multiplies the sum by α; torch and Caffe divide α by n first.",
            ),
        ),
        walk=_response,
        code=alexnet.make_norm,
        families=("alexnet", "zfnet", "googlenet"),
    ),
    Operator(
        key="bn",
        title="Batch normalisation",
        group=GROUP,
        idea=(
            "Every channel is shifted and scaled to mean 0 and variance 1 over the batch, then by two "
            "learned numbers."
        ),
        turns=(
            Turn(
                name="statistics",
                title="Mean and variance",
                choices=("batch", "running"),
                default="batch",
                words=("of the batch (training)", "kept (test)"),
                meaning="Where they come from.",
            ),
            Turn(name="gamma", title="γ", choices=(0.5, 1.0, 2.0), default=1.0, meaning="The learned scale."),
            Turn(name="beta", title="β", choices=(-1.0, 0.0, 1.0), default=0.0, meaning="The learned shift."),
        ),
        walk=_batch,
        code=batch_norm,
        families=("bn_inception", "resnet", "densenet", "mobilenet_v1", "efficientnet"),
    ),
    Operator(
        key="dropout",
        title="Dropout",
        group=GROUP,
        idea="In training, numbers are set to zero by chance, so that none can rely on another.",
        turns=(
            Turn(
                name="p",
                title="p",
                choices=(0.1, 0.2, 0.5, 0.8),
                default=0.5,
                meaning="Probability to be dropped.",
            ),
            Turn(
                name="mode",
                title="When",
                choices=("training", "test"),
                default="training",
                meaning="At test dropout does nothing.",
            ),
            Turn(
                name="seed",
                title="Seed",
                choices=(0, 1, 2, 3, 4),
                default=0,
                meaning="Another throw of the dice.",
            ),
        ),
        walk=_dropout,
        code=alexnet.Classifier,
        families=("alexnet", "vgg", "googlenet", "squeezenet", "efficientnet"),
    ),
)
