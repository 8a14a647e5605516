"""What one place sees: fields worked by hand, and nothing felt that cannot be seen."""

from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn

import zoo
from viz import attention, sight
from viz.field import Field, field
from viz.sight import Step


class Two(nn.Module):
    """Two 3 x 3 convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1))
        self.head = nn.Sequential(OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten()))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.stages(x))
        return out


def picture(size: int = 32, channels: int = 3) -> Tensor:
    return torch.randn(1, channels, size, size, generator=torch.Generator().manual_seed(1))


def local(model: nn.Module, image: Tensor, step: Step) -> Field | None:
    if sight.of_tokens(model):
        return None
    return field(model, (image.shape[1], image.shape[2], image.shape[3]), step.path)


def test_two_convolutions_see_five_by_five() -> None:
    torch.manual_seed(0)
    model, image = Two().eval(), picture(11, 1)
    first, second = sight.steps(model, image)
    assert (first.path, second.path) == ("stages.0", "stages.1")
    for step, rim in ((first, 1), (second, 2)):
        seen = sight.look(model, image, step, (0.5, 0.5), local(model, image, step))
        box = torch.zeros(11, 11, dtype=torch.bool)
        box[5 - rim : 6 + rim, 5 - rim : 6 + rim] = True
        assert seen.unit == (5, 5)
        assert torch.equal(seen.reach, box)
        assert torch.equal(seen.felt > 0, box)
        assert seen.can == (2 * rim + 1) ** 2 / 121
    corner = sight.look(model, image, second, (0.0, 0.0), local(model, image, second))
    assert int(corner.reach.sum()) == 9  # the rest of the field lies outside


def test_the_gradient_is_that_of_all_channels() -> None:
    """With every sign once the mean square over draws is the sum over channels."""
    torch.manual_seed(0)
    model, image = Two().eval(), picture(11, 1)
    step = sight.steps(model, image)[1]
    pixels = image.clone().requires_grad_()
    features = model.stages(pixels)[0, :, 5, 5]
    each = [torch.autograd.grad(feature, pixels, retain_graph=True)[0] for feature in features]
    true = torch.cat(each).square().sum((0, 1)).sqrt()
    felt = sight.felt(model, image, step, (5, 5))
    assert torch.equal(felt > 0, true > 0)
    both = torch.stack([felt[true > 0], true[true > 0]])
    assert torch.corrcoef(both)[0, 1] > 0.8
    assert felt.square().sum() == pytest.approx(float(true.square().sum()), rel=0.3)


@pytest.mark.parametrize(
    "name", ["resnet_classroom", "vgg_classroom", "vit_classroom", "swin_classroom", "swin_v2_classroom"]
)
def test_nothing_is_felt_that_cannot_be_seen(name: str) -> None:
    model, image = zoo.build(name), picture()
    for step in sight.steps(model, image):
        for point in ((0.45, 0.45), (0.02, 0.98)):
            sighting = sight.look(model, image, step, point, local(model, image, step))
            felt = sight.felt(model, image, step, sighting.unit)
            assert felt[sighting.reach].max() > 0, step
            outside = felt[~sighting.reach]
            assert not outside.numel() or outside.max() < 1e-30, step  # the mask leaves what float32 can say
            assert 0 < sighting.does <= sighting.can


def test_vit_sees_its_patch_and_then_everything() -> None:
    model, image = zoo.build("vit_classroom"), picture()
    stem, *blocks = sight.steps(model, image)
    seen = sight.look(model, image, stem, (0.5, 0.5), None)
    assert int(seen.reach.sum()) == 4 * 4
    assert all(sight.look(model, image, step, (0.5, 0.5), None).can == 1 for step in blocks)
    assert [step.title for step in (stem, *blocks)] == ["Stem", "Block 1", "Block 2", "Block 3"]


def test_swin_sees_a_window_then_its_neighbours_then_across_a_merging() -> None:
    """Classroom Swin: patches of 2, a map of 16 x 16 with windows of 4, moved by 2 in every second block."""
    model, image = zoo.build("swin_classroom"), picture()
    steps = {step.path: step for step in sight.steps(model, image)}
    seen = {path: sight.look(model, image, step, (0.3, 0.3), None).reach for path, step in steps.items()}

    def square(top: int, bottom: int) -> Tensor:
        found = torch.zeros(32, 32, dtype=torch.bool)
        found[top:bottom, top:bottom] = True
        return found

    # The point 9.6 lies in token 4, whose window is 4 .. 7: pixels 8 .. 15.
    assert torch.equal(seen["stem"], square(8, 10))
    assert torch.equal(seen["stages.0.block0"], square(8, 16))
    # Moved windows: token 4 meets 2 .. 5, which come from the windows 0 .. 3 and 4 .. 7.
    assert torch.equal(seen["stages.0.block1"], square(0, 16))
    # Merged, it is token 2 of 8, made of 4 and 5, which both met those.
    assert torch.equal(seen["stages.1.merge"], square(0, 16))
    # Its window 0 .. 3 of merged tokens is 0 .. 7 of old ones, which have met up to 11: pixels up to 23 ...
    assert seen["stages.1.block0"].sum() < 32 * 32
    assert seen["stages.1.block1"].all()  # ... and the shift brings the rest.


@pytest.mark.parametrize(
    ("name", "size"), [("vit_classroom", 32), ("swin_classroom", 32), ("swin_classroom", 36)]
)
def test_rollout_reaches_what_can_be_seen_and_hands_out_one_whole(name: str, size: int) -> None:
    """36 pixels: maps of 18 and 9 tokens that are padded, in windows and when they are merged."""
    model, image = zoo.build(name), picture(size)
    captured = attention.capture(model, image)
    for step in sight.steps(model, image):
        seen = sight.look(model, image, step, (0.9, 0.45), None, captured)
        handed = float(seen.felt.sum())
        cells = seen.felt.shape
        can = seen.reach.reshape(cells[0], size // cells[0], cells[1], size // cells[1]).amax((1, 3))
        assert seen.felt.min() >= 0
        assert seen.felt[~can].sum() < 1e-6, step  # the mask leaves what float32 can say
        assert 0 < handed <= 1 + 1e-5
        if name == "swin_classroom" and size == 32:
            assert handed == pytest.approx(1, abs=1e-5)


def test_depth_is_a_share_of_the_steps() -> None:
    model, image = zoo.build("swin_classroom"), picture()
    steps = sight.steps(model, image)
    assert [sight.at(steps, share) for share in (0, 0.5, 1)] == [0, 4, 8]
    assert steps[3].title == "Stage 2, merging"
    assert steps[4].title == "Stage 2, block 1"


def test_most_families_can_be_followed() -> None:
    for name in (
        "lenet_classroom",
        "alexnet_classroom",
        "googlenet_classroom",
        "densenet_classroom",
        "convnext_classroom",
    ):
        row = zoo.VARIANTS[name]
        model = zoo.build(name)
        steps = sight.steps(model, torch.zeros(1, row.channels, row.input_size, row.input_size))
        assert len(steps) >= 4, name
    with pytest.raises(ValueError, match="take another"):
        sight.steps(zoo.build("nasnet_classroom"), picture())


def test_what_holds_a_share() -> None:
    assert sight.held(torch.tensor([[9.0, 1.0], [0.0, 0.0]])) == 0.25
    assert sight.held(torch.ones(10, 10)) == 0.9
    assert sight.held(torch.zeros(3, 3)) == 0
    assert sight.cells(torch.ones(224, 224)).shape == (56, 56)


def test_nothing_is_left_on_the_network() -> None:
    model, image = zoo.build("swin_classroom"), picture()
    step = sight.steps(model, image)[3]
    sight.look(model, image, step, (0.5, 0.5), None)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in model.modules())
    assert image.grad is None
    assert not image.requires_grad
