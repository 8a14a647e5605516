"""Which pictures of a set excite each map of each layer most: an index, from one pass over the set.

Zeiler, Fergus 2013 (arXiv:1311.2901), figure 2, shows the nine strongest activations of a map, each from
another picture. To find them for all maps of all layers, the channel maxima of each batch are merged into the
nine that are known: nothing is computed for a map by itself.

B images, C channels, H x W pixels.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from viz import hooks, layers
from viz.layers import Layer

TOP = 9  # as in figure 2
_FORM = "1"  # of the files; what is written otherwise is not read
_KEY = "zoolens"
_PARTS = ("values", "pictures", "positions")


@dataclass(frozen=True, kw_only=True, eq=False)
class Top:
    """The strongest units of each of C maps, the strongest first, at most one of each picture.

    Of equal ones the earlier picture comes first, and of a picture's the upper left one. Where there were
    fewer pictures, the numbers of the pictures are -1, and the values -inf.
    """

    values: Tensor  # float32 (C, n)
    pictures: Tensor  # int32 (C, n), counted from 0 in the order of the set
    positions: Tensor  # int16 (C, n, 2): row and column in the map


@dataclass(frozen=True, kw_only=True, eq=False)
class Strongest:
    """The index: by path of the layer."""

    layers: Mapping[str, Top]
    count: int  # pictures seen


def convolutional(model: nn.Module, image: Tensor) -> tuple[Layer, ...]:
    """Where the maps of each convolution are looked at: behind the norm and the rectifier that follow it.

    In order of depth; `image` (1, C, H, W) is run through once. ValueError where no layer knows of places.
    """
    found: list[Layer] = []
    modules = dict(model.named_modules())
    for layer in layers.layers(model, image):
        if layer.kind != "maps" or layer.pools:
            continue
        if isinstance(modules[layer.path], nn.Conv2d):
            found.append(layer)
        elif found and layer.shape == found[-1].shape and isinstance(modules[layer.path], _AFTER):
            found[-1] = layer
    if not found:
        raise ValueError("This network has no convolution whose maps say where in the picture something is.")
    return tuple(found)


# What only rescales or cuts off the maps of a convolution.
_AFTER = (nn.BatchNorm2d, nn.ReLU, nn.ReLU6, nn.GELU, nn.SiLU, nn.Hardswish, nn.Tanh)


def scan(
    model: nn.Module, batches: Iterable[Tensor], paths: Sequence[str], top: int = TOP
) -> Iterator[Strongest]:
    """One pass over pictures (B, C, H, W) for the network; gives what is known after each batch.

    `paths` are modules that put out maps (B, c, h, w). ValueError for one that does not, or takes no part.
    """
    known: dict[str, Top] = {}
    count = 0
    for images in batches:
        seen = _seen(model, images, paths, count)
        known = {path: _merged(known.get(path), seen[path], top) for path in paths}
        count += len(images)
        yield Strongest(layers=MappingProxyType(known), count=count)


def _seen(model: nn.Module, images: Tensor, paths: Sequence[str], before: int) -> dict[str, Top]:
    """The maxima of one batch, whose first picture has the number `before`. No map is kept."""
    seen: dict[str, Top] = {}

    def see(path: str, module: nn.Module, output: Tensor) -> None:
        if path in paths:
            seen[path] = _maxima(path, output, before)

    hooks.visit(model, images, see)
    if missing := [path for path in paths if path not in seen]:
        raise ValueError(f"The layer {missing[0]!r} takes no part in looking at a picture.")
    return seen


def _maxima(path: str, output: Tensor, before: int) -> Top:
    """The strongest unit of each map in each picture of a batch: (C, B)."""
    if output.ndim != 4:
        raise ValueError(f"{path!r} gives {tuple(output.shape)}, which are no maps (B, c, h, w).")
    values, places = output.flatten(2).max(2)  # (B, C); of equal ones the first
    width = output.shape[3]
    pictures = torch.arange(before, before + len(output), dtype=torch.int32)
    return Top(
        values=values.T.float(),
        pictures=pictures.expand(values.shape[1], -1),
        positions=torch.stack([places.T // width, places.T % width], dim=2).to(torch.int16),
    )


def _merged(known: Top | None, new: Top, top: int) -> Top:
    """The `top` strongest of both; where there are not yet as many, the rest is empty."""
    known = known or _none(len(new.values), top)
    values, pictures, positions = (
        torch.cat([getattr(known, part), getattr(new, part)], dim=1) for part in _PARTS
    )
    # Stable: known ones come first among equals, and so do earlier pictures. Empty places come last.
    order = values.sort(dim=1, descending=True, stable=True).indices[:, :top]  # (C, top)
    return Top(
        values=values.gather(1, order),
        pictures=pictures.gather(1, order),
        positions=positions.gather(1, order[:, :, None].expand(-1, -1, 2)),
    )


def _none(channels: int, top: int) -> Top:
    return Top(
        values=torch.full((channels, top), -torch.inf),
        pictures=torch.full((channels, top), -1, dtype=torch.int32),
        positions=torch.zeros((channels, top, 2), dtype=torch.int16),
    )


_digests: WeakKeyDictionary[nn.Module, str] = WeakKeyDictionary()


def digest(model: nn.Module) -> str:
    """A name for a network's numbers, as nobody changes them: computed once for each network in memory."""
    if model not in _digests:
        made = hashlib.sha256(type(model).__qualname__.encode())
        for name, tensor in model.state_dict().items():
            made.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            made.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        _digests[model] = made.hexdigest()[:32]
    return _digests[model]


def save(path: Path, strongest: Strongest, digest: str) -> None:
    """Write an index in one go; `digest` names the network and the set it is of. OSError as from disks."""
    from safetensors.torch import save as to_bytes

    tensors = {
        f"{layer}/{part}": getattr(top, part).contiguous()
        for layer, top in strongest.layers.items()
        for part in _PARTS
    }
    facts = {"form": _FORM, "digest": digest, "count": strongest.count, "paths": list(strongest.layers)}
    content = to_bytes(tensors, {_KEY: json.dumps(facts)})
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".writing")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def read(path: Path, digest: str) -> Strongest | None:
    """The index in a file; None where there is none, it is damaged, or of something else than `digest`."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {}).get(_KEY, "{}"))
            if (facts.get("form"), facts.get("digest")) != (_FORM, digest):
                return None
            found = {
                layer: Top(**{part: file.get_tensor(f"{layer}/{part}") for part in _PARTS})
                for layer in facts["paths"]
            }
            return Strongest(layers=MappingProxyType(found), count=int(facts["count"]))
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError):
        return None
