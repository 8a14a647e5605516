"""Depth, width and resolution together: EfficientNet's rule, and TinyNet's answer to it for small networks.

Tan, Le 2019, arXiv:1905.11946, equation 3; Han et al. 2020, arXiv:2010.14819.

d, w and r are factors on B0's depth, width and resolution.
"""

import math

from zoo.families.efficientnet import FAMILY, Scale, compound
from zoo.families.tinynet import CUBE
from zoo.families.tinynet import FAMILY as TINY
from zoo.registry import variant
from zoo.scaling.records import (
    COUNTS,
    Chart,
    Check,
    Conv,
    Fact,
    Law,
    Measured,
    Net,
    Preset,
    Series,
    Slider,
    Turned,
    View,
    count,
    describe_row,
    line,
    measured,
    networks,
    published,
    spread,
)

BASE = "efficientnet_b0"
SIDE = variant(BASE).input_size
PAPER = {"alpha": 1.2, "beta": 1.1, "gamma": 1.15}  # section 3.3, found on B0
ROWS = tuple(v.name for v in FAMILY.variants if v.published)
TINY_ROWS = tuple(v.name for v in TINY.variants if v.published)
PHIS = tuple(i / 2 for i in range(15))
SHRUNK = (-1.0, -2.0, -3.0, -4.0, -5.0)


def factors(scale: Scale, quantity: str) -> float:
    """The leading order: MACs grow with d w^2 r^2, parameters with d w^2: no weight sees the picture."""
    return scale.cost if quantity == "macs" else scale.depth * scale.width**2


def phi_of(scale: Scale) -> float:
    """The phi at which the paper's constants would multiply the cost as much as these factors do."""
    return math.log(scale.cost) / math.log(compound(1.0).cost)


def scale_of(name: str) -> Scale:
    """The factors of a published row, as its config has them."""
    row = variant(name)
    config: dict[str, float] = {"width": 1.0, "depth": 1.0, **row.config}
    return Scale(depth=config["depth"], width=config["width"], resolution=row.input_size / SIDE)


def compound_net(phi: float, alpha: float, beta: float, gamma: float) -> Net:
    """B0 scaled by the rule, the picture by the network itself."""
    given = {"alpha": alpha, "beta": beta, "gamma": gamma}
    changed = {name: value for name, value in given.items() if value != PAPER[name]}
    return Net(BASE, SIDE, tuple({"phi": phi, **changed}.items()) if phi else ())


def _compound(turned: Turned, quantity: str) -> View:
    phi, alpha, beta, gamma = (turned[name] for name in ("phi", "alpha", "beta", "gamma"))
    base, net = Net(BASE, SIDE), compound_net(phi, alpha, beta, gamma)
    once = compound(1.0, alpha, beta, gamma)
    scale = compound(phi, alpha, beta, gamma)
    start = count(base, quantity)
    xs = [i / 10 for i in range(71)]
    chosen = (alpha, beta, gamma)
    own = chosen != tuple(PAPER.values())
    series = [
        line("formula", "leading", xs, lambda x: start * factors(compound(x, *chosen), quantity)),
        networks(
            "networks with the paper's α, β, γ" if own else "networks",
            [(float(i), compound_net(float(i), **PAPER)) for i in range(8)],
            quantity,
        ),
        published("published", [(phi_of(scale_of(name)), name) for name in ROWS], quantity),
        networks("yours", [(phi, net)], quantity, kind="chosen"),
    ]
    if quantity == "macs":
        series.insert(1, line("B0 × 2^φ", "line", xs, lambda x: start * 2**x))
    main = Chart(
        key="compound",
        title=f"EfficientNet: {COUNTS[quantity]} over φ",
        x="compound coefficient φ",
        y=COUNTS[quantity],
        log_y=True,
        series=tuple(series),
        note="compound figure",
    )
    constraint = once.cost
    return View(
        charts=(main, *stage_charts(("B0", measured(base)), ("yours", measured(net)))),
        checks=_checks(net, base, scale),
        facts=(
            Fact(
                label="α · β² · γ²",
                value=f"{constraint:.3f}",
                change=f"{100 * (constraint / 2 - 1):+.0f} % from 2".replace("-", "−"),
                meaning="The constraint of equation 3: close to 2, so that MACs double with every step of "
                "φ. The paper's own constants give 1.92.",
            ),
            Fact(
                label="MACs per step of φ",
                value=_per_step(net, base, phi),
                meaning="What the real network has multiplied for every step of φ, beside the constraint's "
                "value: the root of order φ of its MACs over those of B0.",
            ),
            Fact(
                label="d · w · r",
                value=f"{scale.depth:.2f} · {scale.width:.2f} · {scale.resolution:.2f}",
                meaning="Factors on depth, width and resolution: α, β and γ to the power of φ.",
            ),
        ),
        nets=(net,),
        beside=(base,),
    )


def _per_step(net: Net, base: Net, phi: float) -> str:
    if phi == 0:
        return "–"
    return f"× {(count(net, 'macs') / count(base, 'macs')) ** (1 / phi):.3f}"


def _checks(net: Net, base: Net, scale: Scale) -> tuple[Check, ...]:
    return tuple(
        Check(what=what, formula=count(base, key) * factors(scale, key), real=count(net, key))
        for key, what in (("macs", "MACs"), ("params", "Parameters"))
    )


def stage_charts(*nets: tuple[str, Measured]) -> tuple[Chart, ...]:
    """Blocks, channels and map side of every stage of some networks, as bars side by side."""
    rows = [(name, stages(found)) for name, found in nets]
    charts = []
    for index, (key, title, unit) in enumerate(
        (("depth", "Depth", "blocks"), ("width", "Width", "channels"), ("side", "Resolution", "map side, px"))
    ):
        series = tuple(
            Series(
                name=name,
                kind="chosen" if name == "yours" else "networks",
                x=tuple(float(i) for i in range(1, len(found) + 1)),
                y=tuple(float(stage[index]) for stage in found),
            )
            for name, found in rows
        )
        charts.append(
            Chart(key=key, title=title, x="stage", y=unit, series=series, bars=True, note="stages figure")
        )
    return tuple(charts)


def stages(found: Measured) -> list[tuple[int, int, int]]:
    """Blocks, output channels and map side of every stage, read off the real network."""
    inside: dict[str, list[Conv]] = {}
    for conv in found.convs:
        if conv.path.startswith("stages."):
            inside.setdefault(conv.path.split(".")[1], []).append(conv)
    return [
        (len({conv.path.split(".")[2] for conv in convs}), convs[-1].cout, convs[-1].side)
        for convs in inside.values()
    ]


COMPOUND = Law(
    key="compound",
    title="EfficientNet",
    source="Tan and Le 2019, equation 3",
    formulas=(
        r"d = \alpha^\varphi",
        r"w = \beta^\varphi",
        r"r = \gamma^\varphi",
        r"\alpha \cdot \beta^2 \cdot \gamma^2 \approx 2",
        r"\text{MACs} \approx \text{MACs}_{B0} \cdot (\alpha \beta^2 \gamma^2)^\varphi",
    ),
    sliders=(
        Slider(
            name="phi", label="φ", steps=PHIS, default=2.0,
            meaning="the compound coefficient: how much more there is to spend",
        ),
        Slider(
            name="alpha", label="α, depth", steps=(1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4, 1.6, 1.8, 2.0),
            default=1.2, meaning="blocks are multiplied by α to the power of φ, and rounded up",
        ),
        Slider(
            name="beta", label="β, width", steps=(1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4), default=1.1,
            meaning="channels are multiplied by β to the power of φ, and rounded to multiples of 8",
        ),
        Slider(
            name="gamma", label="γ, resolution", steps=(1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4),
            default=1.15, meaning="height and width of the picture are multiplied by γ to the power of φ",
        ),
    ),
    quantities=COUNTS,
    view=_compound,
)  # fmt: skip


def tiny_net(r: float, d: float, w: float) -> Net:
    """B0's table by TinyNet's rounding; where it is one of the five, that row."""
    for letter, scale in CUBE.items():
        if scale == Scale(resolution=r, depth=d, width=w):
            return Net(f"tinynet_{letter}", variant(f"tinynet_{letter}").input_size)
    return Net(TINY_ROWS[0], int(SIDE * r), (("depth", d), ("width", w)))


def _tiny(turned: Turned, quantity: str) -> View:
    r, d, w = turned["r"], turned["d"], turned["w"]
    scale, net, base = Scale(resolution=r, depth=d, width=w), tiny_net(r, d, w), Net(BASE, SIDE)
    start, share = count(base, quantity), scale.cost
    shrunk = [(compound(phi).cost, compound_net(phi, **PAPER)) for phi in (0.0, *SHRUNK)]
    twists = [(CUBE[name[-1]].cost, name) for name in TINY_ROWS]
    xs = spread(0.03, 2.0)

    def rule(x: float) -> Scale:
        return compound(math.log(x) / math.log(compound(1.0).cost))

    main = Chart(
        key="tiny",
        title=f"B0 made smaller: {COUNTS[quantity]}",
        x="d · w² · r², times B0",
        y=COUNTS[quantity],
        log_x=True,
        log_y=True,
        series=(
            line("B0 × d w² r²", "leading", xs, lambda x: start * x)
            if quantity == "macs"
            else line(
                "B0 × d w², by EfficientNet's rule",
                "leading",
                xs,
                lambda x: start * factors(rule(x), quantity),
            ),
            networks("EfficientNet's rule, φ < 0", shrunk, quantity),
            published("TinyNets", twists, quantity, group=1),
            networks("yours", [(share, net)], quantity, kind="chosen"),
        ),
        note="tiny figure",
    )
    twins = tuple(
        Chart(
            key=f"tiny {name}",
            title=title,
            x="d · w² · r², times B0",
            y=f"factor {letter}",
            log_x=True,
            series=(
                line("EfficientNet's rule", "line", xs, lambda x, name=name: getattr(rule(x), name)),  # type: ignore[misc]
                Series(
                    name="TinyNets",
                    kind="published",
                    group=1,
                    x=tuple(CUBE[row[-1]].cost for row in TINY_ROWS),
                    y=tuple(getattr(CUBE[row[-1]], name) for row in TINY_ROWS),
                    texts=tuple(describe_row(row) for row in TINY_ROWS),
                    labels=tuple(row[-1].upper() for row in TINY_ROWS),
                ),
                Series(name="yours", kind="chosen", x=(share,), y=(getattr(scale, name),)),
            ),
            note="twist figure",
        )
        for name, letter, title in (
            ("resolution", "r", "Resolution"), ("depth", "d", "Depth"), ("width", "w", "Width"),
        )
    )  # fmt: skip
    phi = phi_of(scale)
    other = compound(phi)
    return View(
        charts=(main, *twins),
        checks=_checks(net, base, scale),
        facts=(
            Fact(
                label="d · w² · r²", value=f"{share:.3f}",
                meaning="The cost that the factors promise, as a share of B0's MACs.",
            ),
            Fact(
                label="EfficientNet's rule at this cost",
                value=f"φ = {phi:.2f}".replace("-", "−"),
                meaning="The power to which the rule raises its constants to promise the same cost.",
            ),
            Fact(
                label="which gives d · w · r",
                value=f"{other.depth:.2f} · {other.width:.2f} · {other.resolution:.2f}",
                meaning="The factors of EfficientNet's rule for the same cost, to hold against yours.",
            ),
        ),
        nets=(net,),
        beside=(base,),
    )  # fmt: skip


TINYNET = Law(
    key="tinynet",
    title="TinyNet",
    source="Han et al. 2020",
    formulas=(
        r"\text{MACs} \approx \text{MACs}_{B0} \cdot d \cdot w^2 \cdot r^2",
        r"w = \sqrt{\frac{\text{MACs}}{\text{MACs}_{B0} \cdot d \cdot r^2}}",
    ),
    sliders=(
        Slider(
            name="r", label="r, resolution", default=0.825,
            steps=(0.4, 0.475, 0.55, 0.6, 0.68, 0.75, 0.825, 0.84, 0.86, 0.93, 1.0, 1.1, 1.2),
            meaning="factor on the 224 pixels of B0's picture",
        ),
        Slider(
            name="d", label="d, depth", default=0.85,
            steps=(0.4, 0.5, 0.6, 0.695, 0.75, 0.85, 0.95, 1.0, 1.1, 1.2, 1.3, 1.4),
            meaning="factor on the blocks of every stage, rounded; each keeps one",
        ),
        Slider(
            name="w", label="w, width", default=0.54,
            steps=(0.25, 0.35, 0.45, 0.51, 0.54, 0.65, 0.75, 0.85, 0.95, 1.0, 1.1),
            meaning="factor on the channels of the stages; stem and end keep theirs",
        ),
    ),
    quantities=COUNTS,
    view=_tiny,
    presets=tuple(
        Preset(
            title=variant(f"tinynet_{letter}").title,
            turned=(("r", scale.resolution), ("d", scale.depth), ("w", scale.width)),
        )
        for letter, scale in CUBE.items()
    ),
)  # fmt: skip
