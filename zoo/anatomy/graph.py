"""An anatomy as the plain dictionary that the layer-graph component draws."""

import hashlib
import json
from typing import TypedDict

from zoo.anatomy.excerpt import entry, excerpt
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
    image = Node(
        id="input",
        parent="",
        label="Image",
        kind="input",
        shape=list(anatomy.input_size),
        params=0,
        macs=0,
        activations=0,
        rf="1 × 1 px",
        formula="",
    )
    nodes, groups = [image], list[Group]()
    _add(anatomy.tree, "", nodes, groups)
    ids = [layer.id for layer in anatomy.layers]
    edges = [("input" if i < 0 else ids[i], layer.id) for layer in anatomy.layers for i in layer.inputs]
    return _dated(Graph(rev="", title=title, nodes=nodes, groups=groups, edges=edges))


def block_graph(anatomy: Anatomy, path: str, title: str) -> Graph:
    """One block of a dissected network, the module at `path`; what enters it from outside is its input.

    ValueError where no block is at `path`.
    """
    drawn, source = graph(excerpt(anatomy, path), title), entry(anatomy, path)
    if source >= 0:
        first = drawn["nodes"][0]
        first["label"], first["rf"] = "Input", str(anatomy.layers[source].reach)
    return _dated(drawn)


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
