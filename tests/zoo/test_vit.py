"""What the ViT paper says of its network: table 1, appendix A, and what attention does not know by itself."""

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

import zoo
from zoo.families.vit import Attention, EncoderBlock, ViT, from_twin

TABLE_1 = {  # layers, hidden size D, MLP size, heads
    "vit_b_16": (12, 768, 3072, 12),
    "vit_l_16": (24, 1024, 4096, 16),
    "vit_h_14": (32, 1280, 5120, 16),
}


def small(**turned: int) -> ViT:
    model = zoo.build("vit_classroom", **turned)
    assert isinstance(model, ViT)
    return model


def picture(seed: int = 0) -> Tensor:
    return torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", TABLE_1)
def test_sizes_are_those_of_table_1(name: str) -> None:
    model = zoo.skeleton(name)
    assert isinstance(model, ViT)
    block = model.stages[-1]
    assert isinstance(block, EncoderBlock)
    hidden = block.mlp.get_parameter("linear1.weight").shape[0]
    found = (len(model.stages), model.head.in_features, hidden, block.attn.heads)
    assert found == TABLE_1[name]


def test_attention_by_hand() -> None:
    """Two tokens of one number, all maps the identity: softmax over the products of the two numbers."""
    attention = Attention(1, 1)
    for linear in (attention.qkv, attention.proj):
        linear.weight.data.fill_(1)
        linear.bias.data.zero_()
    x = torch.tensor([[[1.0], [2.0]]])
    e = torch.tensor([1.0, 2.0, 4.0]).exp()  # the products 1 x 1, 1 x 2 and 2 x 2
    expected = torch.stack(((1 * e[0] + 2 * e[1]) / (e[0] + e[1]), (1 * e[1] + 2 * e[2]) / (e[1] + e[2])))
    torch.testing.assert_close(attention(x), expected.reshape(1, 2, 1))


def test_each_head_weighs_all_tokens() -> None:
    model = small()
    seen: list[Tensor] = []
    softmax = model.get_submodule("stages.2.attn.softmax")
    softmax.register_forward_hook(lambda module, inputs, output: seen.append(output))
    with torch.no_grad():
        model(picture())
    assert seen[0].shape == (2, 3, 65, 65)
    torch.testing.assert_close(seen[0].sum(-1), torch.ones(2, 3, 65))


def test_without_positions_a_picture_is_a_bag_of_patches() -> None:
    model = small()
    patches = picture().reshape(2, 3, 8, 4, 8, 4)
    turned = patches.flip(2, 4).reshape(2, 3, 32, 32)  # the patches in reverse order, each as it was
    with torch.no_grad():
        assert (model(picture()) - model(turned)).abs().max() > 1e-3
        model.position.vectors.zero_()
        torch.testing.assert_close(model(picture()), model(turned), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("tokens", "width"), [(197, 768), (785, 768)])
def test_pairs_cost_what_appendix_a_says(tokens: int, width: int) -> None:
    """4 N D^2 for the four projections, 2 N^2 D for comparing and gathering."""
    with torch.device("meta"), FlopCounterMode(display=False) as count:
        Attention(width, 12)(torch.empty(1, tokens, width))
    assert count.get_total_flops() // 2 == 4 * tokens * width**2 + 2 * tokens**2 * width


def test_an_untrained_net_tells_pictures_and_classes_apart() -> None:
    with torch.no_grad():
        one, other = small()(picture())
    assert one.std() > 0.01
    assert (one - other).abs().max() > 0.01


def test_positions_follow_the_input_size() -> None:
    model = zoo.skeleton("vit_b_16", input_size=384)
    assert sum(p.numel() for p in model.parameters()) == 86_567_656 + (577 - 197) * 768


@pytest.mark.parametrize(
    ("name", "turned", "sentence"),
    [
        ("vit_b_16", {"input_size": 100}, r"^Patches of 16 px do not divide a picture of 100 px\.$"),
        ("vit_b_16", {"input_size": 0}, r"^Patches of 16 px do not divide a picture of 0 px\.$"),
        ("vit_classroom", {"patch": 14}, r"^Patches of 14 px do not divide a picture of 32 px\.$"),
        ("vit_l_16", {"width": 1280, "heads": 12}, r"^12 heads do not divide 1280 channels\.$"),
    ],
)
def test_impossible_networks_are_refused_with_a_sentence(
    name: str, turned: dict[str, int], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        zoo.skeleton(name, **turned)


def test_only_timm_keeps_positions_before_patches() -> None:
    names = ("class", "second", "third", "fourth", "rest")
    state = {name: torch.full((1,), i) for i, name in enumerate(names)}
    assert [int(t) for t in from_twin("torchvision:vit_b_16", state)] == [0, 1, 2, 3, 4]
    assert [int(t) for t in from_twin("timm:vit_tiny_patch16_224", state)] == [0, 2, 3, 1, 4]
