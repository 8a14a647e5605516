"""Attribution: what a linear network must give, and captum where it is right."""

from concurrent.futures import ThreadPoolExecutor

import captum.attr
import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.untouched import untouched
from viz import attribution, cam

# captum says with every call that it hooks the model and that it asks the picture for gradients
quiet = pytest.mark.filterwarnings(
    "ignore:Setting backward hooks on ReLU activations", "ignore:Input Tensor 0 did not already require"
)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as many passes as a reader wants."""
    monkeypatch.setattr(attribution, "STEPS", 2)
    monkeypatch.setattr(attribution, "SAMPLES", 2)
    monkeypatch.setattr(attribution, "MASKS", 20)


def noise(side: int = 32, channels: int = 3, seed: int = 0) -> Tensor:
    return torch.randn(1, channels, side, side, generator=torch.Generator().manual_seed(seed))


def linear() -> nn.Module:
    """Two classes of 1 x 2 x 2 pixels."""
    head = nn.Linear(4, 2)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[1.0, -2, 3, 0], [0, 0, 0, 1]]))
    return nn.Sequential(nn.Flatten(), head)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("key", attribution.METHODS)
def test_the_same_again_with_progress_and_nothing_left_behind(key: str) -> None:
    model, image = zoo.build("resnet_classroom").train(), noise(seed=1)
    done: list[float] = []
    with untouched(model):
        found = attribution.METHODS[key].run(model, image, 3, done.append)
        again = attribution.METHODS[key].run(model, image, 3)
    assert torch.equal(found, again)
    assert done == sorted(done)
    assert not done or done[-1] == 1
    assert bool(done) == (key in ("smoothgrad", "rise", "scorecam"))


@pytest.mark.parametrize("key", ["smoothgrad", "rise", "scorecam"])
def test_work_can_be_stopped(key: str) -> None:
    model = zoo.build("vgg_classroom")

    def stop(share: float) -> None:
        raise InterruptedError

    with untouched(model), pytest.raises(InterruptedError):
        attribution.METHODS[key].run(model, noise(), 0, stop)


@pytest.mark.parametrize("key", attribution.METHODS)
def test_a_class_there_is_not_is_said(key: str) -> None:
    model = zoo.build("resnet_classroom")
    with untouched(model), pytest.raises(ValueError, match="no class 10"):
        attribution.METHODS[key].run(model, noise(), 10)


def test_a_linear_network() -> None:
    """Gradient: the weights. Times input, and integrated from zero: weight times pixel, for any path."""
    image = torch.tensor([[[[2.0, 1], [-1, 5]]]])
    found = {
        key: attribution.METHODS[key].run(linear(), image, 0).flatten().tolist()
        for key in ("gradient", "smoothgrad", "input_gradient", "integrated")
    }
    assert found["gradient"] == [1, 2, 3, 0]
    assert found["smoothgrad"] == pytest.approx([1, 2, 3, 0])
    assert found["input_gradient"] == [2, -2, -3, 0]
    assert found["integrated"] == pytest.approx([2, -2, -3, 0])


def test_integrated_gradients_add_up_to_the_gain_in_the_score() -> None:
    model, image = zoo.build("vit_classroom"), noise()
    total = attribution.METHODS["integrated"].run(model, image, 4).sum()
    with torch.no_grad():
        gain = model(image)[0, 4] - model(torch.zeros_like(image))[0, 4]
    assert float(total) == pytest.approx(float(gain), rel=2e-2)


@quiet
@pytest.mark.parametrize("name", ["resnet_classroom", "vgg_classroom"])
def test_equal_to_captum(name: str) -> None:
    model, image = zoo.build(name), noise(seed=3)
    methods = {
        "gradient": (captum.attr.Saliency(model).attribute(image, target=2), "size"),
        "input_gradient": (captum.attr.InputXGradient(model).attribute(image, target=2), "sum"),
        "guided": (captum.attr.GuidedBackprop(model).attribute(image, target=2), "size"),
        "deconvnet": (captum.attr.Deconvolution(model).attribute(image, target=2), "size"),
    }
    for key, (theirs, how) in methods.items():
        expected = theirs[0].sum(0) if how == "sum" else theirs[0].abs().amax(0)
        ours = attribution.METHODS[key].run(zoo.build(name), image, 2)
        torch.testing.assert_close(ours, expected.detach(), rtol=1e-4, atol=1e-5 * float(ours.max()))


@quiet
def test_guided_grad_cam_is_captums() -> None:
    """Up to the scale: ours lays on a map from 0 to 1."""
    model, image = zoo.build("resnet_classroom"), noise(seed=3)
    ours = attribution.guided_gradcam(model, image, 2)
    other = zoo.build("resnet_classroom")
    theirs = captum.attr.GuidedGradCam(other, other.get_submodule("stages.2")).attribute(
        image, target=2, interpolate_mode="bilinear"
    )
    theirs = theirs.detach()[0]
    scale = cam.over(cam.raw(model, image, 2).relu(), image).max()
    torch.testing.assert_close(ours * scale, theirs, rtol=1e-4, atol=1e-6 * float(theirs.abs().max()))


class Corner(nn.Module):
    """Certain of class 1 when one corner of the picture is seen."""

    def forward(self, x: Tensor) -> Tensor:
        seen = x[:, 0, :4, :4].mean((1, 2))
        return torch.stack((torch.full_like(seen, 0.5), seen), 1) * 50


def test_rise_finds_what_must_be_seen() -> None:
    image = torch.ones(1, 3, 32, 32)
    found = attribution.METHODS["rise"].run(Corner(), image, 1)
    assert found[:4, :4].min() > found[8:, 8:].max()
    assert found[16:, 16:].mean() == pytest.approx(0.5, abs=0.1)  # the share of masks that show the corner
    y, x = divmod(int(found.argmax()), 32)
    assert max(x, y) < 6


def test_rise_grows_in_bounded_steps() -> None:
    rounds = attribution.rise(Corner(), torch.ones(1, 3, 32, 32), 1)
    share, found = next(rounds)
    assert share == cam.BATCH / attribution.MASKS
    assert found.shape == (32, 32)
    rounds.close()


@pytest.mark.usefixtures("few")
def test_eight_threads_on_one_network() -> None:
    model = zoo.build("resnet_classroom")
    jobs = [(key, seed) for seed in range(2) for key in attribution.METHODS]

    def run(job: tuple[str, int]) -> Tensor:
        key, seed = job
        return attribution.METHODS[key].run(model, noise(seed=seed), seed)

    alone = [run(job) for job in jobs]
    with untouched(model), ThreadPoolExecutor(8) as pool:
        together = list(pool.map(run, jobs))
    for job, one, other in zip(jobs, alone, together, strict=True):
        assert torch.equal(one, other), job


def test_what_the_table_says() -> None:
    for key, method in attribution.METHODS.items():
        assert method.key == key
        assert method.what.endswith(".")
        assert ":" in method.paper
