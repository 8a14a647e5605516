"""What a scaling law is: sliders, formulas, the real networks behind the points, and the charts of both."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from inspect import signature
from typing import Literal, TypeAlias

from torch import nn

from zoo.anatomy import dissect
from zoo.registry import KnobValue, WithoutNumbers, family_of, variant
from zoo.specimen import Specimen

Turned: TypeAlias = Mapping[str, float]  # where each slider stands, by its name


@dataclass(frozen=True)
class Net:
    """A variant with constructor arguments turned, at any value and not only a knob's, for square images."""

    variant: str
    size: int  # pixels
    turned: tuple[tuple[str, KnobValue | tuple[int, ...]], ...] = ()

    def skeleton(self) -> nn.Module:
        """The network on the meta device: shapes without numbers."""
        row, family = variant(self.variant), family_of(self.variant)
        arguments = {**row.config, **dict(self.turned), "num_classes": row.num_classes}
        if "input_size" in signature(family.model).parameters:
            arguments["input_size"] = self.size
        with WithoutNumbers():
            return family.model(**arguments).eval()

    def specimen(self) -> Specimen | None:
        """The same network by the registry's knobs, a published row where it is one; None between steps."""
        family, row = family_of(self.variant), variant(self.variant)
        config = {**row.config, **dict(self.turned)}
        for other in family.variants:
            if dict(other.config) == config and other.num_classes == row.num_classes:
                return Specimen(other.name)
        knobs: dict[str, KnobValue] = {}
        for name, value in self.turned:
            if isinstance(value, tuple):
                knobs.update({f"{name}.{i}": element for i, element in enumerate(value)})
            else:
                knobs[name] = value
        try:
            return Specimen(self.variant, knobs=tuple(knobs.items()))
        except ValueError:
            return None


@dataclass(frozen=True)
class Conv:
    """A convolution of a network."""

    path: str
    cin: int  # channels that one filter reads
    cout: int
    side: int  # of its output, px
    params: int


@dataclass(frozen=True)
class Measured:
    """What `dissect` counts in a network."""

    params: int
    macs: int
    attention: int  # MACs of the attention modules, their projections included
    pairs: int  # of these, the products of tokens with tokens
    convs: tuple[Conv, ...]


@lru_cache(maxsize=1024)  # small records, and all readers ask for the same points
def measured(net: Net) -> Measured:
    """The network built and taken apart."""
    anatomy = dissect(net.skeleton(), (variant(net.variant).channels, net.size, net.size))
    return Measured(
        params=anatomy.params,
        macs=anatomy.macs,
        attention=sum(layer.macs or 0 for layer in anatomy.layers if "attn" in layer.path.split(".")),
        pairs=sum(layer.macs or 0 for layer in anatomy.layers if layer.kind == "matmul"),
        convs=tuple(
            Conv(layer.path, layer.weights[0][1][1], layer.shape[0], layer.shape[1], layer.params)
            for layer in anatomy.layers
            if layer.kind == "conv"
        ),
    )


def count(net: Net, quantity: str) -> int:
    """One of the counts of a network: "params", "macs", "attention"."""
    value: int = getattr(measured(net), quantity)
    return value


Kind: TypeAlias = Literal[
    "formula",  # a line that counts everything
    "leading",  # a line that keeps the leading order
    "line",  # a line to hold against
    "networks",  # points: real networks, counted
    "published",  # points: rows of a paper, with their names
    "published line",  # the same, joined
    "chosen",  # the point that the sliders make
    "mark",  # a place on the x axis alone
]


@dataclass(frozen=True, kw_only=True)
class Series:
    """Numbers of one meaning in a chart."""

    name: str
    kind: Kind
    x: tuple[float, ...]
    y: tuple[float, ...]
    texts: tuple[str, ...] = ()  # beside the pointer, of points
    labels: tuple[str, ...] = ()  # beside the point
    group: int = 0  # where a chart shows two of everything: 0 or 1
    stairs: bool = False  # of lines: a step in the middle between two points


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Series over one pair of axes; or bars side by side where `bars`."""

    key: str
    title: str
    x: str
    y: str
    series: tuple[Series, ...]
    log_x: bool = False
    log_y: bool = False
    bars: bool = False
    note: str  # the heading of its caption among the page's words


@dataclass(frozen=True, kw_only=True)
class Check:
    """A formula's number beside the real network's."""

    what: str  # "MACs"
    formula: float
    real: float
    exact: bool = False  # whether the formula counts all that there is

    @property
    def difference(self) -> float:
        """How far the real count lies above the formula's, as a share of the formula's."""
        return self.real / self.formula - 1


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A number that the sliders have made, for the line above the figures."""

    label: str
    value: str
    meaning: str
    change: str = ""


@dataclass(frozen=True, kw_only=True)
class View:
    """All that the page shows for one position of the sliders; the first chart is the main one."""

    charts: tuple[Chart, ...]
    checks: tuple[Check, ...]
    facts: tuple[Fact, ...]
    nets: tuple[Net, ...]  # what the sliders make
    beside: tuple[Net, ...]  # what to compare it with


@dataclass(frozen=True, kw_only=True)
class Slider:
    name: str
    label: str
    steps: tuple[float, ...]
    default: float
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A published network as positions of the sliders."""

    title: str
    turned: tuple[tuple[str, float], ...]


@dataclass(frozen=True, kw_only=True)
class Law:
    """One way to scale a family."""

    key: str
    title: str
    source: str
    formulas: tuple[str, ...]  # in LaTeX
    sliders: tuple[Slider, ...]
    quantities: Mapping[str, str]  # what the main chart can count; the first is the default
    view: Callable[[Turned, str], View]
    presets: tuple[Preset, ...] = ()

    @property
    def defaults(self) -> dict[str, float]:
        return {slider.name: slider.default for slider in self.sliders}


COUNTS: Mapping[str, str] = {"macs": "MACs", "params": "Parameters"}


def networks(
    name: str, at: Sequence[tuple[float, Net]], quantity: str, *, kind: Kind = "networks", group: int = 0
) -> Series:
    """Real networks as points: each at its x, as high as `dissect` counts."""
    return Series(
        name=name,
        kind=kind,
        x=tuple(x for x, _ in at),
        y=tuple(count(net, quantity) for _, net in at),
        texts=tuple(describe(net) for _, net in at),
        group=group,
    )


def published(
    name: str, at: Sequence[tuple[float, str]], quantity: str, *, group: int = 0, labelled: bool = True
) -> Series:
    """Published variants as points with their names: the registry's counts, as other tests prove them."""
    return Series(
        name=name,
        kind="published",
        x=tuple(x for x, _ in at),
        y=tuple(_published(row, quantity) for _, row in at),
        texts=tuple(describe_row(row) for _, row in at),
        labels=tuple(short(row) for _, row in at) if labelled else (),
        group=group,
    )


def _published(name: str, quantity: str) -> int:
    row = variant(name)
    if row.published and quantity in COUNTS:
        value: int = getattr(row.published, quantity)
        return value
    return count(Net(name, row.input_size), quantity)


def accuracies(name: str, rows: Iterable[str], *, group: int = 0) -> Series:
    """Published top-1 in percent over MACs, joined from the cheapest to the dearest."""
    known = [(p.macs, p.top1, row) for row in rows if (p := variant(row).published) and p.top1]
    known.sort()
    return Series(
        name=name,
        kind="published line",
        x=tuple(float(macs) for macs, _, _ in known),
        y=tuple(top1 for _, top1, _ in known),
        texts=tuple(describe_row(row) for _, _, row in known),
        labels=tuple(short(row) for _, _, row in known),
        group=group,
    )


def short(name: str) -> str:
    """A variant's title without its family's, where the chart says the rest."""
    title = variant(name).title.partition(" for ")[0]
    return title.removeprefix(family_of(name).title).strip(" -") or title


def line(
    name: str, kind: Kind, xs: Sequence[float], f: Callable[[float], float], *, group: int = 0
) -> Series:
    """A formula as a line."""
    return Series(name=name, kind=kind, x=tuple(xs), y=tuple(f(x) for x in xs), group=group)


def describe(net: Net) -> str:
    """What stands beside the pointer on a network: its knobs and counts."""
    found = measured(net)
    knobs = ", ".join(f"{name} {_words(value)}" for name, value in net.turned)
    return _card(variant(net.variant).title, knobs, net.size, found.params, found.macs)


def describe_row(name: str) -> str:
    """The same of a published variant, with its accuracy."""
    row = variant(name)
    if row.published is None:
        return row.title
    top1 = row.published.top1
    accuracy = f"published top-1 {top1:.1f} %" if top1 else ""
    return _card(row.title, accuracy, row.input_size, row.published.params, row.published.macs)


def _card(title: str, more: str, size: int, params: int, macs: int) -> str:
    lines = [f"<b>{title}</b>", more, f"{size} × {size} px", f"{params:,} parameters", f"{macs:,} MACs"]
    return "<br>".join(filter(None, lines))


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return "–".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def spread(low: float, high: float) -> list[float]:
    """Evenly many x, in equal ratios: for a smooth line on a logarithmic axis."""
    return [low * (high / low) ** (i / 39) for i in range(40)]
