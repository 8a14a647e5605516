"""Moved, enlarged and turned pictures beside other libraries, and networks whose answers one can work out."""

import math
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as transforms
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import InterpolationMode

import zoo
from viz import hooks
from viz.invariance import (
    CHANGES,
    FILLS,
    Curves,
    Fill,
    Kind,
    amounts,
    coarse_first,
    ends,
    mean_change,
    measure,
    of_class_token,
    onset,
    outputs,
    reach,
    read,
    save,
    straightness,
    transformed,
)
from zoo.weights import Preprocess

PLAIN = Preprocess(size=16, channels=3, mean=(0.0,) * 3, deviation=(1.0,) * 3)


def noise(count: int = 2, side: int = 16, channels: int = 3) -> Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(0))


def whole(model: nn.Module, pictures: Tensor, kind: Kind, paths: tuple[str, ...], fill: Fill) -> Curves:
    (*_, last) = measure(model, pictures, PLAIN, kind, paths, fill=fill)
    return last


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("kind", CHANGES)
def test_nothing_changes_where_nothing_is_done(kind: Kind, fill: Fill) -> None:
    pictures = noise()
    assert torch.equal(transformed(pictures, kind, CHANGES[kind].still, fill, (0.4, 0.5, 0.6)), pictures)


def test_whole_pixels_are_moved_as_they_are() -> None:
    pictures = noise()
    down = transformed(pictures, "vertical", 3)
    assert torch.equal(down[:, :, 3:], pictures[:, :, :-3])
    assert not down[:, :, :3].any()
    right = transformed(pictures, "horizontal", 5, "mean", (0.1, 0.2, 0.3))
    assert torch.equal(right[..., 5:], pictures[..., :-5])
    torch.testing.assert_close(right[..., :5].amax((0, 2, 3)), torch.tensor([0.1, 0.2, 0.3]))
    torch.testing.assert_close(right[..., :5].amin((0, 2, 3)), torch.tensor([0.1, 0.2, 0.3]))
    up = transformed(pictures, "vertical", -2, "edge")
    assert torch.equal(up[:, :, -2:], pictures[:, :, -1:].expand(-1, -1, 2, -1))
    left = transformed(pictures, "horizontal", -2, "reflect")
    assert torch.equal(left[..., -2:], pictures[..., -2:].flip(3))
    for amount in (-7, 4, 16):
        assert torch.equal(transformed(pictures, "vertical", amount, "wrap"), pictures.roll(amount, 2))
        assert torch.equal(transformed(pictures, "horizontal", amount, "wrap"), pictures.roll(amount, 3))


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_right_angles_as_pillow_turns(turns: int) -> None:
    pixels = (255 * noise(1)[0]).byte()
    how = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)[turns - 1]
    turned = np.asarray(Image.fromarray(pixels.permute(1, 2, 0).numpy()).transpose(how))
    for fill in FILLS:
        found = transformed(pixels[None].float(), "rotation", 90 * turns, fill)
        np.testing.assert_allclose(found[0].permute(1, 2, 0).numpy(), turned, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "amount", "affine"),
    [
        ("vertical", 2.0, (0.0, [0, 2], 1.0)),
        ("horizontal", -3.0, (0.0, [-3, 0], 1.0)),
        ("scale", 1.35, (0.0, [0, 0], 1.35)),
        ("scale", 0.7, (0.0, [0, 0], 0.7)),
        ("rotation", 30.0, (-30.0, [0, 0], 1.0)),  # torchvision's affine turns clockwise
        ("rotation", 250.0, (-250.0, [0, 0], 1.0)),
    ],
)
def test_the_same_as_torchvision(kind: Kind, amount: float, affine: tuple[float, list[int], float]) -> None:
    pictures = noise()
    angle, shift, scale = affine
    expected = transforms.affine(
        pictures, angle=angle, translate=shift, scale=scale, shear=[0.0, 0.0],
        interpolation=InterpolationMode.BILINEAR, fill=None,
    )  # fmt: skip
    torch.testing.assert_close(transformed(pictures, kind, amount), expected, atol=2e-5, rtol=0)


def test_a_seam_is_blended_across_the_edges() -> None:
    pictures = noise()
    half = transformed(pictures, "horizontal", 0.5, "wrap")
    torch.testing.assert_close(half, (pictures + pictures.roll(1, 3)) / 2)


def test_the_ranges_are_the_papers() -> None:
    assert amounts("vertical", 224) == tuple(range(-60, 61, 5))
    assert amounts("horizontal", 32) == tuple(range(-8, 9))
    assert amounts("scale", 224)[::8] == (1.0, 1.4, 1.8)
    assert amounts("rotation", 32) == tuple(range(0, 360, 10))
    for side in (28, 32, 64, 224, 299, 384):
        (first, *_, last) = steps = amounts("vertical", side)
        assert -first == last <= 60 / 224 * side
        assert all(step == int(step) for step in steps)


def test_each_beginning_is_spread() -> None:
    assert coarse_first(5) == [0, 4, 2, 1, 3]
    for count in (2, 3, 17, 25, 36):
        order = coarse_first(count)
        assert sorted(order) == list(range(count))
        assert max(np.diff(sorted(order[:9]))) <= math.ceil(count / 4)


class Same(nn.Module):
    """Hands the picture on, then averages: a layer that moves with the picture, and one that does not."""

    def __init__(self, padding: Literal["zeros", "circular"]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1, padding_mode=padding)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.pool(self.relu(self.conv(x))).flatten(1))


@pytest.mark.parametrize("kind", ["vertical", "horizontal"])
def test_a_moved_point_is_as_far_as_one_can_work_out(kind: Kind) -> None:
    """One bright pixel, handed on: moved by a pixel or more, the answers differ in two places."""
    model = nn.Sequential(nn.Identity(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    pictures = torch.zeros(2, 3, 16, 16)
    pictures[0, 1, 8, 8], pictures[1, 0, 7, 9] = 1.0, 0.5
    found = whole(model, pictures, kind, ("0", "1"), "black")
    expected = np.outer([amount != 0 for amount in found.amounts], math.sqrt(2) * np.array([1, 0.5]))
    np.testing.assert_allclose(found.distances["0"], expected, rtol=1e-6)
    np.testing.assert_allclose(found.drawn("0", relative=True)[0], [math.sqrt(2)] * 2, rtol=1e-6)
    np.testing.assert_allclose(found.distances["1"], 0, atol=1e-7)
    assert onset(found, "0") == pytest.approx([1, 1])
    assert found.targets == (1, 0)
    np.testing.assert_allclose(reach(found), max(found.amounts))


@pytest.mark.parametrize("kind", ["vertical", "horizontal"])
def test_averages_over_a_ring_never_change(kind: Kind) -> None:
    """Padding that goes round, and a mean over all positions: a shift that wraps cannot matter."""
    torch.manual_seed(0)
    model, pictures = Same("circular").eval(), noise(3)
    found = whole(model, pictures, kind, ("conv", "pool"), "wrap")
    np.testing.assert_allclose(found.distances["pool"], 0, atol=1e-6)
    np.testing.assert_allclose(found.probability, np.broadcast_to(found.probability[0], (9, 3)), atol=1e-6)
    for row, amount in enumerate(found.amounts):  # and the layer below moves exactly as the picture
        with torch.no_grad():
            answer = model.conv(pictures)
        expected = (answer.roll(int(amount), 2 if kind == "vertical" else 3) - answer).flatten(1).norm(dim=1)
        np.testing.assert_allclose(found.distances["conv"][row], expected.numpy(), rtol=1e-5, atol=1e-5)
    padded = Same("zeros").eval()
    padded.load_state_dict(model.state_dict())
    assert whole(padded, pictures, kind, ("pool",), "wrap").distances["pool"].max() > 1e-3


@pytest.mark.parametrize("kind", CHANGES)
def test_the_same_as_one_picture_at_a_time(kind: Kind) -> None:
    torch.manual_seed(1)
    model, pictures = Same("zeros").eval(), noise(2, 24)
    preprocess = Preprocess(size=24, channels=3, mean=(0.3, 0.4, 0.5), deviation=(0.2, 0.3, 0.4))
    steps = list(measure(model, pictures, preprocess, kind, ["relu"], fill="mean", targets=[3]))
    found = steps[-1]
    assert steps[0].done == pytest.approx(1 / len(found.amounts))
    assert found.done == 1
    assert found.targets[0] == 3
    for row, amount in list(enumerate(found.amounts))[::4]:
        for at in range(2):
            one = transformed(pictures[at : at + 1], kind, amount, "mean", preprocess.mean)
            passed = hooks.observe(model, preprocess.normalise(one), ["relu"])
            before = hooks.observe(model, preprocess.normalise(pictures[at : at + 1]), ["relu"])
            distance = (passed.outputs["relu"] - before.outputs["relu"]).norm()
            assert found.distances["relu"][row, at] == pytest.approx(distance.item(), rel=1e-4, abs=1e-5)
            shares = passed.logits.softmax(1)[0]
            assert found.probability[row, at] == pytest.approx(shares[found.targets[at]].item(), rel=1e-4)
            assert found.said[row, at] == shares.argmax()
    assert found.targets[1] == found.said[found.still, 1]
    assert not found.distances["relu"][found.still].any()
    assert model.training is False


def curves(kind: Kind, distance: list[list[float]], probability: list[list[float]]) -> Curves:
    """Given by picture, with answers of the length 2."""
    steps = amounts(kind, 16)
    distances, shares = np.array(distance, dtype=float).T, np.array(probability, dtype=float).T
    count = shares.shape[1]
    return Curves(
        kind=kind, amounts=steps, distances={"a": distances}, lengths={"a": np.full(count, 2.0)},
        targets=(0,) * count, probability=shares, said=np.zeros(shares.shape, int), confidence=shares,
    )  # fmt: skip


def test_the_numbers_of_a_curve() -> None:
    steps = np.array(amounts("vertical", 16))
    assert steps.tolist() == [*range(-4, 5)]
    line, step = np.abs(steps), (steps != 0).astype(float)
    kept, lost = [0.8] * 9, [0.1, 0.3, 0.4, 0.5, 0.8, 0.5, 0.41, 0.4, 0.39]
    found = curves("vertical", [line.tolist(), step.tolist()], [kept, lost])
    np.testing.assert_allclose(mean_change(found, "a"), [1.0, 7 / 16])  # trapezoids over 8 pixels, length 2
    np.testing.assert_allclose(onset(found, "a"), [0.25, 1])
    straight = straightness(found, "a")
    assert straight[0] == pytest.approx(1)
    assert straight[1] == pytest.approx(np.corrcoef(line, step)[0, 1] ** 2)
    assert reach(found).tolist() == [4, 2]  # 3 to the left is too far; what is right of it does not help
    round_trip = [0.9] * 3 + [0.1] * 30 + [0.9] * 3
    turned = curves("rotation", [[0.0] * 36] * 2, [[0.9] * 36, round_trip])
    assert reach(turned).tolist() == [180, 20]
    larger = curves("scale", [[0.0] * 17] * 2, [[0.9] * 17, [0.9] + [0.1] * 16])
    assert reach(larger).tolist() == [1.8, 1.0]
    assert np.isnan(onset(turned, "a")).all()


def test_a_part_of_the_pictures() -> None:
    found = curves("vertical", [[1.0] * 9, [2.0] * 9], [[0.5] * 9, [0.6] * 9]).kept([1])
    assert found.distances["a"].shape == (9, 1)
    assert found.probability[0].tolist() == [0.6]
    assert len(found.targets) == len(found.lengths["a"]) == 1


@pytest.mark.parametrize("name", ["zfnet_classroom", "resnet_classroom", "vit_classroom", "swin_classroom"])
def test_the_first_and_the_top_layer(name: str) -> None:
    model = zoo.build(name, num_classes=8)
    image = torch.zeros(1, 3, 32, 32)
    layers = outputs(model, image)
    assert layers[-1].shape == (8,)
    first, top = ends(layers, zoo.family_of(name).stages[0])
    assert first == zoo.family_of(name).stages[0]
    found = hooks.observe(model, image, [layer.path for layer in layers]).outputs
    of_all = [layer for layer in layers if not of_class_token(model, layer.path)]
    assert all(tuple(found[layer.path].shape[1:]) == layer.shape for layer in of_all)
    assert layers[-2].path == top


def test_of_vits_last_norm_the_class_token_is_compared() -> None:
    """By hand: the network's own norm and the first of its tokens, which the head turns into the scores."""
    model, pictures = zoo.build("vit_classroom"), noise(2, 32)
    top = outputs(model, pictures[:1])[-2]
    assert (top.path, of_class_token(model, top.path)) == ("norm", True)
    assert not of_class_token(model, "stages.0")
    still, moved = (
        hooks.observe(model, each, ["norm"]).outputs["norm"][:, 0]
        for each in (pictures, transformed(pictures, "horizontal", 8.0))
    )
    assert top.shape == still.shape[1:]
    found = whole(model, pictures, "horizontal", ("stages.0", "norm"), "black")
    row = found.amounts.index(8.0)
    np.testing.assert_allclose(found.distances["norm"][row], (moved - still).norm(dim=1).numpy(), rtol=1e-4)
    np.testing.assert_allclose(found.lengths["norm"], still.norm(dim=1).numpy(), rtol=1e-4)


def test_kept_and_read_again(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, pictures = Same("zeros").eval(), noise(3)
    found = {kind: whole(model, pictures, kind, ("conv", "pool"), "edge") for kind in CHANGES}
    path = tmp_path / "curves.safetensors"
    save(path, found, "of this")
    again = read(path, "of this")
    assert again is not None
    for kind, curves in found.items():
        assert again[kind].kind == kind
        assert (again[kind].amounts, again[kind].targets) == (curves.amounts, curves.targets)
        assert (again[kind].said == curves.said).all()
        np.testing.assert_allclose(again[kind].probability, curves.probability, rtol=1e-6)
        for layer in ("conv", "pool"):
            np.testing.assert_allclose(again[kind].distances[layer], curves.distances[layer], rtol=1e-6)
            np.testing.assert_allclose(again[kind].lengths[layer], curves.lengths[layer], rtol=1e-6)
    assert read(path, "of another network") is None
    assert read(tmp_path / "none", "of this") is None
    path.write_bytes(path.read_bytes()[:100])
    assert read(path, "of this") is None
