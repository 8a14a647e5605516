"""Evolution: what came with the app is what its weights answer; the film, its jumps, what is taken away."""

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from ui import evolution_film, evolution_runs, evolution_settling, evolution_work
from ui.evolution_film import Film
from ui.evolution_work import Column, Pictures, Tile
from viz import deconvnet
from viz.evolution import Stage
from zoo import weights

ROOT = evolution_runs.EVOLUTIONS.root
WATCHED = evolution_runs.found(evolution_runs.FIRST)
LARGEST = 4_000_000  # bytes of all


def film(**changes: object) -> Film:
    """Two maps at three epochs: map 0 stays, map 3 jumps at once and is silent at the end."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 3, 8, 8), np.uint8)
    shown = Pictures(
        token="t", title="4 pictures", images=images, labels=np.array([0, 1, 0, 1]), classes=("disc", "ring")
    )

    def tile(picture: int, activation: float) -> Tile:
        if picture < 0:
            return Tile(picture=-1, activation=0.0, box=(0, 0, 0, 0), patch=None, projection=None)
        return Tile(
            picture=picture, activation=activation, box=(0, 2, 6, 8), patch=images[picture, :, 2:8, 0:6],
            projection=torch.full((3, 6, 6), activation),
        )  # fmt: skip

    columns = tuple(Column(epoch=epoch, seen=None, moment=None) for epoch in (0, 1, 5))
    made = Film(
        layer=Stage(path="stages.4.relu", conv="stages.4.conv", depth=5, maps=4, size=(7, 7)),
        maps=(0, 3),
        columns=columns,
        tiles=(
            {0: tile(1, 0.5), 3: tile(0, 0.1)},
            {0: tile(1, 1.0), 3: tile(2, 0.2)},
            {0: tile(1, 2.0), 3: tile(-1, 0)},
        ),
        states=("", "", ""),
        notes=("10%", "20%", "50%"),
        pictures=shown,
        stretch=True,
        show="both",
        undefined="",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def sent(film: Film) -> dict[str, Any]:
    return dict(evolution_film.sent(film))


def test_every_file_is_the_one_that_was_made_and_all_are_small() -> None:
    lines = (ROOT / "SHA256SUMS").read_text().splitlines()
    stated = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    files = [file for file in (ROOT / "zfnet").rglob("*") if file.is_file()]
    found = {f.relative_to(ROOT).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
    assert found == stated
    assert sum(file.stat().st_size for file in files) < LARGEST


def test_what_came_with_the_app_is_what_its_weights_answer() -> None:
    shown = evolution_work.pictures(WATCHED, 240)
    columns = evolution_work.columns(WATCHED, shown)
    assert [column.epoch for column in columns] == [0, 1, 2, 5, 10, 20, 50]
    assert all(column.moment for column in columns), "nothing has to be computed"
    path = WATCHED.path(5)
    computed = evolution_work.look(path, evolution_work.digest(path), shown, lambda share, part: None)
    kept = columns[3].moment
    assert kept is not None
    assert kept.layers == computed.layers
    for layer, answers in computed.answers.items():
        np.testing.assert_allclose(kept.answers[layer].values, answers.values, rtol=2e-3, atol=2e-3)
        same = kept.answers[layer].winners == answers.winners
        assert same.mean() > 0.95  # another processor may rank two that are equal otherwise
        np.testing.assert_array_equal(kept.answers[layer].filters, answers.filters)


def test_low_layers_settle_before_the_upper_ones() -> None:
    """What the page says of the run that came with it."""
    shown = evolution_work.pictures(WATCHED, 240)
    columns = evolution_work.columns(WATCHED, shown)
    layers = evolution_settling.measured(columns, shown.token)
    early = [each.to_newest[3].answers for each in layers]  # epoch 5 against epoch 50
    assert early[0] == max(early)
    assert early[0] > early[-1] + 0.1
    assert layers[0].jumps < layers[-1].jumps
    assert all(each.to_newest[-1].answers == pytest.approx(1, abs=1e-5) for each in layers)
    assert "layer 5" in evolution_settling.verdict(layers, [column.epoch for column in columns])


def test_a_tile_is_the_projection_inside_what_the_unit_sees() -> None:
    shown = evolution_work.pictures(WATCHED, 240)
    column = evolution_work.columns(WATCHED, shown)[-1]
    assert column.moment is not None
    layer = column.moment.layers[1]
    answers = column.moment.answers[layer.path]
    channel = int(answers.strongest.argmax())
    made = evolution_work.made(WATCHED.path(50), answers, shown, layer, (channel,), lambda share, part: None)
    tile = made[channel]
    loaded = weights.load_file(WATCHED.path(50))
    image = loaded.preprocess.normalise(torch.from_numpy(shown.images[tile.picture])[None] / 255)
    y, x = (int(each) for each in answers.places[channel])
    whole = deconvnet.project(loaded.model, image, layer.path, channel, (y, x))
    left, top, right, bottom = tile.box
    assert tile.projection is not None
    torch.testing.assert_close(tile.projection, whole.image[:, top:bottom, left:right], rtol=1e-4, atol=1e-5)
    assert float(whole.image.abs().sum()) == pytest.approx(float(tile.projection.abs().sum()), rel=1e-4)
    assert tile.activation == pytest.approx(whole.activation, rel=1e-3)


def test_jumps_are_marked_and_counted() -> None:
    first, other = sent(film())["rows"]
    assert (first["says"], other["says"]) == ("0 jumps", "2 jumps")
    assert [tile["jumped"] for tile in other["tiles"]] == [False, True, True]
    assert other["tiles"][1]["before"] == "from epoch 0's picture: same class"
    assert other["tiles"][2]["before"] == "from epoch 1's picture: disc"
    assert other["tiles"][2]["why"] == "silent"
    assert other["tiles"][1]["says"] == "disc, picture 3"


def test_an_epoch_that_is_missing_is_no_jump_and_is_stepped_over() -> None:
    whole = film()
    gap = film(tiles=(whole.tiles[0], None, whole.tiles[2]))
    assert [gap.jumped(3, at) for at in range(3)] == [False, False, True]
    assert gap.jumps(0) == 0
    assert sent(gap)["epochs"][1]["ready"] is False


def test_without_stretching_a_row_has_one_scale() -> None:
    whole, plain = film(), film(stretch=False)
    for at, grey in ((0, 159), (2, 255)):
        tile = plain.row(0)[at]
        assert tile is not None
        pixels = plain.projection(tile, 0)
        assert pixels is not None
        assert abs(int(pixels[0, 0, 0]) - grey) <= 1
        stretched = whole.projection(tile, 0)
        assert stretched is not None
        assert stretched[0, 0, 0] == 255


def test_numbers_and_pictures_to_take_away() -> None:
    rows = evolution_film.table(film())
    assert len(rows) == 6
    assert rows[4] == {
        "layer": "stages.4.relu", "map": 3, "epoch": 1, "strongest_activation": 0.2, "picture": 3,
        "class": "disc", "left": 0, "top": 2, "right": 6, "bottom": 8, "jumped": True,
    }  # fmt: skip
    assert rows[5]["picture"] is None
    both, one = (evolution_film.sheet(film(show=show), "Layer 5") for show in ("both", "patches"))
    assert both.height > one.height
    colours = both.getcolors(1 << 20)
    assert colours
    assert (0xD5, 0x5E, 0x00) in [colour for _, colour in colours]  # the line of a jump
