"""How much memory a network needs, told before anything is built; `zoo.timing.free` says what there is."""

from zoo.anatomy.records import FLOAT_BYTES, Anatomy


def needed(anatomy: Anatomy, batch: int, training: bool) -> int:
    """Bytes that a run of `batch` images takes at least, in float32.

    Training keeps all activations, and beside every weight its gradient. Without it only what one layer
    reads and writes stands in memory, at its largest place.
    """
    if training:
        return 2 * anatomy.weight_bytes + anatomy.activation_bytes(batch)
    sizes = [layer.activations for layer in anatomy.layers]
    at_once = max(
        (sizes[i] + sum(sizes[j] for j in layer.inputs if j >= 0) for i, layer in enumerate(anatomy.layers)),
        default=0,
    )
    return anatomy.weight_bytes + FLOAT_BYTES * at_once * batch
