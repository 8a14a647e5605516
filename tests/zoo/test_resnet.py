"""What is special about ResNet: the two blocks' cost, option A, and the plain twins."""

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock as TorchvisionBlock

import zoo
from zoo.families.resnet import BasicBlock, Bottleneck, PaddingShortcut


def weights(block: nn.Module) -> int:
    return sum(m.weight.numel() for m in block.modules() if isinstance(m, nn.Conv2d))


def test_the_two_blocks_at_256_channels() -> None:
    assert weights(BasicBlock(256, 256, 1, "projection", "3x3")) == 2 * 256 * 256 * 3 * 3 == 1_179_648
    assert (
        weights(Bottleneck(256, 64, 1, "projection", "3x3"))
        == 256 * 64 + 3 * 3 * 64 * 64 + 64 * 256
        == 69_632
    )


@pytest.mark.parametrize(
    ("name", "params"),
    [("resnet20_cifar10", 269_722), ("resnet56_cifar10", 853_018), ("resnet110_cifar10", 1_727_962)],
)
def test_option_a_gives_the_papers_cifar_networks(name: str, params: int) -> None:
    """Table 6 prints 0.27, 0.85 and 1.7 million; the exact figures follow from section 4.2."""
    model = zoo.skeleton(name, shortcut="padding")
    assert sum(p.numel() for p in model.parameters()) == params


def test_option_a_takes_every_second_pixel_and_adds_empty_channels() -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    y = PaddingShortcut(1, 3, 2)(x)
    assert y.tolist() == [[[[0, 2], [8, 10]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]]]


class BlockWithoutShortcut(TorchvisionBlock):  # type: ignore[misc]
    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))


@pytest.mark.parametrize(("name", "depths"), [("plain18", [2, 2, 2, 2]), ("plain34", [3, 4, 6, 3])])
def test_plain_networks_are_torchvisions_without_shortcuts(name: str, depths: list[int]) -> None:
    reference = torchvision.models.ResNet(BlockWithoutShortcut, depths).eval()
    state = {k: v for k, v in reference.state_dict().items() if "downsample" not in k}
    ours = zoo.build(name)
    ours.load_state_dict(dict(zip(ours.state_dict(), state.values(), strict=True)))
    image = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours(image), reference(image), rtol=1e-5, atol=1e-6)


def test_no_shortcut_no_way_around() -> None:
    """With its last norm at zero a residual block passes its input on; a plain block passes nothing."""
    x = torch.rand(1, 16, 8, 8)
    for kind, expected in (("projection", x), ("none", torch.zeros_like(x))):
        block = BasicBlock(16, 16, 1, kind, "3x3").eval()
        nn.init.zeros_(block.norm2.weight)
        with torch.no_grad():
            assert torch.equal(block(x), expected)
