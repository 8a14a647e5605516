"""SENet: the block by hand, what it costs, where it stands; SE-BN-Inception, which has no runnable peer."""

import math

import pytest
import torch
from pytorchcv.model_provider import get_model as pytorchcv_model
from torch import Tensor, nn

import zoo
from tests.zoo.twins import assert_same_logits, load_by_position, picture, shake
from zoo.anatomy import dissect
from zoo.families.senet import SqueezeExcite, basic, make_shortcut, residual_block


def excitations(model: nn.Module) -> list[SqueezeExcite]:
    return [m for m in model.modules() if isinstance(m, SqueezeExcite)]


def gates(model: nn.Module, bias: float) -> None:
    """All factors sigmoid(bias), whatever the squeeze says: 40 opens every gate, -200 shuts it."""
    for module in excitations(model):
        nn.init.zeros_(module.fc2.weight)
        assert module.fc2.bias is not None
        nn.init.constant_(module.fc2.bias, bias)


def test_squeeze_and_excitation_by_hand() -> None:
    """Averages 2 and 6; hidden units 2 - 6 = -4, cut to 0, and 6; gates sigmoid(0 + 1) and sigmoid(6 - 6)."""
    block = SqueezeExcite(2, 2)
    for layer, weight, bias in (
        (block.fc1, [[1.0, -1.0], [0.0, 1.0]], [0.0, 0.0]),
        (block.fc2, [[5.0, 0.0], [0.0, 1.0]], [1.0, -6.0]),
    ):
        assert layer.bias is not None
        layer.weight.data = torch.tensor(weight).reshape(2, 2, 1, 1)
        layer.bias.data = torch.tensor(bias)
    x = torch.tensor([[[[0.0, 4.0]], [[5.0, 7.0]]]])
    first = 1 / (1 + math.exp(-1))
    expected = torch.tensor([[[[0.0, 4 * first]], [[2.5, 3.5]]]])
    torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize(("reduction", "millions"), [(2, 45.7), (4, 35.6), (8, 30.6), (16, 28.1), (32, 26.8)])
def test_parameters_by_the_papers_formula(reduction: int, millions: float) -> None:
    """Section 4: 2/r times the sum over stages of blocks x channels^2, the biases aside."""
    model = zoo.skeleton("seresnet50", reduction=reduction)
    blocks_and_channels = ((3, 256), (4, 512), (6, 1024), (3, 2048))
    formula = 2 * sum(n * c**2 for n, c in blocks_and_channels) // reduction
    weights = sum(m.fc1.weight.numel() + m.fc2.weight.numel() for m in excitations(model))
    biases = sum(n * (c + c // reduction) for n, c in blocks_and_channels)
    params = sum(p.numel() for p in model.parameters())
    assert weights == formula
    assert params == 25_557_032 + formula + biases  # torchvision's resnet50, and what is new
    assert params / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("place", ["standard", "pre", "post", "identity"])
def test_where_the_block_stands(place: str) -> None:
    """Open gates leave a residual block as it was; shut ones cut what their place is on."""
    transform, shortcut = basic(4, 8, 2), make_shortcut(1, 4, 8, 2)
    x = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    nothing = torch.zeros_like(x)
    for part in (transform, shortcut):
        shake(part)
        part.eval()
    with torch.no_grad():
        added, around, without_input = transform(x), shortcut(x), transform(nothing)
        shut: dict[str, Tensor] = {
            "standard": around,
            "pre": without_input + around,
            "post": torch.zeros_like(around),
            "identity": added + shortcut(nothing),
        }
        block = residual_block(transform, shortcut, 4, 8, reduction=2, place=place).eval()
        gates(block, 40)
        torch.testing.assert_close(block(x), torch.relu(added + around))
        gates(block, -200)
        torch.testing.assert_close(block(x), torch.relu(shut[place]))


def test_the_names_that_mislead() -> None:
    """timm's seresnet50 strides in the 3x3: same parameters, 231 million MACs more."""
    turned = dissect(zoo.skeleton("seresnet50", stride_in="3x3"), (3, 224, 224))
    assert (turned.params, turned.macs) == (28_088_024, 4_091_699_200)


def same_logits(ours: nn.Module, reference: nn.Module) -> None:
    assert_same_logits(ours, reference, picture(224))


@pytest.mark.parametrize("name", ["seresnet18", "seresnet34"])
def test_basic_blocks_are_pytorchcvs_but_for_the_first_pool(name: str) -> None:
    reference = pytorchcv_model(name, pretrained=False).eval()
    shake(reference)
    reference.features.init_block.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
    ours = zoo.build(name)
    load_by_position(ours, reference.state_dict().values())
    same_logits(ours, reference)


# models/SE-BN-Inception.prototxt of the authors: num_output of inception_*_1x1_down and _1x1_up
PROTOTXT = {
    "3a": (16, 256),
    "3b": (20, 320),
    "3c": (36, 576),
    "4a": (36, 576),
    "4b": (36, 576),
    "4c": (38, 608),
    "4d": (38, 608),
    "4e": (66, 1056),
    "5a": (64, 1024),
    "5b": (64, 1024),
}


def test_se_bn_inception_has_the_excitations_of_the_prototxt() -> None:
    found = excitations(zoo.skeleton("se_bn_inception"))
    assert [(m.fc1.out_channels, m.fc2.out_channels) for m in found] == list(PROTOTXT.values())


def test_se_bn_inception_with_open_gates_is_bn_inception() -> None:
    reference = pytorchcv_model("bninception", pretrained=False).eval()
    shake(reference)
    for module in reference.modules():
        if isinstance(module, nn.Conv2d) and module.bias is not None:
            nn.init.zeros_(module.bias)  # we, like the prototxt, have none
    theirs = {k: v for k, v in reference.state_dict().items() if not k.endswith("conv.bias")}
    ours = zoo.build("se_bn_inception")
    inside = {id(p) for m in excitations(ours) for p in m.parameters()}
    mine = [t for t in ours.state_dict(keep_vars=True).values() if id(t) not in inside]
    for tensor, value in zip(mine, theirs.values(), strict=True):
        assert tensor.shape == value.shape
        tensor.data.copy_(value)
    gates(ours, 40)
    same_logits(ours, reference)
