"""One block of a dissected network as a network of its own."""

from contextlib import suppress
from dataclasses import replace

from zoo.anatomy.records import Anatomy, Block


def excerpt(anatomy: Anatomy, path: str) -> Anatomy:
    """The module at `path` alone; what enters it from outside, wherever it is from, is its image.

    Receptive fields stay those in the whole network. ValueError where no block is at `path`, or where what
    enters is not a map.
    """
    block = _find(anatomy.tree, path)
    ids = {layer.id for layer in block.layers()}
    inside = [i for i, layer in enumerate(anatomy.layers) if layer.id in ids]
    place = {i: new for new, i in enumerate(inside)}
    layers = tuple(
        replace(anatomy.layers[i], inputs=tuple(place.get(j, -1) for j in anatomy.layers[i].inputs))
        for i in inside
    )
    source = entry(anatomy, path)
    shape = anatomy.input_size if source < 0 else anatomy.layers[source].shape
    if len(shape) != 3:
        raise ValueError(f"What enters {path!r} is no map of channels, height and width, but {shape}.")
    return Anatomy(
        input_size=shape,
        layers=layers,
        tree=replace(block, id="", label=""),
        classes={
            name: cls for name, cls in anatomy.classes.items() if name == path or name.startswith(f"{path}.")
        },
        params=block.params,
        unused=(),
    )


def entry(anatomy: Anatomy, path: str) -> int:
    """The position of the layer that the block at `path` reads first from outside; -1 is the image."""
    ids = {layer.id for layer in _find(anatomy.tree, path).layers()}
    return next(
        i
        for layer in anatomy.layers
        if layer.id in ids
        for i in layer.inputs
        if i < 0 or anatomy.layers[i].id not in ids
    )


def _find(block: Block, path: str) -> Block:
    """The block at `path`, also where it is folded with its neighbours."""
    for child in block.children:
        if isinstance(child, Block):
            if child.id == path:
                return child
            with suppress(ValueError):
                return _find(child, path)
    raise ValueError(f"There is no block at {path!r}.")
