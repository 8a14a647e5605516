"""What a page studies, as one hashable record that travels in the URL."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from zoo.registry import KnobValue, build, check_knobs, knobs, skeleton, variant

LARGEST_HEAD = 100_000  # classes
WEIGHTS = re.compile(  # what weights can be called; whether they exist is found out when they are loaded
    r"random|imagenet|shipped:(?P<shipped>[a-z0-9_]{1,60})"
    r"|run:(?P<run>[A-Za-z0-9][A-Za-z0-9_-]{0,79})@(?P<moment>[0-9]{1,9}|last|best)"
)
KEYS = ("variant", "weights", "classes", "knobs")


@dataclass(frozen=True)
class Specimen:
    """A variant with its knobs turned, its weights and its number of classes.

    Only knobs that differ from the variant's own value are kept, in the registry's order, so that equal
    networks are equal specimens. Raises ValueError, with the nearest match, for anything the registry does
    not know.
    """

    variant: str
    weights: str = "random"
    num_classes: int | None = None  # None: as published
    knobs: tuple[tuple[str, KnobValue], ...] = ()

    def __post_init__(self) -> None:
        row, turned = variant(self.variant), dict(self.knobs)
        check_knobs(row.name, turned)
        if self.num_classes is not None and not 1 <= self.num_classes <= LARGEST_HEAD:
            raise ValueError(
                f"The number of classes must lie between 1 and {LARGEST_HEAD:,}, not {self.num_classes}."
            )
        if not isinstance(self.weights, str) or not WEIGHTS.fullmatch(self.weights):
            raise ValueError(
                f"There are no weights called {self.weights!r:.80} for {row.title}. They can be random, "
                "imagenet, shipped:<name>, or run:<run>@<epoch, last or best>."
            )
        kept = tuple(
            (k, turned[k])
            for k, (_, default) in knobs(row.name).items()
            if k in turned and turned[k] != default
        )
        object.__setattr__(self, "knobs", kept)
        if self.num_classes == row.num_classes:
            object.__setattr__(self, "num_classes", None)

    def to_query(self) -> dict[str, str]:
        """URL parameters for all that is not default: `{"variant": "resnet50", "knobs": "width:32"}`."""
        query = {"variant": self.variant}
        if self.weights != "random":
            query["weights"] = self.weights
        if self.num_classes is not None:
            query["classes"] = str(self.num_classes)
        if self.knobs:
            query["knobs"] = ",".join(f"{key}:{value}" for key, value in self.knobs)
        return query

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "Specimen":
        """The specimen a URL names; parameters that are not a specimen's are left to others.

        Values are matched against the registry's choices by their text, never evaluated.
        """
        row = variant(query.get("variant", ""))
        allowed, turned = knobs(row.name), {}
        for part in filter(None, query.get("knobs", "").split(",")):
            key, _, text = part.partition(":")
            by_text = {str(choice): choice for choice in allowed[key][0].choices} if key in allowed else {}
            turned[key] = by_text.get(text, text)  # what is not a choice stays text and is refused below
        classes = query.get("classes", "")
        if classes and not (classes.isascii() and classes.isdigit() and len(classes) < 10):
            raise ValueError(f"The number of classes must be a whole number, not {classes[:20]!r}.")
        return cls(
            row.name, query.get("weights", "random"), int(classes) if classes else None, tuple(turned.items())
        )

    def build(self, *, input_size: int | None = None, seed: int = 0) -> nn.Module:
        """The network with weights drawn from `seed`, for images of `input_size` pixels.

        `zoo.load` is what reads the weights that a specimen names.
        """
        return build(
            self.variant, num_classes=self.num_classes, input_size=input_size, seed=seed, **dict(self.knobs)
        )

    def skeleton(self, *, input_size: int | None = None) -> nn.Module:
        """The network on the meta device: shapes without numbers."""
        return skeleton(self.variant, num_classes=self.num_classes, input_size=input_size, **dict(self.knobs))
