"""An anatomy as the plain dictionary that the layer-graph component draws."""

import hashlib
import json
from contextlib import suppress
from typing import TypedDict

from zoo.anatomy.records import Anatomy, Block, Layer


class Node(TypedDict):
    """A layer, or the input image."""

    id: str
    parent: str  # id of the group it is in; "" at the top
    label: str
    kind: str
    shape: list[int]
    params: int
    macs: int | None
    activations: int
    rf: str
    formula: str


class Group(TypedDict):
    """A block; `repeat` equal blocks where neighbours are folded."""

    id: str
    parent: str
    label: str
    cls: str
    params: int
    macs: int
    activations: int
    shape: list[int]
    repeat: int


class Graph(TypedDict):
    """Nodes in execution order, groups outermost first, edges from producer to consumer, all by id."""

    rev: str  # digest of the rest
    title: str
    nodes: list[Node]
    groups: list[Group]
    edges: list[tuple[str, str]]


def graph(anatomy: Anatomy, title: str) -> Graph:
    """Nodes, nested groups and edges of a dissected network."""
    nodes, groups = [_entry(anatomy, -1, "input")], list[Group]()
    _add(anatomy.tree, "", nodes, groups)
    ids = [layer.id for layer in anatomy.layers]
    edges = [("input" if i < 0 else ids[i], layer.id) for layer in anatomy.layers for i in layer.inputs]
    return _dated(Graph(rev="", title=title, nodes=nodes, groups=groups, edges=edges))


def block_graph(anatomy: Anatomy, path: str, title: str) -> Graph:
    """One block of a dissected network, the module at `path`; what enters it from outside is its input.

    ValueError where no block is at `path`.
    """
    block = _find(anatomy.tree, path)
    inside = {layer.id for layer in block.layers()}
    outside = list(
        dict.fromkeys(
            i
            for layer in anatomy.layers
            if layer.id in inside
            for i in layer.inputs
            if i < 0 or anatomy.layers[i].id not in inside
        )
    )
    entries = {i: "input" if len(outside) == 1 else f"input.{n}" for n, i in enumerate(outside)}
    nodes, groups = [_entry(anatomy, i, id) for i, id in entries.items()], list[Group]()
    _add(block, "", nodes, groups)
    edges = [
        (entries[i] if i in entries else anatomy.layers[i].id, layer.id)
        for layer in anatomy.layers
        if layer.id in inside
        for i in layer.inputs
    ]
    return _dated(Graph(rev="", title=title, nodes=nodes, groups=groups, edges=edges))


def _find(block: Block, path: str) -> Block:
    """The block at `path`, also where it is folded with its neighbours."""
    for child in block.children:
        if isinstance(child, Block):
            if child.id == path:
                return child
            with suppress(ValueError):
                return _find(child, path)
    raise ValueError(f"There is no block at {path!r}.")


def _entry(anatomy: Anatomy, position: int, id: str) -> Node:
    """What the layer at `position` hands over, -1 for the image, as an input of its own."""
    image = position < 0
    shape = anatomy.input_size if image else anatomy.layers[position].shape
    return Node(
        id=id,
        parent="",
        label="Image" if image else "Input",
        kind="input",
        shape=list(shape),
        params=0,
        macs=0,
        activations=0,
        rf="1 × 1 px" if image else str(anatomy.layers[position].reach),
        formula="",
    )


def _dated(drawn: Graph) -> Graph:
    """The same with the digest of what it holds."""
    drawn["rev"] = hashlib.sha256(json.dumps(drawn).encode()).hexdigest()[:12]
    return drawn


def _add(block: Block, parent: str, nodes: list[Node], groups: list[Group]) -> None:
    for child in block.children:
        if isinstance(child, Layer):
            nodes.append(
                Node(
                    id=child.id,
                    parent=parent,
                    label=_label(child),
                    kind=child.kind,
                    shape=list(child.shape),
                    params=child.params,
                    macs=child.macs,
                    activations=child.activations,
                    rf=str(child.reach),
                    formula=child.formula,
                )
            )
        else:
            groups.append(
                Group(
                    id=child.id,
                    parent=parent,
                    label=child.label,
                    cls=child.cls,
                    params=child.params,
                    macs=child.macs,
                    activations=child.activations,
                    shape=list(list(child.layers())[-1].shape),
                    repeat=child.repeat,
                )
            )
            _add(child, child.id, nodes, groups)


def _label(layer: Layer) -> str:
    """A product or sum that is a module of its own adds its name: a network may have several side by side."""
    if layer.kind != "add" or layer.id != layer.path:
        return layer.label
    return f"{layer.label}: {layer.path.rpartition('.')[2].replace('_', ' ')}"
