"""Networks in memory, shared by all readers, for as long as there is room."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from weakref import WeakValueDictionary

from zoo import Loaded, Specimen, limits, timing, variant, weights

_PEAK = 1.3  # what reading a file takes, by the size of the network

_Key = tuple[Specimen, int]  # with when its checkpoint was written


class Shelf:
    """The networks used lately, each loaded once however many ask for it; the least lately used leave first.

    What somebody still looks into is found again after it has left, and not loaded a second time.
    """

    def __init__(
        self, load: Callable[[Specimen], Loaded], *, most: int | None = None,
        free: Callable[[], int | None] = timing.free,
    ) -> None:  # fmt: skip
        """`load` makes a network; `free` tells how many bytes there are to spare, None where nobody knows.

        `most`: bytes of all networks on the shelf, None: as the server's owner wants. One that is larger
        stands there alone.
        """
        self._load, self._free = load, free
        self._most = limits.NETWORKS_MIB.value << 20 if most is None else most
        self._loading = threading.Lock()  # one at a time: two large ones at once need the room of both
        self._changing = threading.Lock()
        self._kept: OrderedDict[_Key, tuple[Loaded, int]] = OrderedDict()
        self._seen: WeakValueDictionary[_Key, Loaded] = WeakValueDictionary()

    def get(self, specimen: Specimen) -> Loaded:
        """ValueError with a sentence where it cannot be loaded, or there is no room in memory."""
        key = (specimen, _written(specimen))
        if found := self._find(key):
            return found
        with self._loading:
            if found := self._find(key):  # by another reader in the meantime
                return found
            size = _size(specimen)
            self._make_room(size)
            spare = self._free()
            if spare is not None and spare < _PEAK * size:
                raise ValueError(
                    f"{variant(specimen.variant).title} needs {_PEAK * size / 1e9:,.1f} GB of memory, and "
                    f"this machine has {max(spare, 0) / 1e9:,.1f} GB to spare. Choose a smaller network."
                )
            loaded = self._load(specimen)
            with self._changing:
                self._kept[key] = (loaded, size)
                self._seen[key] = loaded
            return loaded

    def _find(self, key: _Key) -> Loaded | None:
        with self._changing:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
            return self._seen.get(key)

    def _make_room(self, size: int) -> None:
        with self._changing:
            while self._kept and size + sum(held for _, held in self._kept.values()) > self._most:
                self._kept.popitem(last=False)


def _size(specimen: Specimen) -> int:
    """Bytes of its weights in memory."""
    published = variant(specimen.variant).published
    if published and not specimen.knobs and specimen.num_classes is None:
        return 4 * published.params
    return 4 * sum(p.numel() for p in specimen.skeleton().parameters())


def _written(specimen: Specimen) -> int:
    """When the checkpoint of a run was written, which may be written again; 0 for what stays as it is."""
    if specimen.weights.startswith("run:"):
        with suppress(ValueError, OSError):  # said when it is loaded
            return weights.path_of(specimen.weights).stat().st_mtime_ns
    return 0
