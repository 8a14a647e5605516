"""Inception-v2 and v3: table 1 row by row, what splitting a kernel saves, and the auxiliary head."""

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import zoo
from zoo.families.inception_v3 import AUX_WEIGHT, InceptionB, InceptionV3, split
from zoo.layers import side_behind

# Table 1: what each row receives, as side and channels; the output of a row is the input of the next.
TABLE_1 = {
    "stem.conv1": (299, 3),
    "stem.conv2": (149, 32),
    "stem.conv3": (147, 32),
    "stem.pool1": (147, 64),
    "stem.conv4": (73, 64),
    "stem.conv5": (71, 80),
    "stem.conv6": (35, 192),
    "stages.5": (35, 288),
    "stages.6.b": (17, 768),
    "stages.7.b": (8, 1280),
    "pool": (8, 2048),
    "head": (1, 2048),
}
RELEASED = TABLE_1 | {"stem.conv5": (73, 80), "stem.pool2": (71, 192), "stages.5": (35, 192)}
RELEASED = {path: size for path, size in RELEASED.items() if path != "stem.conv6"}


def inception(name: str) -> InceptionV3:
    model = zoo.build(name)
    assert isinstance(model, InceptionV3)
    return model


@pytest.mark.parametrize(
    ("name", "table", "modules"),
    [("inception_v2_rethinking", TABLE_1, (3, 5, 2)), ("inception_v3", RELEASED, (3, 4, 2))],
)
def test_maps_of_table_1(name: str, table: dict[str, tuple[int, int]], modules: tuple[int, ...]) -> None:
    model = zoo.skeleton(name)
    seen: dict[str, tuple[int, int]] = {}

    def note(path: str, module: nn.Module) -> None:
        def called(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0]
            seen[path] = (x.shape[2] if x.ndim == 4 else 1, x.shape[1])

        module.register_forward_pre_hook(called)

    for path in table:
        note(path, model.get_submodule(path))
    model(torch.empty(1, 3, 299, 299, device="meta"))
    assert seen == table
    depths = [len(list(model.get_submodule(f"stages.{s}").children())) for s in "567"]
    assert depths == [modules[0], modules[1] + 1, modules[2] + 1], "two of the stages begin with a reduction"


def test_every_inception_v2_rethinking_module_keeps_its_filter_bank() -> None:
    """Section 6: 288 filters at 35x35, 768 at 17x17, 1280 behind the second halving, then 2048."""
    model = zoo.skeleton("inception_v2_rethinking")
    widths: dict[str, list[int]] = {}
    x = model.get_submodule("stem")(torch.empty(1, 3, 299, 299, device="meta"))
    for stage in "567":
        for module in model.get_submodule(f"stages.{stage}").children():
            x = module(x)
            widths.setdefault(stage, []).append(x.shape[1])
    assert widths == {"5": [288] * 3, "6": [768] * 6, "7": [1280, 2048, 2048]}


@pytest.mark.parametrize(("n", "saved"), [(3, 1 / 3), (5, 3 / 5), (7, 5 / 7)])
def test_two_one_dimensional_kernels_see_n_x_n_for_less(n: int, saved: float) -> None:
    """Section 3.2: a 3x1 and a 1x3 are 33 % cheaper than a 3x3; in general 2n weights instead of n^2."""
    cost, reached = {}, {}
    for asymmetric in (False, True):
        layers = split(4, 4, n, asymmetric=asymmetric)
        cost[asymmetric] = sum(p.numel() for p in layers.parameters() if p.ndim > 1)
        for layer in layers.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.ones_(layer.weight)
        x = torch.ones(1, 4, 19, 19, requires_grad=True)
        (gradient,) = torch.autograd.grad(layers.eval()(x)[0, 0, 9, 9], x)
        reached[asymmetric] = gradient[0, 0] != 0
    assert 1 - cost[True] / cost[False] == pytest.approx(saved)
    assert torch.equal(reached[True], reached[False])
    assert int(reached[True].sum()) == n * n


def test_a_module_of_one_dimensional_kernels_is_cheaper_and_sees_as_far() -> None:
    modules = [InceptionB(64, 16, 24, n=7, asymmetric=asymmetric) for asymmetric in (True, False)]
    reach = []
    for module in modules:
        branch = module["nxn_nxn"].eval()
        for layer in branch.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.ones_(layer.weight)
        x = torch.ones(1, 64, 17, 17, requires_grad=True)
        (gradient,) = torch.autograd.grad(branch(x)[0, 0, 8, 8], x)
        reach.append(int((gradient[0, 0] != 0).sum()))
    assert reach == [13 * 13, 13 * 13]
    count = [sum(p.numel() for p in module.parameters()) for module in modules]
    assert count[0] < count[1] / 2


def test_the_auxiliary_head_equals_torchvisions() -> None:
    """The generic twin test sees the main head only."""
    reference = torchvision.models.inception_v3(weights=None, init_weights=False).eval()
    ours = inception("inception_v3")
    head = reference.AuxLogits
    assert isinstance(head, nn.Module)
    state = zip(ours.aux.state_dict(), head.state_dict().values(), strict=True)
    ours.aux.load_state_dict(dict(state))
    x = torch.randn(2, 768, 17, 17, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours.aux(x), head(x), rtol=1e-4, atol=1e-5)
    auxiliary = sum(p.numel() for p in ours.aux.parameters())
    assert sum(p.numel() for p in ours.parameters()) - auxiliary == 23_834_568  # timm's, without it


def test_bn_auxiliary_is_all_that_tells_the_heads_apart() -> None:
    """Table 3's last row: the layer that sees the whole map is normalised, too."""
    heads = [inception(name).aux for name in ("inception_v2_rethinking", "inception_v3")]
    norms = [[isinstance(m, nn.BatchNorm2d) for m in head.modules()] for head in heads]
    assert list(map(sum, norms)) == [1, 2]
    weights = [[p.shape for p in head.parameters() if p.ndim > 1] for head in heads]
    assert weights[0] == weights[1] == [(128, 768, 1, 1), (768, 128, 5, 5), (1000, 768)]


def test_the_auxiliary_loss_weighs_three_tenths_and_vanishes_without_forward_aux() -> None:
    model = inception("inception_v3_classroom")
    (stem,) = model.stem.get_submodule("conv1.conv").parameters()
    image = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    outputs = model.forward_aux(image)
    losses = [nn.functional.cross_entropy(o, torch.tensor([3, 7])) for o in outputs]
    main, auxiliary = (torch.autograd.grad(loss, stem, retain_graph=True)[0] for loss in losses)
    (whole,) = torch.autograd.grad(losses[0] + AUX_WEIGHT * losses[1], stem)
    torch.testing.assert_close(whole, main + 0.3 * auxiliary)
    assert auxiliary.abs().max() > 0
    model.aux.register_forward_hook(lambda *_: pytest.fail("forward runs the auxiliary head"))
    assert torch.equal(model(image), outputs[0])
    model.train()(image)


@pytest.mark.parametrize(("size", "strides", "part"), [(151, (1, 2, 2), 1.0), (79, (1, 1, 2), 0.94)])
def test_small_pictures_cost_as_much_as_large_ones(size: int, strides: tuple[int, ...], part: float) -> None:
    """Section 9: without the first stride at 151 px, without the first pool as well at 79 px."""
    knobs = {f"strides.{i}": s for i, s in enumerate(strides) if s != 2}
    model = zoo.skeleton("inception_v3", input_size=size, **knobs)
    with torch.no_grad(), FlopCounterMode(display=False) as count:
        model(torch.empty(1, 3, size, size, device="meta"))
    assert count.get_total_flops() / 2 / 5_713_216_096 == pytest.approx(part, abs=5e-3)


def test_too_small_a_picture_is_refused() -> None:
    zoo.skeleton("inception_v3", input_size=75)  # torchvision's least
    with pytest.raises(ValueError, match=r"At 74 px .* 75 px is the least\."):
        zoo.skeleton("inception_v3", input_size=74)


@pytest.mark.parametrize("size", [75, 128, 299])
def test_side_behind_is_the_side_torch_computes(size: int) -> None:
    model = zoo.skeleton("inception_v3", input_size=size)
    stem, reduction = model.get_submodule("stem"), model.get_submodule("stages.6.a")
    maps = stem(torch.empty(1, 3, size, size, device="meta"))
    assert side_behind([stem], size) == maps.shape[2]
    halved = reduction(torch.empty(1, 288, *maps.shape[2:], device="meta"))
    assert side_behind([reduction], maps.shape[2]) == halved.shape[2]
