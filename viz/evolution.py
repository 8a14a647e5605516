"""How the maps of a network come to answer to what they answer to: one look at every kept epoch of a run.

Zeiler, Fergus 2013 (arXiv:1311.2901), section 4 and figure 4: per map and epoch the strongest activation over
all pictures, sent back to the pixels; where another picture became the strongest, the projection jumps.

N pictures, C maps of a layer, h x w units of a map, E epochs.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from viz import hooks

Numbers = NDArray[np.float32]
Whole = NDArray[np.int64]

_LAYERS = 12  # of a deep network, as many as a chart can show


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A convolution, and the module whose output is what it answers after its rectifier."""

    path: str  # of the module whose maps are looked at: "stages.2.relu"
    conv: str  # of the convolution: "stages.2.conv"
    depth: int  # 1 for the first of the network
    maps: int
    size: tuple[int, int]  # h, w


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """What the maps of a layer answer to a set of pictures, at one epoch."""

    values: Numbers  # (N, C), the strongest unit of each map in each picture
    winners: Whole  # (C,), the picture with the strongest of all; -1 for a map that answers to none
    strongest: Numbers  # (C,), that unit's activation
    places: Whole  # (C, 2), row and column of that unit in its map
    filters: Numbers  # (C, K), the weights of each map's filter in a row


def stages(model: nn.Module, image: Tensor) -> tuple[Stage, ...]:
    """The convolutions whose maps have more than one position, by depth, each with its rectifier's output.

    Of a deep network, _LAYERS from the first to the last at even distances. Raises ValueError, with a
    sentence, for a network that is not made of convolutions.
    """
    found: list[Stage] = []
    waiting: list[Stage] = []  # convolutions since the last rectifier

    def see(path: str, module: nn.Module, output: Tensor) -> None:
        if output.ndim != 4 or output.shape[2] * output.shape[3] < 2:
            return
        shape = tuple(output.shape[1:])
        if isinstance(module, nn.Conv2d):
            size = (shape[1], shape[2])
            waiting.append(Stage(path=path, conv=path, depth=0, maps=shape[0], size=size))
        elif isinstance(module, nn.ReLU | nn.ReLU6):
            same = [each for each in waiting if (each.maps, *each.size) == shape]
            for each in waiting:
                if each not in same:
                    found.append(each)
                elif each is same[0]:  # a shortcut's convolution is a part of the same sum
                    found.append(replace(each, path=path))
            waiting.clear()

    hooks.visit(model, image, see)
    found = [replace(each, depth=depth) for depth, each in enumerate([*found, *waiting], 1)]
    if len(found) < 2:
        raise ValueError("This network is not made of convolutions: it has no maps to watch.")
    if len(found) <= _LAYERS:
        return tuple(found)
    kept = sorted({round(at) for at in np.linspace(0, len(found) - 1, _LAYERS)})
    return tuple(found[at] for at in kept)


def watch(
    model: nn.Module, batches: Iterable[Tensor], layers: Sequence[Stage]
) -> Iterator[Mapping[str, Answers]]:
    """One pass over pictures in batches (B, C, H, W); by path, what is known after each batch."""
    values: dict[str, list[Numbers]] = {layer.path: [] for layer in layers}
    places: dict[str, list[Whole]] = {layer.path: [] for layer in layers}
    filters = {layer.path: _filters(model, layer.conv) for layer in layers}
    for batch in batches:
        outputs = hooks.observe(model, batch, list(values)).outputs
        for path, maps in outputs.items():
            strongest, place = maps.flatten(2).max(2)
            values[path].append(strongest.float().numpy())
            places[path].append(place.numpy())
        yield {
            layer.path: _answers(
                np.concatenate(values[layer.path]), np.concatenate(places[layer.path]), layer.size[1],
                filters[layer.path],
            )
            for layer in layers
        }  # fmt: skip


def _answers(values: Numbers, places: Whole, width: int, filters: Numbers) -> Answers:
    """`places` (N, C): the flat index of each strongest unit in a map `width` units wide."""
    winners, strongest = values.argmax(0), values.max(0)
    flat = places[winners, np.arange(len(winners))]
    return Answers(
        values=values,
        winners=np.where(strongest > 0, winners, -1),
        strongest=strongest,
        places=np.stack([flat // width, flat % width], axis=1),
        filters=filters,
    )


def _filters(model: nn.Module, path: str) -> Numbers:
    weight: Tensor = model.get_submodule(path).get_parameter("weight")
    return weight.detach().flatten(1).float().numpy().copy()


def jumps(winners: Whole) -> NDArray[np.bool_]:
    """(E, C) of each epoch's winners: where a map's is another than at the epoch before it."""
    moved = np.zeros(winners.shape, np.bool_)
    moved[1:] = winners[1:] != winners[:-1]
    return moved


def alike(one: Numbers, other: Numbers) -> float:
    """Pearson's correlation of rows (C, K) with the rows of another epoch, averaged over the maps: -1..1.

    A row without any variation, such as that of a map that is silent, correlates with nothing and is left
    out; NaN where all are.
    """
    a, b = (rows - rows.mean(1, keepdims=True) for rows in (one.astype(np.float64), other.astype(np.float64)))
    length = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    there = length > 0
    if not there.any():
        return float("nan")
    return float(np.mean((a * b).sum(1)[there] / length[there]))


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How much of a layer is as it is at another epoch, of all its maps."""

    filters: float  # correlation of the weights, -1..1
    answers: float  # correlation, over the pictures, of each map's strongest activation, -1..1
    winners: float  # share of the maps with the same winner, 0..1


def likeness(one: Answers, other: Answers) -> Likeness:
    """Of two epochs of a layer, over the same pictures."""
    return Likeness(
        filters=alike(one.filters, other.filters),
        answers=alike(one.values.T, other.values.T),
        winners=float(np.mean(one.winners == other.winners)),
    )


def settled(to_last: Sequence[float], least: float) -> int | None:
    """The first position from which on all stay at least as alike to the last; None: not before the last."""
    below = [at for at, value in enumerate(to_last) if not value >= least]
    first = below[-1] + 1 if below else 0
    return first if first < len(to_last) - 1 else None


def save(
    path: Path, layers: Sequence[Stage], epochs: Mapping[str, Mapping[str, Answers]], pictures: str
) -> None:
    """Keep the answers of a run's epochs in a small file: by the digest of the weights, and by layer.

    `pictures` names the set. Values go as float16; filters are left out, the weights have them.
    """
    from safetensors.numpy import save_file

    tensors: dict[str, NDArray[np.generic]] = {}
    for digest, by_layer in epochs.items():
        for layer, each in by_layer.items():
            tensors |= {
                f"{digest}/{layer}/values": each.values.astype(np.float16),
                f"{digest}/{layer}/winners": each.winners.astype(np.int16),
                f"{digest}/{layer}/strongest": each.strongest,
                f"{digest}/{layer}/places": each.places.astype(np.int16),
            }
    said = {"pictures": pictures, "layers": json.dumps([asdict(layer) for layer in layers])}
    save_file(tensors, path, said)


def read(
    path: Path, digest: str, pictures: str, filters: Callable[[str], Numbers]
) -> tuple[tuple[Stage, ...], Mapping[str, Answers]] | None:
    """Layers and answers of the weights with this digest to this set; None where the file does not have them.

    `filters` gives the weights of a convolution, by its path, as rows (C, K).
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            said = file.metadata() or {}
            if said.get("pictures") != pictures:
                return None
            layers = tuple(
                Stage(**each | {"size": tuple(each["size"])}) for each in json.loads(said["layers"])
            )
            answers = {}
            for layer in layers:
                at = f"{digest}/{layer.path}"
                answers[layer.path] = Answers(
                    values=file.get_tensor(f"{at}/values").astype(np.float32),
                    winners=file.get_tensor(f"{at}/winners").astype(np.int64),
                    strongest=file.get_tensor(f"{at}/strongest"),
                    places=file.get_tensor(f"{at}/places").astype(np.int64),
                    filters=filters(layer.conv),
                )
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None
    return layers, answers
