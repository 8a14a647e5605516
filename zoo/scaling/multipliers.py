"""One number that multiplies: Wide ResNet's k, MobileNet's alpha and rho, ResNeXt's paths, DenseNet's growth.

The formulas here are exact: all layers are added up, biases and batch norms too, without building anything.
Where the literature keeps only the leading order (k^2, alpha^2 rho^2), that is drawn beside.
"""

import math
from collections.abc import Iterator

from zoo.families import densenet, mobilenet_v1, resnext, wide_resnet
from zoo.layers import map_size
from zoo.registry import knobs, variant
from zoo.scaling.records import (
    COUNTS,
    Chart,
    Check,
    Fact,
    Law,
    Measured,
    Net,
    Preset,
    Series,
    Slider,
    Turned,
    View,
    accuracies,
    count,
    describe,
    describe_row,
    line,
    measured,
    networks,
    published,
    short,
    spread,
)


def choices(name: str, knob: str) -> tuple[float, ...]:
    """The numbers that the registry lets a reader turn a knob of this variant to."""
    return tuple(float(value) for value in knobs(name)[knob][0].choices if not isinstance(value, str))


class Tally:
    """Parameters and MACs, layer by layer, for widths that need not be whole."""

    def __init__(self) -> None:
        self.params = 0.0
        self.macs = 0.0

    def conv(
        self, cin: float, cout: float, kernel: int, side: float, *, groups: float = 1, bias: bool = False
    ) -> None:
        """A convolution with an output of `side` x `side`: kernel^2 cin cout / groups weights."""
        weights = kernel**2 * cin * cout / groups
        self.params += weights + (cout if bias else 0)
        self.macs += weights * side**2

    def norm(self, channels: float) -> None:
        """Batch norm: a factor and an offset for each channel."""
        self.params += 2 * channels

    def of(self, quantity: str) -> float:
        return self.macs if quantity == "macs" else self.params


def wide_resnet_counts(k: float, blocks: int, width: int = 16, classes: int = 10) -> Tally:
    """WRN-(6 blocks + 4)-k for pictures of 32 pixels: wide residual networks, table 1."""
    total, cin = Tally(), float(width)
    total.conv(3, width, 3, 32)
    for stage in range(3):
        cout, side = width * k * 2**stage, 32 / 2**stage
        for block in range(blocks):
            total.norm(cin)
            total.conv(cin, cout, 3, side)
            total.norm(cout)
            total.conv(cout, cout, 3, side)
            if block == 0 and (stage or cin != cout):
                total.conv(cin, cout, 1, side)
            cin = cout
    total.norm(cin)
    total.conv(cin, classes, 1, 1, bias=True)
    return total


def wide_net(k: int, blocks: int) -> Net:
    return Net("wrn28_10_cifar10", 32, (("depths", (blocks,) * 3), ("k", k)))


def _wide(turned: Turned, quantity: str) -> View:
    k, layers = int(turned["k"]), int(turned["layers"])
    blocks, ks = (layers - 4) // 6, choices(_WIDE, "k")
    net, thin = wide_net(k, blocks), wide_net(1, blocks)
    xs = spread(1, 12)
    rows = [(float(variant(v).config["k"]), v) for v in _WIDE_ROWS if _layers(v) == layers]
    main = Chart(
        key="wide",
        title=f"Wide ResNet, {layers} layers: {COUNTS[quantity]} over k",
        x="widening factor k",
        y=COUNTS[quantity],
        log_x=True,
        log_y=True,
        series=(
            line("all layers added up", "formula", xs, lambda x: wide_resnet_counts(x, blocks).of(quantity)),
            line("k² times the thin network", "leading", xs, lambda x: x**2 * count(thin, quantity)),
            networks("networks", [(x, wide_net(int(x), blocks)) for x in ks], quantity),
            *([published("published", rows, quantity)] if rows else []),
            networks("yours", [(k, net)], quantity, kind="chosen"),
        ),
        note="wide figure",
    )
    depths = [6 * n + 4 for n in range(1, 17)]
    target = measured(net).params
    budget = Chart(
        key="budget",
        title="Depth and width for the same parameters",
        x="layers",
        y="widening factor k",
        log_y=True,
        series=(
            line("as many parameters as yours", "formula", depths, lambda x: _k_for(target, int(x - 4) // 6)),
            Series(
                name="published",
                kind="published",
                x=tuple(float(_layers(v)) for v in _WIDE_ROWS),
                y=tuple(float(variant(v).config["k"]) for v in _WIDE_ROWS),
                texts=tuple(describe_row(v) for v in _WIDE_ROWS),
                labels=tuple(short(v) for v in _WIDE_ROWS),
            ),
            Series(name="yours", kind="chosen", x=(layers,), y=(k,), texts=(describe(net),)),
        ),
        note="budget figure",
    )
    exact = wide_resnet_counts(k, blocks)
    return View(
        charts=(main, budget),
        checks=_exactly(net, exact) + _leading(net, thin, k**2, "k²"),
        facts=(
            Fact(
                label="k²", value=f"{k**2}",
                meaning="A convolution from k c to k c channels has k² times the weights of one from c to c.",
            ),
            Fact(
                label="Times the thin network",
                value=f"× {count(net, quantity) / count(thin, quantity):.1f}",
                meaning=f"{COUNTS[quantity]} of the real network over those of the real one with k = 1.",
            ),
        ),
        nets=(net,),
        beside=(thin,),
    )  # fmt: skip


_WIDE = "wrn28_10_cifar10"
_WIDE_ROWS = tuple(v.name for v in wide_resnet.FAMILY.variants if v.published and not v.config["bottleneck"])


def _layers(name: str) -> int:
    """Of a Wide ResNet for CIFAR: two in a block, the stem, two shortcuts' and the head's."""
    return 2 * sum(variant(name).config["depths"]) + 4


def _k_for(params: float, blocks: int) -> float:
    """The k at which this many blocks a stage have so many parameters."""
    low, high = 0.01, 100.0
    for _ in range(40):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if wide_resnet_counts(middle, blocks).params < params else (low, middle)
    return low


def _exactly(net: Net, total: Tally) -> tuple[Check, ...]:
    return tuple(
        Check(what=f"{words}, all layers added up", formula=total.of(key), real=count(net, key), exact=True)
        for key, words in (("macs", "MACs"), ("params", "Parameters"))
    )


def _leading(
    net: Net, base: Net, factor: float, words: str, *, params: float | None = None
) -> tuple[Check, ...]:
    return tuple(
        Check(what=f"{title}, by {words}", formula=count(base, key) * by, real=count(net, key))
        for key, title, by in (
            ("macs", "MACs", factor),
            ("params", "Parameters", factor if params is None else params),
        )
    )


WIDE = Law(
    key="wide",
    title="Wide ResNet",
    source="Zagoruyko and Komodakis 2016, table 1",
    formulas=(
        r"3 \cdot 3 \cdot k c_{in} \cdot k c_{out} \;\propto\; k^2",
    ),
    sliders=(
        Slider(
            name="k", label="k, width", steps=choices(_WIDE, "k"), default=4,
            meaning="how many times wider than a ResNet for CIFAR; 1 is that ResNet",
        ),
        Slider(
            name="layers", label="Layers", steps=tuple(float(6 * n + 4) for n in range(1, 8)), default=28,
            meaning="depth n of WRN-n-k; a stage has (n − 4) / 6 blocks of two convolutions",
        ),
    ),
    quantities={"params": COUNTS["params"], "macs": COUNTS["macs"]},
    view=_wide,
    presets=tuple(
        Preset(
            title=short(v),
            turned=(("k", variant(v).config["k"]), ("layers", _layers(v))),
        )
        for v in _WIDE_ROWS
    ),
)  # fmt: skip


def mobilenet_counts(alpha: float, size: int, classes: int = 1000) -> Tally:
    """MobileNet, table 1: sections 3.3 and 3.4, each pair of layers Dk² αM (ρF)² + αM αN (ρF)²."""
    total, cin, side = Tally(), 32 * alpha, map_size(size, 3, 2, 1)
    total.conv(3, cin, 3, side)
    total.norm(cin)
    for cin, cout, side in separable(alpha, size):
        total.conv(cin, cin, 3, side, groups=cin)
        total.norm(cin)
        total.conv(cin, cout, 1, side)
        total.norm(cout)
    total.conv(cout, classes, 1, 1, bias=True)
    return total


def separable(alpha: float, size: int) -> Iterator[tuple[float, float, int]]:
    """Of each depthwise separable pair: channels in, channels out, side of its maps."""
    cin, side = 32 * alpha, map_size(size, 3, 2, 1)
    for row in mobilenet_v1.TABLE_1:
        for i in range(row.n):
            side = map_size(side, 3, row.s if i == 0 else 1, 1)
            yield cin, row.c * alpha, side
            cin = row.c * alpha


_MOBILE = "mobilenet_v1"
_MOBILE_ROWS = tuple(v.name for v in mobilenet_v1.FAMILY.variants if v.published)
_MOBILE_SIDES = (96.0, 128.0, 160.0, 192.0, 224.0)


def mobile_net(alpha: float, size: int) -> Net:
    return Net(_MOBILE, size, (("width", alpha),) if alpha != 1 else ())


def _mobile(turned: Turned, quantity: str) -> View:
    alpha, size = turned["alpha"], int(turned["side"])
    rho, net, base = size / 224, mobile_net(alpha, size), Net(_MOBILE, 224)
    start, xs = count(base, quantity), spread(0.25, 1.5)
    pixels = 1.0 if quantity == "params" else rho**2
    rows = [(row, variant(row).config["width"], variant(row).input_size) for row in _MOBILE_ROWS]
    main = Chart(
        key="alpha",
        title=f"MobileNet at {size} px: {COUNTS[quantity]} over α",
        x="width multiplier α",
        y=COUNTS[quantity],
        log_x=True,
        log_y=True,
        series=(
            line("all layers added up", "formula", xs, lambda x: mobilenet_counts(x, size).of(quantity)),
            line("α² ρ² times MobileNet" if quantity == "macs" else "α² times MobileNet", "leading", xs,
                 lambda x: start * x**2 * pixels),
            networks("networks", [(x, mobile_net(x, size)) for x in choices(_MOBILE, "width")], quantity),
            published("published", [(w, row) for row, w, side in rows if side == size], quantity),
            networks("yours", [(alpha, net)], quantity, kind="chosen"),
        ),
        note="alpha figure",
    )  # fmt: skip
    accurate = Chart(
        key="accuracy",
        title="What the two multipliers cost in accuracy",
        x="MACs for one image",
        y="top-1, %",
        log_x=True,
        series=(
            accuracies("ρ = 1, α shrinks", [row for row, _, side in rows if side == 224]),
            accuracies("α = 1, ρ shrinks", [row for row, w, _ in rows if w == 1], group=1),
            Series(name="yours: MACs, accuracy unknown", kind="mark", x=(measured(net).macs,), y=(0,)),
        ),
        note="accuracy figure",
    )  # fmt: skip
    sides = Chart(
        key="rho",
        title=f"MobileNet {alpha:g}: MACs over the picture's side",
        x="side of the picture, px",
        y=COUNTS["macs"],
        log_x=True,
        log_y=True,
        series=(
            line("all layers added up", "formula", _MOBILE_SIDES,
                 lambda x: mobilenet_counts(alpha, int(x)).macs),
            line("ρ² times the network at 224 px", "leading", _MOBILE_SIDES,
                 lambda x: count(mobile_net(alpha, 224), "macs") * (x / 224) ** 2),
            networks("networks", [(x, mobile_net(alpha, int(x))) for x in _MOBILE_SIDES], "macs"),
            published("published", [(float(side), row) for row, w, side in rows if w == alpha], "macs"),
            networks("yours", [(size, net)], "macs", kind="chosen"),
        ),
        note="rho figure",
    )  # fmt: skip
    return View(
        charts=(main, sides, accurate),
        checks=_exactly(net, mobilenet_counts(alpha, size))
        + _leading(net, base, alpha**2 * rho**2, "α² ρ² (parameters: α²)", params=alpha**2),
        facts=(
            Fact(
                label="α² · ρ²", value=f"{alpha**2 * rho**2:.3f}",
                meaning="What the two multipliers promise for the MACs; ρ is the picture's side over 224.",
            ),
            Fact(
                label="Times MobileNet 1.0",
                value=f"× {count(net, 'macs') / count(base, 'macs'):.3f}",
                meaning="MACs of the real network over those of MobileNet 1.0 at 224 px.",
            ),
        ),
        nets=(net,),
        beside=(base,),
    )  # fmt: skip


MOBILENET = Law(
    key="mobilenet",
    title="MobileNet",
    source="Howard et al. 2017, sections 3.3 and 3.4",
    formulas=(
        r"(D_K^2 \cdot \alpha M + \alpha M \cdot \alpha N) \cdot (\rho D_F)^2",
        r"\text{MACs} \approx \alpha^2 \rho^2 \cdot \text{MACs}_1",
    ),
    sliders=(
        Slider(
            name="alpha", label="α, width", steps=choices(_MOBILE, "width"), default=0.5,
            meaning="factor on all channels",
        ),
        Slider(
            name="side", label="Picture, px", steps=_MOBILE_SIDES, default=224,
            meaning="the side of the picture; ρ is this over 224, as in the paper",
        ),
    ),
    quantities=COUNTS,
    view=_mobile,
)  # fmt: skip


def bottleneck_weights(paths: float, width: float) -> float:
    """Weights of ResNeXt's first blocks, section 3.3: C (256 d + 3 3 d d + d 256)."""
    return paths * (256 * width + 9 * width**2 + width * 256)


def equal_width(paths: float) -> float:
    """The d that gives so many paths the weights of ResNet's bottleneck, 1 x 64d: solved for d."""
    budget = bottleneck_weights(1, 64) / paths
    return (-512 + math.sqrt(512**2 + 36 * budget)) / 18


def resnext50_counts(paths: float, width: float) -> Tally:
    """ResNeXt-50 of `paths` paths, `width` wide in the first stage: table 1."""
    total, cin, before = Tally(), 64.0, 56.0
    total.conv(3, 64, 7, 112)
    total.norm(64)
    for stage, blocks in enumerate(resnext.DEPTHS[50]):
        inner, cout, side = paths * width * 2**stage, 256.0 * 2**stage, 56 / 2**stage
        for block in range(blocks):
            total.conv(cin, inner, 1, before)
            total.conv(inner, inner, 3, side, groups=paths)
            total.conv(inner, cout, 1, side)
            for channels in (inner, inner, cout):
                total.norm(channels)
            if block == 0:
                total.conv(cin, cout, 1, side)
                total.norm(cout)
            cin, before = cout, side
    total.conv(cin, 1000, 1, 1, bias=True)
    return total


_NEXT = "resnext50_32x4d"
TABLE_2 = ((1, 64), (2, 40), (4, 24), (8, 14), (32, 4))  # C and d, as printed


def next_net(paths: int, width: int) -> Net:
    return Net(_NEXT, 224, (("cardinality", paths), ("base_width", width)))


def _next(turned: Turned, quantity: str) -> View:
    paths, width = int(turned["paths"]), int(turned["width"])
    net, base, xs = next_net(paths, width), next_net(1, 64), spread(1, 64)
    equal = [(c, next_net(int(c), round(equal_width(c)))) for c in choices(_NEXT, "cardinality")]
    main = Chart(
        key="cardinality",
        title=f"ResNeXt-50: {COUNTS[quantity]} over the paths",
        x="cardinality C, paths in a block",
        y=COUNTS[quantity],
        log_x=True,
        log_y=True,
        series=(
            line("equal cost: d falls with C", "formula", xs,
                 lambda c: resnext50_counts(c, equal_width(c)).of(quantity)),
            line(f"d stays {width}", "formula", xs,
                 lambda c: resnext50_counts(c, width).of(quantity), group=1),
            networks("networks of equal cost, d rounded", equal, quantity),
            published("published", [(32.0, _NEXT)], quantity),
            networks("yours", [(paths, net)], quantity, kind="chosen"),
        ),
        note="cardinality figure",
    )  # fmt: skip
    table = tuple(f"{c} × {d}d: {bottleneck_weights(c, d):,.0f} weights in the block" for c, d in TABLE_2)
    widths = Chart(
        key="template",
        title="How wide a path may be",
        x="cardinality C, paths in a block",
        y="d, channels of a path",
        log_x=True,
        log_y=True,
        series=(
            line("C (256 d + 9 d² + 256 d) = 69,632", "formula", xs, equal_width),
            Series(
                name="paper, table 2", kind="published", x=tuple(float(c) for c, _ in TABLE_2),
                y=tuple(float(d) for _, d in TABLE_2), texts=table,
                labels=tuple(f"{c}×{d}d" for c, d in TABLE_2),
            ),
            Series(name="yours", kind="chosen", x=(paths,), y=(width,)),
        ),
        note="template figure",
    )  # fmt: skip
    grouped = Chart(
        key="grouped",
        title="Width of the grouped 3×3 at equal cost",
        x="cardinality C, paths in a block",
        y="C · d, channels of the 3×3",
        log_x=True,
        series=(
            line("C d at equal cost", "formula", xs, lambda c: c * equal_width(c)),
            Series(
                name="networks of equal cost", kind="networks", x=tuple(c for c, _ in equal),
                y=tuple(float(_grouped(measured(one))) for _, one in equal),
                texts=tuple(describe(one) for _, one in equal),
            ),
            Series(name="yours", kind="chosen", x=(paths,), y=(_grouped(measured(net)),)),
        ),
        note="grouped figure",
    )  # fmt: skip
    block, resnets = bottleneck_weights(paths, width), bottleneck_weights(1, 64)
    return View(
        charts=(main, widths, grouped),
        checks=(
            Check(what="Weights of a block, C (256 d + 9 d² + 256 d)", formula=block,
                  real=_block_weights(measured(net)), exact=True),
            *_exactly(net, resnext50_counts(paths, width)),
        ),
        facts=(
            Fact(
                label="Weights of a block", value=f"{block:,.0f}",
                change=f"{100 * (block / resnets - 1):+.1f} % against 1 × 64d".replace("-", "−"),
                meaning="C (256 d + 3·3·d·d + d 256), of a block of the first stage whose input and output "
                "have 256 channels; ResNet's, 1 × 64d, has 69,632.",
            ),
            Fact(
                label="d at equal cost", value=f"{equal_width(paths):.1f}",
                meaning="The formula solved for d. Table 2 of the paper rounds it.",
            ),
            Fact(
                label="Grouped 3×3, channels", value=f"{paths * width}",
                meaning="C · d: what the paths see together; 64 in ResNet's bottleneck.",
            ),
        ),
        nets=(net,),
        beside=(base, Net(_NEXT, 224)) if (paths, width) != (32, 4) else (base,),
    )  # fmt: skip


def _grouped(found: Measured) -> int:
    """Channels of the 3x3 in the first block."""
    return next(conv.cout for conv in found.convs if conv.path == "stages.0.0.conv2")


def _block_weights(found: Measured) -> int:
    """Of the second block of the first stage, whose input and output are equally wide."""
    return sum(conv.params for conv in found.convs if conv.path.startswith("stages.0.1."))


RESNEXT = Law(
    key="resnext",
    title="ResNeXt",
    source="Xie et al. 2016, section 3.3 and table 2",
    formulas=(
        r"C \cdot (256 \cdot d + 3 \cdot 3 \cdot d \cdot d + d \cdot 256) \approx 70\,\text{k}",
    ),
    sliders=(
        Slider(
            name="paths", label="C, paths", steps=choices(_NEXT, "cardinality"), default=32,
            meaning="cardinality: how many paths run side by side in a block",
        ),
        Slider(
            name="width", label="d, width of a path", steps=choices(_NEXT, "base_width"), default=4,
            meaning="channels of a path in the first stage; later stages double it",
        ),
    ),
    quantities={"params": COUNTS["params"], "macs": COUNTS["macs"]},
    view=_next,
    presets=tuple(Preset(title=f"{c}×{d}d", turned=(("paths", c), ("width", d))) for c, d in TABLE_2),
)  # fmt: skip


def densenet_channels(growth: int, depths: tuple[int, ...], theta: float) -> list[int]:
    """Channels that enter each dense layer: k0 + k (l - 1), where k0 is what the transition before left."""
    channels, found = 2 * growth, []
    for depth in depths:
        found += [channels + growth * i for i in range(depth)]
        channels = math.floor(theta * (channels + growth * depth))
    return found


def densenet_counts(growth: float, depths: tuple[int, ...], theta: float) -> Tally:
    """DenseNet-BC for ImageNet, table 1: k0 = 2k, a 1x1 to 4k before each 3x3, theta of the maps kept.

    A fraction of a map stays one where `growth` is not whole; real transitions cut it off.
    """
    total, channels, side = Tally(), 2 * growth, 56.0
    total.conv(3, channels, 7, 112)
    total.norm(channels)
    for stage, depth in enumerate(depths):
        for _ in range(depth):
            total.norm(channels)
            total.conv(channels, 4 * growth, 1, side)
            total.norm(4 * growth)
            total.conv(4 * growth, growth, 3, side)
            channels += growth
        if stage < len(depths) - 1:
            kept = theta * channels
            kept = float(math.floor(kept)) if float(growth).is_integer() else kept
            total.norm(channels)
            total.conv(channels, kept, 1, side)  # before its pool
            channels, side = kept, side / 2
    total.norm(channels)
    total.conv(channels, 1000, 1, 1, bias=True)
    return total


_DENSE = "densenet121"
_DEPTHS = densenet.DEPTHS[121]
_DENSE_ROWS = tuple(v.name for v in densenet.FAMILY.variants if v.published and v.config["depths"] == _DEPTHS)


def dense_net(growth: int, theta: float) -> Net:
    turned: tuple[tuple[str, int | float], ...] = (("growth_rate", growth), ("stem_width", 2 * growth))
    return Net(_DENSE, 224, (*turned, ("compression", theta)) if theta != 0.5 else turned)


def _dense(turned: Turned, quantity: str) -> View:
    k, theta = int(turned["k"]), turned["theta"]
    net, base, xs = dense_net(k, theta), dense_net(32, 0.5), spread(4, 48)
    real = _entering(measured(net))
    main = Chart(
        key="growth",
        title=f"DenseNet, 121 layers: {COUNTS[quantity]} over k",
        x="growth rate k",
        y=COUNTS[quantity],
        log_x=True,
        log_y=True,
        series=(
            line(f"all layers added up, θ = {theta:g}", "formula", xs,
                 lambda x: densenet_counts(x, _DEPTHS, theta).of(quantity)),
            line("(k / 32)² times DenseNet-121", "leading", xs,
                 lambda x: count(base, quantity) * (x / 32) ** 2),
            networks("networks with θ = 0.5",
                     [(x, dense_net(int(x), 0.5)) for x in choices(_DENSE, "growth_rate")], quantity),
            published("published",
                      [(float(variant(v).config["growth_rate"]), v) for v in _DENSE_ROWS], quantity),
            networks("yours", [(k, net)], quantity, kind="chosen"),
        ),
        note="growth figure",
    )  # fmt: skip
    places = tuple(float(i) for i in range(1, len(real) + 1))
    channels = Chart(
        key="channels",
        title=f"Channels into each dense layer, k = {k}",
        x="dense layer, in the order of execution",
        y="channels",
        series=(
            Series(name="k₀ + k (l − 1)", kind="formula", x=places,
                   y=tuple(map(float, densenet_channels(k, _DEPTHS, theta)))),
            Series(name="read off the network", kind="networks", x=places, y=tuple(map(float, real))),
        ),
        note="channels figure",
    )  # fmt: skip
    last = densenet_channels(k, _DEPTHS, theta)
    return View(
        charts=(main, channels),
        checks=_exactly(net, densenet_counts(k, _DEPTHS, theta))
        + _leading(net, base, (k / 32) ** 2, "(k / 32)² times DenseNet-121"),
        facts=(
            Fact(
                label="A layer adds", value=f"{k} maps",
                meaning="The growth rate: all that a dense layer makes.",
            ),
            Fact(
                label="The last layer reads", value=f"{last[-1]:,} maps",
                meaning="k₀ + k (l − 1) in the last block.",
            ),
        ),
        nets=(net,),
        beside=(base,),
    )  # fmt: skip


def _entering(found: Measured) -> list[int]:
    """Channels that the first convolution of each dense layer reads, in the real network."""
    return [conv.cin for conv in found.convs if ".layers." in conv.path and conv.path.endswith("conv1")]


DENSENET = Law(
    key="densenet",
    title="DenseNet",
    source="Huang et al. 2016, section 3",
    formulas=(
        r"\text{channels into layer } l = k_0 + k \cdot (l - 1)",
    ),
    sliders=(
        Slider(
            name="k", label="k, growth rate", steps=choices(_DENSE, "growth_rate"), default=16,
            meaning="new maps that every dense layer adds; the stem has 2k",
        ),
        Slider(
            name="theta", label="θ, compression", steps=choices(_DENSE, "compression"), default=0.5,
            meaning="share of the maps that a transition between two blocks keeps",
        ),
    ),
    quantities={"params": COUNTS["params"], "macs": COUNTS["macs"]},
    view=_dense,
)  # fmt: skip
