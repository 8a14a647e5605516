"""Results kept in bytes: what stays, what leaves, who waits for whom, and what they weigh."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image

from ui import samples
from ui.results import Results, size

MIB = 1 << 20


@dataclass
class Record:
    words: str
    numbers: np.ndarray


def test_eighty_pictures_stay_where_there_is_room_for_them() -> None:
    made: list[int] = []
    kept = Results(10 * MIB)

    @kept.keep
    def picture(number: int) -> bytes:
        made.append(number)
        return bytes(MIB // 10)

    for _ in range(3):
        for number in range(80):
            picture(number)
    assert made == list(range(80))
    assert (kept.hits, kept.misses, kept.evicted) == (160, 80, 0)
    assert 8 * MIB < kept.bytes < 8.1 * MIB


def test_the_least_lately_used_leave() -> None:
    made: list[str] = []
    kept = Results(int(3.5 * MIB))

    @kept.keep
    def named(name: str) -> bytes:
        made.append(name)
        return bytes(MIB)

    for name in "abcadacdb":
        named(name)
    assert made == list("abcdb")
    assert kept.bytes <= 3.5 * MIB


def test_what_is_larger_than_all_the_room_is_handed_on() -> None:
    kept = Results(MIB)
    kept.get("first", lambda: "there")
    assert len(kept.get("large", lambda: bytes(2 * MIB))) == 2 * MIB
    assert kept.get("first", lambda: "anew") == "there"
    kept.clear()
    assert kept.bytes == 0
    assert kept.get("small", lambda: "here") == "here"
    kept.clear()
    assert kept.bytes == 0


def test_all_who_ask_at_once_share_one_and_nobody_else_waits_for_it() -> None:
    kept, go, made = Results(MIB), threading.Event(), []

    def slow() -> object:
        assert go.wait(20)
        made.append(object())
        return made[-1]

    kept.get("there", lambda: "already")
    with ThreadPoolExecutor(16) as readers:
        asked = [readers.submit(kept.get, "slow", slow) for _ in range(16)]
        assert kept.get("there", lambda: "again") == "already"
        assert kept.get("another", lambda: 1) == 1
        go.set()
        assert {id(each.result()) for each in asked} == {id(made[0])}
    assert len(made) == 1


def test_what_fails_is_tried_again() -> None:
    kept = Results(MIB)
    with pytest.raises(ZeroDivisionError):
        kept.get("it", lambda: 1 // 0)
    assert kept.get("it", lambda: 2) == 2


def test_a_photo_counts_by_its_pixels() -> None:
    kept, asked = Results(MIB), []

    @kept.keep
    def side(photo: samples.Photo, times: int) -> int:
        asked.append(photo.title)
        return times * photo.image.width

    grey = Image.new("RGB", (4, 4), "grey")
    same = [
        samples.Photo(token="upload", title=f"{number}", image=grey, digest="grey") for number in range(2)
    ]
    assert [side(photo, 2) for photo in same] == [8, 8]
    assert side(same[1], 3) == 12
    assert asked == ["0", "1"]


@pytest.mark.parametrize(
    ("value", "bytes_"),
    [
        (np.zeros((256, 1024), np.float32), MIB),
        (np.zeros((1024, 1024), np.float32)[:256], 4 * MIB),  # what it is a part of stays in memory
        (torch.zeros(1, 256, 1024)[0, :3], MIB),
        ([torch.zeros(1024, 256)] * 3, MIB),
        (torch.zeros(1).expand(1024, 256), 4),  # one number, however often it is read
        (Image.new("RGB", (1024, 1024)), 3 * MIB),
        (Record("a" * MIB, np.zeros(MIB, np.uint8)), 2 * MIB),
        ({"a": {"b": bytes(MIB)}, "c": (bytes(MIB),)}, 2 * MIB),
        (None, 0),
    ],
    ids=["array", "view", "tensor", "shared", "expanded", "picture", "record", "mapping", "nothing"],
)
def test_what_it_weighs(value: object, bytes_: int) -> None:
    assert bytes_ <= size(value) < bytes_ + 3_000
