"""Weights by name: drawn from a seed, shipped with the project, or saved by a run.

A checkpoint is one safetensors file that says what it holds: tensors called "model.<name>", and under the
metadata key "zoolens" the facts as JSON. Whoever reads one believes nothing: what it says is checked against
the registry, and every tensor against the network without numbers, before anything is allocated.
"""

import json
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from zoo.registry import KnobValue, nearest, variant
from zoo.specimen import LARGEST_HEAD, WEIGHTS, Specimen
from zoo.surgery import ACTIVATIONS, operate

if TYPE_CHECKING:  # importing the zoo stays cheap
    from PIL.Image import Image

_PROJECT = Path(__file__).parents[1]
SHIPPED = _PROJECT / "assets" / "checkpoints"
KEY = "zoolens"  # of the facts, in the metadata of a file
MODEL = "model."  # before the name of each tensor of the network

LARGEST_FILE = 2**31  # bytes: the largest network of the zoo with the state of its optimiser
LARGEST_HEADER = 2**23  # bytes: names, shapes and facts
LARGEST_SIZE = 1024  # pixels
LONGEST_WORD = 200  # characters of a class or a data set
_NUMBERS = {"F16", "BF16", "F32"}


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """From a picture to what a network wants: a square from its middle, each channel normalised."""

    size: int  # pixels, height and width
    channels: int  # 3: RGB, 1: grey
    mean: tuple[float, ...]  # of each channel, pixels from 0 to 1
    deviation: tuple[float, ...]
    shorter: int | None = None  # pixels of the shorter side before the crop; None: the largest square
    bicubic: bool = False  # how it is resized; else bilinear

    def __call__(self, image: "Image") -> Tensor:
        """PIL image -> (1, C, size, size)."""
        return self.read(self.crop(image))

    def read(self, crop: "Image") -> Tensor:
        """The same of what `crop` made."""
        pixels = np.asarray(crop, dtype=np.float32).reshape(self.size, self.size, self.channels)
        return self.normalise(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255)

    def crop(self, image: "Image") -> "Image":
        """What the network sees of a picture: upright, RGB or grey, size x size pixels.

        Where it gets smaller, all pixels take part.
        """
        from PIL import Image, ImageOps

        upright = ImageOps.exif_transpose(image).convert("RGB" if self.channels == 3 else "L")
        how = Image.Resampling.BICUBIC if self.bicubic else Image.Resampling.BILINEAR
        width, height = upright.size
        side = min(width, height)
        if self.shorter is None:
            left, top = (width - side) / 2, (height - side) / 2
            return upright.resize((self.size, self.size), how, box=(left, top, left + side, top + side))
        resized = upright.resize((width * self.shorter // side, height * self.shorter // side), how)
        left, top = (round((edge - self.size) / 2) for edge in resized.size)
        return resized.crop((left, top, left + self.size, top + self.size))

    def normalise(self, images: Tensor) -> Tensor:
        """(B, C, H, W), pixels from 0 to 1 -> the same with the mean 0 and the deviation 1 of its data."""
        mean, deviation = (torch.tensor(v).reshape(-1, 1, 1) for v in (self.mean, self.deviation))
        return (images - mean) / deviation


@dataclass(frozen=True, kw_only=True, eq=False)
class Loaded:
    """A network ready to look at pictures, in evaluation mode."""

    model: nn.Module
    preprocess: Preprocess
    labels: tuple[str, ...]  # of the classes, in the order of the logits


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a checkpoint says of itself. Raises ValueError with a sentence for anything that cannot be."""

    variant: str
    knobs: Mapping[str, KnobValue]
    classes: tuple[str, ...]
    size: int  # pixels
    channels: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    activation: str = "own"  # what stands in for every ReLU, see zoo.surgery
    norm: bool = True  # False: the batch norms are taken out
    data: str  # what it was trained on
    epoch: int
    step: int
    accuracy: float | None = None  # on the pictures kept aside, 0..1; None: not measured at this step

    def __post_init__(self) -> None:
        row = variant(self.variant if isinstance(self.variant, str) else "")
        if not _words(self.classes) or not 1 <= len(self.classes) <= LARGEST_HEAD:
            raise ValueError("its classes are no list of names.")
        if not _words((self.data,)):
            raise ValueError("its data set has no name.")
        _ = self.specimen  # the variant, its knobs and the number of classes
        if not _whole(self.size, 1, LARGEST_SIZE):
            raise ValueError(f"its pictures would have {self.size!r} pixels.")
        if self.channels != row.channels or isinstance(self.channels, bool):
            raise ValueError(f"{row.title} reads {row.channels} channels, not {self.channels!r}.")
        for name, least in (("mean", -1e6), ("deviation", 1e-6)):
            values = getattr(self, name)
            if not isinstance(values, tuple) or len(values) != row.channels:
                raise ValueError(f"it needs a {name} for each channel.")
            if not all(_number(value, least, 1e6) for value in values):
                raise ValueError(f"its {name} is no number to work with.")
        if not isinstance(self.activation, str) or self.activation not in ACTIVATIONS:
            raise ValueError("its activation is not known.")
        if not isinstance(self.norm, bool):
            raise ValueError("its norm is neither on nor off.")
        if not (_whole(self.epoch, 0, 2**62) and _whole(self.step, 0, 2**62)):
            raise ValueError("its epoch and its step must be whole numbers.")
        if self.accuracy is not None and not _number(self.accuracy, 0, 1):
            raise ValueError(f"its accuracy cannot be {self.accuracy!r}.")

    @property
    def specimen(self) -> Specimen:
        """The network, without its weights."""
        return Specimen(self.variant, num_classes=len(self.classes), knobs=tuple(self.knobs.items()))

    @property
    def preprocess(self) -> Preprocess:
        """What makes a picture readable for the network."""
        return Preprocess(size=self.size, channels=self.channels, mean=self.mean, deviation=self.deviation)

    def skeleton(self) -> nn.Module:
        """The network on the meta device, with its changes."""
        return self._changed(self.specimen.skeleton(input_size=self.size))

    def build(self) -> nn.Module:
        """The network with its changes, its weights drawn from seed 0."""
        return self._changed(self.specimen.build(input_size=self.size))

    def _changed(self, model: nn.Module) -> nn.Module:
        return operate(model, activation=self.activation, norm=self.norm)

    def to_dict(self) -> dict[str, Any]:
        """The facts for JSON."""
        return asdict(self) | {"knobs": dict(self.knobs)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Facts":
        """The facts that such values state; what else they state is left to others."""
        needed = [name for name, kind in cls.__dataclass_fields__.items() if name not in _OPTIONAL]
        if missing := [name for name in needed if name not in values]:
            raise ValueError(f"it does not say its {missing[0]}.")
        known = {name: values[name] for name in (*needed, *_OPTIONAL) if name in values}
        for name in ("classes", "mean", "deviation"):
            known[name] = tuple(known[name]) if isinstance(known[name], list | tuple) else known[name]
        turned = known["knobs"]
        if not isinstance(turned, Mapping) or not all(
            isinstance(v, int | float | str) for v in turned.values()
        ):
            raise ValueError("its knobs are no names with values.")
        return cls(**known | {"knobs": dict(turned)})


_OPTIONAL = ("activation", "norm", "accuracy")


def runs_root() -> Path:
    """The folder of the runs: $ZOOLENS_RUNS, or `runs` beside the code."""
    return Path(os.environ.get("ZOOLENS_RUNS") or _PROJECT / "runs")


def data_root() -> Path:
    """The folder of what is downloaded: $ZOOLENS_DATA, or `data` beside the code, there yet or not."""
    return Path(os.environ.get("ZOOLENS_DATA") or _PROJECT / "data")


def shipped() -> tuple[str, ...]:
    """Names of the checkpoints that come with the project."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.safetensors")))


def load(specimen: Specimen) -> Loaded:
    """The network of a specimen with the weights it names, what it wants of a picture, and its classes.

    `random` weights come from seed 0 and know no data: pixels are moved to the middle, classes have numbers.
    Raises ValueError with a sentence where the weights are missing, damaged, or of another network.
    """
    if specimen.weights == "random":
        row = variant(specimen.variant)
        plain = Preprocess(
            size=row.input_size,
            channels=row.channels,
            mean=(0.5,) * row.channels,
            deviation=(0.25,) * row.channels,
        )
        count = specimen.num_classes or row.num_classes
        return Loaded(
            model=specimen.build(), preprocess=plain, labels=tuple(f"class {i}" for i in range(count))
        )
    if specimen.weights == "imagenet":
        return _imagenet(specimen)
    return load_file(path_of(specimen.weights), specimen)


def load_file(path: Path, specimen: Specimen | None = None) -> Loaded:
    """The network that a checkpoint holds; ValueError as in `load`, also where it is not the `specimen`."""
    with _checked(path) as (file, facts):
        if specimen is not None:
            _demand_same(specimen, facts.specimen, path)
        names = _demand_fitting(file, facts, path)
        model = facts.build()
        with torch.no_grad():
            for name, tensor in model.state_dict().items():
                if name in names:
                    tensor.copy_(file.get_tensor(MODEL + name))
    return Loaded(model=model, preprocess=facts.preprocess, labels=facts.classes)


def _imagenet(specimen: Specimen) -> Loaded:
    from zoo import imagenet  # which reads this file's records

    if specimen != Specimen(specimen.variant, weights="imagenet"):
        title = variant(specimen.variant).title
        raise ValueError(f"ImageNet's weights fit {title} as published, without turned knobs or classes.")
    tensors = imagenet.read(specimen.variant)
    model = specimen.skeleton()  # numbers drawn from a seed would only take time and memory
    state = model.state_dict()
    if [(t.shape, t.is_floating_point()) for t in state.values()] != [
        (t.shape, t.is_floating_point()) for t in tensors
    ]:
        raise ValueError(f"The weights on this disk are not those of {variant(specimen.variant).title}.")
    numbers = [t.float() if t.is_floating_point() else t for t in tensors]
    model.load_state_dict(dict(zip(state, numbers, strict=True)), assign=True)
    return Loaded(model=model, preprocess=imagenet.preprocess(specimen.variant), labels=imagenet.labels())


def describe(weights: str) -> Facts:
    """What the checkpoint of this name (`shipped:...`, `run:...`) says of itself; ValueError as in `load`."""
    return describe_file(path_of(weights))


def describe_file(path: Path) -> Facts:
    """The same of a checkpoint that lies anywhere."""
    with _checked(path) as (_, facts):
        return facts


def specimen_of(weights: str) -> Specimen:
    """The specimen that a checkpoint holds; ValueError as in `load`."""
    facts = describe(weights)
    return Specimen(
        facts.variant, weights=weights, num_classes=len(facts.classes), knobs=tuple(facts.knobs.items())
    )


def path_of(weights: str) -> Path:
    """The file of weights called `shipped:<name>` or `run:<id>@<epoch, last or best>`."""
    match = WEIGHTS.fullmatch(weights)
    if match is None or weights == "random":
        raise ValueError(f"There is no checkpoint called {weights[:80]!r}.")
    if name := match["shipped"]:
        path = SHIPPED / f"{name}.safetensors"
        if not path.is_file():
            raise ValueError(f"There is no shipped checkpoint called {name!r}. {nearest(name, shipped())}")
        return path
    folder, moment = runs_root() / match["run"], match["moment"]
    if not folder.is_dir():
        raise ValueError(f"There is no run called {match['run']!r} on this machine.")
    name = f"{int(moment):04d}" if moment.isdigit() else moment
    path = folder / "checkpoints" / f"{name}.safetensors"
    if not path.is_file():
        found = sorted(each.stem for each in path.parent.glob("*.safetensors"))
        kept = ", ".join(stem.lstrip("0") or "0" for stem in found) or "none yet"
        raise ValueError(f"The run {match['run']} has no checkpoint {moment!r}. Kept are: {kept}.")
    return path


def save(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write a checkpoint in one go: a reader sees the old file or the whole new one, never half of it.

    The network's tensors are called "model.<name>"; `facts` are JSON and hold all of `Facts`.
    """
    from safetensors.torch import save as to_bytes

    Facts.from_dict(facts)
    copies = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
    content = to_bytes(copies, {KEY: json.dumps(dict(facts))})
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """All tensors of a checkpoint and all it says of itself, to go on training from.

    The network's tensors are checked as in `load`; what the rest means is up to the caller. ValueError with a
    sentence for a file that is damaged or holds another network than it says.
    """
    with _checked(path) as (file, facts):
        _demand_fitting(file, facts, path)
        return {name: file.get_tensor(name) for name in file.keys()}, _said(file, path)  # noqa: SIM118


@contextmanager
def _checked(path: Path) -> Iterator[tuple[Any, Facts]]:
    """The open file (safetensors' safe_open) and what it says; every failure is a ValueError."""
    from safetensors import SafetensorError, safe_open

    try:
        size = path.stat().st_size
        with path.open("rb") as raw:
            start = raw.read(8)
        header = struct.unpack("<Q", start)[0] if len(start) == 8 else LARGEST_HEADER + 1
        if size > LARGEST_FILE or header > LARGEST_HEADER:
            raise ValueError(f"{_called(path)} is no checkpoint: it is cut off or far too large.")
        with safe_open(path, framework="pt") as file:
            try:
                facts = Facts.from_dict(_said(file, path))
            except ValueError as error:
                raise ValueError(f"{_called(path)} cannot be used: {error}") from None
            yield file, facts
    except FileNotFoundError:
        raise ValueError(f"{_called(path)} is no longer there.") from None
    except OSError as error:
        raise ValueError(f"{_called(path)} cannot be read: {error.strerror or error}.") from None
    except SafetensorError:
        raise ValueError(f"{_called(path)} is damaged: it is no whole safetensors file.") from None


def _said(file: Any, path: Path) -> dict[str, Any]:
    """The JSON that a file carries."""
    try:
        said: Any = json.loads((file.metadata() or {}).get(KEY, ""))
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise ValueError("it does not say what it holds.")
    return said


def _demand_same(wanted: Specimen, held: Specimen, path: Path) -> None:
    """ValueError where the specimen is another network than the checkpoint's."""
    if wanted.variant != held.variant or wanted.knobs != held.knobs:
        other = variant(held.variant).title + (" with other knobs" if wanted.variant == held.variant else "")
        raise ValueError(f"{_called(path)} holds {other}, not this {variant(wanted.variant).title}.")
    if wanted.num_classes != held.num_classes:
        counts = [each.num_classes or variant(each.variant).num_classes for each in (held, wanted)]
        raise ValueError(f"{_called(path)} tells {counts[0]} classes apart, not {counts[1]}.")


def _demand_fitting(file: Any, facts: Facts, path: Path) -> set[str]:
    """The names of the network's tensors; ValueError unless they are all there, each in its shape."""
    try:
        skeleton = facts.skeleton().state_dict()
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{_called(path)} describes a network that cannot be: {error}") from None
    names = {name.removeprefix(MODEL) for name in file.keys() if name.startswith(MODEL)}  # noqa: SIM118
    if odd := sorted(names ^ set(skeleton)):
        what = "lacks" if odd[0] in skeleton else "has a part that the network does not have:"
        raise ValueError(f"{_called(path)} does not fit its network: it {what} {odd[0][:LONGEST_WORD]}.")
    for name, expected in skeleton.items():
        held = file.get_slice(MODEL + name)
        kinds = _NUMBERS if expected.is_floating_point() else {"I64"}
        if tuple(held.get_shape()) != tuple(expected.shape) or held.get_dtype() not in kinds:
            raise ValueError(
                f"{_called(path)} does not fit its network: {name} is {held.get_dtype()} "
                f"{'×'.join(map(str, held.get_shape()))}, not {'×'.join(map(str, expected.shape))}."
            )
    return names


def _called(path: Path) -> str:
    """How a sentence names a checkpoint: without the folders that lead to it."""
    if path.parent == SHIPPED:
        return f"The shipped checkpoint {path.stem}"
    return f"The checkpoint {path.stem} of the run {path.parent.parent.name}"


def _words(values: object) -> bool:
    return isinstance(values, tuple) and all(
        isinstance(v, str) and 0 < len(v) <= LONGEST_WORD and v.isprintable() for v in values
    )


def _whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _number(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
