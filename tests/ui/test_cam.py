"""Class-activation maps without their page: words, pictures, frames of the film, code and tables."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from ui import cam, cam_away, cam_study, cam_sum
from ui.cam_study import View
from viz import cam as maps
from viz import images, layers, summands

ROOT = Path(__file__).parents[2]
CROP = Image.new("RGB", (448, 448), (120, 120, 120))
FOR = View(look="overlay", signed=False, opacity=0.6)


def raw(*rows: tuple[float, ...]) -> cam_study.Raw:
    return np.array(rows, np.float32)


@pytest.mark.parametrize("look", ["overlay", "cells", "contour"])
def test_what_is_all_negative_is_not_shown_black(look: str) -> None:
    against = raw((-4, -1), (-2, -1))
    shown = np.asarray(cam_study.drawn(CROP, against, View(look=look, signed=False, opacity=1.0))).astype(int)
    assert shown.mean() > 30
    assert "No cell speaks for the class" in cam_study.verdict(against)
    assert cam_study.told(against) == cam_study.verdict(against)
    if look != "contour":
        assert shown[0, 0].tolist() == [int(images.AGAINST[-1][i : i + 2], 16) for i in (1, 3, 5)]


def test_the_half_for_the_class_hides_the_other() -> None:
    mixed = raw((2, -2), (0, 1))
    cells = View(look="cells", signed=False, opacity=1.0)
    half = np.asarray(cam_study.drawn(CROP, mixed, cells))
    assert half[0, -1].tolist() == [0, 0, 0]
    both = np.asarray(cam_study.drawn(CROP, mixed, View(look="cells", signed=True, opacity=1.0)))
    assert both[0, -1].tolist() == [int(images.AGAINST[-1][i : i + 2], 16) for i in (1, 3, 5)]


def test_one_scale_for_two_maps() -> None:
    cells = View(look="cells", signed=False, opacity=1.0)
    weak = np.asarray(cam_study.drawn(CROP, raw((1, 0)), cells, most=2.0))
    assert (weak[0, 0] == images.colours(np.array(0.5))).all()


def test_a_map_in_words() -> None:
    peak = np.zeros((7, 7), np.float32)
    peak[1, 5] = 1
    assert cam_study.told(peak) == "highest at the top right; 2% of the cells speak for the class"
    assert cam_study.verdict(peak) == ""
    assert cam_study.verdict(np.zeros((2, 2), np.float32)).startswith("Zero everywhere")


def test_the_scale_has_the_numbers_of_the_map() -> None:
    mixed = raw((0.5, -0.75))
    assert "for the class, 0.5<" in cam.scale(mixed, FOR)
    both = cam.scale(mixed, View(look="cells", signed=True, opacity=1.0))
    assert "against, −0.75<" in both
    assert "for the class, 0.75<" in both
    assert cam.scale(mixed, View(look="contour", signed=False, opacity=1.0)) == ""


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("resnet_classroom", ["stem.relu1", "stages.0.0.relu2", "stages.1.0.relu2", "stages.2.0.relu2"]),
        ("vit_classroom", ["stages.0.norm1", "stages.1.norm1", "stages.2.norm1"]),
        ("swin_classroom", ["stages.0.block1.norm2", "stages.1.block1.norm2", "stages.2.block1.norm2"]),
    ],
)
def test_a_frame_for_every_part(name: str, frames: list[str]) -> None:
    model, image = zoo.build(name), torch.zeros(1, 3, 32, 32)
    advised = layers.best(zoo.family_of(name).key, model, image).path
    assert cam.stages(layers.layers(model, image), advised) == tuple(frames)


def test_a_long_film_leaves_frames_out_and_ends_where_it_should() -> None:
    parts = [
        layers.Layer(
            path=f"stages.{i}.relu", title="", kind="maps", shape=(4, 9, 9), ends=(), pools=False
        )
        for i in range(30)
    ]  # fmt: skip
    frames = cam.stages(parts, "stages.29.relu")
    assert len(frames) == len(set(frames)) == 12
    assert (frames[0], frames[-1]) == ("stages.0.relu", "stages.29.relu")


def test_counts_end_with_all() -> None:
    assert cam_sum.counts(12) == [1, 2, 5, 10, 12]
    assert cam_sum.counts(1) == [1]


def test_the_table_of_a_map() -> None:
    rows = cam_away.table(raw((4, -2), (1, 0)))
    assert rows[0] == {"row": 0, "column": 0, "value": 4, "shown": 1}
    assert rows[1] == {"row": 0, "column": 1, "value": -2, "shown": 0}
    assert rows[2]["shown"] == 0.25


def test_the_code_makes_the_same_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specimen = zoo.Specimen("resnet_classroom", num_classes=7)
    code = cam_away.script(specimen, "cat", 3, "stages.1.0.relu2", "hirescam")
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    monkeypatch.chdir(tmp_path)
    ast.parse(code)
    exec(compile(code, "taken away", "exec"), {})
    loaded = zoo.load(specimen)
    with Image.open("assets/photos/cat.jpg") as photo:
        image, crop = loaded.preprocess(photo), loaded.preprocess.crop(photo)
    expected = maps.raw(loaded.model, image, 3, "stages.1.0.relu2", "hirescam").numpy()
    with Image.open("hirescam.png") as made:
        assert (np.asarray(made) == np.asarray(cam_study.drawn(crop, expected, FOR))).all()


def test_the_sum_in_figures() -> None:
    found = summands.Summands(
        channels=(7, 2, 0, 1),
        weights=torch.tensor([2.0, -1, 1, 1]),
        activations=torch.tensor([3.0, 1, 0, 1]),
        terms=torch.tensor([6.0, -1, 0, 1]).reshape(4, 1, 1),
    )
    assert cam_sum.arithmetic(found, "gradcam") == (
        "Mean of the map: 2 · 3 (channel 7) − 1 · 1 (channel 2) + 1 · 0 (channel 0) + 1 (the other 1) = **6**"
    )
    assert "6 (channel 7) − 1 (channel 2)" in cam_sum.arithmetic(found, "hirescam")
