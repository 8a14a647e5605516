"""Networks in memory: loaded once, bounded by bytes, refused where there is no room."""

import gc
import threading
import time
from pathlib import Path

import pytest

from ui.shelf import Shelf, _size
from zoo import Loaded, Specimen, load

SPECIMENS = [Specimen(name) for name in ("lenet_classroom", "resnet_classroom", "vgg_classroom")]


class Counting:
    def __init__(self) -> None:
        self.loaded: list[Specimen] = []

    def __call__(self, specimen: Specimen) -> Loaded:
        self.loaded.append(specimen)
        time.sleep(0.05)
        return load(specimen)


def test_thirty_readers_at_once_load_one_network() -> None:
    counting, found = Counting(), []
    shelf = Shelf(counting)
    threads = [threading.Thread(target=lambda: found.append(shelf.get(SPECIMENS[0]))) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counting.loaded == [SPECIMENS[0]]
    assert len({id(each) for each in found}) == 1
    assert len(found) == 30


def test_the_least_lately_used_leaves_first() -> None:
    counting = Counting()
    first, second, third = SPECIMENS
    shelf = Shelf(counting, most=_size(first) + max(_size(second), _size(third)))
    for specimen in (first, second, first, third, first, second):
        shelf.get(specimen)
        gc.collect()
    assert counting.loaded == [first, second, third, second]


def test_what_somebody_looks_into_is_not_loaded_again() -> None:
    counting = Counting()
    shelf = Shelf(counting, most=0)
    held = shelf.get(SPECIMENS[0])
    shelf.get(SPECIMENS[1])
    assert shelf.get(SPECIMENS[0]) is held
    assert len(counting.loaded) == 2


def test_what_does_not_fit_into_memory_gets_a_sentence() -> None:
    counting = Counting()
    shelf = Shelf(counting, free=lambda: 200_000_000)
    with pytest.raises(ValueError, match=r"VGG-16 .* needs 0.7 GB of memory, and this machine has 0.2 GB"):
        shelf.get(Specimen("vgg16"))
    assert counting.loaded == []
    shelf.get(SPECIMENS[0])


def test_a_failure_is_tried_again(tmp_path: Path) -> None:
    tries = []

    def failing(specimen: Specimen) -> Loaded:
        tries.append(specimen)
        if len(tries) == 1:
            raise ValueError("not now")
        return load(specimen)

    shelf = Shelf(failing)
    with pytest.raises(ValueError, match="not now"):
        shelf.get(SPECIMENS[0])
    assert shelf.get(SPECIMENS[0]).labels


def test_sizes_are_those_of_the_networks() -> None:
    for specimen in (*SPECIMENS, Specimen("resnet_classroom", num_classes=3), Specimen("resnet18")):
        assert _size(specimen) == 4 * sum(p.numel() for p in specimen.build().parameters())
