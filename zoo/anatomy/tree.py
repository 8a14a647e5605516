"""The tree of blocks over the layers: modules as the network nests them, equal neighbours folded."""

from collections.abc import Mapping
from itertools import groupby

from zoo.anatomy.records import Block, Layer


def grow(classes: Mapping[str, type], layers: tuple[Layer, ...], path: str = "") -> Block:
    """The layers under the modules that ran them, from the module at `path` down.

    `classes` holds the class of every module by its path. A module of one operation is that layer.
    """
    children: list[Block | Layer] = []
    for part, run in groupby(layers, key=lambda layer: _next_part(path, layer)):
        mine = tuple(run)
        if part is None:
            children.extend(mine)
        elif len(mine) == 1 and mine[0].id == part:
            children.append(mine[0])
        else:
            children.append(grow(classes, mine, part))
    return Block(path, path.rsplit(".", 1)[-1], classes[path].__name__, tuple(_fold(children)))


def _next_part(path: str, layer: Layer) -> str | None:
    """The module just below `path` in which the layer ran; None where `path` ran it itself."""
    if layer.path == path:
        return None
    rest = layer.path[len(path) + 1 :] if path else layer.path
    return f"{path}.{rest.split('.')[0]}".lstrip(".")


def _fold(children: list[Block | Layer]) -> list[Block | Layer]:
    """Neighbouring blocks of one build as one block that repeats; single layers stay as they are."""
    found: list[Block | Layer] = []
    for _, run in groupby(
        children, key=lambda child: _signature(child) if isinstance(child, Block) else id(child)
    ):
        mine = list(run)
        first, last = mine[0], mine[-1]
        if len(mine) > 1 and isinstance(first, Block) and isinstance(last, Block):
            label = f"{first.label}–{last.label}"
            mine = [Block(f"{first.id}-{last.label}", label, first.cls, tuple(mine), len(mine))]
        found += mine
    return found


def _signature(child: Block | Layer) -> tuple[object, ...]:
    if isinstance(child, Layer):
        return child.kind, child.label, child.shape, child.factors, tuple(shape for _, shape in child.weights)
    return child.cls, tuple(_signature(c) for c in child.children)
