"""GoogLeNet: table 1 row by row, the auxiliary heads, and what the 1x1 reductions save."""

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import zoo
from zoo.families.googlenet import AUX_WEIGHT, TABLE_1, GoogLeNet

# The last two columns of table 1: params in units of 1,024 and ops in millions, as printed.
TABLE_1_COST = {
    "conv1": (2.7, 34),
    "conv2": (112, 360),
    "3a": (159, 128),
    "3b": (380, 304),
    "4a": (364, 73),
    "4b": (437, 88),
    "4c": (463, 100),
    "4d": (580, 119),
    "4e": (840, 170),
    "5a": (1072, 54),
    "5b": (1388, 71),
    "linear": (1000, 1),
}
CELLS = {"3": 28 * 28, "4": 14 * 14, "5": 7 * 7}  # of the map that the modules of a stage see


def googlenet(name: str) -> GoogLeNet:
    model = zoo.build(name)
    assert isinstance(model, GoogLeNet)
    return model


def weights(row: str) -> int:
    """Weights of one row of table 1, biases aside."""
    model = zoo.skeleton("googlenet")
    stem = {"conv1": ["stem.conv1"], "conv2": ["stem.conv2", "stem.conv3"], "linear": ["head"]}
    paths = stem.get(row, [f"stages.{row[0]}.{row[1:]}"])
    return sum(p.numel() for path in paths for p in model.get_submodule(path).parameters() if p.ndim > 1)


def test_table_1_gives_these_costs() -> None:
    """Params in units of 1024, ops in millions of multiply-adds, within one: and where not, by how much."""
    cells = {"conv1": 112 * 112, "conv2": 56 * 56, "linear": 1}
    params = {row: weights(row) / 1024 for row in TABLE_1_COST}
    ops = {row: weights(row) * cells.get(row, CELLS.get(row[0], 0)) / 1e6 for row in TABLE_1_COST}
    wrong_params = {
        r: round(params[r]) for r, (printed, _) in TABLE_1_COST.items() if abs(params[r] - printed) > 1.1
    }
    wrong_ops = {r: round(ops[r]) for r, (_, printed) in TABLE_1_COST.items() if abs(ops[r] - printed) > 1}
    assert wrong_params == {"conv1": 9, "4a": 367, "4c": 498, "4d": 590, "4e": 847, "5a": 1018, "5b": 1409}
    assert wrong_ops == {"conv1": 118, "5a": 51}


def test_map_sizes_of_table_1() -> None:
    """The output size column; rounding a pool down anywhere would give 27, 13 or 6."""
    model = zoo.skeleton("googlenet")
    seen: dict[str, tuple[int, ...]] = {}

    def note(path: str, module: nn.Module) -> None:
        module.register_forward_hook(lambda m, i, out: seen.update({path: tuple(out.shape[1:])}))

    for stage in ("stem", "stages.3", "stages.4", "stages.5"):
        note(stage, model.get_submodule(stage))
    model(torch.empty(1, 3, 224, 224, device="meta"))
    assert seen == {
        "stem": (192, 28, 28),
        "stages.3": (480, 28, 28),
        "stages.4": (832, 14, 14),
        "stages.5": (1024, 7, 7),
    }


def test_reductions_make_every_module_cheaper() -> None:
    """Figure 2(a) against 2(b): the same output from 3x3 and 5x5 kernels over all channels."""
    cin = 192
    for name, (c1, _, c3, _, c5, proj) in TABLE_1.items():
        naive = cin * (c1 + 9 * c3 + 25 * c5 + proj)
        assert naive > 2 * weights(name)
        cin = c1 + c3 + c5 + proj


def test_auxiliary_heads_cost_what_caffe_says() -> None:
    """bvlc_googlenet: 6,998,552 parameters in the deploy file, 1,591,044,096 MACs in the training graph."""
    model = zoo.skeleton("googlenet")
    assert isinstance(model, GoogLeNet)
    auxiliary = sum(p.numel() for p in model.aux.parameters())
    assert sum(p.numel() for p in model.parameters()) - auxiliary == 6_998_552
    with torch.no_grad(), FlopCounterMode(display=False) as count:
        outputs = model.forward_aux(torch.empty(1, 3, 224, 224, device="meta"))
    assert [tuple(o.shape) for o in outputs] == [(1, 1000)] * 3
    assert count.get_total_flops() // 2 == 1_591_044_096


def test_auxiliary_heads_equal_torchvisions() -> None:
    """The generic twin test sees the main head only."""
    reference = torchvision.models.googlenet(weights=None, init_weights=False).eval()
    ours = googlenet("googlenet_tv")
    ours.load_state_dict(dict(zip(ours.state_dict(), reference.state_dict().values(), strict=True)))
    expected: dict[str, Tensor] = {}
    for name, head in (("inception4a", reference.aux1), ("inception4d", reference.aux2)):
        reference.get_submodule(name).register_forward_hook(
            lambda m, i, out, name=name, head=head: expected.update({name: head(out)})
        )
    image = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = reference(image)
        got = ours.forward_aux(image)
    for mine, theirs in zip(got, (logits, expected["inception4a"], expected["inception4d"]), strict=True):
        assert theirs.std() > 0
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_forward_is_the_first_of_forward_aux() -> None:
    model = googlenet("googlenet_classroom")
    image = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(model(image), model.forward_aux(image)[0])


def test_auxiliary_losses_weigh_three_tenths_and_vanish_without_forward_aux() -> None:
    """Section 5: what the stem learns is the main head's gradient and 0.3 of each other one's."""
    model = googlenet("googlenet_classroom")
    (stem,) = (p for n, p in model.stem.named_parameters() if n == "conv1.conv.weight")
    image = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    losses = [nn.functional.cross_entropy(o, torch.tensor([3, 7])) for o in model.forward_aux(image)]
    main, first, second = (torch.autograd.grad(loss, stem, retain_graph=True)[0] for loss in losses)
    (whole,) = torch.autograd.grad(losses[0] + AUX_WEIGHT * torch.stack(losses[1:]).sum(), stem)
    torch.testing.assert_close(whole, main + 0.3 * (first + second))
    assert min(first.abs().max(), second.abs().max()) > 0
    for head in model.aux.values():
        head.register_forward_hook(lambda *_: pytest.fail("forward runs an auxiliary head"))
    model(image)
    model.train()(image)


def test_too_small_for_the_auxiliary_heads() -> None:
    zoo.skeleton("googlenet", input_size=79)
    with pytest.raises(ValueError, match=r"At 78 px .* 79 px is the least\."):
        zoo.skeleton("googlenet", input_size=78)
