"""The turned block against the families' blocks, torchvision's, and the numbers that the page opens with."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import nn
from torchvision.models import resnet as torchvision

from tests.zoo.twins import load_by_position, picture, shake
from zoo.anatomy import dissect
from zoo.blocks import Block, Costs, Dials, ResidualBlock, crossing, from_text
from zoo.families import preresnet, resnet, resnext, senet

SIZE = 14


def torchvision_downsample(cin: int, cout: int, stride: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))


def bottleneck(**others: object) -> Block:
    return replace(Block(kind="bottleneck", cin=64, width=32, cout=64), **others)  # type: ignore[arg-type]


def basic(**others: object) -> Block:
    return replace(Block(kind="basic", cin=64, width=64, cout=64), **others)  # type: ignore[arg-type]


def se(transform: nn.Sequential, shortcut: nn.Module, cin: int, cout: int) -> nn.Module:
    return senet.residual_block(transform, shortcut, cin, cout, 16, "standard")


PEERS: dict[str, tuple[Block, nn.Module]] = {
    "BasicBlock": (basic(), resnet.BasicBlock(64, 64, 1, "projection", "3x3")),
    "BasicBlock, halving": (
        basic(width=128, cout=128, stride=2, shortcut="projection"),
        resnet.BasicBlock(64, 128, 2, "projection", "3x3"),
    ),
    "BasicBlock, torchvision": (
        basic(width=128, cout=128, stride=2, shortcut="projection"),
        torchvision.BasicBlock(64, 128, 2, torchvision_downsample(64, 128, 2)),
    ),
    "BasicBlock, plain": (basic(shortcut="none"), resnet.BasicBlock(64, 64, 1, "none", "3x3")),
    "Bottleneck": (
        bottleneck(cout=128, shortcut="projection"),
        resnet.Bottleneck(64, 32, 1, "projection", "3x3"),
    ),
    "Bottleneck, identity": (
        bottleneck(cin=128, cout=128),
        resnet.Bottleneck(128, 32, 1, "projection", "3x3"),
    ),
    "v1": (
        bottleneck(cout=128, stride=2, stride_in="1x1", shortcut="projection"),
        resnet.Bottleneck(64, 32, 2, "projection", "1x1"),
    ),
    "v1.5": (
        bottleneck(cout=128, stride=2, shortcut="projection"),
        resnet.Bottleneck(64, 32, 2, "projection", "3x3"),
    ),
    "v1.5, torchvision": (
        bottleneck(cout=128, stride=2, shortcut="projection"),
        torchvision.Bottleneck(64, 32, 2, torchvision_downsample(64, 128, 2)),
    ),
    "ResNet-D": (
        bottleneck(cout=128, stride=2, shortcut="average"),
        resnet.Bottleneck(64, 32, 2, "average", "3x3"),
    ),
    "ResNeXt": (
        bottleneck(cout=128, width=64, groups=8, stride=2, shortcut="projection"),
        resnext.ResNeXtBlock(64, 8, 128, 8, 2, "projection"),
    ),
    "ResNeXt, torchvision": (
        bottleneck(cout=128, width=64, groups=8, stride=2, shortcut="projection"),
        torchvision.Bottleneck(64, 32, 2, torchvision_downsample(64, 128, 2), groups=8, base_width=16),
    ),
    "pre-activation": (
        bottleneck(cout=128, stride=2, stride_in="1x1", order="pre", shortcut="projection"),
        preresnet.PreBottleneck(64, 32, 2, "identity", "1x1"),
    ),
    "pre-activation, identity": (
        bottleneck(cin=128, cout=128, order="pre"),
        preresnet.PreBottleneck(128, 32, 1, "identity", "1x1"),
    ),
    "pre-activation, always projected": (
        bottleneck(cin=128, cout=128, order="pre", shortcut="projection"),
        preresnet.PreBottleneck(128, 32, 1, "convolution", "1x1"),
    ),
    "pre-activation BasicBlock": (
        basic(width=128, cout=128, stride=2, order="pre", shortcut="projection"),
        preresnet.PreBasicBlock(64, 128, 2, "identity", "3x3"),
    ),
    "SE": (
        bottleneck(cin=128, cout=128, excite=True),
        se(senet.bottleneck(128, 32, 32, 128, 1, 1, "3x3"), nn.Identity(), 128, 128),
    ),
    "SE, halving": (
        bottleneck(cout=128, stride=2, excite=True, shortcut="projection"),
        se(senet.bottleneck(64, 32, 32, 128, 2, 1, "3x3"), senet.make_shortcut(1, 64, 128, 2), 64, 128),
    ),
    "SE-BasicBlock": (basic(excite=True), se(senet.basic(64, 64, 1), nn.Identity(), 64, 64)),
}


@pytest.mark.parametrize("name", PEERS)
def test_same_counts_and_with_the_same_weights_the_same_map(name: str) -> None:
    block, peer = PEERS[name]
    ours = ResidualBlock(block)
    shape = (block.cin, SIZE, SIZE)
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in peer.parameters())
    if not type(peer).__module__.startswith("torchvision"):  # whose ReLU works in place, and runs three times
        assert dissect(ours, shape).macs == dissect(peer, shape).macs
    shake(peer)
    load_by_position(ours, peer.state_dict().values())
    x = picture(SIZE, images=2, channels=block.cin)
    with torch.no_grad():
        expected, got = peer.eval()(x), ours.eval()(x)
    assert expected.shape == (2, block.cout, SIZE // block.stride, SIZE // block.stride)
    assert torch.allclose(got, expected, atol=1e-5)


def test_the_numbers_of_the_question() -> None:
    """256 channels in, 256 out: two 3x3 convolutions, or 1x1, 3x3, 1x1 at a quarter of the width."""
    plain, narrow = (Costs(block, 56) for block in Dials().blocks)
    assert plain.shares["convolutions"] == 256 * 256 * 3 * 3 + 256 * 256 * 3 * 3 == 1_179_648
    assert narrow.shares["convolutions"] == 256 * 64 + 3 * 3 * 64 * 64 + 64 * 256 == 69_632
    assert plain.shares["batch norm"] == 2 * (256 + 256)
    assert narrow.shares["batch norm"] == 2 * (64 + 64 + 256)
    assert plain.shares["projection"] == narrow.shares["projection"] == 0
    assert plain.anatomy.macs == 1_179_648 * 56 * 56
    assert narrow.anatomy.macs == 69_632 * 56 * 56


def test_the_pair_of_the_paper() -> None:
    """Figure 5: 64 channels beside 256. About the same parameters, and 3.2 times the memory in training."""
    plain, narrow = (Costs(block, 56) for block in Dials(basic="paper").blocks)
    assert plain.shares["convolutions"] == 2 * 64 * 64 * 9 == 73_728
    assert narrow.shares["convolutions"] == 69_632
    assert narrow.amount("memory") / plain.amount("memory") == pytest.approx(3.2, abs=0.01)


def test_the_answer_to_the_pages_question() -> None:
    """In the paper's pair the kernel decides who has fewer weights, and changes nothing that is kept."""
    kept = set()
    for kernel, expected in ((5, (204_800, 135_168)), (3, (73_728, 69_632)), (1, (8_192, 36_864))):
        pair = [Costs(block, 56) for block in Dials(basic="paper", kernel=kernel).blocks]
        assert tuple(found.shares["convolutions"] for found in pair) == expected
        kept.add(tuple(found.amount("memory") for found in pair))
    assert len(kept) == 1


def test_shares_add_up_to_the_whole() -> None:
    for block in Dials(ratio=2, stride=2, excite=True).blocks:
        found = Costs(block, 28)
        assert sum(found.shares.values()) == found.anatomy.params
        assert found.shares["projection"] == block.cin * block.cout
        assert (
            found.shares["squeeze and excite"]
            == 2 * block.cout * (block.cout // 16) + block.cout // 16 + block.cout
        )
        assert set(found.kept) <= {layer.path for layer in found.anatomy.layers}


def test_every_turn_of_the_dials_is_possible() -> None:
    """Corners of every dial against each other: a block that can be built and counted."""
    for channels, ratio, expansion, stride, groups in product((32, 96), (1, 8), (1, 4), (1, 2), (1, 32)):
        for shortcut, order in product(("identity", "projection", "average", "none"), ("post", "pre")):
            for fits in ("same", "paper"):
                dials = Dials(
                    channels=channels, ratio=ratio, expansion=expansion, stride=stride, groups=groups,
                    shortcut=shortcut, order=order, basic=fits, kernel=7, size=7, stride_in="1x1",
                )  # fmt: skip
                for block in dials.blocks:
                    assert (channels // ratio) % block.groups == 0
                    with torch.device("meta"):
                        out = ResidualBlock(block)(torch.empty(1, block.cin, 7, 7))
                    assert out.shape == (1, block.cout, -(-7 // stride), -(-7 // stride))


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        ({"groups": 3}, "3 groups do not divide 32 channels"),
        ({"stride": 2}, "the shortcut needs a projection"),
        ({"kernel": 4}, "no middle pixel"),
        ({"width": 0}, "at least 1"),
        ({"kind": "basic", "groups": 2}, "Only the middle convolution"),
        ({"shortcut": "padding"}, "one of identity, projection, average, none, not 'padding'"),
    ],
)
def test_what_cannot_be_is_a_sentence(others: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        bottleneck(**others)


def test_a_block_for_the_clock_is_the_block_and_gives_its_input_a_gradient() -> None:
    block = basic()
    timed = from_text(block.text)
    x = picture(SIZE, images=2, channels=64)
    ours = ResidualBlock(block)
    load_by_position(ours, timed.state_dict().values())
    assert torch.equal(ours.train()(x), timed.train()(x))
    seen: list[bool] = []
    timed.get_submodule("block").register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0].requires_grad)
    )
    for training in (True, False):
        timed.train(training)(x)
    assert seen == [True, False]
    assert not x.requires_grad


def test_crossings() -> None:
    """16 c beside c squared: equal at 16. Lines that touch at the end or never cross have none."""
    channels = (4, 8, 32, 64)
    linear, square = [16 * c for c in channels], [c * c for c in channels]
    assert crossing(channels, linear, square) == pytest.approx((16, 256))
    assert crossing(channels, square, linear) == pytest.approx((16, 256))
    assert crossing(channels, linear, [2 * cost for cost in linear]) is None
    assert crossing((4, 8, 16, 32), [16 * c for c in (4, 8, 16, 32)], [c * c for c in (4, 8, 16, 32)]) == (
        16,
        256,
    )
    assert crossing((4, 8, 16), [16 * c for c in (4, 8, 16)], [c * c for c in (4, 8, 16)]) is None


def test_where_the_papers_pair_crosses() -> None:
    """With the norms 1.125 c^2 + c beside 1.0625 c^2 + 3 c parameters: equal at 32 channels."""
    pairs = [Dials(channels=c, basic="paper", size=7).blocks for c in (16, 32, 64)]
    one, other = ([Costs(pair[i], 7).amount("params") for pair in pairs] for i in (0, 1))
    assert crossing((16, 32, 64), one, other) == pytest.approx((32, 36 * 32 + 32))
