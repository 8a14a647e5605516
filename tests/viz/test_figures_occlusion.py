"""The maps of figure 7: what a colour means, which label gets which, and what is taken away."""

import numpy as np
import pytest
from PIL import Image

from viz import images
from viz.figures import occlusion as figures
from viz.figures.occlusion import KINDS, OTHER, Panel

NAN = float("nan")


def test_bright_is_what_takes_most_away() -> None:
    values = np.array([[0.8, 0.4, 0.0, NAN]])
    panel = figures.level("p", "P", "n", values, values, whole=0.8, unit="share", floor=0.0)
    assert panel.pixels is not None
    untouched, half, gone, unknown = panel.pixels[0]
    assert untouched.tolist() == [0, 0, 0, 255]
    assert tuple(half[:3]) == tuple(images.colours(np.array(0.5)))
    assert tuple(gone[:3]) == tuple(images.colours(np.array(1.0)))
    assert unknown[3] == 0  # the picture shows through
    assert panel.ends == ("80.0 %", "0.0 %")
    assert panel.mark == 0
    assert panel.data()["values"] == [0.8, 0.4, 0.0, None]


def test_the_scale_holds_what_rises_too() -> None:
    values = np.array([[1.0, 0.6]])
    panel = figures.level("p", "P", "n", values, values, whole=0.8, unit="", floor=None)
    assert panel.ends == ("1", "0.6")
    assert panel.mark == pytest.approx(0.5)


def test_warm_speaks_for_the_class() -> None:
    drop = np.array([[2.0, 0.0, -2.0, NAN]])
    panel = figures.difference("s", "S", "n", 5 - drop, drop, whole=5, unit="", most=2.0)
    assert panel.pixels is not None
    lowers, nothing, raises, unknown = panel.pixels[0].astype(int)
    assert lowers[0] > lowers[2]
    assert nothing[:3].tolist() == [0, 0, 0]
    assert raises[2] > raises[0]
    assert unknown[3] == 0
    assert panel.ends == ("+2", "−2")


def test_labels_by_frequency() -> None:
    names = [f"label {i}" for i in range(20)]
    found = np.array([[7, 7, 7], [3, 3, 12], [12, 12, -1]])
    spread = found.astype(float)
    spread[found < 0] = NAN
    panel = figures.labels("e", "E", "n", found, spread, whole=7, names=names)
    assert panel.kinds is not None
    assert panel.kinds.tolist() == [[0, 0, 0], [2, 2, 1], [1, 1, -1]]
    assert [(kind.name, kind.colour) for kind in panel.legend] == [
        ("label 7", KINDS[0]),
        ("label 12", KINDS[1]),
        ("label 3", KINDS[2]),
    ]
    assert sum(kind.share for kind in panel.legend) == pytest.approx(1)
    assert panel.pixels is not None
    assert panel.pixels[2, 2, 3] == 0
    assert "#" + bytes(panel.pixels[1, 2, :3]).hex() == KINDS[1]


def test_labels_for_which_no_colour_is_left() -> None:
    found = np.arange(16).reshape(4, 4)
    panel = figures.labels("e", "E", "n", found, found.astype(float), whole=0, names=list("abcdefghijklmnop"))
    assert len(panel.legend) == len(KINDS) + 1
    assert panel.legend[-1].name == "8 other labels"
    assert panel.legend[-1].share == 0.5
    assert panel.pixels is not None
    assert "#" + bytes(panel.pixels[3, 3, :3]).hex() == OTHER
    assert len({kind.letter for kind in panel.legend}) == len(panel.legend)


def test_a_projection_in_pixels() -> None:
    values = np.zeros((3, 1, 3), np.float32)
    values[0, 0] = [0, 4, -4]
    assert figures.stretched(values)[0].tolist() == [[128, 128, 128], [255, 128, 128], [0, 128, 128]]
    values = np.full((1, 40, 40), -0.5)
    values[0, 0, 0] = 99  # one that stands out leaves the others to be seen
    assert figures.stretched(values)[0, :2].tolist() == [[255] * 3, [0] * 3]
    assert figures.stretched(values).shape == (40, 40, 3)  # grey pictures too


def test_what_the_mean_colours_are() -> None:
    picture = np.zeros((4, 4, 3))
    picture[:2, :2] = 255
    assert figures.tints(picture, [0, 2], [0, 2], 2) == ["#ffffff", "#000000", "#000000", "#000000"]


def test_a_sheet_to_take_away() -> None:
    photo = Image.new("RGB", (40, 40), "red")
    values = np.array([[0.8, 0.4], [0.0, 0.1]])
    level = figures.level("p", "Café × 2", "n", values, values, whole=0.8, unit="share", floor=0.0)
    names = ["Ägyptische Katze", "b"]
    kinds = figures.labels("e", "E", "n", np.eye(2, dtype=int), np.eye(2), whole=0, names=names)
    still = Panel(key="c", title="C", note="", pixels=None, why="Not defined.")
    made = figures.sheet(photo, [level, kinds, still, level], "a footer")
    one = figures.card(photo, level)
    assert made.width > 3 * one.width
    assert made.height > 2 * one.height
    assert one.getpixel((2, 30)) != one.getpixel((one.width - 3, 30))


def test_plain_letters() -> None:
    assert figures.plain("Café – 2 × −1") == "Cafe - 2 x -1"


def test_a_row_for_each_place() -> None:
    rows = figures.table([0, 8], [0, 4], {"p": [0.1, 0.2, 0.3, 0.4]})
    assert rows[2] == {"row_px": 8, "column_px": 0, "p": 0.3}
