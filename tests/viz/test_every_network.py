"""Every network of the zoo through every method that explains a class, eight threads at once on one network.

Each gives a finite map of the picture's shape or says in a sentence why it is not defined, and nobody notices
afterwards that the network was looked into: neither after work that was stopped half way, nor after a class
that there is not.

Of ImageNet's networks the smallest of every family, and all that are small; with ZOOLENS_EVERY=1 every one up
to LARGEST, which takes six to thirty minutes of one core.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.untouched import untouched
from viz import attribution, cam, layers, methods
from viz.attribution import Method

CLASSROOM = [family.classroom.name for family in zoo.FAMILIES.values()]
IMAGENET = [name for name, row in zoo.VARIANTS.items() if row.num_classes == 1000]
LARGEST = 200_000_000  # parameters: two copies of what is larger need more memory than a small machine has
TOO_LARGE = {
    "regnet_y_128gf", "vit_l_32", "vit_l_16", "vit_h_14", "efficientnet_v2_xl", "nfnet_f3", "nfnet_f4",
    "nfnet_f5", "nfnet_f6", "nfnet_f7", "convnext_xlarge",
}  # fmt: skip
SMALL = 6_000_000  # parameters
TARGET = 1


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few passes for each method, and those that several methods share only once."""
    for passes in ("STEPS", "SAMPLES", "MASKS"):
        monkeypatch.setattr(attribution, passes, 1)
    monkeypatch.setattr(cam, "BATCH", 2)
    monkeypatch.setattr(methods, "PART", 1.2)  # four places of the square
    for module, shared in ((layers, "best"), (cam, "evidence"), (attribution, "backward")):
        monkeypatch.setattr(module, shared, lru_cache(getattr(module, shared)))


class Stopped(Exception):
    """What a reader does who cancels."""


def stop(share: float) -> None:
    raise Stopped


def parameters(name: str) -> int:
    published = zoo.VARIANTS[name].published
    return published.params if published else sum(p.numel() for p in zoo.skeleton(name).parameters())


def test_what_is_left_out_is_what_is_too_large() -> None:
    assert {name for name in IMAGENET if parameters(name) > LARGEST} == TOO_LARGE


@pytest.mark.parametrize("name", CLASSROOM)
def test_classroom(name: str) -> None:
    check(name)


def chosen() -> list[str]:
    """The networks for pictures of ImageNet that are gone through."""
    sizes = {name: parameters(name) for name in IMAGENET if name not in TOO_LARGE}
    least: dict[str, str] = {}
    for name in sorted(sizes, key=sizes.__getitem__):
        least.setdefault(zoo.family_of(name).key, name)
    every = bool(os.environ.get("ZOOLENS_EVERY"))
    return [name for name in sizes if every or sizes[name] <= SMALL or name in least.values()]


@pytest.mark.slow
@pytest.mark.parametrize("name", chosen())
def test_imagenet(name: str) -> None:
    check(name)


def check(name: str) -> None:
    model, image = smallest(name)
    with untouched(model), ThreadPoolExecutor(8) as pool:
        alone = attribution.backward(model, image, TARGET).abs().amax(0)
        cam.evidence(model, image, TARGET, layers.best(None, model, image).path)
        together = {
            key: pool.submit(mapped, method, model, image)
            for key, method in methods.METHODS.items()
            if key != "scorecam"
        }
        others = [
            pool.submit(work, model, image)
            for work in (scored, class_activation, stopped, asked_for_no_class)
        ]
    for other in others:
        other.result()
    found = {key: each.result() for key, each in together.items()}
    torch.testing.assert_close(found["gradient"], alone, rtol=1e-4, atol=1e-5 * float(alone.max()))


def smallest(name: str) -> tuple[nn.Module, Tensor]:
    """The network, and noise of the least size in use of which its layers leave more than one place."""
    row = zoo.VARIANTS[name]
    for side in (32, 64, 96, row.input_size):
        image = torch.randn(1, row.channels, side, side, generator=torch.Generator().manual_seed(0))
        try:
            model = zoo.build(name, input_size=side)
            layers.best(None, model, image)
        except (ValueError, RuntimeError):
            continue
        return model, image
    raise AssertionError(name)


def mapped(method: Method, model: nn.Module, image: Tensor) -> Tensor | None:
    if (reason := method.undefined(model)) is not None:
        assert reason.endswith("."), method.key
        with pytest.raises(ValueError, match=r"\.$"):
            method.run(model, image, TARGET)
        return None
    found = method.run(model, image, TARGET)
    sound(found, image, method.key)
    assert method.signed or found.min() >= 0, method.key
    return found


def scored(model: nn.Module, image: Tensor) -> None:
    """Score-CAM asks about each of up to thousands of maps: here about the first."""
    rounds = cam.score_cam(model, image, TARGET, layers.best(None, model, image).path)
    sound(cam.over(next(rounds)[1], image), image, "scorecam")
    rounds.close()


def class_activation(model: nn.Module, image: Tensor) -> None:
    """CAM, which most networks have no head for."""
    try:
        found = cam.cam(model, image, TARGET, method="cam")
    except ValueError as error:
        if "CAM is not defined here" not in str(error):
            raise
    else:
        sound(found, image, "cam")


def stopped(model: nn.Module, image: Tensor) -> None:
    with pytest.raises(Stopped):
        methods.METHODS["rise"].run(model, image, TARGET, stop)


def asked_for_no_class(model: nn.Module, image: Tensor) -> None:
    with pytest.raises(ValueError, match="no class 1000"):
        methods.METHODS["gradcam"].run(model, image, 1000)


def sound(found: Tensor, image: Tensor, key: str) -> None:
    assert found.shape == image.shape[-2:], key
    assert found.isfinite().all(), key
    assert found.dtype == torch.float32, key
    assert not found.requires_grad, key
