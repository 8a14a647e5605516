"""RegNet: a line that says how wide every block is, turned into steps.

Radosavovic, Kosaraju, Girshick, He, Dollár 2020, arXiv:2003.13678, equations 2 to 4. The steps
drawn are the family's own function, so that the curve shown is the curve built.
"""

from zoo.families.regnet import FAMILY, plan, quantised_widths
from zoo.registry import variant
from zoo.scaling.records import (
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
    measured,
)

_BASE = "regnet_x_3_2gf"
X_ROWS = tuple(v.name for v in FAMILY.variants if v.published and not v.config["se"])
Y_ROWS = tuple(v.name for v in FAMILY.variants if v.published and v.config["se"] and v.year is None)
_KNOBS = ("w0", "wa", "wm", "depth", "group_width")


def regnet(w0: int, wa: float, wm: float, depth: int, group_width: int) -> Net:
    return Net(_BASE, 224, tuple(zip(_KNOBS, (w0, wa, wm, depth, group_width), strict=True)))


def block_weights(cin: int, width: int, group_width: int) -> int:
    """Of an X block without its projection: 1x1, 3x3 in groups, 1x1."""
    return cin * width + 9 * width * group_width + width**2


def stage_weights(w0: int, wa: float, wm: float, depth: int, group_width: int) -> list[int]:
    """Weights of the convolutions of every stage, from the plan alone."""
    found, cin = [], 32
    for stage in plan(w0, wa, wm, depth, group_width):
        total = cin * stage.width  # every stage halves the map, so its first block projects
        for _ in range(stage.depth):
            total += block_weights(cin, stage.width, stage.group_width)
            cin = stage.width
        found.append(total)
    return found


def built_widths(found: Measured) -> list[int]:
    """The width of each block of the real network."""
    blocks: dict[str, int] = {}
    for conv in found.convs:
        if conv.path.startswith("stages."):
            blocks[".".join(conv.path.split(".")[:3])] = conv.cout
    return list(blocks.values())


def built_weights(found: Measured) -> list[int]:
    """Weights of the convolutions of each stage of the real network."""
    stages: dict[str, int] = {}
    for conv in found.convs:
        if conv.path.startswith("stages."):
            stage = conv.path.split(".")[1]
            stages[stage] = stages.get(stage, 0) + conv.params
    return list(stages.values())


def _regnet(turned: Turned, quantity: str) -> View:
    w0, depth, group = int(turned["w0"]), int(turned["blocks"]), int(turned["group"])
    wa, wm = turned["wa"], turned["wm"]
    net = regnet(w0, wa, wm, depth, group)
    found, places = measured(net), tuple(float(j) for j in range(depth))
    steps, real = quantised_widths(w0, wa, wm, depth), built_widths(found)
    stairs = Chart(
        key="stairs",
        title="RegNet: the width of every block",
        x="block j",
        y="width, channels",
        log_y=quantity == "logarithmic",
        series=(
            Series(name="u = w₀ + wₐ · j", kind="leading", x=places, y=tuple(w0 + wa * j for j in places)),
            Series(
                name="steps w₀ · wₘˢ", kind="formula", stairs=True, x=places,
                y=tuple(map(float, steps)),
            ),
            Series(
                name="blocks of the network", kind="networks", x=places, y=tuple(map(float, real)),
                texts=tuple(f"block {j}: {w} channels" for j, w in enumerate(real)),
            ),
        ),
        note="stairs figure",
    )  # fmt: skip
    predicted, weights = stage_weights(w0, wa, wm, depth, group), built_weights(found)
    numbers = tuple(float(i) for i in range(1, len(weights) + 1))
    spent = Chart(
        key="spent",
        title="Convolution weights of every stage",
        x="stage",
        y="weights",
        bars=True,
        series=(
            Series(name="formula", kind="formula", x=numbers, y=tuple(map(float, predicted))),
            Series(name="network", kind="networks", x=numbers, y=tuple(map(float, weights))),
        ),
        note="spent figure",
    )  # fmt: skip
    front = Chart(
        key="front",
        title="The published RegNets",
        x="MACs for one image",
        y="top-1, %",
        log_x=True,
        series=(
            accuracies("RegNetX", X_ROWS),
            accuracies("RegNetY", Y_ROWS, group=1),
            Series(name="yours: MACs, accuracy unknown", kind="mark", x=(found.macs,), y=(0,)),
        ),
        note="front figure",
    )
    stages = plan(w0, wa, wm, depth, group)
    return View(
        charts=(stairs, spent, front),
        checks=(
            Check(what="Convolution weights of the stages", formula=sum(predicted), real=sum(weights),
                  exact=True),
            Check(what="Channels of all blocks before and after they fit the groups", formula=sum(steps),
                  real=sum(real)),
        ),
        facts=(
            Fact(
                label="Stage widths", value=" · ".join(str(stage.width) for stage in stages),
                meaning="The steps, rounded to multiples of 8 and of the group width.",
            ),
            Fact(
                label="Stage depths", value=" · ".join(str(stage.depth) for stage in stages),
                meaning="How many blocks take each step.",
            ),
        ),
        nets=(net,),
        beside=(Net("resnext50_32x4d", 224),),
    )  # fmt: skip


def _steps(name: str, grid: list[float]) -> tuple[float, ...]:
    """A grid, and between its steps the published rows' values."""
    return tuple(sorted({*grid, *(float(variant(row).config[name]) for row in X_ROWS)}))


REGNET = Law(
    key="regnet",
    title="RegNet",
    source="Radosavovic et al. 2020, equations 2 to 4",
    formulas=(
        r"u_j = w_0 + w_a \cdot j",
        r"u_j = w_0 \cdot w_m^{s_j}",
        r"w_j = w_0 \cdot w_m^{\lfloor s_j \rceil}",
    ),
    sliders=(
        Slider(
            name="w0", label="w0, first width", steps=_steps("w0", [float(w) for w in range(8, 321, 24)]),
            default=88, meaning="where the line starts: channels of the first block",
        ),
        Slider(
            name="wa", label="wa, slope", steps=_steps("wa", [float(w) for w in range(0, 121, 8)]),
            default=26.31, meaning="channels that the line gains with every block",
        ),
        Slider(
            name="wm", label="wm, step", steps=_steps("wm", [1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0]),
            default=2.25, meaning="factor between the widths of two stages",
        ),
        Slider(
            name="blocks", label="Blocks", steps=tuple(float(n) for n in range(4, 29)), default=25,
            meaning="depth: how many points of the line become blocks",
        ),
        Slider(
            name="group", label="Group width", default=48,
            steps=_steps("group_width", [1, 4, 8, 16, 24, 32, 48, 64, 96, 128]),
            meaning="channels of a group in the 3×3; every width becomes a multiple of it",
        ),
    ),
    quantities={"logarithmic": "Logarithmic", "linear": "Linear"},
    view=_regnet,
    presets=tuple(
        Preset(
            title=variant(row).title,
            turned=tuple(
                (slider, variant(row).config[name])
                for slider, name in zip(("w0", "wa", "wm", "blocks", "group"), _KNOBS, strict=True)
            ),
        )
        for row in X_ROWS
    ),
)  # fmt: skip
