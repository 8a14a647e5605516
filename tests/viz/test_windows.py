"""Windows, regions and masks against torchvision, timm, the paper's figures and brute force."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from viz import windows
from viz.windows import Layout

TOY = Layout(height=8, width=8, window=4, shift=2)


def of_torchvision(side: int, window: int, shift: int) -> Tensor:
    """The mask that torchvision adds: softmax's input where queries, keys and biases are zero."""
    from torch.overrides import TorchFunctionMode
    from torchvision.models.swin_transformer import shifted_window_attention

    taken: list[Tensor] = []

    class Take(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            if getattr(func, "__name__", "") == "softmax":
                taken.append(args[0])
            return func(*args, **(kwargs or {}))

    tokens = window**2
    with Take():
        shifted_window_attention(
            torch.zeros(1, side, side, 4), torch.zeros(12, 4), torch.zeros(4, 4),
            torch.zeros(1, 1, tokens, tokens), [window, window], 1, [shift, shift],
        )  # fmt: skip
    return taken[0].squeeze(1)


@pytest.mark.parametrize(
    ("side", "window", "shift"),
    [(8, 4, 2), (56, 7, 3), (28, 7, 3), (14, 7, 3), (7, 7, 3), (12, 4, 1), (12, 6, 5)],
)
def test_masks_are_those_of_torchvision_and_timm(side: int, window: int, shift: int) -> None:
    from timm.models.swin_transformer import SwinTransformerBlock

    layout = Layout(height=side, width=side, window=window, shift=shift)
    assert torch.equal(layout.mask, of_torchvision(side, window, shift))
    timms = SwinTransformerBlock(8, (side, side), 1, window_size=window, shift_size=shift).attn_mask
    assert torch.equal(layout.mask, timms) if isinstance(timms, Tensor) else not layout.mask.any()


@pytest.mark.parametrize(
    ("side", "window", "shift", "share"),
    [(8, 4, 2, 0.4375), (56, 7, 3, 0.119), (28, 7, 3, 0.230), (14, 7, 3, 0.430), (7, 7, 3, 0.0)],
)
def test_shares_that_are_masked(side: int, window: int, shift: int, share: float) -> None:
    """8 x 8 by hand: windows with 0, 1/2, 1/2 and 3/4 of their pairs apart. Swin-T's: share of its stages."""
    layout = Layout(height=side, width=side, window=window, shift=shift)
    assert layout.masked == pytest.approx(share, abs=5e-4)


def test_regions_of_the_toy_by_hand() -> None:
    rows = ["00001122"] * 4 + ["33334455"] * 2 + ["66667788"] * 2
    assert ["".join(map(str, row)) for row in TOY.regions.tolist()] == rows


def test_the_first_cell_of_the_rolled_toy_is_the_token_two_down_and_two_right() -> None:
    assert TOY.rolled[0, 0] == 2 * 8 + 2
    assert TOY.rolled[7, 7] == 1 * 8 + 1
    assert TOY.places[3].reshape(4, 4)[:, 0].tolist() == [6 * 8 + 6, 7 * 8 + 6, 6, 8 + 6]


sizes = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 5)).flatmap(
    lambda s: st.tuples(st.just(s[0]), st.just(s[1]), st.just(s[2]), st.integers(0, s[2] - 1))
)


@given(sizes)
def test_the_mask_is_where_tokens_were_no_neighbours(size: tuple[int, int, int, int]) -> None:
    """Brute force: a pair is allowed if both lie in one window of the map that is cut without rolling."""
    height, width, window, shift = size
    layout = Layout(height=height, width=width, window=window, shift=shift)
    groups, pairs = layout.groups(), windows.unrolled(layout.rows, layout.columns, window, shift)
    for one in range(height * width):
        own = divmod(one, width)
        wanted = pairs[:height, :width] == pairs[own]
        assert torch.equal(layout.partners(*own), wanted)
        assert torch.equal(groups == groups[own], wanted)


@given(sizes)
def test_four_regions_give_the_mask_of_nine(size: tuple[int, int, int, int]) -> None:
    height, width, window, shift = size
    layout = Layout(height=height, width=width, window=window, shift=shift)
    assert torch.equal(windows.mask_of(layout.four, window), layout.mask)
    assert torch.equal(windows.mask_of(layout.regions, window), layout.mask)


def test_how_far_a_token_sees_in_the_toy() -> None:
    """By hand: the corner sees its window of 4 x 4, through the shifted windows 6 x 6, then everything."""
    still = Layout(height=8, width=8, window=4)
    after = windows.seen((still, TOY, still, TOY), 0, 0)
    assert int((after == 0).sum()) == 1
    assert [int(((after >= 0) & (after <= n)).sum()) for n in (1, 2, 3, 4)] == [16, 16, 64, 64]
    inner = windows.seen((still, TOY), 3, 3)  # its shifted window touches all four windows
    assert int((inner >= 0).sum()) == 64
    never = windows.seen((still,) * 4, 3, 3)
    assert int((never >= 0).sum()) == 16


def test_without_the_mask_a_corner_attends_to_the_opposite_one() -> None:
    assert TOY.partners(0, 0, mask=False)[7, 7]
    assert not TOY.partners(0, 0)[7, 7]
    assert int(TOY.partners(0, 0, mask=False).sum()) == 16
    assert int(TOY.partners(0, 0).sum()) == 4


def test_rolling_saves_the_padded_windows() -> None:
    """Section 3.2 of the paper: 2 x 2 windows become 3 x 3, 2.25 times as many, unless they are rolled."""
    assert (TOY.count, windows.separate_windows(8, 8, 4, 2)) == (4, 9)
    assert windows.separate_windows(7, 7, 7, 3) == 1


@pytest.mark.parametrize("wrong", [{"height": 0}, {"shift": 4}, {"shift": -1}])
def test_sizes_that_there_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"(at least one token|take 0 to)"):
        Layout(**{"height": 8, "width": 8, "window": 4, "shift": 2} | wrong)
    with pytest.raises(ValueError, match="there is none at 8, 0"):
        TOY.partners(8, 0)
