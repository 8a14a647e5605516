"""Two networks laid beside each other: stages matched by resolution, layers in them by what they compute.

Names play no part. A layer stands at a scale: how often its map has been halved since the image, so that a
network for 299 pixels meets one for 224 where both work on an eighth of the image. Within a scale the layers
are two sequences, and the matching with the highest score keeps their order. It is found as the longest
common subsequence is (Needleman and Wunsch 1970, gaps are free), with a score for how much two layers have in
common.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from zoo.anatomy.records import Anatomy, Block, Layer
from zoo.anatomy.scales import Stage, maps, stages

SAME, CHANGED, ONLY = "same", "changed", "only"
INPUT = "input"  # the id of the image in a layer graph

# What it is worth to match two layers of a kind: layers that compute count more than those that rearrange.
_WORTH = {"conv": 16, "linear": 16, "matmul": 12, "softmax": 8, "pool": 8, "add": 8, "concat": 8, "norm": 6,
          "act": 4, "reshape": 1, "dropout": 1}  # fmt: skip
_OTHER = 4
_ALIKE, _SIMILAR = 0.7, 0.4  # share of it for the same operation on other channels, and for the same kind
_AHEAD = 16  # layers: how far the choice among equal matchings looks
_PLACED = 0.1  # more where both have the same place in their blocks

_Signature = tuple[str, str, tuple[tuple[int, ...], ...], int]


@dataclass(frozen=True)
class Alignment:
    """Two or more networks against the first of them."""

    stages: tuple[tuple[Stage, ...], ...]  # of each network
    marks: tuple[Mapping[str, str], ...]  # of each network: layer or block -> same, changed or only
    _to_first: tuple[Mapping[str, str], ...]  # of each but the first: ids -> the first's
    _from_first: tuple[Mapping[str, str], ...]  # the way back

    @cached_property
    def scales(self) -> tuple[int | None, ...]:
        """All that occur, from the image to the head."""
        found = {stage.scale for stages in self.stages for stage in stages}
        return (*sorted(scale for scale in found if scale is not None), None)

    def counterparts(self, network: int, id: str) -> tuple[str | None, ...]:
        """What stands for layer or block `id` of a network in each network; None where nothing does."""
        first = self._to_first[network - 1].get(id) if network else id
        others = [back.get(first) if first is not None else None for back in self._from_first]
        found = [first, *others]
        found[network] = id
        return tuple(found)


def align(anatomies: Sequence[Anatomy]) -> Alignment:
    """Every network against the first one.

    With two networks the marks say the same from both sides. With more, a part of the first is the same if it
    is so in all others, and only there if none of the others has it.
    """
    first, others = anatomies[0], anatomies[1:]
    matches = [_match(first, other) for other in others]
    marks = [_all_marks([match.marks[0] for match in matches])] + [match.marks[1] for match in matches]
    return Alignment(
        stages=tuple(map(stages, anatomies)),
        marks=tuple(marks),
        _to_first=tuple(match.counterparts[1] for match in matches),
        _from_first=tuple(match.counterparts[0] for match in matches),
    )


@dataclass(frozen=True)
class _Match:
    """One network and another: marks and counterparts of the parts of each."""

    marks: tuple[dict[str, str], dict[str, str]]
    counterparts: tuple[dict[str, str], dict[str, str]]


def _match(one: Anatomy, other: Anatomy) -> _Match:
    pairs = _pairs(one, other)
    signatures = _signatures(one), _signatures(other)
    same = {(a, b) for a, b in pairs if signatures[0][a] == signatures[1][b]}
    back = [(b, a) for a, b in pairs]
    there = _sides(one, other, pairs, same)
    here = _sides(other, one, back, {(b, a) for a, b in same})
    return _Match((there[0], here[0]), (there[1], here[1]))


def _sides(
    mine: Anatomy, theirs: Anatomy, pairs: Sequence[tuple[int, int]], same: set[tuple[int, int]]
) -> tuple[dict[str, str], dict[str, str]]:
    """Marks and counterparts of one network's parts: of its layers, then of the blocks around them."""
    partner = dict(pairs)
    marks = {INPUT: SAME if mine.input_size == theirs.input_size else CHANGED}
    counterparts = {INPUT: INPUT}
    for i, layer in enumerate(mine.layers):
        if i in partner:
            marks[layer.id] = SAME if (i, partner[i]) in same else CHANGED
            counterparts[layer.id] = theirs.layers[partner[i]].id
        else:
            marks[layer.id] = ONLY
    around = _around(theirs)
    sizes = {block.id: sum(1 for _ in block.layers()) for block in blocks(theirs.tree)}
    place = {layer.id: i for i, layer in enumerate(mine.layers)}
    parent: dict[str, str] = {}
    for block in blocks(mine.tree):
        inside = [place[layer.id] for layer in block.layers()]
        matched = [partner[i] for i in inside if i in partner]
        shared: dict[str, int] = {}
        for j in matched:
            for id in around[j]:
                shared[id] = shared.get(id, 0) + 1
        for child in block.children:
            parent[child.id] = block.id
        if not shared:
            marks[block.id] = ONLY
            continue
        nearest = max(shared, key=lambda id: shared[id] / (len(inside) + sizes[id]))
        counterparts[block.id] = nearest
        whole = all(marks[mine.layers[i].id] == SAME for i in inside) and sizes[nearest] == len(inside)
        marks[block.id] = SAME if whole and shared[nearest] == len(inside) else CHANGED
    for id in marks:  # what has no counterpart is looked for where its block's is
        block_id = id
        while block_id not in counterparts and parent.get(block_id):
            block_id = parent[block_id]
        if block_id in counterparts:
            counterparts.setdefault(id, counterparts[block_id])
    return marks, counterparts


def _all_marks(marks: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What several comparisons say of the parts of one network."""
    found = {}
    for id in marks[0]:
        said = {each[id] for each in marks}
        found[id] = said.pop() if len(said) == 1 else CHANGED
    return found


def blocks(block: Block) -> Iterator[Block]:
    """All blocks inside a block, outermost first; the network itself, which has no id, is none of them."""
    for child in block.children:
        if isinstance(child, Block):
            yield child
            yield from blocks(child)


def _around(anatomy: Anatomy) -> list[list[str]]:
    """Of every layer the blocks around it, innermost first: of equals, the narrower one is chosen."""
    found: dict[str, list[str]] = {layer.id: [] for layer in anatomy.layers}
    for block in blocks(anatomy.tree):
        for layer in block.layers():
            found[layer.id].insert(0, block.id)
    return [found[layer.id] for layer in anatomy.layers]


# The matching.


def _signatures(anatomy: Anatomy) -> list[_Signature]:
    """What makes two layers the same: operation, shapes of the weights, channels; not the map's size."""
    return [
        (
            layer.kind,
            layer.label,
            tuple(shape for _, shape in layer.weights),
            prod(layer.shape) // max(one.positions, 1),
        )
        for layer, one in zip(anatomy.layers, maps(anatomy), strict=True)
    ]


def _places(anatomy: Anatomy) -> list[int]:
    """Of every layer its number among those of the innermost block with several layers."""
    found = {}
    for block in blocks(anatomy.tree):
        for number, child in enumerate(block.children):
            if isinstance(child, Layer):
                found[child.id] = number
    return [found.get(layer.id, -1) for layer in anatomy.layers]


def _pairs(one: Anatomy, other: Anatomy) -> list[tuple[int, int]]:
    """Positions of matched layers, in the order of execution within each scale."""
    signatures, places = (_signatures(one), _signatures(other)), (_places(one), _places(other))
    swapped = signatures[1] < signatures[0]  # so that the choice among equals does not depend on the order
    if swapped:
        return [(b, a) for a, b in _pairs(other, one)]
    theirs = {stage.scale: stage.layers for stage in stages(other)}
    found: list[tuple[int, int]] = []
    for stage in stages(one):
        mine, others = stage.layers, theirs.get(stage.scale, ())
        if not others:
            continue
        scores = _scores(
            [(signatures[0][i], places[0][i]) for i in mine],
            [(signatures[1][j], places[1][j]) for j in others],
        )
        found += [(mine[a], others[b]) for a, b in _best(scores)]
    return found


def _scores(rows: Sequence[tuple[_Signature, int]], columns: Sequence[tuple[_Signature, int]]) -> np.ndarray:
    """What it is worth to match each layer with each; 0 for layers of different kinds."""

    def number(values: Sequence[object], known: dict[object, int]) -> np.ndarray:
        return np.array([known.setdefault(value, len(known)) for value in values])

    def equal(key: Sequence[object], others: Sequence[object]) -> np.ndarray:
        known: dict[object, int] = {}
        a, b = number(key, known), number(others, known)
        return a[:, None] == b[None, :]

    worth = np.array([_WORTH.get(signature[0], _OTHER) for signature, _ in rows], dtype=float)[:, None]
    kinds = equal([s[0] for s, _ in rows], [s[0] for s, _ in columns])
    alike = equal([s[:2] for s, _ in rows], [s[:2] for s, _ in columns])
    same = equal([s for s, _ in rows], [s for s, _ in columns])
    placed = equal([place for _, place in rows], [place for _, place in columns])
    share = np.where(same, 1.0, np.where(alike, _ALIKE, _SIMILAR)) + _PLACED * placed
    return np.where(kinds, worth * share, 0.0)


def _best(scores: np.ndarray) -> list[tuple[int, int]]:
    """The pairs (row, column), both rising, whose scores sum to the most; of equals the earliest pairs.

    `rest[i, j]` is the best sum of rows from i and columns from j on. Skipping costs nothing, so a row
    of it is a running maximum from the right.
    """
    height, width = scores.shape
    rest = np.zeros((height + 1, width + 1))
    scores = np.round(scores * 100)  # whole numbers: sums compare exactly
    for i in range(height - 1, -1, -1):
        reached = np.maximum(rest[i + 1, :-1], rest[i + 1, 1:] + scores[i])
        rest[i, :-1] = np.maximum.accumulate(reached[::-1])[::-1]

    def begins(i: int, j: int, most: float) -> bool:
        """Whether a best matching of what is left, worth `most`, can begin with this pair."""
        if i >= height or j >= width or not scores[i, j]:
            return False
        return bool(rest[i, j] == most == scores[i, j] + rest[i + 1, j + 1])

    found: list[tuple[int, int]] = []
    i = j = 0
    while most := rest[i, j]:
        if begins(i, j, most):
            found.append((i, j))
            i, j = i + 1, j + 1
            continue
        across, down = rest[i, j + 1] == most, rest[i + 1, j] == most
        if across and down:  # towards the nearer pair, so that what stands together is matched together
            nearer = (begins(i, j + step, most) - begins(i + step, j, most) for step in range(1, _AHEAD))
            across = next(filter(None, nearer), 0) > 0
        i, j = (i, j + 1) if across else (i + 1, j)
    return found
