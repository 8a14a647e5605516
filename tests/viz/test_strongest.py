"""The index of strongest activations equals a look at every map of every picture."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.untouched import untouched
from viz import hooks, strongest
from viz.strongest import Strongest, Top
from zoo import Specimen, build, load


def brute(
    model: nn.Module, batches: Iterable[Tensor], paths: list[str]
) -> dict[str, list[list[tuple[float, int, int, int]]]]:
    """Of each layer and map the nine strongest (value, picture, y, x), in plain Python."""
    found: dict[str, list[list[tuple[float, int, int, int]]]] = {}
    passed = [hooks.observe(model, images, paths).outputs for images in batches]
    outputs = {path: torch.cat([each[path] for each in passed]) for path in paths}
    for path in paths:
        found[path] = []
        for channel in range(outputs[path].shape[1]):
            units = []
            for number, maps in enumerate(outputs[path]):
                rows = maps[channel].tolist()
                value = max(max(row) for row in rows)
                y = next(y for y, row in enumerate(rows) if value in row)
                units.append((value, number, y, rows[y].index(value)))
            found[path].append(sorted(units, key=lambda unit: (-unit[0], unit[1]))[:9])
    return found


def rows(top: Top, channel: int) -> list[tuple[float, int, int, int]]:
    places = top.positions[channel].tolist()
    listed = zip(top.values[channel].tolist(), top.pictures[channel].tolist(), places, strict=True)
    return [(value, picture, y, x) for value, picture, (y, x) in listed if picture >= 0]


def last(model: nn.Module, images: Tensor, paths: list[str], batch: int) -> Strongest:
    return [*strongest.scan(model, torch.split(images, batch), paths)][-1]


@pytest.mark.parametrize(("count", "batch"), [(40, 7), (5, 2), (9, 9), (1, 4)])
def test_equals_a_look_at_every_map(count: int, batch: int) -> None:
    model = load(Specimen("zfnet_classroom", "shipped:zfnet_shapes", 8, (("kernel", 5),))).model
    images = torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    images[count // 2 :] = images[: count - count // 2].clone()  # every value appears twice
    paths = [layer.path for layer in strongest.convolutional(model, images[:1])]
    assert len(paths) == 5
    with untouched(model):
        found = last(model, images, paths, batch)
    expected = brute(model, torch.split(images, batch), paths)
    assert found.count == count
    for path in paths:
        top = found.layers[path]
        for channel, units in enumerate(expected[path]):
            assert rows(top, channel) == units, (path, channel)
            assert (top.pictures[channel, len(units) :] == -1).all()


def test_ties_keep_the_earlier_picture_and_the_upper_left_unit() -> None:
    convolution = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.ones_(convolution.weight)
    model = nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), nn.Linear(9, 2)).eval()
    images = torch.zeros(30, 1, 3, 3)
    images[20:, 0, 1, 1:] = 2.0
    images[25, 0, 2, 0] = 3.0
    top = last(model, images, ["1"], 4).layers["1"]
    assert rows(top, 0) == [(3.0, 25, 2, 0)] + [(2.0, n, 1, 1) for n in (20, 21, 22, 23, 24, 26, 27, 28)]


def test_a_map_that_never_wakes_lists_the_first_pictures_with_nothing() -> None:
    convolution = nn.Conv2d(1, 1, 1)
    nn.init.constant_(convolution.weight, -1.0)
    model = nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), nn.Linear(4, 2)).eval()
    top = last(model, torch.full((12, 1, 2, 2), 9.0), ["1"], 5).layers["1"]
    assert rows(top, 0) == [(0.0, number, 0, 0) for number in range(9)]


@pytest.mark.parametrize(
    ("name", "first", "count"),
    [
        ("zfnet_classroom", "stages.0.relu", 5),
        ("vgg_classroom", None, None),
        ("resnet_classroom", None, None),
    ],
)
def test_a_convolution_is_looked_at_behind_its_rectifier(
    name: str, first: str | None, count: int | None
) -> None:
    model = build(name, num_classes=10)
    found = strongest.convolutional(model, torch.zeros(1, 3, 32, 32))
    kinds = {type(model.get_submodule(layer.path)) for layer in found}
    assert nn.Conv2d not in kinds
    assert nn.ReLU in kinds
    if first:
        assert found[0].path == first
        assert len(found) == count


def test_what_is_no_map_is_refused() -> None:
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten(), nn.Linear(4, 2)).eval()
    with pytest.raises(ValueError, match="no maps"):
        last(model, torch.zeros(2, 1, 2, 2), ["1"], 2)
    with pytest.raises(ValueError, match="takes no part"):
        last(model, torch.zeros(2, 1, 2, 2), ["nowhere"], 2)


def test_an_index_comes_back_from_disk_only_for_its_own_network(tmp_path: Path) -> None:
    model = build("zfnet_classroom", num_classes=10)
    found = last(model, torch.rand(4, 3, 32, 32), ["stages.0.relu", "stages.4.relu"], 4)
    path = tmp_path / "deep" / "index.safetensors"
    assert strongest.read(path, "own") is None
    strongest.save(path, found, "own")
    assert [each.name for each in path.parent.iterdir()] == ["index.safetensors"]
    again = strongest.read(path, "own")
    assert again is not None
    assert again.count == 4
    assert list(again.layers) == list(found.layers)
    for layer, top in found.layers.items():
        for part in ("values", "pictures", "positions"):
            assert torch.equal(getattr(again.layers[layer], part), getattr(top, part))
    assert strongest.read(path, "another") is None
    path.write_bytes(path.read_bytes()[:-10])
    assert strongest.read(path, "own") is None
    path.write_bytes(b"nothing of the kind")
    assert strongest.read(path, "own") is None


def test_the_digest_of_a_network_changes_with_its_numbers() -> None:
    first, same, other = (build("zfnet_classroom", num_classes=10, seed=seed) for seed in (0, 0, 1))
    assert strongest.digest(first) == strongest.digest(same) != strongest.digest(other)
