"""Wide ResNet: k = 1 is an ordinary ResNet, what width costs, and where the dropout sits."""

import pytest
import torch
import torchvision
from torch import nn

import zoo
from tests.zoo.twins import assert_same_logits, load_by_position, picture, shake
from zoo.anatomy import dissect
from zoo.families.preresnet import PreBasicBlock, PreResNet
from zoo.families.wide_resnet import WideBlock


@pytest.mark.parametrize("kind", ["bottleneck", "basic"])
def test_k_1_is_the_ordinary_network(kind: str) -> None:
    if kind == "bottleneck":
        reference: nn.Module = torchvision.models.resnet50(weights=None).eval()
        ours, size = zoo.build("wide_resnet50_2", k=1), 64
    else:
        reference = PreResNet(
            block=PreBasicBlock, depths=(2, 2, 2), width=16, stem="3x3", num_classes=10
        ).eval()
        ours, size = zoo.build("wrn16_10_cifar10", k=1), 32
    shake(reference)
    load_by_position(ours, reference.state_dict().values())
    assert_same_logits(ours, reference, picture(size, images=2))


@pytest.mark.parametrize("name", ["wrn28_10_cifar10", "wrn16_10_cifar10", "wrn40_8_cifar10"])
def test_the_first_number_counts_all_convolutions(name: str) -> None:
    """Section 3: n of WRN-n-k is the total of convolutions, the three of the shortcuts among them."""
    found = [m for m in zoo.skeleton(name).modules() if isinstance(m, nn.Conv2d)]
    assert f"wrn{len(found)}_" in name


@pytest.mark.parametrize("depth", [50, 101])
def test_depth_of_the_imagenet_networks(depth: int) -> None:
    assert dissect(zoo.skeleton(f"wide_resnet{depth}_2"), (3, 224, 224)).depth == depth


def test_width_costs_its_square_and_depth_its_simple() -> None:
    def weights(**knobs: int) -> int:
        stages = zoo.skeleton("wrn28_10_cifar10", **knobs).get_submodule("stages")
        return sum(m.weight.numel() for m in stages.modules() if isinstance(m, nn.Conv2d))

    assert weights(k=8) / weights(k=4) == pytest.approx(4, rel=0.01)
    twice = {f"depths.{i}": 8 for i in range(3)}
    assert weights(**twice) / weights() == pytest.approx(2, rel=0.15)


def test_dropout_stands_between_the_convolutions_and_leaves_the_shortcut_alone() -> None:
    block = WideBlock(8, 8, 1, dropout=0.5).train()
    seen: dict[str, torch.Tensor] = {}
    block.conv2.register_forward_hook(lambda m, inputs, out: seen.update(drop=inputs[0], residual=out))
    block.relu2.register_forward_hook(lambda m, inputs, out: seen.update(relu=out))
    x = torch.randn(4, 8, 6, 6)
    torch.manual_seed(0)
    with torch.no_grad():
        out = block(x)
    kept = seen["drop"] != 0
    torch.testing.assert_close(seen["drop"][kept], 2 * seen["relu"][kept])
    dropped = (~kept & (seen["relu"] > 0)).sum() / (seen["relu"] > 0).sum()
    assert dropped == pytest.approx(0.5, abs=0.1)
    assert torch.equal(out, seen["residual"] + x)
