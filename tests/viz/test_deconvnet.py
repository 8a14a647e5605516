"""Projections to pixels: a network worked by hand, captum's deconvolution, and what cannot be."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from captum.attr import NeuronDeconvolution, NeuronGuidedBackprop
from torch import Tensor, nn

import zoo
from viz import hooks, layers
from viz.deconvnet import Projection, descend, project, project_many, project_strongest, unpool
from viz.hooks import RULES, Rule, UndefinedRuleError


def by_hand(rectifier: nn.Module) -> nn.Sequential:
    """One pixel, two maps -x and 2x, a rectifier, and one map that subtracts the first from the second."""
    first, second = nn.Conv2d(1, 2, 1, bias=False), nn.Conv2d(2, 1, 1, bias=False)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([-1.0, 2.0]).reshape(2, 1, 1, 1))
        second.weight.copy_(torch.tensor([-1.0, 1.0]).reshape(1, 2, 1, 1))
    return nn.Sequential(first, rectifier, second, nn.Flatten())


@pytest.mark.parametrize("rectifier", [nn.ReLU(), nn.ReLU6()])
@pytest.mark.parametrize(
    ("rule", "pixel", "sent"),
    [
        # The unit, at 4 or -2, sends (-1, 1) times that to the rectifiers, which stood at (-x, 2x).
        ("gradient", 2.0, 2.0),  # the second was open
        ("gradient", -2.0, 1.0),  # the first was open: -1 through -1
        ("deconvnet", 2.0, 2.0),  # what is positive goes on
        ("deconvnet", -2.0, 1.0),  # of (2, -2) the first: -1 through -1
        ("guided", 2.0, 2.0),
        ("guided", -2.0, 1.0),  # which was open, too
    ],
)
def test_each_rule_by_hand(rectifier: nn.Module, rule: Rule, pixel: float, sent: float) -> None:
    model = by_hand(rectifier)
    found = project(model, torch.full((1, 1, 1, 1), pixel), "2", 0, rule=rule)
    activation = 4.0 if pixel > 0 else -2.0
    assert found.activation == activation
    assert found.image.item() == activation * sent


def test_a_saturated_rectifier() -> None:
    """ReLU6 at 6 lets nothing through but the deconvnet's rule, which asks for the signal alone."""
    image = torch.full((1, 1, 1, 1), 5.0)
    model = by_hand(nn.ReLU6())
    assert project(model, image, "2", 0, rule="deconvnet").image.item() == 6 * 2
    assert project(model, image, "2", 0, rule="guided").image.item() == 0


def convolutions() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 5, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(5 * 4 * 4, 3),
    ).eval()  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "theirs"), [("deconvnet", NeuronDeconvolution), ("guided", NeuronGuidedBackprop)]
)
@pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU")
def test_equal_to_captum(rule: Rule, theirs: type) -> None:
    model, image = convolutions(), torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    found = project(model, image, "3", 2, rule=rule)
    expected = theirs(model, model[3]).attribute(image.clone().requires_grad_(), (2, *found.position))
    torch.testing.assert_close(found.image, found.activation * expected[0].detach())


def test_the_strongest_unit_or_the_one_asked_for() -> None:
    model, image = convolutions(), torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    maps: Tensor = model[:4](image)[0, 2]
    found = project(model, image, "3", 2)
    assert maps[found.position] == maps.max()
    assert found.activation == pytest.approx(maps.max().item())
    assert project(model, image, "3", 2, (0, 1)).activation == pytest.approx(maps[0, 1].item())


def learnt(variant: str, **turned: object) -> nn.Module:
    """A network in float64 whose biases and norms are not what they start as."""
    model = zoo.build(variant, **turned).double()  # type: ignore[arg-type]
    drawn = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                module.bias.normal_(0, 0.1, generator=drawn)
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_var is not None
                assert module.running_mean is not None
                module.running_var.uniform_(0.5, 2, generator=drawn)
                module.running_mean.normal_(0, 0.2, generator=drawn)
                module.weight.normal_(1, 0.3, generator=drawn)
                module.bias.normal_(0, 0.2, generator=drawn)
    return model


def pictures(count: int, size: int) -> Tensor:
    drawn = torch.Generator().manual_seed(1)
    return torch.randn(count, 3, size, size, dtype=torch.float64, generator=drawn)


CHAINS = {
    "zfnet_classroom": "stages.3.relu",
    "alexnet_classroom": "stages.4.pool",
    "vgg_classroom": "stages.2.relu2",
    "nin_classroom": "head.relu1",
    "overfeat_classroom": "stages.3",
    "mobilenet_v1_classroom": "stages.1.0.pointwise.act",
}
OTHERS = {
    "resnet_classroom": "stages.1",
    "densenet_classroom": "stages.1",
    "googlenet_classroom": "stages.3.b",
    "bn_inception_classroom": "stages.3.b",
    "shufflenet_v2_classroom": "stages.0",
}


@pytest.mark.parametrize(
    ("rule", "theirs"), [("deconvnet", NeuronDeconvolution), ("guided", NeuronGuidedBackprop)]
)
@pytest.mark.parametrize(("variant", "layer"), (CHAINS | OTHERS).items())
@pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU")
def test_the_zoo_is_equal_to_captum(variant: str, layer: str, rule: Rule, theirs: type) -> None:
    """captum knows nothing of normalisation across maps that is stepped over: it sees networks without."""
    model = learnt(variant, **{"lrn": "none"} if variant == "alexnet_classroom" else {})
    image = pictures(1, 32)
    channel = int(hooks.up_to(model, image, layer)[0].amax((1, 2)).argmax())
    found = project(model, image, layer, channel, rule=rule)
    assert found.activation > 0
    unit = (channel, *found.position)
    expected = theirs(model, model.get_submodule(layer)).attribute(image.clone().requires_grad_(), unit)
    torch.testing.assert_close(found.image, found.activation * expected[0].detach(), rtol=1e-5, atol=1e-12)
    if variant in CHAINS:
        explicit = descend(model, image, layer, channel, rule=rule)[-1].after
        torch.testing.assert_close(explicit, found.image, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("variant", "layer", "widths"),
    [
        ("zfnet", "stages.4", (16, 32, 32, 32, 16)),  # overlapping pools with a last window over the border
        ("alexnet_2gpu", "stages.4.conv", (16, 32, 32, 32, 16)),  # groups; units may be negative
    ],
)
def test_step_by_step_with_normalisation_across_maps(
    variant: str, layer: str, widths: tuple[int, ...], rule: Rule
) -> None:
    turned = {f"widths.{i}": width for i, width in enumerate(widths)}
    model, image = learnt(variant, **turned), pictures(1, 115)
    steps = descend(model, image, layer, 3, rule=rule)
    whole = project(model, image, layer, 3, rule=rule)
    torch.testing.assert_close(steps[-1].after, whole.image, rtol=1e-9, atol=1e-15)
    kinds = [step.kind for step in steps]
    assert kinds[0] == "unit"
    assert kinds.count("filter") == 5
    normed = [step for step in steps if step.path.endswith(".norm")]
    assert len(normed) == 2
    for step in normed:
        assert (step.kind == "pass" and step.after is step.before) == (rule == "deconvnet")


@pytest.mark.parametrize("variant", ["zfnet_classroom", "vgg_classroom", "nin_classroom", "alexnet_2gpu"])
def test_each_step_is_the_adjoint_of_the_way_up(variant: str) -> None:
    """<layer(x) - layer(0), signal> = <x, what the layer sends back>, pools as they chose this time."""
    model = learnt(variant)
    image = pictures(1, 67 if variant == "alexnet_2gpu" else 32)
    layer = CHAINS.get(variant, "stages.4.conv")
    for step in descend(model, image, layer, 0, rule="gradient")[1:]:
        module = model.get_submodule(step.path)
        x = torch.randn(step.after.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
        signal = step.before
        if step.kind == "rectify":
            up = x * (step.up > 0)
        elif step.switches is not None:
            up = x.flatten(1).gather(1, step.switches.flatten(1)).reshape(signal.shape)
        elif isinstance(module, nn.LocalResponseNorm):
            h = 1e-6
            with torch.no_grad():
                up = ((module((step.up + h * x)[None]) - module((step.up - h * x)[None])) / (2 * h))[0]
        else:
            with torch.no_grad():
                up = (module(x[None]) - module(torch.zeros_like(x)[None]))[0]
        torch.testing.assert_close((up * signal).sum(), (x * step.after).sum(), rtol=1e-6, atol=1e-9)
        if step.weight is not None:
            assert isinstance(module, nn.Conv2d)
            assert torch.equal(step.weight, module.weight)


def test_down_and_up_again_by_hand() -> None:
    """One row: [1, -1] slides over 3 1 4 1 5 into 2 -3 3 -4; plus 0.5, rectified, pooled by threes."""
    filter = nn.Conv2d(1, 1, (1, 2))
    model = nn.Sequential(filter, nn.ReLU(), nn.MaxPool2d((1, 3), 1))
    with torch.no_grad():
        filter.weight.copy_(torch.tensor([1.0, -1.0]).reshape(1, 1, 1, 2))
        torch.nn.init.constant_(filter.bias, 0.5)  # type: ignore[arg-type]
    image = torch.tensor([3.0, 1, 4, 1, 5]).reshape(1, 1, 1, 5)
    steps = descend(model, image, "2", 0, (0, 1))
    assert [step.kind for step in steps] == ["unit", "unpool", "rectify", "filter"]
    assert [step.path for step in steps] == ["2", "2", "1", "0"]
    assert steps[0].before.flatten().tolist() == [3.5, 3.5]
    assert steps[0].after.flatten().tolist() == [0, 3.5]
    switches = steps[1].switches
    assert switches is not None
    assert switches.flatten().tolist() == [2, 2]  # both windows hold the third
    assert steps[1].after.flatten().tolist() == [0, 0, 3.5, 0]
    assert steps[1].up.flatten().tolist() == [2.5, 0, 3.5, 0]
    assert steps[3].after.flatten().tolist() == [0, 0, 3.5, -3.5, 0]  # the filter where the maximum was


def test_windows_that_overlap_add_up() -> None:
    """4 x 4, windows of 3 x 3 one apart: the largest number, 9, is the maximum of all four."""
    maps = torch.tensor([[1.0, 2, 0, 1], [0, 9, 3, 2], [4, 1, 2, 0], [0, 3, 1, 5]])
    values, switches = nn.functional.max_pool2d(maps[None], 3, 1, return_indices=True)
    assert values.tolist() == [[[9, 9], [9, 9]]]
    back = unpool(torch.tensor([[[1.0, 2], [3, 4]]]), switches, (4, 4))
    expected = torch.zeros(1, 4, 4)
    expected[0, 1, 1] = 10
    assert torch.equal(back, expected)


def test_unpooled_maxima_stand_where_they_stood() -> None:
    maps = torch.randn(5, 8, 8, generator=torch.Generator().manual_seed(4))
    values, switches = nn.functional.max_pool2d(maps, 2, return_indices=True)
    back = unpool(values, switches, (8, 8))
    kept = back != 0
    assert kept.sum() == values.numel()
    assert torch.equal(back[kept], maps[kept])
    assert torch.equal(nn.functional.max_pool2d(back.clamp(min=-9) + 9 * kept, 2), values + 9)


@pytest.mark.parametrize("rectifier", [nn.ReLU(), nn.ReLU6()])
@pytest.mark.parametrize("rule", RULES)
def test_saturated_rectifiers_step_by_step(rectifier: nn.Module, rule: Rule) -> None:
    model = convolutions()
    model[1] = rectifier
    image = 30 * torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    steps = descend(model, image, "3", 2, rule=rule)
    torch.testing.assert_close(steps[-1].after, project(model, image, "3", 2, rule=rule).image)


@pytest.mark.parametrize(
    ("variant", "paths"),
    [
        ("zfnet_classroom", ("stages.0", "stages.1.conv", "stages.2")),
        ("alexnet_classroom", ("stages.0.conv", "stages.1")),
        ("resnet_classroom", ("stem", "stages.0", "stages.1.0.shortcut")),
        ("googlenet_classroom", ("stem", "stages.3.a", "stages.3.b.branch2")),
        ("densenet_classroom", ("stages.0",)),
        ("mobilenet_v2_classroom", ("stages.1", "stages.2")),
        ("shufflenet_v2_classroom", ("stages.0",)),
        ("efficientnet_lite_classroom", ("stages.1", "stages.2")),
        ("nasnet_classroom", ("stages.0.cell1.a.left", "stages.0.cell1.here")),
        ("senet_classroom", ("stages.0.0", "stages.1")),  # behind a global average: through whole pictures
    ],
)
@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_projections_on_what_the_unit_sees(variant: str, paths: tuple[str, ...], rule: Rule) -> None:
    """Equal to the projection through the whole picture, for units at the borders and inside."""
    model = learnt(variant)
    for layer in paths:
        found = compared_with_whole_pictures(model, layer, rule)
        if layer in ("stages.0", "stem") and variant != "senet_classroom":
            assert max(projection.patch.shape[1] for projection in found) < SIZE


SIZE = 45  # pixels: no multiple of the strides


FIXED = (
    "vit_classroom",
    "lenet_classroom",
    "bn_inception_classroom",
)  # take pictures of 32 pixels, not of SIZE


def compared_with_whole_pictures(
    model: nn.Module, layer: str, rule: Rule, size: int = SIZE
) -> list[Projection]:
    """The projections of six units, at the borders and inside, once they have been found to be right."""
    images = pictures(6, size)
    whole = images.clone().requires_grad_()
    with hooks.rule(rule):
        maps = hooks.up_to(model, whole, layer)
    _, channels, h, w = maps.shape
    positions = [(0, 0), (h - 1, w - 1), (0, w - 1), (h // 2, w // 2), (h // 3, min(1, w - 1)), (h - 1, 0)]
    chosen = [0, channels - 1, channels // 2, min(1, channels - 1), channels // 3, 2 * channels // 3]
    found = project_many(model, images, layer, chosen, positions, rule)
    units = torch.stack([maps[(i, chosen[i], *positions[i])] for i in range(6)])
    (expected,) = hooks.gradients(units @ units.detach(), [whole])
    for projection, unit, picture in zip(found, units, expected, strict=True):
        torch.testing.assert_close(projection.image, picture, rtol=1e-9, atol=1e-12)
        assert projection.activation == pytest.approx(unit.item(), rel=1e-9)
    return found


@pytest.mark.parametrize("variant", sorted(name for name in zoo.VARIANTS if name.endswith("_classroom")))
def test_every_network_on_what_the_unit_sees(variant: str) -> None:
    """Layers from the bottom to the top, by the rule that is defined for all networks."""
    model, size = learnt(variant), 32 if variant in FIXED else SIZE
    there = [layer.path for layer in layers.layers(model, pictures(1, size)) if layer.kind == "maps"]
    for path in dict.fromkeys(there[round(share * (len(there) - 1))] for share in (0.1, 0.35, 0.6, 0.85)):
        compared_with_whole_pictures(model, path, "gradient", size)


def test_many_at_once_are_checked() -> None:
    model, images = convolutions(), torch.zeros(2, 3, 12, 12)
    assert project_many(model, images[:0], "3", [], []) == []
    with pytest.raises(ValueError, match="2 images, 1 channels and 2 positions"):
        project_many(model, images, "3", [0], [(0, 0), (1, 1)])
    with pytest.raises(ValueError, match="4 x 4 units: there is none at 0, 4"):
        project_many(model, images, "3", [0, 1], [(0, 0), (0, 4)])
    with pytest.raises(ValueError, match="no layer called 'nowhere'"):
        project_many(model, images, "nowhere", [0, 1], [(0, 0), (0, 0)])


def test_the_strongest_of_several_pictures() -> None:
    model, images = convolutions(), torch.randn(6, 3, 12, 12, generator=torch.Generator().manual_seed(7))
    images[2] = 0  # where the map is at its bias
    maxima = model[:4](images)[:, 2].amax((1, 2))
    order = [int(i) for i in maxima.argsort(descending=True) if maxima[i] > 0]
    found = project_strongest(model, images[:, None].unbind(), "3", 2, 4)
    assert [at for at, _ in found] == order[:4]
    for at, projection in found:
        alone = project(model, images[at : at + 1], "3", 2)
        assert projection.position == alone.position
        torch.testing.assert_close(projection.image, alone.image)
    assert project_strongest(model, images[:, None].unbind(), "3", 2, 9)[-1][0] == order[-1]
    assert project_strongest(model, [], "3", 2, 9) == []


def test_a_layer_of_several_outputs() -> None:
    with pytest.raises(ValueError, match="puts out more than one tensor"):
        project(zoo.build("nasnet_classroom"), torch.zeros(1, 3, 32, 32), "stem", 0)


def test_no_chain() -> None:
    model = zoo.build("resnet_classroom")
    image = torch.zeros(1, 3, 32, 32)
    assert descend(model, image, "stem.relu1", 0)[-1].kind == "filter"
    with pytest.raises(ValueError, match=r"only to 'stages\.0\.0\.relu2': what this reads is put together"):
        descend(model, image, "stages.1.0.relu1", 0)


@pytest.mark.parametrize("activation", [nn.GELU, nn.SiLU, nn.Hardswish])
@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_other_activations_are_refused(activation: type[nn.Module], rule: Rule) -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 1), activation(), nn.Conv2d(2, 2, 1), nn.ReLU())
    image = torch.zeros(1, 3, 4, 4)
    for way in (project, descend):
        with pytest.raises(UndefinedRuleError, match=f"Not defined for {activation.__name__}"):
            way(model, image, "2", 0, rule=rule)


def state(model: nn.Module) -> list[object]:
    return [
        (
            module.training,
            len(module._forward_hooks),
            len(module._forward_pre_hooks),
            len(module._backward_hooks),
        )
        for module in model.modules()
    ] + [(p.requires_grad, p.grad is None, p._version) for p in model.parameters()]


def test_the_network_is_left_alone_by_eight_threads_and_after_errors() -> None:
    model = learnt("zfnet_classroom")
    model.train()
    before, images = state(model), pictures(4, 32)
    jobs: list[tuple[Rule, str, int]] = [
        (rule, layer, i) for i in range(4) for rule in RULES for layer in ("stages.1", "stages.3.relu")
    ]

    def run(job: tuple[Rule, str, int]) -> tuple[Tensor, Tensor]:
        rule, layer, i = job
        image = images[i : i + 1]
        with pytest.raises(ValueError, match="units"):
            project(model, image, layer, 0, (99, 0), rule)
        return (
            project(model, image, layer, i, rule=rule).image,
            descend(model, image, layer, i, rule=rule)[-1].after,
        )

    alone = [run(job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(run, jobs))
    for one, other in zip(alone, together, strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])
    assert state(model) == before
    x = torch.tensor([-1.0], requires_grad=True)
    assert torch.autograd.grad(x.relu().sum(), x)[0] == 0  # this thread is in no rule any more


def test_what_cannot_be() -> None:
    model, image = convolutions(), torch.zeros(1, 3, 12, 12)
    with pytest.raises(ValueError, match="has 5 maps"):
        project(model, image, "3", 5)
    with pytest.raises(ValueError, match="4 x 4 units"):
        project(model, image, "3", 0, (4, 0))
    with pytest.raises(ValueError, match="no maps"):
        project(model, image, "6", 0)
    with pytest.raises(UndefinedRuleError, match="Not defined for SiLU"):
        project(nn.Sequential(nn.Conv2d(3, 2, 1), nn.SiLU()), image, "1", 0)
