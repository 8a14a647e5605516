"""The tree of blocks over the layers: modules as the network nests them, equal ones in a row folded."""

from collections.abc import Mapping
from itertools import groupby

from zoo.anatomy.records import Block, Layer


def grow(classes: Mapping[str, type], layers: tuple[Layer, ...]) -> Block:
    """The layers under the modules that ran them.

    `classes` holds the class of every module by its path. A module of one operation is that layer.
    """
    return _grow(classes, {layer.id: i for i, layer in enumerate(layers)}, layers, "")


def _grow(
    classes: Mapping[str, type], positions: Mapping[str, int], layers: tuple[Layer, ...], path: str
) -> Block:
    children: list[Block | Layer] = []
    for part, run in groupby(layers, key=lambda layer: _next_part(path, layer)):
        mine = tuple(run)
        if part is None:
            children.extend(mine)
        elif len(mine) == 1 and mine[0].id == part:
            children.append(mine[0])
        else:
            children.append(_grow(classes, positions, mine, part))
    folded = tuple(_fold(children, positions))
    return Block(path, path.rsplit(".", 1)[-1], classes[path].__name__, folded)


def _next_part(path: str, layer: Layer) -> str | None:
    """The module just below `path` in which the layer ran; None where `path` ran it itself."""
    if layer.path == path:
        return None
    rest = layer.path[len(path) + 1 :] if path else layer.path
    return f"{path}.{rest.split('.')[0]}".lstrip(".")


def _fold(children: list[Block | Layer], positions: Mapping[str, int]) -> list[Block | Layer]:
    """Blocks of one build, each fed by the one before, as one that repeats; all else stays as it is."""
    runs: list[list[Block | Layer]] = []
    for child in children:
        if runs and _goes_on(runs[-1][-1], child, positions):
            runs[-1].append(child)
        else:
            runs.append([child])
    return [_repeated(run) for run in runs]


def _goes_on(before: Block | Layer, child: Block | Layer, positions: Mapping[str, int]) -> bool:
    """Whether two blocks stand in a row: named and built alike, and the second reads what the first wrote.

    Branches side by side, however alike, stay apart.
    """
    if isinstance(before, Layer) or isinstance(child, Layer):
        return False
    if _stem(before.label) != _stem(child.label) or _signature(before) != _signature(child):
        return False
    start, stop = (positions[next(block.layers()).id] for block in (before, child))
    return any(start <= i < stop for layer in child.layers() for i in layer.inputs)


def _stem(label: str) -> str:
    """What counted names have in common: block0 and block1, 3 and 4, b and c."""
    return "" if len(label) == 1 else label.rstrip("0123456789")


def _repeated(run: list[Block | Layer]) -> Block | Layer:
    first, last = run[0], run[-1]
    if len(run) == 1 or isinstance(first, Layer):
        return first
    label = f"{first.label}–{last.label}"
    return Block(f"{first.id}-{last.label}", label, first.cls, tuple(run), len(run))


def _signature(child: Block | Layer) -> tuple[object, ...]:
    if isinstance(child, Layer):
        return child.kind, child.label, child.shape, child.factors, tuple(shape for _, shape in child.weights)
    return child.cls, tuple(_signature(c) for c in child.children)
