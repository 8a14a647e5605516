"""Checkpoints: what is saved comes back; what is damaged, hostile or of another network gets a sentence."""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.transforms import v2

import zoo
from zoo import weights
from zoo.specimen import Specimen
from zoo.surgery import operate

FACTS: dict[str, Any] = {
    "variant": "resnet_classroom",
    "knobs": {"shortcut": "none"},
    "classes": [f"kind {i}" for i in range(4)],
    "size": 32,
    "channels": 3,
    "mean": [0.4, 0.5, 0.6],
    "deviation": [0.2, 0.25, 0.3],
    "activation": "tanh",
    "norm": True,
    "data": "shapes",
    "epoch": 3,
    "step": 30,
    "accuracy": 0.5,
}
SPECIMEN = Specimen("resnet_classroom", "run:abc@3", 4, (("shortcut", "none"),))

Write = Callable[..., Path]


def network(seed: int = 1) -> nn.Module:
    random = Specimen("resnet_classroom", num_classes=4, knobs=(("shortcut", "none"),))
    return operate(random.build(seed=seed), activation="tanh")


def tensors(model: nn.Module) -> dict[str, Tensor]:
    return {f"model.{name}": tensor for name, tensor in model.state_dict().items()}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Puts a checkpoint 3 of the run `abc` on disk, whatever it holds."""
    monkeypatch.setenv("ZOOLENS_RUNS", str(tmp_path))
    path = tmp_path / "abc" / "checkpoints" / "0003.safetensors"
    path.parent.mkdir(parents=True)

    def write(facts: Any = FACTS, held: dict[str, Tensor] | None = None, *, text: str | None = None) -> Path:
        said = json.dumps(facts) if text is None else text
        save_file(tensors(network()) if held is None else held, path, {"zoolens": said})
        return path

    return write


def test_what_was_saved_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOOLENS_RUNS", str(tmp_path))
    (tmp_path / "abc" / "checkpoints").mkdir(parents=True)
    path, model = tmp_path / "abc" / "checkpoints" / "0003.safetensors", network()
    state = tensors(model) | {"optimiser.momentum": torch.ones(3)}
    weights.save(path, state, FACTS | {"events": 17})
    assert [each.name for each in path.parent.iterdir()] == ["0003.safetensors"]

    loaded = zoo.load(SPECIMEN)
    assert weights.specimen_of("run:abc@3") == SPECIMEN
    assert loaded.labels == ("kind 0", "kind 1", "kind 2", "kind 3")
    assert not loaded.model.training
    image = torch.rand(2, 3, 32, 32)
    assert torch.equal(loaded.model(image), model(image))

    back, facts = weights.read(path)
    assert facts == FACTS | {"events": 17}
    assert set(back) == set(state)
    assert all(torch.equal(back[name], tensor) for name, tensor in state.items())


def test_half_precision_is_read(write: Write) -> None:
    halves = {k: v.half() if v.is_floating_point() else v for k, v in tensors(network()).items()}
    write(held=halves)
    model = zoo.load(SPECIMEN).model
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert torch.equal(model.state_dict()["head.weight"], halves["model.head.weight"].float())


def test_a_full_disk_leaves_the_old_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write()
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        weights.save(path, tensors(network(2)), FACTS)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"variant": "resnet5O"}, "no variant called"),
        ({"variant": ["resnet50"]}, "no variant called"),
        ({"variant": None}, "no variant called"),
        ({"knobs": {"shortcut": "__import__('os')"}}, "cannot be"),
        ({"knobs": {"shortcut": ["none"]}}, "knobs are no names"),
        ({"knobs": [["shortcut", "none"]]}, "knobs are no names"),
        ({"knobs": {"stem.9": 1}}, "has no knob"),
        ({"classes": []}, "no list of names"),
        ({"classes": "cat"}, "no list of names"),
        ({"classes": ["a", 1, "b", "c"]}, "no list of names"),
        ({"classes": ["a" * 10_000] * 4}, "no list of names"),
        ({"classes": ["a\x00b", "c", "d", "e"]}, "no list of names"),
        ({"classes": ["a"] * 5}, "5 classes apart"),
        ({"size": 10**9}, "1000000000 pixels"),
        ({"size": -1}, "-1 pixels"),
        ({"size": True}, "True pixels"),
        ({"size": 32.5}, "32.5 pixels"),
        ({"channels": 1}, "reads 3 channels"),
        ({"mean": [0.5]}, "mean for each channel"),
        ({"mean": [0.5, 0.5, "0.5"]}, "mean is no number"),
        ({"mean": [0.5, 0.5, float("nan")]}, "mean is no number"),
        ({"mean": [10**400, 0.5, 0.5]}, "mean is no number"),
        ({"deviation": [0, 1, 1]}, "deviation is no number"),
        ({"activation": "eval"}, "activation is not known"),
        ({"activation": {}}, "activation is not known"),
        ({"norm": 1}, "neither on nor off"),
        ({"data": 7}, "data set has no name"),
        ({"epoch": -1}, "whole numbers"),
        ({"step": 1.5}, "whole numbers"),
        ({"accuracy": 80}, "accuracy cannot be 80"),
        ({"norm": False}, "does not fit"),  # the file has batch norms
    ],
)
def test_hostile_facts_get_a_sentence(write: Write, change: dict[str, Any], sentence: str) -> None:
    write(FACTS | change)
    with pytest.raises(ValueError, match=sentence):
        zoo.load(SPECIMEN)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", "[" * 100_000, '{"size": ' + "9" * 5000 + "}"])
def test_what_is_no_json_gets_a_sentence(write: Write, text: str) -> None:
    write(text=text)
    with pytest.raises(ValueError, match="does not say what it holds"):
        zoo.load(SPECIMEN)


@pytest.mark.parametrize("name", sorted({*FACTS} - {"activation", "norm", "accuracy"}))
def test_a_missing_fact_is_named(write: Write, name: str) -> None:
    write({key: value for key, value in FACTS.items() if key != name})
    with pytest.raises(ValueError, match=f"does not say its {name}"):
        zoo.load(SPECIMEN)


def test_other_tensors_get_a_sentence(write: Write) -> None:
    good = tensors(network())
    wrong = {
        "it lacks head.bias": {k: v for k, v in good.items() if k != "model.head.bias"},
        "does not have: extra": good | {"model.extra": torch.ones(1)},
        "head.bias is F32 5, not 4": good | {"model.head.bias": torch.ones(5)},
        "head.bias is F64 4, not 4": good | {"model.head.bias": torch.ones(4, dtype=torch.float64)},
        "head.bias is I32": good | {"model.head.bias": torch.ones(4, dtype=torch.int32)},
    }
    for sentence, held in wrong.items():
        write(held=held)
        for use in (lambda: zoo.load(SPECIMEN), lambda: weights.read(weights.path_of("run:abc@3"))):
            with pytest.raises(ValueError, match=sentence):
                use()


def test_a_giant_in_words_allocates_nothing(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that claims to be a network of 138 million parameters is refused before it is built."""
    write(FACTS | {"variant": "vgg16", "knobs": {}, "size": 224, "activation": "own"})
    monkeypatch.setattr(Specimen, "build", lambda *_, **__: pytest.fail("built"))
    with pytest.raises(ValueError, match="does not fit"):
        zoo.load(Specimen("vgg16", "run:abc@3", 4))


def test_damaged_files_get_a_sentence(write: Write) -> None:
    whole = write().read_bytes()
    damaged = [b"", b"abc", whole[:-1], whole[: len(whole) // 2], whole + b"x", b"\x00" * 64]
    damaged += [struct.pack("<Q", 2**60) + whole[8:], struct.pack("<Q", 2**22) + whole[8:], whole[8:]]
    for content in damaged:
        write().write_bytes(content)
        with pytest.raises(ValueError, match=r"damaged|no checkpoint|does not say"):
            zoo.load(SPECIMEN)


def test_a_folder_in_its_place_gets_a_sentence(write: Write) -> None:
    path = write()
    path.unlink()
    path.mkdir()
    with pytest.raises(ValueError, match="has no checkpoint '3'"):
        zoo.load(SPECIMEN)


@pytest.mark.parametrize(
    ("specimen", "sentence"),
    [
        (Specimen("resnet_classroom", "run:abc@3", 4), "other knobs, not this ResNet"),
        (Specimen("vgg_classroom", "run:abc@3", 4), "holds ResNet"),
        (Specimen("resnet_classroom", "run:abc@3", 5, (("shortcut", "none"),)), "4 classes apart, not 5"),
        (Specimen("resnet_classroom", "run:abc@4", 4), "no checkpoint '4'. Kept are: 3."),
        (Specimen("resnet_classroom", "run:abd@3", 4), "no run called 'abd'"),
        (Specimen("resnet_classroom", "shipped:nothing", 4), "no shipped checkpoint called 'nothing'"),
    ],
)
def test_the_wrong_network_gets_a_sentence(write: Write, specimen: Specimen, sentence: str) -> None:
    write()
    with pytest.raises(ValueError, match=sentence):
        zoo.load(specimen)


@pytest.mark.parametrize("name", ["random", "run:abc@3", "run:2026-11-26_a@best", "shipped:resnet_cifar10"])
def test_names_survive_their_link(name: str) -> None:
    specimen = Specimen("resnet_classroom", name)
    assert Specimen.from_query(specimen.to_query()) == specimen


@pytest.mark.parametrize(
    "name",
    [
        *["", "run:", "run:a", "run:../a@3", "run:a/b@3", "run:a@-1", "run:a@٣", "run:.@3", "run:a@3\n"],
        *[f"run:{'a' * 200}@3", "shipped:", "shipped:../x", "shipped:A", "Random", "/etc/passwd"],
    ],
)
def test_other_names_get_a_sentence(name: str) -> None:
    with pytest.raises(ValueError, match=r"weights (called|cannot)"):
        Specimen("resnet_classroom", name)
    with pytest.raises(ValueError, match="no checkpoint called"):
        weights.path_of(name)


def test_random_weights_come_from_seed_0() -> None:
    loaded = zoo.load(Specimen("lenet_classroom", num_classes=3))
    expected = zoo.build("lenet_classroom", num_classes=3, seed=0)
    assert all(
        torch.equal(a, b) for a, b in zip(loaded.model.parameters(), expected.parameters(), strict=True)
    )
    assert loaded.labels == ("class 0", "class 1", "class 2")
    channels = zoo.VARIANTS["lenet_classroom"].channels
    assert loaded.preprocess(Image.new("RGBA", (50, 40))).shape == (1, channels, 32, 32)


@pytest.mark.parametrize("shape", [(40, 64), (64, 40), (200, 300), (20, 31), (32, 32)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_preprocessing_against_torchvision(shape: tuple[int, int], mode: str) -> None:
    """torchvision resizes the whole picture first and cuts the middle out in whole pixels."""
    size, channels = 32, len(mode)
    noise = torch.randint(256, (channels, *shape), generator=torch.Generator().manual_seed(0))
    smooth = v2.functional.gaussian_blur(noise.to(torch.uint8), [9, 9], [4.0, 4.0])
    image = v2.functional.to_pil_image(smooth)
    mean, deviation = (0.4, 0.5, 0.6)[:channels], (0.2, 0.25, 0.3)[:channels]
    steps = v2.Compose(
        [v2.Resize(size), v2.CenterCrop(size), v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)]
    )
    expected = v2.functional.normalize(steps(image), list(mean), list(deviation))[None]
    ours = weights.Preprocess(size=size, channels=channels, mean=mean, deviation=deviation)(image)
    assert ours.shape == expected.shape
    assert (ours - expected).abs().mean() < 0.1  # in deviations; noise of this kind differs by 0.03
    if shape[0] == shape[1]:
        torch.testing.assert_close(ours, expected)
