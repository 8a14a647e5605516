"""The layers a class activation map may look at, in order of depth, and which of them to look at first.

A layer's output lies over the picture in one of three ways, its `kind`: as maps (1, C, h, w), channels last
(1, h, w, C), or as tokens (1, N, C), of which N - 1 are patches in rows if the first is a class token.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from torch import Tensor, nn

from viz import hooks
from zoo import FAMILIES
from zoo.layers import SamePad

Kind = Literal["maps", "channels last", "tokens"]

_POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d)
_MAPS = (nn.Conv2d, nn.BatchNorm2d, *_POOLS)
_CHANNELS_LAST = (nn.Linear, nn.LayerNorm)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A module whose output still knows where in the picture something is."""

    path: str  # of the innermost module that gives this output: "stages.3.1.relu2"
    title: str  # what a reader may choose by
    kind: Kind
    shape: tuple[int, int, int]  # C, h, w
    ends: tuple[str, ...]  # modules around it with the same output, from the inside: "stages.3.1", "stages.3"
    pools: bool  # whether it only makes smaller what another layer saw


@dataclass(frozen=True, kw_only=True)
class Best:
    """The layer to look at first, and why, in a sentence."""

    path: str
    reason: str


def layers(model: nn.Module, image: Tensor) -> tuple[Layer, ...]:
    """All layers with more than one position that take part in looking at `image` (1, C, H, W), by depth.

    One pass. Modules that hand on the output of another are not listed again. Raises ValueError where the
    network keeps no positions at all.
    """
    watch = Watch()
    hooks.visit(model, image, watch.see)
    return watch.layers()


def best(family: str | None, model: nn.Module, image: Tensor) -> Best:
    """Where the family's maps mean most and still say where; `family` None: of what the network is one.

    The rule is one for all: the last layer before positions are given up, by averaging or by a linear layer
    over all of them. Exceptions are in EXCEPTIONS.
    """
    watch = Watch()
    logits = hooks.visit(model, image, watch.see)
    return watch.best(family or family_of(model), logits.shape[1])


# Family -> how the path of its layer ends, and why it is not the one of the general rule.
EXCEPTIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "vit": (
            ".norm1",
            "The first norm of the last block. Only the class token is read out, so behind the last "
            "attention no other token has a say: the gradients of all patches are zero there. "
            "The map leaves the class token out.",
        ),
        "swin": (
            ".norm2",
            "The second norm of the last block, behind its attention and before its MLP. "
            "The first norm, before the attention, gives maps that are heavy on the background.",
        ),
    }
)


def family_of(model: nn.Module) -> str | None:
    """Key of the family whose network this is; None for a network from elsewhere."""
    return next((family.key for family in FAMILIES.values() if family.model is type(model)), None)


def as_maps(output: Tensor, kind: Kind) -> Tensor:
    """A layer's output, or a gradient of its shape, as (1, C, h, w); a class token is left out.

    Raises ValueError for tokens that fill no square, with or without a class token.
    """
    if kind == "maps":
        return output
    if kind == "channels last":
        return output.permute(0, 3, 1, 2)
    side = _side(output.shape[1])
    if side is None:
        raise ValueError(f"{output.shape[1]} tokens fill no square, with or without a class token.")
    patches = output[:, output.shape[1] - side**2 :]
    return patches.transpose(1, 2).reshape(len(output), output.shape[2], side, side)


def kind_of(model: nn.Module, image: Tensor, path: str, output: Tensor) -> Kind:
    """How the output of the module at `path` for `image` lies over the picture.

    Raises ValueError, with a sentence, where it says nothing about where.
    """
    if kind := _kind(model.get_submodule(path), output, None):
        return kind
    for layer in layers(model, image):
        if path in (layer.path, *layer.ends):
            return layer.kind
    raise ValueError(f"The layer {path!r} says nothing about where in the picture something is.")


def _side(tokens: int) -> int | None:
    """Rows of the square that so many tokens fill, a class token aside."""
    return next((math.isqrt(n) for n in (tokens, tokens - 1) if n > 1 and math.isqrt(n) ** 2 == n), None)


class Watch:
    """Takes down a network's layers during a pass that shows `see` all modules, as `hooks.visit` does."""

    def __init__(self) -> None:
        self._found: dict[str, Layer] = {}
        self._before: Tensor | None = None
        self._last = ""
        self._joint: type[nn.Module] | None = None  # what comes first when there are no positions

    def see(self, path: str, module: nn.Module, output: Tensor) -> None:
        """A module has run."""
        pools = isinstance(module, _POOLS)
        if output is self._before:
            if inner := self._found.get(self._last):
                self._found[self._last] = _layer(
                    inner.path, inner.kind, inner.shape, (*inner.ends, path), inner.pools or pools
                )
            return
        self._before, self._last = output, path
        kind = _kind(module, output, [*self._found.values()][-1].kind if self._found else "maps")
        if kind is None:
            self._joint = self._joint or type(module)
            return
        self._joint = None
        _, channels, height, width = as_maps(output, kind).shape
        self._found.pop(path, None)  # a module that is called again counts where it is called last
        self._found[path] = _layer(path, kind, (channels, height, width), (), pools)

    def layers(self) -> tuple[Layer, ...]:
        """As `layers`."""
        if not self._found:
            raise ValueError("No layer of this network says where in the picture something is.")
        return tuple(self._found.values())

    def best(self, family: str | None, classes: int) -> Best:
        """As `best`, of a network that answers about so many classes."""
        found = self.layers()
        if exception := EXCEPTIONS.get(family or ""):
            end, reason = exception
            return Best(path=[layer.path for layer in found if layer.path.endswith(end)][-1], reason=reason)
        layer = [layer for layer in found if not layer.pools][-1]
        if not issubclass(self._joint or nn.Identity, nn.AdaptiveAvgPool2d):
            reason = (
                "The last layer with more than one position. What follows joins them all; "
                "a pool in between would only make the map coarser."
            )
        elif layer.shape[0] == classes:
            reason = (
                "The last layer has one map for each class, and the network answers with their averages: "
                "the map of a class is its evidence."
            )
        else:
            reason = (
                "The last layer before the network averages over all positions: "
                "its maps mean most, and behind it nothing says where any more."
            )
        return Best(path=layer.path, reason=reason)


def _layer(path: str, kind: Kind, shape: tuple[int, int, int], ends: tuple[str, ...], pools: bool) -> Layer:
    named = [end for end in ends if "." in end] or list(ends)
    end = f", end of {named[-1]}" if named else ""
    channels, height, width = shape
    title = f"{path}{end}: {channels} maps of {height} × {width}"
    return Layer(path=path, title=title, kind=kind, shape=shape, ends=ends, pools=pools)


def _kind(module: nn.Module, output: Tensor, previous: Kind | None) -> Kind | None:
    """How an output lies over the picture; None where not. `previous` decides where all sides are equal."""
    # Swin's windows; the scores of an attention; zeros around the maps, which move them
    if len(output) != 1 or isinstance(module, nn.Softmax | SamePad):
        return None
    if output.ndim == 3:
        return "tokens" if _side(output.shape[1]) is not None else None
    if output.ndim != 4:
        return None
    _, first, middle, last = output.shape
    kind = previous
    if isinstance(module, _MAPS) or middle == last != first:
        kind = "maps"
    elif type(module) in _CHANNELS_LAST or first == middle != last:
        kind = "channels last"
    positions = first * middle if kind == "channels last" else middle * last
    return kind if positions > 1 else None
