"""What a run needs to be repeated: one frozen, checked record that travels as JSON.

A recipe says nothing about where or when: the same recipe gives the same events on the same machine.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import Any

from zoo import Specimen, family_of, nearest
from zoo.surgery import ACTIVATIONS

OPTIMISERS: Mapping[str, str] = MappingProxyType(
    {
        "sgd": "SGD",
        "momentum": "SGD with momentum",
        "nesterov": "SGD with Nesterov momentum",
        "adam": "Adam",
        "adamw": "AdamW",
        "rmsprop": "RMSprop",
    }
)
SCHEDULES: Mapping[str, str] = MappingProxyType(
    {
        "constant": "constant",
        "step": "steps down",
        "cosine": "cosine annealing",
        "one-cycle": "one cycle",
        "plateau": "down on a plateau",
    }
)
INITIALISATIONS: Mapping[str, str] = MappingProxyType(
    {
        "own": "as the network's paper",
        "he": "He (fan in)",
        "xavier": "Xavier (fan in and out)",
        "normal": "N(0, 0.01)",
        "zero": "all zero",
    }
)
PRECISIONS: Mapping[str, str] = MappingProxyType({"float32": "float32", "bfloat16": "mixed with bfloat16"})
REFERENCE_BATCH = 64  # images: the batch for which `rate` is meant where linear scaling is on
ACCEPTED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "optimiser": OPTIMISERS,
        "schedule": SCHEDULES,
        "initialisation": INITIALISATIONS,
        "precision": PRECISIONS,
        "activation": ACTIVATIONS,
    }
)

_FIRST = Specimen("resnet_classroom")

LIMITS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "images": (1, 1_000_000),
        "validation": (1, 100_000),
        "size": (8, 256),
        "seed": (0, 2**31 - 1),
        "epochs": (1, 1_000),
        "batch": (1, 4_096),
        "workers": (1, 64),
        "rate": (0, 100),
        "momentum": (0, 0.9999),
        "warm_up": (0, 1_000),
        "step_every": (1, 1_000),
        "step_factor": (0.001, 1),
        "weight_decay": (0, 10),
        "label_smoothing": (0, 0.99),
        "dropout": (0, 0.95),
        "stochastic_depth": (0, 0.95),
        "colour": (0, 1),
        "randaugment": (0, 30),
        "mixup": (0, 10),
        "cutmix": (0, 10),
        "ema": (0, 0.99999),
        "swa": (0, 0.99),
        "patience": (0, 1_000),
        "clip": (0, 1_000),
        "agc": (0, 10),
        "auxiliary": (0, 10),
        "filter_clip": (0, 100),
    }
)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training, from the network to the last switch.

    Zero turns a switch off, where it is a number. Raises ValueError with a sentence for anything that cannot
    be; whether the network can read the pictures is found out by `training.loop.Trainer`, which builds it.
    """

    specimen: Specimen = _FIRST  # its number of classes follows the data
    data: str = "shapes"  # a key of training.data.DATASETS, or "own:<name>"
    images: int | None = 4_000  # training pictures, drawn by `seed` with equal shares a class; None: all
    validation: int = 1_000  # pictures kept aside
    size: int = 32  # pixels, height and width
    seed: int = 0  # of weights, subset, order and everything drawn

    epochs: int = 15
    batch: int = 64  # images a step, of each worker
    workers: int = 1  # that share every step; together they take `global_batch` images
    optimiser: str = "nesterov"
    rate: float = 0.05  # peak learning rate
    momentum: float = 0.9  # for the optimisers that have one
    linear_scaling: bool = False  # the peak becomes rate x global_batch / REFERENCE_BATCH
    schedule: str = "cosine"
    warm_up: float = 0.0  # epochs in which the rate rises in a line from a hundredth of its peak
    step_every: int = 5  # epochs between steps down; of patience for a plateau
    step_factor: float = 0.1  # what a step down multiplies the rate with
    weight_decay: float = 5e-4

    initialisation: str = "own"
    activation: str = "own"  # what stands in for every ReLU
    norm: bool = True  # False takes the batch norms out
    dropout: float | None = None  # None: as the network has it
    stochastic_depth: float | None = None  # of the last block, rising in a line from 0; None: as it is
    label_smoothing: float = 0.0
    auxiliary: float = 0.3  # weight of each auxiliary head's loss, where the network has such heads

    flip: bool = False  # left and right, at random
    crop: bool = False  # at random out of the picture with an eighth of its size around it
    colour: float = 0.0  # jitter of brightness, contrast and saturation
    randaugment: int = 0  # magnitude of two random transformations a picture
    mixup: float = 0.0  # alpha of the Beta distribution
    cutmix: float = 0.0  # likewise
    progressive: bool = False  # half the size and weak regularisation first, both grow in four stages

    ema: float = 0.0  # decay a step of an exponential moving average of the weights
    swa: float = 0.0  # share of the epochs after which weights are averaged, one point an epoch
    patience: int = 0  # epochs without a lower validation loss after which the run ends
    clip: float = 0.0  # largest norm of the whole gradient
    agc: float = 0.0  # NFNet's adaptive clipping: largest ratio of a unit's gradient to its weights
    filter_clip: float = 0.0  # ZFNet's: root mean square to which a larger filter of the first layer is set
    precision: str = "float32"

    def __post_init__(self) -> None:
        if not isinstance(self.specimen, Specimen):
            raise ValueError(f"A recipe trains a specimen, not {self.specimen!r}.")
        if self.specimen.weights != "random":
            raise ValueError(f"A run starts from random weights, not from {self.specimen.weights!r}.")
        if self.specimen.num_classes is not None:
            object.__setattr__(self, "specimen", replace(self.specimen, num_classes=None))
        for name, known in ACCEPTED.items():
            value = getattr(self, name)
            if not isinstance(value, str) or value not in known:
                raise ValueError(f"There is no {name} called {value!r}. {nearest(str(value), known)}")
        for each in fields(self):
            self._check(each.name, getattr(self, each.name))
        if self.warm_up >= self.epochs:
            raise ValueError(f"A warm-up of {self.warm_up:g} epochs leaves nothing of {self.epochs}.")
        if self.warm_up and self.schedule == "one-cycle":
            raise ValueError("One cycle warms up by itself: set the warm-up to 0.")
        if self.swa and self.ema:
            raise ValueError("EMA and SWA both average the weights: choose one of them for a run.")

    def _check(self, name: str, value: object) -> None:
        limits = LIMITS.get(name)
        if isinstance(getattr(Recipe, name, None), bool):
            if not isinstance(value, bool):
                raise ValueError(f"{name} is either on or off, not {value!r}.")
            return
        if limits is None or (value is None and name in ("images", "dropout", "stochastic_depth")):
            return
        least, most = limits
        whole = name in WHOLE
        if (
            isinstance(value, bool)
            or not isinstance(value, int if whole else int | float)
            or not least <= value <= most
        ):
            kind = "a whole number" if whole else "a number"
            raise ValueError(f"{name} must be {kind} from {least:g} to {most:g}, not {value!r}.")
        object.__setattr__(self, name, int(value) if whole else float(value))  # 1 and 1.0 are one recipe

    @property
    def global_batch(self) -> int:
        """Images a step, of all workers together: each brings a batch of its own, as in Goyal et al. 2017."""
        return self.batch * self.workers

    @property
    def peak(self) -> float:
        """The highest learning rate that the schedule reaches."""
        return self.rate * self.global_batch / REFERENCE_BATCH if self.linear_scaling else self.rate

    @property
    def title(self) -> str:
        """The network and the data, for lists: "ResNet on shapes"."""
        return f"{family_of(self.specimen.variant).title} on {self.data.removeprefix('own:')}"

    def to_json(self) -> str:
        """All fields, one a line."""
        values = asdict(self) | {"specimen": self.specimen.to_query()}
        return json.dumps(values, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        """The recipe that such a text holds; ValueError with a sentence for any other text."""
        try:
            values: Any = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("This is no recipe: it is not JSON.") from None
        known = {each.name for each in fields(cls)}
        if not isinstance(values, dict):
            raise ValueError("This is no recipe: it holds no fields.")
        for name in values:
            if name not in known:
                raise ValueError(f"A recipe has no field called {name[:40]!r}. {nearest(name, known)}")
        query = values.pop("specimen", {"variant": "resnet_classroom"})
        if not isinstance(query, dict) or not all(isinstance(v, str) for v in query.values()):
            raise ValueError("The specimen of a recipe is a variant with its knobs, as in an address.")
        if "data" in values and not isinstance(values["data"], str):
            raise ValueError(f"The data of a recipe are named by a word, not by {values['data']!r}.")
        return cls(specimen=Specimen.from_query(query), **values)


def by_the_rule(recipe: Recipe) -> Recipe:
    """The recipe with the rate that the linear scaling rule wants for its workers.

    k workers make the batch k times as large, so the rate grows to k times that of one worker, after a
    warm-up: Goyal et al. 2017 (arXiv:1706.02677), section 2. Their 5 epochs of 90 are at most a third of
    ours; one cycle warms up by itself. Raises ValueError where no rate of a recipe is that high.
    """
    rate = recipe.rate if recipe.linear_scaling else round(recipe.rate * REFERENCE_BATCH / recipe.batch, 10)
    warm_up = recipe.warm_up or (
        0.0 if recipe.schedule == "one-cycle" else min(5.0, round(recipe.epochs / 3, 1))
    )
    return replace(recipe, rate=rate, linear_scaling=True, warm_up=warm_up)


WHOLE = {each.name for each in fields(Recipe) if each.type in (int, int | None)}
