"""Shifted windows: masks against torchvision, timm and brute force; who sees whom; what Swin V2 bounds."""

import math
from collections import Counter
from itertools import product

import pytest
import timm
import torch
from timm.models.swin_transformer import SwinTransformerBlock
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode
from torchvision import ops
from torchvision.models import swin_transformer, swin_v2_t

import zoo
from tests.zoo.twins import assert_same_logits, load_by_position, picture
from zoo.families.swin import (
    Swin,
    SwinBlock,
    WindowAttention,
    from_twin,
    relative_position_index,
    shifted_regions,
    shifted_window_mask,
    window_merge,
    window_partition,
)
from zoo.families.swin_v2 import CosineWindowAttention, SwinV2, log_offsets
from zoo.layers import StochasticDepth

SIZES = [  # height, width, window, shift
    (8, 8, 4, 2), (56, 56, 7, 3), (28, 28, 7, 3), (14, 14, 7, 3), (16, 16, 8, 4), (12, 8, 4, 1), (9, 6, 3, 2),
    (10, 15, 5, 2), (4, 8, 4, 2), (8, 4, 4, 2), (6, 6, 2, 1), (7, 14, 7, 3),
]  # fmt: skip


class SoftmaxInputs(TorchFunctionMode):
    """Notes what every softmax is given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if func is F.softmax:
            self.seen.append(args[0])
        return func(*args, **(kwargs or {}))


def torchvisions_mask(height: int, width: int, window: int, shift: int) -> Tensor:
    """With zeros for queries, keys and bias, what enters torchvision's softmax is its mask."""
    tokens = window * window
    with SoftmaxInputs() as softmax:
        swin_transformer.shifted_window_attention(
            torch.zeros(1, height, width, 1), torch.zeros(3, 1), torch.zeros(1, 1),
            torch.zeros(1, tokens, tokens), [window, window], 1, [shift, shift],
        )  # fmt: skip
    return softmax.seen[0][:, 0]


def allowed_by_brute_force(height: int, width: int, window: int, shift: int) -> Tensor:
    """Cut the picture, not rolled, at shift, shift + window, ...: who shares a window there may attend."""
    down, right = (shift if size > window else 0 for size in (height, width))
    found = []
    for top, left in product(range(0, height, window), range(0, width, window)):
        places = []
        for y, x in product(range(top, top + window), range(left, left + window)):
            row, column = (y + down) % height, (x + right) % width  # where the token comes from
            places.append(((row - down) // window, (column - right) // window))
        found.append([[one == other for other in places] for one in places])
    return torch.tensor(found)


@pytest.mark.parametrize("size", SIZES)
def test_mask_equals_torchvisions_timms_and_brute_force(size: tuple[int, int, int, int]) -> None:
    height, width, window, shift = size
    mask = shifted_window_mask(*size)
    assert torch.equal(mask, torchvisions_mask(*size))
    timms = SwinTransformerBlock(1, (height, width), 1, window_size=window, shift_size=shift).attn_mask
    assert isinstance(timms, Tensor)
    assert torch.equal(mask, timms)
    assert torch.equal(mask == 0, allowed_by_brute_force(*size))
    assert set(mask.flatten().tolist()) == {0, -100}


@pytest.mark.parametrize("size", SIZES)
def test_four_regions_give_the_same_mask_as_nine(size: tuple[int, int, int, int]) -> None:
    height, width, window, shift = size
    nine = shifted_regions(*size)
    four = torch.zeros(height, width, dtype=torch.int)
    if height > window:
        four[-shift:] += 2
    if width > window:
        four[:, -shift:] += 1
    tokens = window_partition(four[None, :, :, None], window).squeeze(-1)
    assert torch.equal((tokens[:, :, None] != tokens[:, None]) * -100.0, shifted_window_mask(*size))
    assert nine.max() > four.max()


def test_regions_of_the_toy_map() -> None:
    top, middle, bottom = [0, 0, 0, 0, 1, 1, 2, 2], [3, 3, 3, 3, 4, 4, 5, 5], [6, 6, 6, 6, 7, 7, 8, 8]
    assert shifted_regions(8, 8, 4, 2).tolist() == [top] * 4 + [middle] * 2 + [bottom] * 2


@pytest.mark.parametrize(
    ("size", "percent"),
    [((8, 8, 4, 2), 43.75), ((56, 56, 7, 3), 11.9), ((28, 28, 7, 3), 23.0), ((14, 14, 7, 3), 43.0)],
)
def test_masked_share(size: tuple[int, int, int, int], percent: float) -> None:
    share = (shifted_window_mask(*size) < 0).double().mean().item()
    assert 100 * share == pytest.approx(percent, abs=0.05)


def test_masked_share_of_each_kind_of_window() -> None:
    share = (shifted_window_mask(56, 56, 7, 3) < 0).double().mean((1, 2))
    assert Counter(round(100 * s, 1) for s in share.tolist()) == {0.0: 49, 49.0: 14, 74.0: 1}


def test_a_window_that_covers_the_map_is_not_masked() -> None:
    assert not shifted_window_mask(7, 7, 7, 3).any()


@pytest.mark.parametrize(("height", "width", "window"), [(8, 8, 4), (6, 9, 3), (14, 7, 7)])
def test_windows_are_cut_row_by_row_and_put_back(height: int, width: int, window: int) -> None:
    x = torch.arange(2 * height * width * 3).reshape(2, height, width, 3)
    windows = window_partition(x, window)
    across = width // window
    expected = x[1, window * (height // window - 1) :, window * (across - 1) :].reshape(-1, 3)
    assert torch.equal(windows[-1], expected)
    assert torch.equal(windows[across - 1][0], x[0, 0, window * (across - 1)])
    assert torch.equal(window_merge(windows, window, height, width), x)


@pytest.mark.parametrize("window", [2, 4, 7])
def test_relative_position_index_equals_torchvisions(window: int) -> None:
    theirs = swin_transformer.ShiftedWindowAttention(1, [window, window], [0, 0], 1).relative_position_index
    ours = relative_position_index(window)
    assert torch.equal(ours.flatten(), theirs)
    assert len(set(ours.flatten().tolist())) == (2 * window - 1) ** 2


def sees(blocks: nn.Sequential, row: int, column: int) -> Tensor:
    """Which tokens of an 8x8 map the token at (row, column) depends on after the blocks."""
    x = torch.randn(1, 8, 8, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (gradient,) = torch.autograd.grad(blocks(x)[0, row, column, 0], x)
    return gradient[0].abs().sum(-1) > 1e-9


def test_shifted_windows_connect_neighbours_and_not_opposite_edges() -> None:
    torch.manual_seed(0)
    stay, move = (SwinBlock(8, 2, 4, shift, 2, 0.0).eval() for shift in (0, 2))
    window = torch.zeros(8, 8, dtype=torch.bool)
    window[:4, :4] = True
    assert torch.equal(sees(nn.Sequential(stay), 3, 3), window)
    assert torch.equal(sees(nn.Sequential(stay, SwinBlock(8, 2, 4, 0, 2, 0.0)), 3, 3), window)
    moved = torch.zeros(8, 8, dtype=torch.bool)
    moved[2:6, 2:6] = True
    assert torch.equal(sees(nn.Sequential(move), 3, 3), moved)
    assert sees(nn.Sequential(stay, move), 3, 3).all()  # four windows meet in the middle
    assert torch.equal(sees(nn.Sequential(stay, move), 0, 0), window)  # what the roll joins the mask parts


def test_windows_cost_what_equation_2_says() -> None:
    """4 h w C^2 + 2 M^2 h w C; for one window over the whole map that is equation 1, with 2 (h w)^2 C."""
    for size, window in ((56, 7), (56, 56)):
        with torch.device("meta"), FlopCounterMode(display=False) as count:
            windows = (size // window) ** 2
            WindowAttention(96, 3, window)(torch.empty(windows, window * window, 96), None)
        assert count.get_total_flops() // 2 == 4 * size**2 * 96**2 + 2 * window**2 * size**2 * 96


def test_masks_of_the_classroom_variant() -> None:
    model = zoo.build("swin_classroom")
    masked: dict[str, int] = {}
    for path, module in model.named_modules():
        if isinstance(module, WindowAttention):

            def ran(m: nn.Module, inputs: tuple[Tensor, Tensor | None], path: str = path) -> None:
                if inputs[1] is not None:
                    masked[path] = int((inputs[1] < 0).flatten(1).any(1).sum())

            module.register_forward_pre_hook(ran)
    with torch.no_grad():
        model(torch.zeros(1, 3, 32, 32))
    assert masked == {"stages.0.block1.attn": 7, "stages.1.block1.attn": 3}


def randomize(model: nn.Module) -> None:
    generator = torch.Generator().manual_seed(3)
    for p in model.parameters():
        p.data.normal_(0, 0.2, generator=generator)


@pytest.mark.parametrize("height", [32, 38, 8])
@pytest.mark.parametrize("version", [1, 2])
def test_maps_that_windows_do_not_divide_are_treated_as_in_torchvision(version: int, height: int) -> None:
    """Padding, odd merges, and a window that covers one axis only."""
    ours = zoo.build("swin_classroom" if version == 1 else "swin_v2_classroom")
    assert isinstance(ours, Swin)
    theirs = swin_transformer.SwinTransformer(
        [2, 2], 32, [2, 2, 2], [2, 4, 8], [4, 4], num_classes=10,
        block=swin_transformer.SwinTransformerBlockV2 if version == 2 else None,
        downsample_layer=swin_transformer.PatchMergingV2 if version == 2 else swin_transformer.PatchMerging,
    ).eval()  # fmt: skip
    randomize(theirs)
    state = dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True))
    ours.load_state_dict(state)
    image = torch.randn(2, 3, height, 50, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(ours(image), theirs(image), rtol=1e-4, atol=1e-5)


def test_logits_equal_timms() -> None:
    reference = timm.create_model("swin_tiny_patch4_window7_224", num_classes=10).eval()
    randomize(reference)
    ours = zoo.build("swin_t", num_classes=10)
    state = from_twin("timm:swin_tiny_patch4_window7_224", reference.state_dict())
    load_by_position(ours, state)
    assert_same_logits(ours, reference, picture(224))


def test_deeper_blocks_are_dropped_more_often() -> None:
    def rates(model: nn.Module) -> list[float]:
        kinds = StochasticDepth | ops.StochasticDepth
        drops = [(path, m) for path, m in model.named_modules() if isinstance(m, kinds)]
        return [m.p for path, m in drops if not path.endswith("drop2")]

    with torch.device("meta"):
        assert rates(zoo.build("swin_v2_t")) == rates(swin_v2_t())
    assert max(rates(zoo.skeleton("swin_b"))) == 0.5


@pytest.mark.parametrize("name", ["swin_t", "swin_v2_t"])
def test_impossible_networks_are_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(ValueError, match=r"^Heads of 64 channels do not divide 96 channels\.$"):
        zoo.skeleton(name, head_width=64)


def test_v2_offsets_by_hand() -> None:
    offsets = log_offsets(8)
    assert offsets.shape == (1, 15, 15, 2)
    assert offsets[0, 7, 7].tolist() == [0, 0]
    expected = torch.tensor([-math.log2(9) / 3, math.log2(1 + 8 / 7) / 3])  # 7 rows up, 1 column to the right
    torch.testing.assert_close(offsets[0, 0, 8], expected)


def test_v2_attention_asks_for_directions_only() -> None:
    torch.manual_seed(0)
    attention = CosineWindowAttention(8, 2, 4)
    x = torch.randn(4, 16, 8)
    mask = shifted_window_mask(8, 8, 4, 2)
    with torch.no_grad():
        attention.qkv.bias.zero_()
        before = attention(x, mask)
        attention.qkv.weight[:16] *= 50  # queries and keys
        torch.testing.assert_close(attention(x, mask), before)
        attention.qkv.bias[8:16] = 3  # the keys' bias
        torch.testing.assert_close(attention(x, mask), before)
        attention.log_scale.fill_(math.log(100))
        limit = attention(x, mask)
        attention.log_scale.fill_(20)
        torch.testing.assert_close(attention(x, mask), limit)
        assert (limit - before).abs().max() > 1e-4
        attention.bias_mlp.get_parameter("2.weight").mul_(1e6)
        bias = attention.position_bias()
    assert bias.min() >= 0
    assert bias.max() <= 16


def test_v2_branches_add_signals_of_one_size() -> None:
    model = zoo.build("swin_v2_classroom")
    assert isinstance(model, SwinV2)
    randomize(model)
    block = model.get_submodule("stages.0.block1")
    assert isinstance(block, SwinBlock)
    for norm in (block.norm1, block.norm2):
        nn.init.ones_(norm.weight)
        nn.init.zeros_(norm.bias)
    for scale in (1, 100):
        x = scale * torch.randn(1, 8, 8, 32, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            added = (block(x) - x).square().mean().sqrt()
        assert 1 < added < 2.1  # two branches, each of unit variance


@pytest.mark.parametrize("name", ["swin_classroom", "swin_v2_classroom"])
def test_the_mask_takes_the_precision_of_the_scores(name: str) -> None:
    model = zoo.build(name).bfloat16()
    with torch.no_grad():
        logits = model(torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)).bfloat16())
    assert logits.dtype == torch.bfloat16
    assert logits.isfinite().all()
