"""Class activation maps: worked by hand, and equal to captum's and pytorch-grad-cam's where they exist."""

from collections.abc import Callable
from copy import deepcopy

import captum.attr
import numpy as np
import pytest
import pytorch_grad_cam as peer
import torch
from numpy.typing import NDArray
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

import zoo
from tests.untouched import untouched
from viz import cam, layers

NETS = {
    "resnet_classroom": "stages.2",
    "vgg_classroom": "stages.3",
    "convnext_classroom": "stages.2",
    "vit_classroom": "stages.2.norm1",
    "swin_classroom": "stages.2.block1.norm2",
}
PEERS = {
    "gradcam": peer.GradCAM,
    "gradcampp": peer.GradCAMPlusPlus,
    "hirescam": peer.HiResCAM,
    "layercam": peer.LayerCAM,
    "xgradcam": peer.XGradCAM,
    "eigencam": peer.EigenCAM,
}
TARGET = 3


def noise(side: int = 32, seed: int = 0) -> Tensor:
    return torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(seed))


def reshaped(name: str) -> Callable[[Tensor], Tensor] | None:
    """What one tells pytorch-grad-cam about a network's axes."""
    if name.startswith("vit"):
        return lambda x: x[:, 1:].transpose(1, 2).reshape(len(x), x.shape[2], 8, 8)
    if name.startswith("swin"):
        return lambda x: x.permute(0, 3, 1, 2)
    return None


def theirs(name: str, method: str, image: Tensor) -> NDArray[np.float64]:
    """pytorch-grad-cam's map before it is cut and stretched, (h, w)."""
    model = zoo.build(name).double()
    layer = [model.get_submodule(NETS[name])]
    with PEERS[method](model=model, target_layers=layer, reshape_transform=reshaped(name)) as method_of_peer:
        targets = [ClassifierOutputTarget(TARGET)]
        method_of_peer(input_tensor=image, targets=targets)
        seen = method_of_peer.activations_and_grads
        gradients = seen.gradients[0].numpy() if seen.gradients else None
        found: NDArray[np.float64] = method_of_peer.get_cam_image(
            image, layer[0], targets, seen.activations[0].numpy(), gradients, eigen_smooth=False
        )[0]
    return found


@pytest.mark.parametrize("method", PEERS)
@pytest.mark.parametrize("name", NETS)
def test_equal_to_pytorch_grad_cam(name: str, method: str) -> None:
    # In double precision: XGrad-CAM divides by a sum that nearly cancels, differently on every processor.
    model, image = zoo.build(name).double(), noise().double()
    with untouched(model):
        ours = cam.coarse(cam.evidence(model, image, TARGET, NETS[name]), method).numpy()
    expected = theirs(name, method, image)
    if method == "eigencam" and float((ours * expected).sum()) < 0:
        expected = -expected  # the sign is arbitrary, and they leave it to chance
    assert np.abs(ours - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["resnet_classroom", "vit_classroom", "swin_classroom"])
def test_score_cam_is_equal_to_pytorch_grad_cam(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Theirs enlarges masks with aligned corners, which moves them; without that the two are one."""
    monkeypatch.setattr(nn, "UpsamplingBilinear2d", lambda size: nn.Upsample(size=size, mode="bilinear"))
    model, image = zoo.build(name), noise()
    *_, (share, ours) = cam.score_cam(model, image, TARGET, NETS[name])
    assert share == 1
    other = zoo.build(name)
    layer = other.get_submodule(NETS[name])
    with peer.ScoreCAM(other, [layer], reshape_transform=reshaped(name)) as method_of_peer:
        targets = [ClassifierOutputTarget(TARGET)]
        method_of_peer(input_tensor=image, targets=targets)
        activations = cam.evidence(model, image, TARGET, NETS[name]).activation[None].numpy()
        expected = method_of_peer.get_cam_image(image, layer, targets, activations, None)[0]
    assert np.abs(ours.numpy() - expected).max() <= 1e-6  # of activations around 1 that nearly cancel


def test_what_is_laid_over_the_picture_is_pytorch_grad_cams() -> None:
    model, image = zoo.build("resnet_classroom"), noise(seed=2)
    other, compared = deepcopy(model), 0
    for target in range(10):
        with peer.GradCAM(model=other, target_layers=[other.get_submodule("stages.2")]) as method_of_peer:
            expected = method_of_peer(input_tensor=image, targets=[ClassifierOutputTarget(target)])[0]
        raw = cam.raw(model, image, target)
        if (cut := raw.relu()).min() == 0 < cut.max():  # they subtract the least value, where there is one
            compared += 1
            stretched = cam.over(cut / cut.max(), image).numpy()
            assert np.abs(stretched / stretched.max() - expected).max() <= 1e-5
            assert np.abs(cam.cam(model, image, target).numpy() - expected).max() <= 1e-5
    assert compared >= 3


@pytest.mark.parametrize("name", NETS)
def test_equal_to_captum(name: str) -> None:
    """captum averages axes 2 and on, whatever they are: around the layer, the axes are put there for it."""
    model, image = zoo.build(name), noise()
    ours = cam.coarse(cam.evidence(model, image, TARGET, NETS[name]))
    maps: nn.Module
    if name.startswith(("vit", "swin")):
        maps = nn.Identity()
        around = Tokens(maps) if name.startswith("vit") else ChannelsLast(maps)
        parent, _, child = NETS[name].rpartition(".")
        setattr(model.get_submodule(parent), child, nn.Sequential(model.get_submodule(NETS[name]), around))
    else:
        maps = model.get_submodule(NETS[name])
    expected = captum.attr.LayerGradCam(model, maps).attribute(image, target=TARGET)
    expected = expected.detach()[0, 0]
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


class ChannelsLast(nn.Module):
    """Shows channels-last maps as maps to the module inside."""

    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        return self.inside(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class Tokens(nn.Module):
    """Shows the patches as maps to the module inside, and lets the class token pass."""

    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        maps = x[:, 1:].transpose(1, 2).reshape(len(x), x.shape[2], 8, 8)
        return torch.cat((x[:, :1], self.inside(maps).flatten(2).transpose(1, 2)), 1)


class ByHand(nn.Module):
    """One 1x1 convolution to two maps, and a linear layer over all of their positions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1, bias=False)
        self.head = nn.Linear(8, 2, bias=False)
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1))
            self.head.weight.copy_(torch.tensor([[1.0, 1, 1, 1, 2, 0, 0, 0], [0, 0, 0, -4, 0, 0, 0, 0]]))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x).flatten(1))


BY_HAND = torch.tensor([[[[1.0, 2], [3, 4]]]])  # so the maps are (1 2 3 4) and (-1 -2 -3 -4)


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("gradcam", 0, [0.5, 1, 1.5, 2]),  # mean gradients 1 and 1/2
        ("gradcam", 1, [-1, -2, -3, -4]),  # mean gradients -1 and 0
        ("counterfactual", 0, [-0.5, -1, -1.5, -2]),
        ("counterfactual", 1, [1, 2, 3, 4]),
        ("hirescam", 0, [-1, 2, 3, 4]),
        ("hirescam", 1, [0, 0, 0, -16]),
        ("layercam", 0, [-1, 2, 3, 4]),
        ("layercam", 1, [0, 0, 0, 0]),
        # sums 10 and -10: shares 1 / (2 + 10) and 4 / (8 - 80): weights 4/12 and -2/18
        ("gradcampp", 0, [(1 / 3 + 1 / 9) * a for a in (1, 2, 3, 4)]),
        ("gradcampp", 1, [0, 0, 0, 0]),
        ("xgradcam", 0, [(1 - 0.2) * a for a in (1, 2, 3, 4)]),  # weights 10/10 and -2/-10
        ("xgradcam", 1, [-1.6 * a for a in (1, 2, 3, 4)]),  # weight -16/10
        # two opposite maps: their one pattern, centred, is (-1.5 -.5 .5 1.5) times the root of 2
        ("eigencam", 0, [2**0.5 * a for a in (-1.5, -0.5, 0.5, 1.5)]),
    ],
)
def test_by_hand(method: str, target: int, expected: list[float]) -> None:
    found = cam.coarse(cam.evidence(ByHand(), BY_HAND, target, "conv"), method)
    if method == "eigencam" and found[0, 0] > 0:
        found = -found  # the layer as a whole is flat here: nothing decides on the sign
    assert found.flatten().tolist() == pytest.approx(expected, abs=1e-5)


def test_score_cam_by_hand() -> None:
    """Each map as a mask from 0 to 1: x times (0 1/3 2/3 1) and (1 2/3 1/3 0), and the logits of those."""
    first, second = torch.tensor([0, 2 / 3, 2, 4]), torch.tensor([1, 4 / 3, 1, 0])
    scores = torch.stack([masked.sum() - 2 * masked[0] for masked in (first, second)])
    weights = scores.softmax(0)
    expected = (weights[0] - weights[1]) * torch.tensor([1.0, 2, 3, 4])
    found = cam.raw(ByHand(), BY_HAND, 0, "conv", "scorecam")
    torch.testing.assert_close(found.flatten(), expected)


def test_the_evidence_is_activation_and_gradient() -> None:
    model = ByHand()
    with untouched(model):
        found = cam.evidence(model, BY_HAND, 0, "conv")
    assert found.logits.tolist() == [10 - 2, -16]
    assert found.activation.flatten().tolist() == [1, 2, 3, 4, -1, -2, -3, -4]
    assert found.gradient.flatten().tolist() == [1, 1, 1, 1, 2, 0, 0, 0]


@pytest.mark.parametrize("name", ["resnet_classroom", "vit_classroom", "swin_classroom"])
def test_many_layers_in_one_pass_are_as_one_by_one(name: str) -> None:
    model, image = zoo.build(name), noise()
    paths = [layer.path for layer in layers.layers(model, image)][::5]
    with untouched(model):
        together = cam.evidences(model, image, TARGET, paths)
    for path, found in zip(paths, together, strict=True):
        alone = cam.evidence(model, image, TARGET, path)
        assert found.path == path
        torch.testing.assert_close(found.activation, alone.activation)
        torch.testing.assert_close(found.gradient, alone.gradient)


@pytest.mark.parametrize(
    ("name", "positions"),
    [
        ("resnet_classroom", 64),
        ("densenet_classroom", 64),
        ("nin_classroom", 64),
        ("squeezenet_classroom", 9),
    ],
)
def test_cam_is_grad_cam_times_the_positions(name: str, positions: int) -> None:
    """Selvaraju et al. 2017, section 3.1: for an average and a linear head the two differ by 1/Z."""
    model, image = zoo.build(name), noise()
    for target in (0, 7):
        with untouched(model):
            plain = cam.raw(model, image, target, method="cam")
        gradcam = cam.raw(model, image, target)
        assert gradcam.numel() == positions
        torch.testing.assert_close(plain, gradcam * positions, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["vgg_classroom", "mobilenet_v3_classroom", "vit_classroom"])
def test_cam_is_refused_for_other_heads(name: str) -> None:
    with pytest.raises(ValueError, match="CAM is not defined here"):
        cam.raw(zoo.build(name), noise(), 0, method="cam")


def test_a_map_over_the_picture() -> None:
    model, image = zoo.build("resnet_classroom"), noise()
    for method in cam.METHODS:
        found = cam.cam(model, image, 2, method=method)
        assert found.shape == (32, 32)
        assert found.min() >= 0
        assert float(found.max()) in (0, 1)


def test_cells_keep_their_places() -> None:
    """A cell of 32 px has its peak in its middle; aligned corners would move it towards the edge."""
    raw = torch.zeros(7, 7)
    raw[1, 5] = 1
    y, x = divmod(int(cam.over(raw, torch.zeros(1, 3, 224, 224)).argmax()), 224)
    assert 32 + 15 <= y <= 32 + 16
    assert 160 + 15 <= x <= 160 + 16


def test_facts_say_what_cannot_be_seen() -> None:
    assert cam.facts(torch.zeros(2, 2)).warning == (
        "This map is zero everywhere: nothing in this layer changes the score of this class."
    )
    negative = cam.facts(torch.tensor([[-1.0, 0], [-3, -2]]))
    assert "Nothing in this layer speaks for this class" in (negative.warning or "")
    assert (negative.highest, negative.lowest, negative.share) == (0, -3, 0)
    mixed = cam.facts(torch.tensor([[-1.0, 0, 1], [-3, 2, -2]]))
    assert mixed.warning is None
    assert mixed.peak == (1, 1)
    assert mixed.share == pytest.approx(1 / 3)


def test_both_halves_are_on_one_scale() -> None:
    raises, lowers = cam.halves(torch.tensor([[-4.0, 2], [0, 1]]))
    assert raises.tolist() == [[0, 0.5], [0, 0.25]]
    assert lowers.tolist() == [[1, 0], [0, 0]]
    for half in cam.halves(torch.zeros(2, 2)):
        assert half.tolist() == [[0, 0], [0, 0]]


def test_score_cam_grows_and_can_be_left() -> None:
    model, image = zoo.build("vgg_classroom"), noise()
    with untouched(model):
        rounds = cam.score_cam(model, image, 0, "stages.4.relu2")
        share, first = next(rounds)
        rounds.close()
    assert share == cam.BATCH / 128
    assert first.shape == (2, 2)

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with untouched(model), pytest.raises(KeyboardInterrupt):
        cam.raw(model, image, 0, method="scorecam", progress=stop)


def test_wrong_names_are_said() -> None:
    model, image = zoo.build("resnet_classroom"), noise()
    with pytest.raises(ValueError, match="no method called 'gradcan'"):
        cam.raw(model, image, 0, method="gradcan")
    with pytest.raises(ValueError, match="'scorecam' is not made of one activation"):
        cam.coarse(cam.evidence(model, image, 0, "stages.2"), "scorecam")
    with pytest.raises(ValueError, match=r"no layer called 'stages\.9'"):
        cam.evidence(model, image, 0, "stages.9")
    with pytest.raises(ValueError, match="no class 10"):
        cam.evidence(model, image, 10, "stages.2")


def test_a_film_is_the_evidence_of_each_layer() -> None:
    """From one pass: the same as a pass for each layer and each class."""
    torch.manual_seed(0)
    model, image = zoo.build("resnet_classroom", num_classes=7).eval(), torch.randn(1, 3, 32, 32)
    paths = ("stem.relu1", "stages.1.0.relu2", "stages.2.0.relu2")
    film = cam.film(model, image, 3, paths, "layercam")
    order = [each for each in model(image)[0].argsort(descending=True).tolist() if each != 3]
    for path in paths:
        torch.testing.assert_close(
            film.maps[path], cam.coarse(cam.evidence(model, image, 3, path), "layercam")
        )
    assert list(film.maps) == list(paths)
    assert set(film.ends) == {3, order[0]}
    for target, end in film.ends.items():
        alone = cam.evidence(model, image, target, paths[-1])
        assert (end.path, end.target) == (paths[-1], target)
        assert end.gradient.untyped_storage().nbytes() == 4 * 64, "behind it all is averaged"
        torch.testing.assert_close(end.activation, alone.activation)
        torch.testing.assert_close(end.gradient, alone.gradient)
        torch.testing.assert_close(end.logits, alone.logits)
