"""Stochastic depth: the coin, the survival probabilities, and the network that is left at test time."""

import pytest
import torch
from pytorchcv.model_provider import get_model as pytorchcv_model
from torch import Tensor, nn

import zoo
from tests.zoo.twins import assert_same_logits, load_by_position, picture, shake
from zoo.families.stochastic_depth import StochasticBlock, survival


def blocks_of(model: nn.Module) -> list[StochasticBlock]:
    return [m for m in model.modules() if isinstance(m, StochasticBlock)]


def test_survival_falls_evenly_to_one_half() -> None:
    """Equation 4, and the number of blocks that section 3 expects of it: (3L - 1) / 4, about 40 of 54."""
    found = [block.survival for block in blocks_of(zoo.skeleton("resnet110_sd_cifar10"))]
    assert found == [pytest.approx(1 - i / 54 * 0.5) for i in range(1, 55)]
    assert sum(found) == pytest.approx((3 * 54 - 1) / 4) == 40.25
    assert [survival(i, 4, 0.2) for i in (1, 4)] == [pytest.approx(0.8), pytest.approx(0.2)]


def test_the_output_afterwards_is_the_mean_of_the_two_while_training() -> None:
    """With norms in eval mode and no ReLU behind the sum a training pass has two outcomes, x and x + f(x)."""
    torch.manual_seed(0)
    block = StochasticBlock(4, 4, 1, "projection", survival=0.7).double().eval()
    block.relu2 = nn.Identity()  # type: ignore[assignment]
    x = torch.randn(2, 4, 5, 5, dtype=torch.float64)
    with torch.no_grad():
        afterwards = block(x)
        block.training = True  # the block alone: its norms stay in eval mode
        passes = torch.stack([block(x) for _ in range(2000)])
    dropped = (passes == x).flatten(1).all(1)
    alive = passes[~dropped]
    assert torch.equal(alive, alive[:1].expand_as(alive))
    assert dropped.double().mean() == pytest.approx(0.3, abs=4 * (0.3 * 0.7 / 2000) ** 0.5)
    torch.testing.assert_close(0.7 * alive[0] + 0.3 * x, afterwards)


def test_a_dropped_block_is_not_computed() -> None:
    block = StochasticBlock(4, 8, 2, "projection", survival=0.0).train()
    block.conv1.register_forward_hook(lambda *_: pytest.fail("computed"))
    x = torch.randn(2, 4, 6, 6)
    assert block.shortcut is not None
    block.shortcut.eval()
    with torch.no_grad():
        assert torch.equal(block(x), block.shortcut(x).relu())


def test_each_block_survives_as_often_as_it_should() -> None:
    model = zoo.build("stochastic_depth_classroom", last_survival=0.4).train()
    blocks = blocks_of(model)
    computed = [0] * len(blocks)
    for i, block in enumerate(blocks):

        def count(m: nn.Module, inputs: object, out: Tensor, i: int = i) -> None:
            computed[i] += 1

        block.conv1.register_forward_hook(count)
    torch.manual_seed(0)
    with torch.no_grad():
        for _ in range(400):
            model(torch.zeros(2, 3, 8, 8))
    assert [n / 400 for n in computed] == [pytest.approx(1 - i / 6 * 0.6, abs=0.1) for i in range(1, 7)]


@pytest.mark.parametrize("last", [1.0, 0.5])
def test_resnet110_sd_cifar10_equals_resnet110_with_weighted_branches(last: float) -> None:
    """With every p = 1 the twin as it is; else the twin with the output of branch l times p_l."""
    reference = pytorchcv_model("resnet110_cifar10", pretrained=False).eval()
    shake(reference)
    ours = zoo.build("resnet110_sd_cifar10", last_survival=last)
    load_by_position(ours, reference.state_dict().values())
    branches = [m.body for m in reference.modules() if hasattr(m, "resize_identity")]
    assert len(branches) == 54
    for i, branch in enumerate(branches, 1):
        branch.register_forward_hook(lambda m, inputs, out, p=1 - i / 54 * (1 - last): p * out)
    assert_same_logits(ours, reference, picture(32, images=2))
