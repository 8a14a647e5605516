"""Whether a network fits into the memory of this machine, told before anything is built."""

from pathlib import Path

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


def free() -> int | None:
    """Bytes that this process may still take; None where the system does not say."""
    meminfo = Path("/proc/meminfo")
    if not meminfo.exists():
        return None
    line = next(line for line in meminfo.read_text().splitlines() if line.startswith("MemAvailable"))
    whole = 1024 * int(line.split()[1])
    group = Path("/sys/fs/cgroup")  # a container's share may be smaller
    limit, used = group / "memory.max", group / "memory.current"
    if limit.exists() and used.exists() and (most := limit.read_text().strip()).isdigit():
        return min(whole, int(most) - int(used.read_text()))
    return whole
