"""The records of the zoo: what a family file states about its architecture.

A family is one paper, a variant one row of its table, a knob something a reader may turn.
All records are frozen; two records are equal only if they are the same row of the registry.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "plain": "one layer after the other",
        "branches": "parallel branches, joined by concatenation",
        "shortcuts": "signals that skip layers, added or concatenated again",
        "mobile": "built for small budgets: cheap depthwise convolutions",
        "attention": "tokens that look at each other",
    }
)


@runtime_checkable
class HasAuxiliaryHeads(Protocol):
    """A network with classifiers in its middle, for training only."""

    def forward_aux(self, x: Tensor) -> list[Tensor]:
        """Logits (B, num_classes) of the network's own classifier, then those of the auxiliary ones."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Printed:
    """A count as somebody else printed it, beside which the app shows its own."""

    quantity: str  # "params", "macs" or "flops"
    value: float  # in units of one: 25.6e6, 4.1e9
    source: str  # "paper, table 1"
    reason: str = ""  # why it differs from ours; empty where it is ours, rounded


def both_printed(
    source: str,
    params: float,
    macs: float,
    *,
    called: str = "FLOPs",
    why_params: str = "",
    why_macs: str = "",
) -> tuple[Printed, Printed]:
    """Parameters and MACs printed in one place, where the MACs are `called` something else."""
    return (
        Printed(quantity="params", value=params, source=source, reason=why_params),
        Printed(quantity="macs", value=macs, source=f"{source}, as {called}", reason=why_macs),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Published:
    """The golden numbers of a variant: exact counts, and accuracy with the recipe it belongs to."""

    params: int  # trainable parameters of the whole training-time module, auxiliary heads included
    macs: int  # multiply-accumulates at the variant's input size, batch 1, evaluation mode
    source: str  # where the counts come from: "torchvision resnet50", "paper, table I", "prototxt"
    twin: str = ""  # same network, same outputs: "torchvision:resnet50", "timm:...", "pytorchcv:..."
    adapted: str = ""  # a twin the tests make of a peer: "torchvision resnet18 without its shortcuts"
    table: str = ""  # without a twin: the layer table that the family's tests repeat row by row: "table 1"
    top1: float | None = (
        None  # ImageNet-1k validation accuracy, percent, one crop unless the source says otherwise
    )
    top5: float | None = None
    accuracy_source: str = ""  # recipe and place: a top-1 means nothing without it
    printed: tuple[Printed, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Variant:
    """One row of a paper's table: the arguments that make `Family.model` this network."""

    name: str  # as in the literature and in torchvision: "resnet50"
    title: str  # as printed: "ResNet-50"
    config: Mapping[str, Any]  # keyword arguments of the model, num_classes and input_size aside
    input_size: int  # height and width in pixels
    num_classes: int = 1000
    published: Published | None = None
    weights: str = ""  # torchvision's published weights: "ResNet50_Weights.IMAGENET1K_V1"
    year: int | None = None  # where the variant is younger than its family
    note: str = ""  # one sentence: what sets this row apart

    @property
    def channels(self) -> int:
        """Colour planes of the input image: 3, or 1 for the digit readers."""
        channels: int = self.config.get("channels", 3)
        return channels


@dataclass(frozen=True, kw_only=True, eq=False)
class Knob:
    """A constructor argument a reader may turn.

    Where the argument is a tuple (`depths`), every element gets a knob of its own: `depths.0`, `depths.1`.
    """

    name: str
    meaning: str  # one short sentence
    choices: tuple[int | float | str | bool, ...]  # in the order of the slider
    only_with: tuple[str, object] | None = None  # the config entry without which it would change nothing


@dataclass(frozen=True, kw_only=True, eq=False)
class Deviation:
    """Where our network departs from the printed one, and what that changes."""

    what: str
    effect: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Story:
    """The family in plain English, a few sentences each."""

    problem: str
    trick: str
    cost: str
    outcome: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Family:
    """One paper: its network as code, its rows, and what there is to learn from it."""

    key: str  # the file's name
    title: str
    year: int
    paper: str  # the paper's title
    authors: str
    link: str  # https address of the paper
    kind: str  # a key of KINDS
    parents: tuple[str, ...]  # keys of the families whose ideas it grew from
    idea: str  # one sentence
    story: Story
    model: type[nn.Module]
    lesson: (
        type[nn.Module] | Callable[..., object]
    )  # the block or function that is the paper's idea, shown as code
    stages: tuple[str, ...]  # module paths in the order of the forward pass, the same for all variants
    table: str  # where the paper prints the rows: "table 1"
    knobs: tuple[Knob, ...]
    deviations: tuple[Deviation, ...]
    variants: tuple[Variant, ...]

    @property
    def classroom(self) -> Variant:
        """The variant that trains live: 32x32 input, at most about a million parameters."""
        return next(v for v in self.variants if v.name == f"{self.key}_classroom")
